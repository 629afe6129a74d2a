"""A released detector decides as the trained network did, in FP32 and INT8, or it is not used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import numpy_helper
from scipy.special import softmax
from scipy.stats import binom

from models.card import CARD, MODEL, PARITY
from models.detector.calibration import Calibration
from models.detector.card import INT8, read_detector_card
from models.detector.contract import decoded
from models.detector.decision import DISMISSED, HOLD, decide, doubtful
from models.detector.release import (
    FixedSet,
    open_detector,
    report_parity,
    verify_detector,
    write_detector_release,
)
from models.detector.runtime import Answers, ask
from models.errors import ModelAlteredError, ModelFormatError, ParityError
from models.parity import LARGEST_DIFFERENCE
from models.release.files import session
from models.release.report import REPORT, flip_rate_upper, read_report
from models.train.quantise import int8_margin, quantise
from tests.models import tiny_detector as tiny
from tests.models.tiny import digest

Damage = Callable[[onnx.GraphProto], None]


@pytest.fixture(scope="module")
def int8() -> bytes:
    return quantise(tiny.network(), tiny.crops(128, seed=3)[0])


@pytest.fixture(scope="module")
def margin(int8: bytes) -> float:
    return int8_margin(
        tiny.network(),
        int8,
        tiny.crops(300, seed=4)[0],
        np.zeros(300, np.int64),
        Calibration(tiny.TEMPERATURE),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, int8: bytes, margin: float) -> Path:
    folder = tmp_path_factory.mktemp("releases") / "both"
    write_detector_release(folder, tiny.with_int8(margin), tiny.network(), tiny.fixed(), int8=int8)
    return folder


@pytest.fixture
def released(made: Path, tmp_path: Path) -> Path:
    """A copy to damage at will."""
    return shutil.copytree(made, tmp_path / "copy")


def reference_decisions(logits: tiny.F32) -> list[int]:
    """Return the decisions by the rule as the card's reader would write it, crop by crop."""
    found: list[int] = []
    for p in softmax(np.float64(logits) / tiny.TEMPERATURE, axis=1):
        best = 1 + int(np.argmax(p[1:]))
        found.append(0 if 1 - p[0] < 0.5 else best if p[best] >= 0.6 else HOLD)
    return found


# --- what is released


def test_every_crop_is_decided_as_the_trained_network_decided(made: Path) -> None:
    detector, fixed = open_detector(made), tiny.fixed()
    found = detector.find(fixed.pairs[..., :1], fixed.pairs[..., 1:], fixed.topology)
    expected = reference_decisions(fixed.trained.logits)
    assert decide(found.probabilities, 0.5, 0.6).tolist() == expected
    assert {HOLD, DISMISSED, 1, 2} == set(expected), "all kinds of decisions occur"
    reported = np.array(expected) != DISMISSED
    assert np.abs(found.boxes - decoded(fixed.trained.boxes))[reported].max() < 4
    assert (detector.classes, detector.operating, detector.hold_below) == (tiny.CLASSES, 0.5, 0.6)
    assert detector.reference == read_detector_card(made).reference


def test_the_report_tells_what_was_compared_and_what_that_bounds(made: Path) -> None:
    report, card = read_report(made), read_detector_card(made)
    assert report.crops == 1000
    assert report.inputs == card.files.parity == digest((made / PARITY).read_bytes())
    assert abs(report.flip_rate_upper - 0.003) < 1e-5
    assert sum(report.decisions.values()) == 1000
    assert report.decisions["held"] == reference_decisions(tiny.fixed().trained.logits).count(HOLD)
    exact, coarse = report.runtimes
    assert (exact.runtime, exact.probability_allowed, exact.repeated) == ("fp32", LARGEST_DIFFERENCE, 0)
    assert exact.probability <= LARGEST_DIFFERENCE
    assert (coarse.runtime, coarse.probability_allowed) == ("int8", card.thresholds.int8_margin)
    found = verify_detector(made)
    assert [found["fp32"].flips, found["int8"].flips] == [0, 0]
    assert found["int8"].probability == coarse.probability
    assert found["int8"].repeated == coarse.repeated > 0


def test_without_the_trained_network_behind_it_int8_would_flip_decisions(made: Path, int8: bytes) -> None:
    own = ask(session(int8, made), tiny.fixed().pairs)
    flips = sum(
        a != b
        for a, b in zip(
            reference_decisions(own.logits), reference_decisions(tiny.fixed().trained.logits), strict=True
        )
    )
    assert flips > 0, "else this release does not show what the margin is for"


def test_the_card_says_which_network_answers(released: Path, tmp_path: Path) -> None:
    write_detector_release(tmp_path / "fp32", tiny.fields(), tiny.network(), tiny.fixed())
    golden, unit = (tiny.fixed().pairs[:40, ..., i : i + 1] for i in (0, 1))
    topology = np.zeros(40, np.int64)
    exact = open_detector(tmp_path / "fp32").find(golden, unit, topology).probabilities
    trained = softmax(np.float64(tiny.fixed().trained.logits[:40]) / tiny.TEMPERATURE, axis=1)
    assert np.abs(exact - trained).max() < LARGEST_DIFFERENCE
    coarse = open_detector(released).find(golden, unit, topology).probabilities
    assert np.abs(coarse - trained).max() > 1e-3


@pytest.mark.parametrize(("crops", "upper"), [(1, 0.95), (59, 0.0495), (1000, 0.002991)])
def test_no_flip_among_so_many_bounds_their_rate(crops: int, upper: float) -> None:
    assert flip_rate_upper(crops) == pytest.approx(upper, rel=1e-3)
    assert binom.pmf(0, crops, flip_rate_upper(crops)) == pytest.approx(0.05)


# --- the decision and its margin


@given(
    raw=hnp.arrays(np.float32, (20, 4), elements=st.floats(-4, 4, width=32)),
    error=hnp.arrays(np.float64, (20, 4), elements=st.floats(-1, 1)),
    operating=st.floats(0.05, 0.95),
    hold_below=st.floats(0.05, 0.95),
    margin=st.floats(0.002, 0.25),
)
def test_what_is_not_doubtful_keeps_its_decision_under_any_error_within_the_margin(
    raw: tiny.F32, error: tiny.F64, operating: float, hold_below: float, margin: float
) -> None:
    p = softmax(raw, axis=1)
    sure = ~doubtful(p, operating, hold_below, margin)
    off = (p + error * margin * 0.9999).astype(np.float32)
    before, after = (decide(q, operating, hold_below) for q in (p, off))
    np.testing.assert_array_equal(before[sure], after[sure])


@pytest.mark.parametrize(
    ("p", "decision", "in_doubt"),
    [
        ((0.9, 0.06, 0.04), DISMISSED, False),
        ((0.52, 0.4, 0.08), DISMISSED, True),
        ((0.5, 0.3, 0.2), HOLD, True),
        ((0.3, 0.36, 0.34), HOLD, False),
        ((0.2, 0.58, 0.22), HOLD, True),
        ((0.2, 0.6, 0.2), 1, True),
        ((0.05, 0.2, 0.75), 2, False),
    ],
)
def test_a_crop_is_dismissed_held_or_named(
    p: tuple[float, float, float], decision: int, in_doubt: bool
) -> None:
    row = np.float32([p])
    assert decide(row, 0.5, 0.6).tolist() == [decision]
    assert doubtful(row, 0.5, 0.6, 0.05).tolist() == [in_doubt]


def test_what_is_no_number_dismisses_nothing() -> None:
    row = np.full((1, 3), np.nan, np.float32)
    assert decide(row, 0.5, 0.6).tolist() == [HOLD]
    assert doubtful(row, 0.5, 0.6, 0.05).tolist() == [True]


# --- what is damaged


def gathered(graph: onnx.GraphProto, order: list[int]) -> None:
    graph.initializer.append(numpy_helper.from_array(np.int64(order), "order"))
    for node in graph.node:
        node.input[:] = ["swapped" if name == "pair" else name for name in node.input]
    graph.node.insert(0, onnx.helper.make_node("Gather", ["pair", "order"], ["swapped"], axis=3))


def swapped_channels(graph: onnx.GraphProto) -> None:
    """Let the network take the unit for the golden picture."""
    gathered(graph, [1, 0])


def wrong_scale(graph: onnx.GraphProto) -> None:
    """Divide by 230 instead of 255."""
    scale = next(t for t in graph.initializer if t.data_type == 1 and numpy_helper.to_array(t).size == 1
                 and float(numpy_helper.to_array(t)) == 255.0)  # fmt: skip
    scale.CopyFrom(numpy_helper.from_array(np.full(list(scale.dims), 230, np.float32), scale.name))


def swapped_boxes(graph: onnx.GraphProto) -> None:
    """Let boxes have x for y and width for height."""
    node = next(node for node in graph.node if node.output[0] == "box")
    node.output[0] = "unswapped"
    graph.initializer.append(numpy_helper.from_array(np.int64([1, 0, 3, 2]), "box_order"))
    graph.node.append(onnx.helper.make_node("Gather", ["unswapped", "box_order"], ["box"], axis=1))


def turned_weight(graph: onnx.GraphProto) -> None:
    """Change the sign of the weights of one input of the head that names."""
    node = next(node for node in graph.node if node.output[0] == "logits")
    weights = next(t for t in graph.initializer if t.name == node.input[1])
    values = numpy_helper.to_array(weights).copy()
    row = np.unravel_index(np.abs(values).argmax(), values.shape)[0]
    values[row] *= -1
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))


def no_numbers(graph: onnx.GraphProto) -> None:
    node = next(node for node in graph.node if node.output[0] == "logits")
    offset = next(t for t in graph.initializer if t.name == node.input[2])
    offset.CopyFrom(numpy_helper.from_array(np.full(3, np.nan, np.float32), offset.name))


def untouched(graph: onnx.GraphProto) -> None:
    graph.name = "another name"


def damaged(network: bytes, change: Damage) -> bytes:
    model = onnx.load_from_string(network)
    change(model.graph)
    onnx.checker.check_model(model)
    return model.SerializeToString()


DAMAGE = [swapped_channels, wrong_scale, swapped_boxes, turned_weight, no_numbers]


@pytest.mark.parametrize("change", DAMAGE)
@pytest.mark.parametrize("which", [MODEL, INT8])
def test_a_damaged_export_is_not_released(
    which: str, change: Damage, int8: bytes, margin: float, tmp_path: Path
) -> None:
    networks = {MODEL: tiny.network(), INT8: int8}
    networks[which] = damaged(networks[which], change)
    with pytest.raises(ParityError, match=f"{which}.*damaged export"), np.errstate(invalid="ignore"):
        write_detector_release(
            tmp_path / "out", tiny.with_int8(margin), networks[MODEL], tiny.fixed(), int8=networks[INT8]
        )
    assert not (tmp_path / "out").exists(), "nothing is written"


@pytest.mark.parametrize("change", [wrong_scale, swapped_boxes, turned_weight])
@pytest.mark.parametrize("which", [MODEL, INT8])
def test_a_damaged_export_that_its_card_names_is_never_used(
    which: str, change: Damage, released: Path
) -> None:
    replace(released, which, damaged((released / which).read_bytes(), change))
    with pytest.raises(ParityError, match="damaged export"):
        open_detector(released)


def test_it_is_the_damage_that_is_refused(released: Path) -> None:
    for which in (MODEL, INT8):
        replace(released, which, damaged((released / which).read_bytes(), untouched))
    assert verify_detector(released)["int8"].flips == 0


def test_one_crop_decided_otherwise_is_found_by_verify(released: Path) -> None:
    with np.load(released / PARITY) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays["logits"][700] = arrays["logits"][700, ::-1]
    np.savez(released / PARITY, **arrays)
    replace(released, PARITY, (released / PARITY).read_bytes())
    (released / REPORT).unlink()  # it is of the set as it was
    open_detector(released)
    with pytest.raises(ParityError, match="1000 crops 1 are decided otherwise"):
        verify_detector(released)


def replace(folder: Path, name: str, data: bytes) -> None:
    """Put other bytes in place of a file and name them in the card."""
    (folder / name).write_bytes(data)
    card = json.loads((folder / CARD).read_text("utf-8"))
    card["files"][{MODEL: "onnx", INT8: "int8", PARITY: "parity"}[name]] = digest(data)
    (folder / CARD).write_text(json.dumps(card), "utf-8")


# --- what proves nothing, and what is no detector


def test_a_fixed_set_that_proves_little_is_refused(tmp_path: Path) -> None:
    whole = tiny.fixed()
    few = FixedSet(
        whole.pairs[:999],
        whole.topology[:999],
        Answers(whole.trained.logits[:999], whole.trained.boxes[:999]),
    )
    with pytest.raises(ParityError, match="999 crops: give at least 1000"):
        write_detector_release(tmp_path / "few", tiny.fields(), tiny.network(), few)
    one = np.repeat(reference_decisions(whole.trained.logits).index(DISMISSED), 1000)
    alike = FixedSet(
        whole.pairs[one], whole.topology, Answers(whole.trained.logits[one], whole.trained.boxes[one])
    )
    with pytest.raises(ParityError, match="decided alike"):
        write_detector_release(tmp_path / "alike", tiny.fields(), tiny.network(), alike)


def test_a_folder_in_use_is_not_written_to(made: Path) -> None:
    before = sorted(made.iterdir())
    with pytest.raises(ModelFormatError, match="holds files already"):
        write_detector_release(made, tiny.fields(), tiny.network(), tiny.fixed())
    assert sorted(made.iterdir()) == before


@pytest.mark.parametrize("name", [MODEL, INT8, PARITY])
def test_an_altered_file_is_named(released: Path, name: str) -> None:
    data = bytearray((released / name).read_bytes())
    data[len(data) // 2] ^= 1
    (released / name).write_bytes(data)
    with pytest.raises(ModelAlteredError, match=name):
        open_detector(released)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"runs": "int8"}, "INT8 network that it does not bring"),
        ({"thresholds": {**tiny.with_int8(0.1)["thresholds"]}}, "stated together"),
        ({"thresholds": {**tiny.with_int8(0.3)["thresholds"]}}, "int8_margin"),
        ({"data": [{**tiny.fields()["data"][0], "use": "test"}]}, "fitted to"),
        ({"classes": ("missing", "excess", "spur")}, "first class"),
        ({"accuracy": 0.99}, "accuracy"),
    ],
)
def test_a_card_that_does_not_hold_together_is_refused(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ModelFormatError, match=said):
        write_detector_release(tmp_path / "out", tiny.fields(**changes), tiny.network(), tiny.fixed())


def test_another_count_of_classes_does_not_fit(tmp_path: Path) -> None:
    four = tiny.fields(classes=(*tiny.CLASSES, "spur"))
    with pytest.raises(ModelFormatError, match="4 classes"):
        write_detector_release(tmp_path / "out", four, tiny.network(), tiny.fixed())


def test_a_report_that_is_none_is_refused(released: Path) -> None:
    report = json.loads((released / REPORT).read_text("utf-8"))
    report["runtimes"][0]["flips"] = 1
    (released / REPORT).write_text(json.dumps(report))
    with pytest.raises(ModelFormatError, match="flips"):
        read_report(released)


def test_a_parity_report_is_of_the_fixed_set_or_refused_and_made_anew(released: Path) -> None:
    told = read_report(released)
    report = json.loads((released / REPORT).read_text("utf-8"))
    (released / REPORT).write_text(json.dumps({**report, "inputs": "sha256:" + "0" * 64}))
    for opened in (open_detector, verify_detector):
        with pytest.raises(ModelAlteredError, match="another fixed set"):
            opened(released)
    (released / REPORT).unlink()
    open_detector(released)
    assert report_parity(released) == read_report(released) == told
    open_detector(released)


TABLE = np.zeros((9, 3))
TABLE[2], TABLE[6] = (-1.0, 3.0, -2.0), (-1.0, -2.0, 3.0)


def with_table(int8: bytes | None) -> tuple[dict[str, Any], FixedSet]:
    """Return fields with a topology table, and a fixed set of which each crop has a topology, some wrong."""
    pairs, kinds, _ = tiny.crops(1000, seed=2)
    topology = np.array([0, 2, 6])[kinds]
    topology[::9] = 8 - topology[::9]
    fields = tiny.fields(runs="fp32" if int8 is None else "int8")
    fields["thresholds"] |= {"topology": TABLE.tolist()}
    if int8 is not None:
        judged = Calibration(tiny.TEMPERATURE, TABLE.tolist())
        told = np.array([0, 2, 6])[tiny.crops(300, seed=4)[1]]
        fields["thresholds"] |= {
            "int8_margin": int8_margin(tiny.network(), int8, tiny.crops(300, seed=4)[0], told, judged)
        }
    return fields, FixedSet(pairs, topology, tiny.answers(pairs))


@pytest.mark.parametrize("coarse", [False, True])
def test_topology_is_evidence_beside_the_picture(tmp_path: Path, int8: bytes, coarse: bool) -> None:
    fields, fixed = with_table(int8 if coarse else None)
    write_detector_release(tmp_path / "made", fields, tiny.network(), fixed, int8=int8 if coarse else None)
    assert all(parity.flips == 0 for parity in verify_detector(tmp_path / "made").values())
    detector = open_detector(tmp_path / "made")
    golden, unit = fixed.pairs[:200, ..., :1], fixed.pairs[:200, ..., 1:]
    found = detector.find(golden, unit, fixed.topology[:200]).probabilities
    offsets = TABLE[fixed.topology[:200]]
    expected = softmax(np.float64(fixed.trained.logits[:200]) / tiny.TEMPERATURE + offsets, axis=1)
    margin = fields["thresholds"].get("int8_margin", LARGEST_DIFFERENCE)
    assert np.abs(found - expected).max() <= margin
    decided = decide(found, detector.operating, detector.hold_below)
    assert (decided == decide(expected.astype(np.float32), 0.5, 0.6)).all()
    plain = softmax(np.float64(fixed.trained.logits[:200]) / tiny.TEMPERATURE, axis=1).astype(np.float32)
    assert (decided != decide(plain, 0.5, 0.6)).any(), "else this table shows nothing"


@pytest.mark.parametrize(
    ("table", "said"),
    [(TABLE[:8], "at least 9"), (TABLE[:, :2], "needs 3 numbers a row"), (TABLE + 1, "the first row's 0")],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, table: Any, said: str) -> None:
    fields, fixed = with_table(None)
    fields["thresholds"] |= {"topology": table.tolist()}
    with pytest.raises(ModelFormatError, match=said):
        write_detector_release(tmp_path / "made", fields, tiny.network(), fixed)


@pytest.mark.parametrize("wrong", [np.zeros(999, np.int64), np.full(1000, 9)])
def test_a_fixed_set_has_a_topology_of_each_crop(tmp_path: Path, wrong: Any) -> None:
    fields, fixed = with_table(None)
    with pytest.raises(ModelFormatError, match="topology"):
        write_detector_release(
            tmp_path / "made", fields, tiny.network(), FixedSet(fixed.pairs, wrong, fixed.trained)
        )


@pytest.mark.parametrize(
    ("golden", "unit"),
    [((3, 80, 80, 1), (2, 80, 80, 1)), ((3, 64, 64, 1), (3, 64, 64, 1)), ((3, 80, 80, 3), (3, 80, 80, 3)),
     ((0, 80, 80, 1), (0, 80, 80, 1))],
)  # fmt: skip
def test_crops_of_another_kind_are_refused(
    made: Path, golden: tuple[int, ...], unit: tuple[int, ...]
) -> None:
    detector = open_detector(made)
    with pytest.raises(ValueError, match="crops of shapes"):
        detector.find(np.zeros(golden, np.uint8), np.zeros(unit, np.uint8), np.zeros(golden[0], np.int64))
    with pytest.raises(ValueError, match="uint8"):
        detector.find(*[np.zeros((1, 80, 80, 1)).astype(np.int8)] * 2, np.zeros(1, np.int64))  # type: ignore[arg-type]
