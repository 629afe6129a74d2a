"""Prepared pairs: what is in them, that they are whole, and that a stopped run goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from datasets.labelled import read, read_golden
from hallmark.errors import TrainingError
from hallmark.training import prepare as preparing
from hallmark.training.prepare import PLAN, prepare_pairs, stage
from hallmark.training.prepared import INDEX, read_index, read_pair
from hallmark.training.sources import Source, drawn_source, labelled_source
from tests.hallmark import artwork_folders as artwork


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return labelled_source(read(artwork.deeppcb(tmp_path / "set"), "deeppcb"))


def prepare(folder: Path, source: Source, processes: int = 1) -> list[int]:
    told: list[int] = []
    prepare_pairs(folder, source, processes, told.append)
    return told


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_pairs_are_aligned_and_a_candidate_reaches_the_defect(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "pairs"
    index, found = prepare_pairs(folder, source, 1, lambda _: None)
    assert index.names == {
        "000000.npz": "g1/g1bad_test.jpg", "000001.npz": "g1/g1good_test.jpg",
        "000002.npz": "g2/g2bad_test.jpg", "000003.npz": "g2/g2good_test.jpg",
    }  # fmt: skip
    assert list(index.groups.values()) == ["g1", "g1", "g2", "g2"]
    assert [(one.boxes, one.reached) for one in found] == [(1, 1), (0, 0), (1, 1), (0, 0)]
    for number, defect in ((0, True), (1, False)):
        pair, digest = read_pair(folder, number)
        assert digest == index.files[f"{number:06d}.npz"]
        assert pair.golden.shape == pair.unit.shape == (artwork.SIDE, artwork.SIDE, 1)
        assert pair.golden.dtype == pair.unit.dtype == np.uint8
        assert pair.boxes.dtype == pair.candidates.dtype == np.int32
        assert pair.boxes.tolist() == ([[*artwork.DEFECT, 5]] if defect else [])
        assert pair.boxes.shape[1:] == (5,)
        off = np.abs(pair.golden.astype(int) - pair.unit)[16:-16, 16:-16, 0] > 128
        x1, y1, x2, y2 = artwork.DEFECT
        assert off[y1 - 16 : y2 - 16, x1 - 16 : x2 - 16].all() == defect
        off[y1 - 18 : y2 - 14, x1 - 18 : x2 - 14] = False  # JPEG rings
        assert off.mean() < 0.002, "it was aligned"
        if defect:
            cx1, cy1, cx2, cy2, _ = pair.candidates[0].tolist()
            assert x1 - 3 <= cx1 < cx2 <= x2 + 3
            assert y1 - 3 <= cy1 < cy2 <= y2 + 3


def test_the_index_says_what_the_pairs_are(source: Source, tmp_path: Path) -> None:
    (source.labelled.root / "LICENSE").write_text("MIT License\nCopyright")
    source = labelled_source(read(source.labelled.root, "deeppcb"))
    prepare(tmp_path / "pairs", source)
    told = json.loads((tmp_path / "pairs" / INDEX).read_bytes())
    assert told["schema"] == "hallmark.prepared/2"
    assert told["classes"] == ["not_a_defect", "open", "short", "mousebite", "spur", "copper", "pin-hole"]
    assert told["channels"] == 1
    assert told["source_digest"] == source.labelled.digest
    assert told["licence"] == "LICENSE:\nMIT License\nCopyright"
    assert told["source"] == "4 labelled pairs in the layout deeppcb"
    assert read_index(tmp_path / "pairs").model_dump(mode="json", by_alias=True) == told


def test_processes_and_interruptions_change_no_byte(source: Source, tmp_path: Path) -> None:
    assert prepare(tmp_path / "one", source) == [1, 2, 3, 4]
    assert prepare(tmp_path / "two", source, processes=2) == [1, 2, 3, 4]
    whole = contents(tmp_path / "one")
    assert contents(tmp_path / "two") == whole

    class KilledError(Exception):
        pass

    def stop(done: int) -> None:
        if done == 2:
            raise KilledError

    with pytest.raises(KilledError):
        prepare_pairs(tmp_path / "cut", source, 1, stop)
    assert stage(tmp_path / "cut", source).done == 2
    assert not (tmp_path / "cut" / INDEX).exists(), "an unfinished folder has no index"
    assert prepare(tmp_path / "cut", source) == [1, 2, 3, 4]
    assert contents(tmp_path / "cut") == whole


def test_what_is_there_is_not_made_again(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path / "pairs", source)
    (tmp_path / "pairs" / "000001.npz").unlink()
    (tmp_path / "pairs" / INDEX).unlink()
    calls: list[object] = []
    original = preparing.prepare
    monkeypatch.setattr(preparing, "prepare", lambda g, u: calls.append(g) or original(g, u))
    assert (stage(tmp_path / "pairs", source).done, stage(tmp_path / "pairs", source).finished) == (3, False)
    prepare(tmp_path / "pairs", source)
    assert len(calls) == 1
    assert stage(tmp_path / "pairs", source).finished


def test_pairs_of_something_else_are_neither_used_nor_overwritten(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    prepare(folder, source)
    before = contents(folder)
    artwork.write(source.labelled.root / "g1/g1bad_test.jpg", artwork.template(9))
    other = labelled_source(read(source.labelled.root, "deeppcb"))
    with pytest.raises(TrainingError, match="its pairs were begun with another source_digest: name another"):
        prepare(folder, other)
    assert contents(folder) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="holds other files: name an empty folder"):
        prepare(tmp_path / "mine", source)
    assert contents(tmp_path / "mine") == {"notes.txt": b"mine"}
    (folder / PLAN).write_text("{")
    with pytest.raises(TrainingError, match=r"plan\.json: not JSON"):
        stage(folder, source)


def test_a_plan_without_a_pair_binds_to_nothing(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    (folder / PLAN).write_text('{"pairs": 7}')
    assert (stage(folder, source).pairs, stage(folder, source).done) == (4, 0)
    prepare(folder, source)
    assert json.loads((folder / PLAN).read_bytes())["pairs"] == 4


def test_altered_pairs_are_refused(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    prepare(folder, source)
    kept = (folder / "000002.npz").read_bytes()
    (folder / "000002.npz").write_bytes((folder / "000001.npz").read_bytes())
    with pytest.raises(TrainingError, match=r"000002\.npz: not the file that index\.json names"):
        prepare(folder, source)
    (folder / "000002.npz").write_bytes(kept[:100])
    (folder / INDEX).unlink()
    with pytest.raises(TrainingError, match=r"000002\.npz: no prepared pair: remove the file"):
        prepare(folder, source)
    for text in ("{}", "[", '{"schema": "hallmark.prepared/2"}'):
        (folder / INDEX).write_text(text)
        with pytest.raises(TrainingError, match="no index of prepared pairs"):
            read_index(folder)
    (folder / INDEX).unlink()
    with pytest.raises(TrainingError, match="No such file or directory: remove the folder"):
        read_index(folder)


# --- drawn


def test_units_are_drawn_on_golden_pictures_in_turn(tmp_path: Path) -> None:
    golden = read_golden(artwork.templates(tmp_path / "golden"))
    source = drawn_source(golden, units=3, seed=5)
    index, found = prepare_pairs(tmp_path / "pairs", source, 1, lambda _: None)
    assert list(index.names.values()) == ["board0/0.png", "board1/1.png", "board0/0.png"]
    assert list(index.groups.values()) == ["board0", "board1", "board0"]
    assert index.source == "3 units drawn on 2 golden pictures, no real defect seen"
    pairs = [read_pair(tmp_path / "pairs", n)[0] for n in range(3)]
    assert all(len(pair.boxes) and set(pair.boxes[:, 4].tolist()) <= set(range(1, 7)) for pair in pairs)
    assert sum(one.reached for one in found) >= 0.8 * sum(one.boxes for one in found) > 0
    assert not np.array_equal(pairs[0].unit, pairs[2].unit), "each unit is another"
    prepare_pairs(tmp_path / "again", source, 1, lambda _: None)
    assert contents(tmp_path / "again") == contents(tmp_path / "pairs")
    prepare_pairs(tmp_path / "other", drawn_source(golden, units=1, seed=6), 1, lambda _: None)
    assert not np.array_equal(read_pair(tmp_path / "other", 0)[0].unit, pairs[0].unit)
    with pytest.raises(TrainingError, match="another drawing_seed and items_digest and pairs and source"):
        stage(tmp_path / "pairs", drawn_source(golden, units=2, seed=6))


def test_what_is_no_artwork_is_refused(tmp_path: Path) -> None:
    grey = (
        np.random.default_rng(1).normal(128, 30, (artwork.SIDE, artwork.SIDE)).clip(0, 255).astype(np.uint8)
    )
    artwork.write(tmp_path / "grey.png", grey)
    with pytest.raises(TrainingError, match=r"grey\.png: 9\d% of its pixels are neither black nor white"):
        prepare(tmp_path / "pairs", drawn_source(read_golden(tmp_path / "grey.png"), 1, 1))
    artwork.write(tmp_path / "small.png", artwork.template()[:100])
    with pytest.raises(TrainingError, match=r"small\.png: 192 x 100 px: alignment needs sides of at least"):
        prepare(tmp_path / "pairs", drawn_source(read_golden(tmp_path / "small.png"), 1, 1))
