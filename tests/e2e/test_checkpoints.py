"""One product through every checkpoint, as the tutorial tells it: its page is run here, then its journal."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import quality
from evidence.journal import BrokenChain, JournalLine, verify_chain
from quality import claims, corrective, fai_report, ipqc, materials
from quality.fai_report import first_piece

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "README.md"
LOTS = ("L-1", "L-2", "L-3", "L-4")


def load_player() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tutorial", PAGE.with_name("play.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tutorial"] = module
    spec.loader.exec_module(module)
    return module


tutorial = load_player()


@dataclass
class Played:
    """The plant after the last chapter: the chapters, the journal's lines, and a reader of the server."""

    chapters: list[str]
    lines: list[JournalLine]
    auditor: Any

    def subjects(self, prefix: str) -> list[str]:
        """Return what comes after the prefix in the journal's subjects, in order."""
        names = (line.subject for line in self.lines if line.subject.startswith(prefix))
        return list(dict.fromkeys(name.removeprefix(prefix) for name in names))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with tutorial.Plant(tmp_path_factory.mktemp("plant")) as plant:
        chapters = [chapter.title for chapter in tutorial.play(PAGE, plant)]
        auditor = plant.system("auditor")
        lines: list[JournalLine] = []
        while page := auditor.get("/journal", after=len(lines), limit=1000)["items"]:
            lines += [JournalLine.model_validate(line) for line in page]
        yield Played(chapters, lines, auditor)


@pytest.mark.slow
@pytest.mark.xdist_group("tutorial")
def test_every_chapter_comes_true(played: Played) -> None:
    assert played.chapters == re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    assert [title.partition(". ")[0] for title in played.chapters] == [str(n) for n in range(1, 13)]


@pytest.mark.slow
@pytest.mark.xdist_group("tutorial")
def test_the_journal_tells_the_story_in_its_order(played: Played) -> None:
    story = [
        ("golden.registered", None), ("material.nonconforming", "material:M-1"),
        ("nonconformance.disposed", None), ("material.booked", "material:M-2"),
        ("fair.approved", "fair:F-1"), ("fair.customer_approved", "fair:F-2"), ("fai.approved", "L-1"),
        ("firstpiece.approved", "firstpiece:L-1"), ("ipqc.signal", "ipqc:L-1"),
        ("ipqc.escalated", "ipqc:L-1"), ("ipqc.reaction_acknowledged", "ipqc:L-1"),
        ("lot.quarantined", "L-1"), ("lot.frozen", "L-1"), ("draw.committed", "draw:L-1"),
        ("draw.revealed", "draw:L-1"), ("oqc.drawn", "L-1"), ("oqc.decided", "L-1"), ("capa.opened", None),
        ("capa.submitted", None), ("capa.rejected", None), ("lot.released", "L-2"),
        ("capa.observed", None), ("lot.released", "L-4"), ("capa.verified", None),
        ("claim.reported", "claim:C-9"), ("capa.recurred", None), ("claim.answered", "claim:C-9"),
        ("capa.reviewed", None),
    ]  # fmt: skip
    lines = iter(played.lines)
    for kind, subject in story:
        found = next((x for x in lines if x.kind == kind and subject in (None, x.subject)), None)
        assert found is not None, f"{kind} of {subject} does not come after what is told before it"


@pytest.mark.slow
@pytest.mark.xdist_group("tutorial")
def test_replaying_the_journal_gives_every_state_that_the_server_tells(played: Played) -> None:
    lines, get = played.lines, played.auditor.get
    assert [line.subject for line in lines if line.kind == "lot.opened"] == list(LOTS)
    for lot in LOTS:
        assert quality.replay(lot, lines).record() == get(f"/lots/{lot}")
    for name in ("M-1", "M-2"):
        assert materials.replay_material(name, lines).record() == get(f"/materials/{name}")
    fairs = fai_report.replay_fairs(lines)
    assert list(fairs) == ["F-1", "F-2"]
    for name, fair in fairs.items():
        told = get(f"/fairs/{name}")
        assert {field: told[field] for field in fair.record()} == fair.record()
    assert first_piece.replay_first_piece("L-1", lines).record() == get("/lots/L-1/first-pieces")
    assert ipqc.replay_ipqc("L-1", lines).record() == get("/lots/L-1/ipqc")
    known = quality.replay_nonconformances(lines)
    assert len(known) == 6
    assert [n.record() for n in known.values()] == get("/nonconformances", limit=200)["items"]
    for name, found in corrective.replay_capas(lines).items():
        told = get(f"/capas/{name.removeprefix('capa:')}")
        assert {field: told[field] for field in found.record()} == found.record()
    assert claims.replay_claims(lines)["claim:C-9"].record() == get("/claims/C-9")


@pytest.mark.slow
@pytest.mark.xdist_group("tutorial")
def test_the_chain_is_intact_and_one_altered_word_breaks_it(played: Played) -> None:
    last = verify_chain(played.lines)
    checked = played.auditor.get("/journal/verification")
    assert last == played.lines[-1]
    assert (checked["state"], checked["last_hash"]) == ("intact", last.hash)
    place = next(i for i, line in enumerate(played.lines) if line.kind == "oqc.decided")
    forged = played.lines[place].model_copy(update={"actor": "qc:somebody"})
    with pytest.raises(BrokenChain, match=str(place + 1)):
        verify_chain([*played.lines[:place], forged, *played.lines[place + 1 :]])


@pytest.mark.slow
@pytest.mark.xdist_group("tutorial")
def test_a_containment_that_the_repeat_restored_is_the_last_word(played: Played) -> None:
    (capa,) = corrective.replay_capas(played.lines).values()
    before = [line for line in played.lines if line.kind not in ("capa.recurred", "capa.reviewed")]
    (closed,) = corrective.replay_capas(before).values()
    assert (closed.phase, closed.containment_in_force) == ("closed", False)
    assert (capa.phase, capa.round, capa.containment_in_force) == ("contained", 2, True)
    repeat = next(x for x in played.lines if x.kind == "capa.recurred")
    claim = next(x for x in played.lines if x.kind == "claim.reported")
    assert repeat.time == claim.time  # in the same transaction


def test_what_the_page_says_falsely_fails_with_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n## 1. One\n\n```python\nassert 1 + 1 == 2\nassert 1 + 1 == 3\n```\n")
    with tutorial.Plant(tmp_path) as plant, pytest.raises(AssertionError) as failed:
        list(tutorial.play(page, plant))
    frame = failed.traceback[-1]
    assert (Path(frame.path), frame.lineno + 1) == (page, 7)
    page.write_text("## 1. One\n\n```sh\ntrue\nfalse\n```\n")
    with tutorial.Plant(tmp_path) as plant, pytest.raises(tutorial.Refused, match=r"page.md, line 4"):
        list(tutorial.play(page, plant))
