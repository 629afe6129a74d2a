"""The twin itself: a golden image becomes what a camera over a fixture would record of a unit.

The chain, in linear light throughout: golden image -> changes -> pose and perspective -> optical blur ->
lighting -> photon and read noise -> 8-bit sRGB codes. The golden image is held twice as fine as given, since
bilinear sampling of that grid moves no edge, whereas cubic and table-driven sampling do by up to 0.04 px.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.light import Floats, encode, to_linear
from datasets.sensor import add_noise, quantise
from datasets.twin.canvas import Canvas, Window
from datasets.twin.changes import Change
from datasets.twin.ranges import DEMO_RANGES, CaptureRanges
from datasets.twin.resample import REACH, finer
from datasets.twin.truth import Box, ChangeTruth, Lighting, Similarity, TwinTruth, project

VISIBLE_CODES: Final = 3.0
"""A pixel belongs to a change's box where it differs by at least this many 8-bit sRGB codes."""

_FIXTURE: Final = (0.016, 0.017, 0.019)  # a dark matt fixture around the part, linear light
_FIXTURE_TEXTURE: Final = 0.0015
_FINE_BLUR_PX2: Final = 1 / 24  # variance that bilinear sampling of the twice finer grid adds on average


@dataclass(frozen=True)
class TwinFrame:
    """One capture: 8-bit sRGB codes (h, w, 3) in RGB order, and what they were made of."""

    pixels: NDArray[np.uint8]
    truth: TwinTruth


class Twin:
    """A simulated station that looks at units of one golden sample.

    Args:
        golden_rgb: The golden image (h, w, 3), RGB order, at least 16 px each way: uint8 sRGB codes, or
            floats in linear light from 0 to 1 (an analytic scene of `datasets.scenes`, say).
        mm_per_px: Scale of the golden image; a frame has the same, but for the magnification drawn.
        ranges: What each capture may draw.
        sensor_px: Width and height of the frames; by default 1.10 of the golden image or what holds the part
            wholly under every draw, whichever is more, in even numbers.

    Raises:
        DatasetError: An argument has the wrong shape, type or range.
    """

    def __init__(
        self,
        golden_rgb: NDArray[np.uint8] | NDArray[np.floating],
        mm_per_px: float,
        ranges: CaptureRanges = DEMO_RANGES,
        sensor_px: tuple[int, int] | None = None,
    ) -> None:
        height, width = _require_image(golden_rgb)
        if not (math.isfinite(mm_per_px) and mm_per_px > 0):
            raise DatasetError(f"mm_per_px is {mm_per_px}; give the golden image's scale, above 0")
        self.mm_per_px = mm_per_px
        self.ranges = ranges
        self.sensor_px = _default_sensor(width, height, ranges) if sensor_px is None else sensor_px
        if min(self.sensor_px) < 16 or max(self.sensor_px) > 32_000:
            raise DatasetError(f"sensor_px is {self.sensor_px}; give width and height from 16 to 32000 px")
        self._linear: Floats = (
            to_linear(golden_rgb.astype(np.uint8))
            if golden_rgb.dtype == np.uint8
            else golden_rgb.astype(np.float32)
        )
        self._fine = finer(self._linear)
        self._fixture_texture = _fixture_texture(*self.sensor_px)

    def capture(self, seed: int, changes: Sequence[Change] = ()) -> TwinFrame:
        """Return the frame that `seed` draws of a unit with these changes; the same bytes each time.

        Raises:
            DatasetError: The seed is negative, or a change cannot be drawn.
        """
        light, truth = self.expose(seed, changes)
        rng = _generator(seed, "noise")
        add_noise(light, rng, full_well_e=truth.full_well_e, read_noise_e=truth.read_noise_e)
        return TwinFrame(quantise(light), truth)

    def expose(self, seed: int, changes: Sequence[Change] = ()) -> tuple[Floats, TwinTruth]:
        """Return the light on the sensor (h, w, 3) float32 before noise, 1 filling the well, and its truth.

        Raises:
            DatasetError: The seed is negative, or a change cannot be drawn.
        """
        rng = _generator(seed, "capture")
        homography, pose = self._draw_pose(rng)
        lighting = self._draw_lighting(rng)
        sigma = float(rng.uniform(*self.ranges.blur_sigma_px))
        width, height = self.sensor_px
        light = self._warp(self._fine, (0, 0), homography, Window(0, 0, width, height))
        changed = self._apply(light, changes, homography, sigma)
        self._add_fixture_texture(light, homography)
        light = _blurred(light, sigma)
        light *= lighting.field(width, height)[..., None]
        if lighting.colour != (1.0, 1.0, 1.0):
            light *= np.array(lighting.colour, dtype=np.float32)
        np.clip(light, 0, 1, out=light)
        truth = TwinTruth(
            seed=seed,
            homography=tuple((float(a), float(b), float(c)) for a, b, c in homography),
            pose=pose,
            lighting=lighting,
            blur_sigma_px=sigma,
            full_well_e=self.ranges.full_well_e,
            read_noise_e=self.ranges.read_noise_e,
            changes=changed,
        )
        return light, truth

    def _draw_pose(self, rng: np.random.Generator) -> tuple[NDArray[np.float64], Similarity]:
        ranges = self.ranges
        height, width = self._linear.shape[:2]
        angle = rng.uniform(-1, 1) * ranges.angle_deg
        scale = 1 + rng.uniform(-1, 1) * ranges.scale_jitter
        shift = rng.uniform(-1, 1, 2) * ranges.shift_fraction * np.array(self.sensor_px)
        toward, strength = rng.uniform(0, 2 * math.pi), rng.uniform(0, 1) * ranges.tilt
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        at = (np.array(self.sensor_px) - 1) / 2 + shift
        turn = math.radians(angle)
        linear = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        x, y = at - linear @ centre
        similarity = np.array([[*linear[0], x], [*linear[1], y], [0, 0, 1]])
        # 1 / (1 + k.p) changes the geometric mean magnification by 1.5 |k| per pixel along k.
        k = strength / (1.5 * math.hypot(width, height)) * np.array([math.cos(toward), math.sin(toward)])
        to_centre = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
        tilt = np.linalg.inv(to_centre) @ np.array([[1, 0, 0], [0, 1, 0], [*k, 1]]) @ to_centre
        homography = similarity @ tilt
        homography /= homography[2, 2]
        return homography, Similarity(float(x), float(y), float(angle), float(scale))

    def _draw_lighting(self, rng: np.random.Generator) -> Lighting:
        exposure = 1 + rng.uniform(-1, 1) * self.ranges.exposure
        shares = rng.uniform(-1, 1, 5)
        # The sum of the shares' sizes bounds the field's deviation over the sensor.
        shares *= rng.uniform(0.3, 1) * self.ranges.gradient / max(float(np.abs(shares).sum()), 1e-9)
        warmth = rng.uniform(-1, 1) * self.ranges.colour_drift
        u, v, uu, uv, vv = (float(share) for share in shares)
        return Lighting(float(exposure), u, v, uu, uv, vv, (float(1 + warmth), 1.0, float(1 - warmth)))

    def _warp(
        self, fine: Floats, origin: tuple[int, int], homography: NDArray[np.float64], window: Window
    ) -> Floats:
        """Return a window of the sensor through the homography; `fine` starts at golden `origin`."""
        to_fine = np.array([[2.0, 0, 0.5 - 2 * origin[0]], [0, 2.0, 0.5 - 2 * origin[1]], [0, 0, 1]])
        to_sensor = np.array([[1.0, 0, window.x0], [0, 1.0, window.y0], [0, 0, 1]])
        inverse = to_fine @ np.linalg.inv(homography) @ to_sensor
        return np.asarray(
            cv2.warpPerspective(
                fine,
                inverse / inverse[2, 2],
                (window.x1 - window.x0, window.y1 - window.y0),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(*_FIXTURE, 0.0),
            ),
            dtype=np.float32,
        )

    def _apply(
        self, light: Floats, changes: Sequence[Change], homography: NDArray[np.float64], sigma: float
    ) -> tuple[ChangeTruth, ...]:
        """Draw the changes in turn, each into its own part of `light`; return where each shows."""
        if not changes:
            return ()
        canvas = Canvas(self._linear.copy(), self.mm_per_px)
        truths: list[ChangeTruth] = []
        for change in changes:
            before = canvas.linear.copy()
            touched = change.draw(canvas)
            golden_box = _visible(before[touched.slices], canvas.linear[touched.slices], touched)
            frame_box = self._redraw(light, canvas.linear, touched, homography, sigma)
            truths.append(ChangeTruth(change.kind, change.size_mm(self.mm_per_px), golden_box, frame_box))
        return tuple(truths)

    def _redraw(
        self, light: Floats, linear: Floats, touched: Window, homography: NDArray[np.float64], sigma: float
    ) -> Box | None:
        """Replace the part of `light` that shows the touched window; return the box of what shows."""
        reach = REACH + 1 + 4 * sigma
        seen = _outline(homography, touched, reach, self.sensor_px)
        if seen is None:
            return None
        height, width = linear.shape[:2]
        needed = _outline(np.linalg.inv(homography).astype(np.float64), seen, REACH + 2, (width, height))
        if needed is None:
            return None
        fresh = self._warp(finer(linear[needed.slices]), (needed.x0, needed.y0), homography, seen)
        box = _visible(_blurred(light[seen.slices], sigma), _blurred(fresh, sigma), seen)
        light[seen.slices] = fresh
        return box

    def _add_fixture_texture(self, light: Floats, homography: NDArray[np.float64]) -> None:
        height, width = self._linear.shape[:2]
        corners = [(-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)]
        outline = np.round(project(homography, corners) * 16).astype(np.int32).reshape(-1, 1, 2)
        texture = self._fixture_texture.copy()
        cv2.fillConvexPoly(texture, outline, 0.0, shift=4)
        light += texture[..., None]


def _generator(seed: int, purpose: str) -> np.random.Generator:
    """Return a generator for one purpose of one capture, independent of the others."""
    if seed < 0:
        raise DatasetError(f"seed is {seed}; give a whole number, 0 or more")
    stream = {"capture": 0, "noise": 1}[purpose]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, stream])))


def _require_image(image: NDArray[np.uint8] | NDArray[np.floating]) -> tuple[int, int]:
    """Return height and width of an image that can be a golden image."""
    if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 16:
        raise DatasetError(f"the golden image has shape {image.shape}; give (h, w, 3) of at least 16 x 16 px")
    if image.dtype != np.uint8:
        if image.dtype.kind != "f":
            raise DatasetError(f"the golden image has type {image.dtype}; give uint8 codes or linear floats")
        if not bool((image >= 0).all() and (image <= 1).all()):
            raise DatasetError("the golden image has linear light outside 0 to 1; scale it")
    return image.shape[0], image.shape[1]


def _default_sensor(width: int, height: int, ranges: CaptureRanges) -> tuple[int, int]:
    turn = min(math.radians(ranges.angle_deg), math.pi / 2)
    stretch = (1 + ranges.scale_jitter) * (1 + ranges.tilt)

    def along(this: int, other: int) -> int:
        # |cos| this + |sin| other is greatest at atan(other / this), or at the largest angle if that is less.
        worst = min(turn, math.atan2(other, this))
        held = (math.cos(worst) * this + math.sin(worst) * other) * stretch + 8
        return 2 * math.ceil(max(1.10 * this, held / (1 - 2 * ranges.shift_fraction)) / 2)

    return along(width, height), along(height, width)


def _blurred(light: Floats, sigma: float) -> Floats:
    """Return `light` blurred so that the whole chain, sampling included, has this sigma."""
    own = math.sqrt(sigma * sigma - _FINE_BLUR_PX2)
    size = 2 * math.ceil(4 * own) + 1
    return np.asarray(
        cv2.GaussianBlur(light, (size, size), own, borderType=cv2.BORDER_REPLICATE), dtype=np.float32
    )


def _fixture_texture(width: int, height: int) -> Floats:
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(0)))
    grain = rng.standard_normal((height, width), dtype=np.float32)
    return np.asarray(cv2.GaussianBlur(grain, (0, 0), 1.5), dtype=np.float32) * np.float32(
        _FIXTURE_TEXTURE * 5
    )


def _outline(
    homography: NDArray[np.float64], window: Window, reach: float, limit: tuple[int, int]
) -> Window | None:
    """Return the pixels around the image of `window` under the homography, clipped to `limit`, if any."""
    corners = [(x, y) for x in (window.x0 - 0.5, window.x1 - 0.5) for y in (window.y0 - 0.5, window.y1 - 0.5)]
    mapped = project(homography, corners)
    (left, top), (right, bottom) = mapped.min(axis=0) - reach, mapped.max(axis=0) + reach
    x0, y0 = max(0, math.floor(left)), max(0, math.floor(top))
    x1, y1 = min(limit[0], math.ceil(right) + 1), min(limit[1], math.ceil(bottom) + 1)
    return Window(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _visible(before: Floats, after: Floats, window: Window) -> Box | None:
    """Return the tight box of pixels that differ visibly between two renderings of a window."""
    differs = (np.abs(encode(after) - encode(before)).max(axis=2) * 255) >= VISIBLE_CODES
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return None
    return (
        window.x0 + int(columns[0]),
        window.y0 + int(rows[0]),
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
    )
