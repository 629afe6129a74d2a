"""A detector's card in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.detector.card import DetectorCard


def detector_rows(card: DetectorCard) -> Iterable[tuple[str, str]]:
    """Yield titles and texts of everything that a detector's card says, but its metrics."""
    yield "model", f"{card.name}, {card.created}, {card.licence}"
    yield "digest", card.reference.digest
    yield "description", card.description
    yield "runs", "INT8, with FP32 behind it" if card.runs == "int8" else "FP32"
    if card.golden_image is not None:
        yield "golden image", card.golden_image
    yield "classes", ", ".join(card.classes)
    scale = "" if card.input.mm_per_px is None else f", {card.input.mm_per_px:g} mm per pixel"
    yield "input", f"{card.input.layout}; {card.input.channels} channels a picture{scale}"
    t = card.thresholds
    yield "temperature", f"{t.temperature:g}"
    yield "operating", f"what is a defect with less than {t.operating:g} is dismissed"
    yield "held", f"what is named with less than {t.hold_below:g}"
    if t.int8_margin is not None:
        yield "INT8", f"within {t.int8_margin:g} of another decision, FP32 decides"
    yield "chosen", t.chosen
    for use in card.data:
        yield use.use, f"{use.description} {use.items} items, {use.split}"
        yield "", f"{use.digest}; {use.licence}"
    yield "seeds", ", ".join(f"{what} {seed}" for what, seed in card.seeds.items()) or "none"
    for bar in card.reliability:
        yield "reliability", f"confidence {bar.confidence:.3f}: right in {bar.correct:.3f} of {bar.n}"
    yield "conditions", card.conditions
    yield "versions", ", ".join(f"{name} {version}" for name, version in card.versions.items())
    for limit in card.limits:
        yield "limit", limit
