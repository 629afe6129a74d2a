"""In-process control: the procedure is acknowledged, limits are frozen, and each step has its people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from quality import Person, StepError, ipqc
from quality.errors import ChartError
from quality.ipqc import Reading
from quality.spc import Estimated
from tests.builders import BUYER, SUPPLIER
from tests.quality.ipqc.lines import ENGINEER, KEEPER, OPERATOR, START, Shop, limits, plan
from tests.quality.records import spec_with

GOOD = (0.8, 0.802)
HIGH = (0.83, 0.832)  # within specification, beyond three standard errors


def test_the_operator_acknowledges_the_version_that_holds() -> None:
    shop = Shop().started().made(10)
    other = Person(name="New", party=SUPPLIER.party, roles=("production",))
    with pytest.raises(StepError, match="New has not acknowledged WI-7 B"):
        ipqc.take_sample(shop.state, shop.lot, shop.readings(*GOOD), other, now=shop.clock)
    with pytest.raises(StepError, match="is at version B, not A"):
        ipqc.acknowledge_sop(shop.state, "A", other, now=shop.clock)
    with pytest.raises(StepError, match="has version B already"):
        ipqc.change_sop(shop.state, "B", ENGINEER, now=shop.clock)
    shop.add(ipqc.change_sop(shop.state, "C", ENGINEER, now=shop.clock))
    with pytest.raises(StepError, match="Chen has not acknowledged WI-7 C"):
        shop.sample(*GOOD)
    shop.add(ipqc.acknowledge_sop(shop.state, "C", OPERATOR, now=shop.clock))
    assert shop.sample(*GOOD) == ["ipqc.sampled"]
    assert shop.state.samples[0].sop_version == "C"


def test_limits_are_frozen_by_version_and_of_the_right_chart() -> None:
    shop = Shop().started()
    for version in (0, 1, 3):
        with pytest.raises(StepError, match=f"have version {version}, expected 2"):
            shop.freeze(limits(version=version))
    shop.freeze(limits(version=2))
    with pytest.raises(StepError, match="paint is no key characteristic"):
        ipqc.freeze_limits(shop.state, "paint", limits(), ENGINEER, reason="x", now=shop.clock)
    wrong = limits(version=3).model_copy(update={"chart": "np"})
    with pytest.raises(StepError, match="limits of the np chart do not serve xbar_r"):
        ipqc.freeze_limits(shop.state, "hole", wrong, ENGINEER, reason="x", now=shop.clock)
    with pytest.raises(StepError, match="reason"):
        ipqc.freeze_limits(shop.state, "hole", limits(version=3), ENGINEER, reason="", now=shop.clock)


def test_limits_follow_from_the_samples_taken() -> None:
    shop = Shop().started(frozen=False)
    for name in ("limits_of_samples", "limits_entered"):
        more = () if name == "limits_of_samples" else (0.8, 0.01, ENGINEER)
        reason = {} if name == "limits_of_samples" else {"reason": "x"}
        with pytest.raises(StepError, match="paint is no key characteristic"):
            getattr(ipqc, name)(shop.state, "paint", *more, **reason)
        with pytest.raises(StepError, match="hole is not monitored: in-process control is not started"):
            getattr(ipqc, name)(ipqc.IpqcState("L1"), "hole", *more, **reason)
    pairs = [(0.798, 0.802), (0.806, 0.804), (0.79, 0.84)]
    for pair in pairs:
        with pytest.raises(ChartError, match="fewer than two"):
            ipqc.limits_of_samples(
                shop.state, "hole", exclude={"2": "?"} if len(shop.state.samples) > 1 else {}
            )
        shop.made(2)
        shop.sample(*pair)
    chosen = ipqc.limits_of_samples(shop.state, "hole", exclude={"3": "chip under the part"})
    # truth: mean of four values; mean range over d2 of two (1.12838, ISO 7870-2 table 2)
    assert chosen.centre == pytest.approx((0.798 + 0.802 + 0.806 + 0.804) / 4, abs=1e-12)
    assert chosen.sigma == pytest.approx((0.004 + 0.002) / 2 / 1.12838, rel=1e-5)
    assert (chosen.chart, chosen.version) == ("xbar_r", 1)
    origin = chosen.origin
    assert isinstance(origin, Estimated)
    assert (origin.subgroups, origin.excluded[0].reason) == (("1", "2"), "chip under the part")
    shop.freeze(chosen)
    second = ipqc.limits_entered(shop.state, "hole", 0.8, 0.01, ENGINEER, reason="new drill")
    assert (second.version, second.centre, second.sigma) == (2, 0.8, 0.01)
    shop.freeze(second)
    assert shop.state.limits["hole"] == (second, 3)


def test_limits_of_counted_units_follow_from_the_samples_taken() -> None:
    key = {"characteristic": "face", "chart": "np", "rules": "nelson 1"}
    shop = Shop(spec_with(ipqc=plan(key_characteristics=[key]))).started(frozen=False)
    for bad in (1, 0, 1):
        shop.made(2)
        readings = [
            Reading(serial=f"U{shop.units - 1 + i:03d}", characteristic="face", conform=i >= bad,
                    instrument="eye")
            for i in range(2)
        ]  # fmt: skip
        shop.add(ipqc.take_sample(shop.state, shop.lot, readings, OPERATOR, now=shop.clock))
    chosen = ipqc.limits_of_samples(shop.state, "face")
    assert chosen.centre == pytest.approx(2 / 6)
    assert chosen.sigma == pytest.approx((2 / 6 * 4 / 6) ** 0.5)


ROLES = ("inspector", "quality", "engineering", "production", "management")


@pytest.mark.parametrize(
    ("allowed", "act"),
    [
        (
            {"inspector", "quality"},
            lambda s, p: ipqc.start_ipqc(s.state, s.spec, p, sop="W", sop_version="B", now=s.clock),
        ),
        ({"quality", "engineering"}, lambda s, p: ipqc.change_sop(s.state, "C", p, now=s.clock)),
        ({"production", "inspector"}, lambda s, p: ipqc.acknowledge_sop(s.state, "B", p, now=s.clock)),
        (
            {"quality", "engineering"},
            lambda s, p: ipqc.freeze_limits(s.state, "hole", limits(version=2), p, reason="x", now=s.clock),
        ),
        (
            {"production", "inspector"},
            lambda s, p: ipqc.take_sample(
                s.state, s.lot, s.readings(*GOOD), p.model_copy(update={"name": "Chen"}), now=s.clock
            ),
        ),
        (
            {"inspector", "quality", "engineering", "production"},
            lambda s, p: ipqc.acknowledge_reaction(s.state, "1:hole", p, note="x", now=s.clock),
        ),
    ],
    ids=["start", "sop", "acknowledge", "limits", "sample", "reaction"],
)
def test_who_may_do_what(allowed: set[str], act: Callable[[Shop, Person], Any], request: Any) -> None:
    shop = Shop().producing()
    if "start" not in request.node.name:
        shop = Shop().started().made(10)
        shop.sample(*HIGH)
        shop.made(5)
    for party in (SUPPLIER.party, BUYER.party):
        for role in ROLES:
            one = Person(name="X", party=party, roles=(role,))
            if party == SUPPLIER.party and role in allowed:
                assert act(shop, one)
                continue
            with pytest.raises(StepError, match=f"needs a person with the role .* at {SUPPLIER.party}"):
                act(shop, one)


def test_nothing_happens_before_it_is_started() -> None:
    shop = Shop()
    with pytest.raises(StepError, match="the lot is not in production"):
        ipqc.start_ipqc(shop.state, shop.spec, KEEPER, sop="W", sop_version="B", now=START)
    shop.producing().made(20)
    with pytest.raises(StepError, match="in-process control is not started"):
        shop.sample(*GOOD)
    with pytest.raises(StepError, match="in-process control is not started"):
        ipqc.acknowledge_sop(shop.state, "B", OPERATOR, now=START)
    assert shop.watch() == []
    with pytest.raises(StepError, match="key_characteristics is empty"):
        ipqc.start_ipqc(shop.state, spec_with(), KEEPER, sop="W", sop_version="B", now=START)
    started = Shop().started()
    with pytest.raises(StepError, match="it is started once"):
        ipqc.start_ipqc(started.state, started.spec, KEEPER, sop="W", sop_version="B", now=START)


def test_a_time_without_zone_is_refused() -> None:
    shop = Shop().started().made(10)
    naive = datetime(2026, 7, 1)  # noqa: DTZ001 (that is the point)
    for act in (
        lambda: ipqc.watch(shop.state, shop.lot, naive),
        lambda: ipqc.take_sample(shop.state, shop.lot, shop.readings(*GOOD), OPERATOR, now=naive),
        lambda: ipqc.change_sop(shop.state, "C", ENGINEER, now=naive),
    ):
        with pytest.raises(StepError, match="no zone"):
            act()
