"""The camera certificate: what turns pixels into millimetres and codes into light, for how long.

A field that is absent is not written, so certificates of earlier releases keep their bytes and digests.
"""

from __future__ import annotations

import json
import math
import reprlib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, cast

import numpy as np
from pydantic import AwareDatetime, Field, ValidationError, model_validator

from calibration.colour.camera import ColourCalibration
from calibration.errors import (
    CalibrationAlteredError,
    CalibrationExpiredError,
    CalibrationForeignError,
    CalibrationFormatError,
    CalibrationUnsignedError,
)
from calibration.flat_field import FlatField
from calibration.noise import Noise, PhotonTransfer
from calibration.optics import Optics
from calibration.plane_map import PlaneMap, ScaleMap
from calibration.settings import Settings, without_black
from calibration.substitution import EdgeDefinition
from calibration.targets import Target
from evidence.frame import Frame
from golden.detached import DetachedSignature, signers, with_signature
from golden.digests import canonical_json, sha256
from golden.errors import SealError
from golden.keys import SigningKey, TrustStore
from golden.regions import Closed
from golden.sample import write_file
from golden.seal import Signature
from kernels.compiled import F32
from kernels.light import decoding_table

LARGEST_FILE = 1_000_000


SIGNED_TYPE = "application/vnd.hallmark.calibration"

_T = TypeVar("_T")


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: object) -> bool:
    return not value


Absent = Annotated[_T | None, Field(exclude_if=_is_none)]


class Temperature(Closed):
    """Of camera, target and their surroundings while calibrating."""

    celsius: Annotated[float, Field(ge=-50, le=150)]
    u_celsius: Annotated[float, Field(ge=0, le=50)]


class CameraCalibration(Closed):
    """A camera's certificate.

    Attributes:
        camera: identity of the camera it belongs to.
        method: how the scale was found; "nominal" means stated, "measured" by pictures of a target.
        mm_per_px: scale of the object plane, of a measured one in the middle of the target.
        relative_uncertainty: standard uncertainty of the scale, relative; common to all measurements.
        transfer: how codes relate to light.
        noise: noise model in linear light.
        issued: when it was made.
        valid_until: after this it decides nothing.
        conditions: what was set and under which conditions, in words.
        lens: identity of the lens.
        settings: of camera and lens; frames taken otherwise do not fit.
        target: what was measured, with serial number, certificate and expiry: the scale's traceability.
        optics: lens and object plane with covariance and residuals; a measured certificate has them.
        flat_field: falloff of lens and light.
        photon_transfer: how the noise was found.
        edge_definition: optical against mechanical edge.
        temperature: while calibrating.
        colour: what turns light into L*a*b*.
        versions: of the libraries that computed it, by name.
        signatures: who vouches for it, sorted by key id; not part of the digest, which they cover.
    """

    schema_: Literal["hallmark.calibration/1"] = Field(alias="schema", default="hallmark.calibration/1")
    camera: Annotated[str, Field(min_length=1, max_length=128)]
    method: Literal["nominal", "measured"] = "nominal"
    mm_per_px: Annotated[float, Field(gt=0, le=10)]
    relative_uncertainty: Annotated[float, Field(ge=0, le=0.5)]
    transfer: Literal["srgb", "linear"] = "srgb"
    noise: Noise = Noise()
    issued: AwareDatetime
    valid_until: AwareDatetime
    conditions: Annotated[str, Field(max_length=2000)] = ""
    lens: Absent[Annotated[str, Field(min_length=1, max_length=200)]] = None
    settings: Absent[Settings] = None
    target: Absent[Target] = None
    optics: Absent[Optics] = None
    flat_field: Absent[FlatField] = None
    photon_transfer: Absent[PhotonTransfer] = None
    edge_definition: Absent[EdgeDefinition] = None
    temperature: Absent[Temperature] = None
    colour: Absent[ColourCalibration] = None
    versions: Absent[dict[str, Annotated[str, Field(max_length=100)]]] = None
    signatures: Annotated[tuple[DetachedSignature, ...], Field(max_length=20, exclude_if=_is_empty)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.method == "measured") != (self.optics is not None):
            raise ValueError("a measured certificate has optics, a nominal one has none")
        sizes = {(part.width, part.height) for part in (self.optics, self.flat_field) if part is not None}
        if self.settings is not None and self.settings.width is not None and self.settings.height is not None:
            sizes.add((self.settings.width, self.settings.height))
        if len(sizes) > 1:
            raise ValueError(f"optics, flat field and settings are of several sizes: {sorted(sizes)}")
        if self.transfer == "srgb" and self.settings is not None and self.settings.black_level:
            raise ValueError("sRGB codes have no black level")
        if self.target is not None and self.target.expired(self.issued.date()):
            raise ValueError(f"target {self.target.serial} had expired on {self.target.expires}")
        if self.colour is not None:
            self._check_colour(self.colour)
        keys = [signature.keyid for signature in self.signatures]
        if keys != sorted(set(keys)):
            raise ValueError("signatures are not sorted by key id, one for each")
        return self

    def _check_colour(self, colour: ColourCalibration) -> None:
        settings = self.settings or Settings(pixel_format="RGB8")
        if not settings.pixel_format.startswith("RGB"):
            raise ValueError(f"colour is of RGB pictures, the settings are of {settings.pixel_format}")
        codes = self.transfer, settings.white, settings.black_level
        if codes != (colour.transfer, colour.highest_code, colour.black_level):
            raise ValueError(
                f"colour was characterised with {colour.transfer} codes to {colour.highest_code} and black "
                f"at {colour.black_level}, the certificate has {codes[0]}, {codes[1]} and {codes[2]}"
            )
        if (colour.flat_field == "none") != (self.flat_field is None):
            raise ValueError("colour was characterised with another flat field: characterise it again")
        expires = colour.chart.expires
        if expires is not None and self.issued.date() > expires:
            raise ValueError(f"the values of chart {colour.chart.id} had expired on {expires}")

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
        return cls._made(
            {
                "camera": camera, "mm_per_px": mm_per_px, "relative_uncertainty": relative_uncertainty,
                "issued": issued, "valid_until": valid_until, "transfer": transfer, "conditions": conditions,
            }
        )  # fmt: skip

    @classmethod
    def measured(
        cls, *, camera: str, optics: Optics, issued: datetime, valid_until: datetime, **fields: object
    ) -> Self:
        """Make a certificate from a calibrated lens and plane; `fields` are any others of this class.

        Scale and its uncertainty follow from the optics; `noise` from `photon_transfer` where that is given.

        Raises:
            CalibrationFormatError: a field does not fit, sizes differ, the target has expired, or the
                validity ends before it begins.
        """
        transfer = fields.get("photon_transfer")
        noise = {"noise": transfer.noise} if isinstance(transfer, PhotonTransfer) else {}
        return cls._made(
            {
                "transfer": "linear", **noise, **fields,
                "camera": camera, "method": "measured", "optics": optics, "mm_per_px": optics.mm_per_px,
                "relative_uncertainty": _relative_uncertainty(optics),
                "issued": issued, "valid_until": valid_until,
            }
        )  # fmt: skip

    @classmethod
    def coloured(
        cls,
        *,
        camera: str,
        colour: ColourCalibration,
        issued: datetime,
        valid_until: datetime,
        **fields: object,
    ) -> Self:
        """Make a certificate for colour only; `fields` are any others of this class.

        Where no scale is stated, it is 1 mm per pixel with the largest uncertainty there is, 50 %: no length
        can be decided with it, and `conditions` says so.

        Raises:
            CalibrationFormatError: a field does not fit, the chart's values have expired, or the validity
                ends before it begins.
        """
        unknown = {
            "mm_per_px": 1.0, "relative_uncertainty": 0.5,
            "conditions": f"The scale is not known. {fields.get('conditions', '')}".strip(),
        }  # fmt: skip
        scale = {} if "mm_per_px" in fields else unknown
        return cls._made(
            {
                **fields, **scale, "camera": camera, "colour": colour, "transfer": colour.transfer,
                "issued": issued, "valid_until": valid_until,
            }
        )  # fmt: skip

    def reissued(self, issued: datetime, **fields: object) -> Self:
        """Return it with other fields as a new certificate: unsigned, valid until when it was before.

        Raises:
            CalibrationFormatError: a field does not fit, sizes differ, or it had expired by then.
        """
        kept = {name: getattr(self, name) for name in type(self).model_fields if name != "schema_"}
        return self._made({**kept, **fields, "issued": issued, "signatures": ()})

    @classmethod
    def _made(cls, fields: dict[str, object]) -> Self:
        issued, until = cast("datetime", fields["issued"]), cast("datetime", fields["valid_until"])
        if issued.tzinfo is None or until.tzinfo is None:
            raise CalibrationFormatError("issued and valid_until need a time zone")
        if until <= issued:
            raise CalibrationFormatError(f"valid until {until} is not after issued {issued}")
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise CalibrationFormatError(_first(error)) from error

    @classmethod
    def open(
        cls, path: Path | str, *, now: datetime, camera: str | None = None, trust: TrustStore | None = None
    ) -> Self:
        """Read a certificate and refuse it unless it is whole, valid at `now`, of `camera` and vouched for.

        Args:
            path: the `.cal` file.
            now: the time at which it must be valid, with a zone.
            camera: the camera it must belong to; None takes any.
            trust: the keys of which one must have signed it; None takes unsigned ones too.

        Raises:
            CalibrationFormatError, CalibrationAlteredError, CalibrationExpiredError, CalibrationForeignError,
            CalibrationUnsignedError: as named; OSError where the file cannot be read.
        """
        certificate = cls.parse(Path(path).read_bytes(), source=str(path))
        if trust is not None:
            certificate.verify(trust, source=str(path))
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
        """SHA-256 of the canonical JSON of the content without signatures."""
        return sha256(canonical_json(self.model_dump(mode="json", by_alias=True, exclude={"signatures"})))

    def to_bytes(self) -> bytes:
        """Return the file's bytes: canonical JSON with digest and signatures."""
        return canonical_json({**self.model_dump(mode="json", by_alias=True), "digest": self.digest}) + b"\n"

    def sign(self, key: SigningKey) -> Self:
        """Return the certificate with this key's signature over its digest; signing twice changes nothing."""
        signatures = with_signature(self.signatures, key, self.digest, SIGNED_TYPE)
        return self.model_copy(update={"signatures": signatures})

    def verify(self, trust: TrustStore, *, source: str = "certificate") -> tuple[Signature, ...]:
        """Return who signed it, sorted by key id.

        Raises:
            CalibrationUnsignedError: nobody, someone who is not trusted here, or a signature is not genuine.
        """
        if not self.signatures:
            raise CalibrationUnsignedError(f"{source}: nobody has signed it; have it signed by a trusted key")
        try:
            return signers(self.signatures, trust, self.digest, SIGNED_TYPE, may="calibrate")
        except SealError as error:
            raise CalibrationUnsignedError(f"{source}: {error}") from error

    def plane(self, height_mm: float = 0.0, u_height_mm: float = 0.0, u_tilt_deg: float = 0.0) -> PlaneMap:
        """Return the map from raw pixels to millimetres on the plane of a part's edges.

        A stated scale is that of this plane whatever its height; it holds tilt and height in its uncertainty.

        Args:
            height_mm: of the edges above the plane that was calibrated, towards the camera.
            u_height_mm: its standard uncertainty.
            u_tilt_deg: standard uncertainty of the plane's tilt, about either axis.

        Raises:
            LensError: an uncertainty is negative.
        """
        if self.optics is None:
            return ScaleMap(self.mm_per_px, self.relative_uncertainty)
        return self.optics.plane(height_mm, u_height_mm, u_tilt_deg)

    def table(self) -> F32:
        """Return the table from code to linear light: float32, one entry for each code of the pixel format.

        The black level is 0, the highest code 1.
        """
        settings = self.settings or Settings()
        return without_black(decoding_table(self.transfer, settings.white), settings.black_level)

    def fits(self, frame: Frame) -> str | None:
        """Return why a frame was not taken as the certificate says: a reason code, or None.

        `calibration_foreign`: another camera; `calibration_mismatch`: another size or pixel format;
        `exposure_changed`: another exposure time, where both are known.
        """
        if frame.camera != self.camera:
            return "calibration_foreign"
        size = frame.pixels.shape[1], frame.pixels.shape[0]
        known = self.optics or self.flat_field
        if known is not None and size != (known.width, known.height):
            return "calibration_mismatch"
        return None if self.settings is None else self.settings.fault(frame.pixels, frame.exposure_us)

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
    # what is wrong between fields has the whole certificate as its input
    got = f" (got {reprlib.repr(detail['input'])})" if detail["loc"] else ""
    return f"{field}: {detail['msg']}{got}"


def _relative_uncertainty(optics: Optics) -> float:
    """Return the relative standard uncertainty of a length across half the frame, in the worse direction."""
    w, h = optics.width, optics.height
    plane = optics.plane()
    worst = 0.0
    for dx, dy in ((w / 4, 0.0), (0.0, h / 4)):
        ends = np.array([[(w - 1) / 2 - dx, (h - 1) / 2 - dy], [(w - 1) / 2 + dx, (h - 1) / 2 + dy]])
        step = np.diff(plane.to_mm(ends), axis=0)[0]
        length = float(np.hypot(*step))
        change = [np.diff(mode.displacements, axis=1)[:, 0] @ (step / length) for mode in plane.modes(ends)]
        worst = max(worst, math.sqrt(sum(float(c @ c) for c in change)) / length)
    return worst
