"""`hallmark explain`: why each deviation of an inspected unit is a defect, as pictures and in words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evidence import Frame, Inspection
    from golden.sample import GoldenSample
    from hallmark.report.present import Judged
    from vision import Explanation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explain)


def explain(
    golden: Annotated[Path, typer.Argument(metavar="PART.golden", help="The golden sample that judged.")],
    record: Annotated[
        Path, typer.Argument(metavar="RECORD.json", help="The record, as `hallmark inspect --out` writes it.")
    ],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The very picture that was inspected.")],
    *,
    trust: Annotated[
        Path, typer.Option(metavar="DIR", envvar="HALLMARK_TRUST", help="Folder of trusted public keys.")
    ] = Path("trust"),
    model: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|none",
            help="The model that the record names. Default: the packaged one, where the record names it.",
            envvar="HALLMARK_MODEL",
        ),
    ] = "packaged",
    variation: Annotated[
        Path | None,
        typer.Option(
            metavar="F",
            help="What approved units show, where the unit was compared with that.",
            exists=True,
            dir_okay=False,
            envvar="HALLMARK_VARIATION",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the pictures here; without it only words.")
    ] = None,
    most: Annotated[
        int, typer.Option(min=1, max=200, help="Most defects, and most dismissed deviations, that are shown.")
    ] = 20,
    dismissed: Annotated[
        bool, typer.Option("--dismissed", help="Also show what the model called not a defect.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Show why a unit was rejected or held: a picture for each deviation, and the whole unit with boxes.

    Components, prints and codes are boxes too: their agreed places and, where they do not conform, where they
    lie or differ, each also close up beside the golden view.

    Each picture has the golden view, the unit aligned to it, their signed difference, and a heat map: the
    classifier's probability of a defect, or how far the unit exceeds what is tolerated. The frame is compared
    again, and refused where it is not the one that was inspected or now shows other deviations.

    Examples:
    `hallmark explain s4.golden sheets/unit-7.json unit-7.png --trust trust --out why`

    `hallmark explain s4.golden sheets/unit-7.json unit-7.png --dismissed --json`
    """
    from golden.keys import TrustStore
    from golden.sample import GoldenSample
    from hallmark.report.present import judged
    from models.fitting import model_for
    from stations.model_registry import model_folder
    from vision import Inspector, VariationModel

    keys = TrustStore.open(trust)
    sample = GoldenSample.open(golden, keys, datetime.now(UTC))
    inspection = _record(record)
    frame = _frame(inspection, image)
    namer = None if inspection.model is None else model_for(sample, model_folder(model))
    learned = {} if variation is None else {frame.view: VariationModel.open(variation, keys)}
    inspector = Inspector(sample, {}, namer, variations=learned)
    found = inspector.explain(frame, inspection, most=most)
    shown = [e for e in found if dismissed or e.number is not None]
    present = judged(sample.spec, inspection, frame.view)
    files = {} if out is None else _write(out, record.stem, sample, inspection, frame, shown, present)
    lines = [_line(e, files.get(id(e))) for e in shown]
    asked = [_present(j, files.get(id(j))) for j in present]
    if as_json:
        from golden.digests import canonical_json

        said = {"id": inspection.id, "verdict": inspection.verdict, "view": frame.view, "deviations": lines}
        print(canonical_json({**said, "present": asked, "dismissed": inspection.dismissed}).decode())
        return
    unit = inspection.serial or inspection.id
    print(f"{unit}  {inspection.verdict}  {', '.join(inspection.reasons)}".rstrip())
    for one in asked:
        print(f"{one['number']:>4}  {one['name']}: {one['because']}")
        if one["file"]:
            print(f"      {one['file']}")
    for line in lines:
        number = f"#{line['number']}" if line["number"] else "-"
        print(f"{number:>4}  {line['class'].replace('_', ' ')}: {line['because']}")
        if line["file"]:
            print(f"      {line['file']}")
    _print_rest(inspection, frame.view, shown, dismissed=dismissed)


def _print_rest(inspection: Inspection, view: str, shown: Sequence[Explanation], *, dismissed: bool) -> None:
    from evidence import together

    for met in inspection.counts:
        print(f"      {together(met)}")
    left = sum(d.view == view for d in inspection.defects) - sum(e.number is not None for e in shown)
    if left:
        print(f"      {left} more are in the record; see --most")
    if inspection.dismissed and not dismissed:
        print(f"      {inspection.dismissed} were called not a defect; see --dismissed")


def _record(path: Path) -> Inspection:
    from pydantic import ValidationError

    from evidence import FrameError, Inspection, verify_digest

    try:
        inspection = Inspection.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise FrameError(
            f"{path}: not a record of an inspection ({where}: {first['msg']}); give the JSON that "
            "`hallmark inspect --out` wrote"
        ) from error
    if not verify_digest(inspection):
        raise FrameError(f"{path}: the record was altered: its digest is not that of its content")
    return inspection


def _frame(inspection: Inspection, path: Path) -> Frame:
    from evidence import FrameError, sha256
    from vision import read_frame

    data = path.read_bytes()
    known = next((f for f in inspection.frames if f.digest == sha256(data)), None)
    if known is None:
        raise FrameError(
            f"{path}: not the picture of inspection {inspection.id}: its digest is {sha256(data)}, the "
            f"record's {', '.join(f.digest for f in inspection.frames) or 'none'}"
        )
    return read_frame(
        data, view=known.view, camera=known.camera, captured_at=known.captured_at, source=str(path)
    )


def _write(
    out: Path,
    name: str,
    sample: GoldenSample,
    inspection: Inspection,
    frame: Frame,
    shown: Sequence[Explanation],
    present: Sequence[Judged],
) -> dict[int, str]:
    """Write pictures of explanations and of what does not conform, and the overview; return the files."""
    from golden.sample import write_file
    from hallmark.calibrate.drawing import to_png
    from hallmark.progress import progress
    from hallmark.report.explained import explained_sheet, overview
    from hallmark.report.pictures import as_seen, framed
    from hallmark.report.present import close_up

    out.mkdir(parents=True, exist_ok=True)
    stem = f"{name}-{frame.view}"
    view = sample.spec.view(frame.view)
    record = next(f for f in inspection.frames if f.view == view.id)
    picture = as_seen(framed(inspection, record, frame.pixels), view)
    write_file(out / f"{stem}-overview.png", to_png(overview(sample.spec, inspection, picture, view)))
    drawings: list[tuple[int, str, str]] = []
    for j in present:
        if j.result.decision != "conform":
            which = f"{j.characteristic.number}-{j.characteristic.id}"
            drawings.append((id(j), which, close_up(sample, view, picture, j)))
    for i, e in enumerate(shown, start=1):
        which = f"{e.number:02d}-{e.defect_class}" if e.number else f"dismissed-{i:02d}"
        drawings.append((id(e), which, explained_sheet(e, view)))
    files: dict[int, str] = {}
    with progress("drawing", len(drawings)) as done:
        for i, (key, which, drawing) in enumerate(drawings, start=1):
            path = out / f"{stem}-{which}.png"
            write_file(path, to_png(drawing))
            files[key] = str(path)
            done(i)
    return files


def _present(j: Judged, file: str | None) -> dict[str, Any]:
    result = j.result.model_dump(mode="json", exclude={"source", "budget", "common_uncertainty", "set_aside"})
    own = {"number": j.characteristic.number, "kind": j.characteristic.kind}
    return {**result, **own, "because": "; ".join(j.because), "file": file}


def _line(e: Explanation, file: str | None) -> dict[str, Any]:
    return {
        "number": e.number,
        "class": e.defect_class,
        "severity": None if e.defect is None else e.defect.severity,
        "because": e.because,
        "file": file,
    }
