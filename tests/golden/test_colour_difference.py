"""Colour differences of single pairs against published pairs, colour-science and the compiled formulas."""

from __future__ import annotations

import math
from typing import Any, get_args

import colour
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.colour_difference import delta_e, lab_difference
from golden.colours import Formula
from tests.kernels.test_colour import SHARMA
from tests.vision.test_colour_difference import PEERS
from vision.colour import difference as compiled

FORMULAS: tuple[Formula, ...] = get_args(Formula)
Lab = tuple[float, float, float]
labs = st.tuples(st.floats(0, 100), st.floats(-100, 100), st.floats(-100, 100))


def triple(row: Any) -> Lab:
    one, two, three = (float(v) for v in row)
    return one, two, three


@pytest.mark.parametrize("row", SHARMA)
def test_the_published_pairs(row: tuple[float, ...]) -> None:
    assert delta_e(triple(row[:3]), triple(row[3:6])) == pytest.approx(row[6], abs=5.1e-5)


def pairs(n: int, seed: int) -> list[tuple[Lab, Lab]]:
    rng = np.random.default_rng(seed)
    one = rng.uniform((0, -100, -100), (100, 100, 100), (n, 3))
    two = one + rng.normal(0, 1, one.shape) * rng.choice([0.3, 5.0, 60.0], (n, 1))
    two[:, 0] = np.clip(two[:, 0], 0, 100)
    return [(triple(a), triple(b)) for a, b in zip(one, two, strict=True)]


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_compiled_formulas_are_the_same(formula: Formula) -> None:
    drawn = pairs(2000, 3) + [(triple(row[:3]), triple(row[3:6])) for row in SHARMA]
    ours = [delta_e(a, b, formula) for a, b in drawn]
    theirs = compiled.delta_e([a for a, _ in drawn], [b for _, b in drawn], formula)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("formula", PEERS)
def test_colour_science_says_the_same(formula: Formula) -> None:
    drawn = pairs(1000, 4)
    theirs = colour.delta_E(
        np.array([a for a, _ in drawn]), np.array([b for _, b in drawn]), **PEERS[formula]
    )
    np.testing.assert_allclose([delta_e(a, b, formula) for a, b in drawn], theirs, atol=1e-9)


@given(labs, st.sampled_from(FORMULAS))
def test_a_colour_does_not_differ_from_itself(lab: Lab, formula: Formula) -> None:
    assert delta_e(lab, lab, formula) == 0


def test_the_golden_sample_is_the_reference_of_asymmetric_formulas() -> None:
    """A vivid golden sample forgives more chroma than a grey one, by CIE94: 10 / (1 + 0.045 C)."""
    grey, vivid = (50.0, 10.0, 0.0), (50.0, 60.0, 0.0)
    assert delta_e(grey, vivid, "CIE94_graphic_arts") == pytest.approx(50 / 1.45)
    assert delta_e(vivid, grey, "CIE94_graphic_arts") == pytest.approx(50 / 3.7)
    assert delta_e(grey, vivid, "CMC_2_1") > delta_e(vivid, grey, "CMC_2_1")


def test_opposite_hues_are_a_tie_that_rounding_does_not_break() -> None:
    """Truth: pair 14, 4.8045; a last bit beyond 180 degrees must not give the other side's 4.7461."""
    for nudge in (-1e-13, 0.0, 1e-13):
        assert delta_e((50.0, -0.001, 2.49), (50.0, 0.0011, -2.49 + nudge)) == pytest.approx(4.7461, abs=1e-4)
        assert delta_e((50.0, -0.001, 2.49), (50.0, 0.001, -2.49 + nudge)) == pytest.approx(4.8045, abs=1e-4)


def test_the_parts_of_a_difference() -> None:
    """Red turned to yellow by 90 degrees at equal chroma: chord 2 C sin 45."""
    d = lab_difference((50.0, 20.0, 0.0), (53.0, 0.0, 20.0))
    assert (d.dl, d.da, d.db) == (3.0, -20.0, 20.0)
    assert d.dc == pytest.approx(0)
    assert d.dh == pytest.approx(20 * math.sqrt(2))
    assert lab_difference((50.0, 0.0, 20.0), (53.0, 20.0, 0.0)).dh == pytest.approx(-20 * math.sqrt(2))


@given(labs, labs)
def test_the_parts_add_up(one: Lab, two: Lab) -> None:
    """ISO/CIE 11664-4: dE^2 = dL^2 + da^2 + db^2 = dL^2 + dC^2 + dH^2."""
    d = lab_difference(one, two)
    assert math.hypot(d.dl, d.dc, d.dh) == pytest.approx(math.dist(one, two), abs=1e-9)
