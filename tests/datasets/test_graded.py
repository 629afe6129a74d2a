"""Graded defects: their sizes are those asked for, on the material they belong to, and the same each time."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from datasets.errors import DatasetError
from datasets.graded import LEVELS, MEASURES, GradedDefects
from datasets.light import encode, to_linear
from datasets.twin import ExcessMaterial, MissingMaterial, Scratch
from datasets.twin.canvas import Canvas
from tests.datasets import drawn_board as board

SIZE_MM = 0.5


@functools.cache
def graded() -> GradedDefects:
    return GradedDefects(board.picture(), board.MM_PER_PX)


def draw(kind: str, seed: int, level: str | None = None, size: float = SIZE_MM):  # noqa: ANN201
    rng = np.random.default_rng(seed)
    return graded().draw(rng, [(kind, level or graded().levels(kind)[0], size)])


def changed(defect) -> np.ndarray:  # noqa: ANN001
    """Return which pixels a defect changes visibly, on a canvas of its own."""
    before = to_linear(board.picture())
    canvas = Canvas(before.copy(), board.MM_PER_PX)
    at = defect.change.draw(canvas).slices
    mask = np.zeros(before.shape[:2], np.bool_)
    mask[at] = np.abs(encode(canvas.linear[at]) - encode(before[at])).max(axis=2) * 255 > 3
    return mask


def test_a_board_of_two_materials_has_all_kinds_and_an_even_one_what_lies_on_surfaces() -> None:
    assert graded().kinds == tuple(MEASURES)
    even = GradedDefects(np.full((300, 300, 3), 120, np.uint8), 0.02)
    assert even.kinds == ("scratch", "stain", "contamination", "discoloration")


@pytest.mark.parametrize("kind", ["missing_material", "excess_material"])
def test_material_is_missing_where_it_was_and_too_much_where_none_was(kind: str) -> None:
    sizes, share = [], []
    own = board.conductor() if kind == "missing_material" else ~board.artwork() & ~board.holes()
    for seed in range(5):
        for defect in draw(kind, seed):
            assert isinstance(defect.change, MissingMaterial | ExcessMaterial)
            all_of_it = changed(defect)
            ys, xs = np.nonzero(all_of_it & own)
            share.append(len(xs) / all_of_it.sum())
            corners = ConvexHull(np.column_stack((xs, ys))).vertices
            sizes.append(float(pdist(np.column_stack((xs, ys))[corners]).max()) * board.MM_PER_PX)
    assert len(sizes) >= 4
    assert np.median(sizes) == pytest.approx(SIZE_MM, rel=0.12)  # texture hides a pixel here and there
    assert np.median(share) > 0.7


def test_a_short_joins_two_islands_and_an_open_parts_one() -> None:
    short = [d for seed in range(4) for d in draw("short", seed, size=0.3)]
    assert short
    for defect in short:
        width = np.linalg.norm(np.subtract(defect.change.polygon_px[0], defect.change.polygon_px[3]))  # type: ignore[attr-defined]
        assert width * board.MM_PER_PX == pytest.approx(0.3, rel=1e-6)
        assert (changed(defect) & ~board.artwork()).sum() > 20
    opened = [d for seed in range(4) for d in draw("open", seed, size=0.3)]
    assert opened
    for defect in opened:
        assert (changed(defect) & board.conductor()).sum() > 100


@pytest.mark.parametrize("kind", ["scratch", "stain", "discoloration", "contamination"])
def test_what_lies_on_a_surface_is_as_long_as_asked(kind: str) -> None:
    for seed in range(4):
        (defect,) = draw(kind, seed)
        assert defect.change.size_mm(board.MM_PER_PX) == pytest.approx(SIZE_MM, rel=1e-9)
        assert defect.size_mm == SIZE_MM
        if isinstance(defect.change, Scratch):
            assert defect.change.width_mm == 0.12


@pytest.mark.parametrize("kind", ["scratch", "stain", "discoloration"])
def test_a_stronger_level_has_more_contrast(kind: str) -> None:
    contrast = [np.mean([draw(kind, seed, level)[0].contrast for seed in range(6)]) for level in LEVELS]
    assert contrast[0] < 0.7 * contrast[1] < 0.9 * contrast[2]


def test_defects_keep_apart_and_inside_what_is_allowed() -> None:
    where = np.zeros(board.picture().shape[:2], np.bool_)
    where[100:460, 80:560] = True
    some = GradedDefects(board.picture(), board.MM_PER_PX, where)
    wanted = [("stain", "plain", 0.6), ("scratch", "plain", 0.8), ("contamination", "natural", 0.5)]
    drawn = some.draw(np.random.default_rng(1), wanted)
    assert len(drawn) == 3
    for k, one in enumerate(drawn):
        x, y, w, h = one.box
        assert where[y : y + h, x : x + w].all()
        for other in drawn[:k]:
            gap_x = max(one.box[0] - other.box[0] - other.box[2], other.box[0] - x - w)
            gap_y = max(one.box[1] - other.box[1] - other.box[3], other.box[1] - y - h)
            assert max(gap_x, gap_y) * board.MM_PER_PX >= 2.0


def test_the_same_seed_draws_the_same_defects() -> None:
    assert draw("stain", 5) == draw("stain", 5)
    assert draw("stain", 5) != draw("stain", 6)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(DatasetError, match="no faint short"):
        draw("short", 1, "faint")
    with pytest.raises(DatasetError, match="256"):
        GradedDefects(np.zeros((100, 300, 3), np.uint8), 0.02)
