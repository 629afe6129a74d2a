"""Colour differences by every formula against colour-science, coloraide's DIN99o and the published pairs."""

from __future__ import annotations

from typing import Any

import colour
import numpy as np
import pytest

from golden.colours import Formula
from tests.kernels.test_colour import SHARMA
from vision.colour.difference import delta_e

PEERS: dict[Formula, dict[str, Any]] = {
    "CIEDE2000": {"method": "CIE 2000"},
    "CIE94_graphic_arts": {"method": "CIE 1994"},
    "CIE94_textiles": {"method": "CIE 1994", "textiles": True},
    "CMC_2_1": {"method": "CMC", "l": 2, "c": 1},
    "CMC_1_1": {"method": "CMC", "l": 1, "c": 1},
    "CIE76": {"method": "CIE 1976"},
}


@pytest.mark.parametrize("formula", PEERS)
def test_every_formula_agrees_with_colour_science(formula: Formula) -> None:
    rng = np.random.default_rng(1)
    reference = rng.uniform((0, -100, -100), (100, 100, 100), (5000, 3))
    sample = reference + rng.normal(0, 12, reference.shape)
    sample[:, 0] = np.clip(sample[:, 0], 0, 100)
    ours = delta_e(reference, sample, formula)
    np.testing.assert_allclose(ours, colour.delta_E(reference, sample, **PEERS[formula]), atol=1e-9)
    if formula.startswith(("CIE94", "CMC")):  # the golden sample's place matters
        assert np.abs(ours - delta_e(sample, reference, formula)).max() > 0.1


# coloraide 8.13.1, lab_to_din99o, whose factor of lightness is 100 / ln 1.39 instead of the standard's 303.67
@pytest.mark.parametrize(
    ("reference", "sample", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 1.767769),
        ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.476531),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 1.610216),
        ((50, 2.5, 0), (61, -5, 29), 26.895256),
        ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 2.094388),
    ],
)
def test_din99o_agrees_with_coloraide(
    reference: tuple[float, ...], sample: tuple[float, ...], expected: float
) -> None:
    assert delta_e(reference, sample, "DIN99o") == pytest.approx(expected, rel=5e-6)


def test_the_published_pairs_are_met_as_an_array() -> None:
    rows = np.array(SHARMA)
    np.testing.assert_allclose(delta_e(rows[:, :3], rows[:, 3:6]), rows[:, 6], atol=1e-4)


def test_one_reference_serves_an_image() -> None:
    image = np.random.default_rng(2).uniform(0, 50, (4, 5, 3))
    found = delta_e((50, 10, 10), image, "CMC_1_1")
    assert found.shape == (4, 5)
    assert found[2, 3] == delta_e((50, 10, 10), image[2, 3], "CMC_1_1")
    assert delta_e((50, 0, 0), (51, 0, 0)).shape == ()


def test_one_reference_serves_a_row_of_one() -> None:
    one = np.array([50.0, 10.0, 20.0])
    assert delta_e(one, one[None] + 1).shape == (1,)
    assert delta_e(one[None], one + 1).shape == (1,)
    assert delta_e(one, one[None] + 1)[0] == delta_e(one, one + 1)


def test_nan_stays_nan_and_nonsense_is_refused() -> None:
    assert np.isnan(delta_e((np.nan, 0, 0), (50, 0, 0)))
    with pytest.raises(ValueError, match="last axis of three"):
        delta_e((50, 0), (50, 0))
    with pytest.raises(ValueError, match="choose from CIEDE2000"):
        delta_e((50, 0, 0), (50, 0, 0), "dE")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
