"""A detector is fitted in the environment that has torch, and released where the station's runtime agrees."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import models
from hallmark.errors import FitError, TrainingError
from models.detector.release import verify_detector

MODULE: Final = "models.train.detector"
REMEDY: Final = "run 'make train-setup', or name an interpreter that has torch by --python"
_ROOT: Final = Path(models.__file__).resolve().parents[1]
_ENVIRONMENT: Final = {
    "PYTHONPATH": str(_ROOT),
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",  # two threads on contended cores are many times slower than one
    # the memory of a step is kept for the next one: a tenth of the time and more
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_TOP_PAD_": "268435456",
}
_HAS_TORCH: Final = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"


def interpreter(named: Path | None, here: Path) -> Path:
    """Return the Python that fits: the named one, else `.venv-train` in `here`, else this one with torch.

    Raises:
        TrainingError: there is none, or the one that counts cannot be run or has no torch.
    """
    own = here / ".venv-train" / "bin" / "python"
    if named is None and not own.exists():
        if importlib.util.find_spec("torch") is None:
            raise TrainingError(f"no environment with torch to fit in: {REMEDY}")
        return Path(sys.executable)
    python = named or own
    try:
        answer = subprocess.run([python, "-c", _HAS_TORCH], check=False, capture_output=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TrainingError(f"{python}: cannot be run ({error}): {REMEDY}") from error
    if answer.returncode != 0:
        raise TrainingError(f"{python}: has no torch: {REMEDY}")
    return python


def fit(python: Path, pairs: Path, out: Path, options: Sequence[str], told: Callable[[str], None]) -> None:
    """Fit a detector to prepared pairs and put its release at `out`, whole or not at all.

    The fit writes beside `out`; its release is moved there once the runtime of this environment has given
    the trained network's answers to its whole fixed set. Whatever ends this ends the fit.

    Args:
        python: see `interpreter`.
        pairs: the folder of prepared pairs.
        out: where nothing may be yet.
        options: of the fit, such as `--seed 1`.
        told: is given each line that the fit writes.

    Raises:
        FitError: the fit ended with another exit code than 0.
        ModelError: its release is damaged.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
        made = Path(folder) / out.name
        command = [
            str(python),
            "-P",
            "-m",
            MODULE,
            str(pairs.resolve()),
            "--out",
            str(made.resolve()),
            *options,
        ]
        code, last = _run(command, os.environ, told)
        if code != 0:
            raise FitError(f"the fit ended with exit code {code}: {last}", code)
        verify_detector(made)
        made.rename(out)


def _run(
    command: Sequence[str], environment: Mapping[str, str], told: Callable[[str], None]
) -> tuple[int, str]:
    """Run a command, tell its lines, return its exit code and its last line."""
    last = "it said nothing"
    process = subprocess.Popen(  # noqa: S603 (the interpreter is the caller's own)
        command, env={**environment, **_ENVIRONMENT}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.strip():
                    last = line.strip()
                    told(last)
        finally:
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.terminate()
    return process.returncode, last
