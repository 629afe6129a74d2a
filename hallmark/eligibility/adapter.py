"""How one kind of oracle file is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Adapter:
    """How we answer one kind of oracle file.

    `answer` maps a case's input to our results, or to None where the case is of an edition or method that
    this release does not hold. `keys` are the expected results that we answer; None means all of them.
    """

    answer: Callable[[Mapping[str, Any]], Answer | None]
    keys: tuple[str, ...] | None = None
