"""What counts as the same answer: 1e-4 of a probability, and never another label."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax as exact

from models.parity import compare, softmax


def logits(*cells: tuple[float, float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.float32(cells).T[None, :, None, :]


def test_the_same_answers_agree() -> None:
    answers = logits((1, 2, 3), (0, 5, -5))
    parity = compare(answers, answers.copy(), 1.0)
    assert (parity.holds, parity.probability, parity.flips, parity.cells) == (True, 0.0, 0, 2)


def test_another_label_disagrees_however_near_the_probabilities_are() -> None:
    parity = compare(logits((1, 1.00001, 0)), logits((1.00001, 1, 0)), 1.0)
    assert parity.probability < 1e-4
    assert (parity.flips, parity.holds) == (1, False)


def test_another_probability_disagrees_however_clear_the_label_is() -> None:
    trained, exported = np.float32([4, 0, 0]), np.float32([4.01, 0, 0])
    parity = compare(trained.reshape(1, 3, 1, 1), exported.reshape(1, 3, 1, 1), 1.0)
    assert parity.probability == pytest.approx(exact(exported)[0] - exact(trained)[0], rel=1e-3)
    assert (parity.flips, parity.holds) == (0, False)


def test_a_temperature_brings_probabilities_nearer() -> None:
    pair = logits((4, 0, 0)), logits((4.001, 0, 0))
    assert compare(*pair, 20.0).probability < compare(*pair, 1.0).probability


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_disagrees(wrong: float) -> None:
    with np.errstate(invalid="ignore"):
        assert not compare(logits((1, 2, 3)), logits((1, 2, wrong)), 1.0).holds


def test_answers_of_another_shape_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="shape"):
        compare(logits((1, 2, 3)), logits((1, 2, 3), (1, 2, 3)), 1.0)


def test_softmax_holds_for_large_logits_and_leaves_its_argument_alone() -> None:
    given = logits((1000, 0, -1000), (-3, -2, 5))
    kept = given.copy()
    np.testing.assert_allclose(softmax(given, 2.5), exact(kept.astype(float) / 2.5, axis=1), atol=1e-6)
    np.testing.assert_array_equal(given, kept)
