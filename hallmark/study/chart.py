"""Detection by size as SVG: one panel for each class, a curve for each level of contrast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hallmark.svg import GREY, INK, document, text
from quality.pod import ALL, DefectTrial, PodCurve, PodStudy

_COLOURS = ("#0b5394", "#c03a00", "#4b3f8f", "#7a5200")
_WIDTH, _PANEL, _HIGH, _LEFT, _TOP = 1200.0, 380.0, 230.0, 52.0, 40.0
_ACROSS, _WIDE = 3, 310.0
_KEY, _LEAD = 58.0, 17.0  # below a panel: where what its curves say begins, a line for each
_TICKS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def pod_chart(study: PodStudy, curves: Sequence[PodCurve]) -> str:
    """Return the curves over all zones as an SVG document.

    Ticks above and below each panel are the trials, found and missed; a dot marks a90/95, which is written
    below the panel, where no curve runs.
    """
    shown = [c for c in curves if c.zone == ALL]
    names = list(dict.fromkeys(c.defect_class for c in shown))
    low = min((c.smallest for c in shown), default=0.1) / 1.1
    high = max((c.largest for c in shown), default=1.0) * 1.1
    rows = math.ceil(len(names) / _ACROSS)
    by_class = {name: [c for c in shown if c.defect_class == name] for name in names}
    pitch = _HIGH + _KEY + 36 + _LEAD * max(map(len, by_class.values()), default=1)
    parts: list[str] = []
    for k, own in enumerate(by_class.values()):
        x0, y0 = _LEFT + (k % _ACROSS) * _PANEL, _TOP + (k // _ACROSS) * pitch
        parts += _panel(study, own, _Panel(x0, y0, low, high))
    note = "simulated: no decision rests on it" if study.source == "simulated" else study.source
    parts.append(text(_LEFT, rows * pitch + 28, f"size in mm; {note}", size=16, colour=GREY))
    return document(_WIDTH, rows * pitch + 40, parts)


@dataclass(frozen=True, slots=True)
class _Panel:
    """Where a panel lies, and the sizes (logarithmic) that it spans."""

    left: float
    top: float
    low: float
    high: float

    def x(self, size: float) -> float:
        """Return where a size lies."""
        return self.left + _WIDE * math.log(size / self.low) / math.log(self.high / self.low)

    def y(self, share: float) -> float:
        """Return where a probability lies."""
        return self.top + _HIGH * (1 - share)


def _panel(study: PodStudy, curves: Sequence[PodCurve], panel: _Panel) -> list[str]:
    name = curves[0].defect_class
    measure = study.measures.get(name, "size")
    parts = [text(panel.left, panel.top - 16, f"{name.replace('_', ' ')} ({measure})", weight=600)]
    for share in (0.0, 0.5, 0.9, 1.0):
        parts.append(_line(panel.left, panel.y(share), panel.left + _WIDE, panel.y(share), "#d9dee4"))
        parts.append(text(panel.left - 40, panel.y(share) + 5, f"{share:.0%}", size=13, colour=GREY))
    for tick in _TICKS:
        if panel.low <= tick <= panel.high:
            at, base = panel.x(tick), panel.top + _HIGH
            parts.append(_line(at, base, at, base + 5, INK))
            parts.append(text(at - 3.2 * len(f"{tick:g}"), base + 34, f"{tick:g}", size=13, colour=GREY))
    for k, curve in enumerate(curves):
        trials = [t for t in study.trials if (t.defect_class, t.level) == (name, curve.level)]
        parts += _curve(panel, curve, trials, k)
    return parts


def _curve(panel: _Panel, curve: PodCurve, trials: Sequence[DefectTrial], k: int) -> list[str]:
    colour = _COLOURS[k % len(_COLOURS)]
    parts: list[str] = []
    for t in trials:
        x, y = panel.x(t.size_mm), panel.y(1.0) - 6 if t.found else panel.y(0.0) + 12
        parts.append(_line(x, y - 4, x, y + 4, colour, 0.8))
    if curve.fit is not None:
        sizes = np.geomspace(curve.smallest, curve.largest, 80)
        points = " ".join(
            f"{panel.x(float(a)):.1f},{panel.y(float(p)):.1f}"
            for a, p in zip(sizes, curve.fit.probability(sizes), strict=True)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
    if curve.a90_95 is not None:
        x, y = panel.x(curve.a90_95), panel.y(0.9)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{colour}"/>')
    label = "no a90/95" if curve.a90_95 is None else f"a90/95 {curve.a90_95:.2f}"
    words = label if curve.level == "natural" else f"{curve.level}: {label}"
    parts.append(text(panel.left, panel.y(0.0) + _KEY + _LEAD * k, words, size=13, colour=colour))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0) -> str:
    path = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
    return f'<path d="{path}" stroke="{colour}" stroke-width="{width}" fill="none"/>'
