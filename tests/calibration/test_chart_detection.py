"""Finding a colour chart on photographs, drawn charts and those of the twin; refusing what is none."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from calibration.colour.chart import Chart
from calibration.colour.detection import ChartNotFound, FoundChart, find_chart
from calibration.colour.patches import sample_patches
from calibration.errors import PatchesError
from datasets import colorchecker, pcb_s4
from datasets.twin.colour import ChartScene, ColourStation
from kernels.light import decoding_table
from tests.calibration.charts import draw, exposed, light_of, quad

CLASSIC = Chart.open("classic-before-2014")
SG = Chart.open("sg-before-2014")
LIGHT = light_of(CLASSIC.lab).reshape(4, 6, 3)
HALF = 0.5 * 0.86  # half of the least score on the photographs


def decoded(data: bytes) -> Any:
    return np.ascontiguousarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1])


PHOTOGRAPHS = {name: decoded(colorchecker.photograph(name)) for name in colorchecker.NAMES}
ONE = "IMG_20140613_203444"


def by_eye(name: str) -> Any:
    return np.array(colorchecker.CORNERS[name], np.float64)


def found(picture: Any, chart: Chart = CLASSIC) -> FoundChart:
    outcome = find_chart(picture, chart)
    assert isinstance(outcome, FoundChart), outcome
    return outcome


def refused(picture: Any, reason: str, chart: Chart = CLASSIC) -> ChartNotFound:
    outcome = find_chart(picture, chart)
    assert isinstance(outcome, ChartNotFound)
    assert outcome.reason == reason, outcome
    return outcome


@pytest.mark.parametrize("name", colorchecker.NAMES)
def test_charts_in_clutter_are_found_the_right_way_up(name: str) -> None:
    seen = found(PHOTOGRAPHS[name])
    np.testing.assert_allclose(seen.corners, by_eye(name), atol=3)
    assert seen.score > 0.86
    assert seen.runner_up < HALF / 2


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photograph_gives_the_same_corners(turns: int) -> None:
    picture = PHOTOGRAPHS[ONE]
    h, w = picture.shape[:2]
    x, y = by_eye(ONE).T
    truth = {1: (y, w - 1 - x), 2: (w - 1 - x, h - 1 - y), 3: (h - 1 - y, x)}[turns]
    seen = found(np.ascontiguousarray(np.rot90(picture, turns)))
    np.testing.assert_allclose(seen.corners, np.column_stack(truth), atol=3)


@pytest.mark.parametrize("name", colorchecker.NAMES[2:])
def test_a_mirrored_photograph_is_refused_as_mirrored(name: str) -> None:
    outcome = refused(np.ascontiguousarray(PHOTOGRAPHS[name][:, ::-1]), "mirrored")
    assert "mirrored" in outcome.message


def test_a_chart_cut_off_is_incomplete_and_says_what_is_missing() -> None:
    x, y = by_eye(ONE)[1]  # through bluish green, the end of the first row, which lies at the chart's bottom
    cut = refused(np.ascontiguousarray(PHOTOGRAPHS[ONE][: int(y)]), "incomplete")
    assert {"6", "12", "18", "24"} <= set(cut.patches)
    assert "cut off by the picture's border" in cut.message
    half = refused(np.ascontiguousarray(PHOTOGRAPHS[ONE][:, : int(x) - 20]), "incomplete")
    assert {"1", "2", "3", "4", "5", "6"} <= set(half.patches)


@pytest.mark.parametrize("colour", [(40, 90, 200), (250, 250, 250), (10, 10, 10)])
def test_a_covered_chart_is_incomplete_and_says_which_patches(colour: Any) -> None:
    picture = PHOTOGRAPHS["IMG_20140613_203507"].copy()
    a, b = by_eye("IMG_20140613_203507")[:2]
    middle = a + (b - a) * 2.5 / 5  # between blue sky and foliage, in the first row
    cv2.circle(picture, (int(middle[0]), int(middle[1])), 45, colour, -1)
    outcome = refused(picture, "incomplete")
    assert set(outcome.patches) & {"3", "4"}
    assert set(outcome.patches) <= {"3", "4", "9", "10"}


def test_whole_patches_covered_edge_to_edge_are_missed() -> None:
    light = np.full((480, 640, 3), 0.2)
    matrix = quad(6, 4, at=(320, 240), size=70, angle=12)
    draw(light, LIGHT, matrix)
    sheet = cv2.perspectiveTransform(np.array([[[-1, -0.53], [6, -0.53], [6, 0.48], [-1, 0.48]]]), matrix)
    cv2.fillConvexPoly(light, np.round(sheet).astype(np.int32), (0.55, 0.42, 0.4))
    outcome = refused(exposed(light, np.random.default_rng(0)), "incomplete")
    assert set(outcome.patches) == {"1", "2", "3", "4", "5", "6"}


def test_a_pen_across_the_chart_is_seen() -> None:
    light = np.full((480, 640, 3), 0.2)
    matrix = quad(6, 4, at=(320, 240), size=70, angle=12)
    draw(light, LIGHT, matrix)
    pen = cv2.perspectiveTransform(
        np.array([[[1.15, -2], [1.46, -2], [1.46, 5], [1.15, 5]]], np.float64), matrix
    )
    cv2.fillConvexPoly(light, np.round(pen).astype(np.int32), (0.3, 0.02, 0.02))
    outcome = refused(exposed(light, np.random.default_rng(0)), "incomplete")
    assert set(outcome.patches) == {"2", "8", "14", "20"}


@pytest.mark.parametrize("seed", range(6))
def test_drawn_charts_are_found_to_a_part_of_a_pixel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    light = np.full((600, 800, 3), rng.uniform(0.02, 0.9, 3))
    for _ in range(15):
        box = cv2.boxPoints(
            ((rng.uniform(0, 800), rng.uniform(0, 600)), tuple(rng.uniform(10, 200, 2)), rng.uniform(0, 90))
        )
        cv2.fillConvexPoly(light, np.round(box).astype(np.int32), rng.uniform(0.02, 0.9, 3).tolist())
    size = rng.uniform(18, 75)
    reach = 3.2 * size
    at = rng.uniform((reach, min(reach, 290)), (800 - reach, max(600 - reach, 310)))
    angle = rng.uniform(0, 360) if size < 60 else rng.choice([3.0, 184.0])
    matrix = quad(6, 4, at=at, size=size, angle=angle, tilt=rng.uniform(-0.25, 0.25, 2))
    draw(light, LIGHT, matrix)
    cast = rng.uniform(0.25, 1.0, 3)
    picture = exposed(light * cast, rng, gamma=bool(seed % 2), blur=rng.uniform(0.6, 1.3), noise=0.008)
    truth = cv2.perspectiveTransform(np.array([[[0, 0], [5, 0], [5, 3], [0, 3]]], np.float64), matrix)[0]
    seen = found(picture)
    np.testing.assert_allclose(seen.corners, truth, atol=0.4)
    assert seen.score > 0.9
    along = truth[1] - truth[0]
    off = seen.turned_deg - np.degrees(np.arctan2(along[1], along[0]))
    assert abs((off + 180) % 360 - 180) < 0.5


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        (ChartScene(tilt_deg=25, clutter=20, gradient=(0.3, -0.2)), None),
        (ChartScene(mirrored=True, clutter=10), "mirrored"),
        (ChartScene(turns=2, cropped=0.2, clutter=10), "incomplete"),
        (ChartScene(covered=0.3, clutter=10), "incomplete"),
        (ChartScene(plate=False, clutter=40), "absent"),
    ],
)
def test_charts_of_the_twin(scene: ChartScene, reason: str | None) -> None:
    station = ColourStation(camera="industrial-3", size=(480, 360))
    picture = station.chart(np.random.default_rng(5), scene=scene)
    if reason is None:
        seen = found(picture.pixels)
        np.testing.assert_allclose(seen.corners, picture.corners, atol=0.4)
        read = sample_patches(picture.pixels, seen.corners, CLASSIC, decoding_table("linear", 255))
        np.testing.assert_allclose(read.rgb, picture.seen, atol=0.02)
    else:
        refused(picture.pixels, reason)


def test_neither_cast_nor_encoding_nor_depth_changes_much() -> None:
    picture = PHOTOGRAPHS["IMG_20140613_203507"]
    plain = found(picture)
    linear = decoding_table("srgb", 255)[picture]
    for gain, full, dtype in (
        ((1, 1, 1), 255, np.uint8),
        ((0.25, 0.7, 0.4), 65535, np.uint16),
        ((0.5, 0.5, 0.15), 255, np.uint8),
    ):
        other = found(np.round(full * linear * np.array(gain)).astype(dtype))
        np.testing.assert_allclose(other.corners, plain.corners, atol=1)
        assert other.score == pytest.approx(plain.score, abs=0.06)


def tiles(colours: Any, size: float = 45, frame: float = 0.012) -> Any:
    light = np.full((480, 640, 3), 0.3)
    draw(
        light,
        colours,
        quad(colours.shape[1], colours.shape[0], at=(320, 240), size=size, angle=7),
        frame=frame,
    )
    return exposed(light, np.random.default_rng(1))


@pytest.mark.parametrize("seed", range(3))
def test_the_same_colours_in_other_places_are_no_chart(seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(LIGHT.reshape(-1, 3)).reshape(4, 6, 3)
    outcome = refused(tiles(shuffled), "wrong_chart")
    assert outcome.score < HALF
    assert "6 x 4" in outcome.message


@pytest.mark.parametrize("seed", range(2))
def test_coloured_tiles_are_no_chart(seed: int) -> None:
    colours = np.random.default_rng(seed).uniform(0.02, 0.9, (5, 8, 3))
    assert refused(tiles(colours), "wrong_chart").score < HALF


def test_chessboards_keyboards_and_boards_are_no_chart() -> None:
    chess = (np.indices((6, 8)).sum(axis=0) % 2 * 0.7 + 0.05)[..., None].repeat(3, axis=2)
    keys = np.full((5, 11, 3), 0.04) + 0.02 * np.random.default_rng(0).random((5, 11, 1))
    for picture in (tiles(chess), tiles(keys, frame=0.3)):
        outcome = find_chart(picture, CLASSIC)
        assert isinstance(outcome, ChartNotFound)
        assert outcome.reason in {"absent", "wrong_chart"}
        assert outcome.score < HALF
    refused(decoded(pcb_s4.good_scan()), "absent")
    refused(np.full((200, 300, 3), 90, np.uint8), "absent")
    refused(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8), "absent")


def test_the_wrong_chart_named_is_said() -> None:
    outcome = refused(PHOTOGRAPHS[ONE], "wrong_chart", SG)
    assert "6 x 4" in outcome.message
    assert SG.id in outcome.message
    large = tiles(light_of(SG.lab).reshape(SG.rows, SG.columns, 3), size=38)
    assert found(large, SG).score > 0.9
    assert "goes on beyond" in refused(large, "wrong_chart").message


def test_pictures_that_are_none_are_refused() -> None:
    for picture in (
        np.zeros((100, 100), np.uint8),
        np.zeros((100, 100, 3)),
        np.zeros((20, 400, 3), np.uint8),
    ):
        with pytest.raises(PatchesError):
            find_chart(picture, CLASSIC)
