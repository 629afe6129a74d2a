"""What a region's colour is judged by beside its mean: places, gradient, mottle and match.

All of it works on bins of 2 x 2 pixels or means of tiles in linear light; L*a*b* is of these means. Noise
makes every spread and every difference of single places too large on average, so its variance is found and
removed: of bins, from second mixed differences, which smooth shading does not reach; of tiles, from their
bins. The golden sample, measured on the same station, is the reference of all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.colour.camera import ColourCalibration
from golden.colours import Formula
from kernels.bins import tile_sums
from kernels.compiled import F64, Mask
from vision.colour.difference import delta_e
from vision.colour.region import NotRead, RegionReading
from vision.colour.uncertainty import ColourDifference, Contribution, Reading, assess

MOTTLE_TILE_MM = 1.27  # ISO 13660:2001
_FEWEST_TILES = 9
_TILES = 8  # along each side of the window, for gradients
_FILLED = 0.5  # of a tile's bins
SHARE = 0.95  # of places: p95
_CHANCE = 4.0  # relative standard deviations, each one over the root of n, by which n bins spread by chance
_NOISE_KNOWN = 0.1  # relative standard uncertainty of the variance of tiles' noise that is removed
_PLACES_KNOWN = 0.05  # of what noise adds to a percentile, standard uncertainty
_FLOOR_KNOWN = 0.25  # the same, where a few placements tell
_SOUGHT = (
    1.67  # mean of the larger of two directions' squared noise of three components, over one direction's
)


@dataclass(frozen=True, slots=True)
class Asked:
    """How differences are expressed: the formula, and the coverage factor of their intervals."""

    formula: Formula = "CIEDE2000"
    coverage_factor: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Gradient:
    """The plane through a region's L*a*b*.

    Attributes:
        slopes: (3, 2) dL*a*b* per pixel of the golden view along x and y.
        scatter: (3, 3) covariance of a tile's L*a*b* about the plane.
        spread: (2, 2): along a direction d the slopes' covariance is `scatter` times d' spread d.
        degrees_of_freedom: of the scatter.
    """

    slopes: F64
    scatter: F64
    spread: F64
    degrees_of_freedom: float


@dataclass(frozen=True, slots=True)
class Mottle:
    """How uneven a region is: variance of the L* of tiles about their plane, noise removed.

    It may lie below 0 by chance; `u_variance` is its standard uncertainty.
    """

    variance: float
    u_variance: float


def place_differences(
    reading: RegionReading, calibration: ColourCalibration, mean: ColourDifference, golden: F64, asked: Asked
) -> ColourDifference:
    """Return the 95th percentile of the differences of a region's places to the golden sample's mean colour.

    Places are bins of 2 x 2 pixels. Their deviations from the region's mean are shrunk until their
    covariance is what it is less that of the noise: an even region gets the difference of its mean, noisy or
    not.

    Args:
        reading: the unit's region.
        calibration: of the camera.
        mean: difference of the region's mean.
        golden: (3,) L*a*b* of the golden sample's region.
        asked: formula and coverage factor.
    """
    lab = calibration.lab(reading.light[reading.used].astype(np.float64))
    centre = calibration.lab(reading.rgb)
    rest = lab - centre
    to_lab = calibration.lab_jacobian(reading.rgb)
    noise = to_lab @ bin_noise(reading) @ to_lab.T * (1 + _CHANCE / math.sqrt(len(rest)))
    shrunk = rest @ _without(rest.T @ rest / len(rest), noise).T
    raw, freed = (
        float(np.quantile(delta_e(golden, centre + deviation, asked.formula), SHARE))
        for deviation in (rest, shrunk)
    )
    return _percentile(freed, raw, mean, asked, _PLACES_KNOWN)


def pattern_difference(seen: F64, floor: float, mean: ColourDifference, asked: Asked) -> ColourDifference:
    """Return the 95th percentile of the differences (n,) of a pattern, what placements alone show taken off.

    As squares, since noise and difference add up so; `floor` is the same percentile of the golden sample's
    placements to each other.
    """
    raw = float(np.quantile(seen, SHARE))
    return _percentile(math.sqrt(max(raw**2 - floor**2, 0.0)), raw, mean, asked, _FLOOR_KNOWN)


def _percentile(
    value: float, raw: float, mean: ColourDifference, asked: Asked, known: float
) -> ColourDifference:
    """Return a percentile of lengths with its interval; `known` is the relative u of what was taken off.

    It moves at most as far as the vector that all lengths share, so what is not known of the mean bounds it.
    """
    taken = asked.coverage_factor * known * (raw - value)
    low = max(0.0, value - math.hypot(mean.value - mean.low, taken))
    high = value + math.hypot(mean.high - mean.value, taken)
    return replace(
        mean, value=value, uncorrected=raw, low=low, high=high, lines=(),
        standard_uncertainty=max(mean.standard_uncertainty, (high - low) / (2 * asked.coverage_factor)),
    )  # fmt: skip


def gradient(reading: RegionReading, calibration: ColourCalibration, stretch: F64) -> Gradient | NotRead:
    """Fit a plane to the L*a*b* of about 64 tiles of a region.

    Args:
        reading: the region.
        calibration: of the camera.
        stretch: (2, 2) d(frame) / d(golden) at the region.

    Returns:
        The plane, or `region_unusable` where fewer than nine tiles are left.
    """
    h, w = reading.used.shape
    tiles = _tiles(reading, max(1, -(-h // _TILES)), max(1, -(-w // _TILES)))
    if len(tiles.counts) < _FEWEST_TILES:
        return NotRead("region_unusable", f"a gradient takes {_FEWEST_TILES} tiles of a few pixels")
    lab = calibration.lab(tiles.means)
    slopes, rest, inverse = _plane(tiles.centres, lab)
    freedom = len(lab) - 3
    return Gradient(
        slopes=slopes.T @ stretch, scatter=rest.T @ rest / freedom, spread=stretch.T @ inverse @ stretch,
        degrees_of_freedom=float(freedom),
    )  # fmt: skip


def gradient_difference(
    golden: Sequence[Gradient],
    unit: Gradient,
    reference: F64,
    outline: F64,
    calibration: ColourCalibration,
    asked: Asked,
) -> ColourDifference:
    """Return how far a unit's colour runs from end to end of the region beyond the golden sample's.

    The ends lie where the planes differ most. What flat field and the part's form do to both cancels.

    Args:
        golden: the golden sample's planes, one for each placement.
        unit: the unit's plane.
        reference: (3,) L*a*b* of the golden sample's region.
        outline: (n, 2) of the region, golden pixels.
        calibration: of the camera.
        asked: formula and coverage factor.
    """
    own = np.mean([plane.slopes for plane in golden], axis=0)
    excess = unit.slopes - own
    along = np.linalg.svd(excess)[2][0]
    course = outline @ along
    length = float(course.max() - course.min())
    n = len(golden)

    def scatter(plane: Gradient) -> F64:
        return plane.scatter * (_SOUGHT * float(along @ plane.spread @ along) * length**2)

    found = [
        Contribution("golden reading", sum(map(scatter, golden), np.zeros((3, 3))) / n**2, common=True),
        Contribution("unit reading", scatter(unit), False, False, unit.degrees_of_freedom),
    ]
    if n > 1:
        moved = np.array([(plane.slopes - own) @ along * length for plane in golden])
        found += placements(moved)
    return assess(
        reference, excess @ along * length, found, slope_residual=calibration.slope_residual or 0.0,
        formula=asked.formula, coverage_factor=asked.coverage_factor,
    )  # fmt: skip


def placements(moved: F64) -> list[Contribution]:
    """Return what placing adds to a difference, once each for unit and golden sample.

    Args:
        moved: (n, 3) deviations of n >= 2 placements of the golden sample from their mean, L*a*b*; their
            scatter is taken to be the same in all directions, since few cannot tell more.
    """
    n = len(moved)
    once = np.eye(3) * (float((moved**2).sum()) / (3 * (n - 1)))
    freedom = float(n - 1)
    return [
        Contribution("placement", once, False, False, freedom),
        Contribution("golden placement", once / n, True, False, freedom),
    ]


def mottle(reading: RegionReading, calibration: ColourCalibration, mm_per_px: float) -> Mottle | NotRead:
    """Return the variance of L* over tiles of 1.27 mm (ISO 13660:2001), their plane and noise removed.

    Args:
        reading: the region.
        calibration: of the camera.
        mm_per_px: of the frame.

    Returns:
        The mottle, or `region_unusable` where fewer than nine tiles fit.
    """
    side = max(1, round(MOTTLE_TILE_MM / (2 * mm_per_px)))
    tiles = _tiles(reading, side, side)
    if len(tiles.counts) < _FEWEST_TILES:
        return NotRead("region_unusable", f"mottle takes {_FEWEST_TILES} tiles of {MOTTLE_TILE_MM} mm")
    lightness = calibration.lab(tiles.means)[:, :1]
    _, rest, _ = _plane(tiles.centres, lightness)
    freedom = len(rest) - 3
    observed = float((rest**2).sum()) / freedom
    to_lab = calibration.lab_jacobian(reading.rgb)[0]
    noise = float(to_lab @ bin_noise(reading) @ to_lab) * float((1 / tiles.counts).mean())
    true = max(observed - noise, 0.0)
    return Mottle(
        variance=observed - noise,
        u_variance=math.hypot(math.sqrt((2 * noise + 4 * true) * noise / freedom), _NOISE_KNOWN * noise),
    )


def mottle_difference(
    golden: Sequence[Mottle],
    unit: Mottle,
    reference: F64,
    mean: ColourDifference,
    calibration: ColourCalibration,
    asked: Asked,
) -> ColourDifference:
    """Return by how much a unit is more uneven than the golden sample: the root of the variances' difference.

    Args:
        golden: the golden sample's, one for each placement.
        unit: the unit's.
        reference: (3,) L*a*b* of the golden sample's region, where L* becomes units of the formula.
        mean: difference of the regions' means, for the components.
        calibration: of the camera.
        asked: formula and coverage factor.
    """
    unitary = float(delta_e(reference, reference + np.array([1.0, 0.0, 0.0]), asked.formula))
    own = np.array([m.variance for m in golden])
    excess = unit.variance - float(own.mean())
    moved = float(own.std(ddof=1)) * math.sqrt(1 + 1 / len(own)) if len(own) > 1 else 0.0
    u = math.hypot(unit.u_variance, golden[0].u_variance / math.sqrt(len(own)), moved)
    k, scale = asked.coverage_factor, calibration.slope_residual or 0.0

    def size(variance: float) -> float:
        return unitary * math.sqrt(max(variance, 0.0))

    value = size(excess)
    low = min(value, size(excess - k * u) * max(1 - k * scale, 0.0))
    high = size(max(excess, 0.0) + k * u) * (1 + k * scale)
    return replace(
        mean, value=value, uncorrected=size(unit.variance), low=low, high=high, lines=(),
        standard_uncertainty=(high - low) / (2 * k), common_uncertainty=scale * value,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two regions of one part: the one that is judged and the one that it must match."""

    judged: Reading
    other: Reading

    def lab(self, calibration: ColourCalibration) -> F64:
        """Return the difference of their L*a*b*, (3,): judged less other."""
        return calibration.lab(self.judged.rgb) - calibration.lab(self.other.rgb)


def match_difference(
    golden: Pair, placed: F64, unit: Pair, calibration: ColourCalibration, asked: Asked
) -> ColourDifference:
    """Return how differently two regions of a unit match from how the golden sample's do.

    That is: how far the judged region is from where it would match the other one as it does on the golden
    sample. Light and height that both regions share cancel.

    Args:
        golden: the golden sample's regions, means over its placements.
        placed: (n, 3) `Pair.lab` of each of its placements.
        unit: the unit's regions.
        calibration: of the camera.
        asked: formula and coverage factor.
    """
    found: list[Contribution] = []
    change = np.zeros(calibration.parameter_jacobian(golden.judged.rgb).shape)
    for name, pair, sign in (("golden", golden, -1.0), ("unit", unit, 1.0)):
        for region, reading, side in (("", pair.judged, 1.0), (" other", pair.other, -1.0)):
            to_lab = calibration.lab_jacobian(reading.rgb)
            covariance = to_lab @ reading.covariance @ to_lab.T
            found.append(Contribution(f"{name}{region} reading", covariance, common=name == "golden"))
            change = change + sign * side * calibration.parameter_jacobian(reading.rgb)
    if len(placed) > 1:
        found += placements(placed - placed.mean(axis=0))
    model = change @ np.array(calibration.model.covariance) @ change.T
    found.append(Contribution("camera model", model, True, True, calibration.model.degrees_of_freedom))
    return assess(
        calibration.lab(golden.judged.rgb), unit.lab(calibration) - golden.lab(calibration), found,
        slope_residual=calibration.slope_residual or 0.0, formula=asked.formula,
        coverage_factor=asked.coverage_factor,
    )  # fmt: skip


def bin_noise(reading: RegionReading) -> F64:
    """Return the covariance (3, 3) of the light of a bin that differs from its neighbours' by chance.

    From a - b - c + d of neighbouring bins, each by four variances: neither level nor slope is in it. Texture
    as fine as a bin counts as noise.
    """
    light, used = reading.light, reading.used
    whole: Mask = used[1:, 1:] & used[1:, :-1] & used[:-1, 1:] & used[:-1, :-1]
    mixed = (light[1:, 1:] - light[1:, :-1] - light[:-1, 1:] + light[:-1, :-1])[whole].astype(np.float64)
    return mixed.T @ mixed / (4 * max(len(mixed), 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Tiles:
    """Mean light (n, 3) of tiles, their centres (n, 2) in pixels of the frame, and how many bins each has."""

    means: F64
    centres: F64
    counts: F64


def _tiles(reading: RegionReading, rows: int, columns: int) -> _Tiles:
    sums, counts = tile_sums(reading.light, reading.used, rows, columns)
    down, across = np.nonzero(counts >= max(1.0, _FILLED * rows * columns))
    kept = counts[down, across]
    x, y = reading.corner
    step, middle = np.array([2.0 * columns, 2.0 * rows]), np.array([x - 0.5, y - 0.5])
    centres = np.asarray(middle + step * (np.column_stack((across, down)) + 0.5), np.float64)
    return _Tiles(sums[down, across] / kept[:, None], centres, kept)


def _plane(centres: F64, values: F64) -> tuple[F64, F64, F64]:
    """Return slopes (2, k) of the plane through (n, k) values, what is left, and their (2, 2) spread."""
    at = centres - centres.mean(axis=0)
    inverse = np.asarray(np.linalg.inv(at.T @ at), np.float64)
    rest = values - values.mean(axis=0)
    slopes = inverse @ (at.T @ rest)
    return slopes, rest - at @ slopes, inverse


def _without(total: F64, noise: F64) -> F64:
    """Return A with A total A' = total - noise, where that is positive: it takes noise off deviations."""
    root = np.linalg.cholesky(total + 1e-12 * np.eye(3))
    back = np.linalg.inv(root)
    shares, axes = np.linalg.eigh(back @ noise @ back.T)
    return root @ (axes * np.sqrt(np.maximum(1 - shares, 0.0))) @ axes.T @ back
