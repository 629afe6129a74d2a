"""`hallmark colour`: a colorimeter at hand for any picture of a camera whose colours are characterised."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from golden.colours import Formula
from hallmark.calibrate import options as o

if TYPE_CHECKING:
    from calibration.colour import IlluminantCheck
    from hallmark.colour_view import Asked, Box, ColourPicture, Compared, Region
    from vision.colour.region import NotRead

_SMALLEST = 12  # px of a side: three along the outline are left out
_BOX = "X,Y,W,H"
_SHOWN = 3  # lines of a budget


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(colour)


def colour(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="PNG, TIFF or JPEG; 8 or 16 bits.")],
    *,
    calibration: Annotated[
        Path,
        typer.Option(
            metavar="F.cal", exists=True, dir_okay=False,
            help="The camera's certificate with colour, see `hallmark calibrate colour`.",
        ),
    ],
    region: Annotated[
        list[str] | None,
        typer.Option(metavar=_BOX, help="What to read: left, top, width, height, px; repeatable: r1, r2."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="L,a,b", help="`L*a*b*` to compare with, of the same illuminant.")
    ] = None,
    u_reference: Annotated[
        float, typer.Option(metavar="U", min=0, max=10, help="Standard uncertainty of each of its values.")
    ] = 0.0,
    reference_region: Annotated[
        str | None,
        typer.Option(metavar=_BOX, help="Region of the picture to compare with, best of the same material."),
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(metavar="DE", min=0.001, max=100, help="Largest difference allowed.")
    ] = None,
    formula: Annotated[Formula, typer.Option(help="Of colour differences.")] = "CIEDE2000",
    illuminant: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Adapt `L*a*b*` to it; left out, the certificate's."),
    ] = None,
    adaptation: o.Adaptation = "Bradford",
    white: Annotated[
        str | None,
        typer.Option(metavar=_BOX, help="A neutral surface: says whether the light is still the same."),
    ] = None,
    chart: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|F.yaml",
            help="The certificate's chart, in the picture: says whether the light is still the same.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="F.png|F.svg", help="Draw regions, colours and differences.")
    ] = None,
    map_: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="F.png", help="Draw how far each place is from the reference, CIEDE2000.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Read the colour of regions of a picture, with its uncertainty; nothing needs to be authored.

    Pixels along the outline, glare, dust and clipped ones are left out, and how many is told. Absolute
    `L*a*b*` are as good as the camera, about 2 Delta E; the difference of two regions of one material in one
    picture is known far better. Each difference has an interval that covers 95 %.

    Exit code 0: all read, and within --tolerance where one is given. 1: a region was not read, the light is
    another one, or a difference is not within tolerance or undecided. 2: bad input.

    `--white` and `--chart` say whether the light is still the certificate's: once a shift, or each time.

    Examples:
    `hallmark colour part.png --calibration cell.cal --region 400,300,200,150`

    `hallmark colour pair.png --calibration cell.cal --region 400,300,200,150
    --reference-region 900,300,200,150 --tolerance 1 --picture pair-read.png`
    """
    import numpy as np

    from calibration.colour import Chart
    from hallmark.colour_view import Asked, ColourPicture, notes_of
    from vision.colour.region import NotRead

    if not region and white is None and chart is None:
        raise typer.BadParameter("nothing to read: give --region, --white or --chart")
    boxes = [box_of(text, "--region") for text in region or []]
    other = None if reference_region is None else box_of(reference_region, "--reference-region")
    neutral = None if white is None else box_of(white, "--white")
    asked = Asked(formula, _lab(reference), u_reference, tolerance)
    if tolerance is not None and reference is None and other is None:
        raise typer.BadParameter("needs --reference or --reference-region", param_hint="--tolerance")
    _check_drawn(picture, image, "--picture", (".png", ".svg"))
    _check_drawn(map_, image, "--map", (".png",))
    if map_ is not None and reference is None and other is None:
        raise typer.BadParameter("needs --reference or --reference-region", param_hint="--map")
    if map_ is not None and (illuminant is not None or formula != "CIEDE2000"):
        raise typer.BadParameter(
            "a map is of CIEDE2000 under the certificate's illuminant: leave --illuminant and --formula out",
            param_hint="--map",
        )

    view = ColourPicture.open(image, calibration, _illuminant(illuminant), adaptation, datetime.now(UTC))
    _check_inside({"--region": boxes, "--reference-region": [other], "--white": [neutral]}, view)
    regions = view.regions(boxes, other, asked)
    lights = [] if neutral is None else [view.light(neutral)]
    if chart is not None:
        lights.append(view.chart(Chart.open(chart), image))
    notes = notes_of(view, regions, asked)
    if picture is not None:
        from hallmark.colour_picture import write_picture

        write_picture(picture, view, regions, str(image), formula)
    if map_ is not None:
        from hallmark.colour_map import write_map

        to = next((c.reference for each in regions for c in each.compared[-1:]), asked.reference)
        if to is None:
            raise typer.BadParameter(
                "the reference region was not read: there is nothing to compare with", param_hint="--map"
            )
        write_map(map_, view, np.array(to), regions)
    if as_json:
        told = _object(image, view, regions, asked, lights, notes)
        print(json.dumps(told, allow_nan=False, ensure_ascii=False))
    else:
        print("\n".join([f"{image}: {view.picture.described}", *(f"  {note}" for note in notes)]))
        for light in lights:
            print(f"  {_reason(light) if isinstance(light, NotRead) else light.sentence}")
        for each in regions:
            print("\n".join(_lines(each, asked)))
    held = all(not isinstance(light, NotRead) and light.holds for light in lights)
    raise typer.Exit(0 if held and all(_good(each) for each in regions) else 1)


def _good(region: Region) -> bool:
    return region.lab is not None and all(c.decision in (None, "conform") for c in region.compared)


def _numbers(text: str, count: int) -> list[float] | None:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def box_of(text: str, option: str) -> Box:
    """Return the box that an option states; `typer.BadParameter` where it is none, or too small."""
    numbers = _numbers(text, 4)
    if numbers is None or any(number != int(number) for number in numbers):
        raise typer.BadParameter(f"{text!r} is not {_BOX}: four whole numbers, pixels", param_hint=option)
    x, y, w, h = map(int, numbers)
    if min(w, h) < _SMALLEST:
        raise typer.BadParameter(
            f"{text!r}: width and height must be {_SMALLEST} px or more: 3 px along the outline are left out",
            param_hint=option,
        )
    return x, y, w, h


def _lab(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    numbers = _numbers(text, 3)
    if numbers is None or not 0 <= numbers[0] <= 150 or max(map(abs, numbers[1:])) > 200:
        raise typer.BadParameter(
            f"{text!r} is not L,a,b: L* from 0 to 100, a* and b* from -200 to 200", param_hint="--reference"
        )
    return numbers[0], numbers[1], numbers[2]


def _illuminant(name: str | None) -> str | None:
    from calibration.colour import illuminant_name

    return None if name is None else illuminant_name(name)


def _check_drawn(out: Path | None, image: Path, option: str, kinds: tuple[str, ...]) -> None:
    if out is None:
        return
    if out.suffix.lower() not in kinds:
        raise typer.BadParameter(f"{out}: write a {' or '.join(kinds)}", param_hint=option)
    if out.exists() and image.exists() and out.samefile(image):
        raise typer.BadParameter(f"{out} is the picture itself: choose another file", param_hint=option)
    if not out.parent.is_dir():
        raise typer.BadParameter(f"{out.parent} is no folder", param_hint=option)


def _check_inside(boxes: dict[str, list[Any]], view: ColourPicture) -> None:
    height, width = view.pixels.shape[:2]
    for option, listed in boxes.items():
        for x, y, w, h in filter(None, cast("list[Box | None]", listed)):
            if x < 0 or y < 0 or x + w > width or y + h > height:
                raise typer.BadParameter(
                    f"{x},{y},{w},{h} leaves the picture, which is {width} x {height} px", param_hint=option
                )


def _reason(found: NotRead) -> str:
    from evidence import REASONS

    told = REASONS[found.reason]
    return f"not read: {found.reason}: {told.meaning}; {found.needs or told.remedy}"


def _lines(region: Region, asked: Asked) -> Iterator[str]:
    """Yield what is printed of one region."""
    from vision.colour.region import NotRead

    head = f"{region.name:<10}{','.join(map(str, region.box)):<20}"
    if isinstance(region.reading, NotRead) or region.lab is None or region.covariance is None:
        assert isinstance(region.reading, NotRead), "a region without L*a*b* was not read"
        yield f"{head}{_reason(region.reading)}"
        return
    u = [math.sqrt(float(region.covariance[i, i])) for i in range(3)]
    values = "   ".join(
        f"{name} {value:.1f}" for name, value in zip(("L*", "a*", "b*"), region.lab.tolist(), strict=True)
    )
    yield f"{head}{values}   u {u[0]:.1f}, {u[1]:.1f}, {u[2]:.1f}"
    out = ", ".join(f"{cause} {share:.1%}" for cause, share in region.reading.excluded.items() if share > 0)
    yield f"{'':10}{region.reading.pixels} px read; left out: {out or 'nothing'}"
    for compared in region.compared:
        yield from (f"{'':10}{line}" for line in _difference(compared, asked))


def _difference(compared: Compared, asked: Asked) -> Iterator[str]:
    found, d = compared.found, compared.parts
    stated = ",".join(f"{value:g}" for value in compared.reference.tolist())
    to = f"to {stated}" if compared.to == "stated" else "to the reference region"
    yield (
        f"{to}: Delta E {found.value:.2f} {asked.formula} ({found.uncorrected:.2f} as read), 95 % from "
        f"{found.low:.2f} to {found.high:.2f}   {', '.join(compared.words) or 'no difference beyond chance'}"
    )
    yield f"dL* {d.dl:+.2f}  da* {d.da:+.2f}  db* {d.db:+.2f}  dC* {d.dc:+.2f}  dH* {d.dh:+.2f}"
    yield "u from " + ", ".join(f"{name} {u:.2f}" for name, u in compared.budget[:_SHOWN])
    if compared.decision is not None and asked.tolerance is not None:
        yield _decided(compared, asked.tolerance)


def _decided(compared: Compared, tolerance: float) -> str:
    if compared.decision != "undecided":
        return f"{compared.decision}: tolerance {tolerance:g}"
    why = (
        "this camera's absolute values are not that good; a spectrophotometer decides"
        if compared.to == "stated"
        else "the interval holds the tolerance; regions closer together, a flat field from frames of an even "
        "surface, and more light make it smaller"
    )
    return f"undecided: tolerance {tolerance:g}: {why}"


def _object(
    image: Path, view: ColourPicture, regions: list[Region], asked: Asked,
    lights: list[IlluminantCheck | NotRead], notes: list[str],
) -> dict[str, Any]:  # fmt: skip
    return {
        "image": str(image), "width": view.pixels.shape[1], "height": view.pixels.shape[0],
        "calibration": view.certificate.digest, "illuminant": view.colour.illuminant,
        "observer": view.colour.observer, "light": view.colour.light, "formula": asked.formula,
        "tolerance": asked.tolerance, "notes": notes,
        "lights": [_light(light) for light in lights],
        "regions": [_region(region) for region in regions],
    }  # fmt: skip


def _light(light: IlluminantCheck | NotRead) -> dict[str, Any]:
    from vision.colour.region import NotRead

    if isinstance(light, NotRead):
        return {"verdict": None, "reason": light.reason}
    return {**asdict(light), "reason": None}


def _region(region: Region) -> dict[str, Any]:
    from vision.colour.region import NotRead

    told: dict[str, Any] = {"name": region.name, "box": list(region.box)}
    if isinstance(region.reading, NotRead) or region.lab is None or region.covariance is None:
        assert isinstance(region.reading, NotRead), "a region without L*a*b* was not read"
        return {**told, "lab": None, "reason": region.reading.reason}
    return {
        **told, "lab": region.lab.tolist(), "covariance": region.covariance.tolist(),
        "u": [math.sqrt(float(region.covariance[i, i])) for i in range(3)],
        "absolute_delta_e": region.absolute, "rgb": region.reading.rgb.tolist(),
        "pixels": region.reading.pixels, "excluded": region.reading.excluded_share,
        "excluded_by": dict(region.reading.excluded),
        "differences": [_compared(compared) for compared in region.compared], "reason": None,
    }  # fmt: skip


def _compared(compared: Compared) -> dict[str, Any]:
    found, d = compared.found, compared.parts
    return {
        "to": compared.to, "reference_lab": compared.reference.tolist(), "delta_e": found.value,
        "uncorrected": found.uncorrected, "standard_uncertainty": found.standard_uncertainty,
        "low": found.low, "high": found.high, "coverage": 0.95, "dl": d.dl, "da": d.da, "db": d.db,
        "dc": d.dc, "dh": d.dh, "words": list(compared.words), "decision": compared.decision,
        "budget": [{"name": name, "standard_uncertainty": u} for name, u in compared.budget],
    }  # fmt: skip
