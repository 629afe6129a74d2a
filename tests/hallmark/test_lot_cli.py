"""`hallmark lot` against a real server: the whole way, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from hallmark.__main__ import app
from hallmark.lot_cli import LotError
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
