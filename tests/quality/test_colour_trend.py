"""A lot's colours: mean vector, scatter, drift with its test, worst unit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f, kstest

from evidence import CharacteristicResult, Inspection, entered_colour
from golden.colour_difference import delta_e
from golden.spec import Colour, GoldenSpec
from quality.colour_trend import ColourTrend, lot_colours
from quality.errors import ProportionError
from tests.colours import NEAR, REFERENCE, TARGET, paint, reading, seen, spec_with_colour
from tests.quality.records import fields, inspection, result

SPEC = spec_with_colour(fields())
Array = npt.NDArray[np.float64]


def unit(serial: str, paint: CharacteristicResult | None, spec: GoldenSpec = SPEC) -> Inspection:
    kept = [] if paint is None else [paint.model_dump(mode="json")]
    others = [result(spec, "hole"), result(spec, "face")]
    return inspection(serial, "HOLD", characteristics=[others[0], *kept, others[1]], spec=spec)


def camera(difference: Any, c: Colour | None = None) -> CharacteristicResult:
    lab = tuple(float(t + d) for t, d in zip(TARGET, difference, strict=True))
    return seen(c or paint(), lab, "undecided", "characteristic_undecided", u=0.1)  # type: ignore[arg-type]


def trend_of(differences: Array, **options: Any) -> ColourTrend:
    units = [unit(f"U{i}", camera(d)) for i, d in enumerate(differences)]
    (found,) = lot_colours(SPEC, units, **options)
    return found


def drawn(n: int, seed: int, drift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Array:
    """Differences that scatter unequally and correlated about a mean; `drift` from the first to the last."""
    rng = np.random.default_rng(seed)
    mix = np.array([[0.2, 0.0, 0.0], [0.05, 0.1, 0.0], [-0.1, 0.15, 0.3]])
    line = np.linspace(-0.5, 0.5, n)[:, None] * np.array(drift)
    return np.array([0.4, -0.2, 0.6]) + rng.normal(0, 1, (n, 3)) @ mix.T + line


def test_the_mean_is_a_vector() -> None:
    """Truth: opposite differences cancel, which a mean of Delta E would not show."""
    found = trend_of(np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.3, 0.0]]))
    assert found.mean == pytest.approx((0.0, 0.1, 0.0))
    assert found.delta_e == pytest.approx(delta_e(TARGET, (60.0, 20.1, -10.0)), abs=1e-9)
    assert (found.units, found.source, found.formula) == (3, "camera", "CIEDE2000")
    assert found.standard_deviations == pytest.approx((1.0, math.sqrt(0.03), 0.0))
    assert found.u_mean == pytest.approx((1 / math.sqrt(3), 0.1, 0.0))


def test_the_worst_unit_is_named() -> None:
    differences = drawn(8, 1)
    differences[5] = (2.0, 0.0, 0.0)
    found = trend_of(differences)
    assert (found.worst, found.worst_difference) == ("U5", pytest.approx((2.0, 0.0, 0.0)))
    assert found.worst_delta_e == pytest.approx(delta_e(TARGET, (62.0, 20.0, -10.0)))


def test_a_drift_is_found_with_its_direction() -> None:
    steady, drifting = trend_of(drawn(60, 3)), trend_of(drawn(60, 3, (0.0, 0.0, 0.8)))
    assert steady.drift is not None
    assert drifting.drift is not None
    assert (steady.drift.real, drifting.drift.real) == (False, True)
    change = np.subtract(drifting.drift.change, steady.drift.change)
    np.testing.assert_allclose(change, (0.0, 0.0, 0.8), atol=1e-9)
    assert drifting.drift.p_value < 1e-3


@pytest.mark.parametrize("n", [6, 9, 40])
def test_the_probability_is_that_of_wilks_lambda(n: int) -> None:
    """Truth: one hypothesis of three coordinates, F = (1 - L) / L (n - 4) / 3, L by least squares."""
    d = drawn(n, 7, (0.2, 0.1, 0.3))
    columns = np.column_stack([np.ones(n), np.arange(n)])
    rest = d - columns @ np.linalg.lstsq(columns, d, rcond=None)[0]
    total = d - d.mean(axis=0)
    wilks = np.linalg.det(rest.T @ rest) / np.linalg.det(total.T @ total)
    drift = trend_of(d).drift
    assert drift is not None
    assert drift.p_value == pytest.approx(f.sf((1 - wilks) / wilks * (n - 4) / 3, 3, n - 4), rel=1e-9)


def test_no_drift_is_found_as_often_as_chance_does() -> None:
    """Truth: under no drift the probability is uniform, whatever the scatter's form."""
    found = [trend_of(drawn(9, seed)).drift for seed in range(300)]
    p = [d.p_value for d in found if d is not None]
    assert len(p) == 300
    assert kstest(p, "uniform").pvalue > 0.01
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.085


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.2, 5), st.floats(-1, 1))
def test_the_test_of_drift_does_not_depend_on_axes(seed: int, stretch: float, shear: float) -> None:
    """Truth: Hotelling's T-squared is the same in any coordinates."""
    d = drawn(12, seed, (0.3, 0.0, 0.2))
    mix = np.array([[stretch, shear, 0.0], [0.0, 1.0, shear], [0.0, 0.0, 1 / stretch]])
    one, other = trend_of(d).drift, trend_of(d @ mix.T).drift
    assert one is not None
    assert other is not None
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)


def test_the_ellipse_holds_the_next_unit_as_often_as_it_says() -> None:
    """Truth: one more unit of the same process, 450 lots of ten."""
    rng = np.random.default_rng(5)
    held, lots = 0, 450
    for _ in range(lots):
        d = drawn(11, int(rng.integers(1 << 31)))
        e = trend_of(d[:10], coverage=0.9).ellipse
        assert e is not None
        x, y = d[10, 1:] - d[:10, 1:].mean(axis=0)
        turn = math.radians(e.angle_deg)
        along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
        held += (along / e.major) ** 2 + (across / e.minor) ** 2 <= 1
    assert held / lots == pytest.approx(0.9, abs=0.04)


def test_many_colours_do_not_drift_by_their_number() -> None:
    """Truth: Holm: of two colours the smaller probability counts twice."""
    known = fields()
    first = paint().model_dump(mode="json")
    known["characteristics"][1] = first
    known["characteristics"].append({**first, "id": "cap", "number": 9})
    spec = GoldenSpec.model_validate(known)
    both = [c for c in spec.characteristics if isinstance(c, Colour)]
    one, other = drawn(12, 4, (0.9, 0.0, 0.0)), drawn(12, 40)
    units = [
        inspection(f"U{i}", "HOLD", spec=spec, characteristics=[
            camera(d[i], c).model_dump(mode="json") for d, c in zip((one, other), both, strict=True)
        ])
        for i in range(12)
    ]  # fmt: skip
    drifts = [t.drift for t in lot_colours(spec, units)]
    p = [d.p_value for d in drifts if d is not None]
    assert [d.adjusted_p for d in drifts if d is not None] == pytest.approx(
        [2 * p[0], max(2 * p[0], p[1])] if p[0] < p[1] else [max(2 * p[1], p[0]), 2 * p[1]]
    )


def test_few_units_say_less() -> None:
    one = trend_of(drawn(1, 6))
    assert (one.standard_deviations, one.u_mean, one.ellipse, one.drift) == (None, None, None, None)
    two, five, six = (trend_of(drawn(n, 6)) for n in (2, 5, 6))
    assert (two.standard_deviations is not None, two.ellipse) == (True, None)
    assert (five.ellipse is not None, five.drift) == (True, None)
    assert six.drift is not None
    assert trend_of(np.tile([[0.1, 0.2, 0.3]], (8, 1))).drift is None


def test_camera_and_instrument_are_kept_apart_and_what_is_not_valid_left_out() -> None:
    spec = spec_with_colour(fields(), reference=REFERENCE)
    (absolute,) = (c for c in spec.characteristics if isinstance(c, Colour))
    read = entered_colour(absolute, reading(NEAR), "manual")
    blind = camera((9, 9, 9), absolute).model_copy(
        update={"valid": False, "reason": "region_unusable", "value": None, "interval": None}
    )
    units = [
        unit("U1", camera((1.0, 0, 0), absolute), spec), unit("U2", read, spec), unit("U3", blind, spec),
        unit("U4", None, spec),
    ]  # fmt: skip
    by_camera, by_instrument = lot_colours(spec, units)
    assert [(t.source, t.units, t.worst) for t in (by_camera, by_instrument)] == [
        ("camera", 1, "U1"), ("instrument", 1, "U2"),
    ]  # fmt: skip
    assert lot_colours(spec, units[3:]) == ()
    uneven = spec_with_colour(fields(), quantity="mottle")
    assert lot_colours(uneven, [unit("U1", camera((1.0, 0, 0)), uneven)]) == ()


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ProportionError, match="alpha 0"):
        lot_colours(SPEC, [], alpha=0.0)
