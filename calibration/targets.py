"""Calibration targets: what is printed on the plate, how exactly, and who says so.

A definition file is YAML or JSON:

    kind: charuco            # chessboard, charuco or dots
    columns: 12              # squares across (chessboard, charuco) or dots across
    rows: 9
    pitch_mm: 10.0           # side of a square, or distance between centres of dots
    pitch_relative_uncertainty: 5.0e-6
    marker_mm: 7.5           # charuco only
    dictionary: DICT_5X5_100
    serial: "CB-0417"
    certificate: "DKD-K-12345 2026-03"
    expires: 2028-03-01
    substrate: glass
    expansion_per_k: 8.5e-6
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import yaml
from pydantic import Field, ValidationError, model_validator

from calibration.errors import TargetError
from golden.regions import Closed
from kernels.compiled import F64, I64

LARGEST_FILE = 100_000

Kind = Literal["chessboard", "charuco", "dots"]


class Target(Closed):
    """A flat calibration target.

    Its frame: x along the columns, y along the rows, z into the plate, so that a picture of it that is not
    mirrored shows y turned from x as the raw frame does. The first feature is the origin.

    Attributes:
        kind: "chessboard" and "charuco" are measured at inner corners of their squares, "dots" at centres.
        columns: squares across, black and white (chessboard, charuco), or dots across.
        rows: squares down, or dots down.
        pitch_mm: side of one square, or distance between centres of neighbouring dots.
        pitch_relative_uncertainty: relative standard uncertainty of the pitch, common to the whole target.
        feature_uncertainty_mm: standard uncertainty of each feature's own place on the target, per axis.
        first_square: colour of the square at the origin's corner of a chessboard; left out, it is found.
            Where it is stated, a mirrored board with even numbers of columns and of rows is recognised; other
            chessboards and dots are their own mirror images.
        marker_mm: side of a marker (charuco).
        dictionary: OpenCV's name of the marker dictionary (charuco), such as DICT_5X5_100.
        legacy_pattern: whether a charuco board with an even number of rows begins with a white square, as
            OpenCV before 4.6 drew it.
        dot_mm: diameter of a dot (dots).
        dark_dots: whether dots are darker than the plate.
        serial: number engraved on the plate.
        certificate: reference of its calibration certificate; "" where it has none.
        expires: last day on which that certificate holds; None where none is stated.
        substrate: material, in words.
        expansion_per_k: linear thermal expansion coefficient of the substrate, 1/K.
        temperature_c: temperature for which the pitch is stated.
    """

    kind: Kind
    columns: Annotated[int, Field(ge=3, le=200)]
    rows: Annotated[int, Field(ge=3, le=200)]
    pitch_mm: Annotated[float, Field(gt=0, le=1000)]
    pitch_relative_uncertainty: Annotated[float, Field(ge=0, le=0.05)]
    feature_uncertainty_mm: Annotated[float, Field(ge=0, le=10)] = 0.0
    first_square: Literal["black", "white"] | None = None
    marker_mm: Annotated[float, Field(gt=0, le=1000)] | None = None
    dictionary: Annotated[str, Field(pattern=r"^DICT_[A-Z0-9_]+$")] | None = None
    legacy_pattern: bool = False
    dot_mm: Annotated[float, Field(gt=0, le=1000)] | None = None
    dark_dots: bool = True
    serial: Annotated[str, Field(max_length=128)] = ""
    certificate: Annotated[str, Field(max_length=500)] = ""
    expires: date | None = None
    substrate: Annotated[str, Field(max_length=200)] = ""
    expansion_per_k: Annotated[float, Field(ge=-1e-5, le=3e-4)] = 0.0
    temperature_c: Annotated[float, Field(ge=-50, le=150)] = 20.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        own = {
            "marker_mm": "charuco",
            "dictionary": "charuco",
            "dot_mm": "dots",
            "first_square": "chessboard",
        }
        for field, kind in own.items():
            stated = getattr(self, field) is not None
            if stated and self.kind != kind:
                raise ValueError(f"{field} belongs to {kind}, not to {self.kind}: remove it")
            if not stated and self.kind == kind and field != "first_square":
                raise ValueError(f"{field} is required for {kind}: add it")
        part = self.marker_mm if self.kind == "charuco" else self.dot_mm
        if part is not None and part >= self.pitch_mm:
            raise ValueError(f"a feature of {part} mm does not fit into a pitch of {self.pitch_mm} mm")
        if self.legacy_pattern and (self.kind != "charuco" or self.rows % 2):
            raise ValueError("legacy_pattern means a charuco board with an even number of rows: remove it")
        if self.pitch_mm * max(self.columns, self.rows) > 10_000:
            raise ValueError("the target is more than 10 m long: pitch_mm is in millimetres")
        return self

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Read a definition file, YAML or JSON.

        Raises:
            TargetError: it cannot be read or does not fit; the message names file, field and remedy.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise TargetError(
                f"{path}: {error.strerror}: correct the path, or make the file readable"
            ) from error
        return cls.parse(data, source=str(path))

    @classmethod
    def parse(cls, data: bytes, *, source: str) -> Self:
        """Read a definition's bytes; `source` names them in messages.

        Raises:
            TargetError: as `open`.
        """
        if len(data) > LARGEST_FILE:
            raise TargetError(f"{source}: {len(data)} bytes are too many for a target's definition")
        try:
            loaded: object = yaml.safe_load(data.decode("utf-8"))
        except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
            raise TargetError(f"{source}: not YAML or JSON: {error}") from error
        if not isinstance(loaded, dict):
            raise TargetError(f"{source}: no target: write fields, such as kind: charuco")
        try:
            return cls.model_validate(loaded)
        except ValidationError as error:
            raise TargetError(f"{source}: {_sentence(error)}") from error

    @property
    def across(self) -> tuple[int, int]:
        """How many features lie along x and y: inner corners, or dots."""
        if self.kind == "dots":
            return self.columns, self.rows
        return self.columns - 1, self.rows - 1

    def ids(self) -> I64:
        """Return every feature's id: row by row from the origin, as OpenCV numbers ChArUco corners."""
        nx, ny = self.across
        return np.arange(nx * ny, dtype=np.int64)

    def object_points(self, ids: I64 | None = None) -> F64:
        """Return (n, 3) float64 mm of the given features, or of all in the order of `ids()`; z is 0.

        Raises:
            IndexError: an id is not on the target.
        """
        asked = self.ids() if ids is None else np.asarray(ids, np.int64)
        nx, ny = self.across
        if asked.size and not 0 <= asked.min() <= asked.max() < nx * ny:
            raise IndexError(
                f"the target has features 0 to {nx * ny - 1}, not {asked.min()} to {asked.max()}"
            )
        out = np.zeros((len(asked), 3))
        out[:, 0] = self.pitch_mm * (asked % nx)
        out[:, 1] = self.pitch_mm * (asked // nx)
        return out

    def expired(self, today: date) -> bool:
        """Return whether its certificate no longer holds."""
        return self.expires is not None and today > self.expires


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{where}: this field is required: add it"
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown field: remove it, or correct its spelling"
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
