"""Inspect stored frames and print their digests: run in processes of their own by `test_determinism`.

Usage: python -m tests.vision.fresh_process FOLDER THREADS forward|backward
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numba

from tests.vision import board, s4
from vision import read_frame


def main(folder: Path, threads: int, order: str) -> None:
    """Print `name digest verdict` of each frame in the folder; names beginning with s4 are the real board."""
    cv2.setNumThreads(threads)
    numba.set_num_threads(threads)
    assert cv2.getNumThreads() == threads
    inspectors = {}
    for path in sorted(folder.iterdir(), reverse=order == "backward"):
        part = s4 if path.name.startswith("s4") else board
        inspector = inspectors.setdefault(part, part.shared_inspector())
        frame = read_frame(
            path.read_bytes(), view="top", camera=board.CAMERA, captured_at=board.CAPTURED, source=path.name
        )
        inspection = inspector.inspect({"top": frame}, serial=path.stem)
        print(path.name, inspection.digest, inspection.verdict)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
