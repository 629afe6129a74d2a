"""`hallmark serve` as a user runs it, and `hallmark apikey` beside it."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import httpx
import pytest
import structlog
from typer.testing import CliRunner, Result

from api import ApiError
from hallmark.__main__ import app, main
from tests.api.server import Server, prepare, trust_folder


def hallmark(*words: str | Path) -> Result:
    """Run a command in this process, which is another than the server's."""
    return CliRunner().invoke(app, list(map(str, words)))


def left_with_2(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *words: str | Path
) -> str:
    """Run a command that is bad input, as `hallmark` does; return what it said."""
    monkeypatch.setattr(sys, "argv", ["hallmark", *map(str, words)])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # those of this process are pytest's
    others = structlog.get_config() if structlog.is_configured() else None
    try:
        with pytest.raises(SystemExit) as left:
            main()
    finally:  # the command's log goes to a stream that pytest closes
        structlog.reset_defaults()
        if others is not None:
            structlog.configure(**others)
    assert left.value.code == 2
    return capfd.readouterr().err


def test_serve_answers_admits_new_keys_refuses_revoked_ones_and_stops_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data, trust = tmp_path / "plant", trust_folder(tmp_path / "trust")
    prepare(data, [])
    server = Server(data, trust)
    try:
        assert httpx.get(f"{server.url}/api/v1/health").json()["status"] == "ok"
        made = hallmark("apikey", "create", "--data", data, "--role", "reader", "--name", "ERP", "--json")
        key = json.loads(made.stdout)
        headers = {"Authorization": f"Bearer {key['token']}"}
        assert httpx.get(f"{server.url}/api/v1/lots", headers=headers).status_code == 200
        listed = hallmark("apikey", "list", "--data", data)
        assert key["id"] in listed.stdout
        assert key["token"].split("_")[2] not in listed.stdout
        assert hallmark("apikey", "revoke", "--data", data, key["id"]).exit_code == 0
        assert httpx.get(f"{server.url}/api/v1/lots", headers=headers).status_code == 401
        said = left_with_2(monkeypatch, capfd, "serve", "--data", data, "--trust", trust, "--port", "0")
        assert "another hallmark server has it open" in said
        assert httpx.get(f"{server.url}/api/v1/health").json()["status"] == "ok"
        assert server.stop() == 0
    finally:
        server.kill()
    log = [json.loads(line) for line in (tmp_path / "server.log").read_text().splitlines()]
    requests = [entry for entry in log if entry["event"] == "request"]
    assert [entry["status"] for entry in requests] == [200, 200, 401, 200]
    assert requests[1]["actor"] == f"reader:ERP:{key['id']}"
    assert key["token"] not in (tmp_path / "server.log").read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["apikey", "create", "--data", "{}/new", "--role", "king", "--name", "x"],
            "role 'king' does not exist",
        ),
        (
            ["apikey", "create", "--data", "{}/new", "--role", "station", "--name", "x"],
            "give station for the role",
        ),
        (["apikey", "list", "--data", "{}/none"], "holds no hallmark.sqlite"),
        (["serve", "--data", "{}/new", "--trust", "{}/none"], "is not a folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(
    tmp_path: Path,
    words: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    said = left_with_2(monkeypatch, capfd, *(word.format(tmp_path) for word in words))
    assert sentence in said
    assert "Traceback" not in said
    assert not (tmp_path / "none").exists()


def test_the_errors_of_the_room_are_bad_input() -> None:
    from hallmark import commands

    assert ApiError in commands.input_errors()
