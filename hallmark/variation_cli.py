"""`hallmark golden variation`: how good units differ, learned from approved ones, looked at and signed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hallmark.golden_cli import AsJson, BundleFile, golden

if TYPE_CHECKING:
    from golden.sample import GoldenSample
    from vision import ApprovedUnit, Learned, VariationModel

ModelFile = Annotated[
    Path,
    typer.Argument(metavar="FILE.variation", help="The variation model.", exists=True, dir_okay=False),
]
Trust = Annotated[
    Path, typer.Option(metavar="DIR", envvar="HALLMARK_TRUST", help="Folder of trusted public keys.")
]
Picture = Annotated[
    Path | None,
    typer.Option(metavar="PNG", help="Draw mean, tolerance and what units share beyond the golden image."),
]

variation = typer.Typer(
    name="variation",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="How good units differ: learned from approved units, shown, signed.",
)


def register(app: typer.Typer) -> None:  # noqa: ARG001 (the commands belong to `hallmark golden`)
    """Add the commands."""
    golden.add_typer(variation)


@variation.command()
def learn(
    file: BundleFile,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="One picture per approved unit.")],
    *,
    approved_by: Annotated[str, typer.Option(metavar="NAME", help="Who approved these units.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.variation", help="Where to write.")],
    trust: Trust = Path("trust"),
    view: Annotated[
        str | None, typer.Option(metavar="ID", help="View that the images show; needed if there are several.")
    ] = None,
    add_to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A model to which the units are added.", exists=True, dir_okay=False
        ),
    ] = None,
    picture: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Learn what approved units of a view show at each pixel: mean and tolerance.

    Five units are a start, twenty are better. One bad unit among them does no harm and is named. Where a
    tenth of them or more, two at least, deviate from the golden image, nothing is learned until a person
    has looked and confirmed: see the numbered regions in the picture, then `hallmark golden variation sign`.

    Example: `hallmark golden variation learn s4.golden good/*.png --approved-by "M. Chen" -o top.variation
    --picture top.png`
    """
    from golden.keys import TrustStore
    from golden.sample import GoldenSample
    from vision import VariationModel, learn_variation

    now = datetime.now(UTC)
    sample = GoldenSample.open(file, TrustStore.open(trust), now)
    chosen = _view(sample, view)
    start = None if add_to is None else VariationModel.open(add_to)
    units = _units(images, chosen, approved_by, f"{now:%Y-%m-%dT%H:%M:%SZ}")
    found = learn_variation(sample, chosen, _watched(units, len(images), show=not as_json), start=start)
    found.model.save(out)
    if picture is not None:
        from hallmark.variation_picture import write_variation

        write_variation(picture, sample, found.model)
    if as_json:
        _print_json({**_shown(found.model, None), "strange": _strange(found)})
        return
    print(f"{out}  {len(found.model.header.units)} units of view {chosen}; digest {found.model.digest}")
    for unit in found.strange:
        largest = max(region.size_mm for region in unit.regions)
        places = "1 place" if len(unit.regions) == 1 else f"{len(unit.regions)} places"
        print(f"  look again at {unit.serial}: {places} unlike the others, up to {largest:.2f} mm")
    _print_shared(found.model)
    print(f"not signed yet: hallmark golden variation sign {out} --key YOUR.key.json")


@variation.command()
def show(
    file: ModelFile,
    golden_file: Annotated[
        Path | None,
        typer.Option("--golden", metavar="PART.golden", help="The golden sample; needed for a picture."),
    ] = None,
    trust: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Verify too, with these trusted *.pub.json files.")
    ] = None,
    picture: Picture = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a variation model was learned from, what waits to be confirmed and who has signed it.

    Examples: `hallmark golden variation show top.variation --trust keys`

    `hallmark golden variation show top.variation --golden s4.golden --trust keys --picture top.png`
    """
    from golden.keys import TrustStore
    from golden.sample import GoldenSample
    from vision import VariationModel

    store = None if trust is None else TrustStore.open(trust)
    model = VariationModel.open(file, store)
    if picture is not None:
        from hallmark.variation_picture import write_variation

        if golden_file is None or store is None:
            raise typer.BadParameter("a picture needs --golden and --trust too")
        write_variation(picture, GoldenSample.open(golden_file, store, datetime.now(UTC)), model)
    signed = None if store is None else [s.party for s in model.verify(store, source=str(file))]
    if as_json:
        _print_json(_shown(model, signed))
        return
    header = model.header
    if signed is None:
        print("NOT VERIFIED: nothing says yet who signed this; add --trust DIR")
    else:
        print("VERIFIED: signed by " + ", ".join(signed))
    print(f"view {header.view} of golden sample {header.golden}; digest {model.digest}")
    for unit in header.units:
        print(f"  {unit.serial}  approved by {unit.approved_by} {unit.approved_at}  frame {unit.frame[:19]}")
    _print_shared(model)


@variation.command()
def sign(
    file: ModelFile,
    key: Annotated[Path, typer.Option(metavar="FILE", help="Your *.key.json.")],
    confirm: Annotated[
        str | None,
        typer.Option(
            metavar="all|N,N",
            help="Shared regions that you have looked at and that are right; what is not confirmed is judged "
            "by the golden image alone.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write; else the same file.")
    ] = None,
) -> None:
    """Sign a variation model, and confirm what its units share beyond the golden image.

    To confirm changes the model, so earlier signatures fall away.

    Example: `hallmark golden variation sign top.variation --key buyer.key.json --confirm 1,3`
    """
    from golden.keys import SigningKey
    from vision import VariationModel

    model = VariationModel.open(file)
    if confirm is not None:
        model = model.confirm(_numbers(confirm, len(model.header.shared)))
    signed = model.sign(SigningKey.load(key))
    signed.save(out or file)
    print(f"{out or file}  signatures: {len(signed.signatures)}; digest {signed.digest}")
    _print_shared(signed)


def _view(sample: GoldenSample, view: str | None) -> str:
    known = [v.id for v in sample.spec.views]
    if view is None and len(known) == 1:
        return known[0]
    if view not in known:
        raise typer.BadParameter(f"the golden sample has the views {', '.join(known)}", param_hint="--view")
    return view


def _units(images: list[Path], view: str, approved_by: str, approved_at: str) -> Iterator[ApprovedUnit]:
    from evidence import FrameError
    from vision import ApprovedUnit, read_frame

    for image in images:
        try:
            data = image.read_bytes()
        except OSError as error:
            raise FrameError(f"{image}: {error.strerror}; give pictures that can be read") from error
        frame = read_frame(data, view=view, camera="file", source=str(image))
        yield ApprovedUnit(frame, image.stem, approved_by, approved_at)


def _watched(units: Iterator[ApprovedUnit], total: int, *, show: bool) -> Iterator[ApprovedUnit]:
    """Yield the units behind a progress bar where a person watches."""
    if not show or not sys.stderr.isatty():
        yield from units
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(units, "learning", total=total, console=Console(stderr=True))


def _numbers(text: str, count: int) -> frozenset[int]:
    if text == "all":
        return frozenset(range(1, count + 1))
    try:
        return frozenset(int(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter("write all, or numbers such as 1,3", param_hint="--confirm") from error


def _print_shared(model: VariationModel) -> None:
    for number, region in enumerate(model.header.shared, 1):
        x, y, width, height = region.box_mm
        print(
            f"  region {number}: {region.units} of {len(model.header.units)} units lie outside what the "
            f"golden image allows, {region.size_mm:.2f} mm across at x {x:.2f}, y {y:.2f} mm "
            f"({width:.2f} x {height:.2f}), {', '.join(region.zones)}; "
            f"{'confirmed' if region.confirmed else 'NOT CONFIRMED'}"
        )


def _strange(found: Learned) -> list[dict[str, Any]]:
    return [
        {"serial": unit.serial, "regions": [_region(r.golden_px, r.size_mm) for r in unit.regions]}
        for unit in found.strange
    ]


def _region(box: tuple[float, ...], size_mm: float) -> dict[str, Any]:
    return {"box_px": [round(v, 1) for v in box], "size_mm": round(size_mm, 4)}


def _shown(model: VariationModel, signed: list[str] | None) -> dict[str, Any]:
    return {
        "digest": model.digest,
        "header": model.header.model_dump(mode="json", by_alias=True),
        "signatures": len(model.signatures),
        "signed_by": signed,
    }


def _print_json(value: dict[str, Any]) -> None:
    from golden.digests import canonical_json

    print(canonical_json(value).decode())
