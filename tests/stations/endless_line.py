"""A line over fakes that runs until its process is killed."""

from __future__ import annotations

from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from stations import Spool, run_line
from tests.stations.bench import STATION, line


class FileOutput:
    """One line per switch, handed to the system before `signal` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def signal(self, verdict: str, sequence: int, serial: str) -> None:
        with self.path.open("a") as file:
            file.write(f"{verdict} {sequence} {serial}\n")


def main(folder: Path, round_: str, tell: Connection) -> None:
    with Spool.open(folder, STATION) as spool:
        tell.send("running")
        used = line(spool, output=FileOutput(folder / "signals.txt"))
        for _ in run_line(used, (f"R{round_}-{n}" for n in count())):
            pass
