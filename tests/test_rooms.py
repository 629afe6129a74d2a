"""The rooms are ours, light where they must be, small, and every reason code is documented."""

import importlib
import importlib.metadata
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from evidence import REASONS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def python_files() -> list[Path]:
    folders = [*ROOMS, "tests", "benchmarks"]
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_lies_in_this_distribution(room: str) -> None:
    """A foreign `datasets` or `models` in the environment would win over an editable install."""
    found = importlib.import_module(room).__file__
    assert found is not None
    assert Path(found).resolve() == ROOT / room / "__init__.py"


def test_the_installed_distribution_is_this_one() -> None:
    files = importlib.metadata.distribution("hallmark").read_text("direct_url.json")
    assert files is not None
    assert json.loads(files)["url"] == ROOT.as_uri()


@pytest.mark.parametrize(
    ("imports", "never"),
    [
        ("golden, evidence, quality", {"cv2", "numba", "onnxruntime", "fastapi", "sqlalchemy"}),
        ("api", {"cv2", "numba", "onnxruntime", "vision"}),
        ("hallmark.__main__", {"cv2", "numba", "fastapi", "sqlalchemy", "vision", "datasets"}),
        ("vision, stations", {"torch", "fastapi", "sqlalchemy"}),
    ],
)
def test_what_an_import_never_loads(imports: str, never: set[str]) -> None:
    program = f"import sys, {imports}; print(*(m for m in sys.modules if '.' not in m))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not never & set(result.stdout.split())


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").exists()] == []


def test_no_file_is_longer_than_a_reader_holds() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in python_files()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert long == {}


def test_no_folder_or_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "common", "helpers", "misc"}
    named = [p for p in python_files() if drawers & {p.stem, *p.relative_to(ROOT).parts[:-1]}]
    assert named == []


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_is_documented(code: str) -> None:
    reason = REASONS[code]
    assert reason.code == code
    assert reason.meaning
    assert reason.remedy
    page = (ROOT / "docs" / "reference" / "reasons.md").read_text(encoding="utf-8")
    assert f"| `{code}` | {reason.verdict} |" in page
