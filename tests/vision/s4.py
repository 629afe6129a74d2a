"""The real board S4 as the demo seals it, for the few tests that need the real scans."""

from __future__ import annotations

import functools
from pathlib import Path

import hallmark.demo
from datasets import pcb_s4
from datasets.twin import Change, Twin, TwinFrame
from golden.authoring import load_spec
from golden.sample import GoldenSample
from golden.spec import GoldenSpec
from kernels.compiled import U8
from models import Classifier
from tests.vision import board
from vision import Inspector, read_frame


@functools.cache
def spec() -> GoldenSpec:
    """Return the demo's specification of board S4."""
    return load_spec(Path(hallmark.demo.__file__).with_name("s4.yaml"))


def inspector(stated: GoldenSpec, model: Classifier | None = None) -> Inspector:
    """Return an inspector of board S4 under a specification."""
    golden = GoldenSample(
        spec=stated, digest="sha256:" + "4" * 64, version=1, issued=board.ISSUED, expires=None,
        predecessor=None, images={"images/top.jpg": pcb_s4.good_scan()}, signatures=(),
    )  # fmt: skip
    return Inspector(
        golden,
        {"top": board.calibration(mm_per_px=pcb_s4.MM_PER_PX, relative_uncertainty=0.0005)},
        model,
    )


@functools.cache
def shared_inspector() -> Inspector:
    """Return the inspector of the demo's specification."""
    return inspector(spec())


@functools.cache
def golden_rgb() -> U8:
    """Return the good scan, (1888, 1663, 3) sRGB codes."""
    return read_frame(pcb_s4.good_scan(), view="top", camera="golden").pixels


@functools.cache
def twin() -> Twin:
    """Return the demo's simulated line."""
    return Twin(golden_rgb(), pcb_s4.MM_PER_PX)


def captured(seed: int, *changes: Change) -> TwinFrame:
    """Return a capture of board S4."""
    return twin().capture(seed, changes)
