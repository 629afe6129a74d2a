"""`hallmark model`: the models that name defects, what their cards say and whether they are whole."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallmark import model_release_cli
from hallmark.model_rows import detector_rows
from hallmark.model_train_cli import train
from hallmark.progress import progress

if TYPE_CHECKING:
    from evidence import ModelReference
    from models.card import Metric, ModelCard
    from models.kinds import NetworkParity

Folder = Annotated[
    Path | None,
    typer.Argument(metavar="[FOLDER]", help="Folder of a released model; default: the packaged one."),
]


def register(app: typer.Typer) -> None:
    """Add `hallmark model`."""
    model = typer.Typer(name="model", help="Models that name defects.", no_args_is_help=True)
    for command in (show, verify, draw, train, evaluate):
        model.command(command.__name__)(command)
    model_release_cli.register(model)
    app.add_typer(model)


def show(
    folder: Folder = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as canonical JSON.")] = False,
) -> None:
    """Show a model's card: what it names, what it was made from, how good it is and where it ends.

    Examples: `hallmark model show`, `hallmark model show build/s4 --json`
    """
    from evidence import canonical_json
    from models.card import ModelCard
    from models.kinds import card_of
    from models.release import packaged

    card = card_of(folder or packaged())
    if as_json:
        print(canonical_json(card.model_dump(mode="json", by_alias=True)).decode())
        return
    for title, text in _rows(card) if isinstance(card, ModelCard) else detector_rows(card):
        print(textwrap.fill(text, 100, initial_indent=f"{title:<14}  ", subsequent_indent=" " * 16))
    if card.metrics:
        print("\n" + "\n".join(_metric_rows(card.metrics)))


def verify(
    folder: Folder = None,
    *,
    trust: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of public keys, of which one must have signed the release."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a model: every file, who signed it, and all answers against the trained network's.

    Exit 0 if it is as it was released, 1 if a file's bytes or its answers are others or no trusted key signed
    it, 2 if the folder is no released model or a file in it cannot be read as one.

    Examples: `hallmark model verify`, `hallmark model verify build/detector --trust trust`
    """
    from dataclasses import asdict

    from evidence import canonical_json
    from golden.keys import TrustStore
    from models.errors import ModelAlteredError, ModelUnsignedError, ParityError
    from models.kinds import card_of, verify_release
    from models.release import check_release, packaged

    folder = folder or packaged()
    store = None if trust is None else TrustStore.open(trust)
    try:
        found = verify_release(folder, store)
        card = card_of(folder)
        signers = [s.party for s in check_release(folder, card, store)]
    except (ModelAlteredError, ModelUnsignedError, ParityError) as error:
        typer.echo(f"hallmark: {error}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        body = {
            "model": card.reference.model_dump(), "signed_by": signers,
            "networks": [{**asdict(p), "flips": 0, "flip_rate_upper": p.flip_rate_upper} for p in found],
        }  # fmt: skip
        print(canonical_json(body).decode())
        return
    signed = f", signed by {', '.join(signers)}" if signers else ""
    print(f"{card.reference.name}  {card.reference.digest}: every file is the one that was released{signed}")
    print("\n".join(map(_parity_row, found)))


def _parity_row(found: NetworkParity) -> str:
    boxes = "" if found.box_px is None else f", no edge of a box by more than {found.box_px:.2g} px"
    again = f"; {found.repeated} left to fp32" if found.repeated else ""
    decided = "" if found.unit == "crop" else f" ({found.decisions} {found.unit}s)"
    return (
        f"{found.runtime}: in {found.crops} crops{decided} no decision flips, no probability differs by more "
        f"than {found.probability:.1e}{boxes}{again}: with 95 % confidence fewer than "
        f"{found.flip_rate_upper:.2%} of such crops are decided otherwise"
    )


def draw(
    out: Annotated[Path, typer.Option("--out", help="Folder that receives the pairs.")],
    *,
    units: Annotated[int, typer.Option(min=1, help="Units to draw.")] = 170,
    validation: Annotated[int, typer.Option(min=1, help="Further units, in OUT/validation.")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="Decides everything that is random.")] = 21,
    processes: Annotated[int, typer.Option(min=1, help="How many draw at once.")] = 2,
) -> None:
    """Draw training pairs of board S4: units with defects, captured by the twin and aligned.

    Nothing but the golden image is read. The same seed draws the same bytes.

    Examples: `hallmark model draw --out build/train`, `hallmark model draw --out few --units 4`
    """
    from hallmark.training.draw import draw as draw_pairs

    for folder, count, own in ((out, units, seed), (out / "validation", validation, seed + 1)):
        with progress(f"drawing {folder}", count) as advance:
            draw_pairs(folder, count, own, processes, advance)


def evaluate(
    folder: Folder = None,
    *,
    units: Annotated[
        int, typer.Option(min=1, help="Units with a defect of each kind, and as many good.")
    ] = 200,
    good: Annotated[int, typer.Option(min=1, help="Captures of good units as the demo makes them.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Must not be one that the model was trained with.")] = 7001,
    processes: Annotated[int, typer.Option(min=1, help="How many inspect at once.")] = 2,
    write: Annotated[bool, typer.Option("--write", help="Put the metrics on the model's card.")] = False,
    against: Annotated[
        Path | None, typer.Option(help="Another model's folder: exit 1 where intervals do not overlap.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
) -> None:
    """Inspect unseen drawn units with a model: recall and precision by class, false alarms on good units.

    Examples: `hallmark model evaluate`, `hallmark model evaluate build/s4 --against models/released/s4`
    """
    import json

    from hallmark.training.evaluate import evaluate as inspect_unseen
    from hallmark.training.evaluate import outside
    from models.card import read_card, write_card
    from models.release import packaged

    folder = folder or packaged()
    card = read_card(folder)
    released = () if against is None else read_card(against).metrics
    if write and (folder / "release.json").exists():
        raise typer.BadParameter("the release is signed, and its card is part of it", param_hint="--write")
    if seed in card.training.seeds.values():
        raise typer.BadParameter("the model was trained with this seed; choose another", param_hint="--seed")
    with progress("inspecting", units * 2 + good) as advance:
        metrics = inspect_unseen(
            folder,
            seed=seed,
            units=units,
            good=good,
            processes=processes,
            progress=lambda done, _: advance(done),
        )
    if write:
        conditions = (
            f"{units} other units with a defect of each class, {units} other good units and {good} captures "
            f"of the golden unit, seed {seed}, all by the twin, judged by surface alone. found: a box on it "
            "(IoU 0.2, or the centre of one in the other) of any class, unclassified too; recall: of its own "
            "class. Simulated."
        )
        write_card(folder, card.model_copy(update={"metrics": metrics, "conditions": conditions}))
    if as_json:
        print(json.dumps([m.model_dump(mode="json", by_alias=True) for m in metrics], indent=1))
    else:
        print("\n".join(_metric_rows(metrics)))
    differing = outside(metrics, released)
    for line in differing:
        typer.echo(f"hallmark: {line}", err=True)
    if differing:
        raise typer.Exit(1)


def naming(model: ModelReference | None, *, on_trial: bool = False) -> str:
    """Return the sentence that says which model names what is found."""
    if model is None:
        return "no model: what deviates stays unclassified"
    said = f"what deviates is named by model {model.name} ({model.digest[:19]})"
    return f"{said} ON TRIAL: no trusted key has signed it, and no unit is accepted" if on_trial else said


def _rows(card: ModelCard) -> Iterable[tuple[str, str]]:
    yield "model", f"{card.name}, {card.created}, {card.licence}"
    yield "digest", card.reference.digest
    yield "description", card.description
    yield "golden image", f"{card.golden_image}, {card.input.mm_per_px:g} mm per pixel"
    yield "classes", ", ".join(card.classes)
    yield "input", f"{card.input.layout}; {', '.join(card.input.channels)}"
    yield "", f"crops of {card.input.crop_px} pixels, cells of {card.input.cell_px}"
    thresholds = card.thresholds
    yield "temperature", f"{thresholds.temperature:g}"
    yield "held", f"what is named with less than {thresholds.hold_below:g}"
    yield "dismissed", f"what is no defect with at least {thresholds.dismiss_from:g}"
    yield "chosen", thresholds.chosen
    seeds = ", ".join(f"{what} {seed}" for what, seed in card.training.seeds.items())
    yield "trained on", card.training.description
    yield "", f"{card.training.digest}; seeds: {seeds or 'none'}"
    yield "conditions", card.conditions
    yield "versions", ", ".join(f"{name} {version}" for name, version in card.versions.items())
    for limit in card.limits:
        yield "limit", limit


def _metric_rows(metrics: Iterable[Metric]) -> Iterable[str]:
    yield f"{'metric':<28}  {'class':<18}  {'value':>8}  {'95 % interval':>20}  {'n':>6}"
    for m in metrics:
        interval = f"{m.lower:.4g} to {m.upper:.4g}"
        unit = "" if m.unit == "1" else f" {m.unit}"
        yield f"{m.name:<28}  {m.defect_class or '':<18}  {m.value:>8.4g}  {interval:>20}  {m.n:>6}{unit}"
