"""What is agreed about a colour, and who decides it: camera or instrument."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import ncx2

from calibration.colour.colorimetry import ILLUMINANTS, illuminant_name
from golden.colour_difference import delta_e
from golden.colours import ColourConditions, LabReference
from golden.conformity import decide, decide_asymmetric, decide_camera, decide_reading
from golden.conformity.colours import difference_interval
from golden.errors import MeasurementError, ReadingError
from golden.spec import DecisionRule, GoldenSpec, is_entered, is_required
from tests import builders
from tests.colours import AGREED, REFERENCE, TARGET, paint, reading

GUARDED = DecisionRule()


# what is agreed


def test_an_old_agreement_keeps_its_bytes() -> None:
    """Truth: the very keys that a release before these fields wrote."""
    written = paint().model_dump(mode="json")
    assert set(written) == {
        "number", "id", "name", "severity", "decision", "kind", "view", "region", "formula", "upper", "unit",
    }  # fmt: skip
    assert (written["formula"], written["unit"]) == ("CIEDE2000", "CIEDE2000")
    assert paint(quantity="mean").model_dump(mode="json") == written


def test_the_unit_follows_from_the_formula() -> None:
    assert paint(formula="CMC_2_1").unit == "CMC_2_1"
    with pytest.raises(ValidationError, match="is in CMC_2_1, not in CIEDE2000"):
        paint(formula="CMC_2_1", unit="CIEDE2000")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"quantity": "match"}, "give it with quantity: match"),
        ({"other": {"type": "disk", "center_px": [9, 5], "radius_px": 2}}, "give it with quantity: match"),
        ({"required_at": ["fai"]}, "give a reference, or remove it"),
        ({"reference": REFERENCE, "quantity": "p95"}, "of a mean colour"),
        ({"viewing_distance_mm": 400}, "set quantity: p95, or remove it"),
        ({"reference": REFERENCE, "conditions": AGREED}, "conditions of its own"),
        ({"reference": {**REFERENCE, "conditions": {"illuminant": "D65", "observer": "10"}}}, "geometry"),
        ({"reference": {**REFERENCE, "conditions": {**AGREED, "specular": None}}}, "needs specular"),
        ({"conditions": {**AGREED, "geometry": "45/0"}}, "45/0 has none"),
        ({"conditions": {**AGREED, "illuminant": "daylight"}}, "illuminant"),
        ({"reference": {**REFERENCE, "lab": (0.6, 300.0, 0.0)}}, "less than or equal to 200"),
        ({"formula": "CIE2000"}, "formula"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        paint(**changes)


def test_the_other_region_of_a_match_lies_in_the_view() -> None:
    fields = builders.tiny_fields()
    out = {"type": "disk", "center_px": [500, 5], "radius_px": 2}
    fields["characteristics"][1] |= {"quantity": "match", "other": out}
    with pytest.raises(ValidationError, match=r"characteristics\[1\].other \(paint\): reaches to"):
        GoldenSpec.model_validate(fields)


@pytest.mark.parametrize(("written", "meant"), [("TL84", "FL11"), ("F11", "FL11"), ("F2", "FL2"), ("A", "A")])
def test_a_light_has_one_name_here_and_in_the_certificate(written: str, meant: str) -> None:
    assert ColourConditions.model_validate({"illuminant": written, "observer": 10}).illuminant == meant
    assert illuminant_name(written) == meant


def test_every_light_that_can_be_agreed_can_be_computed() -> None:
    allowed = ColourConditions.model_json_schema()["properties"]["illuminant"]["enum"]
    assert set(allowed) == set(ILLUMINANTS)


def test_geometries_may_be_written_as_the_cie_does() -> None:
    assert ColourConditions(illuminant="D50", observer="2", geometry="45:0").geometry == "45/0"  # type: ignore[arg-type]


def test_what_is_proven_at_checkpoints_is_not_asked_of_every_unit() -> None:
    absolute = paint(reference=REFERENCE)
    sampled = paint(reference=REFERENCE, required_at=["fai", "oqc"])
    assert [is_required(c) for c in (paint(), absolute, sampled)] == [True, True, False]
    assert [is_required(sampled, at) for at in ("fai", "ipqc", "oqc")] == [True, False, True]
    assert [is_entered(c) for c in (paint(), absolute, sampled)] == [False, True, True]


# how an interval decides


@given(
    st.floats(0, 5), st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from(["simple", "guarded"]),
)  # fmt: skip
def test_asymmetric_guard_bands(value: float, below: float, above: float, factor: float, rule: Any) -> None:
    """Truth: the rule as it is written in the docstring, limit by limit."""
    how = DecisionRule(rule=rule, guard_factor=factor)
    g = factor if rule == "guarded" else 0.0
    low, high = value - below, value + above
    reach_up, reach_down = value + g * (high - value), value - g * (value - low)
    expected = "conform" if reach_up <= 2.0 else "nonconform" if reach_down > 2.0 else "undecided"
    assert decide_asymmetric(value, low, high, None, 2.0, how) == expected
    mirrored = decide_asymmetric(-value, -high, -low, -2.0, None, how)
    assert mirrored == expected


@given(st.floats(-3, 3), st.floats(0, 1), st.sampled_from([1.0, 2.0, 3.0]), st.booleans())
def test_an_even_interval_decides_as_the_uncertainty_does(
    value: float, u: float, k: float, both: bool
) -> None:
    how = DecisionRule(coverage_factor=k, largest_u_over_tolerance=0.9)
    lower = -1.0 if both else None
    even = decide_asymmetric(value, value - k * u, value + k * u, lower, 1.0, how)
    near = [decide(value, u * (1 + e), lower, 1.0, how) for e in (-1e-9, 0, 1e-9)]
    assert even in near


@pytest.mark.parametrize("interval", [(0.5, 0.9), (1.1, 2.0), (0.5, math.inf), (math.nan, 2.0)])
def test_an_interval_holds_its_value(interval: tuple[float, float]) -> None:
    with pytest.raises(MeasurementError, match="must lie in its finite interval"):
        decide_asymmetric(1.0, *interval, None, 2.0, GUARDED)


# who decides


def test_a_camera_decides_a_difference_and_no_absolute_colour_that_it_cannot_know() -> None:
    relative, absolute = paint(), paint(reference=REFERENCE)
    assert decide_camera(relative, 0.5, 0.3, 0.8) == "conform"
    assert decide_camera(absolute, 0.5, 0.0, 4.5) == "undecided"
    assert decide_camera(absolute, 9.0, 5.0, 13.0) == "nonconform"
    assert decide_camera(paint(reference=REFERENCE, upper=6.0), 0.5, 0.0, 4.5) == "conform"


def test_a_simple_rule_does_not_take_the_cameras_error_for_the_parts() -> None:
    simple = {"rule": "simple"}
    assert decide_camera(paint(decision=simple), 0.5, 0.0, 1.9) == "conform"
    assert decide_camera(paint(decision=simple), 0.0, 0.0, 4.5) == "undecided"  # lost in noise
    assert decide_camera(paint(decision=simple, reference=REFERENCE), 0.5, 0.0, 4.5) == "undecided"
    assert decide_camera(paint(decision=simple, reference=REFERENCE), 3.0, 0.5, 7.0) == "undecided"
    narrow = {"guard_factor": 0.25}
    assert decide_camera(paint(decision=narrow), 0.5, 0.0, 1.5) == "conform"
    assert decide_camera(paint(decision=narrow, reference=REFERENCE), 0.5, 0.0, 1.5) == "undecided"


def test_an_instrument_decides_by_the_lab_that_it_read() -> None:
    absolute = paint(reference=REFERENCE)
    exact = decide_reading(absolute, reading(TARGET))
    assert (exact.value, exact.decision) == (0.0, "conform")
    near = decide_reading(absolute, reading((60.5, 20.0, -10.0)))
    assert near.value == pytest.approx(delta_e((60.0, 20.0, -10.0), (60.5, 20.0, -10.0)), abs=1e-6)
    assert near.decision == "conform"
    far = decide_reading(absolute, reading((64.0, 20.0, -10.0)))
    assert far.decision == "nonconform"
    assert far.interval is not None
    assert far.interval[0] < far.value < far.interval[1]
    edge = decide_reading(absolute, reading((61.13, 20.0, -10.0)))
    assert edge.decision == "undecided"


def test_the_reference_is_the_contracts_value_even_in_asymmetric_formulas() -> None:
    vivid = {**REFERENCE, "lab": (50.0, 60.0, 0.0)}
    duller = reading((50.0, 10.0, 0.0))
    decided = decide_reading(paint(reference=vivid, formula="CIE94_graphic_arts", upper=100.0), duller)
    assert decided.value == pytest.approx(50 / 3.7, abs=1e-6)  # the other way it is 50 / 1.45


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"illuminant": "A"}, "illuminant is A, D65 is agreed"),
        ({"observer": "2"}, "observer is 2, 10 is agreed"),
        (
            {"geometry": "45/0", "specular": None},
            "geometry is 45/0, d/8 is agreed; specular is not",
        ),
        ({"specular": "SCE"}, "specular is SCE, SCI is agreed"),
        ({"geometry": None, "specular": None}, "geometry is not stated"),
    ],
)
def test_readings_under_other_conditions_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ReadingError, match=named):
        decide_reading(paint(reference=REFERENCE), reading(conditions={**AGREED, **changes}))


def test_a_backing_matters_where_it_is_agreed() -> None:
    black = {**REFERENCE, "conditions": {**AGREED, "backing": "black"}}
    with pytest.raises(ReadingError, match="backing is white, black is agreed"):
        decide_reading(paint(reference=black), reading(conditions={**AGREED, "backing": "white"}))
    stated = reading(conditions={**AGREED, "backing": "white"})
    assert decide_reading(paint(reference=REFERENCE), stated).decision == "conform"


def test_a_difference_to_the_golden_sample_takes_no_reading() -> None:
    with pytest.raises(ReadingError, match="the station measures"):
        decide_reading(paint(), reading())


def test_a_reading_without_uncertainty_stands_against_a_unit_and_never_for_it() -> None:
    absolute, simple = paint(reference=REFERENCE), paint(reference=REFERENCE, decision={"rule": "simple"})
    assert decide_reading(absolute, reading(u=None)).decision == "undecided"
    assert decide_reading(absolute, reading((90.0, 0.0, 0.0), u=None)).decision == "nonconform"
    bare = decide_reading(simple, reading(u=None))
    assert (bare.decision, bare.interval, bare.standard_uncertainty) == ("conform", None, None)


def test_the_reference_adds_its_uncertainty() -> None:
    exact = decide_reading(paint(reference=REFERENCE), reading((62.0, 20.0, -10.0), u=0.3))
    both = decide_reading(paint(reference={**REFERENCE, "u": 0.4}), reading((62.0, 20.0, -10.0), u=0.3))
    assert exact.standard_uncertainty is not None
    assert both.standard_uncertainty == pytest.approx(exact.standard_uncertainty * 5 / 3, rel=1e-5)


# what a reading leaves open


@given(st.floats(0, 20), st.floats(0.01, 2), st.sampled_from([1.0, 1.645, 2.0, 3.0]))
def test_the_bounds_are_where_a_reading_is_just_that_rare(value: float, u: float, k: float) -> None:
    """Truth: scipy's non-central chi-square of three degrees of freedom."""
    low, high = difference_interval(value, u, DecisionRule(coverage_factor=k))
    sure = NormalDist().cdf(k)
    assert low <= value <= high
    if low > 1e-6:
        assert ncx2.cdf((value / u) ** 2, 3, (low / u) ** 2) == pytest.approx(sure, abs=1e-6)
    if value > 1.54 * u:
        assert ncx2.cdf((value / u) ** 2, 3, (high / u) ** 2) == pytest.approx(1 - sure, abs=1e-6)


def test_a_reading_without_error_leaves_nothing_open() -> None:
    assert difference_interval(0.7, 0.0, GUARDED) == (0.7, 0.7)


@pytest.mark.parametrize("shift", [(0.3, 0.2, -0.1), (0.0, 1.5, -0.5), (0.8, 0.0, 0.0), (0.0, 0.0, 0.0)])
@pytest.mark.parametrize("lab", [(60.0, 20.0, -10.0), (40.0, 50.0, 30.0), (70.0, 0.5, -0.5)])
def test_bounds_cover_the_true_difference(lab: tuple[float, ...], shift: tuple[float, ...]) -> None:
    """Truth: readings drawn about a true colour; each bound holds at least as often as it says, 97.7 %."""
    rng, u, n = np.random.default_rng(7), 0.1, 600
    right = tuple(np.array(lab) + shift)
    absolute = paint(reference={**REFERENCE, "lab": lab})
    known = delta_e(absolute.reference.lab, right, "CIEDE2000") if absolute.reference else 0.0
    below = above = 0
    for error in rng.normal(0, u, (n, 3)):
        sample = tuple(float(v) for v in np.array(right) + error)
        found = decide_reading(absolute, reading(sample, u=u)).interval  # type: ignore[arg-type]
        assert found is not None
        below += found[0] > known
        above += found[1] < known
    # 0.0228 n = 13.7 with a standard deviation of 3.7
    assert max(below, above) <= 26


def test_a_reference_says_what_it_is() -> None:
    assert LabReference.model_validate(REFERENCE).u == 0.0


def test_noise_that_happens_to_cancel_proves_nothing() -> None:
    """Half of all readings of an equal colour are longer than 1.538 u, and none says less than those do."""
    bounds = [difference_interval(v, 0.2, GUARDED) for v in (0.0, 0.1, 0.2, 0.3)]
    assert len(set(bounds)) == 1
    assert bounds[0][0] == 0.0
    assert bounds[0][1] == pytest.approx(difference_interval(1.5382 * 0.2, 0.2, GUARDED)[1], abs=1e-4)
    assert bounds[0][1] > 0.6
