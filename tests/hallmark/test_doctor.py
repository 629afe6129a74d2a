"""The doctor tells what is there from what is not."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from hallmark import doctor
from tests.models import tiny


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.callback()(lambda: None)
    doctor.register(app)
    result = CliRunner().invoke(app, ["doctor", *arguments])
    return result.exit_code, result.stdout


def test_this_environment_can_run_the_main_job() -> None:
    code, out = run("--json")
    answer = json.loads(out)
    assert (code, answer["ready"]) == (0, True)
    found = {c["name"]: c for c in answer["checks"]}
    assert found["numpy"]["found"] == np.__version__
    assert {"python", "kernels", "processors", "disk", "chromium", "pydantic"} <= set(found)
    assert "pytest" not in found, "what only developers need does not decide whether the job can run"


def test_a_missing_dependency_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor.importlib.metadata,
        "requires",
        lambda _: ["no-such-thing>=1.2", "numpy>=999", 'x ; extra == "dev"'],
    )
    code, out = run()
    assert code == 1
    lines = [line for line in out.splitlines() if line.startswith("missing")]
    assert len(lines) == 2
    assert "no-such-thing" in lines[0]
    assert "make setup" in lines[0]
    assert "numpy" in lines[1]
    assert "needs numpy>=999" in lines[1]


def test_an_absent_optional_program_does_not_stop_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    code, out = run()
    assert code == 0
    assert "apt-get install chromium" in out


def test_a_full_disk_stops_the_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Usage:
        free = 3 * 2**20

    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Usage)
    assert [c.found for c in doctor.examine(tmp_path) if c.status == "missing"] == [
        f"3 MB free for {tmp_path}"
    ]


@pytest.mark.parametrize(
    ("state", "status", "told"),
    [("whole", "ok", "tiny sha256:"), ("damaged", "missing", "not the ones"), ("absent", "optional", "none")],
)
def test_the_packaged_model_is_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str, status: str, told: str
) -> None:
    folder = tmp_path / "s4"
    if state != "absent":
        tiny.release(folder)
    if state == "damaged":
        (folder / "model.onnx").write_bytes(b"half")
    monkeypatch.setattr("models.release.packaged", lambda: folder)
    (check,) = [c for c in doctor.examine(tmp_path) if c.name == "model"]
    assert check.status == status
    assert told in check.found


def test_only_listed_programs_can_be_asked_for() -> None:
    with pytest.raises(KeyError):
        doctor.find_program("ls")
