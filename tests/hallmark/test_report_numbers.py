"""Numbers are written by the rule of the GUM: two digits of uncertainty, the value to the same place."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallmark.report.numbers import alike, measured, plain


@pytest.mark.parametrize(
    ("value", "u", "k", "expected"),
    [
        (10.05249, 0.00117, 1, ("10.0525", "0.0012")),
        (2.883, 0.0113, 2, ("2.883", "0.023")),
        (7.0, 0.0498, 2, ("7.00", "0.10")),  # 0.0996 carries into 0.10, still two digits
        (820.0, 12.0, 2, ("820", "24")),
        (15326.0, 617.0, 2, ("15300", "1200")),
        (0.0, 0.25, 2, ("0.00", "0.50")),
        (-0.004, 0.06, 2, ("0.00", "0.12")),
        (3.5, 0.0, 2, ("3.5", "0")),
    ],
)
def test_worked_examples(value: float, u: float, k: float, expected: tuple[str, str]) -> None:
    assert measured(value, u, k) == expected


@given(
    st.floats(-1e5, 1e5, allow_nan=False),
    st.floats(1e-6, 1e3, allow_nan=False),
    st.sampled_from([1.0, 2.0, 3.0]),
)
def test_two_digits_and_the_same_place(value: float, u: float, k: float) -> None:
    text, expanded = measured(value, u, k)
    assert "e" not in (text + expanded).lower()
    decimals = lambda t: len(t.partition(".")[2])  # noqa: E731
    assert decimals(text) == decimals(expanded)
    exact = Decimal(repr(u)) * Decimal(repr(k))
    assert abs(Decimal(expanded) - exact) <= Decimal("0.051") * exact  # half a unit of the second digit
    place = max(Decimal(10) ** -decimals(text), Decimal(10) ** (exact.adjusted() - 1))
    assert abs(Decimal(text) - Decimal(repr(value))) <= place * Decimal("5.01")
    if "." in expanded:
        assert len(expanded.replace(".", "").lstrip("0")) == 2


def test_a_row_has_one_number_of_decimals() -> None:
    assert alike(2.9, 2.85, 3.0) == ("2.90", "2.85", "3.00")
    assert alike(28.64, 28.64 - 0.1, 28.64 + 0.1) == ("28.64", "28.54", "28.74")
    assert alike(None, None, 3.0) == (None, None, "3")
    assert alike(None, 100.0, None) == (None, "100", None)
    assert alike() == ()


@given(st.floats(-1e6, 1e6, allow_nan=False))
def test_plain_reads_back(value: float) -> None:
    assert float(plain(value)) == value
    assert "e" not in plain(value).lower()
