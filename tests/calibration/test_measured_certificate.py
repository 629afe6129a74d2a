"""Measured certificates: what they hold, which frames fit, who vouches; old ones keep their bytes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration import CalibrationAlteredError, CalibrationError, CalibrationFormatError, CameraCalibration
from calibration.certificate import Temperature
from calibration.errors import CalibrationUnsignedError
from calibration.flat_field import FlatField, FlatPlane
from calibration.noise import PhotonTransfer, PlaneTransfer
from calibration.optics import Optics
from calibration.plane_map import ScaleMap
from calibration.settings import Settings
from calibration.substitution import EdgeDefinition
from calibration.targets import Target
from evidence import REASONS, Frame
from golden.keys import SigningKey, TrustStore

ISSUED = datetime(2026, 1, 1, 8, tzinfo=UTC)
UNTIL = datetime(2027, 1, 1, 8, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

# What release 0.1.0 wrote: its bytes and digest are in records and may never change.
NOMINAL = (
    b'{"camera":"cell-3","conditions":"scanner at 1200 dpi",'
    b'"digest":"sha256:df231790a9344132e252499b4b4b520737a0c067d4a7c5f756229ebc61a71a00",'
    b'"issued":"2026-01-01T08:00:00Z","method":"nominal","mm_per_px":0.02,'
    b'"noise":{"gain":5e-05,"read":0.001},"relative_uncertainty":0.0005,"schema":"hallmark.calibration/1",'
    b'"transfer":"srgb","valid_until":"2027-01-01T08:00:00Z"}\n'
)

# A camera 500 mm above its plane, looking straight down: 0.1 mm/px. Only focal length (1e-3), height
# (0.25 mm) and pitch (2e-4) are not exactly known.
_U = (5.0, 5.0, 1e-6, 1e-6, 1e-9, 1e-9, 1e-9, 1e-6, 1e-6, 0.25)
OPTICS = Optics(
    kind="perspective", width=640, height=480, names=("fx", "fy", "cx", "cy"),
    values=(5000.0, 5000.0, 319.5, 239.5),
    rotation=((1, 0, 0), (0, 1, 0), (0, 0, 1)), translation=(0, 0, 500),
    covariance=tuple(tuple(u * u if i == j else 0.0 for j in range(10)) for i, u in enumerate(_U)),
    degrees_of_freedom=900, pitch_relative_uncertainty=2e-4, centre_mm=(0, 0), pictures=12, corners=950,
    rms_px=0.02, hold_out_px=0.021, noise_scale=1.0,
)  # fmt: skip
FLAT = FlatField(
    width=640, height=480,
    planes=(FlatPlane(name="grey", dark=0.0, level=0.6, response=(1.0,) + 27 * (0.0,), unevenness=0.001),),
)  # fmt: skip
TRANSFER = PhotonTransfer(
    white=4095,
    planes=(
        PlaneTransfer(
            name="grey", gain=1e-4, u_gain=1e-6, read=8e-4, u_read=1e-5, black_level=64, levels=9,
            degrees_of_freedom=7,
        ),
    ),
)  # fmt: skip
SETTINGS = Settings(width=640, height=480, pixel_format="Mono12", black_level=64, exposure_us=5000, gain_db=0)
TARGET = Target(
    kind="chessboard", columns=12, rows=9, pitch_mm=10, pitch_relative_uncertainty=2e-4, serial="CB-1",
    certificate="K-1", expires=date(2026, 9, 1),
)  # fmt: skip


def certificate(**fields: Any) -> CameraCalibration:
    stated = {
        "camera": "cell-3", "optics": OPTICS, "issued": ISSUED, "valid_until": UNTIL, "lens": "TC-12 77031",
        "settings": SETTINGS, "target": TARGET, "flat_field": FLAT, "photon_transfer": TRANSFER,
        "edge_definition": EdgeDefinition(correction_mm=0.004, common_mm=0.001),
        "temperature": Temperature(celsius=21.5, u_celsius=0.3), "versions": {"numpy": "2.3.1"},
    }  # fmt: skip
    return CameraCalibration.measured(**{**stated, **fields})


def frame(shape: tuple[int, ...] = (480, 640), dtype: Any = np.uint16, **fields: Any) -> Frame:
    return Frame(
        **{"pixels": np.zeros(shape, dtype), "data": b"x", "view": "top", "camera": "cell-3", **fields}
    )


def test_certificates_of_the_first_release_keep_bytes_and_digest() -> None:
    opened = CameraCalibration.parse(NOMINAL, source="a.cal")
    assert opened.to_bytes() == NOMINAL
    assert opened.digest == "sha256:df231790a9344132e252499b4b4b520737a0c067d4a7c5f756229ebc61a71a00"
    made = CameraCalibration.nominal(
        camera="cell-3", mm_per_px=0.02, relative_uncertainty=0.0005, issued=ISSUED, valid_until=UNTIL,
        conditions="scanner at 1200 dpi",
    )  # fmt: skip
    assert made.to_bytes() == NOMINAL


def test_a_measured_certificate_makes_the_round_trip() -> None:
    made = certificate()
    opened = CameraCalibration.parse(made.to_bytes(), source="a.cal")
    assert opened == made
    assert opened.method == "measured"
    assert opened.noise == TRANSFER.noise
    assert opened.mm_per_px == pytest.approx(0.1)


def test_the_scale_s_uncertainty_follows_from_the_optics() -> None:
    """By hand: focal length 1e-3 on one axis, height 0.25 / 500 = 5e-4, pitch 2e-4, of one length."""
    made = certificate()
    assert made.relative_uncertainty == pytest.approx(np.sqrt(1e-3**2 + 5e-4**2 + 2e-4**2), rel=1e-3)


def test_a_flipped_bit_anywhere_is_refused() -> None:
    lab = SigningKey.generate("Lab", "laboratory")
    trust = TrustStore([lab.trusted])
    data = certificate().sign(lab).to_bytes()
    for i in range(0, 8 * len(data), 37):
        altered = bytearray(data)
        altered[i // 8] ^= 1 << (i % 8)
        with pytest.raises(CalibrationError):  # by parse, or in a signature by verify
            CameraCalibration.parse(bytes(altered), source="a.cal").verify(trust)


def test_the_plane_is_the_scale_s_or_the_lens_s() -> None:
    nominal = CameraCalibration.parse(NOMINAL, source="a.cal")
    assert nominal.plane() == ScaleMap(0.02, 0.0005)
    px = np.array([[319.5, 239.5], [419.5, 239.5]])
    for height, scale in ((0.0, 0.1), (50.0, 0.09)):
        mm = certificate().plane(height).to_mm(px)
        assert mm[1, 0] - mm[0, 0] == pytest.approx(100 * scale)


def test_codes_become_light_without_the_black_level() -> None:
    table = certificate().table()
    assert table.shape == (4096,)
    assert table.dtype == np.float32
    assert table[64] == 0
    assert table[0] == pytest.approx(-64 / 4031)
    assert table[4095] == pytest.approx(1)
    nominal = CameraCalibration.parse(NOMINAL, source="a.cal").table()
    assert nominal.shape == (256,)
    assert nominal[128] == pytest.approx(0.2158605, abs=1e-6)  # IEC 61966-2-1


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({}, None),
        ({"exposure_us": 5010.0}, None),
        ({"exposure_us": 5100.0}, "exposure_changed"),
        ({"camera": "cell-4", "exposure_us": 9.0}, "calibration_foreign"),
        ({"shape": (480, 642)}, "calibration_mismatch"),
        ({"shape": (640, 480)}, "calibration_mismatch"),
        ({"dtype": np.uint8}, "calibration_mismatch"),
        ({"shape": (480, 640, 3)}, None),  # a grey camera's frame as three equal channels
    ],
)
def test_frames_that_do_not_fit_are_told(other: dict[str, Any], reason: str | None) -> None:
    assert certificate().fits(frame(**other)) == reason
    assert reason is None or reason in REASONS


def test_what_is_not_known_is_not_held_against_a_frame() -> None:
    nominal = CameraCalibration.parse(NOMINAL, source="a.cal")
    assert nominal.fits(frame((99, 77), np.uint8, exposure_us=3.0)) is None
    assert nominal.fits(frame(camera="cell-4")) == "calibration_foreign"
    assert certificate(settings=None).fits(frame(dtype=np.uint8)) is None
    assert certificate(settings=None).fits(frame((480, 641))) == "calibration_mismatch"


@pytest.mark.parametrize(
    ("pixel_format", "white", "bayer", "fits"),
    [
        ("Mono8", 255, None, ((4, 4), np.uint8)), ("RGB8", 255, None, ((4, 4, 3), np.uint8)),
        ("Mono16", 65535, None, ((4, 4), np.uint16)), ("BayerRG12", 4095, "RGGB", ((4, 4), np.uint16)),
        ("BayerGB8", 255, "GBRG", ((4, 4), np.uint8)),
    ],
)  # fmt: skip
def test_pixel_formats(pixel_format: str, white: int, bayer: str | None, fits: Any) -> None:
    settings = Settings(pixel_format=pixel_format)
    assert (settings.white, settings.bayer) == (white, bayer)
    assert settings.fault(np.zeros(*fits), None) is None
    if pixel_format.startswith(("RGB", "Bayer")):
        assert settings.fault(np.zeros((4, 4) if "RGB" in pixel_format else (4, 4, 3), fits[1]), None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"flat_field": FLAT.model_copy(update={"width": 641})}, "several sizes"),
        ({"settings": SETTINGS.model_copy(update={"height": 481})}, "several sizes"),
        ({"target": TARGET.model_copy(update={"expires": date(2025, 12, 31)})}, "expired"),
        ({"transfer": "srgb"}, "black level"),
        ({"valid_until": ISSUED}, "not after issued"),
        ({"temperature": {"celsius": 500, "u_celsius": 1}}, "temperature"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_what_does_not_fit_together_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(CalibrationFormatError, match=message):
        certificate(**fields)


def test_a_nominal_certificate_cannot_claim_optics_nor_a_measured_one_miss_them() -> None:
    content = json.loads(certificate().to_bytes())
    content.pop("digest")
    for changed in ({**content, "method": "nominal"}, {k: v for k, v in content.items() if k != "optics"}):
        with pytest.raises(ValueError, match="has optics"):
            CameraCalibration.model_validate(changed)


def test_a_station_with_trusted_keys_takes_what_they_signed_only(tmp_path: Path) -> None:
    lab, other = SigningKey.generate("Lab", "laboratory"), SigningKey.generate("Other", "other")
    trust = TrustStore([lab.trusted])
    path = tmp_path / "cell-3.cal"
    certificate().save(path)
    with pytest.raises(CalibrationUnsignedError, match=r"cell-3\.cal: nobody"):
        CameraCalibration.open(path, now=NOW, trust=trust)
    signed = certificate().sign(lab)
    signed.save(path)
    assert CameraCalibration.open(path, now=NOW, trust=trust) == signed
    assert [(s.party, s.role) for s in signed.verify(trust)] == [("Lab", "laboratory")]
    assert signed.digest == certificate().digest
    assert signed.sign(lab) == signed
    certificate().sign(other).save(path)
    with pytest.raises(CalibrationUnsignedError, match="not trusted"):
        CameraCalibration.open(path, now=NOW, trust=trust)
    assert CameraCalibration.open(path, now=NOW).signatures


def test_a_signature_speaks_for_one_content_only() -> None:
    lab = SigningKey.generate("Lab", "laboratory")
    trust = TrustStore([lab.trusted])
    signed = certificate().sign(lab)
    forged = signed.model_copy(update={"mm_per_px": 0.2})
    with pytest.raises(CalibrationUnsignedError, match="not genuine"):
        forged.verify(trust)
    data = signed.to_bytes().replace(b"TC-12 77031", b"TC-12 77032")
    with pytest.raises(CalibrationAlteredError):
        CameraCalibration.parse(data, source="a.cal")
    broken = signed.signatures[0].model_copy(update={"sig": "?"})
    with pytest.raises(CalibrationUnsignedError, match="not genuine"):
        signed.model_copy(update={"signatures": (broken,)}).verify(trust)


def test_two_signatures_are_kept_sorted_and_once_each() -> None:
    keys = [SigningKey.generate(f"Lab {i}", "laboratory") for i in range(3)]
    made = certificate()
    for key in keys:
        made = made.sign(key)
    assert CameraCalibration.parse(made.to_bytes(), source="a.cal") == made
    assert {s.party for s in made.verify(TrustStore([k.trusted for k in keys]))} == {
        "Lab 0",
        "Lab 1",
        "Lab 2",
    }
    content = json.loads(made.to_bytes())
    content.pop("digest")
    with pytest.raises(ValueError, match="sorted"):
        CameraCalibration.model_validate({**content, "signatures": content["signatures"][::-1]})
