"""`hallmark eligibility`: this implementation against expected results that others published.

An oracle file is `{"meta": {...}, "cases": [{"id", "input", "expected", "tol"?}]}`. An adapter turns the
input of one kind of file into our answer; it never sees what is expected.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hallmark.eligibility import (
    charts,
    colour,
    conformity,
    curves,
    measurement,
    records_8d,
    records_fai,
    records_oqc,
    sampling,
)
from hallmark.eligibility.adapter import Adapter, Answer


class OracleError(ValueError):
    """The folder or a file in it is not what oracles look like; the message names file and field."""


class OracleCase(BaseModel):
    """One case. `tol` is absolute: one number for all, or one per key with `others` for the rest."""

    model_config = ConfigDict(frozen=True)

    id: str
    input: dict[str, Any]
    expected: Annotated[dict[str, Any], Field(min_length=1)]
    tol: float | dict[str, float] | None = None


class OracleFile(BaseModel):
    """A file of cases."""

    model_config = ConfigDict(frozen=True)

    cases: tuple[OracleCase, ...]


# By the name before a file's first underscore: a1_code_letters.json is answered by ADAPTERS["a1"].
ADAPTERS: dict[str, Adapter] = {
    **sampling.ADAPTERS, **curves.ADAPTERS, **charts.ADAPTERS, **measurement.ADAPTERS, **conformity.ADAPTERS,
    **colour.ADAPTERS, **records_oqc.ADAPTERS, **records_fai.ADAPTERS,
    **records_8d.ADAPTERS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One case where our answer is not the expected one; `answered` is null where we refuse to answer."""

    case: str
    expected: Answer
    answered: Answer | None
    why: str


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file's count; a file without adapter has all its cases unsupported."""

    file: str
    cases: int
    agreed: int
    unsupported: int
    disagreements: tuple[Disagreement, ...]


def run(folder: Path, adapters: Mapping[str, Adapter] = ADAPTERS) -> tuple[FileResult, ...]:
    """Compare every oracle file of a folder (`*.json`, not below it), in order of name.

    Raises:
        OracleError: no such folder, no file in it, or a file or a case's input that does not fit the format.
    """
    if not folder.is_dir():
        raise OracleError(f"{folder}: no such folder; give the folder that holds the oracle files")
    files = sorted(folder.glob("*.json"))
    if not files:
        raise OracleError(f"{folder}: no oracle files (*.json) in it")
    return tuple(_run_file(path, adapters.get(path.stem.partition("_")[0])) for path in files)


def _run_file(path: Path, adapter: Adapter | None) -> FileResult:
    cases = read_oracle(path).cases
    agreed = unsupported = 0
    disagreements: list[Disagreement] = []
    for case in cases:
        outcome = None if adapter is None else _compare(path, case, adapter)
        if outcome is None:
            unsupported += 1
        elif outcome is True:
            agreed += 1
        else:
            disagreements.append(outcome)
    return FileResult(path.name, len(cases), agreed, unsupported, tuple(disagreements))


def read_oracle(path: Path) -> OracleFile:
    """Return the cases of an oracle file; raise OracleError where it does not fit the format."""
    try:
        return OracleFile.model_validate(json.loads(path.read_bytes()))
    except ValidationError as error:
        raise OracleError(_first_problem(path.name, error)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise OracleError(f"{path.name}: not an oracle file: {error}") from error


def _first_problem(where: str, error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(p) for p in problem["loc"]) or "the file"
    return f"{where}: {place}: {problem['msg']}"


def _compare(path: Path, case: OracleCase, adapter: Adapter) -> Disagreement | Literal[True] | None:
    """Return True on agreement, the disagreement, or None where we hold no answer."""
    from quality import QualityError

    try:
        answer = adapter.answer(case.input)
    except ValidationError as error:
        raise OracleError(_first_problem(f"{path.name}, case {case.id}, input", error)) from error
    except QualityError as error:
        return Disagreement(case.id, case.expected, None, str(error))
    if answer is None:
        return None
    expected = case.expected
    if adapter.keys is not None:
        expected = {key: value for key, value in expected.items() if key in adapter.keys}
    answered = {key: answer.get(key) for key in expected}
    wrong = [key for key in expected if not agrees(answered[key], expected[key], tolerance(case, key))]
    if expected and not wrong:
        return True
    return Disagreement(case.id, expected, answered, f"differs in {', '.join(wrong) or 'every key'}")


def tolerance(case: OracleCase, key: str) -> float:
    """Return the absolute tolerance of one expected result; 0 where none is given."""
    if isinstance(case.tol, dict):
        return case.tol.get(key, case.tol.get("others", 0.0))
    return case.tol or 0.0


def agrees(answered: Any, expected: Any, tol: float) -> bool:  # noqa: ANN401 (any JSON value)
    """Return whether an answer is the expected JSON value; only numbers have a tolerance."""
    if isinstance(expected, bool) or isinstance(answered, bool):
        return answered is expected
    if isinstance(expected, int | float):
        return isinstance(answered, int | float) and abs(answered - expected) <= tol
    if isinstance(expected, dict) and isinstance(answered, dict):
        wanted, got = cast("Answer", expected), cast("Answer", answered)
        return all(agrees(got.get(key), value, tol) for key, value in wanted.items())
    if isinstance(expected, list) and isinstance(answered, list | tuple):
        pairs = zip(cast("list[Any]", answered), cast("list[Any]", expected), strict=False)
        return len(cast("list[Any]", answered)) == len(cast("list[Any]", expected)) and all(
            agrees(a, e, tol) for a, e in pairs
        )
    return isinstance(answered, str | None) and answered == expected


def _print_table(results: tuple[FileResult, ...]) -> None:
    width = max(len(r.file) for r in results)
    print(f"{'file':<{width}}  {'cases':>6}  {'agreed':>6}  {'disagreed':>9}  {'unsupported':>11}")
    for r in results:
        print(
            f"{r.file:<{width}}  {r.cases:>6}  {r.agreed:>6}  {len(r.disagreements):>9}  {r.unsupported:>11}"
        )
        for d in r.disagreements:
            print(f"  {d.case}: expected {d.expected}, answered {d.answered} ({d.why})")


def register(app: typer.Typer) -> None:
    """Add `hallmark eligibility`."""

    @app.command()
    def eligibility(
        directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of oracle files (*.json).")],
        *,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Compare this implementation with published tables and independent results.

        Exit 0 if every answer agrees, 1 on a disagreement, 2 if DIR holds no oracle files. Files and cases
        that this release does not answer are counted as unsupported.

        Examples: `hallmark eligibility tests/oracles`, `hallmark eligibility DIR --json`
        """
        results = run(directory)
        disagreed = any(r.disagreements for r in results)
        if as_json:
            files = [{**asdict(r), "disagreed": len(r.disagreements)} for r in results]
            print(json.dumps({"agreed": not disagreed, "files": files}, sort_keys=True, allow_nan=False))
        else:
            _print_table(results)
        raise typer.Exit(1 if disagreed else 0)
