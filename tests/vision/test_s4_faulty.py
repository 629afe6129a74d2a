"""The real faulty board, by surface alone and the packaged model: what is wrong is found and named.

The only place, with the demo, that reads `S4_2`: nothing is fitted to it. Boxes are by eye.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from datasets import pcb_s4
from evidence import Defect, Frame, Inspection
from golden.spec import Surface
from kernels.compiled import F64, U8
from models.release import open_model, packaged
from tests.vision import s4
from vision import Inspector, read_frame

pytestmark = pytest.mark.xdist_group("s4 faulty")  # one worker inspects the scans

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in `S4_2.jpg`

BRIDGE: Box = (936, 1280, 1190, 1470)
HEAP: Box = (575, 1000, 720, 1300)
LETTER: Box = (1443, 680, 1590, 820)
NAMES = {BRIDGE: {"short"}, HEAP: {"excess_material", "contamination", "stain"}, LETTER: {"excess_material"}}
PADS = ((143, 137), (1512, 134), (144, 1698), (1502, 1692))  # centres of the mounting holes
PAD_PX = 135  # radius of their rings, and a little more
MOST_OTHERS = 9  # the ninth is a stain of half a millimetre that the catalogue allows

UPRIGHT = np.array([[1.0, 0, 0], [0, 1, 0]])


@functools.cache
def inspector() -> Inspector:
    spec = s4.spec()
    surfaces = tuple(c for c in spec.characteristics if isinstance(c, Surface))
    return s4.inspector(spec.model_copy(update={"characteristics": surfaces}), model=open_model(packaged()))


@functools.cache
def scan() -> U8:
    return read_frame(pcb_s4.faulty_scan(), view="top", camera="top-1").pixels


def turned() -> tuple[U8, F64]:
    """Return the scan turned by 2 degrees, nothing cut off, and how."""
    h, w = scan().shape[:2]
    turn = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), 2.0, 1.0)
    turn[:, 2] += 40
    return cv2.warpAffine(scan(), turn, (w + 80, h + 80), flags=cv2.INTER_CUBIC), turn


def cut() -> tuple[U8, F64]:
    """Return the scan without 20 pixels on each side, and how."""
    return np.ascontiguousarray(scan()[20:-20, 20:-20]), np.array([[1.0, 0, -20], [0, 1, -20]])


@functools.cache
def inspected(how: str) -> tuple[Inspection, F64]:
    pixels, moved = {"as it is": lambda: (scan(), UPRIGHT), "cut": cut, "turned": turned}[how]()
    frame = Frame(pixels=pixels, data=how.encode(), view="top", camera="top-1")
    return inspector().inspect({"top": frame}, serial=how), moved


def place(box: Box, moved: F64) -> Box:
    """Return the upright box around a moved one."""
    x1, y1, x2, y2 = box
    corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]) @ moved[:, :2].T + moved[:, 2]
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def hits(found: Sequence[float], box: Box) -> bool:
    """Return whether a found x, y, width, height lies with its centre in a box, or overlaps it by IoU 0.2."""
    x, y, w, h = found
    x1, y1, x2, y2 = box
    if x1 <= x + w / 2 <= x2 and y1 <= y + h / 2 <= y2:
        return True
    shared = max(min(x + w, x2) - max(x, x1), 0) * max(min(y + h, y2) - max(y, y1), 0)
    return shared / (w * h + (x2 - x1) * (y2 - y1) - shared) >= 0.2


def others(inspection: Inspection, moved: F64) -> list[Defect]:
    boxes = [place(box, moved) for box in NAMES]
    pads = np.array(PADS) @ moved[:, :2].T + moved[:, 2]

    def on_a_pad(d: Defect) -> bool:
        x, y, w, h = d.box_px
        return bool((np.hypot(*(pads - (x + w / 2, y + h / 2)).T) < PAD_PX).any())

    return [
        d for d in inspection.defects
        if not any(hits(d.box_px, box) for box in boxes) and not on_a_pad(d)
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["as it is", "cut", "turned"])
@pytest.mark.parametrize("box", NAMES)
def test_each_real_defect_is_found_and_named(box: Box, how: str) -> None:
    inspection, moved = inspected(how)
    named = {d.defect_class for d in inspection.defects if hits(d.box_px, place(box, moved))}
    assert named & NAMES[box]


@pytest.mark.parametrize("how", ["as it is", "cut", "turned"])
def test_little_else_is_shown_and_all_of_it_explained(how: str) -> None:
    inspection, moved = inspected(how)
    assert inspection.verdict == "REJECT"
    assert ("unit_out_of_frame" in inspection.reasons) == (
        how == "cut"
    )  # a strip of the border zone is cut off
    assert len(others(inspection, moved)) <= MOST_OTHERS
    for d in inspection.defects:
        assert (d.rule is None) == (d.severity is None)
        assert d.defect_class != "unclassified" or d.severity is None
    assert inspection.dismissed > 0  # scratches, sheen and stripes: seen, and called none


def test_another_name_changes_nothing() -> None:
    again = inspector().inspect(
        {"top": Frame(pixels=scan(), data=b"another file", view="top", camera="top-1")}, serial="renamed"
    )
    assert again.defects == inspected("as it is")[0].defects
