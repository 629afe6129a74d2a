"""The same frames give the same digests in any process, with any threads and in any order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import vision
from datasets.twin import WIDE_RANGES, MissingMaterial, Stain, bar
from tests.vision import board, s4

ROOT = Path(vision.__file__).parents[1]


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    cut = MissingMaterial(bar((374, 300), (425, 300), 24), (480, 400))
    shots = {
        "good": board.captured(40), "wide": board.captured(41, ranges=WIDE_RANGES),
        "cut": board.captured(42, cut), "stain": board.captured(43, Stain((480.0, 300.0), 0.5)),
        "s4": s4.captured(44, cut),
    }  # fmt: skip
    for name, shot in shots.items():
        (folder / f"{name}.png").write_bytes(board.png(shot.pixels))
    return folder


def digests(folder: Path, *, seed: int, threads: int, order: str) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
    environment = {
        **os.environ, **dict.fromkeys(names, str(threads)), "NUMBA_NUM_THREADS": str(threads),
        "PYTHONHASHSEED": str(seed),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.vision.fresh_process", str(folder), str(threads), order],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_two_fresh_processes_agree_whatever_seed_threads_and_order(frames: Path) -> None:
    one = digests(frames, seed=0, threads=1, order="forward")
    two = digests(frames, seed=4242, threads=2, order="backward")
    assert list(one) == ["cut.png", "good.png", "s4.png", "stain.png", "wide.png"]
    assert list(two) == list(one)[::-1]
    assert one == two
    assert [v.split()[1] for v in one.values()][:2] == ["REJECT", "ACCEPT"]
    assert len(set(one.values())) == 5
