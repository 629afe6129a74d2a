"""Whether what the bill of materials asks for is booked to a production lot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from golden.spec import GoldenSpec
from quality.errors import StepError
from quality.materials.lots import MaterialState


def uncovered(
    spec: GoldenSpec, states: Iterable[MaterialState], lot: str, units: int
) -> dict[str, Decimal | None]:
    """Return what is missing for so many units of a production lot, by material, in its unit.

    A material without an amount per unit is missing (None) where nothing of it is booked to the lot.
    """
    booked: defaultdict[str, Decimal] = defaultdict(Decimal)
    for state in states:
        for booking in state.bookings:
            if booking.lot == lot:
                booked[state.receipt.agreed.material.id] += booking.quantity
    short: dict[str, Decimal | None] = {}
    for material in spec.materials:
        if material.per_unit is None:
            if not booked[material.id]:
                short[material.id] = None
        elif booked[material.id] < material.per_unit * units:
            short[material.id] = material.per_unit * units - booked[material.id]
    return short


def require_booked(spec: GoldenSpec, states: Iterable[MaterialState], lot: str, units: int) -> None:
    """Raise StepError where the golden sample asks for booked materials and something of them is missing."""
    if not spec.plans.fai.materials_booked:
        return
    short = uncovered(spec, states, lot, units)
    if short:
        named = {m.id: m for m in spec.materials}
        missing = ", ".join(
            name if amount is None else f"{amount.normalize():f} {named[name].unit} of {name}"
            for name, amount in short.items()
        )
        raise StepError(f"lot {lot}: {missing} for its {units} units is not booked to it; book it first")
