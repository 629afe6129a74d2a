"""Where a variation model is used: stations, `hallmark inspect` and replays, and which models they refuse."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from evidence import Inspection
from golden.keys import SigningKey, TrustStore
from golden.sample import GoldenSample
from hallmark.__main__ import main
from stations import encode_png
from tests.hallmark.test_replay import rewrite
from tests.stations.workshop import HEIGHT, TODAY, WIDTH, Workshop, open_workshop, plate
from vision import VariationModel
from vision.surface import Approval
from vision.surface.tally import Tally


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


class Bench(NamedTuple):
    """A workshop, a signed model that lets a blot pass, and models that are to be refused, by why."""

    workshop: Workshop
    signed: Path
    digest: str
    refused: dict[str, tuple[Path, str]]


BLOT = np.s_[430:530, 500:600]
LIT = 30  # codes by which the blot is lighter


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    workshop = open_workshop(tmp_path_factory.mktemp("variation"))
    trust = TrustStore.open(workshop.trust)
    golden = GoldenSample.open(workshop.golden, trust, TODAY)
    model = varied(golden.digest)
    home = workshop.home
    model.sign(workshop.buyer).save(home / "top.variation")
    stranger = SigningKey.generate("Nobody", "buyer")
    least = dataclasses.replace(model.tally, least=model.tally.least // 2)
    refused = {
        "unsigned": (model, "nobody has signed it"),
        "untrusted": (model.sign(stranger), "not trusted here"),
        "altered": (dataclasses.replace(model.sign(workshop.buyer), tally=least), "least was altered"),
        "foreign": (varied("sha256:" + "e" * 64).sign(workshop.buyer), "learn one for it"),
    }
    for name, (unfit, _) in refused.items():
        unfit.save(home / f"{name}.variation")
    pictures = home / "pictures"
    pictures.mkdir()
    blot = plate()
    blot[BLOT] += LIT
    (pictures / "BLOT.png").write_bytes(encode_png(blot))
    (pictures / "GOOD.png").write_bytes(encode_png(plate()))
    named = {name: (home / f"{name}.variation", why) for name, (_, why) in refused.items()}
    return Bench(workshop, home / "top.variation", model.digest, named)


def varied(golden: str) -> VariationModel:
    """Return a model of units that differ much from each other, everywhere alike."""
    shown = cv2.resize(plate(), (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA).astype(np.int16)
    tally = Tally.empty(HEIGHT // 2, WIDTH // 2)
    for offset in (-30, -15, 0, 15, 30):
        codes = np.clip(shown + offset, 0, 255).astype(np.uint8)
        tally = tally.plus(codes, np.zeros(codes.shape[:2], np.bool_))
    units = tuple(
        Approval(
            frame=f"sha256:{n:064x}",
            serial=f"U{n}",
            approved_by="A. Buyer",
            approved_at="2026-06-02T08:00:00Z",
        )
        for n in range(5)
    )
    return VariationModel.of(golden, "top", units, tally, (), np.zeros(tally.beyond.shape, np.uint16))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(monkeypatch, capsys)


@dataclasses.dataclass
class Runs:
    """Runs the command as a shell does, errors included."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Said:
        self.monkeypatch.setattr(sys, "argv", ["hallmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self.capsys.readouterr()
        return Said(int(ended.value.code or 0), told.out, told.err)

    def station(self, bench: Bench, spool: str, *more: str | Path) -> Said:
        w = bench.workshop
        return self(
            "station", "run", "--golden", w.golden, "--trust", w.trust, "--calibration", w.certificate,
            "--station", "cell-1", "--model", "none", "--spool", w.home / spool,
            "--images", w.home / "pictures", "--json", *more,
        )  # fmt: skip

    def inspect(self, bench: Bench, unit: str, *more: str | Path) -> Said:
        w = bench.workshop
        return self(
            "inspect", w.golden, "--trust", w.trust, "--model", "none", "--json",
            w.home / "pictures" / f"{unit}.png", *more,
        )  # fmt: skip

    def replay(self, bench: Bench, spool: str, *more: str | Path) -> Said:
        w = bench.workshop
        return self(
            "replay", w.home / spool, "--golden", w.golden, "--trust", w.trust,
            "--calibration", w.certificate, *more,
        )  # fmt: skip


def records(said: Said) -> dict[str, Inspection]:
    found = [Inspection.model_validate_json(line) for line in said.out.splitlines()]
    return {record.serial or "": record for record in found}


def refuses(said: Said, why: str) -> None:
    """One sentence, no record, exit code 2."""
    assert (said.code, said.out) == (2, ""), said
    sentence = said.err.strip().splitlines()
    assert len(sentence) == 1, said.err
    assert sentence[0].startswith("hallmark: ")
    assert why in sentence[0]


def test_a_station_compares_with_the_model_and_a_replay_needs_the_same_one(run: Runs, bench: Bench) -> None:
    alone = records(run.station(bench, "alone"))
    assert [r.frames[0].variation for r in alone.values()] == [None, None]
    assert alone["BLOT"].defects
    assert not alone["GOOD"].defects
    with_model = records(run.station(bench, "spool", "--variation", f"top={bench.signed}"))
    assert [r.frames[0].variation for r in with_model.values()] == [bench.digest] * 2
    assert [r.defects for r in with_model.values()] == [(), ()]

    same = run.replay(bench, "spool", "--variation", bench.signed)
    assert (same.code, same.out) == (0, "2 of 2 agree, 0 disagree, 0 not compared\n"), same
    beside = run.replay(bench, "alone", "--variation", bench.signed)
    assert (beside.code, beside.out) == (0, "2 of 2 agree, 0 disagree, 0 not compared\n"), beside

    missing = f"not compared: compared with variation model {bench.digest}: give that file"
    for other in ((), ("--variation", bench.refused["foreign"][0])):
        without = run.replay(bench, "spool", *other)
        assert without.code == 1
        assert without.out.count(missing) == 2
        assert without.out.endswith("0 of 2 agree, 0 disagree, 2 not compared\n")
    for name in ("unsigned", "untrusted", "altered"):
        path, why = bench.refused[name]
        refuses(run.replay(bench, "spool", "--variation", path), why)

    blot = 1 + list(with_model).index("BLOT")
    rewrite(bench.workshop, blot, lambda record: record["frames"][0].pop("variation"), sign=True)
    denied = run.replay(bench, "spool", "--sequence", str(blot))
    assert denied.code == 1, "a record that hides by what it was compared does not agree"
    assert "0 of 1 agree, 1 disagree" in denied.out


def test_one_inspection_compares_with_the_model_too(run: Runs, bench: Bench) -> None:
    (alone,) = records(run.inspect(bench, "BLOT")).values()
    (with_model,) = records(run.inspect(bench, "BLOT", "--variation", bench.signed)).values()
    assert alone.frames[0].variation is None
    assert len(alone.defects) == 1
    assert with_model.frames[0].variation == bench.digest
    assert with_model.defects == ()
    assert "variation" not in json.loads(alone.to_json())["frames"][0]


@pytest.mark.parametrize("name", ["unsigned", "untrusted", "altered", "foreign"])
def test_what_is_not_signed_as_it_is_or_of_another_golden_sample_inspects_nothing(
    run: Runs, bench: Bench, name: str
) -> None:
    path, why = bench.refused[name]
    refuses(run.inspect(bench, "GOOD", "--variation", path), why)
    refuses(run.station(bench, f"never-{name}", "--variation", path), why)
    assert not (bench.workshop.home / f"never-{name}").exists()
