"""`hallmark measure`: a gauge at hand for any picture, before anything is authored."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from vision.drawn import Between, Drawn
    from vision.edges import Associated
    from vision.gauge import Reading

_SHOWN = 4  # lines of a budget
_LEAST_SHARE = 0.02  # of the uncertainty: smaller lines are not shown
# below these, px, a form is not told from blur
_LEAST_RADIUS, _LEAST_FOUND, _LEAST_LENGTH, _LEAST_WIDTH = 4.0, 8.0, 10.0, 4.0
_LEAST_SWEEP = 10.0  # degrees

Gamma = Literal["linear", "srgb"]
Shade = Literal["dark", "bright"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(measure)


def measure(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="PNG, TIFF or JPEG; 8 or 16 bits.")],
    *,
    calibration: Annotated[
        Path | None, typer.Option(metavar="F.cal", help="The camera's certificate; or else --mm-per-px.")
    ] = None,
    mm_per_px: Annotated[
        float | None, typer.Option(help="Scale: 25.4 / dpi for a scanner; 1 gives results in pixels.")
    ] = None,
    relative_uncertainty: Annotated[
        float | None,
        typer.Option(help="Relative standard uncertainty of --mm-per-px; taken as exact unless given."),
    ] = None,
    gamma: Annotated[
        Gamma | None,
        typer.Option(
            help="How codes relate to light: srgb for pictures as screens show them, linear for raw ones. "
            "Unless given, srgb is taken and the doubt added."
        ),
    ] = None,
    bits: Annotated[
        int | None, typer.Option(help="Bits of a code, such as 12 in a file of 16; the file's unless given.")
    ] = None,
    circle: Annotated[
        list[str] | None, typer.Option(metavar="X,Y,R", help="Diameter of a circle: c1, c2, ...")
    ] = None,
    arc: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,R,START,END",
            help="Radius of an arc, degrees from x towards y, clockwise in the picture: a1, a2, ...",
        ),
    ] = None,
    line: Annotated[
        list[str] | None, typer.Option(metavar="X1,Y1,X2,Y2", help="Direction of a straight edge: l1, ...")
    ] = None,
    width: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X1,Y1,X2,Y2[,BAND]",
            help="Distance of two parallel edges, each through one of two points opposite each other, looked "
            "at over BAND pixels (unless given as many as they are apart): w1, ...",
        ),
    ] = None,
    distance: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B", help="Distance of two by their names, of centres or from a line: c1,c2"),
    ] = None,
    angle: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B", help="Angle of two lines by their names, each from its start to its end: l1,l2"
        ),
    ] = None,
    find_circles: Annotated[
        str | None,
        typer.Option(metavar="RMIN,RMAX", help="Find and measure all round parts and holes: f1, f2, ..."),
    ] = None,
    inside: Annotated[
        Shade | None,
        typer.Option(help="What is inside circles and between edges; what shows better unless given."),
    ] = None,
    reach: Annotated[
        float, typer.Option(metavar="PX", help="How far from what is drawn its edge may lie: 2 to 200.")
    ] = 10.0,
    height: Annotated[
        float | None, typer.Option(metavar="MM", help="Of the edges above the calibrated plane.")
    ] = None,
    u_height: Annotated[
        float | None, typer.Option(metavar="MM", help="Standard uncertainty of --height.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Draw what was measured: .png or .jpg.")
    ] = None,
) -> None:
    """Measure what you point at on a picture, with its uncertainty; nothing needs to be authored.

    Coordinates are pixels as picture viewers show them: x right, y down, 0,0 the middle of the first pixel.
    Rough ones will do, to within --reach. Options repeat; results have names: the second --circle is c2.

    Each is told with its standard uncertainty u, where that comes from, and U, which covers 95 %.

    Exit code 0: all measured. 1: something was not, its line says why. 2: bad input.

    Examples:
    `hallmark measure board.png --mm-per-px 0.0212 --circle 168,184,69 --circle 1520,192,69 --distance c1,c2`

    `hallmark measure part.tif --calibration cell.cal --height 2 --u-height 0.05 --width 300,400,520,400,80`

    `hallmark measure coins.jpg --mm-per-px 0.05 --find-circles 150,270 --out coins-measured.png`
    """
    from hallmark.measure_view import Scale, check_inside, found, notes_of, read_picture, view_of
    from vision.gauge import read

    drawn = _drawn(circle or (), arc or (), line or (), width or (), inside)
    between = [*_pairs("distance", distance or ()), *_pairs("angle", angle or ())]
    if not drawn and find_circles is None:
        raise typer.BadParameter(
            "nothing to measure: give --circle, --arc, --line, --width or --find-circles"
        )
    radii = None if find_circles is None else _radii(find_circles)
    _check_out(out, image)
    _require(2 <= reach <= 200, "--reach", f"{reach:g}", "2 to 200 px")
    scale = Scale(calibration, mm_per_px, relative_uncertainty, gamma, bits, height, u_height)
    scale.check()

    picture = read_picture(image)
    view = view_of(image, picture, scale, datetime.now(UTC))
    check_inside(drawn, view.raw.shape)
    if radii is not None:
        drawn += found(view, *radii, inside)
    _check_names(drawn, between)
    readings = read(view, drawn, between, reach_px=reach)
    notes = notes_of(picture, scale, view, readings)
    if out is not None:
        from hallmark.measure_picture import write_drawing

        write_drawing(out, picture.pixels, readings)
    if as_json:
        head = {"image": str(image), "width": view.raw.shape[1], "height": view.raw.shape[0]}
        told = {**head, "notes": notes, "readings": [_object(r) for r in readings]}
        print(json.dumps(told, allow_nan=False, ensure_ascii=False))
    else:
        print("\n".join([f"{image}: {picture.described}", *(f"  {note}" for note in notes)]))
        for reading in readings:
            print("\n".join(_lines(reading)))
    if not readings:
        print(
            "hallmark: no round parts were found: check --find-circles RMIN,RMAX, in pixels", file=sys.stderr
        )
    raise typer.Exit(int(not readings or any(r.reason for r in readings)))


def _numbers(text: str, option: str, form: str) -> list[float]:
    """Return the numbers of a feature as it was written; `form` is what it should look like."""
    counts = {form.count(",") + 1, form.partition("[")[0].count(",") + 1}
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts or not all(map(math.isfinite, numbers)):
        raise typer.BadParameter(f"{text!r} is not {form}: numbers in pixels", param_hint=option)
    return numbers


def _drawn(
    circles: Sequence[str],
    arcs: Sequence[str],
    lines: Sequence[str],
    widths: Sequence[str],
    inside: Shade | None,
) -> list[Drawn]:
    from vision.drawn import DrawnCircle, DrawnLine, DrawnWidth

    drawn: list[Drawn] = []
    for i, text in enumerate(circles, 1):
        x, y, r = _numbers(text, "--circle", "X,Y,R")
        _require(r > _LEAST_RADIUS, "--circle", text, f"a radius above {_LEAST_RADIUS:g} px")
        drawn.append(DrawnCircle(f"c{i}", (x, y), r, inside=inside))
    for i, text in enumerate(arcs, 1):
        x, y, r, first, last = _numbers(text, "--arc", "X,Y,R,START,END")
        _require(r > _LEAST_RADIUS, "--arc", text, f"a radius above {_LEAST_RADIUS:g} px")
        _require((last - first) % 360 >= _LEAST_SWEEP, "--arc", text, f"{_LEAST_SWEEP:g} degrees or more")
        drawn.append(DrawnCircle(f"a{i}", (x, y), r, (first, last), inside))
    for i, text in enumerate(lines, 1):
        x1, y1, x2, y2 = _numbers(text, "--line", "X1,Y1,X2,Y2")
        _require(
            math.dist((x1, y1), (x2, y2)) >= _LEAST_LENGTH, "--line", text, f"{_LEAST_LENGTH:g} px or more"
        )
        drawn.append(DrawnLine(f"l{i}", (x1, y1), (x2, y2)))
    for i, text in enumerate(widths, 1):
        x1, y1, x2, y2, *band = _numbers(text, "--width", "X1,Y1,X2,Y2[,BAND]")
        apart = math.dist((x1, y1), (x2, y2))
        _require(apart >= _LEAST_WIDTH, "--width", text, f"points {_LEAST_WIDTH:g} px apart or more")
        over = band[0] if band else max(apart, _LEAST_LENGTH)
        _require(over >= _LEAST_LENGTH, "--width", text, f"a BAND of {_LEAST_LENGTH:g} px or more")
        drawn.append(DrawnWidth(f"w{i}", (x1, y1), (x2, y2), over, inside))
    return drawn


def _require(holds: bool, option: str, text: str, wanted: str) -> None:
    if not holds:
        raise typer.BadParameter(f"{text!r}: needs {wanted}", param_hint=option)


def _pairs(quantity: Literal["distance", "angle"], texts: Sequence[str]) -> list[Between]:
    from vision.drawn import Between

    pairs: list[Between] = []
    for i, text in enumerate(texts, 1):
        names = [part.strip() for part in text.split(",")]
        if len(names) != 2 or names[0] == names[1]:
            raise typer.BadParameter(
                f"{text!r} is not A,B: two names of what is drawn, such as c1,c2", param_hint=f"--{quantity}"
            )
        pairs.append(Between(f"{'d' if quantity == 'distance' else 'n'}{i}", quantity, names[0], names[1]))
    return pairs


def _check_names(drawn: Sequence[Drawn], between: Sequence[Between]) -> None:
    allowed = {"distance": "calf", "angle": "l"}
    for pair in between:
        known = [d.name for d in drawn if d.name[0] in allowed[pair.quantity]]
        for name in (pair.a, pair.b):
            if name not in known:
                raise typer.BadParameter(
                    f"{name!r} is none of {', '.join(known) or 'nothing that is drawn for it'}",
                    param_hint=f"--{pair.quantity}",
                )


def _radii(text: str) -> tuple[float, float]:
    least, most = _numbers(text, "--find-circles", "RMIN,RMAX")
    _require(_LEAST_FOUND <= least <= most, "--find-circles", text, f"{_LEAST_FOUND:g} <= RMIN <= RMAX")
    return least, most


def _check_out(out: Path | None, image: Path) -> None:
    if out is None:
        return
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise typer.BadParameter(f"{out}: write a .png or .jpg", param_hint="--out")
    if out.exists() and image.exists() and out.samefile(image):
        raise typer.BadParameter(f"{out} is the picture itself: choose another file", param_hint="--out")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"{out.parent} is no folder", param_hint="--out")


def _lines(reading: Reading) -> Iterator[str]:
    """Yield what is printed of one reading: value, budget, and how each of its edges looks."""
    from evidence import REASONS
    from hallmark.report.numbers import measured

    head = f"{reading.name:<4}{reading.quantity:<10}"
    if reading.reason is not None:
        told = REASONS[reading.reason]
        yield f"{head}  not measured: {reading.reason}: {told.meaning}; {told.remedy}"
        return
    u, unit = reading.total.standard_uncertainty, reading.unit
    value, expanded = measured(reading.value, u, reading.coverage_factor)
    standard = measured(reading.value, u, 1.0)[1]
    yield (
        f"{head}  {value} {unit}   U {expanded} {unit} (k {reading.coverage_factor:.2f}, 95 %)   "
        f"u {standard} {unit}"
    )
    shown = [c for c in reading.lines if c.standard_uncertainty > _LEAST_SHARE * u][:_SHOWN]
    yield f"{'':6}u from " + ", ".join(f"{c.name} {c.standard_uncertainty:.2g}" for c in shown)
    if reading.quantity not in ("distance", "angle"):
        for fit in reading.fits:
            for edge in fit.found:
                yield f"{'':6}" + _looks(edge, rough=fit.rough)


def _looks(edge: Associated, *, rough: bool) -> str:
    """Return how an edge looks, in words."""
    x, y = edge.points_px[edge.kept].mean(axis=0) if edge.form in ("line", "arc") else _center(edge)
    where = "about" if edge.form in ("line", "arc") else "centre"
    return (
        f"{'rough rim' if rough else edge.form}, {where} {x:.1f},{y:.1f} px: {int(edge.kept.sum())} points, "
        f"inliers {edge.inlier_share:.0%}, blur {edge.blur_px:.2f} px, contrast {edge.contrast:.2f}, "
        f"rms off the form {_rms(edge):.2g} mm"
    )


def _center(edge: Associated) -> tuple[float, float]:
    """Return the middle of a whole circle's picture."""
    x, y = (edge.points_px.max(axis=0) + edge.points_px.min(axis=0)) / 2
    return float(x), float(y)


def _rms(edge: Associated) -> float:
    off = edge.residuals[edge.kept]
    return float((off**2).mean()) ** 0.5


def _object(reading: Reading) -> dict[str, Any]:
    """Return one reading as JSON holds it; infinite degrees of freedom are null."""
    told: dict[str, Any] = {"name": reading.name, "quantity": reading.quantity, "unit": reading.unit}
    if reading.reason is not None:
        return {**told, "value": None, "reason": reading.reason}
    freedom = reading.total.degrees_of_freedom
    return {
        **told, "value": reading.value, "standard_uncertainty": reading.total.standard_uncertainty,
        "expanded_uncertainty": reading.expanded, "coverage_factor": reading.coverage_factor,
        "coverage": 0.95,
        "degrees_of_freedom": None if math.isinf(freedom) else freedom,
        "budget": [
            {"name": c.name, "standard_uncertainty": c.standard_uncertainty, "common": c.common}
            for c in reading.lines
        ],
        "edges": [
            {
                "form": edge.form, "rough": fit.rough, "points": int(edge.kept.sum()),
                "set_aside": int((~edge.kept).sum()), "inlier_share": edge.inlier_share,
                "blur_px": edge.blur_px, "contrast": edge.contrast, "rms_mm": _rms(edge),
                "parameters_mm": edge.parameters.tolist(),
            }
            for fit in reading.fits
            for edge in fit.found
        ],
        "reason": None,
    }  # fmt: skip
