"""The log of checks: an append-only file of journal lines (`evidence.journal`), chained by their hashes."""

from __future__ import annotations

from datetime import UTC

from pydantic import ValidationError

from calibration.artefacts import sentence
from calibration.check_standard import CheckResult
from calibration.errors import CheckError
from evidence import journal
from evidence.journal import BrokenChain, JournalLine
from golden.digests import canonical_json

KIND = "calibration.checked"


def whole_lines(data: bytes) -> bytes:
    """Return the log without a last line that was not written to its end; append after truncating to it."""
    return data[: data.rfind(b"\n") + 1]


def log_line(log: bytes, result: CheckResult, *, actor: str, source: str) -> bytes:
    """Return the line, with its line feed, that adds a check to a log (b"" where there is none yet).

    Raises:
        CheckError: the log is altered or damaged, or its last check is not earlier.
    """
    lines = _lines(log, source)
    if lines and (last := _result(lines[-1], source)).time >= result.time:
        raise CheckError(f"{source}: the check of {result.time} is not later than the last, of {last.time}")
    line = journal.append(
        lines[-1] if lines else None,
        time=result.time.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z",
        actor=actor, kind=KIND, subject=result.serial, body=result.model_dump(mode="json"),
    )  # fmt: skip
    return canonical_json(line.model_dump(mode="json")) + b"\n"


def read_checks(log: bytes, *, source: str) -> tuple[CheckResult, ...]:
    """Return the checks of a log, oldest first; a last line that was not written to its end is no check.

    Raises:
        CheckError: a line is altered, missing, doubled, out of order or no check.
    """
    return tuple(_result(line, source) for line in _lines(log, source))


def _lines(log: bytes, source: str) -> list[JournalLine]:
    try:
        lines = [JournalLine.model_validate_json(line) for line in whole_lines(log).splitlines()]
        journal.verify_chain(lines)
    except ValidationError as error:
        raise CheckError(f"{source}: not a log of checks: {sentence(error)}; restore the file") from error
    except BrokenChain as error:
        raise CheckError(f"{source}: altered ({error}); restore the file") from error
    return lines


def _result(line: JournalLine, source: str) -> CheckResult:
    where = f"{source}: line {line.sequence}"
    if line.kind != KIND:
        raise CheckError(f"{where} is of kind {line.kind}, not {KIND}; restore the file")
    try:
        return CheckResult.model_validate(line.body)
    except ValidationError as error:
        raise CheckError(f"{where} is no check: {sentence(error)}; restore the file") from error
