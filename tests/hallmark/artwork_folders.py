"""Small labelled folders of binary artwork: traces and pads, units shifted by a known pixel or two."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
SIDE = 192
SHIFT = 2, -1  # x, y by which a unit lies elsewhere than its template
DEFECT = 70, 117, 82, 125  # x1 y1 x2 y2 of copper where none belongs, in pixels of the unit


def template(seed: int = 0) -> U8:
    """White with black pads at random, none where DEFECT lies, and two traces: nothing in it repeats."""
    rng = np.random.default_rng(seed)
    picture = np.full((SIDE, SIDE), 255, np.uint8)
    for _ in range(40):
        x, y = (int(n) for n in rng.integers(15, SIDE - 15, 2))
        cv2.circle(picture, (x, y), int(rng.integers(4, 9)), 0, -1)
    cv2.rectangle(picture, (60, 107), (92, 135), 255, -1)
    cv2.rectangle(picture, (20, 90), (170, 98), 0, -1)
    cv2.rectangle(picture, (100, 20), (109, 180), 0, -1)
    return picture


def unit(of: U8, *, defect: bool) -> U8:
    """The template shifted by SHIFT, with a defect or without."""
    moved = np.roll(of, SHIFT[::-1], (0, 1))
    if defect:
        x1, y1, x2, y2 = DEFECT
        moved[y1:y2, x1:x2] = 0
    return moved


def write(path: Path, picture: U8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def deeppcb(root: Path, groups: tuple[str, ...] = ("g1", "g2")) -> Path:
    """For each group a good unit and one with a box labelled as copper."""
    lines: list[str] = []
    for n, group in enumerate(groups):
        of = template(n)
        for name, defect in ((f"{group}good", False), (f"{group}bad", True)):
            write(root / group / f"{name}_temp.jpg", of)
            write(root / group / f"{name}_test.jpg", unit(of, defect=defect))
            labels = root / f"{group}_not" / f"{name}.txt"
            labels.parent.mkdir(exist_ok=True)
            labels.write_text(" ".join(map(str, DEFECT)) + " 5\n" if defect else "")
            lines.append(f"{group}/{name}.jpg {group}_not/{name}.txt\n")
    (root / "trainval.txt").write_text("".join(lines))
    return root


def templates(root: Path, count: int = 2) -> Path:
    for n in range(count):
        write(root / f"board{n % 2}" / f"{n}.png", template(n))
    return root
