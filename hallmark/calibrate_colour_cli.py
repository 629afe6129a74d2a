"""`hallmark calibrate colour|golden`: what a camera's colours are, and the golden sample's on a station."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hallmark.calibrate import options as o

if TYPE_CHECKING:
    from calibration.colour import Chart
    from hallmark.calibrate.colour import MadeColour
    from hallmark.calibrate.make import Stated


def register(calibrate: typer.Typer) -> None:
    """Add the commands to `hallmark calibrate`."""
    for command in (colour, golden):
        calibrate.command()(command)


def colour(
    *,
    image: Annotated[
        Path,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False,
            help="Picture of the chart, flat where parts will lie, lit as they will be.",
        ),
    ],
    chart: Annotated[
        str,
        typer.Option(
            metavar="NAME|F.yaml", help="Which chart: a built-in name with its edition, or a definition file."
        ),
    ],
    out: o.Out,
    corners: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,X,Y,X,Y,X,Y",
            help="Where the chart is, if it is not found: the middles of four patches, first and last of its "
            "first row, last and first of its last row, as one reads the chart.",
        ),
    ] = None,
    readings: Annotated[
        Path | None,
        typer.Option(
            metavar="F.csv", exists=True, dir_okay=False,
            help="This very chart's values as an instrument measured them: CSV or CGATS.",
        ),
    ] = None,
    serial: Annotated[str | None, typer.Option(metavar="SN", help="Number on the chart.")] = None,
    light: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The station's light in words: D65 LED, TL84 tubes, ..."),
    ] = None,
    illuminant: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="For which `L*a*b*` are reported; left out, the chart's own, mostly D50."
        ),
    ] = None,
    adaptation: o.Adaptation = "Bradford",
    second_image: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False,
            help="The same chart under a second light: tells the risk of metamerism.",
        ),
    ] = None,
    second_light: Annotated[
        str | None, typer.Option(metavar="TEXT", help="That light in words; needed with --second-image.")
    ] = None,
    second_corners: Annotated[
        str | None, typer.Option(metavar="X,Y,...", help="Where the chart is in that picture, as --corners.")
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="F.cal", exists=True, dir_okay=False,
            help="Certificate of this camera that colour is added to; it stays, a new one is written.",
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Identity of the camera, as stations name it; left out, the file's name."
        ),
    ] = None,
    flats: o.Flats = None,
    darks: o.Darks = None,
    flat_field: Annotated[
        Literal["chart", "none"],
        typer.Option(
            help="What corrects the light over the frame where neither --flats nor --base do: a plane "
            "through the chart's own patches, or nothing."
        ),
    ] = "chart",
    lens: o.LensName = None,
    transfer: Annotated[
        o.Transfer | None,
        typer.Option(help="How codes relate to light; left out, the chart's grey patches tell."),
    ] = None,
    pixel_format: o.PixelFormat = None,
    exposure_us: o.Exposure = None,
    gain: o.Gain = None,
    aperture: o.Aperture = "",
    conditions: o.Conditions = "",
    days: Annotated[
        float | None,
        typer.Option(help="Validity in days; left out: 90, or what --base has.", min=0.01, max=3660),
    ] = None,
    key: o.Key = None,
    as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Characterise a camera's colours by one picture of a colour chart.

    The chart is found at any angle; whether codes are linear or sRGB is told by its grey patches, or asked.
    The model is chosen by patches that took no part in it, and each patch is printed with what it should be,
    what was measured and its error, fitted and left out. Beside the certificate a picture shows all that.

    Example: `hallmark calibrate colour --image chart.png --chart classic-after-2014 --camera cell-3-top
    --light "D65 LED" -o cell-3.cal`

    Example: `hallmark calibrate colour --base cell-3.cal --image d65.png --light D65 --second-image tl84.png
    --second-light TL84 --chart classic-after-2014 -o cell-3-colour.cal`
    """
    from rich.console import Console

    from calibration import CameraCalibration
    from golden.keys import SigningKey
    from hallmark.calibrate.colour import UNSTATED, Given, make_colour
    from hallmark.calibrate.make import Stated
    from hallmark.calibrate.pictures import files_of
    from hallmark.calibrate.shots import Shot

    if (second_image is None) != (second_light is None):
        raise typer.BadParameter("give both or neither", param_hint="--second-image, --second-light")
    first = Shot(image, light or UNSTATED, _corners(corners, "--corners"))
    second: Shot | None = None
    if second_image is not None and second_light is not None:
        if second_light == first.light:
            raise typer.BadParameter("needs another name than --light", param_hint="--second-light")
        second = Shot(second_image, second_light, _corners(second_corners, "--second-corners"))
    now = datetime.now(UTC).replace(microsecond=0)
    if base is not None:
        _leave_to_base({
            "--camera": camera, "--lens": lens, "--transfer": transfer, "--pixel-format": pixel_format,
            "--exposure-us": exposure_us, "--gain": gain, "--aperture": aperture, "--conditions": conditions,
            "--days": days,
        })  # fmt: skip
    stated = Stated(
        camera=camera or out.stem, now=now, valid_until=now + timedelta(days=days or 90), lens=lens,
        transfer=transfer, pixel_format=pixel_format, exposure_us=exposure_us, gain_db=gain,
        aperture=aperture, conditions=conditions,
    )  # fmt: skip
    given = Given(
        _chart(chart, readings), first, illuminant=_illuminant(illuminant), adaptation=adaptation,
        serial=serial, second=second,
        flats=files_of(flats or [], "--flats"), darks=files_of(darks or [], "--darks"), flat_field=flat_field,
        base=None if base is None else CameraCalibration.open(base, now=now),
    )  # fmt: skip
    console = Console(stderr=as_json, highlight=False, markup=False, soft_wrap=True)
    with console.status("finding the chart, then choosing the model without each patch in turn"):
        made = make_colour(stated, given, out, None if key is None else SigningKey.load(key), console.print)
    for warning in made.warnings:
        console.print(f"warning: {warning}")
    _finish(made, out, stated, as_json=as_json)


def golden(
    golden: Annotated[
        Path, typer.Argument(metavar="PART.golden", help="Sealed golden sample.", exists=True, dir_okay=False)
    ],
    *,
    trust: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder of trusted public keys.", exists=True, file_okay=False,
            envvar="HALLMARK_TRUST",
        ),
    ],
    calibration: Annotated[
        str, typer.Option(metavar="[VIEW=]F.cal", help="Certificate with colour of the view's camera.")
    ],
    image: Annotated[
        list[str],
        typer.Option(
            metavar="[VIEW=]FILE|FOLDER",
            help="Frames of the physical golden sample, placed anew for each; four or more tell how far "
            "placing moves a colour. Repeatable.",
        ),
    ],
    tile: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H",
            help="A white or grey tile that stays in the scene: the lamp is then watched in each frame; "
            "needs ten frames.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="F.colours", help="The golden colours; a new file.")
    ],
    as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Measure the golden sample's colours on a station, so that units can be compared with them there.

    What a camera gets wrong cancels between the golden sample and units of its material, but only through the
    same certificate: measure the golden sample again whenever the camera was characterised anew. A file holds
    one view. Give it to `hallmark inspect --colours` and `hallmark station run --colours`.

    Example: `hallmark calibrate golden part.golden --trust keys --calibration top=cell-3.cal
    --image top=placed -o cell-3.colours`
    """
    from calibration import CameraCalibration
    from evidence import canonical_json
    from golden.keys import TrustStore
    from golden.sample import GoldenSample
    from hallmark.calibrate import golden as measured
    from hallmark.calibrate.files import refuse_existing
    from hallmark.calibrate.pictures import files_of

    refuse_existing(out)
    now = datetime.now(UTC)
    sample = GoldenSample.open(golden, TrustStore.open(trust), now)
    view, paths = _of_one_view([calibration, *image], [v.id for v in sample.spec.views])
    certificate = CameraCalibration.open(paths[0], now=now)
    images = files_of(paths[1:], "--image")
    colours, spreads = measured.measure(sample, view, certificate, images, _outline(tile))
    colours.save(out)
    if as_json:
        print(canonical_json(measured.as_json(colours, spreads, out)).decode())
        return
    for line in measured.table(spreads):
        print(line)
    print(f"{out}  view {view}, {len(images)} placement{'s' * (len(images) > 1)}, digest {colours.digest}")
    if len(images) < measured.ENOUGH:
        assumed = "; with one it is not known, and assumed" if len(images) == 1 else ""
        print(f"  better: {measured.ENOUGH} placements or more, which tell how far placing moves it{assumed}")


def _of_one_view(options: list[str], known: list[str]) -> tuple[str, list[Path]]:
    """Return the view that options `[VIEW=]PATH` name, and the paths."""
    named: set[str] = set()
    paths: list[Path] = []
    for option in options:
        view, equals, path = option.partition("=")
        prefixed = bool(equals) and not Path(option).exists()
        named |= {view} if prefixed else set()
        paths.append(Path(path if prefixed else option))
    if not named and len(known) == 1:
        return known[0], paths
    if len(named) != 1 or not named <= set(known):
        raise typer.BadParameter(
            f"a file holds one view: name one of {', '.join(known)}, as VIEW=F", param_hint="--image"
        )
    return named.pop(), paths


def _outline(text: str | None) -> Any:  # noqa: ANN401 (an array)
    import numpy as np

    from hallmark.colour_cli import box_of

    if text is None:
        return None
    x, y, w, h = box_of(text, "--tile")
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float64) - 0.5


def _finish(made: MadeColour, out: Path, stated: Stated, *, as_json: bool) -> None:
    """Write the files, then say what was made."""
    from evidence import canonical_json
    from hallmark.calibrate.colour_text import as_json as told_of
    from hallmark.calibrate.colour_text import table
    from hallmark.calibrate.files import write_all
    from hallmark.calibrate.text import describe

    write_all(made.files)
    certificate = made.certificate
    if as_json:
        head: dict[str, Any] = {
            "certificate": str(out), "digest": certificate.digest, "camera": certificate.camera,
            "issued": certificate.issued.isoformat(), "valid_until": certificate.valid_until.isoformat(),
            "image": str(made.shot.path), "corners": made.corners.round(2).tolist(), "score": made.score,
            "competitors": [
                {"model": each.name, "mean_left_out": each.mean, "folds": each.folds, "chosen": each.chosen}
                for each in made.competitors
            ],
            "warnings": list(made.warnings), "files": sorted(str(path) for path in made.files),
        }  # fmt: skip
        print(canonical_json({**head, **told_of(made.colour)}).decode())
        return
    print()
    for line in table(made.colour):
        print(line)
    print(f"\n{out}")
    for line in describe(certificate, stated.now, None):
        print(f"  {line}")
    for path in made.files:
        if path != out:
            print(f"  beside it    {path}")


def _leave_to_base(options: dict[str, object]) -> None:
    for option, value in options.items():
        if value is not None and value != "":
            raise typer.BadParameter("leave it out: the certificate of --base says it", param_hint=option)


def _corners(text: str | None, option: str) -> Any:  # noqa: ANN401 (an array)
    import numpy as np

    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 8 or not all(map(math.isfinite, numbers)):
        raise typer.BadParameter(
            f"{text!r} is not X,Y,X,Y,X,Y,X,Y: eight numbers in pixels", param_hint=option
        )
    return np.array(numbers, np.float64).reshape(4, 2)


def _illuminant(name: str | None) -> str | None:
    from calibration.colour import illuminant_name

    return None if name is None else illuminant_name(name)


def _chart(name: str, readings: Path | None) -> Chart:
    from calibration.colour import Chart, read_colours

    chart = Chart.open(name)
    return (
        chart
        if readings is None
        else chart.certified(read_colours(readings.read_bytes(), source=str(readings)))
    )
