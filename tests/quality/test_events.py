"""What events of all kinds share: names and ids, the first and later notes of a cause, who may sign."""

from __future__ import annotations

import hashlib

import pytest

import quality
from quality.errors import StepError
from quality.events import LotQuarantined, NonconformanceNoted, made, nonconformance_events, nonconformance_id
from quality.folding import make_event
from quality.sign_off import require_role, require_signer

LI = quality.Person(name="Li Wei", party="Maker", roles=("inspector", "quality"))
NOBODY = quality.Person(name="Bo", party="Maker")


def note(lot: str, cause: str) -> NonconformanceNoted:
    return NonconformanceNoted(
        lot=lot, cause=cause, severity="major", trigger="lot_rejected", serials=(), inspections=()
    )


def test_a_persons_name_has_1_to_128_characters() -> None:
    for name in ("x", "x" * 128):
        assert quality.Person(name=name, party="p").name == name
    for name in ("", "x" * 129):
        with pytest.raises(ValueError, match="name"):
            quality.Person(name=name, party="p")


def test_the_id_of_a_nonconformance_is_a_hash_of_lot_and_cause() -> None:
    digest = hashlib.sha256(b'["L1","defect:crack:front"]').hexdigest()
    assert nonconformance_id("L1", "defect:crack:front") == f"nc-{digest[:32]}"


def test_a_cause_is_opened_once_and_extended_afterwards() -> None:
    notes = [note("L1", cause) for cause in ("defect:a:f", "defect:b:f", "defect:b:f")]
    events = nonconformance_events(["defect:a:f"], notes)
    assert [e.kind.partition(".")[2] for e in events] == ["extended", "opened", "extended"]
    assert [e.body["quantity"] for e in events] == ["0"] * 3


def test_a_field_that_does_not_fit_is_named() -> None:
    fields = {"serials": ("U1",), "cause": "", "reason": "seen"}
    with pytest.raises(StepError, match="LotQuarantined: cause: String should have at least 1 character"):
        made(LotQuarantined, **fields)
    with pytest.raises(StepError, match="lot L1: cause: String should have at least 1 character"):
        make_event(LotQuarantined, "lot L1", **fields)


def test_a_role_is_asked_for_by_name() -> None:
    require_role(LI, "quality", "release")
    with pytest.raises(StepError, match="release needs a person with the role engineering; Li Wei has insp"):
        require_role(LI, "engineering", "release")
    with pytest.raises(StepError, match="Bo has no role"):
        require_role(NOBODY, "quality", "release")


def test_a_signer_has_a_role_at_a_party() -> None:
    require_signer(LI, "quality", ("Maker",), "release")
    require_signer(LI, ("engineering", "inspector"), ("Buyer", "Maker"), "release")
    for person, parties, words in (
        (LI, ("Buyer",), "role quality at Buyer; Li Wei has inspector, quality at Maker"),
        (NOBODY, ("Maker",), "role quality at Maker; Bo has no role at Maker"),
    ):
        with pytest.raises(StepError, match=words):
            require_signer(person, "quality", parties, "release")
