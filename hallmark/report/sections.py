"""Sections that several papers share: figures of a unit, what is said of deviations, digests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from evidence import Inspection, together
from golden.catalogue import UNCLASSIFIED
from golden.sample import GoldenSample
from golden.spec import GoldenSpec, PartyRole
from hallmark.report.paper import Block, Digests, Facts, Heading, ReportError, Signature, SignatureLine, Text
from hallmark.report.pictures import Absent, Picture
from hallmark.report.rows import deviations_table
from hallmark.report.signs import SEVERITIES, WEIGHED, state_of

MOST_LISTED = 60  # deviations on a paper; the record holds all


def require_own(sample: GoldenSample, inspection: Inspection) -> None:
    """Raise ReportError unless the record was judged by this golden sample."""
    if inspection.golden.digest != sample.digest:
        raise ReportError(
            f"inspection {inspection.id} was judged by golden sample {inspection.golden.digest}, "
            f"not by {sample.digest}: give the golden sample that judged it"
        )


def running(spec: GoldenSpec, lot: str | None, serial: str | None = None) -> list[str]:
    """Return what the head of every page says."""
    said = [f"Part {spec.part.number}, revision {spec.part.revision}"]
    return said + ([f"lot {lot}"] if lot else []) + ([f"serial {serial}"] if serial else [])


def unit_facts(sample: GoldenSample, inspection: Inspection, *more: tuple[str, str]) -> Facts:
    """Return the facts in the head of a paper about one unit."""
    spec = sample.spec
    captured = next((f.captured_at for f in inspection.frames if f.captured_at), "")
    return Facts((
        ("Part", f"{spec.part.number}, revision {spec.part.revision}"),
        ("Serial", _serial(inspection)),
        ("Lot", inspection.lot or ""),
        ("Station", inspection.station or ""),
        ("Supplier", spec.party("supplier").name),
        ("Buyer", spec.party("buyer").name),
        ("Captured (UTC)", readable(captured)),
        ("Golden sample", f"version {sample.version}"),
        ("Classifier", inspection.model.name if inspection.model else "none"),
        *more,
    ))  # fmt: skip


def _serial(inspection: Inspection) -> str:
    """Return the serial number and, where nobody gave it, where it is from."""
    source = {"code": ", read from its code", "label": ", as its picture is called", None: ""}
    return (inspection.serial or "none") + source[inspection.serial_source]


def readable(time: str | None) -> str:
    """Return a UTC time as people read it, to the second; empty for none."""
    return (time or "").replace("T", " ").partition(".")[0].removesuffix("Z")


def missing(pictures: Iterable[Picture | Absent]) -> list[Block]:
    """Return the sentence of each picture that cannot be shown."""
    return [Text(p.why, "warning") for p in pictures if isinstance(p, Absent)]


def deviations(spec: GoldenSpec, inspection: Inspection, figures: Iterable[Block] = ()) -> list[Block]:
    """Return the section on deviations: their figures, their table and all that explains it."""
    found = inspection.defects
    counts = Counter(state_of(d.severity) for d in found)
    note = ", ".join(f"{counts[s]} {WEIGHED[s]}" for s in SEVERITIES if counts[s])
    blocks: list[Block] = [Heading("Deviations of the surface", note or "none found"), *figures]
    if found:
        blocks.append(deviations_table(spec, found, MOST_LISTED))
    if len(found) > MOST_LISTED:
        blocks.append(Text(
            f"The {MOST_LISTED} gravest of {len(found)} deviations are listed; the record holds the others.",
            "quiet",
        ))  # fmt: skip
    blocks += [Text(sentence) for sentence in _counting(spec, inspection)]
    blocks += [Text(sentence, "quiet") for sentence in _unnamed(inspection)]
    return blocks


def _counting(spec: GoldenSpec, inspection: Inspection) -> Iterable[str]:
    """Yield a sentence for each counting rule that is met."""
    rules = {r.id: r for r in spec.catalogue.counts}
    for met in inspection.counts:
        rule = rules.get(met.rule)
        means = f". {rule.description}" if rule and rule.description else ""
        yield f"Together: {together(met)}{means}."


def _unnamed(inspection: Inspection) -> Iterable[str]:
    """Yield what has to be known of deviations without a class, and of those that are none."""
    unnamed = sum(d.defect_class == UNCLASSIFIED for d in inspection.defects)
    if unnamed and inspection.model is None:
        yield (
            "This unit was judged without a classifier: deviations have no class, and only the catalogue's "
            "lines for unclassified deviations weigh them."
        )
    elif unnamed:
        one = unnamed == 1
        yield (
            f"{unnamed} {'deviation is' if one else 'deviations are'} unclassified: the classifier was not "
            "sure enough of any class. Only the catalogue's lines for unclassified deviations weigh "
            f"{'it' if one else 'them'}."
        )
    if inspection.dismissed:
        n = inspection.dismissed
        yield (
            f"{n} further {'difference' if n == 1 else 'differences'} from the golden sample "
            f"{'was' if n == 1 else 'were'} found and called not a defect by the classifier; "
            f"{'it is' if n == 1 else 'they are'} counted in the record, not listed."
        )


def unit_digests(inspection: Inspection) -> Digests:
    """Return what an inspection rests on: every digest of its record."""
    items = [
        ("record", f"{inspection.id}, {inspection.digest}"),
        ("golden sample", inspection.golden.digest),
        ("model", f"{inspection.model.name}, {inspection.model.digest}" if inspection.model else "none"),
    ]
    for f in inspection.frames:
        items.append((f"frame, view {f.view}", f.digest))
        items.append((f"calibration, {f.camera}", f.calibration or "none"))
    items.append(("versions", ", ".join(f"{n} {v}" for n, v in inspection.versions.items())))
    return Digests(tuple(items))


def signature_line(
    sample: GoldenSample, title: str, role: PartyRole, signed: Signature | None
) -> SignatureLine:
    """Return the line on which a party signs, with the keys by which it sealed the golden sample."""
    party = sample.spec.party(role)
    keys: Sequence[str] = [s.keyid for s in sample.signatures if (s.party, s.role) == (party.name, role)]
    return SignatureLine(
        title=title,
        party=party.name,
        role=role,
        name=signed.name if signed else "",
        date=readable(signed.time) if signed else "",
        keys=keys,
    )
