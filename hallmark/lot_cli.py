"""`hallmark lot`: a lot's way from opening to release, over HTTP, for people and scripts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from hallmark.api_key import read_key
from hallmark.paper_format import PaperFormat

if TYPE_CHECKING:
    import ssl

    import httpx

Server = Annotated[str, typer.Option(metavar="URL", envvar="HALLMARK_SERVER", help="The server.")]
KeyFile = Annotated[
    Path,
    typer.Option(
        "--api-key-file", metavar="F", envvar="HALLMARK_API_KEY_FILE", help="File that holds the API key."
    ),
]
_NOT_FOUND = 404
Lot = Annotated[str, typer.Argument(metavar="LOT", help="The lot.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's JSON.")]


class LotError(ValueError):
    """The server could not be asked, or refused; the message says why."""


def register(app: typer.Typer) -> None:
    """Add `hallmark lot`."""
    lot = typer.Typer(name="lot", help="Lots, from opening to release.", no_args_is_help=True)
    for command in (open_lot, show, colours, fai, approve, freeze, draw, oqc, resolve, release, report):
        lot.command("open" if command is open_lot else command.__name__)(command)
    app.add_typer(lot)


def open_lot(
    lot: Lot,
    golden: Annotated[str, typer.Option(metavar="DIGEST", help="Digest of the golden sample it is made by.")],
    *,
    server: Server,
    key: KeyFile,
    as_json: AsJson = False,
) -> None:
    """Open a lot under a golden sample that the server holds.

    Example: `hallmark lot open L-7 --golden sha256:5a... --server http://qc:8080 --api-key-file qc.key`
    """
    _show(_ask(server, key, "POST", "/lots", {"lot": lot, "golden": golden}), as_json=as_json)


def show(lot: Lot, *, server: Server, key: KeyFile, as_json: AsJson = False) -> None:
    """Show a lot: phase, counts, decisions, sample, non-conformances.

    Example: `hallmark lot show L-7 --server http://qc:8080 --api-key-file qc.key`
    """
    _show(_ask(server, key, "GET", f"/lots/{lot}"), as_json=as_json)


def colours(lot: Lot, *, server: Server, key: KeyFile, as_json: AsJson = False) -> None:
    """Show a lot's colours: mean difference to the golden sample, scatter, drift, and the worst unit.

    Example: `hallmark lot colours L-7 --server http://qc:8080 --api-key-file qc.key`
    """
    told = _ask(server, key, "GET", f"/lots/{lot}/colours")
    if as_json:
        print(json.dumps(told, sort_keys=True))
        return
    from pydantic import TypeAdapter

    from hallmark.report.colours import trend_lines
    from quality.colour_trend import ColourTrend

    for trend in TypeAdapter(list[ColourTrend]).validate_python(told["colours"]):
        print("\n".join(trend_lines(trend)))
    if not told["colours"]:
        print(f"lot {lot}: no unit has a colour with L*a*b*")


def fai(
    lot: Lot,
    inspection: Annotated[
        list[str], typer.Option(metavar="ID", help="Record of a first-article unit; once for each unit.")
    ],
    entered: Annotated[
        Path | None,
        typer.Option(
            metavar="F.json",
            help="What people and instruments found: a list of serial, characteristic, evidence, and "
            "value with standard_uncertainty, conform, or a colour's reading.",
        ),
    ] = None,
    readings: Annotated[
        Path | None,
        typer.Option(
            metavar="F",
            help="A spectrophotometer's list (CSV or CGATS) of colours, with SERIAL/CHARACTERISTIC as id.",
        ),
    ] = None,
    *,
    server: Server,
    key: KeyFile,
    as_json: AsJson = False,
) -> None:
    """Decide the first article, item by item.

    Example: `hallmark lot fai L-7 --inspection insp-0123... --entered fai.json --server http://qc:8080
    --api-key-file qc.key`
    """
    from hallmark.colour_readings import entered_by_instrument

    found = [] if entered is None else _entered(entered)
    found += [] if readings is None else entered_by_instrument(readings)
    body = {"inspections": inspection, "entered": found}
    _show(_ask(server, key, "POST", f"/lots/{lot}/fai", body), as_json=as_json)


def approve(lot: Lot, *, server: Server, key: KeyFile, as_json: AsJson = False) -> None:
    """Approve the accepted first article, as the person of the key: production may start.

    Example: `hallmark lot approve L-7 --server http://qc:8080 --api-key-file buyer.key`
    """
    _show(_ask(server, key, "POST", f"/lots/{lot}/fai/approval"), as_json=as_json)


def freeze(lot: Lot, *, server: Server, key: KeyFile, as_json: AsJson = False) -> None:
    """End production: the accepted units are the lot. Let the stations send all they hold first.

    Example: `hallmark lot freeze L-7 --server http://qc:8080 --api-key-file qc.key`
    """
    _show(_ask(server, key, "POST", f"/lots/{lot}/freeze"), as_json=as_json)


def draw(lot: Lot, *, server: Server, key: KeyFile, as_json: AsJson = False) -> None:
    """Draw the outgoing sample at random and record the draw; print its serials.

    Example: `hallmark lot draw L-7 --server http://qc:8080 --api-key-file qc.key`
    """
    state = _ask(server, key, "POST", f"/lots/{lot}/draw")
    _show(state, as_json=as_json)
    if not as_json:
        print("inspect at an independent station: " + ", ".join(state["draw"]["serials"]))


def oqc(lot: Lot, *, server: Server, key: KeyFile, as_json: AsJson = False) -> None:
    """Decide the lot from its sample, class by class.

    Example: `hallmark lot oqc L-7 --server http://qc:8080 --api-key-file qc.key`
    """
    _show(_ask(server, key, "POST", f"/lots/{lot}/oqc"), as_json=as_json)


def resolve(
    lot: Lot,
    serial: Annotated[str, typer.Option(metavar="SN", help="The sample unit.")],
    reason: Annotated[str, typer.Option(help="What was found, in words.")],
    readings: Annotated[
        Path | None,
        typer.Option(metavar="F", help="A spectrophotometer's list of the unit's colours, as for `lot fai`."),
    ] = None,
    *,
    server: Server,
    key: KeyFile,
    as_json: AsJson = False,
) -> None:
    """Decide, as the person of the key, that a sample unit which a station held is good.

    Example: `hallmark lot resolve L-7 --serial S4-0007 --reason "dust, wiped off" --server http://qc:8080
    --api-key-file buyer.key`
    """
    from hallmark.colour_readings import read_readings

    body: dict[str, Any] = {"serial": serial, "reason": reason}
    if readings is not None:
        body["readings"] = [
            {
                "characteristic": found.characteristic, "source": found.source,
                "reading": found.reading.model_dump(mode="json"),
            }
            for found in read_readings(readings)
            if found.serial in (None, serial)
        ]  # fmt: skip
    _show(_ask(server, key, "POST", f"/lots/{lot}/oqc/resolutions", body), as_json=as_json)


def release(lot: Lot, *, server: Server, key: KeyFile, as_json: AsJson = False) -> None:
    """Release an accepted lot for shipment, as the person of the key.

    Example: `hallmark lot release L-7 --server http://qc:8080 --api-key-file buyer.key`
    """
    _show(_ask(server, key, "POST", f"/lots/{lot}/release"), as_json=as_json)


def report(
    lot: Lot,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the papers.")],
    *,
    trust: Annotated[
        Path, typer.Option(metavar="DIR", envvar="HALLMARK_TRUST", help="Folder of trusted public keys.")
    ] = Path("trust"),
    formats: Annotated[
        list[PaperFormat] | None,
        typer.Option("--report", help="Format of the papers; both unless given."),
    ] = None,
    server: Server,
    key: KeyFile,
) -> None:
    """Write the lot's summary, first-article reports and a sheet of each unit that did not pass.

    Example: `hallmark lot report L-7 --out papers --trust trust --server http://qc:8080
    --api-key-file qc.key`
    """
    from golden.keys import TrustStore
    from hallmark.lot_papers import write_lot_papers

    def get(path: str, **query: str | int) -> httpx.Response:
        return request(server, key, "GET", path, query=query, absent=path.startswith("/inspections/"))

    chosen = formats or list(PaperFormat)
    for path in write_lot_papers(lot, get, TrustStore.open(trust), out, chosen, datetime.now(UTC)):
        print(path)


def _entered(path: Path) -> list[Any]:
    try:
        content: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise LotError(f"{path}: {error.strerror}; give the file of entered results") from error
    except ValueError as error:
        raise LotError(f"{path}: not JSON ({error}); write a list of entered results") from error
    if not isinstance(content, list):
        raise LotError(f"{path}: holds no list; write a list of entered results")
    return cast("list[Any]", content)


def _ask(server: str, key: Path, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 (JSON)
    """Ask the server and return its JSON; a refusal becomes a sentence."""
    return request(server, key, method, path, body).json()


def request(
    server: str,
    key: Path,
    method: str,
    path: str,
    body: Any = None,  # noqa: ANN401 (JSON)
    *,
    query: dict[str, str | int] | None = None,
    absent: bool = False,
) -> httpx.Response:
    """Ask the server and return its answer; with `absent`, also that there is no such thing.

    Raises:
        LotError: no answer, or the server refused; the message says why.
        ApiKeyFileError: the key cannot be read.
    """
    import httpx

    headers = {"Authorization": f"Bearer {read_key(key)}"}
    url = f"{server.rstrip('/')}/api/v1{path}"
    try:
        response = httpx.request(
            method, url, json=body, params=query, headers=headers, timeout=60, verify=_certificates()
        )
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise LotError(f"{server}: no answer ({error}); is the server running?") from error
    if response.is_error and not (absent and response.status_code == _NOT_FOUND):
        raise LotError(f"the server refused ({response.status_code}): {_problem(response.text)}")
    return response


@cache
def _certificates() -> ssl.SSLContext:
    """Return the certificates that servers are known by; to read them takes longer than most answers."""
    import httpx

    return httpx.create_ssl_context()


def _problem(text: str) -> str:
    try:
        problem: Any = json.loads(text)
        return f"{problem['title']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return text[:300]


def _show(state: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(state, sort_keys=True))
        return
    units = ", ".join(f"{n} {status}" for status, n in state["units"].items())
    print(f"lot {state['lot']}: {state['phase'].replace('_', ' ')}; {units}")
    first = state["first_article"]
    if first is not None:
        print(f"  first article {'accepted' if first['accepted'] else 'not accepted'}")
        for item in first["items"]:
            if item["required"] and item["outcome"] != "conform":
                print(f"    {item['number']} {item['name']} on {item['serial']}: {item['outcome']}")
    for sampling in state["samplings"]:
        n = "every unit" if sampling["every_unit"] else f"n {sampling['n']}"
        print(f"  {sampling['severity']}: {n}, Ac {sampling['Ac']}, Re {sampling['Re']}")
    if state["oqc"] is not None:
        print(f"  outgoing inspection: {state['oqc']['outcome']}")
    for nonconformance in state["nonconformances"]:
        print(f"  non-conformance {nonconformance['id']}: {nonconformance['cause']}")
