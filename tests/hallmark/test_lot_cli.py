"""`hallmark lot` against a real server: the whole way, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from golden.errors import GoldenError
from hallmark.__main__ import app
from hallmark.lot_cli import LotError
from tests import builders
from tests.api import records
from tests.api.conftest import Plant, open_plant
from tests.api.test_lots import ENTERED, measured


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with open_plant(tmp_path) as plant:
        for role in ("qc", "approver"):
            (tmp_path / f"{role}.key").write_text(plant.tokens[role] + "\n")
        yield plant


def lot(plant: Plant, role: str, *arguments: str) -> Result:
    key = plant.data.parent / f"{role}.key"
    server = str(plant.client.base_url)
    return CliRunner().invoke(app, ["lot", *arguments, "--server", server, "--api-key-file", str(key)])


def ok(result: Result) -> str:
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_from_opening_to_release(plant: Plant, tmp_path: Path) -> None:
    assert "opened" in ok(lot(plant, "qc", "open", "L1", "--golden", records.GOLDEN["digest"]))
    first = plant.post(1, serial="F-1", lot="L1").json()["id"]
    entered = tmp_path / "fai.json"
    entered.write_text(json.dumps([ENTERED]))
    said = ok(lot(plant, "qc", "fai", "L1", "--inspection", first, "--entered", str(entered)))
    assert "first article accepted" in said
    assert "production" in ok(lot(plant, "approver", "approve", "L1"))
    for number in range(2, 8):
        plant.post(number, lot="L1")
    assert "frozen" in ok(lot(plant, "qc", "freeze", "L1"))
    drawn = json.loads(ok(lot(plant, "qc", "draw", "L1", "--json")))["draw"]["serials"]
    second = plant.key("station", "the second station", station=records.OTHER_STATION)
    for number, serial in enumerate(drawn, start=1):
        plant.post(number, role=second, station=records.OTHER_STATION, serial=serial, lot="L1",
                   characteristics=measured())  # fmt: skip
    assert "outgoing inspection: accept" in ok(lot(plant, "qc", "oqc", "L1"))
    assert "released" in ok(lot(plant, "approver", "release", "L1"))
    assert "released" in ok(lot(plant, "qc", "show", "L1"))


def test_the_wrong_person_is_refused(plant: Plant) -> None:
    ok(lot(plant, "qc", "open", "L1", "--golden", records.GOLDEN["digest"]))
    refused = lot(plant, "qc", "approve", "L1")
    assert isinstance(refused.exception, LotError)
    assert "403" in str(refused.exception)


def test_a_refusal_is_one_sentence_with_the_problem(plant: Plant) -> None:
    refused = lot(plant, "qc", "show", "L9")
    assert isinstance(refused.exception, LotError)
    assert "404" in str(refused.exception)
    early = lot(plant, "approver", "release", "L9")
    assert isinstance(early.exception, LotError)


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "nonsense", "http://["])
def test_no_server_is_bad_input(tmp_path: Path, server: str) -> None:
    key = tmp_path / "qc.key"
    key.write_text("hk_nobody")
    result = CliRunner().invoke(app, ["lot", "show", "L1", "--server", server, "--api-key-file", str(key)])
    assert isinstance(result.exception, LotError)


@pytest.mark.parametrize("content", ["{", "{}", '"x"'])
def test_entered_results_must_be_a_list(tmp_path: Path, content: str) -> None:
    entered = tmp_path / "fai.json"
    entered.write_text(content)
    result = CliRunner().invoke(
        app,
        ["lot", "fai", "L1", "--inspection", "i", "--entered", str(entered), "--server", "http://127.0.0.1:1",
         "--api-key-file", str(entered)],
    )  # fmt: skip
    assert isinstance(result.exception, LotError)
    assert "fai.json" in str(result.exception)


def test_the_papers_of_a_lot(plant: Plant, tmp_path: Path) -> None:
    trust = tmp_path / "trust"
    trust.mkdir()
    for key in (builders.SUPPLIER, builders.BUYER):
        key.save(trust)
    ok(lot(plant, "qc", "open", "L1", "--golden", records.GOLDEN["digest"]))
    first = plant.post(1, serial="F-1", lot="L1").json()["id"]
    entered = tmp_path / "fai.json"
    entered.write_text(json.dumps([ENTERED]))
    ok(lot(plant, "qc", "fai", "L1", "--inspection", first, "--entered", str(entered)))
    ok(lot(plant, "approver", "approve", "L1"))
    plant.post(2, lot="L1")
    plant.post(3, lot="L1", serial="../3", verdict="REJECT")
    out = tmp_path / "papers"
    given = ["report", "L1", "--out", str(out), "--trust", str(trust)]
    told = ok(lot(plant, "qc", *given)).split()
    rejected = next(p.stem for p in (out / "sheets").iterdir())
    assert rejected.startswith("insp-"), "a serial that is no file name gives way to the record's id"
    names = {f"{n}.{f}" for n in ("lot", "first-article-F-1", f"sheets/{rejected}") for f in ("html", "pdf")}
    assert {str(p.relative_to(out)) for p in out.rglob("*.*")} == names
    assert {str(Path(p).relative_to(out)) for p in told} == names
    sheet = (out / "sheets" / f"{rejected}.html").read_text("utf-8")
    assert "../3" in sheet
    assert "cannot be shown" in sheet  # the frames of these records are no pictures
    assert builders.BUYER.keyid in (out / "first-article-F-1.html").read_text("utf-8")
    assert all(p.read_bytes().startswith(b"%PDF") for p in out.rglob("*.pdf"))
    ok(lot(plant, "qc", "report", "L1", "--out", str(tmp_path / "pdf"), "--report", "pdf", *given[4:]))
    assert {p.suffix for p in (tmp_path / "pdf").rglob("*.*")} == {".pdf"}


def test_papers_need_a_trusted_seal(plant: Plant, tmp_path: Path) -> None:
    ok(lot(plant, "qc", "open", "L1", "--golden", records.GOLDEN["digest"]))
    trust = tmp_path / "trust"
    trust.mkdir()
    builders.BUYER.save(trust)
    refused = lot(plant, "qc", "report", "L1", "--out", str(tmp_path / "x"), "--trust", str(trust))
    assert isinstance(refused.exception, GoldenError)
    assert "not trusted here" in str(refused.exception)
