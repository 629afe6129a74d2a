"""What the bill of materials asks for, booked to a production lot or not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from golden.plans import FaiPlan
from golden.spec import GoldenSpec
from quality import StepError
from quality import materials as m
from tests.quality.materials.deliveries import SPEC, released, spec


def test_the_bill_of_materials_is_covered_by_what_is_booked() -> None:
    store, other = released(), released()
    store.book("2.25")
    store.book("50", "L2")
    other.book("0.25")
    states = (store.state, other.state)
    assert m.uncovered(SPEC, states, "L1", 10) == {}
    assert m.uncovered(SPEC, states, "L1", 12) == {"laminate": Decimal("0.5")}
    assert m.uncovered(SPEC, states, "L3", 1) == {"laminate": Decimal("0.25")}
    unknown = spec(per_unit=None)
    assert m.uncovered(unknown, states, "L1", 99) == {}
    assert m.uncovered(unknown, states, "L3", 1) == {"laminate": None}


def test_booked_materials_are_asked_for_where_the_golden_sample_says_so() -> None:
    store = released()
    store.book("2.25")
    m.require_booked(SPEC, [], "L1", 10)  # its plan does not ask

    def asking(**material: Any) -> GoldenSpec:
        plan = FaiPlan(materials_booked=True)
        chosen = spec(**material)
        return chosen.model_copy(update={"plans": chosen.plans.model_copy(update={"fai": plan})})

    m.require_booked(asking(), [store.state], "L1", 9)
    with pytest.raises(StepError, match=r"lot L1: 0\.25 sheet of laminate for its 10 units is not booked"):
        m.require_booked(asking(), [store.state], "L1", 10)
    m.require_booked(asking(per_unit=None), [store.state], "L1", 99)
    with pytest.raises(StepError, match="lot L2: laminate for its 1 units is not booked"):
        m.require_booked(asking(per_unit=None), [store.state], "L2", 1)
