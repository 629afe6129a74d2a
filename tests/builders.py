"""A tiny golden sample for tests of every room: one view of 24 x 16 px, one of each characteristic."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from golden import bundle, seal
from golden.keys import SigningKey, TrustStore
from golden.spec import GoldenSpec

SUPPLIER = SigningKey("Shenzhen Boards", "supplier", Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
BUYER = SigningKey("Nordic Instruments", "buyer", Ed25519PrivateKey.from_private_bytes(b"\2" * 32))
ISSUED = datetime(2026, 1, 5, 8, tzinfo=UTC)
EXPIRES = datetime(2028, 1, 5, 8, tzinfo=UTC)
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def tiny_fields() -> dict[str, Any]:
    """Return the JSON fields of `tiny_spec`, for tests that alter them."""
    region = {"type": "rectangle", "x": 14, "y": 2, "width": 8, "height": 12}
    return {
        "schema": "hallmark.golden/1",
        "part": {"number": "T1", "revision": "A", "name": "Test plate"},
        "parties": [
            {"name": SUPPLIER.party, "role": "supplier"},
            {"name": BUYER.party, "role": "buyer"},
        ],
        "views": [
            {"id": "top", "image": "images/top.png", "width_px": 24, "height_px": 16, "mm_per_px": 0.1},
        ],
        "characteristics": [
            {
                "kind": "dimension", "number": 1, "id": "hole", "name": "Hole diameter", "severity": "major",
                "feature": {
                    "type": "circle_diameter", "view": "top",
                    "circle": {"center_px": [7, 8], "radius_px": 4, "inside": "dark"},
                },
                "nominal": 0.8, "lower": 0.75, "upper": 0.85,
            },
            {
                "kind": "colour", "number": 2, "id": "paint", "name": "Paint", "severity": "minor",
                "view": "top", "region": region, "upper": 2.0,
            },
            {
                "kind": "surface", "number": 3, "id": "face", "name": "Visible face", "severity": "major",
                "zones": ["front"],
            },
            {
                "kind": "functional", "number": 4, "id": "continuity", "name": "Continuity",
                "severity": "critical", "method": "IEC 60068, 100 mA", "unit": "ohm", "upper": 0.5,
            },
        ],
        "zones": [
            {
                "id": "front", "name": "Front", "view": "top",
                "region": {"type": "rectangle", "x": 0, "y": 0, "width": 24, "height": 16},
                "viewing": {"distance_mm": 400, "time_s": 5, "illuminance_lx": 1000},
            },
        ],
        "catalogue": {
            "smallest_mm": 0.2,
            "rules": [
                {"id": "speck", "defect_class": "any", "to_mm": 0.3, "severity": "allowed"},
                {
                    "id": "scratch", "defect_class": "scratch", "zone": "front", "from_mm": 0.3,
                    "severity": "minor",
                },
                {"id": "large", "defect_class": "unclassified", "from_mm": 1.0, "severity": "major"},
            ],
        },
        "plans": {},
    }  # fmt: skip


def tiny_spec() -> GoldenSpec:
    """Return the specification of the test plate."""
    return GoldenSpec.model_validate(tiny_fields())


def png(width: int, height: int, rgb: tuple[int, int, int] = (200, 200, 190)) -> bytes:
    """Return a PNG file of one colour, made without the code under test or an image library."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\0" + bytes(rgb) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiny_images() -> dict[str, bytes]:
    """Return the images of `tiny_spec` by path."""
    return {"images/top.png": png(24, 16)}


def trust() -> TrustStore:
    """Return the trust store that holds both parties' keys."""
    return TrustStore([SUPPLIER.trusted, BUYER.trusted])


def unsigned_tiny(*, version: int = 1, predecessor: str | None = None) -> bytes:
    """Return the bundle that nobody has signed, issued `ISSUED`, expiring `EXPIRES`."""
    return bundle.build(
        tiny_spec(), tiny_images(), version=version, issued=ISSUED, expires=EXPIRES, predecessor=predecessor
    )


def sealed(data: bytes) -> bytes:
    """Return the bundle signed by both parties."""
    return seal.sign(seal.sign(data, SUPPLIER), BUYER)


def sealed_tiny(*, version: int = 1) -> tuple[bytes, TrustStore]:
    """Return the sealed bundle and the trust store that accepts it at `NOW`."""
    return sealed(unsigned_tiny(version=version)), trust()
