"""Candidates: hysteresis, merging, splitting, and what a golden sample states of them."""

from __future__ import annotations

import contextlib
import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from skimage.measure import label

from datasets.light import to_linear
from datasets.twin import Change, ColourShift, ExcessMaterial, rectangle
from golden.comparison import Comparison
from golden.spec import GoldenSpec
from kernels.colour import ciede2000, ciede2000_each
from kernels.compiled import U8
from tests.vision import board
from vision.compiled_view import CompiledView, registered
from vision.mapping import QuadraticMap
from vision.register import Registered
from vision.surface import Aligned, SurfaceComparator
from vision.surface.candidates import Candidate, Limits, candidates
from vision.surface.deviation import largest_extent, principal_extent
from vision.surface.interval import golden_interval

BLOB = ExcessMaterial(rectangle(330, 340, 30, 24), (600, 430))


def excess(*boxes: tuple[int, int, int, int, int]) -> U8:
    out = np.zeros((80, 100), np.uint8)
    for x, y, w, h, codes in boxes:
        out[y : y + h, x : x + w] = codes
    return out


def found(image: U8, **limits: float | None) -> list[Candidate]:
    return list(candidates(image, 1.0, 1.0, Limits(**limits)))  # type: ignore[arg-type]


def area(c: Candidate) -> int:
    return int(c.inside.sum())


def test_weak_pixels_count_only_beside_a_strong_one() -> None:
    image = excess((10, 10, 8, 6, 3), (40, 10, 8, 6, 3), (44, 12, 2, 2, 12))
    (only,) = found(image)
    assert only.corner == (40, 10)
    assert area(only) == 48
    assert len(found(image, strong=3)) == 2
    assert [area(c) for c in found(image, weak=4)] == [4]
    assert found(image, strong=13) == []


def test_single_pixels_and_small_areas_are_left_out() -> None:
    image = excess((10, 10, 1, 9, 50), (40, 40, 3, 3, 50))
    assert [area(c) for c in found(image)] == [9]
    assert found(image, least_area=9.5) == []
    assert [area(c) for c in found(image, least_area=9.0)] == [9]


def test_a_limit_is_met_by_its_own_value() -> None:
    image = excess((10, 10, 8, 6, 3), (12, 12, 2, 2, 12))
    assert [area(c) for c in found(image, weak=3)] == [48]
    assert [area(c) for c in found(image, weak=4)] == [4]
    box = excess((40, 40, 3, 4, 50))  # its diagonal is 5
    assert [area(c) for c in candidates(box, 0.5, 2.5)] == [12]
    assert list(candidates(box, 0.5, 2.51)) == []


@pytest.mark.parametrize(("gap", "side", "regions"), [(4, 5, 1), (5, 5, 2), (8, 9, 1), (9, 9, 2)])
def test_fragments_nearer_than_the_closing_are_one(gap: int, side: int, regions: int) -> None:
    image = excess((20, 20, 6, 12, 40), (26 + gap, 20, 6, 12, 40))
    assert len(found(image, closed=side)) == regions


def test_a_stated_merge_joins_what_is_nearer_and_nothing_farther() -> None:
    limits = Limits.of(Comparison(merge_mm=0.5), 0.04)
    assert limits.closed == 13  # 12.5 pixels, never fewer, and odd
    assert Limits.of(Comparison(merge_mm=0.55), 0.04).closed == 15  # 13.75
    assert Limits.of(Comparison(), 0.04) == Limits.of(None, 0.04) == Limits()
    stated = Comparison(weak_codes=3, strong_codes=20, least_area_mm2=0.16, split_mm=4.0)
    assert Limits.of(stated, 0.04) == Limits(
        3, 20, pytest.approx(100.0), 5, pytest.approx(100.0), areas=False
    )
    assert Limits.of(Comparison(weak_codes=3), 0.04).areas


def test_a_long_region_is_divided_into_parts_that_together_are_the_region() -> None:
    (whole,) = found(excess((10, 20, 60, 6, 40)))
    parts = found(excess((10, 20, 60, 6, 40)), longest=25.0)
    assert [area(p) for p in parts] == [120, 120, 120]
    np.testing.assert_array_equal(sum(p.inside.astype(int) for p in parts), whole.inside)
    assert all(np.ptp(np.nonzero(p.inside)[1]) + 1 <= 25 for p in parts)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(5, 40))
def test_parts_never_lose_or_share_a_pixel(seed: int, longest: float) -> None:
    rng = np.random.default_rng(seed)
    image = np.kron(rng.random((10, 12)) > 0.6, np.ones((6, 6))).astype(np.uint8) * 40
    whole = np.zeros(image.shape, int)
    for c in candidates(image, 1.0, 1.0, Limits(longest=longest)):
        (x, y), (h, w) = c.corner, c.inside.shape
        whole[y : y + h, x : x + w] += c.inside
        assert not (c.deviates & ~c.inside).any()
    undivided = np.zeros(image.shape, int)
    for c in candidates(image, 1.0, 1.0):
        (x, y), (h, w) = c.corner, c.inside.shape
        undivided[y : y + h, x : x + w] += c.inside
    np.testing.assert_array_equal(whole, undivided)
    assert whole.max(initial=0) <= 1
    joined = np.asarray(label(undivided, connectivity=2))
    assert joined.max() == len(list(candidates(image, 1.0, 1.0)))


def test_a_part_that_only_bridges_a_gap_is_no_candidate() -> None:
    image = excess((10, 20, 4, 3, 50), (32, 20, 4, 3, 50))
    parts = found(image, closed=19, longest=10.0)
    assert [int(c.deviates.sum()) for c in parts] == [12, 12]


def test_what_another_channel_finds_is_a_candidate_without_a_strong_code() -> None:
    also = excess((10, 10, 8, 8, 1)) > 0
    assert [c.corner for c in candidates(excess(), 1.0, 1.0, None, also)] == [(10, 10)]


def test_extents_of_a_turned_bar_are_those_of_the_drawn_one() -> None:
    y, x = np.mgrid[:120, :120] - 60.0
    turned = np.radians(30)
    along, across = x * np.cos(turned) + y * np.sin(turned), y * np.cos(turned) - x * np.sin(turned)
    bar = (np.abs(along) <= 45) & (np.abs(across) <= 6)
    assert principal_extent(bar) == pytest.approx(90, abs=1.5)
    assert largest_extent(bar) == pytest.approx(np.hypot(90, 12), abs=1.5)
    square = np.ones((20, 20), np.bool_)
    assert principal_extent(square) == pytest.approx(20)
    assert largest_extent(square) == pytest.approx(20 * 2**0.5)


@pytest.mark.parametrize(("reach", "tolerated"), [(0, 0), (1, 1), (3, 3)])
def test_an_edge_may_lie_as_many_pixels_elsewhere_as_is_stated(reach: int, tolerated: int) -> None:
    step = np.full((20, 40, 3), 50, np.uint8)
    step[:, 20:] = 200
    low, high = golden_interval(step, reach).bounds
    for shift, moved in itertools.product((tolerated, tolerated + 2), (-1, 1)):
        unit = np.roll(step, moved * shift, axis=1)[:, 8:-8]
        outside = ((unit < low[:, 8:-8]) | (unit > high[:, 8:-8])).any()
        assert outside == (shift > tolerated)


def test_differences_of_rows_are_those_of_single_colours() -> None:
    rng = np.random.default_rng(5)
    one, two = rng.uniform((0, -60, -60), (100, 60, 60), (2, 50, 3))
    np.testing.assert_array_equal(
        ciede2000_each(one, two), [ciede2000(a, b) for a, b in zip(one, two, strict=True)]
    )


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"colour_delta_e": 2.0}, "both"),
        ({"merge_mm": 1.0, "split_mm": 1.0}, "split_mm"),
        ({"weak_codes": 9, "strong_codes": 8}, "strong_codes"),
        ({"least_area": 1.0}, "extra"),
    ],
)
def test_statements_that_do_not_fit_are_refused(stated: dict[str, float], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Comparison.model_validate(stated)


# on the board


@pytest.mark.parametrize(("split_mm", "fits"), [(0.59, False), (0.6, True)])
def test_parts_are_never_smaller_than_what_is_reported(split_mm: float, fits: bool) -> None:
    fields = board.fields()
    fields["catalogue"]["smallest_mm"] = 0.3
    fields["views"][0]["comparison"] = {"split_mm": split_mm}
    with contextlib.nullcontext() if fits else pytest.raises(ValidationError, match=r"at least 0\.6"):
        GoldenSpec.model_validate(fields)


@functools.cache
def aligned(*changes: Change) -> tuple[Aligned, QuadraticMap]:
    sample = board.sample()
    compiled = CompiledView(sample, sample.spec.views[0], None, None, None, None)
    frame = board.frame(board.captured(31, *changes).pixels)
    found = registered(sample, compiled, frame, frame.pixels)
    assert isinstance(found, Registered)
    return compiled.surface.align(frame.pixels, found.mapping), found.mapping


def defects(*changes: Change, **stated: float) -> list[float]:
    fields = board.fields()
    fields["views"][0]["comparison"] = stated
    spec = GoldenSpec.model_validate(fields)
    table = to_linear(np.arange(256, dtype=np.uint8)).astype(np.float32)
    surface = SurfaceComparator(spec, spec.views[0], board.golden_rgb(), table)
    return [d.size_mm for d in surface.deviations(*aligned(*changes), spec.catalogue.smallest_mm)]


def test_limits_of_area_contrast_and_colour_are_those_of_the_golden_sample() -> None:
    (size,) = defects(BLOB)
    assert defects(BLOB, least_area_mm2=0.2) == [size]  # 0.6 x 0.48 mm
    assert defects(BLOB, least_area_mm2=0.7) == []
    assert defects(BLOB, strong_codes=200) == []
    assert defects(BLOB, least_delta_e=5.0) == [size]
    assert defects(BLOB, least_delta_e=90.0) == []
    assert len(defects(BLOB, split_mm=0.6)) == 2


def test_a_faint_stain_is_found_by_its_mean_colour() -> None:
    faint = ColourShift(rectangle(540, 380, 60, 50), lab_offset=(0.0, 0.0, 4.0))
    (by_area,) = defects(faint)
    assert defects(faint, strong_codes=12) == []  # asked of a pixel: no area's mean is enough
    (by_colour,) = defects(faint, strong_codes=12, colour_delta_e=1.5, colour_over_mm=0.3)
    expected = np.hypot(60, 50) * board.MM_PER_PX
    assert by_area == pytest.approx(expected, abs=0.15)
    assert by_colour == pytest.approx(expected, abs=0.35)
    assert defects(colour_delta_e=1.5, colour_over_mm=0.3) == []
