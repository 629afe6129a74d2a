"""What a state looks like, everywhere: a colour for colour-blind eyes too, and a shape."""

from __future__ import annotations

from typing import Literal

State = Literal[
    "conform", "nonconform", "undecided", "missing",
    "critical", "major", "minor", "allowed", "unweighed",
]  # fmt: skip

COLOURS: dict[State, str] = {
    "conform": "#0b5394",
    "nonconform": "#b3261e",
    "undecided": "#7a5200",
    "missing": "#7a5200",
    "critical": "#8a0f5c",
    "major": "#c03a00",
    "minor": "#7a5200",
    "allowed": "#0b5394",
    "unweighed": "#4b3f8f",
}
DECISIONS: dict[str, str] = {
    "conform": "conform",
    "nonconform": "does not conform",
    "undecided": "undecided",
    "missing": "not shown",
}
VERDICTS: dict[str, State] = {"ACCEPT": "conform", "REJECT": "nonconform", "HOLD": "undecided"}
SEVERITIES: tuple[State, ...] = ("critical", "major", "minor", "unweighed", "allowed")
WEIGHED: dict[State, str] = {
    "critical": "critical",
    "major": "major",
    "minor": "minor",
    "unweighed": "not weighed",
    "allowed": "allowed",
}


def state_of(severity: str | None) -> State:
    """Return the state of a deviation's severity."""
    states: dict[str | None, State] = {
        "critical": "critical", "major": "major", "minor": "minor", "allowed": "allowed",
    }  # fmt: skip
    return states.get(severity, "unweighed")
