"""The log of checks as a file, what it says of a certificate, and which inspections are in doubt."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calibration import (
    CameraCalibration,
    CheckError,
    CheckHistory,
    CheckResult,
    CheckStandard,
    Doubt,
    log_line,
    read_checks,
    whole_lines,
)
from evidence import FrameRecord, Inspection
from evidence.inspection import Verdict


def append(path: Path, result: CheckResult, actor: str) -> None:
    """Append a check to the log, made if absent; it is on disk when this returns.

    A last line that a power cut left unfinished is dropped first.

    Raises:
        CheckError: the log is altered, or its last check is not earlier.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        kept = whole_lines(file.read())
        line = log_line(kept, result, actor=actor, source=str(path))
        file.seek(len(kept))
        file.truncate()
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def history(certificate: CameraCalibration, standard: CheckStandard, log: Path) -> CheckHistory:
    """Return the certificate's checks; a log that is not there holds none."""
    data = log.read_bytes() if log.exists() else b""
    checks = read_checks(data, source=str(log))
    return CheckHistory.follow(standard, checks, calibration=certificate.digest, issued=certificate.issued)


@dataclass(frozen=True, slots=True)
class Doubted:
    """An inspection in doubt: when its first doubtful frame was taken, and what was decided."""

    captured_at: datetime
    serial: str
    lot: str | None
    station: str | None
    sequence: int | None
    verdict: Verdict
    digest: str

    def as_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "captured_at": self.captured_at.isoformat(),
        }


def doubted(doubt: Doubt, used: Callable[[FrameRecord], bool], records: Sequence[Path]) -> list[Doubted]:
    """Return the inspections that used what was in doubt meanwhile, by time.

    Args:
        doubt: from when to when.
        used: whether a frame was judged by what is in doubt.
        records: files of JSON lines, folders of them, spools.

    Raises:
        CheckError: a file holds no inspection records.
        SpoolError: a folder is a spool that cannot be read.
    """
    found: dict[str, Doubted] = {}
    for path in records:
        for inspection in inspections(path):
            times = [
                at
                for frame in inspection.frames
                if used(frame) and frame.captured_at is not None
                and doubt.holds(at := datetime.fromisoformat(frame.captured_at))
            ]  # fmt: skip
            if times:
                found[inspection.digest] = Doubted(
                    min(times), inspection.serial or "", inspection.lot, inspection.station,
                    inspection.sequence, inspection.verdict, inspection.digest,
                )  # fmt: skip
    return sorted(found.values(), key=lambda one: (one.captured_at, one.digest))


def inspections(path: Path) -> Iterator[Inspection]:
    """Yield the records of a spool, of a folder of JSON files, or of one file with a record on each line."""
    from stations import SpoolReader

    if (path / "spool.db").is_file():
        with SpoolReader.read(path) as reader:
            yield from (unit.inspection for unit in reader.units() if unit.state != "open")
        return
    files = sorted([*path.glob("*.json"), *path.glob("*.jsonl")]) if path.is_dir() else [path]
    if not files:
        raise CheckError(f"{path}: neither a spool nor a folder of records: give records as JSON, or a spool")
    for file in files:
        for number, line in enumerate(file.read_bytes().splitlines(), start=1):
            try:
                yield Inspection.model_validate_json(line)
            except ValidationError as error:
                raise CheckError(
                    f"{file}: line {number} is no inspection record: give what `hallmark inspect --out` or "
                    "`station run --json` wrote, one record on each line"
                ) from error
