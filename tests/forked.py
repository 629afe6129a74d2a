"""Processes to be killed, forked from one that has imported all: a round costs what is killed, no start."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

# of all that are forked: a test process has one fork server, which imports when it starts
PRELOADED = [
    "tests.api.server", "api", "hallmark.serve_cli", "uvicorn.protocols.http.auto",
    "tests.stations.endless_line",
]  # fmt: skip


def context() -> ForkServerContext:
    """Return the context whose `Process` is forked from the prepared process."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(PRELOADED)
    return made
