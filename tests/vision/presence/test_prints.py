"""The comparison of prints alone, on drawn ones: small, faint, in noisy colours, and large."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from kernels.compiled import U8
from tests.vision.presence.printed import check, drawn, wide
from vision.presence.ink import contrast, ink_channel
from vision.presence.window import Picture

_NOISE = (7.0, 2.0, 7.0)  # codes of red, green and blue: what is left of a compressed frame's colours


def _drawn(text: str, size: tuple[int, int], scale: float, ink: float, seed: int) -> U8:
    """Grey text on a dark body of 50 codes, with noise that is mostly in its colours."""
    cover = np.zeros((size[1], size[0]), np.uint8)
    thick = max(round(2 * scale), 1)
    cv2.putText(cover, text, (12, size[1] // 2 + 6), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    image = 50 + ink * cv2.GaussianBlur(cover / 255.0, (0, 0), 0.7)[..., None]
    noise = np.random.default_rng(seed).normal(0, _NOISE, (*cover.shape, 3))
    return np.clip(np.round(image + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("text", ["1822VU8", "1629VU8", "1829VUB", "7829VU8"])
def test_a_character_of_ten_pixels_in_noisy_colours_is_told(text: str) -> None:
    golden = check(_drawn("1829VU8", (110, 40), 0.42, 60, 1), 10)
    same = golden.see(wide(golden, _drawn("1829VU8", (110, 40), 0.42, 60, 2)), 1.0)
    other = golden.see(wide(golden, _drawn(text, (110, 40), 0.42, 60, 2)), 1.0)
    assert same.state == "agreed"
    assert other.state == "differs" or (text == "1829VUB" and other.state == "unclear")  # 8 and B are alike
    assert same.worst < 0.75
    changed = next(i for i, (a, b) in enumerate(zip("1829VU8", text, strict=True)) if a != b)
    ahead = cv2.getTextSize(text[:changed], cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)[0][0]
    assert any(abs(x + w / 2 - (12 + ahead + 4)) < 7 for x, _, w, _ in other.places)


def test_between_the_same_and_another_character_nothing_is_decided() -> None:
    own, other = (_drawn(text, (110, 40), 0.42, 60, 2).astype(float) for text in ("1829VU8", "1822VU8"))
    golden = check(_drawn("1829VU8", (110, 40), 0.42, 60, 1), 10)
    states: list[str] = []
    for share in np.linspace(0, 1, 21):
        unit = np.asarray(np.round(own + share * (other - own)), np.uint8)
        seen = golden.see(wide(golden, unit), 1.0)
        assert (seen.state == "agreed") == (seen.worst < 1)
        states.append(seen.state)
    order = ["agreed", "unclear", "differs"]
    assert states == sorted(states, key=order.index)
    assert set(states) == set(order)


def test_a_print_of_many_pixels_is_compared_at_full_resolution() -> None:
    golden = check(_drawn("HALLMARK", (560, 120), 3.0, 150, 1), 60)
    assert int(golden.picture.inside.sum()) > 32_000  # more than a placement needs
    same = golden.see(wide(golden, _drawn("HALLMARK", (560, 120), 3.0, 150, 2)), 1.0)
    other = golden.see(wide(golden, _drawn("HALLNARK", (560, 120), 3.0, 150, 2)), 1.0)
    assert (same.state, other.state) == ("agreed", "differs")


def test_channels_count_by_their_noise() -> None:
    picture = Picture(
        _drawn("1829VU8", (110, 40), 0.42, 60, 3).astype(np.float32), np.ones((40, 110), np.bool_)
    )
    weights = ink_channel(picture)
    # inverse variances 1/49, 1/4, 1/49, each variance with a twentieth of their mean more
    mean = (49 + 4 + 49) / 3
    expected = 1 / (np.array([49.0, 4.0, 49.0]) + 0.05 * mean)
    assert weights == pytest.approx(expected / expected.sum(), abs=0.05)
    along = contrast(picture.values, np.asarray(picture.values.mean(axis=2)), picture.inside)
    assert float(weights @ along) == pytest.approx(1.0, abs=1e-5)


def test_contrast_is_how_each_channel_follows_the_ink() -> None:
    ink = np.random.default_rng(4).random((9, 7)).astype(np.float32)
    values = np.stack([30 + 200 * ink, 80 + 0 * ink, 120 - 50 * ink], axis=2).astype(np.float32)
    inside = np.ones((9, 7), np.bool_)
    assert contrast(values, ink, inside) == pytest.approx([200, 0, -50], abs=1e-3)
    values[0, 0] = 255  # no longer counts
    inside[0, 0] = False
    assert contrast(values, ink, inside) == pytest.approx([200, 0, -50], abs=1e-3)


@pytest.mark.parametrize("half", ["upper", "left"])
def test_half_a_character_that_changes_is_told(half: str) -> None:
    golden = check(drawn("1829VU8", 11, 60, 1), 11)
    own, other = (drawn(text, 11, 60, 2).astype(np.float64) for text in ("1829VU8", "1822VU8"))
    left = 14 + 3 * 1.05 * 11  # the third character's cell
    y, x = np.mgrid[:40, :110]
    part = (y < 20) if half == "upper" else (x < left + 4)
    unit = np.where((part & (x > left - 1) & (x < left + 10))[..., None], other, own)
    seen = golden.see(wide(golden, np.asarray(unit, np.uint8)), 1.0)
    assert seen.state == "differs"
    assert all(left - 3 < x + w / 2 < left + 13 for x, _, w, _ in seen.places)
