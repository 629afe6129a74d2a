"""A workshop in a folder: a sealed golden sample of a drilled plate, keys, a certificate, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration import CameraCalibration
from datasets.twin import DEMO_RANGES, CaptureRanges, Twin
from golden import bundle, seal
from golden.keys import SigningKey
from golden.spec import GoldenSpec
from stations import StationConfig, TwinJob, encode_png
from tests.builders import tiny_fields

WIDTH, HEIGHT, MM_PER_PX = 900, 700, 0.02
TODAY = datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Workshop:
    """Paths of everything a station is given."""

    home: Path
    golden: Path
    trust: Path
    certificate: Path
    supplier: SigningKey
    buyer: SigningKey

    def config(self, **changes: object) -> StationConfig:
        """Return a station's configuration over this workshop; `changes` replace its fields."""
        fields: dict[str, object] = {
            "station": "cell-1", "golden": self.golden, "trust": self.trust, "spool": self.home / "spool",
            "jobs": (), "calibrations": {"top": self.certificate}, "lot": "L1", "clock": TODAY,
        }  # fmt: skip
        return StationConfig(**{**fields, **changes})  # type: ignore[arg-type]

    def seal(self, version: int, *, expires: datetime | None = None, name: str = "part.golden") -> Path:
        """Write a sealed version of the golden sample."""
        data = bundle.build(
            spec(), {"images/top.png": encode_png(plate())}, version=version,
            issued=TODAY - timedelta(days=30), expires=expires, predecessor=None,
        )  # fmt: skip
        path = self.home / name
        path.write_bytes(seal.sign(seal.sign(data, self.supplier), self.buyer))
        return path

    def certify(self, *, valid_until: datetime, camera: str = "cam-1", name: str = "top.cal") -> Path:
        """Write a camera certificate."""
        certificate = CameraCalibration.nominal(
            camera=camera, mm_per_px=MM_PER_PX, relative_uncertainty=1e-4,
            issued=TODAY - timedelta(days=30), valid_until=valid_until,
        )  # fmt: skip
        path = self.home / name
        certificate.save(path)
        return path

    def picture(self, path: Path, seed: int, ranges: CaptureRanges = DEMO_RANGES) -> Path:
        """Write a picture of a good unit, as a camera would take it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(Twin(plate(), MM_PER_PX, ranges).capture(seed).pixels))
        return path


def open_workshop(home: Path) -> Workshop:
    """Fill a folder."""
    supplier = SigningKey.generate("Shenzhen Boards", "supplier")
    buyer = SigningKey.generate("Nordic Instruments", "buyer")
    trust = home / "trust"
    trust.mkdir()
    for key in (supplier, buyer):
        key.save(trust)
    workshop = Workshop(home, home / "part.golden", trust, home / "top.cal", supplier, buyer)
    workshop.seal(1, expires=TODAY + timedelta(days=365))
    workshop.certify(valid_until=TODAY + timedelta(days=365))
    return workshop


def plate() -> npt.NDArray[np.uint8]:
    """Return the golden image: a plate with soft texture, two printed bars and two dark holes."""
    rng = np.random.default_rng(7)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 2.0)
    image = np.clip(np.float32([150, 160, 140]) + 55 * texture, 20, 235).astype(np.uint8)
    cv2.rectangle(image, (40, 30), (200, 50), (230, 225, 210), -1, cv2.LINE_AA)
    cv2.rectangle(image, (300, 60), (320, 240), (40, 60, 120), -1, cv2.LINE_AA)
    for x, y in ((70, 130), (240, 200)):
        cv2.circle(image, (x, y), 24, (18, 18, 20), -1, cv2.LINE_AA)
    return image


def spec() -> GoldenSpec:
    """Return the plate's specification."""
    fields = tiny_fields()
    fields["views"] = [
        {
            "id": "top",
            "image": "images/top.png",
            "width_px": WIDTH,
            "height_px": HEIGHT,
            "mm_per_px": MM_PER_PX,
        }
    ]
    fields["characteristics"] = [
        {
            "kind": "dimension", "number": 1, "id": "hole", "name": "Hole", "severity": "major",
            "feature": {
                "type": "circle_diameter", "view": "top",
                "circle": {"center_px": [70, 130], "radius_px": 24, "inside": "dark"},
            },
            "nominal": 0.98, "lower": 0.9, "upper": 1.1,
        },
        {
            "kind": "surface", "number": 2, "id": "face", "name": "Face", "severity": "minor",
            "zones": ["front"],
        },
    ]  # fmt: skip
    fields["zones"][0]["region"] = {"type": "rectangle", "x": 20, "y": 20, "width": 860, "height": 660}
    fields["catalogue"]["smallest_mm"] = 1.0
    return GoldenSpec.model_validate(fields)


def twin_jobs(count: int, first: int = 1) -> tuple[TwinJob, ...]:
    """Return good units of the twin."""
    return tuple(
        TwinJob(f"T{n:03d}", seed=n, captured_at=TODAY + timedelta(seconds=n))
        for n in range(first, first + count)
    )
