"""In-process samples of an absolute colour: the instrument's L*a*b* is entered, the difference follows."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import quality
from evidence.journal import append
from golden.colour_difference import delta_e
from quality import StepError, ipqc
from quality.ipqc import Reading
from tests.colours import AGREED, FAR, NEAR, REFERENCE, TARGET, Lab, reading, spec_with_colour
from tests.quality.ipqc.lines import CUSTOMER, KEEPER, OPERATOR, Shop, plan
from tests.quality.records import GOLDEN, fields, inspection, proof, result

PAINT = {"characteristic": "paint", "chart": "xbar_r", "rules": "nelson 1 2"}


class ColourShop(Shop):
    """A shop that samples a colour with a reference; its stations judge the hole and the face."""

    def __init__(self) -> None:
        known = {**fields(), "plans": {"ipqc": plan(key_characteristics=[PAINT])}}
        super().__init__(spec_with_colour(known, reference=REFERENCE, required_at=["ipqc"]))

    def record(self, serial: str) -> Any:
        kept = [result(self.spec, "hole"), result(self.spec, "face")]
        return inspection(serial, spec=self.spec, characteristics=kept)

    def sampling(self) -> ColourShop:
        """Produce ten units under in-process control."""
        first = self.record("FA-1")
        self.add(quality.open_lot(self.lot, self.spec, GOLDEN))
        self.add(quality.record_inspection(self.lot, self.spec, first))
        self.add(quality.decide_first_article(self.lot, self.spec, [first], [proof("FA-1")]))
        self.add(quality.approve_first_article(self.lot, self.spec, CUSTOMER))
        self.add(ipqc.start_ipqc(self.state, self.spec, KEEPER, sop="WI-7", sop_version="B", now=self.clock))
        self.add(ipqc.acknowledge_sop(self.state, "B", OPERATOR, now=self.clock))
        for number in range(1, 11):
            self.add(quality.record_inspection(self.lot, self.spec, self.record(f"U{number:03d}")))
        return self

    def take(self, *readings: Reading) -> list[str]:
        return self.add(ipqc.take_sample(self.state, self.lot, readings, OPERATOR, now=self.clock))


def read(serial: str, lab: Lab = NEAR, **changes: Any) -> Reading:
    shown = reading(lab, **changes)
    return Reading(serial=serial, characteristic="paint", instrument=shown.instrument, colour=shown)


def test_the_difference_follows_from_the_reading_and_is_charted() -> None:
    shop = ColourShop().sampling()
    assert shop.take(read("U009"), read("U010")) == ["ipqc.sampled"]
    (sample,) = shop.state.samples
    (judged,) = sample.judgements
    assert judged.outcome == "conforming"
    assert [r.value for r in sample.readings] == pytest.approx([delta_e(TARGET, NEAR)] * 2, abs=1e-6)
    assert shop.state.record()["samples"][0]["readings"][0]["colour"]["lab"] == list(NEAR)


def test_a_colour_out_of_specification_quarantines() -> None:
    shop = ColourShop().sampling()
    shop.take(read("U009"), read("U010", FAR))
    assert shop.state.samples[0].judgements[0].outcome == "out_of_specification"
    assert set(shop.lot.quarantine) == {f"U{n:03d}" for n in range(1, 11)}


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (read("U010", conditions={**AGREED, "observer": "2"}), "observer is 2, 10 is agreed"),
        (
            Reading(serial="U010", characteristic="paint", instrument="eye", value=0.1),
            "paint on U010 takes a spectrophotometer's reading",
        ),
        (read("U010").model_copy(update={"value": 0.1}), "was read as 0.185451, not 0.1"),
    ],
)
def test_what_is_no_such_reading_is_refused(second: Reading, sentence: str) -> None:
    shop = ColourShop().sampling()
    with pytest.raises(StepError, match=sentence):
        shop.take(read("U009"), second)


def test_a_line_that_states_another_difference_does_not_follow() -> None:
    shop = ColourShop().sampling()
    (event,) = ipqc.take_sample(shop.state, shop.lot, (read("U009"), read("U010")), OPERATOR, now=shop.clock)
    event.body["readings"][0]["value"] = 0.01
    line = append(
        shop.lines[-1], time=shop.clock.isoformat().replace("+00:00", "Z"), actor="test", kind=event.kind,
        subject=event.subject, body=event.body,
    )  # fmt: skip
    with pytest.raises(StepError, match="was read as"):
        ipqc.apply_ipqc(shop.state, line)


@pytest.mark.parametrize("change", [{"conform": True}, {"instrument": "another"}])
def test_a_reading_is_given_in_one_way(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="paint on U1"):
        Reading.model_validate({**read("U1").model_dump(), **change})
