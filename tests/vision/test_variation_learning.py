"""What becomes normal by approved units, what waits for a person, and which units teach nothing."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest

from evidence import Frame
from golden.sample import GoldenSample
from kernels.compiled import U8
from tests.vision import board
from vision import ApprovedUnit, Inspector, Learned, VariationModel, learn_variation
from vision.surface import Approval, VariationUnitsError
from vision.surface.tally import MOST, Tally

AT = "2026-06-02T08:00:00Z"
PLACE = np.s_[410:470, 560:640]  # of the large copper area
LINE = np.s_[430:436, 580:620]  # narrower than an area's square
FAINT, LIGHTER = (6.0, 0.0, -6.0), (11.0, 11.0, 11.0)


def shown(
    number: int,
    by: tuple[float, ...] = (0, 0, 0),
    place: tuple[slice, slice] = PLACE,
    *,
    golden: U8 | None = None,
) -> Frame:
    """Return a frame of the golden board with noise, a place of it by so many codes lighter."""
    codes = (board.golden_rgb() if golden is None else golden).astype(np.float64)
    codes[place] += by
    codes += np.random.default_rng(number).normal(0, 1.5, codes.shape)
    return board.frame(np.clip(np.rint(codes), 0, 255).astype(np.uint8))


def approved(number: int, frame: Frame) -> ApprovedUnit:
    return ApprovedUnit(frame, f"U{number}", "A. Buyer", AT)


@functools.cache
def learned(by: tuple[float, ...], of: int, units: int = 10, line: bool = False) -> Learned:
    """Return what units teach, `of` which differ in a place."""
    where = LINE if line else PLACE
    frames = (shown(n, by, where) if n < of else shown(n) for n in range(units))
    return learn_variation(board.sample(), "top", [approved(n, frame) for n, frame in enumerate(frames)])


def rejects(model: VariationModel | None, frame: Frame, golden: GoldenSample | None = None) -> bool:
    inspector = Inspector(golden or board.sample(), {}, variations={} if model is None else {"top": model})
    return "surface_rejected" in inspector.inspect({"top": frame}, serial="S1").reasons


@pytest.mark.parametrize("by", [FAINT, LIGHTER])
@pytest.mark.parametrize("of", [2, 10])
def test_a_faint_area_that_units_share_is_listed_and_does_not_become_normal(
    by: tuple[float, ...], of: int
) -> None:
    """By its mean alone the golden image stops it: hardly a pixel leaves its tolerance."""
    faint = shown(99, by)
    assert rejects(None, faint)
    model = learned(by, of).model
    (shared,) = model.header.shared
    assert shared.units == of
    assert board.overlap([v / board.MM_PER_PX for v in shared.box_mm], (560, 410, 80, 60))
    assert rejects(model, faint)


def test_once_confirmed_what_units_share_and_the_golden_sample_pass_and_nothing_beyond_either() -> None:
    model = learned((24.0, 24.0, 24.0), 10).model
    confirmed = model.confirm(frozenset({1}))
    for by, stopped in ((-24, True), (0, False), (12, False), (24, False), (55, True)):
        frame = shown(98, (by, by, by))
        assert rejects(confirmed, frame) == stopped, by
        assert rejects(model, frame) == (by != 0), by


def test_where_only_the_units_mean_lies_beyond_the_golden_image_all_of_them_are_told() -> None:
    by = (17.0, 17.0, 17.0)  # 8 beyond its tolerance: no deviation, and too narrow for an area
    assert not rejects(None, shown(97, by, LINE))
    model = learned(by, 10, line=True).model
    (shared,) = model.header.shared
    assert shared.units == 10
    assert rejects(model, shown(96, (30.0, 30.0, 30.0), LINE))
    assert not rejects(model.confirm(frozenset({1})), shown(96, (30.0, 30.0, 30.0), LINE))


def test_units_that_agree_with_the_golden_image_share_nothing() -> None:
    found = learned((0.0, 0.0, 0.0), 10)
    assert found.model.header.shared == ()
    assert found.strange == ()


def test_what_is_ignored_may_vary_and_widens_nothing_beside_it() -> None:
    spec = board.fields()
    label = {"type": "rectangle", "x": 580, "y": 415, "width": 30, "height": 50}
    spec["views"][0]["ignore"] = [label]
    sample, printed, beside = board.sample(spec), np.s_[415:465, 580:610], np.s_[420:460, 611:623]
    units = [
        ApprovedUnit(shown(n, ((-1) ** n * 60.0,) * 3, printed), f"U{n}", "A. Buyer", AT) for n in range(10)
    ]
    model = learn_variation(sample, "top", units).model
    assert not rejects(model, shown(50, (-60.0,) * 3, printed), sample)
    assert rejects(None, shown(51, (30.0,) * 3, beside), sample)
    assert rejects(model, shown(51, (30.0,) * 3, beside), sample)


def white_golden() -> U8:
    golden = board.golden_rgb().copy()
    golden[PLACE] = 244
    return np.asarray(cv2.GaussianBlur(golden, (0, 0), 0.7), np.uint8)


def test_more_light_than_the_golden_sample_had_does_not_teach_that_white_may_be_dark() -> None:
    golden = white_golden()
    sample = board.sample(images={"images/top.png": board.png(golden)})

    def lit(number: int, gain: float, mark: float = 0.0) -> Frame:
        codes = (golden + 14.0) * gain - 14  # nearly what more light does to sRGB codes
        codes[430:450, 590:610] -= mark
        codes += np.random.default_rng(number).normal(0, 1.0, codes.shape)
        return board.frame(np.clip(np.rint(codes), 0, 255).astype(np.uint8))

    units = [
        approved(n, lit(n, gain)) for n, gain in enumerate((0.95, 1.0, 1.02, 1.05, 1.08, 1.1, 1.12, 1.13))
    ]
    model = learn_variation(sample, "top", units).model
    assert model.header.shared == ()
    for gain in (0.95, 1.0, 1.1):
        assert not rejects(model, lit(50, gain), sample), gain
    assert rejects(model, lit(51, 1.0, mark=30), sample)


def test_a_unit_is_given_once_by_frame_and_by_serial_number() -> None:
    frames = [shown(n) for n in range(4)]
    units = [approved(n, frame) for n, frame in enumerate(frames)]
    again = ApprovedUnit(shown(40), "U2", "A. Buyer", AT)
    with pytest.raises(VariationUnitsError, match="unit U2: its serial number occurs twice"):
        learn_variation(board.sample(), "top", [*units, again])
    model = learn_variation(board.sample(), "top", units).model
    with pytest.raises(VariationUnitsError, match="unit U2: its serial number occurs twice"):
        learn_variation(board.sample(), "top", [again], start=model)
    with pytest.raises(VariationUnitsError, match="unit U9: its frame occurs twice"):
        learn_variation(board.sample(), "top", [approved(9, frames[0])], start=model)


def test_a_model_that_is_full_takes_no_unit_more() -> None:
    shape = board.HEIGHT // 2, board.WIDTH // 2
    empty = Tally.empty(*shape)
    full = Tally(MOST, empty.total, empty.squares, empty.least, empty.greatest, empty.beyond)
    units = tuple(
        Approval(frame=f"sha256:{n:064x}", serial=f"U{n}", approved_by="A. Buyer", approved_at=AT)
        for n in range(MOST)
    )
    start = VariationModel.of(board.sample().digest, "top", units, full, (), np.zeros(shape, np.uint16))
    with pytest.raises(VariationUnitsError, match="10000 units"):
        learn_variation(board.sample(), "top", [ApprovedUnit(shown(1), "X", "A. Buyer", AT)], start=start)
