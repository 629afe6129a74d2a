"""Areas: faint but wide differences on scenes that are known to the pixel, and what must not be found."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from kernels.comparison import BENT_CODES, UNIT_GAIN, deviation
from kernels.compiled import F32, U8
from vision.surface import Aligned
from vision.surface.areas import AreaChannel, unexplained
from vision.surface.candidates import Candidate
from vision.surface.interval import golden_interval
from vision.surface.tally import Tally

HEIGHT, WIDTH = 240, 320
JUDGED = np.ones((HEIGHT, WIDTH), np.uint8)
PATCH = np.s_[100:132, 150:198]  # 32 x 48 pixels
HUE = np.array([2.5, 0.0, -2.5], np.float32)  # codes: brightness as it was, red minus blue by 5


def board(track: slice = np.s_[40:60], narrow: slice = np.s_[220:226], line: slice = np.s_[200:203]) -> F32:
    """Return a scratched plate with a dark track, a bright one, a narrow one and a line, as codes."""
    rng = np.random.default_rng(5)
    codes = np.full((HEIGHT, WIDTH, 3), (150.0, 142.0, 138.0), np.float32)
    for _ in range(150):  # scratches of polishing
        x, y, turn = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), rng.uniform(0, 6.28)
        end = round(x + 60 * np.cos(turn)), round(y + 60 * np.sin(turn))
        scratch = cv2.line(np.zeros((HEIGHT, WIDTH), np.float32), (round(x), round(y)), end, 1.0, 1)
        codes += scratch[..., None] * np.float32(rng.choice([-18, 18]))
    codes[track] = codes[narrow] = (60.0, 62.0, 70.0)
    codes[:, 40:56] = (220.0, 214.0, 205.0)
    codes[line] = (60.0, 62.0, 70.0)
    return np.asarray(cv2.GaussianBlur(codes, (0, 0), 0.7), np.float32)


def captured(codes: F32, seed: int = 0, noise: float = 4.0) -> Aligned:
    noisy = codes + np.random.default_rng(seed).normal(0, noise, codes.shape)
    return Aligned(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), UNIT_GAIN, 0.0)


GOLDEN = np.rint(board()).astype(np.uint8)
CHANNEL = AreaChannel(GOLDEN, JUDGED, 1)


def with_patch(by: np.ndarray) -> F32:
    codes = board()
    codes[PATCH] += by
    return codes


def lit(codes: F32, red: float = 1.0, blue: float = 1.0) -> F32:
    """Return codes under light of another colour that is stronger at the right, as codes with 14 more are."""
    ramp = np.linspace(0.97, 1.03, WIDTH, dtype=np.float32)[None, :, None]
    return (codes + 14) * ramp * np.array([red, 1.0, blue], np.float32) - 14


@pytest.mark.parametrize("by", [HUE, -HUE, np.array([0.0, 4.5, 0.0])])
def test_a_faint_patch_is_found_where_no_pixel_leaves_its_tolerance(by: np.ndarray) -> None:
    unit = captured(with_patch(by), noise=2.5)
    low, high = golden_interval(GOLDEN).bounds
    outside = ((unit.pixels < low) | (unit.pixels > high)).any(axis=2)
    assert outside.mean() < 0.002  # some are by chance
    ys, xs = np.nonzero(CHANNEL.excess(unit))
    assert (ys.min(), ys.max() + 1, xs.min(), xs.max() + 1) == pytest.approx((100, 132, 150, 198), abs=2)
    assert len(ys) == pytest.approx(32 * 48, rel=0.12)


def test_what_is_smaller_than_a_square_keeps_its_size() -> None:
    codes = board()
    codes[120:125, 200:205] += 110
    ys, xs = np.nonzero(CHANNEL.excess(captured(codes, noise=1.0)))
    assert (np.ptp(ys) + 1, np.ptp(xs) + 1) == pytest.approx((5, 5), abs=1)


def test_the_excess_is_what_exceeds_the_floor_and_the_structure_of_the_place() -> None:
    excess = int(CHANNEL.excess(captured(with_patch(2 * HUE), noise=0.0)).max())
    assert excess in (7, 8)  # 10 codes, 3 of them the floor, rounded up


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_found_where_only_light_noise_and_place_differ(seed: int) -> None:
    rng = np.random.default_rng(seed)
    red, blue = rng.uniform(0.98, 1.02, 2)
    dx, dy = rng.uniform(-1, 1, 2)
    by = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    moved = cv2.warpAffine(board(), by, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(moved, (0, 0), float(rng.uniform(0.3, 0.8)))
    assert not CHANNEL.excess(captured(lit(np.asarray(soft, np.float32), red, blue), seed)).any()


def test_a_lamp_of_another_colour_hides_no_patch() -> None:
    found = CHANNEL.excess(captured(lit(with_patch(2 * HUE), 1.02, 0.98)))
    assert found[PATCH].astype(bool).mean() > 0.9
    found[92:140, 142:206] = 0
    assert not found.any()


@pytest.mark.parametrize("turned", [False, True])
def test_a_faint_patch_is_outlined_where_the_lamp_is_far_from_even(turned: bool) -> None:
    low = np.s_[184:216, 240:288]  # away from the middle, where the lamp is another
    codes = board()
    codes[low] -= 14
    ramp = np.linspace(1.08, 0.92, HEIGHT, dtype=np.float32)[:, None]
    if turned:
        ramp = np.linspace(1.08, 0.92, WIDTH, dtype=np.float32)[None]
    ys, xs = np.nonzero(CHANNEL.excess(captured((codes + 14) * ramp[..., None] - 14, noise=1.0)))
    assert (ys.min(), ys.max() + 1, xs.min(), xs.max() + 1) == pytest.approx((184, 216, 240, 288), abs=2)
    assert len(ys) == pytest.approx(32 * 48, rel=0.12)


def test_a_track_that_is_wider_by_the_reach_passes_and_one_that_is_gone_does_not() -> None:
    assert not CHANNEL.excess(captured(board(np.s_[39:61]))).any()
    assert CHANNEL.excess(captured(board(np.s_[37:63]))).any()
    assert not CHANNEL.excess(captured(board(narrow=np.s_[219:227]))).any()  # both edges in one square
    assert not CHANNEL.excess(captured(board(narrow=np.s_[221:225]))).any()
    assert not CHANNEL.excess(captured(board(line=np.s_[199:204]))).any()
    parted = board()
    parted[40:60, 100:140] = (74.0, 62.0, 56.0)  # as dark as the track, of another hue
    ys, xs = np.nonzero(CHANNEL.excess(captured(parted)))
    assert (ys.min(), ys.max() + 1, xs.min(), xs.max() + 1) == pytest.approx((40, 60, 100, 140), abs=3)


def test_a_unit_that_differs_everywhere_is_judged_by_its_own_spread() -> None:
    rng = np.random.default_rng(1)
    blotches = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 8)
    blotches *= 3.5 / blotches.std()
    other = board() + blotches[..., None] * np.array([0.5, 0.0, -0.5], np.float32)
    assert np.abs(blotches).max() > 8  # red minus blue, where a capture of the golden sample has 3
    assert not CHANNEL.excess(captured(other)).any()
    other[PATCH] += 7 * HUE
    assert CHANNEL.excess(captured(other))[PATCH].astype(bool).mean() > 0.8


def test_a_large_change_does_not_buy_itself_a_tolerance() -> None:
    codes = board()
    codes[80:150, 150:260] += HUE * 2  # a tenth of the view, a fifth of its calm places
    found = CHANNEL.excess(captured(codes)) > 0
    assert found[84:146, 154:256].mean() > 0.9


def test_only_what_is_judged_and_shown_is_found() -> None:
    judged = JUDGED.copy()
    judged[:, 170:] = 0
    unit = captured(with_patch(4 * HUE))
    assert not AreaChannel(GOLDEN, judged, 1).excess(unit)[:, 174:].any()
    assert AreaChannel(GOLDEN, judged, 1).excess(unit)[104:128, 154:168].all()
    assert not CHANNEL.excess(dataclasses.replace(unit, shown=1 - JUDGED)).any()


# approved units

STROKES = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
STROKES[40:200, 60:260:6] = 200  # a pixel wide
WHITE = GOLDEN.copy()
WHITE[PATCH] = 255
NOWHERE = np.zeros((HEIGHT, WIDTH), np.bool_)


def taught(golden: U8, *lessons: list[U8], unconfirmed: np.ndarray = NOWHERE) -> AreaChannel:
    """Return what has learned from units once for each lesson."""
    channel = AreaChannel(golden, JUDGED, 1)
    for units in lessons:
        tally = Tally.empty(HEIGHT, WIDTH)
        for codes in units:
            tally = tally.plus(codes, NOWHERE)
        channel.learn(golden_interval(golden), tally.spread(), tally.count, unconfirmed)
    return channel


def noisy(codes: np.ndarray, count: int, noise: float) -> list[U8]:
    return [captured(np.asarray(codes, np.float32), 50 + n, noise).pixels for n in range(count)]


def darker(golden: U8, by: int, place: tuple[slice, slice] = PATCH) -> F32:
    codes = golden.astype(np.float32)
    codes[place] -= by
    return codes


@pytest.mark.parametrize("golden", [GOLDEN, STROKES, WHITE])
@pytest.mark.parametrize("count", [4, 31])
def test_units_that_are_the_golden_image_move_and_widen_nothing(golden: U8, count: int) -> None:
    channel, fresh = taught(golden, [golden] * count), AreaChannel(golden, JUDGED, 1)
    for by in (8, 14, 20, 45, -14, -40):
        unit = captured(darker(golden, by), noise=1.0)
        np.testing.assert_array_equal(channel.excess(unit), fresh.excess(unit))
    assert fresh.excess(captured(darker(golden, 45))).any()


@pytest.mark.parametrize(("count", "noise"), [(5, 0.0), (31, 0.0), (5, 4.0), (31, 4.0)])
def test_a_darker_area_on_strokes_is_found_after_learning(count: int, noise: float) -> None:
    channel = taught(STROKES, noisy(STROKES, count, noise))
    assert not channel.excess(captured(STROKES.astype(np.float32), noise=noise)).any()
    assert channel.excess(captured(darker(STROKES, 20), noise=noise))[PATCH].any()


@pytest.mark.parametrize("golden", [GOLDEN, STROKES])
def test_what_all_approved_units_show_is_the_measure_once_learned(golden: U8) -> None:
    changed = darker(golden, 40)
    assert AreaChannel(golden, JUDGED, 1).excess(captured(changed, noise=1.0))[PATCH].any()
    channel = taught(golden, noisy(changed, 8, 1.0))
    assert not channel.excess(captured(changed, noise=1.0)).any()
    assert not channel.excess(captured(golden.astype(np.float32), noise=1.0)).any(), "never wrong"
    for by in (-20, 110):
        assert channel.excess(captured(darker(golden, by), noise=1.0))[PATCH].any()


def test_a_square_may_lie_at_the_golden_samples_and_no_farther_on_the_other_side_of_the_mean() -> None:
    plain = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    middle = np.s_[112:120, 170:178]  # away from edges
    for sign in (1, -1):
        channel = taught(plain, [darker(plain, -45 * sign).astype(np.uint8)] * 8)
        for code, excess in ((65, 13), (50, 0), (0, 0), (-5, 0), (-20, 13)):  # the floor is 7
            found = channel.excess(captured(darker(plain, -code * sign), noise=0.0))
            np.testing.assert_allclose(found[middle].astype(int), excess, atol=1, err_msg=str(sign * code))


def test_where_nobody_confirmed_what_units_share_the_golden_image_stays_the_measure() -> None:
    unconfirmed = NOWHERE.copy()
    unconfirmed[PATCH] = True
    units = [captured(darker(GOLDEN, by), by, 1.0).pixels for by in range(20, 64, 4)]
    channel = taught(GOLDEN, units, unconfirmed=unconfirmed)
    inner = np.s_[104:128, 156:192]
    assert not channel.excess(captured(board(), noise=1.0))[inner].any()
    assert channel.excess(captured(darker(GOLDEN, 40), noise=1.0))[inner].all()


def test_squares_where_units_vary_may_differ_by_more_and_others_may_not() -> None:
    elsewhere = np.s_[100:132, 250:298]
    units = [captured(darker(GOLDEN, by), by + 50, 1.0).pixels for by in range(-21, 22, 3)]
    channel = taught(GOLDEN, units)
    for place, passes in ((PATCH, True), (elsewhere, False)):
        unit = captured(darker(GOLDEN, 20, place), noise=1.0)
        assert AreaChannel(GOLDEN, JUDGED, 1).excess(unit)[place].any()
        assert channel.excess(unit)[place].any() != passes
    assert channel.excess(captured(darker(GOLDEN, 120), noise=1.0))[PATCH].any()


def test_learning_again_forgets_what_was_learned_before() -> None:
    units, others = noisy(darker(GOLDEN, 20), 6, 5.0), noisy(darker(GOLDEN, -30), 6, 7.0)
    once, twice, after = (taught(GOLDEN, *lessons) for lessons in ([units], [units, units], [others, units]))
    for by in (-30, 0, 12, 30, 50):
        unit = captured(darker(GOLDEN, by), noise=1.0)
        np.testing.assert_array_equal(twice.excess(unit), once.excess(unit))
        np.testing.assert_array_equal(after.excess(unit), once.excess(unit))
    assert once.excess(captured(darker(GOLDEN, 50), noise=1.0)).any()


# what is shown of it


def test_areas_that_regions_explain_are_left_out_and_those_that_go_on_stay() -> None:
    areas = np.zeros((60, 90), np.uint8)
    areas[10:16, 10:40] = 3
    areas[30:50, 10:40] = 5
    scratch = Candidate((12, 12), np.ones((2, 26), np.bool_), np.ones((2, 26), np.bool_))
    speck = Candidate((20, 40), np.ones((3, 3), np.bool_), np.ones((3, 3), np.bool_))
    left = unexplained(areas, [scratch, speck])
    assert not left[:20].any()
    assert (left[20:] == areas[20:]).all()
    assert not unexplained(np.zeros_like(areas), [scratch, speck]).any()


def test_an_image_too_small_for_a_lamp_or_a_spread_is_compared_all_the_same() -> None:
    golden = np.full((24, 24, 3), 120, np.uint8)
    unit = golden.copy()
    unit[8:16, 8:16] += np.uint8(12)
    found = AreaChannel(golden, np.ones((24, 24), np.uint8), 1).excess(Aligned(unit, UNIT_GAIN, 0.0))
    assert found[10:14, 10:14].all()
    assert not found[:4].any()


# near saturation


def test_a_white_place_that_saturates_under_more_light_is_no_area_of_another_hue() -> None:
    golden = GOLDEN.copy()
    golden[PATCH] = (253, 250, 236)
    lamp = 1.08
    unit = np.clip((golden + 14.0) * lamp - 14, 0, 255)  # red loses 17 codes, blue 1
    found = AreaChannel(golden, JUDGED, 1).excess(
        Aligned(np.rint(unit).astype(np.uint8), UNIT_GAIN / lamp, 0.0)
    )
    assert not found.any()
    yellowed = golden.copy()
    yellowed[PATCH] = (253, 250, 210)
    assert AreaChannel(golden, JUDGED, 1).excess(Aligned(yellowed, UNIT_GAIN, 0.0))[PATCH].any()


def beyond(golden_code: int, unit_code: int, gain: float = 1.0) -> int:
    golden: U8 = np.full((8, 8, 3), golden_code, np.uint8)
    interval = golden_interval(golden)
    out = np.empty((8, 8), np.uint8)
    unit = np.full_like(golden, unit_code)
    lamp = gain * UNIT_GAIN
    deviation(unit, lamp, interval.low, interval.high, interval.tolerance, np.ones((8, 8), np.uint8), out)
    return int(out[4, 4])


def test_a_mark_on_white_is_judged_like_any_other_where_the_unit_itself_is_not_saturated() -> None:
    assert beyond(250, 230) == beyond(200, 180) == 20 - 9
    assert beyond(250, 239) == 2
    assert beyond(250, 240) == 0  # may be brighter than it shows


def test_a_saturated_unit_may_have_been_brighter_and_a_saturated_golden_image_too() -> None:
    low_gain = (255 - 20 + 14) / (255 + 14)  # a unit lit more strongly: its 255 becomes 235
    assert beyond(255, 255, low_gain) == 0
    assert beyond(255, 255, (255 - 9 - BENT_CODES - 4 + 14) / (255 + 14)) == 4
    assert beyond(241, 255) == 0
    assert beyond(239, 255) == 7
    assert beyond(245, 240, 1.2) == 0  # brighter than white is white
