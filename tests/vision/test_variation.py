"""What approved units show: exact sums, honest intervals, and nothing hidden that several units share."""

from __future__ import annotations

import dataclasses
import functools
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.special import polygamma

from datasets.twin import ExcessMaterial, rectangle
from golden.keys import SigningKey, TrustStore
from kernels.compiled import U8
from tests.vision import board
from vision import ApprovedUnit, Inspector, Learned, VariationModel, learn_variation
from vision.surface import (
    VariationAlteredError,
    VariationForeignError,
    VariationFormatError,
    VariationUnitsError,
    VariationUnsignedError,
)
from vision.surface.interval import Interval, golden_interval, learned_interval
from vision.surface.tally import Tally

BLOB = ExcessMaterial(rectangle(330, 340, 30, 24), (600, 430))
AT = "2026-06-02T08:00:00Z"
NOWHERE = np.zeros((60, 60), np.bool_)


def tallied(units: U8) -> Tally:
    total = Tally.empty(*units.shape[1:3])
    for codes in units:
        total = total.plus(codes, codes[..., 0] > 128)
    return total


def noise(rng: np.random.Generator, units: int, sigma: float, side: int = 60) -> U8:
    return np.clip(np.rint(rng.normal(120, sigma, (units, side, side, 3))), 0, 255).astype(np.uint8)


def flat_golden(side: int = 60) -> Interval:
    return golden_interval(np.full((side, side, 3), 120, np.uint8))


# sums


def test_sums_are_those_of_the_units_without_the_farthest_of_each_value() -> None:
    units = np.random.default_rng(1).integers(0, 256, (7, 5, 4, 3)).astype(np.uint8)
    spread = tallied(units).spread()
    for place in np.ndindex(5, 4, 3):
        values = units[(slice(None), *place)].astype(float)
        kept = np.delete(values, np.abs(values - values.mean()).argmax())
        assert spread.mean[place] == pytest.approx(kept.mean(), rel=1e-5)
        # 1.762: variance of seven normal values without the farthest is that much too small
        assert spread.variance[place] == pytest.approx(kept.var(ddof=1) * 1.762 + 1 / 12, rel=1e-4)


def test_the_order_of_units_changes_nothing() -> None:
    units = np.random.default_rng(2).integers(0, 256, (9, 6, 6, 3)).astype(np.uint8)
    one, other = tallied(units), tallied(units[::-1])
    for name in ("count", "total", "squares", "least", "greatest", "beyond"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.count == 9
    np.testing.assert_array_equal(one.beyond, (units[..., 0] > 128).sum(axis=0))


@pytest.mark.parametrize("n", [5, 8, 9, 20, 40, 150])
def test_the_variance_is_that_of_all_units_and_its_freedom_is_what_scatter_says(n: int) -> None:
    rng = np.random.default_rng(n)
    spread = tallied(noise(rng, n, 20.0)).spread()
    variance = spread.variance.astype(np.float64) - 1 / 12
    assert variance.mean() == pytest.approx(400, rel=0.035)
    assert np.log(variance).var() == pytest.approx(polygamma(1, spread.degrees_of_freedom / 2), rel=0.06)


def test_too_few_units_tell_nothing() -> None:
    with pytest.raises(ValueError, match="4 or more"):
        tallied(noise(np.random.default_rng(1), 3, 5.0)).spread()


# intervals


@pytest.mark.parametrize("n", [5, 10, 20, 60])
@pytest.mark.parametrize("sigma", [6.0, 12.0])
def test_an_interval_holds_the_next_units_and_is_not_much_wider_than_it_must(n: int, sigma: float) -> None:
    rng = np.random.default_rng([n, int(sigma)])
    units = tallied(noise(rng, n, sigma))
    low, high = learned_interval(flat_golden(), units.spread(), n, NOWHERE).bounds
    seen = noise(rng, 40, sigma)
    assert ((seen < low) | (seen > high)).mean() < 0.0015  # 0.001 are meant to lie outside
    normal = 2 * 3.29 * sigma  # of a known mean and variance
    assert np.median(high - low) < normal * {5: 2.3, 10: 1.5, 20: 1.3, 60: 1.15}[n]


def test_units_that_agree_never_make_the_interval_narrower_than_light_and_camera_need() -> None:
    units = tallied(np.full((200, 60, 60, 3), 120, np.uint8))
    low, high = learned_interval(flat_golden(), units.spread(), 200, NOWHERE).bounds
    assert (low == 111).all()
    assert (high == 129).all()


def test_one_bad_unit_makes_no_place_for_its_defect() -> None:
    rng = np.random.default_rng(3)
    units = noise(rng, 8, 5.0)
    units[2, 20:30, 20:30] = 230
    low, high = learned_interval(flat_golden(), tallied(units).spread(), 8, NOWHERE).bounds
    inside, outside = np.s_[20:30, 20:30], np.s_[45:55, 45:55]
    assert high[inside].mean() - 120 < 1.2 * (high[outside].mean() - 120)
    assert 120 - low[inside].mean() < 1.2 * (120 - low[outside].mean())


def test_where_the_golden_image_alone_is_the_measure_nothing_is_learned() -> None:
    units = tallied(noise(np.random.default_rng(4), 12, 25.0))
    only = NOWHERE.copy()
    only[:30] = True
    foreseen = flat_golden()
    found = learned_interval(foreseen, units.spread(), 12, only)
    for name in ("low", "high", "tolerance"):
        np.testing.assert_array_equal(getattr(found, name)[:30], getattr(foreseen, name)[:30])
    wider = found.wider_than(foreseen)
    assert not wider[:30].any()
    assert (wider[30:] > 12).all()


# learning


def approved(seed: int, frame_of: object) -> ApprovedUnit:
    return ApprovedUnit(frame_of, f"U{seed}", "A. Buyer", AT)  # type: ignore[arg-type]


@functools.cache
def learned(defective: frozenset[int], units: int = 5) -> Learned:
    shots = (board.captured(s, BLOB) if s in defective else board.captured(s) for s in range(31, 31 + units))
    given = [
        approved(i, dataclasses.replace(board.frame(shot.pixels), data=f"{i}".encode()))
        for i, shot in enumerate(shots, 31)
    ]
    return learn_variation(board.sample(), "top", given)


def judged(model: VariationModel | None, *changes: ExcessMaterial) -> tuple[str, object]:
    inspector = Inspector(
        board.sample(), {"top": board.calibration()}, variations={} if model is None else {"top": model}
    )
    record = inspector.inspect({"top": board.frame(board.captured(60, *changes).pixels)}, serial="S1")
    return record.verdict, record.record()["frames"][0].get("variation")


def test_good_units_teach_and_a_record_says_by_what_it_was_judged() -> None:
    found = learned(frozenset())
    assert found.strange == ()
    assert [u.serial for u in found.model.header.units] == ["U31", "U32", "U33", "U34", "U35"]
    assert judged(found.model) == ("ACCEPT", found.model.digest)
    assert judged(found.model, BLOB) == ("REJECT", found.model.digest)
    assert judged(None) == ("ACCEPT", None)


def test_a_bad_unit_among_the_approved_is_named_and_hides_nothing() -> None:
    found = learned(frozenset({33}))
    assert [s.serial for s in found.strange] == ["U33"]
    assert found.model.header.shared == ()
    assert judged(found.model, BLOB)[0] == "REJECT"
    assert judged(found.model)[0] == "ACCEPT"


def test_a_defect_that_two_of_ten_units_share_is_listed_and_does_not_become_normal() -> None:
    model = learned(frozenset({31, 36}), 10).model
    assert [shared.units for shared in model.header.shared] == [2]
    assert judged(model, BLOB)[0] == "REJECT"


def test_what_all_units_share_silently_passes_only_once_a_person_has_confirmed_it() -> None:
    model = learned(frozenset(range(31, 36))).model
    (shared,) = model.header.shared
    assert shared.units == 5
    assert board.overlap([v / board.MM_PER_PX for v in shared.box_mm], (330, 340, 30, 24))
    assert not shared.confirmed
    assert judged(model, BLOB)[0] == "REJECT"
    confirmed = model.confirm(frozenset({1}))
    assert confirmed.digest != model.digest
    assert judged(confirmed, BLOB)[0] == "ACCEPT"
    with pytest.raises(VariationUnitsError, match="no shared region 2"):
        model.confirm(frozenset({2}))


def test_two_of_five_units_do_not_hide_their_defect_either() -> None:
    model = learned(frozenset({31, 34})).model
    assert judged(model, BLOB)[0] == "REJECT"


def test_units_are_added_to_a_model() -> None:
    start = learned(frozenset())
    frame = dataclasses.replace(board.frame(board.captured(36).pixels), data=b"36")
    more = learn_variation(board.sample(), "top", [approved(36, frame)], start=start.model).model
    assert len(more.header.units) == 6
    together = learned(frozenset(), 6).model
    assert more.digest == together.digest
    with pytest.raises(VariationUnitsError, match="twice"):
        learn_variation(board.sample(), "top", [approved(36, frame)], start=more)


def test_units_that_cannot_be_compared_are_refused_by_name() -> None:
    blank = board.frame(np.full((board.HEIGHT, board.WIDTH, 3), 90, np.uint8))
    with pytest.raises(VariationUnitsError, match="unit U7"):
        learn_variation(board.sample(), "top", [approved(7, blank)])
    with pytest.raises(VariationUnitsError, match="1 approved units: give 4"):
        learn_variation(board.sample(), "top", [approved(31, board.frame(board.captured(31).pixels))])
    with pytest.raises(VariationForeignError, match="no view 'side'"):
        learn_variation(board.sample(), "side", [])


# the file


@functools.cache
def keys() -> tuple[SigningKey, SigningKey]:
    return SigningKey.generate("Buyer", "buyer"), SigningKey.generate("Other", "supplier")


def test_a_file_keeps_all_of_a_model_and_its_signatures(tmp_path: Path) -> None:
    ours, _ = keys()
    model = learned(frozenset(range(31, 36))).model.sign(ours)
    path = tmp_path / "top.variation"
    model.save(path)
    opened = VariationModel.open(path, TrustStore([ours.trusted]))
    assert opened.header == model.header
    assert opened.signatures == model.signatures
    np.testing.assert_array_equal(opened.places, model.places)
    for name in ("count", "total", "squares", "least", "greatest", "beyond"):
        np.testing.assert_array_equal(getattr(opened.tally, name), getattr(model.tally, name))
    assert [s.party for s in opened.verify(TrustStore([ours.trusted]))] == ["Buyer"]


def test_only_a_trusted_signature_of_the_very_model_opens_it(tmp_path: Path) -> None:
    ours, others = keys()
    model = learned(frozenset(range(31, 36))).model
    trust = TrustStore([ours.trusted])
    assert model.sign(ours).confirm(frozenset({1})).signatures == ()
    for unfit in (
        model,
        model.sign(others),
        model.sign(ours).confirm(frozenset({1})),
        dataclasses.replace(model, signatures=model.confirm(frozenset({1})).sign(ours).signatures),
    ):
        unfit.save(tmp_path / "x.variation")
        with pytest.raises(VariationUnsignedError):
            VariationModel.open(tmp_path / "x.variation", trust)


def test_an_altered_file_is_refused() -> None:
    model = learned(frozenset()).model
    with np.load(io.BytesIO(model.to_bytes())) as stored:
        arrays = {name: stored[name] for name in stored}
    for name in ("total", "squares", "least", "greatest", "beyond", "places", "header"):
        changed = {**arrays, name: arrays[name].copy()}
        changed[name].reshape(-1)[-1] ^= 1
        with pytest.raises((VariationAlteredError, VariationFormatError)):
            VariationModel.parse(npz(changed), source="x")
    with pytest.raises(VariationFormatError):
        VariationModel.parse(npz({k: v for k, v in arrays.items() if k != "least"}), source="x")
    with pytest.raises(VariationFormatError):
        VariationModel.parse(npz({**arrays, "least": arrays["least"].astype(np.int64)}), source="x")
    with pytest.raises(VariationFormatError):
        VariationModel.parse(b"no zip", source="x")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"(320, 400, 3)", b"(9999999999, 3)"),  # more than any machine holds
        (b"(320, 400, 3)", b"(320, 400, 3"),
        (b"'<u4'", b"'|O' "),
        (b"NUMPY", b"NUMPX"),
    ],
)
def test_an_array_of_another_kind_is_refused_in_words(old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(learned(frozenset()).model.to_bytes())) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert old in held["total.npy"]
    held["total.npy"] = held["total.npy"].replace(old, new, 1)
    with pytest.raises(VariationFormatError, match=r"\.variation file\?|fetch the original"):
        VariationModel.parse(zipped(held), source="x")


@pytest.mark.parametrize(("place", "value"), [(6, 255), (8, 1), (8, 32)])  # newer zip, encrypted, patched
def test_an_archive_that_cannot_be_unpacked_is_refused_in_words(place: int, value: int) -> None:
    damaged = bytearray(learned(frozenset()).model.to_bytes())
    damaged[damaged.index(b"PK\x01\x02") + place] = value
    with pytest.raises(VariationFormatError, match=r"\.variation file\?"):
        VariationModel.parse(bytes(damaged), source="x")


def zipped(held: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_a_model_of_another_golden_sample_is_refused() -> None:
    model = learned(frozenset()).model
    other = dataclasses.replace(board.sample(), digest="sha256:" + "e" * 64)
    with pytest.raises(VariationForeignError):
        Inspector(other, {}, variations={"top": model})
    with pytest.raises(VariationForeignError, match="view 'side'"):
        Inspector(board.sample(), {}, variations={"side": model})
