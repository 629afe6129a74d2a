"""The judge, line by line: what makes a unit ACCEPT, REJECT or HOLD, and why."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import REASONS, CharacteristicResult, Defect
from golden.catalogue import CharacteristicClass, DefectCatalogue, DefectRule, Measures
from golden.spec import DecisionRule, Dimension, Surface
from tests.builders import tiny_spec
from vision.judge import (
    check_entered,
    count_results,
    defect_reasons,
    judge,
    measured,
    surface_result,
    unmeasured,
    verdict_of,
)

Decision = Literal["conform", "nonconform", "undecided"]
Severity = Literal["critical", "major", "minor", "allowed"]
SEVERITIES: tuple[Severity | None, ...] = (*get_args(Severity), None)
GRAVITY = {"ACCEPT": 0, "HOLD": 1, "REJECT": 2}


def catalogue(*rejects: CharacteristicClass) -> DefectCatalogue:
    rule = DefectRule(id="R", defect_class="any", severity="major")
    return DefectCatalogue(rules=(rule,), rejects=rejects, smallest_mm=0.1)


ALL = catalogue("critical", "major", "minor")


def characteristic(decision: Decision, reason: str | None = None, valid: bool = True) -> CharacteristicResult:
    return CharacteristicResult(
        id="c", name="c", source="vision", value=1.0 if valid else None, unit="mm", nominal=1.0, lower=0.9,
        upper=1.1, standard_uncertainty=0.01 if valid else None, coverage_factor=2.0, rule=DecisionRule(),
        valid=valid, reason=reason, decision=decision,
    )  # fmt: skip


def defect(severity: Severity | None, zone: str = "field") -> Defect:
    return Defect.model_validate({
        "view": "top", "class": "unclassified", "severity": severity, "confidence": None,
        "box_px": (1, 2, 3, 4), "box_mm": (1, 2, 3, 4), "size_mm": 1.0, "zone": zone,
        "rule": None if severity is None else "R",
    })  # fmt: skip


@pytest.mark.parametrize(
    ("decision", "severity", "verdict", "reasons"),
    [
        ("conform", "allowed", "ACCEPT", ()),
        ("conform", "minor", "REJECT", ("surface_rejected",)),
        ("conform", "major", "REJECT", ("surface_rejected",)),
        ("conform", "critical", "REJECT", ("surface_rejected",)),
        ("conform", None, "HOLD", ("surface_unclassified",)),
        ("undecided", "allowed", "HOLD", ("characteristic_undecided",)),
        ("undecided", "minor", "REJECT", ("characteristic_undecided", "surface_rejected")),
        ("undecided", "major", "REJECT", ("characteristic_undecided", "surface_rejected")),
        ("undecided", "critical", "REJECT", ("characteristic_undecided", "surface_rejected")),
        ("undecided", None, "HOLD", ("characteristic_undecided", "surface_unclassified")),
        ("nonconform", "allowed", "REJECT", ("characteristic_nonconform",)),
        ("nonconform", "minor", "REJECT", ("characteristic_nonconform", "surface_rejected")),
        ("nonconform", "major", "REJECT", ("characteristic_nonconform", "surface_rejected")),
        ("nonconform", "critical", "REJECT", ("characteristic_nonconform", "surface_rejected")),
        ("nonconform", None, "REJECT", ("characteristic_nonconform", "surface_unclassified")),
    ],
)
def test_one_result_and_one_deviation(
    decision: Decision, severity: Severity | None, verdict: str, reasons: tuple[str, ...]
) -> None:
    assert judge([characteristic(decision)], [defect(severity)], ALL) == (verdict, reasons)


@pytest.mark.parametrize(
    "rejects", [("critical",), ("critical", "major"), ("critical", "minor"), ("critical", "major", "minor")]
)
@pytest.mark.parametrize("severity", get_args(Severity))
def test_only_the_severities_that_the_catalogue_rejects_reject(
    rejects: tuple[CharacteristicClass, ...], severity: Severity
) -> None:
    expected = ("REJECT", ("surface_rejected",)) if severity in rejects else ("ACCEPT", ())
    assert judge([characteristic("conform")], [defect(severity)], catalogue(*rejects)) == expected


def test_a_results_own_reason_is_the_reason_given() -> None:
    blind = characteristic("undecided", "edge_not_found", valid=False)
    assert judge([blind], [], ALL) == ("HOLD", ("edge_not_found",))
    both = [blind, characteristic("undecided"), characteristic("nonconform", "characteristic_nonconform")]
    assert judge(both, [], ALL) == (
        "REJECT", ("edge_not_found", "characteristic_undecided", "characteristic_nonconform"),
    )  # fmt: skip


def test_reasons_are_given_once_in_the_registrys_order() -> None:
    codes = list(REASONS)
    for pair in itertools.permutations(codes, 2):
        _, reasons = verdict_of({*pair})
        assert list(reasons) == sorted(pair, key=codes.index)
    results = [characteristic("nonconform")] * 3
    assert judge(results, [defect("major")] * 2, ALL)[1] == ("characteristic_nonconform", "surface_rejected")


@pytest.mark.parametrize("code", REASONS)
def test_each_reason_alone_gives_the_verdict_of_the_registry(code: str) -> None:
    assert verdict_of({code}) == (REASONS[code].verdict, (code,))
    assert verdict_of({code})[0] != "ACCEPT"


def test_no_reason_is_accept_and_an_unknown_reason_is_refused() -> None:
    assert verdict_of(set()) == ("ACCEPT", ())
    with pytest.raises(KeyError):
        verdict_of({"weather"})


results = st.one_of(
    st.sampled_from([characteristic(d) for d in get_args(Decision)]),
    st.sampled_from([code for code, r in REASONS.items() if r.verdict == "HOLD"]).map(
        lambda code: characteristic("undecided", code, valid=False)
    ),
)
defects = st.sampled_from([defect(s) for s in SEVERITIES])
catalogues = st.sets(st.sampled_from(get_args(CharacteristicClass))).map(
    lambda s: catalogue("critical", *sorted(s - {"critical"}))
)


@given(st.lists(results, max_size=6), st.lists(defects, max_size=6), catalogues, results, defects)
def test_one_more_result_or_deviation_never_improves_the_verdict(
    some: Sequence[CharacteristicResult],
    seen: Sequence[Defect],
    written: DefectCatalogue,
    another: CharacteristicResult,
    more: Defect,
) -> None:
    verdict, reasons = judge(some, seen, written)
    for worse in (judge([*some, another], seen, written), judge(some, [*seen, more], written)):
        assert GRAVITY[worse[0]] >= GRAVITY[verdict]
        assert set(worse[1]) >= set(reasons)


@given(st.lists(results, max_size=6), st.lists(defects, max_size=6), catalogues)
def test_nothing_undecided_unclassified_or_nonconforming_is_ever_accepted(
    some: Sequence[CharacteristicResult], seen: Sequence[Defect], written: DefectCatalogue
) -> None:
    verdict, reasons = judge(some, seen, written)
    clean = all(r.decision == "conform" for r in some) and all(
        d.severity is not None and d.severity not in written.rejects for d in seen
    )
    assert (verdict == "ACCEPT") == clean == (reasons == ())
    rejected = any(r.decision == "nonconform" for r in some) or any(
        d.severity in written.rejects for d in seen
    )
    assert (verdict == "REJECT") == rejected


@given(st.lists(results, max_size=5), st.lists(defects, max_size=5), st.randoms())
def test_the_order_of_results_and_deviations_does_not_matter(
    some: list[CharacteristicResult], seen: list[Defect], random: Any
) -> None:
    mixed, shuffled = random.sample(some, len(some)), random.sample(seen, len(seen))
    assert judge(mixed, shuffled, ALL) == judge(some, seen, ALL)


def test_reasons_of_deviations_alone() -> None:
    assert defect_reasons([], ALL) == set()
    assert defect_reasons([defect("allowed")], ALL) == set()
    assert defect_reasons([defect(None), defect("minor")], ALL) == {
        "surface_unclassified", "surface_rejected",
    }  # fmt: skip


# results


def dimension(**other: Any) -> Dimension:
    return Dimension.model_validate({
        "kind": "dimension", "number": 1, "id": "d", "name": "Length", "severity": "major", "nominal": 10.0,
        "lower": 9.9, "upper": 10.1, "feature": {
            "type": "edge_width", "view": "top", "start_px": (1, 1), "end_px": (9, 1), "band_px": 5,
            "inside": "dark",
        }, **other,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("value", "decision", "reason"),
    [  # ISO 14253-1 with k = 2 and u = 0.0125: conforms in [9.925, 10.075], not below 9.875 or above 10.125
        (10.0, "conform", None),
        (9.926, "conform", None),
        (10.074, "conform", None),
        (9.924, "undecided", "characteristic_undecided"),
        (9.876, "undecided", "characteristic_undecided"),
        (10.124, "undecided", "characteristic_undecided"),
        (9.874, "nonconform", "characteristic_nonconform"),
        (10.126, "nonconform", "characteristic_nonconform"),
    ],
)
def test_a_measured_value_is_decided_with_its_uncertainty(
    value: float, decision: str, reason: str | None
) -> None:
    found = measured(dimension(), value, 0.0125)
    assert (found.decision, found.reason, found.value) == (decision, reason, value)
    assert (found.standard_uncertainty, found.coverage_factor, found.unit) == (0.0125, 2.0, "mm")
    assert (found.nominal, found.lower, found.upper) == (10.0, 9.9, 10.1)
    assert found.valid


def test_the_simple_rule_compares_the_value_alone() -> None:
    simple = dimension(decision={"rule": "simple"})
    assert measured(simple, 10.099, 5.0).decision == "conform"
    assert measured(simple, 10.101, 5.0).decision == "nonconform"


@pytest.mark.parametrize("reason", ["edge_not_found", "calibration_absent", "operator_unsupported"])
def test_what_was_not_measured_has_no_number_and_says_why(reason: str) -> None:
    found = unmeasured(dimension(), reason)
    assert (found.value, found.standard_uncertainty, found.valid) == (None, None, False)
    assert (found.decision, found.reason) == ("undecided", reason)
    assert (found.lower, found.upper, found.unit) == (9.9, 10.1, "mm")
    assert judge([found], [], ALL) == ("HOLD", (reason,))


SURFACE = Surface.model_validate(
    {
        "kind": "surface",
        "number": 2,
        "id": "s",
        "name": "Face",
        "severity": "major",
        "zones": ["field", "rim"],
    }
)


@pytest.mark.parametrize(
    ("seen", "value", "decision", "reason"),
    [
        ([], 0, "conform", None),
        ([defect("allowed")], 0, "conform", None),
        ([defect("major", "elsewhere"), defect(None, "elsewhere")], 0, "conform", None),
        ([defect("major"), defect("minor", "rim"), defect("allowed")], 2, "nonconform", "surface_rejected"),
        ([defect("major"), defect(None)], 1, "nonconform", "surface_rejected"),
        ([defect(None, "rim"), defect("allowed")], None, "undecided", "surface_unclassified"),
    ],
)
def test_a_surface_counts_what_the_catalogue_rejects_in_its_zones(
    seen: list[Defect], value: int | None, decision: str, reason: str | None
) -> None:
    found = surface_result(SURFACE, seen, ALL)
    assert (found.value, found.decision, found.reason) == (value, decision, reason)
    assert (found.valid, found.upper) == (value is not None, 0.0)


# counting rules


def counting(*counts: dict[str, Any], rejects: Sequence[CharacteristicClass] = ("critical", "major")) -> Any:
    """Return a catalogue in which two minor deviations are major, or what `counts` say."""
    rules = [
        {"id": "R", "defect_class": "unclassified", "severity": severity}
        for severity in ("minor", "allowed", "major")
    ]
    pair = {"id": "C1", "classes": ["unclassified"], "weighed": ["minor"], "at_least": 2, "severity": "major"}
    return DefectCatalogue.model_validate(
        {"rules": rules, "counts": counts or (pair,), "rejects": rejects, "smallest_mm": 0.1}
    )


@pytest.mark.parametrize(
    ("seen", "rejects", "verdict"),
    [
        ([defect("minor")], ("critical", "major"), "ACCEPT"),
        ([defect("minor"), defect("allowed")], ("critical", "major"), "ACCEPT"),
        ([defect("minor"), defect("minor")], ("critical", "major"), "REJECT"),
        ([defect("minor"), defect("minor")], ("critical",), "ACCEPT"),
        ([defect("minor"), defect("minor", "rim")], ("critical", "major"), "REJECT"),
        ([defect("minor"), defect(None)], ("critical", "major"), "HOLD"),
    ],
)
def test_deviations_that_pass_alone_reject_together(
    seen: list[Defect], rejects: Sequence[CharacteristicClass], verdict: str
) -> None:
    found, reasons = judge([], seen, counting(rejects=rejects))
    assert found == verdict
    assert ("surface_rejected" in reasons) == (verdict == "REJECT")


def test_the_record_names_each_counting_rule_that_is_met() -> None:
    seen = [defect("minor"), defect("allowed"), defect("minor", "rim"), defect("minor")]
    (met,) = count_results(seen, counting())
    assert (met.rule, met.count, met.severity) == ("C1", 3, "major")
    assert count_results(seen[:2], counting()) == ()
    assert count_results(seen, ALL) == ()


@pytest.mark.parametrize(
    ("seen", "value", "decision"),
    [
        ([defect("minor"), defect("minor")], 1, "nonconform"),
        ([defect("minor"), defect("minor"), defect("major"), defect("major")], 3, "nonconform"),
        ([defect("minor"), defect("minor", "elsewhere")], 1, "nonconform"),
        ([defect("minor", "elsewhere"), defect("minor", "elsewhere"), defect("allowed")], 0, "conform"),
        ([defect("minor")], 0, "conform"),
        ([defect("minor"), defect("minor"), defect(None)], 1, "nonconform"),
    ],
)
def test_a_surface_counts_a_counting_rule_in_which_its_zones_take_part(
    seen: list[Defect], value: int, decision: str
) -> None:
    found = surface_result(SURFACE, seen, counting())
    assert (found.value, found.decision) == (value, decision)
    assert found.reason == (None if value == 0 else "surface_rejected")
    passing = surface_result(
        SURFACE, [d for d in seen if d.severity == "minor"], counting(rejects=["critical"])
    )
    assert (passing.value, passing.decision) == (0, "conform")


@given(st.lists(defects, max_size=8), defects, st.randoms())
def test_with_counting_rules_one_more_deviation_never_improves_and_order_does_not_matter(
    seen: list[Defect], more: Defect, random: Any
) -> None:
    written = counting()
    verdict, reasons = judge([], seen, written)
    worse, why = judge([], [*seen, more], written)
    assert GRAVITY[worse] >= GRAVITY[verdict]
    assert set(why) >= set(reasons)
    mixed = random.sample(seen, len(seen))
    assert judge([], mixed, written) == (verdict, reasons)
    assert count_results(mixed, written) == count_results(seen, written)
    assert surface_result(SURFACE, mixed, written) == surface_result(SURFACE, seen, written)


def ruled(*rules: tuple[str, str, str]) -> DefectCatalogue:
    fields = [
        {"id": name, "defect_class": "unclassified", "zone": zone, "severity": severity}
        for name, zone, severity in rules
    ]
    return DefectCatalogue.model_validate(
        {"rules": fields, "rejects": ("critical", "major"), "smallest_mm": 0.1}
    )


@pytest.mark.parametrize("zones", [("back", "face"), ("face", "back")])
def test_a_deviation_over_two_zones_is_weighed_in_the_stricter(zones: tuple[str, str]) -> None:
    written = ruled(("f", "face", "critical"), ("b", "back", "allowed"))
    zone, rule = written.weigh_in("unclassified", zones, Measures(1.0))
    assert (zone, rule and rule.id) == ("face", "f")


def test_no_rule_is_graver_than_one_that_passes_and_less_than_one_that_rejects() -> None:
    written = ruled(("b", "back", "allowed"), ("s", "side", "minor"), ("f", "face", "major"))
    assert written.weigh_in("unclassified", ("back", "nowhere"), Measures(1.0)) == ("nowhere", None)
    assert written.weigh_in("unclassified", ("side", "nowhere"), Measures(1.0)) == ("nowhere", None)
    zone, rule = written.weigh_in("unclassified", ("nowhere", "face"), Measures(1.0))
    assert (zone, rule and rule.id) == ("face", "f")


def entered(value: float, decision: str) -> CharacteristicResult:
    return CharacteristicResult.model_validate({
        "id": "continuity", "name": "Continuity", "source": "manual", "value": value, "unit": "ohm",
        "nominal": None, "lower": None, "upper": 0.5, "standard_uncertainty": 0.01, "coverage_factor": 2.0,
        "rule": {}, "valid": True, "reason": None, "decision": decision,
    })  # fmt: skip


def test_entered_results_are_decided_again_and_given_once() -> None:
    spec = tiny_spec()
    check_entered(spec, [entered(0.1, "conform")])
    for wrong in ([entered(9.0, "conform")], [entered(0.1, "nonconform")], [entered(0.1, "conform")] * 2):
        with pytest.raises(ValueError, match="continuity"):
            check_entered(spec, wrong)


def test_a_number_without_uncertainty_decides_nothing_under_a_guarded_rule() -> None:
    bare = entered(0.1, "conform").model_copy(update={"standard_uncertainty": None})
    with pytest.raises(ValueError, match="undecided"):
        check_entered(tiny_spec(), [bare])
    check_entered(tiny_spec(), [bare.model_copy(update={"decision": "undecided"})])


@pytest.mark.parametrize("value", [10.0999996, 10.1000004, 9.8999996, 9.9000004])
def test_a_decision_follows_from_the_recorded_numbers(value: float) -> None:
    d = dimension(decision={"rule": "simple"})
    result = measured(d, value, 1e-9)
    assert result.value is not None
    assert result.decision == ("conform" if 9.9 <= result.value <= 10.1 else "nonconform")
