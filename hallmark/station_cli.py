"""`hallmark station run`: a station's line from the command line, over a folder of pictures or the twin."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallmark.api_key import read_key
from hallmark.model_cli import naming

if TYPE_CHECKING:
    from evidence import Inspection
    from stations import ImageJob, Outbox, Station, TwinJob


def register(app: typer.Typer) -> None:
    """Add `hallmark station`."""
    station = typer.Typer(name="station", help="Stations on the line.", no_args_is_help=True)
    station.command("run")(run)
    app.add_typer(station)


def run(
    *,
    golden: Annotated[
        Path,
        typer.Option(help="The sealed golden sample.", exists=True, dir_okay=False, envvar="HALLMARK_GOLDEN"),
    ],
    trust: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder of trusted public keys.",
            exists=True,
            file_okay=False,
            envvar="HALLMARK_TRUST",
        ),
    ],
    station: Annotated[str, typer.Option(metavar="ID", help="This station.", envvar="HALLMARK_STATION")],
    spool: Annotated[
        Path,
        typer.Option(metavar="DIR", help="The station's own spool; made if absent.", envvar="HALLMARK_SPOOL"),
    ],
    calibration: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[VIEW=]F",
            help="Camera certificate, of one view or of all.",
            envvar="HALLMARK_CALIBRATION",
        ),
    ] = None,
    calibration_trust: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of public keys, of which one must have signed each certificate.",
            exists=True,
            file_okay=False,
            envvar="HALLMARK_CALIBRATION_TRUST",
        ),
    ] = None,
    colours: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[VIEW=]F",
            help="The golden sample's colours as this station measured them, see `hallmark calibrate "
            "golden`; needed where the certificate has colour.",
            envvar="HALLMARK_GOLDEN_COLOURS",
        ),
    ] = None,
    variation: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[VIEW=]F",
            help="What approved units of a view show, signed by a key in --trust, see `hallmark golden "
            "variation`.",
            envvar="HALLMARK_VARIATION",
        ),
    ] = None,
    check_standard: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[VIEW=]F",
            help="Definition of the check standard; units are HOLD while a check is overdue or was bad.",
            envvar="HALLMARK_CHECK_STANDARD",
        ),
    ] = None,
    check_log: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[VIEW=]F",
            help="Its log, which `hallmark calibrate check` appends to while the station runs.",
            envvar="HALLMARK_CHECK_LOG",
        ),
    ] = None,
    camera: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[VIEW=]ID",
            help="Identity of the camera, of one view or of all; a certificate of another camera then holds "
            "every unit. Without it the certificate's own name is taken and nothing is checked.",
            envvar="HALLMARK_CAMERA",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|none",
            help="Released model that names deviations, or none. The packaged one is taken where it was made "
            "from an image of the golden sample.",
            envvar="HALLMARK_MODEL",
        ),
    ] = "packaged",
    lot: Annotated[str | None, typer.Option(help="Lot being produced.", envvar="HALLMARK_LOT")] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Pictures named SERIAL.png (or one folder per view); taken as captured when inspected.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    twin: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Let the twin capture N good units instead.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="What the twin draws.")] = 1,
    view: Annotated[str | None, typer.Option(metavar="ID", help="Capture only this view.")] = None,
    takt: Annotated[
        float | None, typer.Option(metavar="S", min=0.001, help="Seconds per unit; later is HOLD.")
    ] = None,
    signals: Annotated[
        Path | None, typer.Option(metavar="F", help="Append each output switched to F, as JSON lines.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Forward records there.", envvar="HALLMARK_SERVER")
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="F",
            help="File with the station's API key.",
            exists=True,
            dir_okay=False,
            envvar="HALLMARK_API_KEY_FILE",
        ),
    ] = None,
    retry_refused: Annotated[
        bool,
        typer.Option("--retry-refused", help="Send again what the server has refused."),
    ] = False,
    keep_frames: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Drop frames that the server has, but of the newest N units.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one inspection record per line.")] = False,
) -> None:
    """Inspect units one after the other; each record is durable before its output is switched.

    Exit 0 if all were accepted, 1 if any was rejected or held, 2 on bad input. Records stay in the spool
    until the server has them; units that a kill left open become HOLD `interrupted`.

    With --server and neither --images nor --twin nothing is inspected: what the spool holds is forwarded.
    Exit 0 if the server then has it all, 1 if not.

    Examples:
    `hallmark station run --golden part.golden --trust keys --calibration top.cal --station cell-3
    --lot L42 --images pictures --spool spool-3`

    `hallmark station run --golden part.golden --trust keys --calibration top.cal --station cell-3
    --twin 20 --spool spool-3 --server http://127.0.0.1:8000 --api-key-file cell-3.key --json`

    `hallmark station run --golden part.golden --trust keys --station cell-3 --spool spool-3
    --server http://127.0.0.1:8000 --api-key-file cell-3.key --retry-refused`
    """  # fmt: skip
    from stations import JobError, Station, StationConfig, open_outbox, open_station

    if images is not None and twin is not None:
        raise JobError("give either --images DIR or --twin N")
    inspects = images is not None or twin is not None
    if not inspects and server is None:
        raise JobError("give either --images DIR or --twin N, or --server to forward what the spool holds")
    if server is not None and api_key_file is None:
        raise JobError("--server needs --api-key-file: ask the server's administrator for a station key")
    jobs = _twin_jobs(twin, seed) if twin is not None else _image_jobs(images) if images is not None else ()
    config = StationConfig(
        station=station, golden=golden, trust=trust, spool=spool, lot=lot, view=view, takt_s=takt, jobs=jobs,
        calibrations=_by_view(calibration or [], "--calibration"), certifiers=calibration_trust,
        colours=_by_view(colours or [], "--colours"),
        variations=_by_view(variation or [], "--variation"),
        standards=_by_view(check_standard or [], "--check-standard"),
        checks=_by_view(check_log or [], "--check-log"), cameras=_cameras(camera or []),
        signals=signals, server=server, api_key=read_key(api_key_file) if api_key_file else "",
        keep_frames=keep_frames, model=model,
    )  # fmt: skip
    with open_station(config) if inspects else open_outbox(config) as opened:
        if opened.spool.recovered:
            _note(f"sequences {list(opened.spool.recovered)} were interrupted earlier and are HOLD")
        if retry_refused:
            opened.spool.retry_refused()
        good = not isinstance(opened, Station) or _run(opened, as_json=as_json)
        forwarded = _settle(opened)
    raise typer.Exit(0 if good and (inspects or forwarded) else 1)


def _run(opened: Station, *, as_json: bool) -> bool:
    """Run all jobs, print what they came to, and return whether all were accepted."""
    from rich.console import Console
    from rich.progress import track

    _note(naming(opened.model))
    _tell_lamps(opened)
    quiet = Console(stderr=True)
    good = True
    for inspection in track(
        opened.units(), total=len(opened.config.jobs), description=f"station {opened.config.station}",
        console=quiet, disable=not quiet.is_terminal, transient=True,
    ):  # fmt: skip
        good &= inspection.verdict == "ACCEPT"
        print(inspection.to_json().decode() if as_json else _line(inspection), flush=True)
    _tell_lamps(opened)
    return good


def _tell_lamps(opened: Station) -> None:
    """Say which lamps hold units; that they begin to is in the log."""
    from hallmark.calibrate.lamps import sentence

    for view, state in opened.lamps.states.items():
        if state.status != "ok":
            _note(sentence(view, state))


def _settle(opened: Outbox) -> bool:
    """Forward, say what stays behind, and return whether the server has everything."""
    opened.settle()
    waiting = opened.spool.counts().get("pending", 0)
    if opened.forwarder is not None and waiting:
        _note(f"{waiting} records wait in the spool: {opened.forwarder.trouble}")
    refused = opened.spool.units("refused")
    for unit in refused:
        _note(f"the server refused sequence {unit.sequence}: {unit.problem}")
    if refused:
        _note(f"{len(refused)} records are refused: once the cause is mended, send them with --retry-refused")
    return not waiting and not refused


def _line(inspection: Inspection) -> str:
    return (
        f"{inspection.sequence:>6}  {inspection.verdict:<6}  {inspection.serial}  "
        f"{', '.join(inspection.reasons)}"
    ).rstrip()


def _note(sentence: str) -> None:
    print(f"hallmark: {sentence}", file=sys.stderr)


def _by_view(options: list[str], name: str) -> dict[str, Path]:
    """Return files by view from `F` or `VIEW=F`."""
    from stations import ANY_VIEW, JobError

    found: dict[str, Path] = {}
    for option in options:
        view, equals, file = option.partition("=")
        key, path = (view, Path(file)) if equals and not Path(option).exists() else (ANY_VIEW, Path(option))
        if not path.is_file():
            raise JobError(f"{name} {option}: there is no file {path}")
        if key in found:
            raise JobError(f"{name} {option}: give one for each view, as VIEW=F")
        found[key] = path
    return found


def _cameras(options: list[str]) -> dict[str, str]:
    """Return camera identities by view from `ID` or `VIEW=ID`."""
    from stations import ANY_VIEW, JobError

    found: dict[str, str] = {}
    for option in options:
        view, equals, name = option.partition("=")
        key, identity = (view, name) if equals else (ANY_VIEW, option)
        if key in found:
            raise JobError(f"--camera {option}: give one camera per view, as VIEW=ID")
        found[key] = identity
    return found


def _image_jobs(folder: Path) -> tuple[ImageJob, ...]:
    """Return one job per serial: of the folder's own pictures, or of its folders, one per view."""
    from stations import ANY_VIEW, ImageJob, pictures

    views = sorted(path for path in folder.iterdir() if path.is_dir())
    if not views:
        return tuple(ImageJob(serial, {ANY_VIEW: path}) for serial, path in pictures(folder).items())
    by_view = {path.name: pictures(path) for path in views}
    serials = sorted({serial for files in by_view.values() for serial in files})
    return tuple(
        ImageJob(serial, {view: files[serial] for view, files in by_view.items() if serial in files})
        for serial in serials
    )


def _twin_jobs(count: int, seed: int) -> tuple[TwinJob, ...]:
    from stations import TwinJob

    started = datetime.now(UTC)
    return tuple(
        TwinJob(f"TWIN-{seed}-{n:04d}", seed * 100_000 + n, captured_at=started) for n in range(1, count + 1)
    )
