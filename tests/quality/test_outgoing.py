"""The outgoing decision by severity class, and the draw."""

from __future__ import annotations

import hashlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

import quality
from golden.plans import ClassPlan, OqcPlan
from golden.spec import GoldenSpec
from quality.outgoing import sample_size
from tests.builders import tiny_fields
from tests.quality.records import SEED, SPEC, bad, defect, inspection, spec_with

NONE = quality.UnitFindings()
OPEN = quality.UnitFindings(undecided=("critical", "major", "minor"))


def found(*severities: str) -> quality.UnitFindings:
    return quality.UnitFindings(
        nonconformities=tuple(
            quality.Nonconformity(cause=f"defect:scratch:z{i}", severity=s) for i, s in enumerate(severities)
        )  # type: ignore[arg-type]
    )


def decide(
    plan: OqcPlan, lot_size: int, units: list[quality.UnitFindings], fill: quality.UnitFindings | None = NONE
) -> quality.OqcDecision:
    """Decide a lot whose first drawn units have these findings; the others have `fill`, or no record."""
    n = sample_size(quality.oqc_plans(plan, lot_size))
    drawn = [f"S{i}" for i in range(n)]
    known = dict(zip(drawn, [*units, *([fill] * (n - len(units)))], strict=True))
    return quality.decide_outgoing(plan, lot_size, drawn, {k: v for k, v in known.items() if v is not None})


def outcome_of(decision: quality.OqcDecision) -> dict[str, str]:
    return {c.sampling.severity: c.outcome for c in decision.classes}


PLAN = OqcPlan.model_validate({"major": {"aql": "2.5"}, "minor": {"aql": "4.0"}})


@pytest.mark.parametrize(
    ("major", "minor", "outcome"),
    [
        (7, 10, "accept"),
        (8, 3, "reject"),
        (11, 0, "reject"),
        (0, 15, "reject"),
        (0, 11, "reject"),
        (7, 11, "reject"),
    ],
)
def test_lots_of_3000_at_2_5_and_4_0(major: int, minor: int, outcome: str) -> None:
    """K: 125 units, 7/8 and 10/11 (Table 2-A)."""
    decision = decide(PLAN, 3000, [found("major")] * major + [found("minor")] * minor)
    assert [(c.sampling.n, c.sampling.Ac) for c in decision.classes[1:]] == [(125, 7), (125, 10)]
    assert decision.outcome == outcome
    assert [c.found for c in decision.classes] == [0, major, minor]


def test_one_critical_rejects() -> None:
    decision = decide(PLAN, 3000, [found("critical")])
    assert outcome_of(decision) == {"critical": "reject", "major": "accept", "minor": "accept"}
    assert decision.outcome == "reject"
    assert [c.severity for c in decision.causes] == ["critical"]
    assert decision.classes[0].sampling.n == 3000
    assert decision.classes[0].sampling.every_unit


def test_critical_cannot_be_sampled_by_agreement() -> None:
    with pytest.raises(ValueError, match="every unit must be inspected"):
        OqcPlan.model_validate({"critical": {"aql": "0.010"}})


def test_each_class_is_judged_on_its_own_first_units() -> None:
    """A lot of 8 at 0.65 and 2.5: major is 100 % (arrow to F), minor five units (arrow to C)."""
    plan = OqcPlan.model_validate({"major": {"aql": "0.65"}, "minor": {"aql": "2.5"}})
    samplings = quality.oqc_plans(plan, 8)
    assert [(s.n, s.Ac, s.every_unit) for s in samplings] == [(8, 0, True), (8, 0, True), (5, 0, False)]
    late = [NONE] * 5 + [found("minor")]
    assert decide(plan, 8, late).outcome == "accept"
    assert decide(plan, 8, [NONE] * 4 + [found("minor")]).outcome == "reject"
    assert decide(plan, 8, [NONE] * 7 + [found("major")]).outcome == "reject"


def test_a_unit_counts_once_in_its_worst_class() -> None:
    unit = found("minor", "minor", "major")
    assert [c.found for c in decide(PLAN, 3000, [unit, unit]).classes] == [0, 2, 0]


def test_nonconformities_all_count_in_their_class() -> None:
    plan = PLAN.model_copy(update={"counting": "nonconformities_per_100_units"})
    unit = found("minor", "minor", "major")
    assert [c.found for c in decide(plan, 3000, [unit, unit]).classes] == [0, 2, 4]
    assert decide(plan, 3000, [unit] * 5).outcome == "accept"
    assert decide(plan, 3000, [unit] * 6).outcome == "reject"  # 12 minor, Ac 10


@pytest.mark.parametrize("missing", [OPEN, None])
def test_a_unit_that_is_not_decided_keeps_the_lot_open(missing: quality.UnitFindings | None) -> None:
    decision = decide(PLAN, 3000, [NONE] * 124, missing)
    assert decision.outcome == "undecided"
    assert set(outcome_of(decision).values()) == {"undecided"}
    assert decision.classes[1].undecided == ("S124",)


def test_open_units_do_not_stop_a_rejection() -> None:
    assert decide(PLAN, 3000, [found("major")] * 8, OPEN).outcome == "reject"


def test_a_unit_rejected_as_minor_with_an_open_major_result_keeps_major_open() -> None:
    unit = quality.UnitFindings(nonconformities=found("minor").nonconformities, undecided=("major",))
    assert outcome_of(decide(PLAN, 3000, [unit])) == {
        "critical": "accept", "major": "undecided", "minor": "undecided",
    }  # fmt: skip
    settled = quality.UnitFindings(
        nonconformities=found("major").nonconformities, undecided=("major", "minor")
    )
    assert decide(PLAN, 3000, [settled]).outcome == "accept"


def test_a_lot_of_one_is_inspected() -> None:
    samplings = quality.oqc_plans(PLAN, 1)
    assert [(s.n, s.Ac, s.every_unit, s.plan) for s in samplings] == [(1, 0, True, None)] * 3
    assert decide(PLAN, 1, [found("minor")]).outcome == "reject"
    assert decide(PLAN, 1, [NONE]).outcome == "accept"


def test_every_unit_by_agreement() -> None:
    plan = OqcPlan.model_validate({"major": {"every_unit": True}})
    assert [s.n for s in quality.oqc_plans(plan, 3000)] == [3000, 3000, 125]


ISOLATED = OqcPlan.model_validate({
    "lots": "isolated",
    "major": {"limiting_quality": {"fraction": 0.05, "Ac": 1}},
    "minor": {"limiting_quality": {"fraction": 0.2, "consumer_risk": 0.05}},
})  # fmt: skip


def test_an_isolated_lot_is_sampled_by_its_limiting_quality() -> None:
    """A lot of 200 with 10 (40) nonconforming units is accepted with at most 10 % (5 %); n - 1 is too few."""
    _, major, minor = quality.oqc_plans(ISOLATED, 200)
    for sampling, nonconforming, risk in ((major, 10, 0.10), (minor, 40, 0.05)):
        accepts = hypergeom.cdf(sampling.Ac, 200, nonconforming, [sampling.n - 1, sampling.n])
        assert accepts[0] > risk >= accepts[1]
        assert (sampling.Re, sampling.plan, sampling.every_unit) == (sampling.Ac + 1, None, False)
    assert (major.Ac, minor.Ac) == (1, 0)
    assert (major.limiting_quality, minor.limiting_quality) == (
        ISOLATED.major.limiting_quality, ISOLATED.minor.limiting_quality,
    )  # fmt: skip
    assert decide(ISOLATED, 200, [NONE] * (major.n - 1) + [found("major")]).outcome == "accept"
    assert decide(ISOLATED, 200, [found("major")] * 2).outcome == "reject"
    assert decide(ISOLATED, 200, [NONE] * minor.n + [found("minor")]).outcome == "accept"
    assert decide(ISOLATED, 200, [NONE] * (minor.n - 1) + [found("minor")]).outcome == "reject"


def test_a_small_isolated_lot_is_inspected_whole_or_refused() -> None:
    samplings = quality.oqc_plans(
        ISOLATED.model_copy(update={"major": ISOLATED.minor, "minor": ClassPlan(every_unit=True)}), 2
    )
    assert [(s.n, s.Ac, s.every_unit, s.plan) for s in samplings] == [(2, 0, True, None)] * 3
    assert [s.limiting_quality is None for s in samplings] == [True, False, True]
    with pytest.raises(quality.SamplingError, match=r"Ac = 1: a lot of 20 at limiting quality 0\.05 has 1 "):
        quality.oqc_plans(ISOLATED, 20)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lots": "continuing"}, "set lots to isolated"),
        ({"counting": "nonconformities_per_100_units"}, "counting to nonconforming_units"),
        ({"minor": {"limiting_quality": {"fraction": 0.2}, "aql": "2.5"}}, "give one of aql, every_unit"),
        ({"minor": {"limiting_quality": {"fraction": 0.2}, "every_unit": True}}, "give one of aql"),
        ({"minor": {}}, "give one of aql, every_unit: true and limiting_quality"),
        ({"critical": {"limiting_quality": {"fraction": 0.2}}}, "every unit must be inspected"),
        ({"minor": {"limiting_quality": {"fraction": 0}}}, "greater than 0"),
        ({"minor": {"limiting_quality": {"fraction": 1.1}}}, "less than or equal to 1"),
        ({"minor": {"limiting_quality": {"fraction": 0.2, "consumer_risk": 1}}}, "less than 1"),
        ({"minor": {"limiting_quality": {"fraction": 0.2, "Ac": -1}}}, "greater than or equal to 0"),
    ],
)
def test_a_limiting_quality_is_of_isolated_lots_and_units(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        OqcPlan.model_validate({**ISOLATED.model_dump(), **change})


def test_a_plan_without_limiting_quality_keeps_its_bytes() -> None:
    assert ClassPlan(aql="1.0").model_dump() == {"aql": "1.0", "every_unit": False}
    assert ISOLATED.minor.model_dump()["limiting_quality"] == {
        "fraction": 0.2, "consumer_risk": 0.05, "Ac": 0,
    }  # fmt: skip


def test_a_draw_that_is_too_small_or_names_a_unit_twice_is_refused() -> None:
    with pytest.raises(quality.EvidenceError, match="125 different units"):
        quality.decide_outgoing(PLAN, 3000, ["S1"], {})
    with pytest.raises(quality.EvidenceError, match="125 different units"):
        quality.decide_outgoing(PLAN, 3000, ["S1"] * 125, {})


# what an inspection says


def severities(findings: quality.UnitFindings) -> list[str]:
    return [n.severity for n in findings.nonconformities]


def test_findings_of_characteristics_have_their_class() -> None:
    for severity in ("critical", "major", "minor"):
        assert severities(quality.findings(SPEC, bad("1", severity))) == [severity]
    assert quality.findings(SPEC, inspection("1")) == NONE


def test_a_surface_counts_by_its_defects() -> None:
    record = inspection(
        "1", "REJECT", decisions={"face": "nonconform"}, defects=[defect("minor"), defect("allowed")]
    )
    assert severities(quality.findings(SPEC, record)) == ["minor"]
    assert [n.cause for n in quality.findings(SPEC, record).nonconformities] == ["defect:scratch:front"]
    elsewhere = inspection(
        "1", "REJECT", decisions={"face": "nonconform"}, defects=[{**defect("minor"), "zone": "back"}]
    )
    assert severities(quality.findings(SPEC, elsewhere)) == ["major", "minor"]
    allowed = inspection("1", "REJECT", decisions={"face": "nonconform"}, defects=[defect("allowed")])
    assert severities(quality.findings(SPEC, allowed)) == ["major"]
    unweighed = inspection("1", "REJECT", decisions={"face": "nonconform"})
    assert severities(quality.findings(SPEC, unweighed)) == ["major"]


NAME = "solder bridge / 焊桥\n" + "x" * 500


def test_a_class_of_any_name_is_a_cause() -> None:
    record = inspection("1", "REJECT", defects=[defect("critical", **{"class": NAME})])
    assert quality.findings(SPEC, record).nonconformities[0].cause.startswith("defect:solder bridge / 焊桥")


def test_a_weighed_defect_counts_even_if_the_unit_passes() -> None:
    assert severities(quality.findings(SPEC, inspection("1", defects=[defect("minor")]))) == ["minor"]


def test_a_held_unit_is_open_in_every_class() -> None:
    assert quality.findings(SPEC, inspection("1", "HOLD")).undecided == ("critical", "major", "minor")


def test_what_a_rejection_leaves_undecided_is_open() -> None:
    record = inspection("1", "REJECT", decisions={"paint": "nonconform", "hole": "undecided"})
    assert quality.findings(SPEC, record).undecided == ("major",)
    record = inspection("1", "REJECT", decisions={"paint": "nonconform"}, defects=[defect(None)])
    assert quality.findings(SPEC, record).undecided == ("critical", "major", "minor")


def test_what_must_be_proven_at_the_checkpoint_is_open_until_it_is() -> None:
    fields = tiny_fields()
    fields["characteristics"][3]["required_at"] = ["fai", "oqc"]
    spec = GoldenSpec.model_validate(fields)
    assert quality.findings(spec, inspection("1"), "oqc").undecided == ("critical",)
    assert quality.findings(spec, inspection("1")).undecided == ()
    proven = inspection("1", decisions={"continuity": "conform"})
    assert quality.findings(spec, proven, "oqc").undecided == ()


def test_the_plan_of_the_spec_is_read() -> None:
    spec = spec_with(oqc={"level": "S-4", "severity": "tightened", "major": {"aql": "1.5"}})
    major = quality.oqc_plans(spec.plans.oqc, 500)[1]
    assert major.plan is not None
    assert (major.plan.level, major.plan.severity, major.plan.code_letter, major.n) == (
        "S-4",
        "tightened",
        "E",
        13,
    )


# the draw

serials = st.lists(
    st.text("ABCDEFGH0123456789-", min_size=1, max_size=8), min_size=1, max_size=60, unique=True
)
seeds = st.binary(min_size=16, max_size=64).map(bytes.hex)


@given(serials, st.integers(1, 70), seeds, st.randoms())
def test_a_draw_is_without_replacement_and_blind_to_order(
    units: list[str], n: int, seed: str, shuffle: random.Random
) -> None:
    drawn = quality.draw("L", units, n, seed)
    assert len(set(drawn.serials)) == len(drawn.serials) == min(n, len(units))
    assert set(drawn.serials) <= set(units)
    other = units.copy()
    shuffle.shuffle(other)
    assert quality.draw("L", other, n, seed) == drawn
    assert quality.verify_draw(drawn, "L", other)


@given(serials, seeds)
def test_a_smaller_sample_is_the_beginning_of_a_larger(units: list[str], seed: str) -> None:
    whole = quality.draw("L", units, len(units), seed).serials
    assert sorted(whole) == sorted(units)
    assert quality.draw("L", units, 1, seed).serials == whole[:1]


@pytest.mark.parametrize("seed", ["", "00" * 15, "00" * 65, "zz" * 16, "AB" * 16, "0" * 33])
def test_a_seed_of_another_form_is_refused(seed: str) -> None:
    with pytest.raises(quality.SamplingError, match="32 to 128 lower-case hexadecimal digits"):
        quality.draw("L", ["U1"], 1, seed)


def test_the_draw_can_be_repeated_without_this_code() -> None:
    units = [f"U{i}" for i in range(50)]
    text = json.dumps({"lot": "L", "serials": sorted(units)}, separators=(",", ":"))
    manifest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    prefix = manifest.encode() + b"\0" + bytes.fromhex(SEED) + b"\0"
    expected = sorted(units, key=lambda u: hashlib.sha256(prefix + u.encode()).hexdigest())[:8]
    drawn = quality.draw("L", units, 8, SEED)
    assert drawn.serials == tuple(expected)
    assert drawn.manifest == manifest


def test_the_draw_is_even() -> None:
    """Each of 20 units is in 1 of 4 samples: over 2000 seeds 500 +- 19.4 (one standard deviation)."""
    units = [f"U{i}" for i in range(20)]
    counts = dict.fromkeys(units, 0)
    for i in range(2000):
        for serial in quality.draw("L", units, 5, f"{i:032x}").serials:
            counts[serial] += 1
    assert all(abs(count - 500) < 4.5 * 19.4 for count in counts.values())


def test_another_manifest_seed_or_sample_does_not_verify() -> None:
    units = [f"U{i}" for i in range(30)]
    drawn = quality.draw("L", units, 5, SEED)
    assert quality.verify_draw(drawn, "L", units)
    assert not quality.verify_draw(drawn, "M", units)
    assert not quality.verify_draw(drawn, "L", units[1:])
    assert not quality.verify_draw(drawn.model_copy(update={"seed": "0" * 32}), "L", units)
    swapped = drawn.model_copy(update={"serials": (*drawn.serials[1:], drawn.serials[0])})
    assert not quality.verify_draw(swapped, "L", units)


@pytest.mark.parametrize("seed", ["", "00", "x" * 32, "AA" * 16, "0" * 31, "0" * 130, " " + "0" * 32])
def test_a_seed_that_could_be_guessed_or_misread_is_refused(seed: str) -> None:
    with pytest.raises(quality.SamplingError, match="hexadecimal digits"):
        quality.draw("L", ["U1"], 1, seed)


def test_empty_draws_and_double_serials_are_refused() -> None:
    with pytest.raises(quality.SamplingError, match="cannot draw"):
        quality.draw("L", [], 1, SEED)
    with pytest.raises(quality.SamplingError, match="cannot draw"):
        quality.draw("L", ["U1"], 0, SEED)
    with pytest.raises(quality.EvidenceError, match="'U1' occurs twice"):
        quality.draw("L", ["U1", "U2", "U1"], 1, SEED)
