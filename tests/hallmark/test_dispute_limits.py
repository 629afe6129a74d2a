"""Dispute packs decided again under other limits and AQLs: which units, which decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hallmark.dispute import DisputeError, Pack, open_case, read_aql, read_limit, recompute
from hallmark.dispute.checks import recorded_events
from hallmark.dispute.recompute import _unit
from quality.unit_findings import Nonconformity, UnitFindings
from tests.hallmark.disputes import LARGE, command, verified


def test_other_limits_change_units_and_decision(packs: dict[str, Any], tmp_path: Path) -> None:
    code, found = verified(tmp_path, packs["plain"], "--limit", "hole=0.76:0.84")
    assert code == 0
    again = found["recomputed"]
    first = packs["drawn"][0]
    changed = {(u["serial"], u["checkpoint"], u["before"], u["after"]) for u in again["units"]}
    assert changed == {("T-0005", "production", "ACCEPT", "REJECT"), (first, "oqc", "ACCEPT", "REJECT")}
    assert again["units"][0]["results"] == [f"hole {LARGE} mm (u 0.001): conform -> nonconform"]
    assert again["left"] == ["T-0005"]
    assert [d["outcome"] for d in again["outgoing"]] == ["accept", "reject"]
    assert again["first_article"] == [True, True]
    assert again["unjudged"] == 0


def test_the_agreed_limits_change_nothing(pack: Pack) -> None:
    again = recompute(open_case(pack), {"hole": (0.75, 0.85), "paint": (None, 2.0)}, {"major": "4.0"})
    assert again.units == () == again.left
    assert again.outgoing is not None
    assert again.outgoing[0] == again.outgoing[1]
    assert again.unjudged == 0


def test_a_limit_of_what_people_entered_decides_the_first_article_again(pack: Pack) -> None:
    again = recompute(open_case(pack), {"continuity": (None, 0.1)}, {})  # 0.1 ohm, U 0.02: undecided now
    assert again.first_article == (True, False)
    assert again.outgoing is not None
    assert again.outgoing[1].outcome == "undecided"  # critical, not proven on any sample unit


def test_a_stricter_aql_asks_for_units_that_nobody_judged(packs: dict[str, Any], tmp_path: Path) -> None:
    _, found = verified(tmp_path, packs["plain"], "--aql", "major=1.0")
    again = found["recomputed"]
    # table 2-A: AQL 1.0 under code B leads down to n 13, above the lot of 12: every unit is inspected
    assert again["unjudged"] == 9
    assert [d["outcome"] for d in again["outgoing"]] == ["accept", "undecided"]
    assert again["units"] == []
    text = command("verify", str(tmp_path / "it.dispute"), "--aql", "major=1.0").output
    assert "outgoing decision: accept -> undecided" in text
    assert "9 more units" in text
    assert "no unit would have come out differently" in text


def test_what_a_record_no_more_says_goes_and_what_a_person_said_stays(pack: Pack) -> None:
    case = open_case(pack)
    event = next(e for e in recorded_events(case.lines) if e.checkpoint == "oqc")
    hole = Nonconformity(cause="characteristic:hole", severity="major")
    persons = Nonconformity(cause="characteristic:face", severity="major")
    event = event.model_copy(update={"findings": UnitFindings(nonconformities=(hole,), undecided=("minor",))})
    stood = UnitFindings(nonconformities=(hole, persons), undecided=("critical", "minor"))
    found = _unit(stood, [event], case.spec, case.records)
    assert found == UnitFindings(nonconformities=(persons,), undecided=("critical",))
    assert _unit(stood, [event], case.spec, {}) == stood


def test_limits_and_text_for_people(packs: dict[str, Any], tmp_path: Path) -> None:
    verified(tmp_path, packs["plain"])
    text = command("verify", str(tmp_path / "it.dispute"), "--limit", "hole=0.76:0.84").output
    assert "unit T-0005 (production): ACCEPT -> REJECT" in text
    assert "would not have been in the lot: T-0005" in text
    assert "outgoing decision: accept -> reject" in text
    assert "major: 1 in 3, Ac 0, Re 1, 0 undecided: reject" in text
    assert "first article: accepted -> accepted" in text


@pytest.mark.parametrize(
    "text", ["hole", "hole=1", "=1:2", "hole=a:b", "hole=nan:1", "hole=1:inf", "hole=1:2:3", "hole=1,2"]
)
def test_a_limit_is_written_so(text: str) -> None:
    with pytest.raises(DisputeError, match="CHARACTERISTIC=LOWER:UPPER"):
        read_limit(text)


def test_limits_are_read() -> None:
    assert read_limit("hole=0.76:0.84") == ("hole", (0.76, 0.84))
    assert read_limit("hole=:0.84") == ("hole", (None, 0.84))
    assert read_limit("hole=-1:") == ("hole", (-1.0, None))
    assert read_aql("minor=2.5") == ("minor", "2.5")
    for text in ("critical=1.0", "major", "=1.0"):
        with pytest.raises(DisputeError, match="write major=AQL"):
            read_aql(text)


@pytest.mark.parametrize(
    ("limits", "aqls", "words"),
    [
        ({"holes": (0.0, 1.0)}, {}, "these have: hole, paint, continuity"),
        ({"face": (0.0, 1.0)}, {}, "no characteristic with limits"),
        ({"paint": (0.0, 1.0)}, {}, "no lower limit"),
        ({"hole": (0.84, 0.76)}, {}, "must be below upper"),
        ({"hole": (None, None)}, {}, "needs a limit"),
        ({}, {"major": "0.7"}, "is not a printed value"),
        ({}, {"minor": "15"}, "above 10 counts nonconformities per 100 units only"),
    ],
)
def test_limits_that_cannot_be_agreed_are_refused(
    pack: Pack, limits: dict[str, Any], aqls: dict[Any, str], words: str
) -> None:
    with pytest.raises(DisputeError, match=words):
        recompute(open_case(pack), limits, aqls)
