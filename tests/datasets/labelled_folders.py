"""One truth written in four layouts, by hand and by the formats' own definitions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 128, 80
CLASSES = ("open", "short")


@dataclass(frozen=True)
class Unit:
    """A picture `name` in `folder`, with boxes x1 y1 x2 y2 class."""

    folder: str
    name: str
    boxes: tuple[tuple[int, int, int, int, str], ...] = ()


UNITS = (
    Unit("a", "one", ((10, 20, 30, 44, "short"), (0, 0, 128, 80, "open"))),
    Unit("a", "two"),
    Unit("b", "three", ((127, 79, 128, 80, "open"),)),
)


def write_picture(path: Path, seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0]), np.uint8)
    assert cv2.imwrite(str(path), pixels)
    return path


def deeppcb(root: Path, units: tuple[Unit, ...] = UNITS) -> Path:
    types = {"open": 1, "short": 2}
    lines: list[str] = []
    for n, unit in enumerate(units):
        for role, seed in (("temp", 90), ("test", n)):
            write_picture(root / unit.folder / f"{unit.name}_{role}.jpg", seed)
        text = "".join(f"{x1} {y1} {x2} {y2} {types[c]}\n" for x1, y1, x2, y2, c in unit.boxes)
        labels = root / f"{unit.folder}_not" / f"{unit.name}.txt"
        labels.parent.mkdir(exist_ok=True)
        labels.write_text(text, "ascii")
        lines.append(f"{unit.folder}/{unit.name}.jpg {unit.folder}_not/{unit.name}.txt\n")
    (root / "trainval.txt").write_text("".join(lines), "ascii")
    return root


def coco_document(units: tuple[Unit, ...] = UNITS) -> dict[str, list[dict[str, object]]]:
    """Ids as an editor leaves them: neither from 0 nor in order; a category that nothing uses."""
    ids = {"open": 7, "short": 3, "unused": 5}
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for n, unit in enumerate(units):
        images.append(
            {"id": 100 - n, "file_name": f"{unit.folder}/{unit.name}.png", "width": WIDTH, "height": HEIGHT}
        )
        for x1, y1, x2, y2, c in unit.boxes:
            annotations.append({
                "id": 50 + len(annotations), "image_id": 100 - n, "category_id": ids[c],
                "bbox": [x1, y1, x2 - x1, float(y2 - y1)], "area": 1, "iscrowd": 0,
                "segmentation": {"counts": "R7g1", "size": [HEIGHT, WIDTH]},
            })  # fmt: skip
    categories = [{"id": i, "name": name, "supercategory": "x"} for name, i in ids.items()]
    return {"images": images, "annotations": annotations, "categories": categories}


def coco(root: Path, units: tuple[Unit, ...] = UNITS) -> Path:
    for n, unit in enumerate(units):
        write_picture(root / unit.folder / f"{unit.name}.png", n)
    (root / "annotations.json").write_text(json.dumps(coco_document(units)), "utf-8")
    write_picture(root / "golden.png", 90)
    return root


def yolo(root: Path, units: tuple[Unit, ...] = UNITS) -> Path:
    for n, unit in enumerate(units):
        write_picture(root / "images" / unit.folder / f"{unit.name}.png", n)
        lines = [
            f"{CLASSES.index(c)} {(x1 + x2) / 2 / WIDTH:.6f} {(y1 + y2) / 2 / HEIGHT:.6f} "
            f"{(x2 - x1) / WIDTH:.6f} {(y2 - y1) / HEIGHT:.6f}\n"
            for x1, y1, x2, y2, c in unit.boxes
        ]
        labels = root / "labels" / unit.folder / f"{unit.name}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text("".join(lines), "ascii")
    (root / "data.yaml").write_text("path: .\ntrain: images\nnc: 2\nnames:\n  0: open\n  1: short\n", "ascii")
    write_picture(root / "golden.png", 90)
    return root


def anomalib(root: Path) -> Path:
    """Two good units, and a scratch in two parts with its mask."""
    write_picture(root / "train" / "good" / "000.png", 1)
    write_picture(root / "test" / "good" / "000.png", 2)
    write_picture(root / "test" / "scratch" / "000.png", 3)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:20, 30:35] = 255
    mask[20, 35] = 1  # touches the first part at a corner
    mask[70:80, 120:128] = 255
    path = root / "ground_truth" / "scratch" / "000_mask.png"
    path.parent.mkdir(parents=True)
    assert cv2.imwrite(str(path), mask)
    write_picture(root / "golden.png", 90)
    return root
