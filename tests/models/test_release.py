"""A released model answers as the trained network did, on every runtime, or it is not used."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace as with_fields
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from scipy.special import softmax

from datasets import pcb_s4
from golden.sample import GoldenSample
from models.card import CARD, ISLANDS, MODEL, PARITY, WEIGHTS, read_card
from models.errors import (
    ModelAlteredError,
    ModelError,
    ModelForeignError,
    ModelFormatError,
    ParityError,
)
from models.release import RELEASE, SEAL, classifier_for, open_model, packaged, report_parity, verify
from models.release.report import REPORT, read_report
from tests.builders import NOW, sealed_tiny
from tests.models import tiny

LARGEST = 1e-4


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return tiny.release(tmp_path / "tiny")


@pytest.fixture(params=["tiny", "packaged"])
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy, to damage at will, of a small model and of the one that this release brings; nobody signed."""
    if request.param == "tiny":
        return tiny.release(tmp_path / "tiny")
    return shutil.copytree(
        packaged(), tmp_path / "packaged", ignore=shutil.ignore_patterns(RELEASE, SEAL, REPORT)
    )


def stored(folder: Path) -> tuple[tiny.U8, tiny.F32]:
    with np.load(folder / PARITY) as parity:
        return parity["pair"], parity["logits"]


def every(folder: Path) -> list[tuple[tiny.U8, tiny.F32]]:
    """Return all parts of the fixed set."""
    with np.load(folder / PARITY) as parity:
        names = (("pair", "logits"), ("wide", "wide_logits"))
        return [(parity[a], parity[b]) for a, b in names if a in parity]


def undecodable() -> bytes:
    """Return a file of arrays whose container is whole and whose first compressed bytes are no deflate."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, pair=tiny.pairs(), logits=tiny.logits(tiny.pairs()))
    data = bytearray(buffer.getvalue())
    (name, extra) = struct.unpack("<HH", data[26:30])  # of the first local header, APPNOTE 4.3.7
    data[30 + name + extra] = 0xFF  # a block of the reserved type
    return bytes(data)


def differences(folder: Path, answered: tiny.F32, trained: tiny.F32 | None = None) -> tuple[float, int]:
    """Return the largest difference of a probability and the number of flipped labels, by SciPy's softmax."""
    trained = stored(folder)[1] if trained is None else trained
    temperature = read_card(folder).thresholds.temperature
    p, q = (softmax(np.float64(logits) / temperature, axis=1) for logits in (trained, answered))
    return float(np.abs(p - q).max()), int((p.argmax(axis=1) != q.argmax(axis=1)).sum())


# --- what is released


def test_the_card_names_the_bytes_of_every_file(released: Path) -> None:
    files = json.loads((released / CARD).read_text("utf-8"))["files"]
    named = {"onnx": MODEL, "weights": WEIGHTS, "parity": PARITY, "islands": ISLANDS}
    held = {field: name for field, name in named.items() if files.get(field) is not None}
    assert sorted(p.name for p in released.iterdir()) == sorted([CARD, *held.values()])
    for field, name in held.items():
        assert files[field] == "sha256:" + hashlib.sha256((released / name).read_bytes()).hexdigest()


def test_the_islands_of_the_packaged_model_are_those_of_its_golden_image() -> None:
    """Two pads of one track are one island, the plane around it is another, laminate is none."""
    islands = open_model(packaged()).islands
    assert islands is not None
    assert islands.shape == (1888 // 2, 1663 // 2)
    track, its_other_end, plane, laminate = (
        islands[y, x] for x, y in ((430, 600), (660, 720), (620, 600), (380, 870))
    )
    assert track == its_other_end != 0
    assert plane not in (0, track)
    assert laminate == 0


@pytest.mark.parametrize("how", ["other bytes", "no map"])
def test_altered_islands_are_refused(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(packaged(), folder)
    np.savez_compressed(
        folder / ISLANDS, islands=np.zeros((2, 2), np.uint8 if how == "other bytes" else np.float32)
    )
    if how == "other bytes":
        with pytest.raises(ModelAlteredError, match=ISLANDS):
            open_model(folder)
        return
    card = json.loads((folder / CARD).read_text("utf-8"))
    card["files"]["islands"] = "sha256:" + hashlib.sha256((folder / ISLANDS).read_bytes()).hexdigest()
    (folder / CARD).write_text(json.dumps(card))
    with pytest.raises(ModelFormatError, match="islands"):
        open_model(folder)


def test_there_are_inputs_and_their_answers(released: Path) -> None:
    inputs, logits = stored(released)
    assert inputs.dtype == np.uint8
    assert len(inputs) == len(logits) == (1024 if (released / WEIGHTS).stat().st_size > 10_000 else 64)
    assert len(np.unique(logits.argmax(axis=1))) > 1, "answers that are all alike prove nothing"


def test_the_report_of_the_packaged_model_is_what_its_inputs_show(released: Path) -> None:
    report = report_parity(released)
    named = np.concatenate([logits.argmax(axis=1).ravel() for _, logits in every(released)])
    classes = read_card(released).classes
    assert report == read_report(released)
    assert report.decisions == {c: int((named == i).sum()) for i, c in enumerate(classes)}
    assert report.crops == sum(len(inputs) for inputs, _ in every(released))
    assert report.flip_rate_upper == pytest.approx(3 / report.crops, rel=0.05)  # the rule of three
    if len(classes) > 3:
        assert report == read_report(packaged()).model_copy(
            update={"versions": report.versions, "runtimes": report.runtimes}
        )
        assert report.flip_rate_upper < 0.003


def test_onnxruntime_answers_as_the_trained_network(released: Path) -> None:
    difference, flips = differences(released, open_model(released).logits(stored(released)[0]))
    assert difference < LARGEST
    assert flips == 0
    parity = verify(released)
    assert parity.holds
    assert parity.cells == sum(logits[:, 0].size for _, logits in every(released))
    assert parity.probability >= difference - 1e-6


def test_the_reference_evaluator_answers_as_the_trained_network(released: Path) -> None:
    evaluator = ReferenceEvaluator(str(released / MODEL))
    pairs, trained = every(released)[-1]  # what reaches most of it: wide crops, where there are any
    (answered,) = evaluator.run(["logits"], {"pair": pairs})  # type: ignore[misc]
    difference, flips = differences(released, answered, trained)
    assert difference < LARGEST
    assert flips == 0


def test_the_network_tells_nothing_of_the_machine_that_made_it(released: Path) -> None:
    model = onnx.load(released / MODEL)
    assert model.doc_string == model.graph.doc_string == ""
    assert not model.metadata_props
    assert {node.doc_string for node in model.graph.node} == {""}
    data = (released / MODEL).read_bytes()
    assert not [word for word in (b"/home", b"/root", b"/tmp", b"/work", b".py") if word in data]


# --- what is damaged


def swapped_channels(graph: onnx.GraphProto) -> None:
    """Let the network take BGR for RGB."""
    graph.initializer.append(numpy_helper.from_array(np.int64([2, 1, 0, 5, 4, 3]), "order"))
    for node in graph.node:
        node.input[:] = ["swapped" if name == "pair" else name for name in node.input]
    graph.node.insert(0, onnx.helper.make_node("Gather", ["pair", "order"], ["swapped"], axis=3))


def swapped_pictures(graph: onnx.GraphProto) -> None:
    """Let the network take the unit for the golden image."""
    swapped_channels(graph)
    graph.initializer[-1].CopyFrom(numpy_helper.from_array(np.int64([3, 4, 5, 0, 1, 2]), "order"))


def other_scale(graph: onnx.GraphProto) -> None:
    """Divide by 256 instead of 255."""
    tensors = [*graph.initializer, *(a.t for node in graph.node for a in node.attribute if a.name == "value")]
    (scale,) = (t for t in tensors if np.array_equal(numpy_helper.to_array(t), np.float32(255.0)))
    scale.CopyFrom(numpy_helper.from_array(np.float32(256.0), scale.name))


def flipped_weight(graph: onnx.GraphProto) -> None:
    """Change the sign of the last convolution's largest weight."""
    last = next(node for node in reversed(graph.node) if node.op_type == "Conv")
    (weights,) = (t for t in graph.initializer if t.name == last.input[1])
    values = numpy_helper.to_array(weights).copy()
    values.flat[np.abs(values).argmax()] *= -1
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))


def untouched(graph: onnx.GraphProto) -> None:
    """Change nothing that counts."""
    graph.name = "another name"


@pytest.mark.parametrize("change", [swapped_channels, swapped_pictures, other_scale, flipped_weight])
def test_a_damaged_export_is_never_used(released: Path, change: Callable[[onnx.GraphProto], None]) -> None:
    tiny.damage(released, change)
    for use in (open_model, verify):
        with pytest.raises(ParityError, match="damaged export"):
            use(released)


def test_it_is_the_damage_that_is_refused(released: Path) -> None:
    tiny.damage(released, untouched)
    assert verify(released).holds


def test_a_network_that_answers_no_numbers_is_never_used(made: Path) -> None:
    def infinite(graph: onnx.GraphProto) -> None:
        graph.initializer[0].CopyFrom(numpy_helper.from_array(np.float32(0.0), "scale"))

    tiny.damage(made, infinite)
    with np.errstate(invalid="ignore"), pytest.raises(ParityError):
        open_model(made)


def test_damage_that_only_wide_crops_show_is_never_used(made: Path) -> None:
    inputs, logits = stored(made)
    wide = tiny.pairs(6, 96, 5)
    answers = tiny.logits(wide)
    tiny.replace(made, PARITY, tiny.npz(pair=inputs, logits=logits, wide=wide, wide_logits=answers))
    assert (verify(made).crops, verify(made).cells) == (64 + 6, 64 * 64 + 6 * 576)
    answers[0, :, 3, 3] = answers[0, ::-1, 3, 3]
    tiny.replace(made, PARITY, tiny.npz(pair=inputs, logits=logits, wide=wide, wide_logits=answers))
    with pytest.raises(ParityError, match="1 of 2560 cells"):  # four crops of each size
        open_model(made)
    tiny.replace(made, PARITY, tiny.npz(pair=inputs, logits=logits, wide=wide, wide_logits=answers[:, :2]))
    with pytest.raises(ModelFormatError, match="do not fit"):
        open_model(made)


def test_damage_that_the_first_inputs_do_not_show_is_found_by_verify(made: Path) -> None:
    inputs, logits = stored(made)
    logits[50, :, 3, 3] = logits[50, ::-1, 3, 3]
    tiny.replace(made, PARITY, tiny.npz(pair=inputs, logits=logits))
    open_model(made)
    with pytest.raises(ParityError, match="1 of 4096 cells"):
        verify(made)


@pytest.mark.parametrize("name", [MODEL, WEIGHTS, PARITY])
def test_an_altered_file_is_named(released: Path, name: str) -> None:
    data = bytearray((released / name).read_bytes())
    data[len(data) // 2] ^= 1
    (released / name).write_bytes(data)
    for use in (open_model, verify):
        with pytest.raises(ModelAlteredError, match=name):
            use(released)


@pytest.mark.parametrize("name", [MODEL, WEIGHTS, PARITY])
def test_an_absent_file_is_named(made: Path, name: str) -> None:
    (made / name).unlink()
    with pytest.raises(ModelFormatError, match=name):
        open_model(made)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (MODEL, b"no network"),
        (MODEL, b""),
        (MODEL, tiny.graph().SerializeToString()[:300]),
        (PARITY, b"no arrays"),
        (PARITY, tiny.npz(pair=tiny.pairs())),
        (PARITY, tiny.npz(pair=tiny.pairs()[:0], logits=tiny.logits(tiny.pairs())[:0])),
        (PARITY, tiny.npz(pair=tiny.pairs(), logits=tiny.logits(tiny.pairs())[:, :2])),
        (PARITY, tiny.npz(pair=np.array([{}], object), logits=tiny.logits(tiny.pairs()))),
        (PARITY, undecodable()),
    ],
    ids=[
        "text",
        "empty",
        "cut",
        "no zip",
        "no logits",
        "no inputs",
        "a class short",
        "a pickle",
        "no deflate",
    ],
)
def test_bytes_that_are_no_model_are_refused_even_where_the_card_names_them(
    made: Path, name: str, data: bytes
) -> None:
    tiny.replace(made, name, data)
    with pytest.raises(ModelFormatError, match=name):
        open_model(made)


# --- what it answers


def test_probabilities_are_those_of_the_arithmetic_at_the_cards_temperature(made: Path) -> None:
    pairs = tiny.pairs(count=11, side=64, seed=9)
    model = open_model(made)
    expected = np.moveaxis(softmax(tiny.logits(pairs).astype(float) / tiny.TEMPERATURE, axis=1), 1, 3)
    answered = model.probabilities(pairs[..., :3], pairs[..., 3:])
    assert answered.dtype == np.float32
    assert (answered.shape, answered.flags.c_contiguous) == ((11, 16, 16, 3), True)
    np.testing.assert_allclose(answered, expected, atol=1e-5)
    assert (model.classes, model.hold_below, model.dismiss_from) == (tiny.CLASSES, 0.6, 0.9)
    assert model.reference == read_card(made).reference


def test_an_answer_does_not_depend_on_what_else_is_asked(released: Path) -> None:
    model = open_model(released)
    pairs = stored(released)[0][:11]
    together = model.probabilities(pairs[..., :3], pairs[..., 3:])
    np.testing.assert_array_equal(together, model.probabilities(pairs[..., :3], pairs[..., 3:]))
    for i in (0, 7, 10):
        alone = model.probabilities(pairs[i : i + 1, ..., :3], pairs[i : i + 1, ..., 3:])
        np.testing.assert_array_equal(alone[0], together[i])


@pytest.mark.parametrize(
    ("golden", "unit"),
    [
        (np.zeros((1, 32, 32, 3), np.uint8), np.zeros((1, 32, 64, 3), np.uint8)),
        (np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32, 3), np.uint8)),
        (np.zeros((1, 40, 32, 3), np.uint8), np.zeros((1, 40, 32, 3), np.uint8)),
        (np.zeros((1, 32, 32, 3)), np.zeros((1, 32, 32, 3))),
        (np.zeros((0, 32, 32, 3), np.uint8), np.zeros((0, 32, 32, 3), np.uint8)),
        (np.zeros((1, 32, 32, 1), np.uint8), np.zeros((1, 32, 32, 1), np.uint8)),
    ],
    ids=["two shapes", "no batch", "not of 32", "float", "none", "grey"],
)
def test_crops_of_another_kind_are_refused(made: Path, golden: tiny.U8, unit: tiny.U8) -> None:
    with pytest.raises(ValueError, match="crops of"):
        open_model(made).probabilities(golden, unit)


def test_a_network_that_fails_on_a_crop_says_so_in_this_rooms_words(made: Path) -> None:
    network = onnx.load(made / MODEL)
    network.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 32
    tiny.replace(made, MODEL, network.SerializeToString())
    model = open_model(made)
    crops = np.zeros((1, 64, 64, 3), np.uint8)
    with pytest.raises(ModelError, match="model 'tiny' fails on crops"):
        model.probabilities(crops, crops)


# --- which model a golden sample gets


def sample() -> GoldenSample:
    data, trust = sealed_tiny()
    return GoldenSample.from_bytes(data, trust=trust, now=NOW)


def test_a_model_names_units_of_the_golden_sample_whose_image_it_was_made_from(tmp_path: Path) -> None:
    golden = sample()
    (image,) = golden.images.values()
    mine = tiny.release(tmp_path / "mine", golden_image=tiny.digest(image))
    other = tiny.release(tmp_path / "other")
    found = classifier_for(golden, str(mine))
    assert found is not None
    assert found.reference == read_card(mine).reference
    with pytest.raises(ModelForeignError, match="none of this golden sample's"):
        classifier_for(golden, str(other))
    assert classifier_for(golden, "none") is None


def test_a_picture_of_a_limit_sample_makes_no_model_for_the_units(tmp_path: Path) -> None:
    golden = sample()
    limit = b"picture of the last unit that is accepted"
    golden = with_fields(golden, images={**golden.images, "images/limit.png": limit})
    mine = tiny.release(tmp_path / "mine", golden_image=tiny.digest(limit))
    with pytest.raises(ModelForeignError, match="none of this golden sample's"):
        classifier_for(golden, str(mine))


def test_the_packaged_model_is_taken_only_where_it_fits() -> None:
    golden = sample()
    assert classifier_for(golden) is None
    found = classifier_for(with_fields(golden, images=dict.fromkeys(golden.images, pcb_s4.good_scan())))
    assert found is not None
    assert found.reference == read_card(packaged()).reference


def test_every_refusal_is_of_this_room() -> None:
    kinds = (ModelAlteredError, ModelForeignError, ModelFormatError, ParityError)
    assert all(issubclass(kind, ModelError) for kind in kinds)
