"""`hallmark calibrate check|since|lamp|show|target`: does a certificate still hold, and what does it say?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from hallmark.calibrate.checks import Doubted

_Certificate = Annotated[
    Path, typer.Argument(metavar="F.cal", help="The certificate.", exists=True, dir_okay=False)
]
_Standard = Annotated[
    Path,
    typer.Option(metavar="F.yaml", help="The check standard's definition.", exists=True, dir_okay=False),
]
_Log = Annotated[
    Path, typer.Option(metavar="F.checks", help="The log of checks; made if absent.", dir_okay=False)
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(calibrate: typer.Typer) -> None:
    """Add the commands to `hallmark calibrate`."""
    for command in (check, since, lamp, show, target):
        calibrate.command()(command)


def check(
    certificate: _Certificate,
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", help="More pictures, the standard re-placed.")
    ] = None,
    *,
    standard: _Standard,
    image: Annotated[
        list[Path],
        typer.Option(metavar="FILE|FOLDER", help="Picture of the check standard; repeatable, re-placed."),
    ],
    log: _Log,
    temperature_c: Annotated[
        float | None, typer.Option(metavar="C", min=-50, max=150, help="Temperature of the standard.")
    ] = None,
    u_temperature_c: Annotated[
        float, typer.Option(metavar="C", min=0, max=50, help="Its standard uncertainty.")
    ] = 1.0,
    actor: Annotated[
        str, typer.Option(metavar="NAME", help="Who checks.", envvar="HALLMARK_ACTOR")
    ] = "calibrate check",
    note: Annotated[str, typer.Option(metavar="TEXT", help="In words.")] = "",
    chart: Annotated[
        Path | None, typer.Option(metavar="F.png|F.svg", help="Draw bias and spread over all checks.")
    ] = None,
    as_json: _AsJson = False,
) -> None:
    """Measure the check standard, append to the log, say whether the calibration still holds.

    Once a shift: two pictures or more, the standard taken away and put back between them. A check beyond
    its limits makes the calibration suspect, a second one ends it; an overdue check does so too. Stations
    that are given the standard and the log hold their units from then on. Exit 0 if valid, 1 if suspect or
    expired.

    The definition, `standard.yaml`, names sizes with their certificate and where their features lie in the
    picture:

    `{serial: RING-7, certificate: DKD-K-9 2026-02, every_hours: 8, sizes: [{id: ring, value_mm: 10.0003,
    u_mm: 0.0004, edges: -2, repeatability_mm: 0.0006, feature: {type: circle_diameter,
    circle: {center_px: [612, 480], radius_px: 231, inside: bright}}}]}`

    Example: `hallmark calibrate check cell-3.cal --standard ring.yaml --image shift-1a.png
    --image shift-1b.png --log cell-3.checks`
    """
    from calibration import CameraCalibration, CheckError, CheckResult, Temperature
    from evidence import canonical_json
    from golden.sample import write_file
    from hallmark.calibrate import check_chart, checks, drawing
    from hallmark.calibrate.pictures import files_of
    from hallmark.calibrate.standard import measure, open_standard

    now = datetime.now(UTC)
    opened, artefact = CameraCalibration.open(certificate, now=now), open_standard(standard)
    if artefact.expired(now.date()):
        raise CheckError(
            f"{standard}: its certificate expired on {artefact.expires}: have it calibrated again"
        )
    checks.history(opened, artefact, log)  # a damaged log is told before anything is measured
    warm = None if temperature_c is None else Temperature(celsius=temperature_c, u_celsius=u_temperature_c)
    readings, missing = measure(artefact, opened, files_of([*image, *(more or [])], "--image"), warm)
    if missing and not readings:
        raise CheckError(
            "no size of the check standard was measured ("
            + ", ".join(f"{name}: {reason}" for name, reason in missing.items())
            + "): is it in the picture, where its definition says?"
        )
    now = datetime.now(UTC)  # what a station measured meanwhile came before it
    result = CheckResult(
        time=now, calibration=opened.digest, serial=artefact.serial, readings=readings, note=note
    )
    checks.append(log, result, actor)
    history = checks.history(opened, artefact, log)
    state, last = history.state(now), history.charted[-1]
    if chart is not None:
        svg = check_chart.as_svg(history, f"{opened.camera}, check standard {artefact.serial}")
        write_file(chart, svg.encode() if chart.suffix.lower() == ".svg" else drawing.to_png(svg))
    if as_json:
        print(
            canonical_json(
                {
                    "state": state.status, "since": state.since.isoformat(), "why": state.why,
                    "verdict": last.verdict, "calibration": opened.digest, "not_measured": missing,
                    "readings": [r.model_dump(mode="json") for r in readings],
                    "points": [
                        {
                            "size": p.size, "chart": p.chart, "value": p.value, "limit": p.limit,
                            "beyond": p.beyond,
                        }
                        for p in last.points
                    ],
                }
            ).decode()
        )  # fmt: skip
    else:
        for line in check_chart.as_text(history):
            print(line)
        for name, reason in missing.items():
            print(f"{name} was not measured ({reason}): the check is incomplete and counts as missed")
        print(f"{opened.camera}: {_STATES[state.status, state.why]} (since {state.since:%Y-%m-%d %H:%M} UTC)")
    raise typer.Exit(0 if state.status == "valid" else 1)


_STATES = {
    ("valid", "checked"): "valid",
    (
        "suspect",
        "beyond_limits",
    ): "SUSPECT, the last check is beyond its limits: clean, re-place, check again",
    ("suspect", "overdue"): "SUSPECT, a check is overdue: check now",
    (
        "expired",
        "beyond_limits",
    ): "EXPIRED, two checks in a row are beyond their limits: calibrate the camera",
    ("expired", "overdue"): "EXPIRED, checks are overdue: check now",
}


def since(
    certificate: _Certificate,
    *,
    standard: _Standard,
    log: _Log,
    records: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Inspection records: files of JSON lines, folders of them, spools.",
            exists=True,
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%SZ"], help="UTC time of the question; default: now."),
    ] = None,
    as_json: _AsJson = False,
) -> None:
    """Say since when a calibration is in doubt, and which inspections lie between.

    From the last good check to the first bad one; of a slow drift, from where it began. An expired
    certificate may be asked about. Exit 0 if nothing is in doubt, 1 if the calibration is.

    Example: `hallmark calibrate since cell-3.cal --standard ring.yaml --log cell-3.checks --records spool-3`
    """  # fmt: skip
    from calibration import CameraCalibration
    from evidence import canonical_json
    from hallmark.calibrate import checks
    from hallmark.calibrate.standard import open_standard

    now = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    opened = CameraCalibration.parse(certificate.read_bytes(), source=str(certificate))
    history = checks.history(opened, open_standard(standard), log)
    doubt = history.since_when(now)
    found = (
        []
        if doubt is None
        else checks.doubted(doubt, lambda frame: frame.calibration == opened.digest, records or [])
    )
    if as_json:
        interval = None if doubt is None else {
            "after": doubt.after.isoformat(), "until": doubt.until and doubt.until.isoformat(),
        }  # fmt: skip
        listed = [one.as_json() for one in found]
        print(
            canonical_json(
                {"state": history.state(now).status, "doubt": interval, "inspections": listed}
            ).decode()
        )
    elif doubt is None:
        print("valid: nothing is in doubt")
    else:
        until = (
            "now, since a check is overdue" if doubt.until is None else f"{doubt.until:%Y-%m-%d %H:%M:%S} UTC"
        )
        print(f"in doubt: after {doubt.after:%Y-%m-%d %H:%M:%S} UTC until {until}")
        for one in found:
            print(_row(one))
        asked = "inspections are in doubt" if records else "give --records to list the inspections"
        print(f"{len(found)} {asked}" if records else asked)
    raise typer.Exit(0 if doubt is None else 1)


def lamp(
    colours: Annotated[
        Path,
        typer.Argument(
            metavar="F.colours", help="The golden colours with the tile.", exists=True, dir_okay=False
        ),
    ],
    *,
    records: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE|FOLDER",
            help="Inspection records: files of JSON lines, folders of them, spools.",
            exists=True,
        ),
    ],
    as_json: _AsJson = False,
) -> None:
    """Say how a station's lamp is by the tile in its frames, and which inspections are in doubt since when.

    From the last time at which the light was surely right to when units were held. Exit 0 if nothing is in
    doubt, 1 if units are.

    Example: `hallmark calibrate lamp cell-3.colours --records spool-3`
    """
    from calibration import CheckError
    from evidence import canonical_json
    from hallmark.calibrate import checks, lamps
    from vision import GoldenColours

    opened = GoldenColours.open(colours)
    known = lamps.states(opened.digest, records)
    if not known:
        raise CheckError(
            f"no record says how the light was beside {colours}: give the records of a station that was run "
            "with it, measured with --tile"
        )
    found = [
        (doubt, checks.doubted(doubt, lambda frame: frame.colours == opened.digest, records))
        for doubt in lamps.doubts(known)
    ]
    if as_json:
        told = [
            {
                "after": doubt.after.isoformat(), "until": doubt.until and doubt.until.isoformat(),
                "inspections": [one.as_json() for one in units],
            }
            for doubt, units in found
        ]  # fmt: skip
        print(canonical_json({"state": known[-1].model_dump(mode="json"), "doubts": told}).decode())
    else:
        print(lamps.sentence(opened.view, known[-1]))
        for doubt, units in found:
            until = "now" if doubt.until is None else f"{doubt.until:%Y-%m-%d %H:%M:%S} UTC"
            print(f"in doubt: after {doubt.after:%Y-%m-%d %H:%M:%S} UTC until {until}")
            for one in units:
                print(_row(one))
            print(f"{len(units)} inspections are in doubt")
    raise typer.Exit(1 if found else 0)


def _row(one: Doubted) -> str:
    return (
        f"{one.captured_at:%Y-%m-%d %H:%M:%S}  {one.verdict:<6}  {one.serial}  lot {one.lot}  "
        f"{one.station} #{one.sequence}  {one.digest}"
    )


def show(
    certificate: _Certificate,
    *,
    trust: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of trusted public keys: signatures are verified.",
            exists=True,
            file_okay=False,
            envvar="HALLMARK_TRUST",
        ),
    ] = None,
) -> None:
    """Print a certificate for people: scale, uncertainty over the field, residuals, validity, traceability.

    Expired ones are shown too, and say so. Example: `hallmark calibrate show cell-3.cal --trust keys`
    """
    from calibration import CameraCalibration
    from golden.keys import TrustStore
    from hallmark.calibrate.text import describe

    opened = CameraCalibration.parse(certificate.read_bytes(), source=str(certificate))
    for line in describe(opened, datetime.now(UTC), None if trust is None else TrustStore.open(trust)):
        print(line)


def target(
    *,
    kind: Annotated[
        Literal["charuco", "chessboard", "dots"], typer.Option(help="What is on the target.")
    ] = "charuco",
    columns: Annotated[int, typer.Option(help="Squares, or dots, across.", min=3, max=200)] = 12,
    rows: Annotated[int, typer.Option(help="Squares, or dots, down.", min=3, max=200)] = 9,
    pitch_mm: Annotated[float, typer.Option(help="Side of a square, or distance of dots.")] = 10.0,
    pitch_relative_uncertainty: Annotated[
        float, typer.Option(help="Its relative standard uncertainty: 1e-3 for a print, 1e-5 for glass.")
    ] = 1e-3,
    marker_mm: Annotated[
        float | None, typer.Option(help="Side of a marker; default: 3/4 of the pitch.")
    ] = None,
    dictionary: Annotated[str, typer.Option(help="OpenCV's name of the markers.")] = "DICT_5X5_100",
    dot_mm: Annotated[float | None, typer.Option(help="Diameter of a dot; default: half the pitch.")] = None,
    serial: Annotated[str, typer.Option(help="Number on the target.")] = "",
    certificate: Annotated[str, typer.Option(help="Reference of its calibration certificate.")] = "",
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of that certificate.")
    ] = None,
    substrate: Annotated[str, typer.Option(help="Material.")] = "",
    expansion_per_k: Annotated[float, typer.Option(help="Its linear thermal expansion, 1/K.")] = 0.0,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="F.yaml", help="The definition; a new file.")],
    board: Annotated[
        Path | None, typer.Option("--print", metavar="F.pdf|F.svg", help="The board at true size, to print.")
    ] = None,
) -> None:
    """Write a target's definition with comments, and the board to print on request.

    Print without scaling, glue it flat, then measure the pitch over as many squares as possible and correct
    it in the file.

    Example: `hallmark calibrate target --kind charuco --columns 12 --rows 9 --pitch-mm 10 -o target.yaml
    --print board.pdf`
    """
    from calibration import Target
    from golden.digests import canonical_json
    from hallmark.calibrate import definition
    from hallmark.calibrate.files import write_all

    last_day: date | None = None if expires is None else expires.date()
    fields = {
        "kind": kind, "columns": columns, "rows": rows, "pitch_mm": pitch_mm,
        "pitch_relative_uncertainty": pitch_relative_uncertainty,
        "marker_mm": (marker_mm or 0.75 * pitch_mm) if kind == "charuco" else marker_mm,
        "dictionary": dictionary if kind == "charuco" else None,
        "dot_mm": (dot_mm or 0.5 * pitch_mm) if kind == "dots" else dot_mm,
        "serial": serial, "certificate": certificate, "expires": last_day and last_day.isoformat(),
        "substrate": substrate, "expansion_per_k": expansion_per_k,
    }  # fmt: skip
    stated = {name: value for name, value in fields.items() if value is not None}
    made = Target.parse(canonical_json(stated), source="the target")
    text = definition.to_yaml(made)
    files = {out: text.encode()}
    if board is not None:
        files[board] = definition.board_bytes(made, board)
    write_all(files)
    print(
        f"{out}  {kind}, {columns} x {rows}, pitch {pitch_mm:g} mm" + (f"; {board} to print" if board else "")
    )
