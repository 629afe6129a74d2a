"""The camera certificate: what turns pixels into millimetres and codes into light, for how long."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AwareDatetime, Field, ValidationError

from calibration.errors import (
    CalibrationAlteredError,
    CalibrationExpiredError,
    CalibrationForeignError,
    CalibrationFormatError,
)
from calibration.noise import Noise
from golden.digests import canonical_json, sha256
from golden.regions import Closed
from golden.sample import write_file

LARGEST_FILE = 1_000_000


class CameraCalibration(Closed):
    """A camera's certificate.

    Attributes:
        camera: identity of the camera it belongs to.
        method: how the scale was found; "nominal" means stated, not measured.
        mm_per_px: scale of the object plane.
        relative_uncertainty: standard uncertainty of the scale, relative; common to all measurements.
        transfer: how codes relate to light.
        noise: noise model in linear light.
        issued: when it was made.
        valid_until: after this it decides nothing.
        conditions: what was set and under which conditions, in words.
    """

    schema_: Literal["hallmark.calibration/1"] = Field(alias="schema", default="hallmark.calibration/1")
    camera: Annotated[str, Field(min_length=1, max_length=128)]
    method: Literal["nominal"] = "nominal"
    mm_per_px: Annotated[float, Field(gt=0, le=10)]
    relative_uncertainty: Annotated[float, Field(ge=0, le=0.5)]
    transfer: Literal["srgb", "linear"] = "srgb"
    noise: Noise = Noise()
    issued: AwareDatetime
    valid_until: AwareDatetime
    conditions: Annotated[str, Field(max_length=2000)] = ""

    @classmethod
    def nominal(
        cls,
        *,
        camera: str,
        mm_per_px: float,
        relative_uncertainty: float,
        issued: datetime,
        valid_until: datetime,
        transfer: Literal["srgb", "linear"] = "srgb",
        conditions: str = "",
    ) -> Self:
        """Make a certificate from a stated scale, such as a scanner's resolution.

        Raises:
            CalibrationFormatError: a number is out of range, or the validity ends before it begins.
        """
        if issued.tzinfo is None or valid_until.tzinfo is None:
            raise CalibrationFormatError("issued and valid_until need a time zone")
        if valid_until <= issued:
            raise CalibrationFormatError(f"valid until {valid_until} is not after issued {issued}")
        try:
            return cls(
                camera=camera, mm_per_px=mm_per_px, relative_uncertainty=relative_uncertainty,
                issued=issued, valid_until=valid_until, transfer=transfer, conditions=conditions,
            )  # fmt: skip
        except ValidationError as error:
            raise CalibrationFormatError(_first(error)) from error

    @classmethod
    def open(cls, path: Path | str, *, now: datetime, camera: str | None = None) -> Self:
        """Read a certificate and refuse it unless it is whole, valid at `now` and of `camera`.

        Args:
            path: the `.cal` file.
            now: the time at which it must be valid, with a zone.
            camera: the camera it must belong to; None takes any.

        Raises:
            CalibrationFormatError, CalibrationAlteredError, CalibrationExpiredError,
            CalibrationForeignError: as named; OSError where the file cannot be read.
        """
        certificate = cls.parse(Path(path).read_bytes(), source=str(path))
        if not certificate.issued <= now <= certificate.valid_until:
            raise CalibrationExpiredError(
                f"{path}: valid from {certificate.issued:%Y-%m-%d %H:%M} to "
                f"{certificate.valid_until:%Y-%m-%d %H:%M} UTC, not at {now:%Y-%m-%d %H:%M}; "
                "calibrate the camera again"
            )
        if camera is not None and certificate.camera != camera:
            raise CalibrationForeignError(f"{path}: belongs to camera {certificate.camera!r}, not {camera!r}")
        return certificate

    @classmethod
    def parse(cls, data: bytes, *, source: str) -> Self:
        """Read a certificate whatever its validity, as a replay does.

        Raises:
            CalibrationFormatError, CalibrationAlteredError: as named.
        """
        if len(data) > LARGEST_FILE:
            raise CalibrationFormatError(f"{source}: {len(data)} bytes are too many for a certificate")
        try:
            loaded: Any = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise CalibrationFormatError(f"{source}: not JSON ({error}); is it a .cal file?") from error
        if not isinstance(loaded, dict) or "digest" not in loaded:
            raise CalibrationFormatError(f"{source}: no certificate: it has no digest")
        content = cast("dict[str, Any]", loaded)
        digest = content.pop("digest")
        try:
            certificate = cls.model_validate(content)
        except ValidationError as error:
            raise CalibrationFormatError(f"{source}: {_first(error)}") from error
        if certificate.digest != digest or certificate.to_bytes() != data:
            raise CalibrationAlteredError(f"{source}: altered since it was issued; fetch the original")
        return certificate

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

    def covers(self, instant: str | None) -> bool:
        """Return whether an RFC 3339 instant lies in the validity; an unknown instant is taken to do so."""
        if instant is None:
            return True
        return self.issued <= datetime.fromisoformat(instant) <= self.valid_until


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in detail["loc"]) or "certificate"
    return f"{field}: {detail['msg']} (got {detail['input']!r})"
