"""Charts of a certificate's checks: as text for the terminal, as a picture for the wall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from calibration import CheckHistory
from calibration.check_standard import ChartedCheck, ChartPoint

_SHOWN = 12  # checks in the terminal
_PARTS = {
    "bias": "bias, less the certificate of the standard",
    "shift": "shift, less the mean of the first checks",
    "spread": "spread within a check",
}
_WIDTH, _PANEL, _LEFT, _TOP, _GAP = 1200, 190, 90, 70, 58
_BLUE, _RED, _GREY, _INK = "#0b5394", "#b3261e", "#6b7280", "#1f2937"


def as_text(history: CheckHistory) -> Iterator[str]:
    """Yield the newest checks: verdict, and each size's bias, shift since the first checks, and spread."""
    shown = history.charted[-_SHOWN:]
    if not shown:
        yield "no checks yet"
        return
    ids = [size.id for size in history.standard.sizes]
    yield "um, limits in brackets; " + ", ".join(ids)
    yield f"{'':30}" + "".join(f"{'bias':>16}{'shift':>16}{'spread':>16}" for _ in ids)
    for check in shown:
        cells = "".join(f"{_cell(check, name, part):>16}" for name in ids for part in _PARTS)
        names = ", ".join(f"{p.size} {p.chart}" for p in check.beyond)
        beyond = f"   beyond: {names}" if names else ""
        yield f"{check.time:%Y-%m-%d %H:%M}  {check.verdict:<12}{cells}{beyond}"


def as_svg(history: CheckHistory, title: str) -> str:
    """Return bias, shift and spread of each size over the checks, with their limits, as an SVG document."""
    panels = [(size.id, kind) for size in history.standard.sizes for kind in _PARTS]
    height = _TOP + len(panels) * (_PANEL + _GAP) + 20
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="Source Sans Pro" font-size="16" fill="{_INK}">'
    )
    parts = [
        head,
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="38" font-size="24" font-weight="600">{escape(title)}</text>',
    ]
    for row, (size, kind) in enumerate(panels):
        parts += _panel(history.charted, size, kind, _TOP + row * (_PANEL + _GAP) + 24)
    return "\n".join([*parts, "</svg>"])


def _panel(charted: Sequence[ChartedCheck], size: str, kind: str, top: float) -> list[str]:
    points = [(i, c, p) for i, c in enumerate(charted) if (p := _point(c, size, kind)) is not None]
    words = f"{size}: {_PARTS[kind]}, um; dashed: its limit"
    out = [f'<text x="{_LEFT}" y="{top - 8}" font-weight="600">{escape(words)}</text>']
    if not points:
        return [*out, f'<text x="{_LEFT}" y="{top + 40}" fill="{_GREY}">nothing was charted yet</text>']
    low_too = kind != "spread"
    most = 1.15 * max(max(abs(p.value), p.limit) for _, _, p in points)
    low = -most if low_too else 0.0
    step = (_WIDTH - _LEFT - 60) / max(len(charted) - 1, 1)

    def place(index: int, value: float) -> tuple[float, float]:
        return _LEFT + 20 + index * step, top + _PANEL * (most - value) / (most - low)

    out.append(
        f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH - _LEFT - 20}" height="{_PANEL}" fill="none" '
        f'stroke="{_GREY}"/>'
    )
    for value in (most / 1.15, 0.0, low / 1.15):
        _, y = place(0, value)
        out.append(
            f'<text x="{_LEFT - 8}" y="{y + 5:.1f}" text-anchor="end" fill="{_GREY}">{_um(value)}</text>'
        )
    for sign in (1, -1) if low_too else (1,):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(i, sign * p.limit) for i, _, p in points))
        out.append(f'<polyline points="{path}" fill="none" stroke="{_GREY}" stroke-dasharray="6 5"/>')
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(i, p.value) for i, _, p in points))
    out.append(f'<polyline points="{path}" fill="none" stroke="{_BLUE}" stroke-width="1.5"/>')
    for i, check, point in points:
        x, y = place(i, point.value)
        colour = _RED if check.verdict == "bad" else _BLUE
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>')
    for i, check, _ in (points[0], points[-1]) if len(points) > 1 else points:
        x, _ = place(i, 0.0)
        anchor = "start" if i == points[0][0] else "end"
        out.append(
            f'<text x="{x:.1f}" y="{top + _PANEL + 20}" font-size="14" text-anchor="{anchor}" fill="{_GREY}">'
            f"{check.time:%Y-%m-%d %H:%M}</text>"
        )
    return out


def _cell(check: ChartedCheck, size: str, part: str) -> str:
    point = _point(check, size, part)
    return "-" if point is None else f"{_um(point.value)} ({_um(point.limit)})"


def _point(check: ChartedCheck, size: str, chart: str) -> ChartPoint | None:
    return next((p for p in check.points if p.size == size and p.chart == chart), None)


def _um(mm: float) -> str:
    return f"{1000 * mm:.2f}"
