"""Colours in records and first articles: decided again from interval or reading, never on trust."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import quality
from evidence import CharacteristicResult, entered_colour
from golden.spec import Colour, GoldenSpec
from quality.colour_readings import ColourReading
from quality.record_checks import check_results
from quality.unit_findings import Nonconformity, findings
from tests.colours import AGREED, EDGE, FAR, NEAR, REFERENCE, Lab, reading, seen, spec_with_colour
from tests.quality.records import INSPECTOR, SEED, Line, fields, inspection, proof, result

RELATIVE = spec_with_colour(fields())
ABSOLUTE = spec_with_colour(fields(), reference=REFERENCE)
SAMPLED = spec_with_colour(fields(), reference=REFERENCE, required_at=["fai", "oqc"])


def colour_of(spec: GoldenSpec) -> Colour:
    found = spec.characteristics[1]
    assert isinstance(found, Colour)
    return found


def record(
    spec: GoldenSpec, paint: CharacteristicResult | None, verdict: str = "ACCEPT", *reasons: str
) -> Any:
    kept: list[Any] = [result(spec, "hole")]
    if paint is not None:
        kept.append(paint.model_dump(mode="json"))
    kept.append(result(spec, "face"))
    return inspection("U1", verdict, characteristics=kept, reasons=reasons, spec=spec)


def read(spec: GoldenSpec, lab: Lab) -> CharacteristicResult:
    return entered_colour(colour_of(spec), reading(lab), "imported")


# records


def test_a_camera_is_decided_again_by_its_interval() -> None:
    """0.213 +-0.2 conforms to 1.0; +-0.9 does not, whatever the record says of its u."""
    sure = seen(colour_of(RELATIVE), NEAR, "conform", None, u=0.1)
    check_results(RELATIVE, record(RELATIVE, sure))
    unsure = sure.model_copy(update={"interval": (0.0, 1.1)})
    with pytest.raises(quality.EvidenceError, match="is undecided, yet the record calls it conform"):
        check_results(RELATIVE, record(RELATIVE, unsure))


def test_a_camera_that_conforms_says_how_sure_it_is_and_by_which_colours() -> None:
    sure = seen(colour_of(RELATIVE), NEAR, "conform", None, u=0.1)
    bare = sure.model_copy(update={"interval": None})
    with pytest.raises(quality.EvidenceError, match="is undecided, yet the record calls it conform"):
        check_results(RELATIVE, record(RELATIVE, bare))
    places = spec_with_colour(fields(), quantity="p95")
    uncoloured = bare.model_copy(update={"colour": None})
    with pytest.raises(quality.EvidenceError, match="is undecided, yet the record calls it conform"):
        check_results(places, record(places, uncoloured))
    with pytest.raises(quality.EvidenceError, match=r"the L\*a\*b\* are missing"):
        check_results(RELATIVE, record(RELATIVE, sure.model_copy(update={"colour": None})))


def test_a_colour_is_not_nearer_than_its_own_coordinates() -> None:
    """FAR is 3.42 from the reference: no interval that ends at 0.3 is of it."""
    far = seen(colour_of(RELATIVE), FAR, "nonconform", "characteristic_nonconform", u=0.1)
    near = {"value": 0.1, "interval": (0.0, 0.3), "decision": "conform", "reason": None}
    with pytest.raises(quality.EvidenceError, match=r"differ by 3\.423, yet .* at most 0\.300"):
        check_results(RELATIVE, record(RELATIVE, far.model_copy(update=near)))
    wide = spec_with_colour(fields(), reference=REFERENCE, upper=9.0)
    c = colour_of(wide)
    certain = seen(c, NEAR, "conform", None)
    check_results(wide, record(wide, certain))
    assert certain.colour is not None
    other = certain.colour.model_copy(update={"reference": (60.2, 20.0, -10.0)})
    with pytest.raises(quality.EvidenceError, match="is not the agreed reference"):
        check_results(wide, record(wide, certain.model_copy(update={"colour": other})))


def test_no_record_lets_a_camera_accept_an_absolute_colour_that_it_cannot_know() -> None:
    c = colour_of(ABSOLUTE)
    held = seen(c, NEAR, "undecided", "colour_absolute")
    check_results(ABSOLUTE, record(ABSOLUTE, held, "HOLD", "colour_absolute"))
    accepted = held.model_copy(update={"decision": "conform", "reason": None})
    with pytest.raises(quality.EvidenceError, match="is undecided, yet the record calls it conform"):
        check_results(ABSOLUTE, record(ABSOLUTE, accepted))
    bare = accepted.model_copy(update={"interval": None, "standard_uncertainty": 0.01})
    with pytest.raises(quality.EvidenceError, match="is undecided, yet the record calls it conform"):
        check_results(ABSOLUTE, record(ABSOLUTE, bare))


def test_a_record_with_a_reading_is_decided_by_it() -> None:
    check_results(ABSOLUTE, record(ABSOLUTE, read(ABSOLUTE, NEAR)))
    far = read(ABSOLUTE, FAR)
    check_results(ABSOLUTE, record(ABSOLUTE, far, "REJECT", "characteristic_nonconform"))
    typed = far.model_copy(
        update={"value": 0.1, "interval": (0.0, 0.3), "decision": "conform", "reason": None}
    )
    with pytest.raises(quality.EvidenceError, match="are not those of the reading"):
        check_results(ABSOLUTE, record(ABSOLUTE, typed))
    with pytest.raises(quality.EvidenceError, match="there is no reading"):
        check_results(ABSOLUTE, record(ABSOLUTE, typed.model_copy(update={"colour": None})))


def test_every_unit_needs_a_reading_unless_checkpoints_are_named() -> None:
    with pytest.raises(quality.EvidenceError, match="ACCEPT without a result of 'paint'"):
        check_results(ABSOLUTE, record(ABSOLUTE, None))
    check_results(SAMPLED, record(SAMPLED, None))
    assert findings(SAMPLED, record(SAMPLED, None), "oqc").undecided == ("minor",)
    assert findings(SAMPLED, record(SAMPLED, read(SAMPLED, NEAR)), "oqc").undecided == ()


# first articles


def paint_proof(lab: Lab = NEAR, **changes: Any) -> quality.EnteredResult:
    shown = {
        "serial": "U1",
        "characteristic": "paint",
        "reading": reading(lab),
        "evidence": "colour report 3",
    }
    return quality.EnteredResult.model_validate({**shown, **changes})


def decided(spec: GoldenSpec, paint: CharacteristicResult | None, *proofs: quality.EnteredResult) -> Any:
    held = paint is not None and paint.decision == "undecided"
    one = record(spec, paint, *(("HOLD", "colour_absolute") if held else ("ACCEPT",)))
    found = quality.first_article(spec, [one], [proof("U1"), *proofs])
    return found, next(item for item in found.items if item.id == "paint")


@pytest.mark.parametrize(
    ("lab", "outcome"), [(NEAR, "conform"), (EDGE, "undecided"), (FAR, "nonconform")]
)  # fmt: skip
def test_a_reading_decides_what_the_camera_left_open(lab: Lab, outcome: str) -> None:
    camera = seen(colour_of(ABSOLUTE), NEAR, "undecided", "colour_absolute")
    without, item = decided(ABSOLUTE, camera)
    assert (without.accepted, item.outcome, item.reason) == (False, "undecided", "colour_absolute")
    found, item = decided(ABSOLUTE, camera, paint_proof(lab))
    assert (found.accepted, item.outcome) == (outcome == "conform", outcome)
    assert (item.source, item.evidence, item.instrument) == (
        "manual",
        "colour report 3",
        "Minolta CM-26d 1001",
    )
    assert item.colour.reading == reading(lab)
    assert item.interval[0] <= item.value <= item.interval[1]


def test_a_reading_at_a_checkpoint_alone() -> None:
    found, item = decided(SAMPLED, None)
    assert (found.accepted, item.required, item.outcome) == (False, True, "missing")
    found, item = decided(SAMPLED, None, paint_proof(source="imported"))
    assert (found.accepted, item.outcome, item.source) == (True, "conform", "imported")


def test_a_reading_in_the_record_counts_and_is_not_given_twice() -> None:
    found, item = decided(SAMPLED, read(SAMPLED, NEAR))
    assert (found.accepted, item.outcome, item.instrument) == (True, "conform", "Minolta CM-26d 1001")
    with pytest.raises(quality.EvidenceError, match="given twice"):
        decided(SAMPLED, read(SAMPLED, NEAR), paint_proof())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"reading": reading(conditions={**AGREED, "specular": "SCE"})},
            r"paint on U1: paint: the reading does not hold .* \(specular is SCE, SCI is agreed\)",
        ),
        ({"reading": None, "value": 0.1}, "takes a spectrophotometer's reading"),
        ({"reading": None, "conform": True}, "takes a spectrophotometer's reading"),
        ({"characteristic": "continuity"}, "takes a value in ohm"),
    ],
)
def test_what_is_no_reading_of_it_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(quality.EvidenceError, match=sentence):
        decided(SAMPLED, None, paint_proof(**change))


def test_a_difference_to_the_golden_sample_takes_no_reading() -> None:
    camera = seen(colour_of(RELATIVE), NEAR, "conform", None, u=0.1)
    with pytest.raises(quality.EvidenceError, match="no such characteristic is entered"):
        decided(RELATIVE, camera, paint_proof())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"value": 0.1}, "give a value, or conform"),
        ({"reading": None}, "give a value, or conform"),
        ({"standard_uncertainty": 0.1}, "a reading states its own as u"),
        ({"instrument": "another"}, "names its instrument"),
    ],
)
def test_a_result_is_entered_in_one_way(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        paint_proof(**change)


# outgoing


def drawn() -> Line:
    """A lot whose sample the station has judged in all but the colour that outgoing units prove."""
    line = Line(SAMPLED).opened().record(blind("FA-1"))
    entered = [proof("FA-1"), paint_proof(serial="FA-1")]
    line.add(quality.decide_first_article(line.state, SAMPLED, [blind("FA-1")], entered))
    line.add(quality.approve_first_article(line.state, SAMPLED, INSPECTOR))
    line.record(blind("A-1"), blind("A-2"))
    line.add(quality.freeze_lot(line.state))
    line.add(quality.draw_sample(line.state, SAMPLED, SEED))
    return line.record(*(blind(serial, station="oqc-1", sequence=9) for serial in line.sample))


PAINTED = Nonconformity(cause="characteristic:paint", severity="minor")


def blind(serial: str, **more: Any) -> Any:
    kept = [result(SAMPLED, "hole"), result(SAMPLED, "face")]
    return inspection(serial, characteristics=kept, spec=SAMPLED, **more)


def resolve(line: Line, lab: Lab, **changes: Any) -> Any:
    entered = {"characteristic": "paint", "reading": reading(lab), **changes.pop("entered", {})}
    return quality.resolve_unit(
        line.state, SAMPLED, line.sample[0], INSPECTOR, reason="read in the laboratory",
        readings=[ColourReading.model_validate(entered)], **changes,
    )  # fmt: skip


@pytest.mark.parametrize(("lab", "found"), [(NEAR, []), (FAR, ["characteristic:paint"])])
def test_a_reading_resolves_a_unit_of_the_outgoing_sample(lab: Lab, found: list[str]) -> None:
    line = drawn()
    assert line.state.sample[line.sample[0]].findings.undecided == ("minor",)
    line.add(resolve(line, lab))
    findings_now = line.state.sample[line.sample[0]].findings
    assert [n.cause for n in findings_now.nonconformities] == found
    assert findings_now.undecided == ()
    body = line.lines[-1].body
    assert body["readings"][0]["reading"]["lab"] == list(lab)


def test_a_resolution_without_readings_is_written_as_before() -> None:
    line = drawn()
    line.add(quality.resolve_unit(line.state, SAMPLED, line.sample[0], INSPECTOR, reason="seen"))
    assert set(line.lines[-1].body) == {"serial", "person", "reason", "nonconformities"}


@pytest.mark.parametrize(
    ("lab", "changes", "error", "sentence"),
    [
        (EDGE, {}, quality.StepError, "paint on A-[12]: undecided .0.99 CIEDE2000, u 0.043"),
        (NEAR, {"nonconformities": [PAINTED]}, quality.StepError, "conforms .*, yet a nonconformity says"),
        (NEAR, {"entered": {"characteristic": "hole"}}, quality.EvidenceError, "no colour with a reference"),
        (
            NEAR, {"entered": {"reading": reading(conditions={**AGREED, "observer": "2"})}},
            quality.EvidenceError, "observer is 2, 10 is agreed",
        ),
    ],
)  # fmt: skip
def test_a_reading_that_decides_nothing_resolves_nothing(
    lab: Lab, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        resolve(drawn(), lab, **changes)
