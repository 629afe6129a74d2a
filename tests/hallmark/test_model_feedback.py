"""From a person's call to a released model and back, and never a verdict that changes unseen."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from typer.testing import CliRunner, Result

from golden import bundle
from golden.errors import GoldenError
from golden.keys import SigningKey
from hallmark.__main__ import app
from hallmark.commands import input_errors
from hallmark.errors import TrainingError
from hallmark.feedback import shadow as shadow_run
from hallmark.training.prepared import Index, PreparedPair, pair_file, read_index, write_index, write_pair
from models.card import MODEL, PARITY, read_card
from models.detector.decision import decide
from models.detector.release import open_detector
from models.errors import ModelUnsignedError
from models.release import packaged, seal
from stations import ImageJob, SpoolReader, encode_png, run_station
from stations.errors import ModelRegistryError
from stations.model_registry import ModelRegistry
from tests.models import tiny, tiny_detector
from tests.stations.workshop import Workshop, open_workshop, plate

SCRATCH = (420, 300, 521, 307)  # x1 y1 x2 y2 in golden pixels


@dataclass(frozen=True)
class Line:
    """A station that has inspected a good and a scratched unit, its keys, and two models of its part."""

    home: Path
    workshop: Workshop
    spool: Path
    careful: Path
    careless: Path
    key: Path

    @property
    def agreed(self) -> tuple[str, ...]:
        return "--golden", str(self.workshop.golden), "--trust", str(self.workshop.trust)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def undecided(folder: Path, dismiss_from: float) -> Path:
    """Release a network that always says 0.6 not a defect, 0.2 each else; it dismisses from a certainty."""
    thresholds = tiny.card().thresholds.model_copy(update={"dismiss_from": dismiss_from})
    tiny.release(folder, golden_image=tiny.digest(encode_png(plate())), thresholds=thresholds)

    offset = np.float32([tiny.TEMPERATURE * np.log(3), 0, 0])

    def blank(graph: onnx.GraphProto) -> None:
        (last,) = (t for t in graph.initializer if t.name == "last")
        last.CopyFrom(numpy_helper.from_array(np.zeros(last.dims, np.float32), "last"))
        graph.initializer.append(numpy_helper.from_array(offset, "offset"))
        graph.node[-1].input.append("offset")

    tiny.damage(folder, blank)
    logits = 0 * tiny.logits(tiny.pairs()) + offset[:, None, None]
    tiny.replace(folder, PARITY, tiny.npz(pair=tiny.pairs(), logits=logits))
    return folder


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    home = tmp_path_factory.mktemp("line")
    workshop = open_workshop(home)
    pictures = {}
    for name in ("good", "scratched"):
        pixels = plate()
        if name == "scratched":
            cv2.rectangle(pixels, SCRATCH[:2], (SCRATCH[2] - 1, SCRATCH[3] - 1), (250, 250, 250), -1)
        pictures[name] = home / f"{name}.png"
        pictures[name].write_bytes(encode_png(pixels))
    careful, careless = undecided(home / "careful", 0.9), undecided(home / "careless", 0.3)
    jobs = tuple(ImageJob(name, {"top": path}) for name, path in pictures.items())
    signed = shutil.copytree(careful, home / "signed")
    seal(signed, read_card(signed), workshop.buyer)
    run_station(workshop.config(jobs=jobs, model=str(signed)))
    key, public = SigningKey.generate("Quality of the plant", "buyer").save(home / "keys")
    ModelRegistry.create(home / "models")
    shutil.copy(public, home / "models" / "trust")
    return Line(home, workshop, home / "spool", careful, careless, key)


# --- shadow


@pytest.fixture(scope="module")
def shadow(line: Line) -> Path:
    out = line.home / "shadow"
    told = run("model", "shadow", line.careful, line.careless, line.spool, *line.agreed, "--out", out)
    assert told.exit_code == 1, told.stderr
    assert "2 scratched: REJECT becomes ACCEPT" in told.stdout
    assert "2 units: 1 verdicts would flip, 0 differ in names alone" in told.stdout
    return out / "shadow.json"


def test_a_shadow_run_lists_the_verdicts_that_would_flip_with_pictures(line: Line, shadow: Path) -> None:
    report = json.loads(shadow.read_bytes())
    assert report["golden"] == bundle.read(line.workshop.golden.read_bytes()).digest
    assert "source_digest" not in report
    (one,) = report["differing"]
    assert (one["unit"], one["what"]) == ("2 scratched", "flips")
    assert one["old"]["verdict"] == "REJECT"
    assert one["new"] == {"verdict": "ACCEPT", "reasons": [], "defects": []}
    assert {name for name, _ in one["old"]["defects"]} == {"unclassified"}
    assert report["old"]["digest"] == read_card(line.careful).reference.digest
    assert report["new"]["digest"] == read_card(line.careless).reference.digest
    page = shadow.with_name("shadow.html").read_text("utf-8")
    assert page.count("<img") == 2
    assert "2 scratched: REJECT becomes ACCEPT" in page


def test_a_model_flips_nothing_against_itself_and_pictures_do_as_well_as_a_spool(
    line: Line, tmp_path: Path
) -> None:
    told = run(
        "model", "shadow", line.careful, line.careful, line.home / "good.png", line.home / "scratched.png",
        *line.agreed, "--out", tmp_path / "none", "--json",
    )  # fmt: skip
    assert told.exit_code == 0, told.stderr
    report = json.loads(told.stdout)
    assert (report["units"], report["differing"]) == (2, [])


def test_the_spool_is_as_it_was(line: Line, shadow: Path) -> None:
    with SpoolReader.read(line.spool) as reader:
        assert [u.inspection.verdict for u in reader.units()][1] == "REJECT"
        assert {u.inspection.model for u in reader.units()} == {read_card(line.careful).reference}


# --- release and rollback


def release(line: Line, registry: Path, model: Path, *more: str | Path) -> Result:
    return run("model", "release", registry, model, "--key", line.key, "--why", "better", *more)


def test_a_registry_stands_for_its_model_on_either_side_of_a_shadow_run(line: Line, tmp_path: Path) -> None:
    registry = shutil.copytree(line.home / "models", tmp_path / "models")
    rest = line.spool, *line.agreed, "--out", tmp_path / "shadow", "--json"
    empty = run("model", "shadow", line.careful, registry, *rest)
    assert isinstance(empty.exception, ModelRegistryError)
    assert release(line, registry, line.careless).exit_code == 0
    careful, careless = (read_card(folder).reference.digest for folder in (line.careful, line.careless))
    for old, new, digests in (
        (line.careful, registry, (careful, careless)),
        (registry, line.careful, (careless, careful)),
    ):
        told = run("model", "shadow", old, new, *rest)
        assert told.exit_code == 1, told.output
        report = json.loads(told.stdout)
        assert (report["old"]["digest"], report["new"]["digest"]) == digests
        assert [one["what"] for one in report["differing"]] == ["flips"]


def test_a_model_is_released_by_a_signature_and_taken_back_by_one_command(
    line: Line, shadow: Path, tmp_path: Path
) -> None:
    registry = shutil.copytree(line.home / "models", tmp_path / "models")
    assert release(line, registry, line.careful).exit_code == 0
    unseen = release(line, registry, line.careless)
    assert isinstance(unseen.exception, ModelRegistryError)
    uncounted = release(line, registry, line.careless, "--shadow", shadow)
    assert uncounted.exit_code == 2
    assert "1 verdicts that would flip" in " ".join(uncounted.stderr.replace("│", " ").split())
    assert release(line, registry, line.careless, "--shadow", shadow, "--flips", "1").exit_code == 0
    in_use = ModelRegistry(registry).in_use()
    assert in_use is not None
    assert in_use.deed.model == read_card(line.careless).reference
    shown = run(
        "inspect", line.workshop.golden, "--trust", line.workshop.trust, "--model", registry, "--json",
        line.home / "scratched.png",
    )  # fmt: skip
    assert json.loads(shown.stdout)["model"]["digest"] == in_use.deed.model.digest
    back = run("model", "rollback", registry, "--by", "Li Na", "--why", "escapes")
    assert back.exit_code == 0
    assert read_card(line.careful).reference.digest in back.stdout
    told = run("model", "history", registry).stdout.splitlines()
    assert len(told) == 3
    assert "model.rolled_back" in told[2]
    assert "Li Na: escapes" in told[2]


def test_a_station_uses_the_model_of_its_registry(line: Line, tmp_path: Path) -> None:
    registry = shutil.copytree(line.home / "models", tmp_path / "models")
    config = line.workshop.config(
        jobs=(ImageJob("one", {"top": line.home / "scratched.png"}),),
        spool=tmp_path / "spool", model=str(registry),
    )  # fmt: skip
    with pytest.raises(ModelRegistryError, match="no model was released"):
        run_station(config)
    release(line, registry, line.careless)
    run_station(config)
    with SpoolReader.read(tmp_path / "spool") as reader:
        assert reader.unit(1).inspection.model == read_card(line.careless).reference


def test_what_nobody_trusted_has_signed_is_not_verified(line: Line, tmp_path: Path) -> None:
    model = shutil.copytree(line.careful, tmp_path / "model")
    trust = line.home / "models" / "trust"
    unsigned = run("model", "verify", model, "--trust", trust)
    assert (unsigned.exit_code, unsigned.stdout) == (1, "")
    assert "not released" in unsigned.stderr
    assert run("model", "sign", model, "--key", line.key).exit_code == 0
    told = run("model", "verify", model, "--trust", trust, "--json")
    assert json.loads(told.stdout)["signed_by"] == ["Quality of the plant"]
    stranger = run("model", "verify", model, "--trust", line.workshop.trust)
    assert stranger.exit_code == 1
    assert "not by a key that is trusted here" in stranger.stderr
    (model / MODEL).write_bytes((model / MODEL).read_bytes() + b"\0")
    assert run("model", "verify", model, "--trust", trust).exit_code == 1


# --- calls


@pytest.fixture
def sheet(line: Line, tmp_path: Path) -> Path:
    told = run("model", "feedback", "sheet", line.spool, *line.agreed, "--out", tmp_path / "calls")
    assert told.exit_code == 0, told.stderr
    return tmp_path / "calls" / "calls.csv"


def rows(sheet: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(sheet.read_text("utf-8").splitlines()))


def called(sheet: Path, *calls: str, **changes: str) -> Path:
    """Fill in the first lines' calls; `changes` replace the first line's other fields."""
    lines = rows(sheet)
    for line, call in zip(lines, calls, strict=False):
        line["call"] = call
    lines[0].update(changes)
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return sheet


def collect(line: Line, sheet: Path, out: Path) -> Result:
    return run(
        "model", "feedback", "collect", line.spool, sheet, *line.agreed, "--by", "Li Na", "--out", out,
        "--model", line.careful,
    )  # fmt: skip


def test_the_sheet_has_a_line_and_a_picture_for_each_deviation(line: Line, sheet: Path) -> None:
    with SpoolReader.read(line.spool) as reader:
        record = reader.unit(2).inspection
        assert not reader.unit(1).inspection.defects
    lines = rows(sheet)
    assert len(lines) == len(record.defects) > 0
    for number, (row, defect) in enumerate(zip(lines, record.defects, strict=True), start=1):
        assert (row["sequence"], row["defect"], row["record"]) == ("2", str(number), record.digest)
        assert (row["class"], row["call"]) == (defect.defect_class, "")
        picture = cv2.imread(str(sheet.with_name(row["picture"])))
        golden, unit = np.split(picture.astype(int), 2, axis=1)
        assert np.abs(golden - unit).max() > 60
    assert isinstance(
        run("model", "feedback", "sheet", line.spool, *line.agreed, "--out", sheet.parent).exception,
        TrainingError,
    )


@pytest.mark.parametrize(("call", "boxes"), [("short", [1]), ("not_a_defect", [])])
def test_a_call_becomes_a_box_of_its_class_or_a_candidate_without_one(
    line: Line, sheet: Path, tmp_path: Path, call: str, boxes: list[int]
) -> None:
    told = collect(line, called(sheet, call), tmp_path / "pairs")
    assert told.exit_code == 0, told.stderr or told.exception
    index = read_index(tmp_path / "pairs")
    assert index.classes == ("not_a_defect", "short", "open")
    assert (index.channels, index.golden_image) == (3, tiny.digest(encode_png(plate())))
    assert "Li Na" in index.source
    assert index.source_digest == tiny.digest(sheet.read_bytes())
    with np.load(tmp_path / "pairs" / "000000.npz") as pair:
        assert pair["boxes"][:, 4].tolist() == boxes
        (candidate,) = pair["candidates"].tolist()
        assert np.abs(np.array(candidate[:4]) - SCRATCH).max() <= 8
        np.testing.assert_array_equal(pair["golden"], plate())
        x1, y1, x2, y2 = SCRATCH
        inside = pair["unit"][y1 + 2 : y2 - 2, x1 + 4 : x2 - 4].astype(int)
        assert inside.min() > 200, "the unit's scratch lies where its box says"
    assert (tmp_path / "pairs" / "calls.csv").read_bytes() == sheet.read_bytes()


@pytest.mark.parametrize(
    ("calls", "changes", "said"),
    [
        ((), {}, "nothing is called"),
        (("dent",), {}, "'dent' is no class"),
        (("confirmed",), {}, "'unclassified' is no class"),
        (("short",), {"record": "sha256:" + "0" * 64}, "not about a record"),
        (("short",), {"sequence": "7"}, "not about a record"),
        (("short",), {"defect": "0"}, "not about a record"),
        (("short",), {"defect": "x"}, "not about a record"),
    ],
)
def test_calls_that_mean_nothing_are_refused_by_line(
    line: Line, sheet: Path, tmp_path: Path, calls: tuple[str, ...], changes: dict[str, str], said: str
) -> None:
    result = collect(line, called(sheet, *calls, **changes), tmp_path / "pairs")
    assert isinstance(result.exception, TrainingError)
    assert said in str(result.exception)
    assert not (tmp_path / "pairs").exists()


def test_what_is_no_input_is_exit_2(line: Line, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{}")
    for result in (
        run("model", "history", tmp_path),
        run("model", "rollback", tmp_path, "--by", "me", "--why", "x"),
        release(line, tmp_path / "r", line.careful, "--shadow", tmp_path / "no.json"),
        release(line, tmp_path / "r", tmp_path),
        run("model", "sign", tmp_path, "--key", line.key),
    ):
        assert isinstance(result.exception, input_errors()), result.exception
    assert issubclass(GoldenError, ValueError)
    assert issubclass(ModelUnsignedError, input_errors())


# --- detectors


def test_detectors_run_in_shadow_on_prepared_pairs(tmp_path: Path) -> None:
    old = tiny_detector.release(tmp_path / "old")
    strict = {**tiny_detector.fields()["thresholds"], "operating": 0.0, "hold_below": 1.0}
    new = tiny_detector.release(tmp_path / "new", thresholds=strict)  # holds all that it is shown
    crops, _, _ = tiny_detector.crops(40, seed=6)
    trained = tiny_detector.answers(crops)
    judged = open_detector(old)
    decided = decide(
        judged.calibration.probabilities(trained.logits, None), judged.operating, judged.hold_below
    )
    dismissed, named = (int(np.flatnonzero(decided == d)[0]) for d in (0, 1))
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    whole = np.array([[0, 0, 80, 80, 0]], np.int32)
    none = np.zeros((0, 5), np.int32)
    files = {
        pair_file(n): write_pair(pairs, n, PreparedPair(crops[i, ..., :1], crops[i, ..., 1:], none, at))
        for n, (i, at) in enumerate([(dismissed, whole), (named, whole), (named, whole[:0])])
    }
    write_index(
        pairs,
        Index(classes=tiny_detector.CLASSES, channels=1, source="drawn", source_digest=tiny.GOLDEN_IMAGE,
              licence="own", files=files, names={f: f"unit {f[5]}" for f in files}, groups={}),
    )  # fmt: skip
    told = run("model", "shadow", old, new, pairs, "--out", tmp_path / "out")
    assert told.exit_code == 1, told.stderr
    assert told.stdout.splitlines()[:2] == [
        "unit 0: ACCEPT becomes HOLD", "unit 1: REJECT becomes HOLD",
    ]  # fmt: skip
    assert "3 units: 2 verdicts would flip" in told.stdout
    report = json.loads((tmp_path / "out" / "shadow.json").read_bytes())
    assert (report["source_digest"], "golden" in report) == (tiny.GOLDEN_IMAGE, False)
    page = (tmp_path / "out" / "shadow.html").read_text("utf-8")
    assert f"Pairs prepared from {tiny.GOLDEN_IMAGE}" in page
    (tmp_path / "older.json").write_text(json.dumps({"golden": report.pop("source_digest"), **report}))
    older, _ = shadow_run.read(tmp_path / "older.json")  # as earlier releases wrote it
    assert (older.golden, older.flips) == (tiny.GOLDEN_IMAGE, 2)
    (tmp_path / "neither.json").write_text(json.dumps(report))
    with pytest.raises(TrainingError, match="either a golden sample or the source"):
        shadow_run.read(tmp_path / "neither.json")
    assert run("model", "shadow", old, old, pairs, "--out", tmp_path / "same").exit_code == 0
    assert run("model", "shadow", old, packaged(), pairs, "--out", tmp_path / "x").exit_code == 2
