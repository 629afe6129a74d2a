"""Words of a colourist: the sample against the reference, and nothing where chance explains it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.colour.words import words

SURE = 1e-6 * np.eye(3)


def polar(lightness: float, chroma: float, hue: float) -> np.ndarray:
    turn = math.radians(hue)
    return np.array([lightness, chroma * math.cos(turn), chroma * math.sin(turn)])


@pytest.mark.parametrize(
    ("reference", "sample", "said"),
    [
        ((50, 40, 30), (53, 40, 30), ("lighter",)),
        ((50, 0, 0), (49, 0, 0), ("darker",)),
        ((70, 1, 1), (70, 3, 0), ("redder", "bluer")),  # a grey has no hue to shift
        ((70, 1, 1), (70, -1, 2), ("greener", "yellower")),
    ],
)
def test_lightness_and_greys(
    reference: tuple[float, ...], sample: tuple[float, ...], said: tuple[str, ...]
) -> None:
    assert words(np.array(reference, float), np.array(sample, float), SURE) == said


@pytest.mark.parametrize(
    ("hue", "turn", "word"),
    [
        (20, 5, "yellower"), (20, -5, "bluer"), (90, 5, "greener"), (90, -5, "redder"),
        (164, 5, "bluer"), (164, -5, "yellower"), (237, 5, "redder"), (237, -5, "greener"),
        (350, 5, "yellower"), (350, -5, "bluer"),
    ],
)  # fmt: skip
def test_a_hue_shifts_towards_its_neighbour(hue: float, turn: float, word: str) -> None:
    assert words(polar(50, 40, hue), polar(50, 40, hue + turn), SURE) == (word,)


def test_chroma_is_brighter_or_duller_and_the_larger_comes_first() -> None:
    assert words(polar(50, 40, 30), polar(50, 44, 30), SURE) == ("brighter",)
    assert words(polar(50, 40, 30), polar(51, 35, 30), SURE) == ("duller", "lighter")


def test_what_the_uncertainty_covers_is_not_said() -> None:
    reference, sample = polar(50, 40, 30), polar(50.5, 42, 30)
    along = np.array([0, math.cos(math.radians(30)), math.sin(math.radians(30))])
    unsure = np.diag([0.3**2, 0, 0]) + 0.1**2 * np.outer(along, along)
    assert words(reference, sample, unsure) == ("brighter",)
    assert words(reference, sample, unsure, coverage=1.0) == ("brighter", "lighter")
    assert words(reference, reference, unsure) == ()


@given(
    st.tuples(st.floats(5, 95), st.floats(-60, 60), st.floats(-60, 60)),
    st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3)),
)
def test_the_other_way_round_says_the_opposite_of_lightness(
    reference: tuple[float, ...], step: tuple[float, ...]
) -> None:
    one = np.array(reference)
    two = one + np.array(step)
    there, back = words(one, two, SURE), words(two, one, SURE)
    assert ("lighter" in there) == ("darker" in back)
    assert not {"lighter", "darker"} <= set(there)
    assert not {"brighter", "duller"} <= set(there)
