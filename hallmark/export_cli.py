"""`hallmark export`: records as files that other systems read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from hallmark.errors import ExportError
from hallmark.lot_cli import request

if TYPE_CHECKING:
    import httpx

    from evidence import Inspection
    from hallmark.exports import Table

Out = Annotated[
    Path, typer.Option("-o", "--out", metavar="FILE", help="File to write; its ending is the format.")
]
Records = Annotated[
    list[Path] | None,
    typer.Option(
        "--record", metavar="F", help="Read this record in place of the server's; repeat for several."
    ),
]
Server = Annotated[str | None, typer.Option(metavar="URL", envvar="HALLMARK_SERVER", help="The server.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--api-key-file", metavar="F", envvar="HALLMARK_API_KEY_FILE", help="File that holds the API key."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print path, size and digest of the file as JSON.")]


def register(app: typer.Typer) -> None:
    """Add `hallmark export`."""
    export = typer.Typer(name="export", help="Records as files for other systems.", no_args_is_help=True)
    for command in (fai, measurements, spc, ncr):
        export.command()(command)
    app.add_typer(export)


def fai(
    report: Annotated[str | None, typer.Argument(metavar="FAIR", help="Identifier of the report.")] = None,
    *,
    out: Out,
    record: Records = None,
    server: Server = None,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a first article inspection report (AS9102 Rev C forms 1 to 3) as `.xlsx` or `.pdf`.

    Examples: `hallmark export fai FAIR-7 -o fair-7.xlsx --server http://qc:8080 --api-key-file qc.key`,
    `hallmark export fai --record fair-7.json -o fair-7.pdf`
    """
    from hallmark.exports import fair_paper, read_report, to_workbook
    from hallmark.report.pdf import to_pdf

    suffix = _format(out, (".xlsx", ".pdf"))
    found = _one(record) if record else _get(server, key)(f"/fairs/{_named(report, 'FAIR')}").json()
    told = read_report(found)
    issued = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    _write(out, to_workbook(told) if suffix == ".xlsx" else to_pdf(fair_paper(told, issued=issued)), as_json)


def measurements(
    lot: Annotated[str | None, typer.Argument(metavar="LOT", help="The lot.")] = None,
    *,
    out: Out,
    record: Records = None,
    server: Server = None,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write measured values with units, uncertainties and limits as `.dfq`, `.qif`, `.csv` or `.parquet`.

    `.dfq` is the Q-DAS ASCII transfer format (AQDEF). `.qif` is QIF 3.0 Results XML, well-formed but not
    validated against the schema. Both hold measured values only; CSV and Parquet hold attributes too.

    Examples: `hallmark export measurements L-7 -o l7.dfq --server http://qc:8080 --api-key-file qc.key`,
    `hallmark inspect s4.golden unit.png --json > unit.json; hallmark export measurements --record unit.json
    -o unit.qif`
    """
    from hallmark.exports import measurement_table, to_dfq, to_qif

    suffix = _format(out, (".dfq", ".qif", ".csv", ".parquet"))
    inspections = _records(record) if record else _inspections(_named(lot, "LOT"), server, key)
    if suffix == ".dfq":
        data = to_dfq(inspections)
    elif suffix == ".qif":
        data = to_qif(inspections, now=datetime.now(UTC))
    else:
        data = _tabular(measurement_table(inspections), suffix)
    _write(out, data, as_json)


def spc(
    lot: Annotated[str | None, typer.Argument(metavar="LOT", help="The lot.")] = None,
    *,
    out: Out,
    record: Records = None,
    server: Server = None,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a lot's in-process samples with limits and signals as `.csv` or `.parquet`.

    Example: `hallmark export spc L-7 -o l7-spc.csv --server http://qc:8080 --api-key-file qc.key`
    """
    from hallmark.exports import spc_table

    suffix = _format(out, (".csv", ".parquet"))
    found = _one(record) if record else _get(server, key)(f"/lots/{_named(lot, 'LOT')}/ipqc").json()
    _write(out, _tabular(spc_table(found), suffix), as_json)


def ncr(
    lot: Annotated[str | None, typer.Argument(metavar="LOT", help="Of this lot only.")] = None,
    *,
    out: Out,
    record: Records = None,
    server: Server = None,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write non-conformances with their dispositions as `.csv` or `.parquet`.

    Example: `hallmark export ncr -o ncr.parquet --server http://qc:8080 --api-key-file qc.key`
    """
    from hallmark.exports import ncr_table
    from hallmark.lot_papers import pages

    suffix = _format(out, (".csv", ".parquet"))
    found = _read(record) if record else list(pages(_get(server, key), "/nonconformances", lot))
    _write(out, _tabular(ncr_table(found), suffix), as_json)


class Get:
    """Asks the server; raises LotError where it refuses."""

    def __init__(self, server: str, key: Path) -> None:
        """Ask this server with the key of this file."""
        self._server, self._key = server, key

    def __call__(self, path: str, **query: str | int) -> httpx.Response:
        """Return the answer to a GET."""
        return request(self._server, self._key, "GET", path, query=query)


def _get(server: str | None, key: Path | None) -> Get:
    if server is None or key is None:
        raise ExportError("name the server with --server and --api-key-file, or give --record")
    return Get(server, key)


def _named(name: str | None, what: str) -> str:
    if name is None:
        raise ExportError(f"name the {what}, or give --record")
    return name


def _format(out: Path, known: Sequence[str]) -> str:
    if out.suffix not in known:
        raise ExportError(f"{out}: the format is told by the file's ending: {', '.join(known)}")
    return out.suffix


def _tabular(table: Table, suffix: str) -> bytes:
    from hallmark.exports import to_csv, to_parquet

    return to_csv(table) if suffix == ".csv" else to_parquet(table)


def _inspections(lot: str, server: str | None, key: Path | None) -> list[Inspection]:
    """Return the records that the lot counts, in the order recorded."""
    from evidence import Inspection
    from hallmark.lot_papers import pages

    get = _get(server, key)
    lines = (line for line in pages(get, "/inspections", lot) if line["counted"])
    return [
        Inspection.model_validate(get(f"/inspections/{line['id']}").json()["inspection"]) for line in lines
    ]


def _records(paths: Sequence[Path]) -> list[Inspection]:
    """Return inspection records from files; refuse one that was altered."""
    from pydantic import ValidationError

    from evidence import Inspection, verify_digest

    found: list[Inspection] = []
    for record in _read(paths):
        try:
            inspection = Inspection.model_validate(record)
        except ValidationError as error:
            raise ExportError(
                f"not an inspection record: {error.errors(include_url=False)[0]['msg']}"
            ) from error
        if not verify_digest(inspection):
            raise ExportError(
                f"inspection {inspection.id} was altered: its content does not match its digest"
            )
        found.append(inspection)
    return found


def _one(paths: Sequence[Path]) -> dict[str, Any]:
    found = _read(paths)
    if len(found) != 1:
        raise ExportError(f"--record holds {len(found)} records; give one")
    return found[0]


def _read(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the JSON objects of files: one object, a list of them, or one on each line."""
    found: list[Any] = []
    for path in paths:
        text = path.read_text("utf-8", "replace")
        try:
            content: Any = json.loads(text)
        except ValueError:
            content = [_line(path, line) for line in text.splitlines() if line.strip()]
        found += cast("list[Any]", content) if isinstance(content, list) else [content]
    if not all(isinstance(record, dict) for record in found):
        raise ExportError(f"{paths[0]}: holds no records; give JSON objects")
    return found


def _line(path: Path, line: str) -> Any:  # noqa: ANN401 (JSON)
    try:
        return json.loads(line)
    except ValueError as error:
        raise ExportError(
            f"{path}: not JSON ({error}); give records as the server or a station gives them"
        ) from error


def _write(out: Path, data: bytes, as_json: bool) -> None:
    from golden.digests import sha256
    from golden.sample import write_file

    write_file(out, data)
    if as_json:
        print(json.dumps({"path": str(out), "bytes": len(data), "sha256": sha256(data)}, sort_keys=True))
    else:
        print(out)
