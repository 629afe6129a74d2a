"""A sealed golden sample of the drawn board with components, a print and a code, as files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from golden import bundle, seal
from golden.keys import SigningKey
from kernels.compiled import U8
from tests.vision import board, populated


@dataclass(frozen=True)
class PopulatedBoard:
    """Files of a folder."""

    root: Path
    golden: Path
    trust: Path

    def photograph(self, name: str, pixels: U8) -> Path:
        """Write a unit's picture."""
        path = self.root / name
        path.write_bytes(board.png(pixels))
        return path


def sealed(root: Path) -> PopulatedBoard:
    """Seal the golden sample."""
    spec = populated.spec()
    now = datetime.now(UTC)
    unsigned = bundle.build(
        spec, {"images/top.png": board.png(populated.picture())}, version=1, issued=now,
        expires=now + timedelta(days=1), predecessor=None,
    )  # fmt: skip
    trust = root / "trust"
    trust.mkdir()
    for role in ("supplier", "buyer"):
        key = SigningKey.generate(spec.party(role).name, role)
        _, public = key.save(root / role)
        (trust / public.name).write_bytes(public.read_bytes())
        unsigned = seal.sign(unsigned, key)
    golden = root / "board.golden"
    golden.write_bytes(unsigned)
    return PopulatedBoard(root, golden, trust)
