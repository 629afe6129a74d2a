from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from api import ApiError, Store
from api.cursor import decode, encode
from api.errors import FrameDamagedError, FrameMissingError, StoreBusyError, StoreUnreadableError
from api.ledger import person_of
from api.problems import Problem
from api.store import journal, keys, verification
from api.store.frames import FrameStore, LocalFrames, open_frames
from api.store.tables import metadata
from evidence import sha256
from evidence.journal import BrokenChain

TIME = "2026-07-01T00:00:00.000000Z"


@pytest.fixture(params=["folder", "memory:///"])
def frames(request: pytest.FixtureRequest, tmp_path: Path) -> FrameStore:
    return open_frames(tmp_path / "frames", None if request.param == "folder" else request.param)


def test_frames_are_found_by_their_digest(frames: FrameStore) -> None:
    for data in (b"", b"a", os.urandom(100_000)):
        digest = frames.put(data)
        assert digest == sha256(data)
        assert frames.put(data) == digest
        assert frames.get(digest) == data
    with pytest.raises(FrameMissingError):
        frames.get(sha256(b"other"))


def test_every_put_is_flushed_file_first_then_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = LocalFrames(tmp_path / "frames")
    flushed: list[str] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    digest = frames.put(b"x")
    shard = digest.removeprefix("sha256:")[:2]
    assert flushed[0] == "frames"
    assert flushed[1].startswith(".partial-")
    assert flushed[2:] == [shard]
    flushed.clear()
    frames.put(b"x")  # known: its name is still flushed, another writer may have renamed it a moment ago
    assert flushed == [shard]


def test_a_damaged_frame_is_noticed_and_written_again(tmp_path: Path) -> None:
    frames = LocalFrames(tmp_path)
    digest = frames.put(b"frame")
    (path,) = (p for p in tmp_path.rglob("*") if p.is_file())
    path.write_bytes(b"fraMe")
    with pytest.raises(FrameDamagedError):
        frames.get(digest)
    for damaged in (b"fr", b"fraMe"):  # the retry of a station repairs both
        path.write_bytes(damaged)
        frames.put(b"frame")
        assert frames.get(digest) == b"frame"


def test_half_written_frames_are_swept_at_start(tmp_path: Path) -> None:
    with Store.open(tmp_path, serve=True) as store:
        store.frames.put(b"x")
    (shard,) = (tmp_path / "frames").iterdir()
    (shard / ".partial-1").write_bytes(b"ha")
    with Store.open(tmp_path, serve=True):
        assert len(list(shard.iterdir())) == 1


def test_two_servers_cannot_have_one_folder(tmp_path: Path) -> None:
    with Store.open(tmp_path, serve=True), pytest.raises(StoreBusyError, match="another hallmark server"):
        Store.open(tmp_path, serve=True)
    Store.open(tmp_path, serve=True).close()


def test_the_migrations_make_the_tables_of_the_code(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, store.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    with Store.open(tmp_path) as store, store.database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize(
    ("database", "frames"),
    [
        ("nonsense", None),
        ("sqlite:////nowhere/at/all.sqlite", None),
        ("none://x", None),
        (None, "nope://x"),
        (None, "x"),
    ],
)
def test_an_unusable_url_is_a_sentence(tmp_path: Path, database: str | None, frames: str | None) -> None:
    with pytest.raises(StoreUnreadableError):
        Store.open(tmp_path, database=database, frames=frames)


def test_a_file_in_place_of_the_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "hallmark.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnreadableError):
        Store.open(tmp_path)
    with pytest.raises(StoreUnreadableError):
        Store.open(tmp_path / "hallmark.sqlite")


def test_writers_of_two_processes_or_threads_build_one_chain(tmp_path: Path) -> None:
    def write(store: Store) -> None:
        for _ in range(20):
            with store.database.write() as connection:
                journal.append_line(connection, time=TIME, actor="a", kind="lot.x", subject="s", body={})

    with Store.open(tmp_path) as one, Store.open(tmp_path) as two:  # each has its own lock, as processes have
        threads = [threading.Thread(target=write, args=(store,)) for store in (one, two, one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with one.database.read() as connection:
            last = verification.verify(connection)
    assert last is not None
    assert last.sequence == 80


@pytest.mark.parametrize(
    ("role", "station", "party", "name"),
    [
        ("station", None, None, "x"), ("station", "", None, "x"), ("approver", None, None, "x"),
        ("qc", "s", None, "x"), ("qc", None, "p", "x"),
        ("qc", None, None, ""), ("qc", None, None, "x" * 65), ("qc", None, None, "a\nb"),
    ],
)  # fmt: skip
def test_a_key_is_bound_as_its_role_asks(
    tmp_path: Path, role: keys.Role, station: str | None, party: str | None, name: str
) -> None:
    with Store.open(tmp_path) as store:
        with pytest.raises(ApiError), store.database.write() as connection:
            keys.create(
                connection, role=role, name=name, station=station, party=party, entropy=bytes(54), actor="a",
                time=TIME,
            )  # fmt: skip
        with store.database.read() as connection:
            assert keys.every(connection) == []


def test_an_approvers_key_says_what_the_person_signs_for(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        with store.database.write() as connection:
            key, token = keys.create(
                connection, role="approver", name="Li Wei", station=None, party="Shenzhen Boards",
                signs=["quality", "inspector", "quality"], entropy=os.urandom(54), actor="a", time=TIME,
            )  # fmt: skip
            reader, _ = keys.create(
                connection, role="reader", name="r", station=None, party=None, entropy=os.urandom(54),
                actor="a", time=TIME,
            )  # fmt: skip
        assert key.signs == ("inspector", "quality")
        with store.database.read() as connection:
            assert keys.every(connection) == [key, reader] or keys.every(connection) == [reader, key]
            assert keys.authenticate(connection, token) == key
            lines = journal.read_lines(connection, subject=f"key-{key.id}")
        assert [line.body["signs"] for line in lines] == ["inspector quality"]
        person = person_of(key)
        assert (person.name, person.party, person.roles) == ("Li Wei", "Shenzhen Boards", key.signs)
        with pytest.raises(Problem, match="only an approver's key signs"):
            person_of(reader)


@pytest.mark.parametrize(
    ("role", "party", "signs", "told"),
    [("qc", None, ["quality"], "only an approver's key"), ("approver", "P", ["boss"], "'boss' is no role")],
)
def test_only_an_approver_signs_and_only_for_roles_that_exist(
    tmp_path: Path, role: keys.Role, party: str | None, signs: list[str], told: str
) -> None:
    with Store.open(tmp_path) as store:
        with pytest.raises(ApiError, match=told), store.database.write() as connection:
            keys.create(
                connection, role=role, name="x", station=None, party=party, signs=signs, entropy=bytes(54),
                actor="a", time=TIME,
            )  # fmt: skip
        with store.database.read() as connection:
            assert keys.every(connection) == []


def test_a_store_from_before_signing_roles_opens_and_its_keys_sign_for_nothing(tmp_path: Path) -> None:
    """Truth: the first revision's own tables, with a key and its journal line as they were written then."""
    with Store.open(tmp_path) as store, store.database.write() as connection:
        body = {"role": "approver", "name": "Ada", "station": None, "party": "B"}
        journal.append_line(connection, time=TIME, actor="a", kind=keys.CREATED, subject="key-0a", body=body)
        row = {**body, "id": "0a", "salt": "s", "hash": "h", "created_at": TIME}
        connection.execute(text("ALTER TABLE api_keys DROP COLUMN signs"))
        columns = ", ".join(row)
        connection.execute(text(f"INSERT INTO api_keys ({columns}) VALUES (:{', :'.join(row)})"), row)
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with Store.open(tmp_path) as store:
        with store.database.read() as connection:
            (key,) = keys.every(connection)
            assert (key.name, key.signs) == ("Ada", ())
            assert verification.verify(connection) is not None
        with store.database.write() as connection:
            connection.execute(text("UPDATE api_keys SET signs = 'quality'"))
        with store.database.read() as connection, pytest.raises(BrokenChain, match="its signs is not"):
            verification.verify(connection)


@given(
    position=st.integers(0, 2**63 - 1),
    filters=st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=5)),
)
def test_a_cursor_decodes_to_its_position(position: int, filters: dict[str, str | None]) -> None:
    cursor = encode(position, filters)
    assert decode(cursor, filters) == position
    with pytest.raises(Problem):
        decode(cursor, {**filters, "another": "filter"})


@given(cursor=st.text(max_size=40))
def test_any_other_text_is_no_cursor(cursor: str) -> None:
    with pytest.raises(Problem):
        decode(cursor, {})
