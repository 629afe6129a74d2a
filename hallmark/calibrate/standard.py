"""A check: the check standard, measured in pictures through a certificate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calibration import CameraCalibration, CheckError, Reading, Settings, Temperature
from calibration.placed_standard import PlacedFeature, PlacedSize, PlacedStandard
from golden.elements import Circle
from golden.sizes import CentreDistance, CircleDiameter
from golden.spec import Dimension
from hallmark.calibrate.pictures import Picture, check_format, format_of, light_of, read_picture
from kernels.compiled import F32
from vision.dimension.budget import Thermal
from vision.edges.find import find_circles
from vision.mapping import Similarity, from_similarity
from vision.measure import Conditions, Gauge, Measured, uncompared_edge

_NEAR = 0.1  # of a circle's radius, by which the radius of one found may differ
_LEAST_RADIUS = 8.0  # px of a circle that can be found anywhere


def open_standard(path: Path) -> PlacedStandard:
    """Read a definition file; CheckError says what does not fit."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckError(f"{path}: {error.strerror}: give the check standard's definition") from error
    return PlacedStandard.parse(data, source=str(path))


def measure(
    standard: PlacedStandard, certificate: CameraCalibration, images: Sequence[Path], warm: Temperature | None
) -> tuple[tuple[Reading, ...], dict[str, str]]:
    """Measure the standard in one picture, or in several with the standard re-placed.

    Args:
        standard: what is measured.
        certificate: of the camera.
        images: one picture or more.
        warm: temperature of the standard, or None: 20 degrees C.

    Returns:
        Readings of the sizes found in every picture; and why the others were not, by their ids.

    Raises:
        FramesError: a picture cannot be read or is not of the certificate's camera settings.
        CheckError: a picture has another size than the certificate.
    """
    values: dict[str, list[Measured]] = {size.id: [] for size in standard.sizes}
    missing: dict[str, str] = {}
    for path in images:
        gauge, places = _gauge(certificate, path, standard, warm)
        for size in standard.sizes:
            found = gauge.measure(_dimension(size, places))
            if isinstance(found, Measured):
                values[size.id].append(found)
            else:
                missing[size.id] = found.reason
    readings = tuple(
        Reading(
            id=size.id, values_mm=tuple(round(m.value, 7) for m in values[size.id]),
            u_mm=round(max(m.standard_uncertainty for m in values[size.id]), 8),
        )
        for size in standard.sizes
        if size.id not in missing
    )  # fmt: skip
    return readings, missing


class _Places:
    """Where the circles of the standard lie in one picture: as taught, or nearer to what was found."""

    def __init__(self, light: F32, circles: Sequence[Circle]) -> None:
        """Find the circles."""
        self._moved: dict[tuple[float, float], tuple[float, float]] = {}
        for circle in circles:
            if circle.radius_px < _LEAST_RADIUS or circle.center_px in self._moved:
                continue
            found = find_circles(
                light, least_px=max(_LEAST_RADIUS, (1 - _NEAR) * circle.radius_px),
                greatest_px=(1 + _NEAR) * circle.radius_px,
            )  # fmt: skip
            x, y = circle.center_px
            free = [c for c in found if (c.x, c.y) not in self._moved.values()]
            if free:
                nearest = min(free, key=lambda c: (c.x - x) ** 2 + (c.y - y) ** 2)
                self._moved[x, y] = nearest.x, nearest.y

    def of(self, circle: Circle) -> Circle:
        """Return the circle where it lies now."""
        return circle.model_copy(update={"center_px": self._moved.get(circle.center_px, circle.center_px)})


def _gauge(
    certificate: CameraCalibration, path: Path, standard: PlacedStandard, warm: Temperature | None
) -> tuple[Gauge, _Places]:
    picture = read_picture(path)
    settings = _settings(certificate, picture)
    flat, edge = certificate.flat_field, certificate.edge_definition
    conditions = Conditions(
        table=certificate.table(), flat=None if flat is None else flat.factors(), calibration=certificate,
        plane=certificate.plane(standard.height_mm, standard.u_height_mm),
        edge=uncompared_edge(certificate.mm_per_px) if edge is None else edge,
        thermal=Thermal()
        if warm is None
        else Thermal(standard.expansion_per_k, 0.0, warm.celsius, warm.u_celsius),
    )  # fmt: skip
    circles = [circle for size in standard.sizes for circle in _circles(size.feature)]
    places = _Places(light_of(picture.codes, certificate.table(), settings), circles)
    identity = from_similarity(Similarity(0.0, 0.0, 0.0, 1.0), (0.0, 0.0), 1.0)
    codes: Any = picture.codes  # the gauge reads 16 bits as well
    return Gauge(codes, identity, conditions), places


def _settings(certificate: CameraCalibration, picture: Picture) -> Settings:
    """Return the settings a picture was taken with; refuse one that the certificate is not of."""
    width, height = picture.size
    known = certificate.optics or certificate.flat_field or certificate.settings
    if known is not None and known.width is not None and (known.width, known.height) != (width, height):
        raise CheckError(
            f"{picture.path} is {width} x {height} px, the certificate is of {known.width} x {known.height}: "
            "take the picture with the calibrated camera as it is set"
        )
    if certificate.settings is None:
        return Settings(pixel_format=format_of(picture))
    check_format(picture, certificate.settings)
    if certificate.settings.bayer is not None:
        raise CheckError(
            f"{picture.path}: raw mosaics are not measured in this release: calibrate and check with "
            "interpolated colours or a grey camera"
        )
    return certificate.settings


def _circles(feature: PlacedFeature) -> tuple[Circle, ...]:
    if isinstance(feature, CircleDiameter):
        return (feature.circle,)
    return (feature.a, feature.b) if isinstance(feature, CentreDistance) else ()


def _dimension(size: PlacedSize, places: _Places) -> Dimension:
    feature = size.feature
    if isinstance(feature, CircleDiameter):
        feature = feature.model_copy(update={"circle": places.of(feature.circle)})
    elif isinstance(feature, CentreDistance):
        feature = feature.model_copy(update={"a": places.of(feature.a), "b": places.of(feature.b)})
    return Dimension(
        kind="dimension", number=1, id=size.id, name=size.id, severity="major", feature=feature,
        nominal=size.value_mm, upper=size.value_mm,
    )  # fmt: skip
