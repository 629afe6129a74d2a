"""`hallmark dispute`: a lot's evidence as one offline file, and its verifier."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallmark.errors import DisputeError
from hallmark.lot_cli import KeyFile, Lot, Server, request

if TYPE_CHECKING:
    import httpx

    from hallmark.dispute import Check, Recomputed

_SIGNS = {True: "holds", False: "DOES NOT HOLD", None: "not told"}


def register(app: typer.Typer) -> None:
    """Add `hallmark dispute`."""
    dispute = typer.Typer(name="dispute", help="A lot's evidence as one offline file.", no_args_is_help=True)
    dispute.command()(pack)
    dispute.command()(verify)
    app.add_typer(dispute)


def pack(
    lot: Lot,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="File to write.")],
    *,
    whole_journal: Annotated[
        bool,
        typer.Option(
            "--whole-journal",
            help="Take every line of the server's journal, so that its chain can be checked end to end; the "
            "pack then shows lines of other lots.",
        ),
    ] = False,
    without_frames: Annotated[
        bool, typer.Option("--without-frames", help="Leave the pictures out; most of the size is theirs.")
    ] = False,
    server: Server,
    key: KeyFile,
) -> None:
    """Write golden sample, frames, records, journal lines, draw and decisions of a lot into one file.

    The key is an auditor's: only they may read the journal.

    Example: `hallmark dispute pack L-7 -o l7.dispute --server http://qc:8080 --api-key-file auditor.key`
    """
    from golden.sample import write_file
    from hallmark.dispute import collect_pack

    def get(path: str, **query: str | int) -> httpx.Response:
        return request(server, key, "GET", path, query=query, absent="/frames/" in path)

    now = datetime.now(UTC)
    data = collect_pack(lot, get, whole_journal=whole_journal, frames=not without_frames, now=now)
    write_file(out, data)
    print(out)


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The dispute pack.")],
    *,
    trust: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", envvar="HALLMARK_TRUST", help="Folder of trusted public keys, for the seal."
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID=LOWER:UPPER", help="Decide again under these limits of a characteristic; repeatable."
        ),
    ] = None,
    aql: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS=AQL", help="Decide again under this AQL of major or minor; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Check a dispute pack offline, and decide its lot again under other limits.

    A file that was altered in any byte is refused (exit code 2). Exit code 0: nothing speaks against it. 1:
    something does not hold. What the pack alone cannot tell (a seal without trusted keys, the chain over
    lines of other lots) is said and does not count against it.

    Examples: `hallmark dispute verify l7.dispute --trust trust`,
    `hallmark dispute verify l7.dispute --limit hole=0.76:0.84 --aql major=0.65`
    """
    from golden.keys import TrustStore
    from hallmark.dispute import open_case, read_aql, read_limit, read_pack, recompute
    from hallmark.dispute import verify as check
    from hallmark.dispute.pack import LIMITS

    if file.stat().st_size > LIMITS.all_bytes:
        raise DisputeError(f"{file}: has more than {LIMITS.all_bytes} bytes; no dispute pack is so large")
    limits, aqls = dict(map(read_limit, limit or ())), dict(map(read_aql, aql or ()))
    case = open_case(read_pack(file.read_bytes()))
    checks = check(case, None if trust is None else TrustStore.open(trust))
    again = recompute(case, limits, aqls) if limits or aqls else None
    if as_json:
        found = {
            "lot": case.pack.manifest.lot,
            "made": case.pack.manifest.made,
            "checks": [one.record() for one in checks],
            "recomputed": None if again is None else again.record(),
        }
        print(json.dumps(found, sort_keys=True))
    else:
        _show(case.pack.manifest.lot, checks, again)
    raise typer.Exit(1 if any(one.holds is False for one in checks) else 0)


def _show(lot: str, checks: list[Check], again: Recomputed | None) -> None:
    print(f"lot {lot}")
    for check in checks:
        print(f"  {_SIGNS[check.holds]:14} {check.name}: {check.said}")
    if again is None:
        return
    print("under the other limits:")
    for unit in again.units:
        print(f"  unit {unit.serial} ({unit.checkpoint}): {unit.before} -> {unit.after}")
        for result in unit.results:
            print(f"    {result}")
    if not again.units:
        print("  no unit would have come out differently")
    if again.left:
        print(f"  would not have been in the lot: {', '.join(again.left)}")
    if again.first_article is not None:
        before, after = ("accepted" if accepted else "not accepted" for accepted in again.first_article)
        print(f"  first article: {before} -> {after}")
    if again.outgoing is not None:
        was, now = again.outgoing
        print(f"  outgoing decision: {was.outcome} -> {now.outcome}")
        for c in now.classes:
            found = c.found + (c.found_second or 0)
            print(
                f"    {c.sampling.severity}: {found} in {c.units}, Ac {c.sampling.Ac}, Re {c.sampling.Re}, "
                f"{len(c.undecided)} undecided: {c.outcome}"
            )
    if again.unjudged:
        print(f"  the AQL asks for {again.unjudged} more units than were drawn; nobody judged them there")
