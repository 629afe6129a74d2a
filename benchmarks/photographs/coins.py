"""Euro coins on a table, photographed beside a printed chessboard that calibrates each picture by itself.

Six photographs of a Nikon D80. Its lens stood at 70 mm; at the scale of the pictures that puts the image
79 mm behind the lens, 12 890 pixels of 6.1 um. The print has its own errors of 17 um per axis, the same in
all pictures: they do not average out, and the lens is as straight as they can tell.

The settings below and in `vision.edges` were chosen on the first three photographs, and what light makes of
these edges is estimated from them by comparison with the official diameters (after ISO 15530-3, with coins in
place of a calibrated workpiece: each is worn by an unknown amount and was struck with a tolerance). The other
three are measured with that and say how good it is: for new pictures of such coins, partly the same pieces,
by the same camera and print; they show no 2 EUR and no 50 c.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy import stats

from benchmarks.photographs.view import Length, diameter, light_of, tile
from calibration import EdgeDefinition
from calibration.detection import NotDetected, detect
from calibration.lens import LensMap, calibrate_plane
from calibration.targets import Target
from vision.edges import Associated, NotMeasured
from vision.edges.find import find_circles
from vision.edges.rim import fit_rim

FROZEN_ON = ("_DSC1772", "_DSC1773", "_DSC1774")
HELD_OUT = ("_DSC1775", "_DSC1776", "_DSC1777")
OFFICIAL = {
    "2 EUR": 25.75, "1 EUR": 23.25, "50 c": 24.25, "20 c": 22.25, "10 c": 19.75, "5 c": 21.25, "2 c": 18.75,
    "1 c": 16.25,
}  # fmt: skip
BARS = {"5 c": 0.10, "20 c": 0.10, "2 EUR": 0.20}
OTHER_BAR = 0.15
RIM = {
    "2 EUR": "two metals", "1 EUR": "two metals", "50 c": "scalloped", "10 c": "scalloped",
    "20 c": "plain", "5 c": "plain", "2 c": "plain", "1 c": "plain",
}  # fmt: skip

CHESSBOARD = Target(
    kind="chessboard", columns=7, rows=7, pitch_mm=12.5, pitch_relative_uncertainty=5e-4,
    feature_uncertainty_mm=0.017, substrate="paper",
)  # fmt: skip
FOCAL_PX = 12_890.0
HEIGHT_MM, U_HEIGHT_MM = 2.0, 0.3  # of a coin's rim: coins are 1.67 to 2.38 mm thick
LEAST_MM, GREATEST_MM = 15.5, 27.5  # diameters looked for
REACH_MM = 2.0
NEAREST_MM = 0.45  # a coin is the one whose diameter is nearest, within this


@dataclass(frozen=True, slots=True, eq=False)
class Coin:
    """One coin as measured, without any correction by official diameters."""

    picture: str
    name: str
    circle: Associated
    plane: LensMap
    radius_px: float


def measure(folder: Path) -> tuple[list[Coin], dict[str, Any], list[str]]:
    """Return the coins of all six photographs, their RGB pictures, and what could not be measured."""
    coins: list[Coin] = []
    pictures: dict[str, Any] = {}
    failed: list[str] = []
    for picture in (*FROZEN_ON, *HELD_OUT):
        rgb = cv2.imread(str(folder / "measure" / f"{picture}.JPG"), cv2.IMREAD_COLOR_RGB)
        assert rgb is not None, f"{picture}.JPG is missing below {folder}"
        pictures[picture] = rgb
        _measure_one(picture, rgb, coins, failed)
    return coins, pictures, failed


def _measure_one(picture: str, rgb: Any, coins: list[Coin], failed: list[str]) -> None:
    raw = light_of(rgb)
    height, width = raw.shape
    got = raw.window(0, 0, width - 1, height - 1)
    assert got is not None
    light = got[0]
    plane, scale = plane_of(light)
    for found in find_circles(light, least_px=LEAST_MM / 2 * scale, greatest_px=GREATEST_MM / 2 * scale):
        circle = fit_rim(raw, plane, (found.x, found.y), found.radius, reach_px=REACH_MM * scale)
        if isinstance(circle, NotMeasured):
            failed.append(f"{picture} at {found.x:.0f}, {found.y:.0f}: {circle.reason}")
            continue
        size = 2 * float(circle.parameters[2])
        name = min(OFFICIAL, key=lambda n: abs(OFFICIAL[n] - size))
        if abs(OFFICIAL[name] - size) > NEAREST_MM:
            failed.append(f"{picture} at {found.x:.0f}, {found.y:.0f}: {size:.3f} mm is no coin")
            continue
        coins.append(Coin(picture, name, circle, plane, size / 2 * scale))


def plane_of(light: Any) -> tuple[LensMap, float]:
    """Calibrate the plane of the rims from one picture's chessboard; return it and its scale in px/mm."""
    board = detect(light, CHESSBOARD)
    assert not isinstance(board, NotDetected), board
    across = np.linalg.norm(np.diff(board.points_px, axis=0), axis=1)
    scale = float(np.median(across)) / CHESSBOARD.pitch_mm
    stated = np.hypot(board.u_px, CHESSBOARD.feature_uncertainty_mm * scale)
    height, width = light.shape
    fitted = calibrate_plane(
        [replace(board, u_px=stated)], (width, height), focal_px=FOCAL_PX,
        pitch_relative_uncertainty=CHESSBOARD.pitch_relative_uncertainty,
    )  # fmt: skip
    return fitted.plane(0).at(HEIGHT_MM, u_height_mm=U_HEIGHT_MM), scale


def definitions(coins: list[Coin]) -> dict[str, EdgeDefinition]:
    """Estimate from the first three photographs where light shows each kind of rim, per edge in mm.

    The scatter is pooled over rims of one metal, whose kinds differ in their bias alone; it counts as widened
    by Student's factor for so few coins. What differs between coins of one kind, wear and tolerance included,
    is part of it.
    """
    known = [coin for coin in coins if coin.picture in FROZEN_ON]
    errors = {
        kind: np.array(
            [float(c.circle.parameters[2]) - OFFICIAL[c.name] / 2 for c in known if RIM[c.name] == kind]
        )
        for kind in ("plain", "scalloped", "two metals")
    }
    found: dict[str, EdgeDefinition] = {}
    for pool in (("plain", "scalloped"), ("two metals",)):
        freedom = sum(len(errors[kind]) - 1 for kind in pool)
        square = sum(float(np.square(errors[kind] - errors[kind].mean()).sum()) for kind in pool)
        spread = math.sqrt(square / freedom)
        wider = float(stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975))
        for kind in pool:
            found[kind] = EdgeDefinition(
                correction_mm=float(errors[kind].mean()), common_mm=spread / math.sqrt(len(errors[kind])),
                local_mm=spread * wider, degrees_of_freedom=float(freedom),
            )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One coin's result; errors are against the official diameter, mm."""

    picture: str
    coin: str
    official: float
    length: Length
    error: float
    error_uncorrected: float
    bar: float
    covered: bool
    seen: float


def rows_of(coins: list[Coin], edges: dict[str, EdgeDefinition]) -> list[Row]:
    """Return every coin's diameter with its uncertainty."""
    rows: list[Row] = []
    for coin in coins:
        length = diameter(coin.circle, coin.plane, edges[RIM[coin.name]])
        official = OFFICIAL[coin.name]
        error = length.value - official
        rows.append(
            Row(
                picture=coin.picture, coin=coin.name, official=official, length=length, error=error,
                error_uncorrected=length.uncorrected - official, bar=BARS.get(coin.name, OTHER_BAR),
                covered=abs(error) <= length.expanded, seen=coin.circle.inlier_share,
            )
        )  # fmt: skip
    return rows


def summary(rows: list[Row], pictures: tuple[str, ...]) -> dict[str, Any]:
    """Return the figures of some pictures that the bars are about."""
    some = [row for row in rows if row.picture in pictures]
    errors = np.array([row.error for row in some])
    return {
        "coins": len(some),
        "median_error_mm": float(np.median(np.abs(errors))),
        "median_error_uncorrected_mm": float(np.median([abs(row.error_uncorrected) for row in some])),
        "mean_error_mm": float(errors.mean()),
        "rms_error_mm": float(np.sqrt(np.square(errors).mean())),
        "greatest_error_mm": float(np.abs(errors).max()),
        "within_0.10_mm": int((np.abs(errors) <= 0.10).sum()),
        "within_their_bar": sum(abs(row.error) <= row.bar for row in some),
        "within_their_bar_uncorrected": sum(abs(row.error_uncorrected) <= row.bar for row in some),
        "covered": sum(row.covered for row in some),
        "greatest_U_mm": {
            kind: max((row.length.expanded for row in some if RIM[row.coin] == kind), default=None)
            for kind in ("plain", "scalloped", "two metals")
        },
    }


def run(folder: Path) -> tuple[dict[str, Any], list[Any]]:
    """Measure all photographs; return the results and the tiles of a contact sheet."""
    coins, pictures, failed = measure(folder)
    edges = definitions(coins)
    rows = rows_of(coins, edges)
    tiles = [
        tile(
            pictures[coin.picture], coin.circle, coin.radius_px,
            f"{coin.picture[-4:]} {coin.name} {row.length.value:.3f} U {row.length.expanded:.3f}",
        )
        for coin, row in zip(coins, rows, strict=True)
    ]  # fmt: skip
    return {
        "settings_frozen_on": FROZEN_ON,
        "edge_definition_mm": {kind: edge.model_dump() for kind, edge in edges.items()},
        "failed": failed,
        "coins": [asdict(row) for row in rows],
        "frozen": summary(rows, FROZEN_ON),
        "held_out": summary(rows, HELD_OUT),
        "all": summary(rows, (*FROZEN_ON, *HELD_OUT)),
    }, tiles
