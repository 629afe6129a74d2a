# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""A stroke more or less is told from how captures of one print scatter: the limit's rate, what is found."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from kernels.compiled import F32
from tests.vision.presence.printed import Capture, check, drawn, wide
from vision.presence.strokes import Strokes

_TEXT = "1829VU8"
_CHARACTERS = "0123456789ABEFHLPRSTUVZ"


def _capture(rng: np.random.Generator) -> Capture:
    """Another placement, focus, noise and light."""
    dx, dy = rng.uniform(-0.5, 0.5, 2)
    return Capture(
        dx, dy, rng.uniform(-0.3, 0.3), rng.uniform(0.6, 0.8), rng.uniform(1, 3), rng.uniform(0.85, 1.1),
        rng.uniform(-0.1, 0.1),
    )  # fmt: skip


def _noise(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    return rng.normal(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize("detail_px", [8, 20])
def test_noise_reaches_the_limit_as_often_as_is_said(
    monkeypatch: pytest.MonkeyPatch, detail_px: float
) -> None:
    monkeypatch.setattr("vision.presence.strokes._FALSE", 0.05)  # 0.00005 takes too many prints to see
    shape, rng = (60, 80), np.random.default_rng(1)
    limit = Strokes(np.zeros(shape, np.float32), np.ones(shape, np.bool_), detail_px, 5.0).limit
    deviation = max(0.07 * detail_px, 0.8)
    reached = 0
    for _ in range(1500):  # by another implementation of the filter
        field = np.asarray(gaussian_filter(_noise(rng, (90, 110)), deviation))[15:75, 15:95]
        reached += float(np.abs(field).max()) > limit / (2 * np.sqrt(np.pi) * deviation)
    assert 0.025 < reached / 1500 < 0.06  # neighbours share their noise: somewhat less often


def test_noise_weighs_alike_up_to_the_rim_of_a_print_of_any_outline() -> None:
    inside, rng = np.zeros((60, 80), np.bool_), np.random.default_rng(2)
    cv2.circle(view := inside.view(np.uint8), (40, 30), 24, 1, -1)
    strokes = Strokes(np.zeros(inside.shape, np.float32), inside, 10, 5.0)
    power = np.mean([strokes.departs(_noise(rng, inside.shape) * inside) ** 2 for _ in range(400)], axis=0)
    rim = inside & (cv2.erode(view, np.ones((3, 3), np.uint8)) == 0)
    assert float(power[rim].mean() / power[inside & ~rim].mean()) == pytest.approx(1, abs=0.1)
    assert not power[~inside].any()


def test_a_departure_does_not_hide_behind_itself() -> None:
    ink = np.zeros((30, 110), np.float32)
    for x in range(12, 104, 14):
        cv2.rectangle(ink, (x, 10), (x + 1, 20), 60, -1)
    strokes = Strokes(ink, np.ones(ink.shape, np.bool_), 10, 60)
    noise, blob = _noise(np.random.default_rng(3), ink.shape), np.zeros(ink.shape, np.float32)
    blob[14:17, 54:57] = 20
    once, thrice = (float(strokes.departs(noise + k * blob)[15, 55]) for k in (1, 3))
    assert thrice / once == pytest.approx(3, rel=0.1)


def test_what_all_edges_of_a_print_show_is_the_capture_and_on_plain_ground_it_is_a_stroke() -> None:
    ink = np.zeros((30, 110), np.float32)
    for x in range(2, 64, 6):  # more than half of the print is edges
        cv2.rectangle(ink, (x, 1), (x + 1, 28), 60, -1)
    strokes = Strokes(ink, np.ones(ink.shape, np.bool_), 10, 60)
    rng = np.random.default_rng(4)
    edges = np.asarray(cv2.Laplacian(ink, cv2.CV_32F)) * rng.normal(0, 0.25, ink.shape)
    apart = (edges + rng.normal(0, 0.5, ink.shape)).astype(np.float32)
    assert 0.3 < float(strokes.departs(apart).max()) < 1
    apart[8:22, 90:104] = apart[8:22, 37:51]
    assert float(strokes.departs(apart)[8:22, 90:104].max()) > 1.5


def test_what_noise_drowns_is_not_the_same() -> None:
    shape, rng = (40, 100), np.random.default_rng(8)
    strokes = Strokes(np.zeros(shape, np.float32), np.ones(shape, np.bool_), 10, 60)
    assert float(strokes.departs(8 * _noise(rng, shape)).max()) < 1  # a stroke is 20 times the noise
    assert float(strokes.departs(60 * _noise(rng, shape)).max()) > 1  # 3 times: it could hide


@pytest.mark.parametrize(("height", "contrast"), [(8, 40), (10, 60), (13, 90)])
def test_recaptures_stay_within_the_limit(height: float, contrast: float) -> None:
    print_check = check(drawn(_TEXT, height, contrast, 1), height)
    rng = np.random.default_rng(5)
    for seed in range(100, 180):
        unit = drawn(_TEXT, height, contrast, seed, _capture(rng))
        assert print_check.see(wide(print_check, unit), 1.0).worst < 0.9


def test_small_faint_characters_are_told_from_nearly_all_others() -> None:
    print_check = check(drawn(_TEXT, 8, 40, 1), 8)
    rng, conform = np.random.default_rng(6), list[str]()
    for place, own in enumerate(_TEXT):
        for other in _CHARACTERS.replace(own, ""):
            unit = drawn(_TEXT[:place] + other + _TEXT[place + 1 :], 8, 40, 500 + place, _capture(rng))
            if print_check.see(wide(print_check, unit), 1.0).state == "agreed":
                conform.append(own + other)
    assert len(conform) <= 6, conform  # of 154; 11 by the structure of windows alone
