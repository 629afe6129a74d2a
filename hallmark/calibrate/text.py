"""A certificate in words for people: where its numbers come from, how good they are, until when they hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

import numpy as np

from calibration import CameraCalibration, PlaneMap
from golden.keys import TrustStore
from hallmark.calibrate.colour_text import figures
from kernels.compiled import F64

_UNKNOWN = 0.5  # relative uncertainty of a scale that nobody states
_PLACES = (1 / 6, 1 / 2, 5 / 6)  # of the frame's sides


def describe(certificate: CameraCalibration, now: datetime, trust: TrustStore | None) -> Iterator[str]:
    """Yield the certificate line by line.

    Args:
        certificate: parsed, whatever its validity.
        now: for what it says about that.
        trust: keys whose signatures are verified, or None: signatures are then named, not verified.

    Raises:
        CalibrationUnsignedError: with `trust`, nobody who is trusted has signed it.
    """
    yield f"camera       {certificate.camera}{f', lens {certificate.lens}' if certificate.lens else ''}"
    yield f"digest       {certificate.digest}"
    yield f"valid        {_valid(certificate, now)}"
    yield from _scale(certificate)
    yield from _optics(certificate)
    yield from _target(certificate)
    yield from _camera(certificate)
    if certificate.colour is not None:
        yield from figures(certificate.colour)
    if certificate.conditions:
        yield f"conditions   {certificate.conditions}"
    yield from _signatures(certificate, trust)
    if certificate.versions:
        yield "computed by  " + ", ".join(f"{n} {v}" for n, v in sorted(certificate.versions.items()))


def length_uncertainty(plane: PlaneMap, width: int, height: int) -> tuple[float, F64]:
    """Return a length in mm and its expanded uncertainties (k = 2) over the field, (3, 3) mm.

    The length is a quarter of the frame's width in the middle of the frame. Each place has the worse of the
    length across and down, from all that is uncertain about the plane and common to every unit.
    """
    quarter = width / 4
    ends = np.array([[(width - 1) / 2 - quarter / 2, (height - 1) / 2]] * 2)
    ends[1, 0] += quarter
    length = float(np.hypot(*np.diff(plane.to_mm(ends), axis=0)[0]))
    out = np.empty((3, 3))
    for row, v in enumerate(_PLACES):
        for column, u in enumerate(_PLACES):
            out[row, column] = 2 * max(
                _length(plane, (u * width - 0.5, v * height - 0.5), half) * length
                for half in ((width / 8, 0.0), (0.0, width / 8))
            )
    return length, out


def _length(plane: PlaneMap, centre: tuple[float, float], half: tuple[float, float]) -> float:
    """Return the relative standard uncertainty of the length between two pixels."""
    px = np.array([np.subtract(centre, half), np.add(centre, half)])
    step = np.diff(plane.to_mm(px), axis=0)[0]
    length = float(np.hypot(*step))
    changes = [np.diff(mode.displacements, axis=1)[:, 0] @ (step / length) for mode in plane.modes(px)]
    return math.sqrt(sum(float(change @ change) for change in changes)) / length


def _valid(certificate: CameraCalibration, now: datetime) -> str:
    said = f"{certificate.issued:%Y-%m-%d %H:%M} to {certificate.valid_until:%Y-%m-%d %H:%M} UTC"
    if now > certificate.valid_until:
        return f"{said}: EXPIRED, calibrate the camera again"
    days = (certificate.valid_until - now).total_seconds() / 86400
    return f"{said}: {days:.0f} days left" if now >= certificate.issued else f"{said}: not yet"


def _scale(certificate: CameraCalibration) -> Iterator[str]:
    relative = certificate.relative_uncertainty
    if relative >= _UNKNOWN:
        yield "scale        not known: no length can be decided"
        return
    yield (
        f"scale        {certificate.mm_per_px:.7g} mm/px, "
        f"{'measured' if certificate.method == 'measured' else 'stated, nothing was measured'}; "
        f"a length is known to {2 * relative:.2g} of itself (k = 2)"
    )


def _optics(certificate: CameraCalibration) -> Iterator[str]:
    optics = certificate.optics
    if optics is None:
        return
    yield (
        f"lens model   {optics.kind}: {', '.join(optics.names)}; {optics.pictures} pictures, "
        f"{optics.corners} corners"
    )
    yield (
        f"residuals    {optics.rms_px:.4f} px rms; {optics.hold_out_px:.4f} px for corners held out"
        + (f"; noise taken {optics.noise_scale:.1f} times as stated" if optics.noise_scale > 1.05 else "")
        + (
            f"; target's own errors {1000 * optics.target_sigma_mm:.2g} um"
            if optics.target_sigma_mm is not None
            else ""
        )
    )
    tilt = math.degrees(math.acos(min(1.0, abs(optics.rotation[2][2]))))
    yield f"plane        tilted by {tilt:.2f} degrees against the camera"
    length, grid = length_uncertainty(optics.plane(), optics.width, optics.height)
    yield f"uncertainty  of {length:.3g} mm over the field, k = 2, um (edges and light come on top):"
    for row in 1000 * grid:
        yield "             " + "".join(f"{u:9.3g}" for u in row)


def _target(certificate: CameraCalibration) -> Iterator[str]:
    target = certificate.target
    if target is None:
        if certificate.relative_uncertainty < _UNKNOWN:
            yield "traceable    to nothing: no target is named"
        return
    named = " ".join(filter(None, (target.kind, target.serial, target.substrate)))
    yield (
        f"target       {named}: pitch {target.pitch_mm:g} mm known to "
        f"{target.pitch_relative_uncertainty:.2g} of itself (k = 1)"
    )
    until = f", holds until {target.expires}" if target.expires else ""
    yield (
        f"traceable    to {target.certificate}{until}"
        if target.certificate
        else "traceable    to nothing: the target has no certificate; lengths are as good as its definition"
    )


def _camera(certificate: CameraCalibration) -> Iterator[str]:
    s = certificate.settings
    if s is not None:
        known = [
            f"{s.width} x {s.height} px" if s.width else "", s.pixel_format, f"codes {certificate.transfer}",
            f"black level {s.black_level:.4g}" if s.black_level else "",
            f"exposure {s.exposure_us:g} us" if s.exposure_us is not None else "",
            f"gain {s.gain_db:g} dB" if s.gain_db is not None else "", s.aperture,
        ]  # fmt: skip
        yield "settings     " + ", ".join(filter(None, known))
    if certificate.temperature is not None:
        warm = certificate.temperature
        yield f"temperature  {warm.celsius:g} degrees C, u {warm.u_celsius:g}"
    flat = certificate.flat_field
    if flat is not None:
        parts = ", ".join(f"{p.name} uneven by {p.unevenness:.2%}" for p in flat.planes)
        yield f"flat field   {parts}{'; pattern of pixels in the .flat.npy file' if flat.fine else ''}"
    transfer = certificate.photon_transfer
    if transfer is not None:
        for p in transfer.planes:
            yield (
                f"noise        {p.name}: {1 / p.gain:.0f} electrons at full scale, dark noise {p.read:.2g} "
                "of it" + (f", saturates at {p.saturation:.0%}" if p.saturation else "")
            )
    edge = certificate.edge_definition
    if edge is not None:
        yield (
            f"edge         {1000 * edge.correction_mm:+.2f} um towards the bright side, u "
            f"{1000 * edge.common_mm:.2g} um, by workpiece {edge.workpiece or 'none, stated'}"
        )


def _signatures(certificate: CameraCalibration, trust: TrustStore | None) -> Iterator[str]:
    if trust is not None:
        for signature in certificate.verify(trust):
            yield f"signed       by {signature.party}, verified"
        return
    for signature in certificate.signatures:
        yield f"signed       by key {signature.keyid[:19]}, not verified: give --trust"
    if not certificate.signatures:
        yield "signed       by nobody"
