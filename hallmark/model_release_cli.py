"""`hallmark model` shadow, release, rollback, history and feedback: from calls to a signed model and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallmark.progress import progress

if TYPE_CHECKING:
    from evidence import Inspection
    from golden.sample import GoldenSample
    from hallmark.feedback.shadow import ShadowReport, Shown, StoredUnit
    from stations import SpoolReader
    from stations.model_registry import Shadow

Registry = Annotated[
    Path,
    typer.Argument(metavar="REGISTRY", help="A station's registry of models."),
]
Golden = Annotated[Path, typer.Option(metavar="PART.golden", help="The golden sample of the units.")]
Trust = Annotated[
    Path, typer.Option(metavar="DIR", envvar="HALLMARK_TRUST", help="Folder of trusted public keys.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Archive = Annotated[
    Path | None,
    typer.Option(
        "--frames", metavar="DIR", exists=True, file_okay=False,
        help="The server's folder of frames, for those that the spool has dropped.",
    ),
]  # fmt: skip
Spool = Annotated[Path, typer.Argument(metavar="SPOOL", help="The spool of a station.")]


def register(model: typer.Typer) -> None:
    """Add the commands to `hallmark model`."""
    for command in (sign, shadow, release, rollback, history):
        model.command(command.__name__)(command)
    feedback = typer.Typer(name="feedback", help="People's calls become training data.", no_args_is_help=True)
    for command in (sheet, collect):
        feedback.command(command.__name__)(command)
    model.add_typer(feedback)


def sign(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the release.")],
    key: Annotated[Path, typer.Option(metavar="KEY", help="The signer's *.key.json.")],
) -> None:
    """Sign a release: its files are listed and the list is signed, after all of its parity was checked.

    A release that has no parity report yet gets one.

    Example: `hallmark model sign build/detector --key keys/buyer-nordic.key.json`
    """
    from golden.keys import SigningKey
    from models.kinds import card_of, report_parity, verify_release
    from models.release import seal
    from models.release.report import REPORT

    signer = SigningKey.load(key)
    verify_release(folder)
    card = card_of(folder)
    if not (folder / REPORT).exists():
        report_parity(folder)
    made = seal(folder, card, signer)
    print(f"{card.reference.name}  {card.reference.digest}: release {made.digest} signed by {signer.party}")


def shadow(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The model in use, or its registry.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The released model to try.")],
    frames: Annotated[
        list[Path],
        typer.Argument(
            metavar="FRAMES...", help="A spool or pictures of units; for detectors also prepared pairs."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder that receives shadow.json and its page.")],
    *,
    golden: Annotated[
        Path | None, typer.Option(metavar="PART.golden", help="The golden sample; prepared pairs need none.")
    ] = None,
    trust: Trust = Path("trust"),
    archive: Archive = None,
    as_json: AsJson = False,
) -> None:
    """Judge stored frames by the model in use and by a new one, and list what differs, with pictures.

    Units are judged by surface alone. Exit 0 if no verdict flips, 1 if any does, 2 on bad input.

    Example: `hallmark model shadow models build/new spool-3 --golden part.golden --out shadow`
    """
    from evidence import canonical_json
    from hallmark.feedback import shadow as running

    report, shown = _judged_twice(old, new, frames, golden, trust, archive)
    running.write(out, report, shown)
    if as_json:
        print(canonical_json(report.model_dump(mode="json", by_alias=True)).decode())
    else:
        for one in report.differing:
            becomes = f" becomes {one.new.verdict}" if one.what == "flips" else ", named otherwise"
            print(f"{one.unit}: {one.old.verdict}{becomes}")
        print(
            f"{report.units} units: {report.flips} verdicts would flip, "
            f"{len(report.differing) - report.flips} differ in names alone; see {out / running.PAGE}"
        )
    raise typer.Exit(int(report.flips > 0))


def release(
    registry: Registry,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the release.")],
    key: Annotated[Path, typer.Option(metavar="KEY", help="The signer's *.key.json, trusted by REGISTRY.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why it is released: goes into the journal.")],
    *,
    report: Annotated[
        Path | None, typer.Option("--shadow", metavar="shadow.json", help="What its shadow run found.")
    ] = None,
    flips: Annotated[
        int, typer.Option(min=0, help="Verdicts that may flip: as many as the shadow run found, no other.")
    ] = 0,
) -> None:
    """Sign a model and let the station use it from its next start on; REGISTRY is made if absent.

    The first one needs no shadow run. REGISTRY/trust holds the public keys of those who may release.

    Example: `hallmark model release models build/new --key q.key.json --why "scratches" --shadow shadow.json`
    """
    from golden.keys import SigningKey
    from models.kinds import card_of
    from stations.model_registry import ModelRegistry

    signer = SigningKey.load(key)
    card_of(folder)  # no registry is made for what is no release
    found = None if report is None else _report(report)
    if found is not None and found.flips != flips:
        raise typer.BadParameter(
            f"the shadow run found {found.flips} verdicts that would flip: look at them, then say so",
            param_hint="--flips",
        )
    done = ModelRegistry.create(registry).release(
        folder, key=signer, why=why, now=datetime.now(UTC), shadow=found
    )
    print(f"{done.deed.model.name}  {done.deed.model.digest} is in use, released by {signer.party}")


def rollback(
    registry: Registry,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who does it.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why: goes into the journal.")],
) -> None:
    """Use the model from before the one in use again, from the station's next start on.

    Example: `hallmark model rollback models --by "Li Na" --why "false alarms on line 3"`
    """
    from stations.model_registry import ModelRegistry

    back = ModelRegistry(registry).roll_back(actor=by, why=why, now=datetime.now(UTC))
    print(f"{back.deed.model.name}  {back.deed.model.digest} is in use again")


def history(registry: Registry, *, as_json: AsJson = False) -> None:
    """Show which models were in use, since when, by whose signature and why; the last line is in use.

    Example: `hallmark model history models`
    """
    from evidence import canonical_json
    from stations.model_registry import ModelRegistry

    found = ModelRegistry(registry)
    lines = found.lines()
    found.in_use()  # refuses what is not signed
    if as_json:
        print(canonical_json([line.model_dump(mode="json") for line in lines]).decode())
        return
    for line in lines:
        deed = line.body["deed"]
        print(f"{line.time}  {line.kind:<18}  {deed['model']['name']}  {deed['model']['digest'][:19]}  "
              f"{line.actor}: {deed['why']}")  # fmt: skip
    if not lines:
        print("no model was released here yet")


def sheet(
    spool: Spool,
    golden: Golden,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for calls.csv and its pictures.")],
    *,
    trust: Trust = Path("trust"),
    archive: Archive = None,
    sequence: Annotated[
        list[int] | None, typer.Option(help="Only the unit with this number; repeat for several.")
    ] = None,
) -> None:
    """Write a sheet of what a station found, for people to call: a line and a picture for each deviation.

    Write into the column `call`: `confirmed`, a class of the model, or `not_a_defect`.

    Example: `hallmark model feedback sheet spool-3 --golden part.golden --out calls`
    """
    from hallmark.feedback.calls import SHEET, Sheets, write_sheet
    from stations import SpoolReader

    sample = _sample(golden, trust)
    with SpoolReader.read(spool) as reader:
        records = _records(reader, sample, sequence)
        with progress("aligning", len(records)) as advance:
            watched = _told(sorted(records.items()), advance)
            count = write_sheet(reader, Sheets(sample, archive), watched, out)
    print(f"{count} deviations to call in {out / SHEET}")


def collect(
    spool: Spool,
    calls: Annotated[Path, typer.Argument(metavar="calls.csv", help="The sheet, filled in.")],
    golden: Golden,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who called.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder that receives the training pairs.")],
    *,
    trust: Trust = Path("trust"),
    archive: Archive = None,
    classes: Annotated[
        Path | None,
        typer.Option("--model", help="Model whose classes are called; default: packaged."),
    ] = None,
) -> None:
    """Make training pairs of what people called. Nothing that was judged changes.

    Fit a detector to them with `python -m models.train.detector DIR --out FOLDER`.

    Example: `hallmark model feedback collect spool-3 calls/calls.csv --golden s4.golden --by Li --out pairs`
    """
    from hallmark.feedback.calls import Sheets, read_calls
    from hallmark.feedback.calls import collect as gather
    from models.kinds import card_of
    from models.release import packaged
    from stations import SpoolReader

    if not by.strip():
        raise typer.BadParameter("the pairs say who called: write a name", param_hint="--by")
    sample = _sample(golden, trust)
    names = card_of(classes or packaged()).classes
    with SpoolReader.read(spool) as reader:
        records = _records(reader, sample, None)
        said = read_calls(calls, records, names)
        count = gather(
            reader, Sheets(sample, archive), records, said,
            classes=names, by=by, sheet=calls.read_bytes(), out=out,
        )  # fmt: skip
    print(f"{len(said)} calls by {by}: {count} pairs in {out}")


def _judged_twice(
    old: Path, new: Path, frames: list[Path], golden: Path | None, trust: Path, archive: Path | None
) -> tuple[ShadowReport, tuple[Shown, ...]]:
    from hallmark.feedback import shadow, shadow_pairs
    from models.detector.runtime import ReleasedDetector
    from models.fitting import model_for
    from models.kinds import open_release
    from stations.model_registry import model_folder

    folders = [model_folder(str(model)) for model in (old, new)]
    if golden is None:
        before, after = (open_release(Path(folder)) for folder in folders)
        if not (isinstance(before, ReleasedDetector) and isinstance(after, ReleasedDetector)):
            raise typer.BadParameter("name the units' golden sample, or two detectors", param_hint="--golden")
        if len(frames) != 1:
            raise typer.BadParameter(
                "without --golden, name one folder of prepared pairs", param_hint="FRAMES"
            )
        with progress("deciding twice", len(list(frames[0].glob("*.npz")))) as advance:
            return shadow_pairs.run(before, after, frames[0], advance)
    sample = _sample(golden, trust)
    first, second = (model_for(sample, folder) for folder in folders)  # refuses one that does not fit
    if first is None or second is None:
        raise typer.BadParameter("name two models: units judged by none have no names", param_hint="NEW")
    count, units = _stored(frames, sample, archive)
    with progress("judging twice", count) as advance:
        return shadow.run(first, second, sample, units, advance)


def _sample(golden: Path, trust: Path) -> GoldenSample:
    from golden.keys import TrustStore
    from golden.sample import GoldenSample

    return GoldenSample.open(golden, TrustStore.open(trust), datetime.now(UTC))


def _records(reader: SpoolReader, sample: GoldenSample, wanted: list[int] | None) -> dict[int, Inspection]:
    from hallmark.errors import TrainingError

    units = [reader.unit(n) for n in wanted] if wanted else reader.units()
    every = {unit.sequence: unit.inspection for unit in units if unit.state != "open"}
    own = {n: record for n, record in every.items() if record.golden.digest == sample.digest}
    if every and not own:
        raise TrainingError(
            f"{reader.directory}: none of {len(every)} units was judged by golden sample "
            f"{sample.digest[:19]}; give the one that judged them"
        )
    return own


def _told(
    records: list[tuple[int, Inspection]], advance: Callable[[int], None]
) -> Iterator[tuple[int, Inspection]]:
    for done, one in enumerate(records, start=1):
        yield one
        advance(done)


def _report(path: Path) -> Shadow:
    from hallmark.feedback.shadow import read
    from stations.model_registry import Shadow

    report, digest = read(path)
    return Shadow(digest=digest, old=report.old, new=report.new, units=report.units, flips=report.flips)


def _stored(
    frames: list[Path], sample: GoldenSample, archive: Path | None
) -> tuple[int, Iterator[StoredUnit]]:
    """Return how many units are stored, and the units of a spool or of pictures."""
    from hallmark.feedback.shadow import StoredUnit
    from stations import SpoolReader

    if len(frames) == 1 and frames[0].is_dir():
        with SpoolReader.read(frames[0]) as reader:
            numbers = sorted(_records(reader, sample, None))

        def spooled() -> Iterator[StoredUnit]:
            with SpoolReader.read(frames[0]) as reader:
                for n in numbers:
                    yield StoredUnit(f"{n} {reader.unit(n).serial}", reader.frames(n, archive))

        return len(numbers), spooled()
    if len(sample.spec.views) > 1:
        raise typer.BadParameter("which view do pictures show? Name a spool", param_hint="FRAMES")
    for path in frames:
        if not path.is_file():
            raise typer.BadParameter(f"{path} is no picture", param_hint="FRAMES")
    view = next(iter(sample.spec.views)).id
    return len(frames), (StoredUnit(path.stem, {view: path.read_bytes()}) for path in frames)
