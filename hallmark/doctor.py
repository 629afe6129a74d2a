"""`hallmark doctor`: what is installed, what is missing and how to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

Status = Literal["ok", "missing", "optional"]

LEAST_FREE_MB = 500  # what the demo writes, with room to spare


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """A program that the operating system brings; Hallmark runs without it, with less."""

    name: str
    programs: tuple[str, ...]
    wanted_for: str
    remedy: str


SYSTEM_PACKAGES = (
    SystemPackage("chromium", ("chromium", "chromium-browser", "google-chrome"),
                  "tests that look at pages, PDF from a browser", "apt-get install chromium"),
    SystemPackage("git", ("git",), "fetching and building releases", "apt-get install git"),
    SystemPackage("make", ("make",), "make demo, make test", "apt-get install make"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's answer. `optional` is absent, and the main job runs without it."""

    name: str
    status: Status
    found: str
    remedy: str = ""


def find_program(name: str) -> str | None:
    """Return the path of a system package's program, or None; raise KeyError of one that is not listed."""
    package = {p.name: p for p in SYSTEM_PACKAGES}[name]
    return next((path for program in package.programs if (path := shutil.which(program))), None)


def examine(directory: Path) -> list[Check]:
    """Return every check; `directory` is where results would be written."""
    return [
        _python(),
        *_dependencies(importlib.metadata.requires("hallmark") or ()),
        _kernels(),
        _model(),
        _processors(),
        _disk(directory),
        *(_system(p) for p in SYSTEM_PACKAGES),
    ]


def _python() -> Check:
    fits = sys.version_info >= (3, 11)
    return Check(
        "python",
        "ok" if fits else "missing",
        f"{platform.python_version()} at {sys.executable}",
        "" if fits else "needs Python 3.11 or newer: apt-get install python3 python3-venv",
    )


def _dependencies(requirements: Iterable[str]) -> Iterable[Check]:
    for requirement in requirements:
        stated, _, condition = requirement.partition(";")
        name = re.split(r"[^A-Za-z0-9._-]", stated, maxsplit=1)[0]
        if "extra ==" in condition:
            continue
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Check(name, "missing", f"not installed (needs {stated.strip()})", "make setup")
            continue
        least = re.search(r">=\s*([0-9.]+)", stated)
        old = least is not None and _numbers(version) < _numbers(least[1])
        yield Check(
            name, "missing" if old else "ok", version, f"needs {stated.strip()}: make setup" if old else ""
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version.partition("+")[0])[:3])


def _kernels() -> Check:
    import kernels

    folder = Path(kernels.__file__).parent
    compiled = sorted(folder.rglob("*.nbi"))
    if compiled:
        return Check("kernels", "ok", f"{len(compiled)} compiled, cached in {folder}")
    return Check(
        "kernels",
        "optional",
        "not compiled yet; the first inspection will wait",
        "make setup, or: python -m kernels",
    )


def _model() -> Check:
    if importlib.util.find_spec("onnxruntime") is None:
        return Check("model", "missing", "cannot be opened without onnxruntime", "make setup")
    from models import ModelError
    from models.release import open_model, packaged

    if not packaged().exists():
        return Check("model", "optional", "none packaged; deviations stay unclassified", "install a release")
    try:
        reference = open_model(packaged()).reference
    except ModelError as error:
        return Check("model", "missing", str(error), "install Hallmark again")
    return Check("model", "ok", f"{reference.name} {reference.digest}")


def _processors() -> Check:
    count = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
    return Check("processors", "ok", f"{usable} usable of {count}")


def _disk(directory: Path) -> Check:
    free = shutil.disk_usage(directory).free // 2**20
    enough = free >= LEAST_FREE_MB
    return Check(
        "disk",
        "ok" if enough else "missing",
        f"{free} MB free for {directory}",
        "" if enough else f"free at least {LEAST_FREE_MB} MB, or run in another folder",
    )


def _system(package: SystemPackage) -> Check:
    path = find_program(package.name)
    if path:
        return Check(package.name, "ok", path)
    return Check(package.name, "optional", f"not installed; wanted for {package.wanted_for}", package.remedy)


def register(app: typer.Typer) -> None:
    """Add `hallmark doctor`."""

    @app.command()
    def doctor(
        *,
        as_json: Annotated[
            bool, typer.Option("--json", help="Print one JSON object instead of a table.")
        ] = False,
    ) -> None:
        """Say what is installed, what is missing and how to get it.

        Exit 0 if the main job (`make demo`) can run here, 1 if something it needs is missing.

        Examples: `hallmark doctor`, `hallmark doctor --json`
        """
        checks = examine(Path.cwd())
        ready = all(c.status != "missing" for c in checks)
        if as_json:
            from golden.digests import canonical_json

            print(canonical_json({"ready": ready, "checks": [asdict(c) for c in checks]}).decode())
        else:
            for check in checks:
                remedy = f"  -> {check.remedy}" if check.remedy else ""
                print(f"{check.status:<8}  {check.name:<24}  {check.found}{remedy}")
            print("ready: the main job can run here" if ready else "not ready: see the lines marked missing")
        raise typer.Exit(0 if ready else 1)
