"""The golden sample's colours as one station measured them: what units of that station are compared with.

Common errors of a camera cancel between the golden sample and a unit that it sees alike. So the reference is
no number from elsewhere but the golden sample itself, placed under the same camera, light and certificate,
several times: what differs from placement to placement is what units will differ by, too.

The file is canonical JSON with a digest, like a certificate; a field that is absent is not written.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, cast

import numpy as np
from pydantic import Field, ValidationError, model_validator

from calibration.colour.drift import LightReference
from calibration.errors import CalibrationAlteredError, CalibrationFormatError
from evidence.inspection import Digest, Name, Timestamp
from golden.digests import canonical_json, sha256
from golden.regions import Closed, Identifier
from golden.sample import write_file
from kernels.compiled import F64, Mask
from vision.colour.characteristics import Gradient, Mottle
from vision.colour.placed import Pattern, Placed
from vision.colour.region import Cause, RegionReading

LARGEST_FILE = 20_000_000
MOST_PLACEMENTS = 100
_XYZ_STEP = 1 / 40_000  # of a pattern's values: 0.003 of L* at L* = 10
_MOST_XYZ = 65_535

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]
Pair = tuple[float, float]
Share = Annotated[float, Field(ge=0, le=1)]

_T = TypeVar("_T")


def _is_none(value: object) -> bool:
    return value is None


_Absent = Annotated[_T | None, Field(exclude_if=_is_none)]


class RegionColour(Closed):
    """A region in one frame: mean linear light, its covariance, shares left out, pixels averaged."""

    rgb: Triple
    covariance: Matrix
    excluded: dict[Cause, Share]
    pixels: Annotated[int, Field(ge=1)]

    @classmethod
    def of(cls, reading: RegionReading) -> Self:
        """Keep a reading."""
        return cls(
            rgb=_triple(reading.rgb),
            covariance=_matrix(reading.covariance),
            excluded={cause: round(share, 6) for cause, share in reading.excluded.items()},
            pixels=reading.pixels,
        )


class PlaneColour(Closed):
    """A region's gradient, see `characteristics.Gradient`."""

    slopes: tuple[Pair, Pair, Pair]
    scatter: Matrix
    spread: tuple[Pair, Pair]
    degrees_of_freedom: Annotated[float, Field(gt=0)]

    def gradient(self) -> Gradient:
        """Return it as arrays."""
        return Gradient(
            np.array(self.slopes), np.array(self.scatter), np.array(self.spread), self.degrees_of_freedom
        )


class MottleColour(Closed):
    """A region's unevenness, see `characteristics.Mottle`."""

    variance: float
    u_variance: Annotated[float, Field(ge=0)]

    def mottle(self) -> Mottle:
        """Return it as it is compared."""
        return Mottle(self.variance, self.u_variance)


class PlacedColour(Closed):
    """One characteristic in one frame of the golden sample, see `placed.Placed`."""

    region: RegionColour
    centre_px: Pair
    other: _Absent[RegionColour] = None
    gradient: _Absent[PlaneColour] = None
    mottle: _Absent[MottleColour] = None

    @classmethod
    def of(cls, placed: Placed) -> Self:
        """Keep what was read."""
        plane, uneven = placed.gradient, placed.mottle
        return cls(
            region=RegionColour.of(placed.region),
            centre_px=(round(placed.centre_px[0], 2), round(placed.centre_px[1], 2)),
            other=None if placed.other is None else RegionColour.of(placed.other),
            gradient=None
            if plane is None
            else PlaneColour(
                slopes=cast("Any", tuple(_pair(row) for row in plane.slopes)),
                scatter=_matrix(plane.scatter),
                spread=(_pair(plane.spread[0]), _pair(plane.spread[1])),
                degrees_of_freedom=plane.degrees_of_freedom,
            ),
            mottle=None
            if uneven is None
            else MottleColour(variance=uneven.variance, u_variance=uneven.u_variance),
        )


class PatternColour(Closed):
    """The golden sample's region as an image, mean of its placements, see `placed.Pattern`.

    `data` is base64 of zlib of rows x columns x 4 little-endian uint16: X, Y and Z in steps of 1/40000, and 1
    where the sample is used. `floor` is the 95th percentile of the differences, as they are judged, that
    placements show to the mean of the others; 0 where there is only one.
    """

    rows: Annotated[int, Field(ge=1, le=1000)]
    columns: Annotated[int, Field(ge=1, le=1000)]
    mm_per_sample: Annotated[float, Field(gt=0)]
    floor: Annotated[float, Field(ge=0)]
    data: str

    @model_validator(mode="after")
    def _decodes(self) -> Self:
        self.pattern()
        return self

    @classmethod
    def of(cls, pattern: Pattern, floor: float) -> Self:
        """Keep a pattern."""
        rows, columns = pattern.used.shape
        values = np.empty((rows, columns, 4), "<u2")
        values[..., :3] = np.clip(np.rint(pattern.xyz / _XYZ_STEP), 0, _MOST_XYZ)
        values[..., 3] = pattern.used
        data = base64.b64encode(zlib.compress(values.tobytes(), 9)).decode("ascii")
        return cls(
            rows=rows, columns=columns, mm_per_sample=pattern.mm_per_sample, floor=round(floor, 6), data=data
        )

    def pattern(self) -> Pattern:
        """Return the image; raise ValueError where `data` is not one of this size."""
        size = self.rows * self.columns * 8
        try:
            raw = zlib.decompressobj().decompress(base64.b64decode(self.data, validate=True), size + 1)
        except (binascii.Error, zlib.error) as error:
            raise ValueError(f"the pattern does not decode: {error}") from error
        if len(raw) != size:
            raise ValueError(f"the pattern has {len(raw)} bytes, {size} are needed")
        values = np.frombuffer(raw, "<u2").reshape(self.rows, self.columns, 4)
        used: Mask = values[..., 3] > 0
        return Pattern(values[..., :3].astype(np.float64) * _XYZ_STEP, used, self.mm_per_sample)


class GoldenColour(Closed):
    """One characteristic of the golden sample in all its placements."""

    id: Identifier
    placements: Annotated[tuple[PlacedColour, ...], Field(min_length=1, max_length=MOST_PLACEMENTS)]
    pattern: _Absent[PatternColour] = None


class Tile(Closed):
    """A white or tile that stays in the scene: where it is in the raw frame, px, and its light."""

    polygon_px: Annotated[tuple[Pair, ...], Field(min_length=3, max_length=1000)]
    light: LightReference


class GoldenColours(Closed):
    """The colours of one view of the golden sample on one station.

    Attributes:
        view: id of the golden sample's view.
        golden: digest of the golden sample.
        certificate: digest of the certificate through which it was measured.
        camera: identity of the camera.
        frames: digests of the frames, one for each placement.
        measured_at: when the last of them was taken, or None where no frame says.
        tile: what tells the lamp's changes, or None.
        colours: by characteristic, in the golden sample's order.
    """

    schema_: Literal["hallmark.golden-colours/1"] = Field(alias="schema", default="hallmark.golden-colours/1")
    view: Identifier
    golden: Digest
    certificate: Digest
    camera: Name
    frames: Annotated[tuple[Digest, ...], Field(min_length=1, max_length=MOST_PLACEMENTS)]
    measured_at: _Absent[Timestamp] = None
    tile: _Absent[Tile] = None
    colours: Annotated[tuple[GoldenColour, ...], Field(min_length=1, max_length=2000)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ids = [colour.id for colour in self.colours]
        if len(set(ids)) != len(ids):
            raise ValueError("a characteristic occurs twice")
        if any(len(colour.placements) != len(self.frames) for colour in self.colours):
            raise ValueError(f"a characteristic was not read in each of the {len(self.frames)} frames")
        return self

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Read the file; errors as `parse`, and OSError where it cannot be read."""
        return cls.parse(Path(path).read_bytes(), source=str(path))

    @classmethod
    def parse(cls, data: bytes, *, source: str) -> Self:
        """Read the file's bytes.

        Raises:
            CalibrationFormatError: they are no golden colours, or a field does not fit.
            CalibrationAlteredError: the content does not match its digest.
        """
        if len(data) > LARGEST_FILE:
            raise CalibrationFormatError(f"{source}: {len(data)} bytes are too many for golden colours")
        try:
            loaded: Any = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise CalibrationFormatError(f"{source}: not JSON ({error}); is it a .colours file?") from error
        if not isinstance(loaded, dict) or "digest" not in loaded:
            raise CalibrationFormatError(f"{source}: no golden colours: there is no digest")
        content = cast("dict[str, Any]", loaded)
        digest = content.pop("digest")
        try:
            colours = cls.model_validate(content)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in detail["loc"]) or "file"
            raise CalibrationFormatError(f"{source}: {field}: {detail['msg']}") from error
        if colours.digest != digest or colours.to_bytes() != data:
            raise CalibrationAlteredError(
                f"{source}: altered since the golden sample was measured; measure it again"
            )
        return colours

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of the content."""
        return sha256(canonical_json(self.model_dump(mode="json", by_alias=True)))

    def to_bytes(self) -> bytes:
        """Return the file's bytes: canonical JSON with the digest."""
        return canonical_json({**self.model_dump(mode="json", by_alias=True), "digest": self.digest}) + b"\n"

    def save(self, path: Path | str) -> None:
        """Write the file: whole or not at all."""
        write_file(Path(path), self.to_bytes())


def _triple(values: F64) -> Triple:
    x, y, z = values.tolist()
    return x, y, z


def _pair(values: F64) -> Pair:
    x, y = values.tolist()
    return x, y


def _matrix(values: F64) -> Matrix:
    x, y, z = (_triple(row) for row in values)
    return x, y, z
