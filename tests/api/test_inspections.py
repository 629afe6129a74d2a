from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from evidence import sha256
from tests.api import records
from tests.api.conftest import Plant


def problem(answer: Any, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:hallmark:problem:{name}", body
    assert body["status"] == status
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    return body


def test_a_posted_inspection_reads_back_whole_with_its_frame(plant: Plant) -> None:
    record, frames = records.inspection(1, verdict="REJECT")
    posted = plant.ask("station", "POST", "/inspections", files=records.parts(record, frames))
    assert posted.status_code == 201
    body = plant.ask("reader", "GET", f"/inspections/{record.id}").json()
    assert body == posted.json()
    assert body["id"] == record.id
    assert body["inspection"] == record.record()
    assert body["recorded_by"].startswith("station:the station:")
    frame = plant.client.get(body["frames"]["top"], headers={"Authorization": f"Bearer {plant.tokens['qc']}"})
    assert frame.content == frames["top"]
    assert frame.headers["content-type"] == "image/png"


def test_rows_hold_measurements_reasons_and_defects(plant: Plant) -> None:
    assert plant.post(1, verdict="REJECT").status_code == 201
    with closing(sqlite3.connect(plant.data / "hallmark.sqlite")) as db:
        rows = db.execute("SELECT characteristic, value, decision FROM measurements ORDER BY position")
        assert rows.fetchall() == [
            ("hole", 0.8, "conform"), ("paint", 0.4, "conform"), ("face", 1.0, "nonconform"),
        ]  # fmt: skip
        rows = db.execute("SELECT class, severity, size_mm FROM defects")
        assert rows.fetchall() == [("unclassified", "major", 1.5)]
        assert db.execute("SELECT reason FROM reasons").fetchall() == [("surface_rejected",)]


def test_the_same_record_again_gives_what_is_stored_and_another_is_refused(plant: Plant) -> None:
    first, again, other = plant.post(1), plant.post(1), plant.post(1, serial="T-9999")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    problem(other, 409, "sequence-taken")
    assert plant.count() == 1
    assert len(plant.files()) == 2  # the golden sample and one frame: the refused one left nothing


def test_frames_must_be_those_of_the_record(plant: Plant) -> None:
    record, frames = records.inspection(1)
    flipped = bytes([frames["top"][0] ^ 1]) + frames["top"][1:]
    for sent in ({}, {"top": flipped}, {**frames, "side": b"x"}, {"side": frames["top"]}):
        answer = plant.ask("station", "POST", "/inspections", files=records.parts(record, sent))
        problem(answer, 422, "frames-mismatch")
    doubled = [*records.parts(record, frames), ("top", ("top", frames["top"]))]
    problem(plant.ask("station", "POST", "/inspections", files=doubled), 400, "malformed")
    assert plant.count() == 0
    assert len(plant.files()) == 1


def test_an_altered_record_is_refused(plant: Plant) -> None:
    record, frames = records.inspection(1)
    text = record.to_json()
    cases = {
        "record-altered": text.replace(b'"T-0001"', b'"T-0002"'),
        "invalid": text.replace(b'"verdict":"ACCEPT"', b'"verdict":"FINE"'),
    }
    for name, altered in cases.items():
        assert altered != text
        sent = [("inspection", (None, altered)), ("top", ("top", frames["top"]))]
        problem(plant.ask("station", "POST", "/inspections", files=sent), 422, name)
    # a foreign id with a digest that fits it
    from evidence.inspection import digest_of

    fields = {**record.record(), "id": "insp-" + "0" * 32}
    forged = type(record).model_validate({**fields, "digest": digest_of(fields)})
    answer = plant.ask("station", "POST", "/inspections", files=records.parts(forged, frames))
    problem(answer, 422, "record-altered")
    assert plant.count() == 0


@pytest.mark.parametrize(
    ("changes", "status", "name"),
    [
        ({"golden": {"digest": "sha256:" + "7" * 64, "version": 1}}, 409, "golden-unknown"),
        ({"golden": {**records.GOLDEN, "version": 2}}, 422, "golden-mismatch"),
        ({"part": "T2"}, 422, "golden-mismatch"),
        ({"revision": "B"}, 422, "golden-mismatch"),
        ({"lot": "nowhere"}, 409, "lot-unknown"),
        ({"station": "cell-4"}, 403, "forbidden"),
        ({"serial": "a\0b"}, 422, "invalid"),
    ],
)
def test_what_the_server_does_not_know_is_refused(
    plant: Plant, changes: dict[str, Any], status: int, name: str
) -> None:
    problem(plant.post(1, **changes), status, name)
    assert plant.count() == 0
    assert len(plant.files()) == 1


def test_a_sequence_beyond_the_database_is_refused(plant: Plant) -> None:
    problem(plant.post(2**63), 422, "invalid")


def test_too_large_is_refused_declared_or_not(plant: Plant) -> None:
    big = [("inspection", (None, b"{}")), ("top", ("top", b"x" * 200_001))]
    problem(plant.ask("station", "POST", "/inspections", files=big), 413, "too-large")
    start = b'--b\r\nContent-Disposition: form-data; name="top"; filename="top"\r\n\r\n'
    body = (start + b"x" * 50_000 if i == 0 else b"x" * 50_000 for i in range(5))
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    problem(plant.ask("station", "POST", "/inspections", content=body, headers=headers), 413, "too-large")
    assert len(plant.files()) == 1


def test_filters_and_cursors_walk_every_record_once(plant: Plant) -> None:
    verdicts = ["ACCEPT", "REJECT", "HOLD", "ACCEPT", "REJECT"]
    ids = [plant.post(i + 1, verdict=v).json()["id"] for i, v in enumerate(verdicts)]

    def walk(**query: Any) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = plant.ask("reader", "GET", "/inspections", params={**query, **cursor, "limit": 2}).json()
            found += [item["id"] for item in page["items"]]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}
            if len(found) == 2 and query.get("order") == "newest":
                plant.post(50 + len(found))  # a new record does not shift the pages behind the cursor

    assert walk() == ids
    assert (
        walk(verdict="REJECT")
        == walk(reason="surface_rejected")
        == walk(severity="major")
        == [ids[1], ids[4]]
    )
    assert walk(reason="frame_blurred") == [ids[2]]
    assert walk(serial="T-0004") == [ids[3]]
    assert walk(station=records.STATION, part="T1") == ids
    assert walk(station="cell-9") == walk(lot="L") == walk(severity="critical") == []
    times = [plant.ask("reader", "GET", f"/inspections/{i}").json()["recorded_at"] for i in ids]
    assert walk(since=times[1], until=times[3]) == ids[1:3]
    assert walk(order="newest") == ids[::-1]


def test_a_cursor_belongs_to_its_list(plant: Plant) -> None:
    for i in range(3):
        plant.post(i + 1)
    cursor = plant.ask("reader", "GET", "/inspections", params={"limit": 1}).json()["next"]
    for query in (
        {"verdict": "HOLD", "cursor": cursor},
        {"cursor": "!"},
        {"cursor": cursor[:-4]},
        {"cursor": "W10"},
    ):
        problem(plant.ask("reader", "GET", "/inspections", params=query), 422, "cursor")
    problem(plant.ask("reader", "GET", "/lots", params={"cursor": cursor}), 422, "cursor")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 201}, {"limit": "x"}, {"verdict": "FINE"}, {"severity": "bad"},
        {"since": "yesterday"}, {"since": "2026-07-01T00:00:00"}, {"since": "0001-01-01T00:00:00+23:00"},
    ],
)  # fmt: skip
def test_bad_queries_are_problems(plant: Plant, query: dict[str, Any]) -> None:
    problem(plant.ask("reader", "GET", "/inspections", params=query), 422, "invalid")


def test_a_mistyped_filter_is_refused(plant: Plant) -> None:
    answer = plant.ask("qc", "GET", "/inspections", params={"verdct": "REJECT"})
    told = problem(answer, 422, "invalid")
    assert "verdct" in told["detail"]
    assert "verdict" in told["detail"]
    assert plant.ask("qc", "GET", "/inspections", params={"verdict": "REJECT"}).status_code == 200


def test_a_gap_in_a_stations_numbering_is_an_alarm(plant: Plant) -> None:
    for sequence in (2, 3, 7):
        assert plant.post(sequence).status_code == 201
    (station,) = plant.ask("reader", "GET", "/stations").json()["items"]
    assert station == {"station": "cell-3", "highest": 7, "recorded": 3, "missing": [[1, 1], [4, 6]]}
    assert plant.ask(None, "GET", "/health").json()["alarms"] == ["sequence_gap:cell-3"]
    for sequence in (1, 4, 5, 6):
        plant.post(sequence)
    health = plant.ask(None, "GET", "/health").json()
    assert (health["status"], health["alarms"]) == ("ok", [])


def test_an_unknown_id_view_path_and_method_are_problems(plant: Plant) -> None:
    posted = plant.post(1).json()["id"]
    for path in (
        "/inspections/insp-0",
        f"/inspections/{posted}/frames/side",
        "/nothing",
        "/lots/L1",
        "/goldens/x",
    ):
        problem(plant.ask("reader", "GET", path), 404, "not-found")
    problem(plant.ask("reader", "DELETE", "/inspections"), 405, "method-not-allowed")


def test_a_damaged_frame_is_not_served(plant: Plant) -> None:
    record, frames = records.inspection(1)
    plant.ask("station", "POST", "/inspections", files=records.parts(record, frames))
    name = sha256(frames["top"]).removeprefix("sha256:")
    path = plant.data / "frames" / name[:2] / name
    path.write_bytes(b"other")
    problem(plant.ask("qc", "GET", f"/inspections/{record.id}/frames/top"), 500, "frame-damaged")
    path.unlink()
    problem(plant.ask("qc", "GET", f"/inspections/{record.id}/frames/top"), 500, "frame-damaged")
