"""Altering any stored journal line, in any column, must show: in the verification and in /health."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from api.store import keys
from tests.api.conftest import Plant

COLUMNS = ("sequence", "time", "actor", "kind", "subject", "body", "previous", "hash")
RECORD_COLUMNS = (
    "id",
    "part",
    "revision",
    "serial",
    "lot",
    "station",
    "sequence",
    "verdict",
    "golden",
    "digest",
    "record",
)


def alter(plant: Plant, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(plant.data / "hallmark.sqlite")) as db, db:
        assert db.execute(statement, values).rowcount > 0


def state(plant: Plant) -> str:
    found = plant.ask("auditor", "GET", "/journal/verification").json()["state"]
    health = plant.ask(None, "GET", "/health").json()
    assert health["chain"]["state"] == found
    assert ("journal_broken" in health["alarms"]) == (found == "broken")
    assert health["status"] == ("alarm" if found == "broken" else "ok")
    return str(found)


def other(column: str, value: Any) -> list[Any]:
    """Return other values for a cell: a subtle and a gross change."""
    if column == "sequence":
        return [value + 1_000_000]
    if column == "body":
        body = json.loads(value)
        return [json.dumps(body), value.replace("}", ',"x":1}', 1), "{}", "", "null", "not json"]
    if column in ("previous", "hash"):
        return [value[:-1] + ("0" if value[-1] != "0" else "1"), ""]
    if column == "time":
        return [value.replace("2026", "2025"), "yesterday"]
    return [value + "x", value + " ", value.upper() + "!", ""]


def test_each_column_of_each_line_is_covered(plant: Plant) -> None:
    for sequence in (1, 2):
        plant.post(sequence)
    assert state(plant) == "intact"
    with closing(sqlite3.connect(plant.data / "hallmark.sqlite")) as db:
        rows = db.execute(f"SELECT {', '.join(COLUMNS)} FROM journal ORDER BY sequence").fetchall()
    assert len(rows) == 9  # six keys, one golden sample, two inspections
    for row in rows:
        line = dict(zip(COLUMNS, row, strict=True))
        for column, value in line.items():
            for changed in other(column, value):
                where = changed if column == "sequence" else line["sequence"]
                alter(plant, f"UPDATE journal SET {column} = ? WHERE sequence = ?", changed, line["sequence"])
                assert plant.app.state.ledger.verify().state == "broken", (line["sequence"], column, changed)
                alter(plant, f"UPDATE journal SET {column} = ? WHERE sequence = ?", value, where)
    assert state(plant) == "intact"
    alter(plant, "UPDATE journal SET actor = 'nobody' WHERE sequence = 3")
    assert state(plant) == "broken"


def test_a_stored_record_cannot_change_behind_the_journal(plant: Plant) -> None:
    posted = plant.post(1, verdict="REJECT").json()
    with closing(sqlite3.connect(plant.data / "hallmark.sqlite")) as db:
        row = db.execute(f"SELECT {', '.join(RECORD_COLUMNS)} FROM inspections").fetchone()
    for column, value in zip(RECORD_COLUMNS, row, strict=True):
        if column == "id":
            continue  # rows refer to it; the next test removes the record
        changed = {"sequence": 5, "record": row[-1].replace('"REJECT"', '"ACCEPT"')}.get(column, "other")
        alter(plant, f"UPDATE inspections SET {column} = ?", changed)
        assert state(plant) == "broken", column
        alter(plant, f"UPDATE inspections SET {column} = ?", value)
        assert state(plant) == "intact"
    alter(
        plant, "UPDATE inspections SET record = replace(record, '12.5', '12.4')"
    )  # timings are kept true too
    assert state(plant) == "broken"
    assert posted["inspection"]["timing_ms"] == {"total": 12.5}


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("inspections", ("refused", "recorded_at", "actor")),
        ("goldens", ("bundle", "expires", "issued", "part", "revision", "registered_at")),
        ("api_keys", ("role", "name", "station", "party", "created_at", "revoked_at")),
    ],
)
def test_a_row_cannot_change_behind_its_journal_line(
    plant: Plant, table: str, columns: tuple[str, ...]
) -> None:
    plant.post(1)
    for column in columns:
        with closing(sqlite3.connect(plant.data / "hallmark.sqlite")) as db:
            where, value = db.execute(f"SELECT rowid, {column} FROM {table}").fetchone()
        alter(plant, f"UPDATE {table} SET {column} = '2099' WHERE rowid = ?", where)
        assert plant.app.state.ledger.verify().state == "broken", column
        alter(plant, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", value, where)
        assert plant.app.state.ledger.verify().state == "intact", column


def test_keys_come_and_go_with_their_lines(plant: Plant) -> None:
    plant.key("qc", "another")
    with closing(sqlite3.connect(plant.data / "hallmark.sqlite")) as db:
        (key,) = db.execute("SELECT id FROM api_keys WHERE name = 'another'").fetchone()
    with plant.store.database.write() as connection:
        keys.revoke(connection, key, actor="operator:test", time="2026-07-01T00:00:00Z")
    assert state(plant) == "intact"
    alter(plant, "UPDATE api_keys SET revoked_at = NULL WHERE id = ?", key)  # a revoked key does not revive
    assert state(plant) == "broken"
    alter(plant, "DELETE FROM api_keys WHERE id = ?", key)
    assert state(plant) == "broken"


def test_a_removed_record_or_line_shows(plant: Plant) -> None:
    plant.post(1)
    plant.post(2)
    noted = plant.app.state.ledger.verify().last_hash
    with closing(sqlite3.connect(plant.data / "hallmark.sqlite")) as db, db:
        for table in ("measurements", "reasons", "defects"):
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM inspections WHERE sequence = 2")
    assert state(plant) == "broken"
    alter(plant, "DELETE FROM journal WHERE sequence = (SELECT max(sequence) FROM journal)")
    assert (
        state(plant) == "intact"
    )  # line and record gone together from the end: only a copy elsewhere shows it
    assert plant.app.state.ledger.verify().last_hash != noted
    alter(plant, "DELETE FROM journal WHERE sequence = 2")
    assert state(plant) == "broken"


def test_nothing_is_built_on_a_broken_last_line(plant: Plant) -> None:
    plant.post(1)
    alter(plant, "UPDATE journal SET actor = 'x' WHERE sequence = (SELECT max(sequence) FROM journal)")
    answer = plant.post(2)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:hallmark:problem:journal-broken")
    assert plant.count() == 1


def test_the_auditor_reads_every_write_with_its_actor(plant: Plant) -> None:
    plant.post(1)
    body = plant.ask("auditor", "GET", "/journal", params={"limit": 1000}).json()
    kinds = [line["kind"] for line in body["items"]]
    assert kinds == ["apikey.created"] * 6 + ["golden.registered", "inspection.stored"]
    assert body["items"][-1]["actor"].startswith("station:the station:")
    assert body["items"][-2]["actor"].startswith("engineer:the engineer:")
    page = plant.ask("auditor", "GET", "/journal", params={"after": 6, "limit": 1}).json()["items"]
    assert [line["sequence"] for line in page] == [7]
    only = plant.ask("auditor", "GET", "/journal", params={"kind": "golden.registered"}).json()["items"]
    assert [line["sequence"] for line in only] == [7]


@pytest.mark.parametrize("query", [{"after": -1}, {"after": 2**63}, {"limit": 1001}])
def test_bad_pages_of_the_journal_are_problems(plant: Plant, query: dict[str, int]) -> None:
    assert plant.ask("auditor", "GET", "/journal", params=query).status_code == 422
