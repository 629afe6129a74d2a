"""`hallmark golden`: keys, a first specification, the seal, and what a golden sample says."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from golden.spec import PartyRole

if TYPE_CHECKING:
    from golden.bundle import Bundle
    from golden.seal import Signature

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
BundleFile = Annotated[Path, typer.Argument(metavar="PART.golden", help="The golden sample.")]


golden = typer.Typer(
    name="golden",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Write, seal, verify and read golden samples: what supplier and buyer agreed.",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(golden)


@golden.command()
def keygen(
    party: Annotated[str, typer.Option(help="The party's name, as the specification writes it.")],
    role: Annotated[PartyRole, typer.Option(help="What the party is to the agreement.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the two files.")],
) -> None:
    """Make a key pair: a private file to keep, a public file to hand to the other side.

    Nothing is overwritten. The public file goes into the trust folder of whoever checks seals.

    Example: `hallmark golden keygen --party "Shenzhen Boards" --role supplier --out keys`
    """
    from golden.keys import SigningKey

    key = SigningKey.generate(party, role)
    private, public = key.save(out)
    print(f"{private}  private: keep it, back it up, show it to nobody")
    print(f"{public}  public: hand it to the other side")
    print(f"key id {key.keyid}")


@golden.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write golden.yaml and images to.")],
    part: Annotated[str, typer.Option(help="Part number.")],
    revision: Annotated[str, typer.Option(help="Revision of the part.")],
    image: Annotated[
        list[str], typer.Option(metavar="VIEW=FILE", help="PNG or JPEG of a view; once for each view.")
    ],
    mm_per_px: Annotated[float, typer.Option(help="Scale of the images: millimetres per pixel.")],
    supplier: Annotated[str, typer.Option(help="Name of the supplier.")] = "Supplier",
    buyer: Annotated[str, typer.Option(help="Name of the buyer.")] = "Buyer",
    category: Annotated[
        str,
        typer.Option(
            help="What such parts usually ask: general, pcb, moulded-plastic, textile, metal-part, "
            "printed-packaging or assembly."
        ),
    ] = "general",
) -> None:
    """Write a first golden.yaml, with comments, that passes `check`. Nothing is overwritten.

    A category brings usual characteristics, defect classes with severities, viewing conditions, sampling and
    tests, with the standards that they come from. They are a start to edit: what is signed is the agreement.

    Example, a scan of 1200 dpi: `hallmark golden init s4 --part S4 --revision A --image top=scan.jpg
    --mm-per-px 0.0211667`
    """
    from hallmark.golden_init import write_first_spec

    views = [_view_and_file(item) for item in image]
    path = write_first_spec(
        folder,
        part=part,
        revision=revision,
        views=views,
        mm_per_px=mm_per_px,
        supplier=supplier,
        buyer=buyer,
        category=category,
    )
    print(f"{path}  edit it, then: hallmark golden check {path}")


@golden.command()
def check(
    spec: Annotated[Path, typer.Argument(metavar="GOLDEN.yaml", help="The specification.")],
    *,
    measure: Annotated[
        bool, typer.Option("--measure", help="Also find and measure everything in the reference images.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a specification and its images; every problem is named with its line, field and remedy.

    With `--measure` the reference images are inspected as if they were a unit: what cannot be found in them,
    or lies outside its own limits, would hold or reject every unit.

    Lines of the catalogue that never decide, and lines by which more is milder, are refused; what is allowed
    but may not be meant is noted.

    Example: `hallmark golden check s4/golden.yaml --measure`
    """
    from golden import catalogue_check
    from golden.authoring import load_images, load_spec
    from models import CLASSES

    loaded = load_spec(spec)
    images = load_images(loaded, spec.parent)
    if measure:
        from hallmark.golden_measure import refuse_unmeasurable

        refuse_unmeasurable(loaded, images, str(spec))
    counts = {
        "views": len(loaded.views),
        "characteristics": len(loaded.characteristics),
        "zones": len(loaded.zones),
        "catalogue_rules": len(loaded.catalogue.rules),
        "counting_rules": len(loaded.catalogue.counts),
        "images": len(images),
    }
    named = CLASSES[1:]
    if any(view.artwork is not None for view in loaded.views):
        from models.fitting import named_by_models

        named = named_by_models(loaded)
    unnamed = sorted(loaded.catalogue.named_classes() - set(named))
    notes = catalogue_check.notes(loaded.catalogue, [z.id for z in loaded.zones])
    if as_json:
        said = {"part": loaded.part.number, "revision": loaded.part.revision, **counts}
        _print_json({**said, "classes_without_model": unnamed, "catalogue_notes": notes})
        return
    listed = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
    print(f"{spec}: good; part {loaded.part.number}, revision {loaded.part.revision}: {listed}")
    if unnamed:
        print(f"note: no released model names {', '.join(unnamed)}; the models name {', '.join(named)}")
    for note in notes:
        print(f"note: {note}")


@golden.command()
def sign(
    source: Annotated[
        Path, typer.Argument(help="golden.yaml to seal, or PART.golden to add a signature to.")
    ],
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your *.key.json; may be left out to merge only.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Where to write; else PART.golden beside the source."
        ),
    ] = None,
    merge: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A copy that was signed apart: take its signatures too."),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(min=1, help="Edition of the agreement [default: 1, or one after --predecessor]."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Last day, UTC, on which the agreement holds.")
    ] = None,
    predecessor: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The golden sample that this one replaces.")
    ] = None,
) -> None:
    """Sign a specification, or add your signature to a golden sample that the other side signed.

    Example, the supplier: `hallmark golden sign s4/golden.yaml --key supplier.key.json -o s4.golden`

    The buyer signs what came by mail: `hallmark golden sign s4.golden --key buyer.key.json`

    Both signed a copy of their own: `hallmark golden sign a.golden --merge b.golden`
    """
    from golden import bundle, seal
    from golden.errors import in_file
    from golden.keys import SigningKey
    from golden.sample import read_file, write_file

    if key is None and merge is None:
        raise typer.BadParameter("give --key, --merge or both")
    if source.suffix in (".yaml", ".yml"):
        target = out or source.with_suffix(".golden")
        if target.exists():
            raise typer.BadParameter(f"{target} exists: sign that file, or choose another with --out")
        data = _build(source, version, _end_of(expires), predecessor)
    else:
        if (version, expires, predecessor) != (None, None, None):
            raise typer.BadParameter(
                "--version, --expires, --predecessor are sealed already: change the YAML's seal"
            )
        target, data = out or source, read_file(source)
    if merge is not None:
        other = read_file(merge)
        with in_file(f"{source} and {merge}"):
            data = seal.merge(data, other)
    if key is not None:
        with in_file(source):
            data = seal.sign(data, SigningKey.load(key))
    write_file(target, data)
    opened = bundle.read(data)
    needed = ", ".join(f"{s.name} ({s.role})" for s in opened.manifest.signatories)
    print(f"{target}  version {opened.manifest.version}, signatures: {len(opened.envelope.signatures)}")
    print(f"digest {opened.digest}; holds once signed by {needed}")


@golden.command()
def verify(
    file: BundleFile,
    trust: Annotated[Path, typer.Option(metavar="DIR", help="Folder of trusted *.pub.json files.")],
    newest_seen: Annotated[
        int | None, typer.Option(min=1, help="Newest version in use here; an older one is refused.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Check that the seal holds now: every byte, every signature, every party, validity and version.

    Exit code 0: it holds. 2: it does not, and the sentence says why.

    Example: `hallmark golden verify s4.golden --trust keys`
    """
    from golden.errors import GoldenError
    from golden.keys import TrustStore
    from golden.sample import GoldenSample

    try:
        sample = GoldenSample.open(file, TrustStore.open(trust), datetime.now(UTC), newest_seen)
    except GoldenError as error:
        if as_json:
            _print_json({"verified": False, "error": type(error).__name__, "detail": str(error)})
        raise
    if as_json:
        signatures = [asdict(s) for s in sample.signatures]
        _print_json(
            {"verified": True, "digest": sample.digest, "version": sample.version, "signatures": signatures}
        )
        return
    part = sample.spec.part
    print(f"{file}: the seal holds; part {part.number}, revision {part.revision}, version {sample.version}")
    for signature in sample.signatures:
        print(f"  signed by {signature.party} ({signature.role})")
    print(f"  issued {sample.issued:%Y-%m-%d %H:%M}Z, {_expiry(sample.expires)}")
    print(f"  digest {sample.digest}")


@golden.command()
def show(
    file: BundleFile,
    trust: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Verify too, with these trusted *.pub.json files.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a golden sample says: characteristics, catalogue, plans. Says whether it was verified.

    Examples: `hallmark golden show s4.golden`, `hallmark golden show s4.golden --trust keys --json`
    """
    from golden import seal
    from golden.errors import in_file
    from golden.keys import TrustStore
    from golden.sample import read_bundle
    from hallmark.golden_tables import print_tables

    opened = read_bundle(file)
    signatures = None
    if trust is not None:
        keys = TrustStore.open(trust)
        with in_file(file):
            signatures = seal.verify(opened, keys, datetime.now(UTC))
    if as_json:
        _print_json(_shown(opened, signatures))
        return
    if signatures is None:
        print("NOT VERIFIED: nothing says yet who signed this; add --trust DIR")
    else:
        print("VERIFIED: signed by " + ", ".join(f"{s.party} ({s.role})" for s in signatures))
    print_tables(opened)


def _shown(opened: Bundle, signatures: tuple[Signature, ...] | None) -> dict[str, Any]:
    return {
        "verified": signatures is not None,
        "signatures": [asdict(s) for s in signatures or ()],
        "digest": opened.digest,
        "manifest": opened.manifest.model_dump(mode="json"),
        "spec": opened.spec.model_dump(mode="json", by_alias=True),
    }


def _build(source: Path, version: int | None, expires: datetime | None, predecessor: Path | None) -> bytes:
    """Build the bundle of a YAML file, issued now."""
    from golden import bundle
    from golden.authoring import load_images, load_spec
    from golden.sample import read_bundle

    spec = load_spec(source)
    digest, following = None, 1
    if predecessor is not None:
        previous = read_bundle(predecessor)
        if previous.spec.part.number != spec.part.number:
            raise typer.BadParameter(
                f"{predecessor} is part {previous.spec.part.number}, not {spec.part.number}"
            )
        digest, following = previous.digest, previous.manifest.version + 1
    if version is not None and version < following:
        raise typer.BadParameter(f"--version must be at least {following}, since it follows {predecessor}")
    return bundle.build(
        spec,
        load_images(spec, source.parent),
        version=version or following,
        issued=datetime.now(UTC),
        expires=expires,
        predecessor=digest,
    )


def _end_of(day: str | None) -> datetime | None:
    if day is None:
        return None
    try:
        last = date.fromisoformat(day)
    except ValueError as error:
        raise typer.BadParameter(f"--expires {day}: write a date such as 2027-12-31") from error
    return datetime.combine(last + timedelta(days=1), time(), UTC)


def _view_and_file(item: str) -> tuple[str, Path]:
    view, separator, file = item.partition("=")
    if not (view and separator and file):
        raise typer.BadParameter(f"--image {item}: write VIEW=FILE, such as top=scan.jpg")
    return view, Path(file)


def _expiry(expires: datetime | None) -> str:
    return "does not expire" if expires is None else f"expires {expires:%Y-%m-%d %H:%M}Z"


def _print_json(value: dict[str, Any]) -> None:
    from golden.digests import canonical_json

    print(canonical_json(value).decode())
