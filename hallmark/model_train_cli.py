"""`hallmark model train`: a detector from labelled units, or from golden pictures alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from datasets.labelled import LabelledSet, Split
    from hallmark.training.prepare import Prepared, Stage
    from hallmark.training.sources import Source

FormatName = Literal["deeppcb", "coco", "yolo", "anomalib"]


@dataclass(frozen=True)
class _HeldOut:
    """Groups that the fit does not see: their names, how many pairs they have, and the split they are of."""

    groups: tuple[str, ...]
    pairs: int
    split: Split | None


def train(
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the released detector; nothing may be there yet.")
    ],
    *,
    data: Annotated[Path | None, typer.Option(help="Folder of labelled units to train on.")] = None,
    golden: Annotated[
        Path | None,
        typer.Option(
            help="Golden picture, or a folder of them, to draw defects on; with --data: what its units are "
            "compared with."
        ),
    ] = None,
    layout: Annotated[
        FormatName | None, typer.Option("--format", help="The layout of DATA; default: what it looks like.")
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option("--list", help="Its list of pairs (DeepPCB, YOLO), or its JSON file (COCO)."),
    ] = None,
    colour: Annotated[
        bool,
        typer.Option(
            "--colour",
            help="The units of DATA are of continuous tone, no binary artwork: aligned and compared as a "
            "station does, in three channels.",
        ),
    ] = False,
    groups: Annotated[
        Path | None, typer.Option(help="CSV picture,group: what is held out together; default: folders.")
    ] = None,
    hold_out: Annotated[
        list[str] | None,
        typer.Option("--holdout", metavar="GROUP", help="Keep a group from the fit; repeat."),
    ] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Deal the groups to so many folds ...")] = None,
    fold: Annotated[int | None, typer.Option(min=1, help="... and hold this one out, from 1.")] = None,
    units: Annotated[int, typer.Option(min=1, help="Units to draw on golden pictures.")] = 2400,
    drawing_seed: Annotated[int, typer.Option(min=0, help="Decides what is drawn.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Decides everything random in the fit.")] = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of the fit; default: the recipe's.")] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PAIRS", help="Learn from these prepared pairs as well, drawn ones say; repeat."
        ),
    ] = None,
    fields: Annotated[
        Path | None, typer.Option(help="JSON with fields of the card: name, thresholds, limits ...")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="Folder of the prepared pairs, kept for other fits; default: OUT-pairs."),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many prepare pairs at once.")] = 2,
    python: Annotated[
        Path | None,
        typer.Option(
            envvar="HALLMARK_TRAIN_PYTHON",
            help="Interpreter that has torch; default: ./.venv-train, else this one if it has torch.",
        ),
    ] = None,
    fit: Annotated[bool, typer.Option("--fit/--no-fit", help="Fit, or stop at the prepared pairs.")] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a detector: read or draw units, align them, find candidates, fit, and release.

    What an interrupted run has prepared is kept: the same command goes on there. Calibration and threshold
    are set on what is held out; with --golden alone on an eighth as many units again, in PAIRS-check. The fit
    runs in an environment of its own (`make train-setup`).

    Examples: `hallmark model train --data boards --format deeppcb --out build/boards`,
    `hallmark model train --golden golden.png --out build/board --dry-run`
    """
    from hallmark.training.prepare import stage
    from hallmark.training.sources import check_source

    if out.exists():
        raise typer.BadParameter(
            f"{out} is there already: a release is never overwritten", param_hint="--out"
        )
    pairs = pairs or out.with_name(f"{out.name}-pairs")
    if colour and data is None:
        raise typer.BadParameter(
            "defects are drawn on artwork alone; on a coloured golden sample `hallmark model draw` draws",
            param_hint="--colour",
        )
    source = _source(data, golden, layout, listed, groups, units, drawing_seed, colour=colour)
    held = _held_out(source.labelled, hold_out or [], folds, fold)
    now = stage(pairs, source)
    told = _told(source, held, pairs, now)
    if dry_run:
        told["python"] = _python_or_why(python) if fit else None
        _print(told, as_json)
        return
    interpreter = _interpreter(python) if fit else None
    prepared = _prepare(pairs, source, processes)
    alike = data is None and not held.groups  # what is held out needs no other pairs
    check = pairs.with_name(f"{pairs.name}-check") if alike else None
    if check is not None:
        _prepare(check, check_source(source.labelled, units, drawing_seed), processes)
        told["check"] = str(check)
    told |= {"prepared": len(prepared), **_counts(prepared)}
    if held.split is not None:
        told["split"] = str(_write_split(pairs, held.split, source.labelled))
    if interpreter is not None:
        given = {"--seed": seed, "--epochs": epochs, "--fields": fields, "--check": check}
        options = [text for name, value in given.items() if value is not None for text in (name, str(value))]
        lists = {"--also": [str(folder) for folder in also or []], "--holdout": held.groups}
        options += [text for name, values in lists.items() if values for text in (name, *values)]
        told["model"] = _fit(interpreter, pairs, out, options)
    _print(told, as_json)


def _source(
    data: Path | None, golden: Path | None, layout: FormatName | None, listed: Path | None,
    groups: Path | None, units: int, seed: int, *, colour: bool,
) -> Source:  # fmt: skip
    from datasets.labelled import detect, read, read_golden, read_groups, with_groups
    from hallmark.training.sources import drawn_source, labelled_source

    if data is not None:
        labelled = read(data, layout or detect(data, listed), listed=listed, golden=golden)
    elif golden is not None:
        labelled = read_golden(golden, listed)
    else:
        raise typer.BadParameter("name what to train on: --data, or --golden", param_hint="--data")
    if groups is not None:
        labelled = with_groups(labelled, read_groups(groups))
    if data is None:
        return drawn_source(labelled, units, seed)
    return labelled_source(labelled, colour=colour)


def _held_out(labelled: LabelledSet, named: Sequence[str], folds: int | None, fold: int | None) -> _HeldOut:
    from datasets.labelled import folds as deal
    from datasets.labelled import hold_out

    if folds is None and fold is None:
        _, held = hold_out(labelled, named) if named else ((), ())
        return _HeldOut(tuple(sorted(set(named))), len(held), None)
    if named or folds is None or fold is None:
        raise typer.BadParameter("give --folds and --fold together, and no --holdout", param_hint="--folds")
    if fold > folds:
        raise typer.BadParameter(f"there are {folds} folds: give 1 .. {folds}", param_hint="--fold")
    split = deal(labelled, folds)
    _, held = hold_out(labelled, split.folds[fold - 1])
    return _HeldOut(split.folds[fold - 1], len(held), split)


def _prepare(pairs: Path, source: Source, processes: int) -> tuple[Prepared, ...]:
    from hallmark.progress import progress
    from hallmark.training.prepare import prepare_pairs

    with progress(f"preparing {pairs}", len(source.items)) as advance:
        return prepare_pairs(pairs, source, processes, advance)[1]


def _write_split(pairs: Path, split: Split, labelled: LabelledSet) -> Path:
    import json

    from datasets.labelled import split_document
    from golden.sample import write_file

    file = pairs / f"split-{len(split.folds)}.json"
    write_file(file, json.dumps(split_document(split, labelled), indent=1, ensure_ascii=False).encode())
    return file


def _interpreter(python: Path | None) -> Path:
    from hallmark.training.fitting import interpreter

    return interpreter(python, Path.cwd())


def _python_or_why(python: Path | None) -> str:
    from hallmark.errors import TrainingError

    try:
        return str(_interpreter(python))
    except TrainingError as error:
        return f"not ready: {error}"


def _fit(python: Path, pairs: Path, out: Path, options: Sequence[str]) -> dict[str, str]:
    from hallmark.errors import FitError
    from hallmark.training.fitting import fit as fit_detector
    from models.detector.card import read_detector_card

    try:
        fit_detector(python, pairs, out, options, lambda line: typer.echo(line, err=True))
    except FitError as error:
        typer.echo(f"hallmark: {error}", err=True)
        raise typer.Exit(2 if error.code == 2 else 1) from error
    reference = read_detector_card(out).reference
    return {"folder": str(out), "name": reference.name, "digest": reference.digest}


def _told(source: Source, held: _HeldOut, pairs: Path, now: Stage) -> dict[str, Any]:
    labelled = source.labelled
    boxes = Counter(box.defect_class for pair in labelled.pairs for box in pair.boxes)
    return {
        "source": source.description,
        "folder": str(labelled.root),
        "source_digest": labelled.digest,
        "classes": {name: boxes[name] for name in labelled.classes},
        "masks": sum(pair.mask is not None for pair in labelled.pairs),
        "without_defect": sum(not pair.boxes and pair.mask is None for pair in labelled.pairs),
        "licences": [licence.file for licence in labelled.licences],
        "groups": dict(sorted(Counter(pair.group or "" for pair in labelled.pairs).items())),
        "held_out": {"groups": list(held.groups), "pairs": held.pairs},
        "pairs": {"folder": str(pairs), "wanted": now.pairs, "prepared": now.done},
    }


def _counts(prepared: Sequence[Prepared]) -> dict[str, int]:
    return {
        "boxes": sum(one.boxes for one in prepared),
        "boxes_reached": sum(one.reached for one in prepared),
        "candidates": sum(one.candidates for one in prepared),
    }


def _print(told: dict[str, Any], as_json: bool) -> None:
    from evidence import canonical_json

    if as_json:
        print(canonical_json(told).decode())
        return
    for title, text in _rows(told):
        print(f"{title:<12}  {text}")


def _rows(told: dict[str, Any]) -> Iterable[tuple[str, str]]:
    yield "source", f"{told['source']}, {told['folder']}"
    yield "digest", told["source_digest"]
    yield "classes", ", ".join(f"{name} {n}" if n else name for name, n in told["classes"].items())
    yield "licence", ", ".join(told["licences"]) or "nothing beside the data says how it may be used"
    yield "groups", ", ".join(f"{name or 'not said'} {n}" for name, n in told["groups"].items())
    held = told["held_out"]
    yield "held out", f"{', '.join(held['groups'])}: {held['pairs']} pairs" if held["groups"] else "nothing"
    if "prepared" not in told:
        yield (
            "pairs",
            f"{told['pairs']['prepared']} of {told['pairs']['wanted']} in {told['pairs']['folder']}",
        )
        yield "python", told["python"] or "not needed"
        return
    yield "pairs", f"{told['prepared']} in {told['pairs']['folder']}, {told['candidates']} candidates"
    yield "boxes", f"{told['boxes']}, of which a candidate reaches {told['boxes_reached']}"
    if "check" in told:
        yield "check", told["check"]
    if "split" in told:
        yield "split", told["split"]
    if "model" in told:
        yield "released", f"{told['model']['folder']}: {told['model']['name']} {told['model']['digest']}"
