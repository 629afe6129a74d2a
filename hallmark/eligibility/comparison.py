"""Our answers beside expected ones, case by case."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

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
    """One case. `tol` is absolute: one number for all, or one per key with `others` for the rest.

    `confidence` says how strong the case's source is, where it differs from its file's.
    """

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    id: str
    input: dict[str, Any]
    expected: Annotated[dict[str, Any], Field(min_length=1)]
    tol: float | dict[str, float] | None = None
    confidence: str | None = None


class OracleFile(BaseModel):
    """A file of cases; of `meta` its `title` and `verified_by` are reported."""

    model_config = ConfigDict(frozen=True)

    meta: dict[str, Any] = {}
    cases: tuple[OracleCase, ...]

    def says(self, key: str) -> str:
        """Return what `meta` says under a key, as text; empty where it says nothing."""
        return str(self.meta.get(key, ""))


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
class Strength:
    """The cases of one file whose source is equally strong; `confidence` is null where it is the file's."""

    confidence: str | None
    cases: int
    agreed: int


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file's count; a file without adapter has all its cases unsupported.

    `verified_by` says how its expected values were checked, `strengths` counts the cases by their own
    confidence, in order of first occurrence, and `left_out` are expected results that we do not answer.
    """

    file: str
    title: str
    verified_by: str
    cases: int
    agreed: int
    unsupported: int
    disagreements: tuple[Disagreement, ...]
    strengths: tuple[Strength, ...]
    left_out: tuple[str, ...]


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
    oracle = read_oracle(path)
    cases, agreed = Counter[str | None](), Counter[str | None]()
    unsupported = 0
    disagreements: list[Disagreement] = []
    for case in oracle.cases:
        outcome = None if adapter is None else _compare(path, case, adapter)
        cases[case.confidence] += 1
        agreed[case.confidence] += outcome is True
        unsupported += outcome is None
        if isinstance(outcome, Disagreement):
            disagreements.append(outcome)
    expected = {key for case in oracle.cases for key in case.expected}
    answered = expected if adapter is None or adapter.keys is None else set(adapter.keys)
    return FileResult(
        file=path.name,
        title=oracle.says("title"),
        verified_by=oracle.says("verified_by"),
        cases=cases.total(),
        agreed=agreed.total(),
        unsupported=unsupported,
        disagreements=tuple(disagreements),
        strengths=tuple(Strength(c, number, agreed[c]) for c, number in cases.items()),
        left_out=tuple(sorted(expected - answered)),
    )


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
