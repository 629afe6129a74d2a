"""`hallmark golden variation` and `--variation` as a person or a script runs them, on a small board."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import pytest
from typer.testing import CliRunner, Result

from golden import bundle, seal
from golden.keys import SigningKey
from hallmark.__main__ import app
from tests.vision import board
from tests.vision.test_variation import BLOB
from vision import VariationError, VariationModel


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed golden sample, keys, pictures of five approved units that share a fault, and of two others."""
    root = tmp_path_factory.mktemp("bench")
    sample = board.sample()
    data = bundle.build(sample.spec, sample.images, version=1, issued=datetime(2026, 1, 1, tzinfo=UTC))
    for party in sample.spec.parties:
        key = SigningKey.generate(party.name, party.role)
        (root / party.role).mkdir(exist_ok=True)
        private, public = key.save(root / party.role)
        data = seal.sign(data, key)
        (root / "trust").mkdir(exist_ok=True)
        (root / "trust" / public.name).write_bytes(public.read_bytes())
        private.rename(root / f"{party.role}.key.json")
    (root / "board.golden").write_bytes(data)
    for seed in range(31, 36):
        picture(root / f"U{seed}.png", board.captured(seed, BLOB).pixels)
    picture(root / "with.png", board.captured(60, BLOB).pixels)
    picture(root / "without.png", board.captured(60).pixels)
    return root


def picture(path: Path, pixels: Any) -> None:
    assert cv2.imwrite(str(path), pixels[..., ::-1])


def run(bench: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"HALLMARK_TRUST": str(bench / "trust")})


@pytest.fixture(scope="module")
def learned(bench: Path) -> Result:
    """What learning says; it leaves learned.variation and learned.png in the bench."""
    named = ["--approved-by", "A. Buyer", "-o", bench / "learned.variation"]
    return run(
        bench, "golden", "variation", "learn", bench / "board.golden", *sorted(bench.glob("U*.png")), *named,
        "--picture", bench / "learned.png",
    )  # fmt: skip


def verdict(bench: Path, unit: str, variation: Path) -> str:
    """Return what becomes of a unit's surface, or the sentence that refuses the model."""
    result = run(
        bench, "inspect", bench / "board.golden", bench / unit, "--model", "none", "--variation", variation,
        "--json",
    )  # fmt: skip
    if isinstance(result.exception, VariationError):
        return str(result.exception)
    record = json.loads(result.stdout)
    assert record["frames"][0]["variation"] == VariationModel.open(variation).digest
    return "rejected" if "surface_rejected" in record["reasons"] else "passes"


def test_units_are_learned_looked_at_confirmed_signed_and_used(
    bench: Path, learned: Result, tmp_path: Path
) -> None:
    assert learned.exit_code == 0, learned.output
    assert "5 units of view top" in learned.stdout
    assert "region 1: 5 of 5 units" in learned.stdout
    assert "NOT CONFIRMED" in learned.stdout
    panels = cv2.imread(str(bench / "learned.png"))
    assert panels is not None
    assert panels.shape == (board.HEIGHT // 2 + 28, 3 * board.WIDTH // 2, 3)

    out = tmp_path / "top.variation"
    out.write_bytes((bench / "learned.variation").read_bytes())
    assert "nobody has signed" in verdict(bench, "with.png", out)

    sign = ("golden", "variation", "sign", out, "--key", bench / "buyer.key.json")
    assert run(bench, *sign).exit_code == 0
    assert verdict(bench, "with.png", out) == "rejected"
    assert run(bench, *sign, "--confirm", "1").exit_code == 0
    assert verdict(bench, "with.png", out) == "passes"
    assert verdict(bench, "without.png", out) == "passes"

    shown = run(bench, "golden", "variation", "show", out, "--trust", bench / "trust", "--json")
    told = json.loads(shown.stdout)
    assert len(told["signed_by"]) == 1
    assert [u["serial"] for u in told["header"]["units"]] == [f"U{n}" for n in range(31, 36)]
    assert told["header"]["shared"][0]["confirmed"] is True


@pytest.mark.usefixtures("learned")
def test_bad_input_is_refused_with_a_sentence(bench: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.variation"
    few = run(
        bench, "golden", "variation", "learn", bench / "board.golden", bench / "U31.png",
        "--approved-by", "A", "-o", out,
    )  # fmt: skip
    assert "give 4 to" in str(few.exception)
    assert not out.exists()
    (tmp_path / "no.variation").write_bytes(b"nothing")
    no = run(bench, "golden", "variation", "show", tmp_path / "no.variation")
    assert "is it a .variation file?" in str(no.exception)
    out = bench / "learned.variation"
    numbers = run(
        bench, "golden", "variation", "sign", out, "--key", bench / "buyer.key.json", "--confirm", "one"
    )
    assert numbers.exit_code == 2
    picture_alone = run(bench, "golden", "variation", "show", out, "--picture", tmp_path / "x.png")
    assert picture_alone.exit_code == 2
