"""`hallmark inspect`: pictures of units against a sealed golden sample, without a station."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallmark.paper_format import PaperFormat

if TYPE_CHECKING:
    from calibration import CameraCalibration
    from evidence import CharacteristicResult, Frame, Inspection
    from golden.keys import TrustStore
    from golden.sample import GoldenSample
    from models import Classifier
    from models.detector import Detector
    from vision import Explanation, Inspector, VariationModel

_MOST_SAID = 5  # deviations of a unit, gravest first, on the terminal


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(inspect)


def inspect(
    golden: Annotated[Path, typer.Argument(metavar="PART.golden", help="Sealed golden sample.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="One PNG or JPEG per unit.")],
    *,
    trust: Annotated[
        Path, typer.Option(metavar="DIR", envvar="HALLMARK_TRUST", help="Folder of trusted public keys.")
    ] = Path("trust"),
    calibration: Annotated[
        Path | None,
        typer.Option(metavar="F", help="The camera's certificate; without it dimensions are undecided."),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|none",
            help="Released model that names deviations, signed by a key in --trust, a registry of models, or "
            "none. The packaged one is taken where it was made from an image of this golden sample.",
            envvar="HALLMARK_MODEL",
        ),
    ] = "packaged",
    trial: Annotated[
        bool, typer.Option("--trial", help="Try a model that nobody trusted has signed: no unit is accepted.")
    ] = False,
    view: Annotated[
        str | None, typer.Option(metavar="ID", help="View that the images show; needed if there are several.")
    ] = None,
    serial: Annotated[
        str | None,
        typer.Option(
            metavar="SN",
            help="Serial number, held against the unit's code; default: what the code states, else the "
            "image's file name.",
        ),
    ] = None,
    lot: Annotated[str | None, typer.Option(metavar="ID", help="Lot that the units belong to.")] = None,
    colours: Annotated[
        Path | None,
        typer.Option(
            metavar="F",
            help="The golden sample's colours through --calibration, see `hallmark calibrate golden`; needed "
            "where the certificate has colour.",
            exists=True,
            dir_okay=False,
            envvar="HALLMARK_GOLDEN_COLOURS",
        ),
    ] = None,
    readings: Annotated[
        Path | None,
        typer.Option(
            metavar="F",
            help="A spectrophotometer's readings of absolute colours: its list (CSV or CGATS) with "
            "SERIAL/CHARACTERISTIC as id, or the JSON that `hallmark lot fai --entered` takes.",
        ),
    ] = None,
    variation: Annotated[
        Path | None,
        typer.Option(
            metavar="F",
            help="What approved units show, signed, see `hallmark golden variation`.",
            exists=True,
            dir_okay=False,
            envvar="HALLMARK_VARIATION",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One canonical JSON record per line.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write each record and its sheet with picture here.")
    ] = None,
    formats: Annotated[
        list[PaperFormat] | None,
        typer.Option("--report", help="Format of the sheets in --out; html unless given; repeat for both."),
    ] = None,
) -> None:
    """Inspect pictures of units; one record each.

    Exit code 0: all accepted. 1: any rejected or held. 2: bad input; the readable images are still judged.

    Examples:
    `hallmark inspect s4.golden --trust trust --calibration scanner.cal unit-7.png`

    `hallmark inspect s4.golden --calibration scanner.cal --lot L12 --json line/*.png > records.jsonl`

    `hallmark inspect board.golden --model models/released/artwork --out sheets board-17.png`
    """
    from calibration import CameraCalibration
    from evidence import FrameError
    from golden.keys import TrustStore
    from golden.sample import GoldenSample
    from hallmark.model_cli import naming
    from vision import VariationModel

    if formats and out is None:
        raise typer.BadParameter("sheets are written to a folder; name it with --out", param_hint="--report")
    _check(lot, serial, images)
    now = datetime.now(UTC)
    keys = TrustStore.open(trust)
    sample = GoldenSample.open(golden, keys, now)
    certificate = None if calibration is None else CameraCalibration.open(calibration, now=now)
    view = _view(sample, view)
    namer, on_trial = _model(sample, model, keys, trial=trial)
    if not as_json or on_trial:
        typer.echo(
            f"hallmark: {naming(None if namer is None else namer.reference, on_trial=on_trial)}", err=True
        )
    learned = None if variation is None else VariationModel.open(variation, keys)
    inspector = _compile(sample, certificate, view, namer, colours, learned, trial=on_trial)
    read = _readings(readings, sample, [serial or i.stem for i in images])
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    verdicts: list[str] = []
    bad = False
    for image in _watched(images, show=not as_json):
        try:
            frame = _read(image, view, certificate)
            name = serial or image.stem
            entered = read.get(name, ())
            given = name if entered else serial  # readings are of the unit that they name: it is held to it
            record = inspector.inspect({view: frame}, serial=given, label=name, lot=lot, entered=entered)
        except FrameError as error:
            said = str(error)
            named = said if said.startswith(f"{image}") else f"{image}: {said}"
            print(f"hallmark: {named}", file=sys.stderr)
            bad = True
            continue
        verdicts.append(record.verdict)
        print(record.to_json().decode() if as_json else _line(record))
        if out is not None:
            why = inspector.explain(frame, record)
            kinds = formats or [PaperFormat.HTML]
            _write(out, name, sample, record, frame, why, kinds, f"{now:%Y-%m-%dT%H:%M:%SZ}")
    raise typer.Exit(2 if bad else int(any(v != "ACCEPT" for v in verdicts)))


def _check(lot: str | None, serial: str | None, images: list[Path]) -> None:
    if serial is not None and len(images) > 1:
        raise typer.BadParameter(
            f"one serial cannot name {len(images)} units; leave it away to use the file names",
            param_hint="--serial",
        )
    if lot is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", lot):
        raise typer.BadParameter(
            "a lot is 1 to 64 letters, digits, dots, dashes and underscores", param_hint="--lot"
        )
    seen: dict[str, Path] = {}
    for image in images:
        name = image.stem if serial is None else serial
        if not re.fullmatch(r"[^/\\.\s][^/\\]{0,127}", name) or not name.isprintable():
            raise typer.BadParameter(
                f"{name!r} is no serial: 1 to 128 printable characters, no slashes, no dot first",
                param_hint="IMAGE" if serial is None else "--serial",
            )
        if name in seen:
            raise typer.BadParameter(
                f"{seen[name]} and {image} name the same serial {name!r}; rename one", param_hint="IMAGE"
            )
        seen[name] = image


def _view(sample: GoldenSample, view: str | None) -> str:
    known = [v.id for v in sample.spec.views]
    if view is None and len(known) == 1:
        return known[0]
    if view not in known:
        raise typer.BadParameter(f"the golden sample has the views {', '.join(known)}", param_hint="--view")
    return view


def _model(
    sample: GoldenSample, model: str, keys: TrustStore, *, trial: bool
) -> tuple[Classifier | Detector | None, bool]:
    """Return the model that names deviations, and whether it is on trial: nobody who is trusted signed it."""
    from models.errors import ModelUnsignedError
    from models.fitting import model_for
    from stations.model_registry import model_folder

    folder = model_folder(model)  # a registry answers for its models by keys of its own
    try:
        return model_for(sample, folder, keys if folder == model else None), False
    except ModelUnsignedError as error:
        if trial:
            return model_for(sample, folder), True
        raise ModelUnsignedError(f"{error}; or try it with --trial, which accepts no unit") from error


def _compile(
    sample: GoldenSample,
    certificate: CameraCalibration | None,
    view: str,
    model: Classifier | Detector | None,
    colours: Path | None,
    variation: VariationModel | None,
    *,
    trial: bool,
) -> Inspector:
    import time

    import cv2

    from vision import GoldenColours, Inspector

    cv2.setNumThreads(1)
    certificates = {} if certificate is None else {view: certificate}
    measured = {} if colours is None else {view: GoldenColours.open(colours)}
    learned = {} if variation is None else {view: variation}
    return Inspector(
        sample, certificates, model, stopwatch=time.perf_counter, colours=measured, variations=learned,
        trial=trial,
    )  # fmt: skip


def _readings(
    path: Path | None, sample: GoldenSample, serials: list[str]
) -> Mapping[str, list[CharacteristicResult]]:
    if path is None:
        return {}
    from hallmark.colour_readings import results_by_serial

    return results_by_serial(path, sample.spec, serials)


def _watched(images: list[Path], *, show: bool) -> Iterable[Path]:
    """Return the images, behind a progress bar where a person watches long work."""
    if not show or len(images) < 5 or not sys.stderr.isatty():
        return images
    from rich.console import Console
    from rich.progress import track

    return track(images, "inspecting", console=Console(stderr=True))


def _read(image: Path, view: str, certificate: CameraCalibration | None) -> Frame:
    from evidence import FrameError
    from vision import LARGEST_FILE, read_frame

    camera = "file" if certificate is None else certificate.camera
    try:
        if not image.is_file():
            raise FrameError(f"{image}: {'not a file' if image.exists() else 'no such file'}; give a picture")
        if image.stat().st_size > LARGEST_FILE:
            raise FrameError(f"{image}: larger than {LARGEST_FILE} bytes; is it a picture of one unit?")
        data = image.read_bytes()
    except OSError as error:
        raise FrameError(f"{image}: {error.strerror}; give a picture that can be read") from error
    return read_frame(data, view=view, camera=camera, source=str(image))


def _line(record: Inspection) -> str:
    from evidence import because, together

    reasons = ", ".join(record.reasons)
    off = [c.id for c in record.characteristics if c.decision == "nonconform"]
    where = f"  [{', '.join(off)}]" if off else ""
    found = f"  {len(record.defects)} deviations" if record.defects else ""
    lines = [f"{record.serial}  {record.verdict}  {reasons}{where}{found}".rstrip()]
    stops = [(i, d) for i, d in enumerate(record.defects, start=1) if d.severity != "allowed"]
    lines += [f"  #{i} {d.defect_class}: {because(d)}" for i, d in stops[:_MOST_SAID]]
    if len(stops) > _MOST_SAID:
        lines.append(f"  {len(stops) - _MOST_SAID} more are in the record")
    return "\n".join([*lines, *(f"  {together(met)}" for met in record.counts)])


def _write(
    out: Path,
    name: str,
    sample: GoldenSample,
    record: Inspection,
    frame: Frame,
    why: Sequence[Explanation],
    formats: list[PaperFormat],
    issued: str,
) -> None:
    from golden.sample import write_file
    from hallmark.report import framed, inspection_sheet
    from hallmark.report.files import write_paper

    write_file(out / f"{name}.json", record.to_json() + b"\n")
    picture = framed(record, record.frames[0], frame.pixels)
    sheet = inspection_sheet(sample, record, [picture], issued=issued, why=why)
    write_paper(sheet, out, name, formats)
