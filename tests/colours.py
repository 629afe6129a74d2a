"""A colour with a contractual reference, and what instruments and cameras say of it, for every room."""

from __future__ import annotations

from typing import Any

from evidence import CharacteristicResult, ColourResult
from golden.colour_difference import delta_e, lab_difference
from golden.colours import InstrumentReading
from golden.spec import Colour, GoldenSpec
from tests import builders

Lab = tuple[float, float, float]

AGREED: dict[str, Any] = {"illuminant": "D65", "observer": "10", "geometry": "d/8", "specular": "SCI"}
TARGET: Lab = (60.0, 20.0, -10.0)
REFERENCE: dict[str, Any] = {"lab": TARGET, "conditions": AGREED, "instrument": "Minolta CM-26d"}
NEAR: Lab = (60.2, 20.1, -10.0)  # conforms to 1.0 with u = 0.05
EDGE: Lab = (61.13, 20.0, -10.0)  # undecided
FAR: Lab = (64.0, 20.0, -10.0)


def colour_fields(**changes: Any) -> dict[str, Any]:
    """Return the fields of a colour characteristic of the tiny specification."""
    region = {"type": "disk", "center_px": [5, 5], "radius_px": 2}
    return {
        "number": 2, "id": "paint", "name": "Paint", "severity": "minor", "kind": "colour", "view": "top",
        "region": region, "upper": 1.0, **changes,
    }  # fmt: skip


def paint(**changes: Any) -> Colour:
    """Return a colour characteristic of the tiny specification."""
    return Colour.model_validate(colour_fields(**changes))


def spec_with_colour(fields: dict[str, Any] | None = None, **changes: Any) -> GoldenSpec:
    """Return a specification whose colour is this one; the tiny one unless fields are given."""
    known = builders.tiny_fields() if fields is None else fields
    known["characteristics"][1] = colour_fields(**changes)
    return GoldenSpec.model_validate(known)


def reading(lab: Lab = NEAR, **changes: Any) -> InstrumentReading:
    """Return an instrument's reading under the agreed conditions."""
    fields = {"lab": lab, "conditions": AGREED, "instrument": "Minolta CM-26d 1001", "u": 0.05, **changes}
    return InstrumentReading.model_validate(fields)


def seen(c: Colour, lab: Lab, decision: str, reason: str | None, u: float = 2.0) -> CharacteristicResult:
    """Return what a camera says of a colour, U = 2 u to both sides."""
    value = round(delta_e(TARGET, lab, c.formula), 6)
    d = lab_difference(TARGET, lab)
    return CharacteristicResult.model_validate({
        "id": c.id, "name": c.name, "source": "vision", "value": value, "unit": c.unit, "nominal": None,
        "lower": None, "upper": c.upper, "standard_uncertainty": u, "coverage_factor": 2.0,
        "rule": c.decision, "valid": True, "reason": reason, "decision": decision,
        "interval": (max(0.0, value - 2 * u), value + 2 * u),
        "colour": ColourResult(
            lab=lab, reference=TARGET, dl=d.dl, da=d.da, db=d.db, dc=d.dc, dh=d.dh, words=("lighter",),
            conditions={"illuminant": "D65", "observer": "10"}, excluded=0.031,  # type: ignore[arg-type]
        ),
    })  # fmt: skip
