"""Outputs: what the line's mechanics see of a verdict. An output that is not signalled means hold."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from evidence.inspection import Verdict


class Signal(NamedTuple):
    """One switch of an output."""

    verdict: Verdict
    sequence: int
    serial: str


class Output(Protocol):
    """Switches pass, reject or hold. The line calls it only after the record is durable."""

    def signal(self, verdict: Verdict, sequence: int, serial: str) -> None:
        """Switch the output of one unit."""
        ...


@dataclass
class RecordingOutput:
    """Keeps the signals in memory."""

    signals: list[Signal] = field(default_factory=list[Signal])

    def signal(self, verdict: Verdict, sequence: int, serial: str) -> None:
        """Append the signal."""
        self.signals.append(Signal(verdict, sequence, serial))


@dataclass(frozen=True)
class JsonLinesOutput:
    """Appends one JSON object per signal to a file, for whoever follows it."""

    path: Path

    def __post_init__(self) -> None:
        """Make sure, before a unit is inspected, that the file can be written; raise OSError if not."""
        with self.path.open("a", encoding="utf-8"):
            pass

    def signal(self, verdict: Verdict, sequence: int, serial: str) -> None:
        """Append one line; it is in the file when this returns."""
        line = json.dumps(Signal(verdict, sequence, serial)._asdict())
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
