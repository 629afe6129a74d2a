"""Finding a colour chart: on six photographs, on traps made of them, and on charts that the twin draws.

What must come out was stated beforehand: every photograph found the right way up, turned by quarters too, in
a second of one core; every trap refused for its own reason; what shows no chart, or shows it another way up,
scores below half of the worst photograph.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.colour import Chart
from calibration.colour.detection import ChartNotFound, FoundChart, find_chart
from calibration.colour.patches import homography, project
from datasets.twin.colour import (
    ChartPicture,
    ChartScene,
    ColourStation,
    Light,
    cameras,
    drawn_camera,
    material,
    reflectances,
)

CHART = Chart.open("classic-before-2014")
CORNERS = {
    "d65_colorchecker": ((724, 738), (1948, 735), (1948, 1461), (727, 1462)),
    "TL84_colorchecker": ((724, 738), (1948, 735), (1948, 1461), (727, 1462)),
    "IMG_20140613_203438": ((1553, 916), (1138, 1325), (835, 1178), (1263, 801)),
    "IMG_20140613_203444": ((1071, 1780), (1044, 2050), (880, 2032), (912, 1756)),
    "IMG_20140613_203451": ((808, 1303), (816, 1482), (678, 1485), (674, 1303)),
    "IMG_20140613_203507": ((680, 933), (734, 1778), (250, 1784), (161, 941)),
}
"""Middles of dark skin, bluish green, black and white, px, read by eye."""
BY_EYE = 0.12  # of a pitch: how far off that may be
SECONDS = 1.0

Tile = tuple[str, Any, FoundChart | ChartNotFound]


def run(folder: Path, others: Path, drawn: int) -> tuple[dict[str, Any], list[Tile]]:
    """Return results, and tiles (caption, picture, outcome) of the contact sheet.

    Args:
        folder: colorchecker/ with industrial/ and clutter/.
        others: the folder above it; pictures in it that show no chart are traps.
        drawn: number of charts, and of traps, that the twin draws.
    """
    pictures = {path.stem: read(path) for path in sorted(folder.glob("*/*.jpg"))}
    rows, tiles = _photographs(pictures)
    traps, more = _traps(pictures, others)
    least = min(row["score"] for row in rows)
    results = {
        "photographs": rows,
        "least_score": least,
        "traps": traps,
        "drawn": _drawn(drawn) if drawn else None,
        "half": 0.5 * least,
    }
    return results, tiles + more


def passed(results: dict[str, Any]) -> bool:
    """Return whether all that must come out has come out."""
    good = all(
        row["found"] and row["turned"] == 3 and row["seconds"] <= SECONDS for row in results["photographs"]
    )
    good &= all(row["runner_up"] < results["half"] for row in results["photographs"])
    for trap in results["traps"]:
        good &= not trap["found"] and trap["reason_right"]
        good &= trap["chart_there"] or trap["score"] < results["half"]
    return bool(good)


def read(path: Path) -> Any:
    """Return an RGB picture."""
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


def _photographs(pictures: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Tile]]:
    rows: list[dict[str, Any]] = []
    tiles: list[Tile] = []
    for name, picture in pictures.items():
        truth = np.array(CORNERS[name], np.float64)
        times: list[float] = []
        for _ in range(3):
            start = time.process_time()
            outcome = find_chart(picture, CHART)
            times.append(time.process_time() - start)
        turned = 0
        for turns in (1, 2, 3):
            other = find_chart(np.ascontiguousarray(np.rot90(picture, turns)), CHART)
            turned += _right(other, _turned(truth, picture.shape, turns))
        row = {"name": name, "found": _right(outcome, truth), "turned": turned, "score": outcome.score}
        row |= {"seconds": sorted(times)[1], "runner_up": 1.0, "turned_deg": None}
        if isinstance(outcome, FoundChart):
            row |= {"runner_up": outcome.runner_up, "turned_deg": outcome.turned_deg}
            row |= {"residual_px": outcome.residual_px, "patch_to_pitch": outcome.patch_to_pitch}
        rows.append(row)
        tiles.append((name, picture, outcome))
    return rows, tiles


def _right(outcome: FoundChart | ChartNotFound, truth: Any) -> bool:
    """Return whether the corners are found, each the one that it should be."""
    pitch = np.hypot(*(truth[1] - truth[0])) / (CHART.columns - 1)
    return isinstance(outcome, FoundChart) and bool(np.abs(outcome.corners - truth).max() < BY_EYE * pitch)


def _turned(truth: Any, shape: Any, turns: int) -> Any:
    """Return where points are after `np.rot90`."""
    height, width = shape[:2]
    for _ in range(turns):
        truth = np.column_stack((truth[:, 1], width - 1 - truth[:, 0]))
        height, width = width, height
    return truth


def _traps(pictures: dict[str, Any], others: Path) -> tuple[list[dict[str, Any]], list[Tile]]:
    rows: list[dict[str, Any]] = []
    tiles: list[Tile] = []
    shown: Counter[str] = Counter()
    for kind, name, picture, reasons in [*_made(pictures), *_without(pictures, others)]:
        start = time.process_time()
        outcome = find_chart(picture, CHART)
        seconds = time.process_time() - start
        found = isinstance(outcome, FoundChart)
        reason = "found" if isinstance(outcome, FoundChart) else outcome.reason
        there = kind in {"mirrored", "cut off", "covered"}
        rows.append(
            {"kind": kind, "name": name, "found": found, "reason": reason, "reason_right": reason in reasons}
            | {"score": outcome.score, "seconds": seconds, "chart_there": there}
        )
        shown[kind] += 1
        if shown[kind] in _SHOWN.get(kind, ()) or found:
            tiles.append((kind, picture, outcome))
    return rows, tiles


_SHOWN = {  # which of each kind are on the sheet; pictures of other data sets are not shown
    "mirrored": (3,), "cut off": (2,), "covered": (9, 35), "patches exchanged": (2,), "keyboard": (1,),
}  # fmt: skip


def _made(pictures: dict[str, Any]) -> Iterator[tuple[str, str, Any, set[str]]]:
    """Spoil the photographs."""
    rng = np.random.default_rng(0)
    for name, picture in pictures.items():
        corners = np.array(CORNERS[name], np.float64)
        matrix = homography(corners, CHART)
        yield "mirrored", name, np.ascontiguousarray(picture[:, ::-1]), {"mirrored"}
        yield "mirrored", name, np.ascontiguousarray(picture[::-1]), {"mirrored"}
        right, low = corners.max(axis=0).astype(int)
        yield "cut off", name, np.ascontiguousarray(picture[:, :right]), {"incomplete"}
        yield "cut off", name, np.ascontiguousarray(picture[:low]), {"incomplete"}
        for _ in range(8):
            yield "covered", name, _covered(picture, matrix, rng), {"incomplete"}
        for _ in range(2):
            yield "patches exchanged", name, _exchanged(picture, matrix, rng), {"wrong_chart"}


def _covered(picture: Any, matrix: Any, rng: np.random.Generator) -> Any:
    """Lay an even rectangle over a patch and what is around it."""
    out = picture.copy()
    middle = rng.uniform((0, 0), (CHART.columns - 1, CHART.rows - 1))
    box = cv2.boxPoints((middle.tolist(), rng.uniform(0.8, 2.4, 2).tolist(), float(rng.uniform(0, 90))))
    colour = rng.integers(0, 256, 3) * (np.percentile(picture, 99.9) / 255)
    cv2.fillConvexPoly(
        out, np.round(project(matrix, box.astype(np.float64))).astype(np.int32), colour.tolist()
    )
    return out


def _exchanged(picture: Any, matrix: Any, rng: np.random.Generator) -> Any:
    """Let all patches change places."""
    out = picture.copy()
    order = rng.permutation(CHART.columns * CHART.rows)
    half = 0.5 * CHART.patch_to_pitch
    box = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
    for here, there in enumerate(order):
        ends = [
            project(matrix, np.array([i % CHART.columns, i // CHART.columns]) + box).astype(np.float32)
            for i in (int(there), here)
        ]
        moved = cv2.warpPerspective(picture, cv2.getPerspectiveTransform(*ends), picture.shape[1::-1])
        mask = cv2.fillConvexPoly(
            np.zeros(picture.shape[:2], np.uint8), np.round(ends[1]).astype(np.int32), 1
        )
        out[mask > 0] = moved[mask > 0]
    return out


def _without(pictures: dict[str, Any], others: Path) -> Iterator[tuple[str, str, Any, set[str]]]:
    """Pictures that show no colour chart; some show another lattice."""
    none = {"absent", "wrong_chart"}
    for name, part in (("IMG_20140613_203507", np.s_[2150:]), ("IMG_20140613_203438", np.s_[400:, 2230:])):
        yield "keyboard", name, np.ascontiguousarray(pictures[name][part]), none
    for kind, pattern in (
        ("chessboard", "chessboard/*.jpg"),
        ("coins", "coins/*/*.JPG"),
        ("circuit board", "uno/*.png"),
        ("bare board", "deeppcb/group*/*/*.jpg"),
    ):
        paths = sorted(others.glob(pattern))
        for path in paths[:: max(1, len(paths) // 30)]:
            yield kind, path.stem, read(path), none


def _drawn(count: int) -> dict[str, Any]:
    """Charts and traps by the twin, under light, angle, size, clutter and camera at random."""
    kinds: dict[str, dict[str, Any]] = {
        "chart": {},
        "mirrored": {"mirrored": True},
        "cut off": {"cropped": 0.2},
        "covered": {"covered": 0.3},
        "patches exchanged": {},
        "none": {"plate": False},
    }
    reasons = {"mirrored": {"mirrored"}, "cut off": {"incomplete"}, "covered": {"incomplete"}}
    out: dict[str, Any] = {}
    for kind, scene in kinds.items():
        counts: Counter[str] = Counter()
        errors: list[float] = []
        times: list[float] = []
        scores: list[float] = []
        for seed in range(count if kind == "chart" else count // 5):
            picture, truth = _draw(np.random.default_rng((seed, len(kind))), kind, scene)
            start = time.process_time()
            outcome = find_chart(picture, CHART)
            times.append(time.process_time() - start)
            scores.append(outcome.score)
            if isinstance(outcome, FoundChart):
                counts["found" if _right(outcome, truth) else "found wrongly"] += 1
                errors.append(float(np.abs(outcome.corners - truth).max()))
            else:
                counts[outcome.reason] += 1
        right = {"found"} if kind == "chart" else reasons.get(kind, {"absent", "wrong_chart"})
        out[kind] = {
            "pictures": sum(counts.values()),
            "right": sum(counts[reason] for reason in right),
            "said": dict(counts),
            "median_error_px": float(np.median(errors)) if errors else None,
            "greatest_error_px": max(errors, default=None),
            "scores": (min(scores), max(scores)),
            "greatest_seconds": max(times),
        }
    return out


def _draw(rng: np.random.Generator, kind: str, scene: dict[str, Any]) -> tuple[Any, Any]:
    named = cameras()
    pick = int(rng.integers(len(named) + 4))
    station = ColourStation(
        camera=named[pick] if pick < len(named) else drawn_camera(rng),
        light=Light(str(rng.choice(["D50", "D65", "A"]))),
        exposure=float(rng.choice([0.2, 0.5, 0.85])),
        size=(1000, 750) if rng.random() < 0.5 else (750, 1000),
        balanced=bool(rng.integers(2)),
    )
    chart = reflectances("classic")
    if kind == "patches exchanged":
        chart = rng.permutation(chart)
    picture = _laid(rng, station, chart, scene)
    while kind == "chart" and not _whole(picture):
        picture = _laid(rng, station, chart, scene)
    codes = picture.pixels
    if rng.random() < 0.5:
        light = codes / np.iinfo(codes.dtype).max
        coded = np.where(
            light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
        )
        codes = np.round(255 * coded).astype(np.uint8)
    if rng.random() < 0.5:
        codes = cv2.GaussianBlur(codes, (0, 0), float(rng.uniform(0.3, 1.5)))
    return codes, picture.corners


def _laid(
    rng: np.random.Generator, station: ColourStation, chart: Any, scene: dict[str, Any]
) -> ChartPicture:
    laid = ChartScene(
        share=float(rng.uniform(0.2, 0.95)),
        tilt_deg=float(rng.uniform(0, 35)),
        roll_deg=45.0,
        turns=int(rng.integers(4)),
        clutter=int(rng.integers(0, 30)),
        gradient=(float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-0.3, 0.3))),
        background=material(rng),
        **scene,
    )
    return station.chart(rng, chart, laid)


def _whole(picture: ChartPicture) -> bool:
    """Return whether all patches lie in the frame."""
    pitch = np.hypot(*np.diff(picture.centres[: CHART.columns], axis=0).T).max()
    height, width = picture.pixels.shape[:2]
    low, high = picture.centres.min(axis=0) - pitch, picture.centres.max(axis=0) + pitch
    return bool((low > 0).all() and (high < (width, height)).all())
