"""Errors of the demo.

DemoError    a step of the story did not happen
"""


class DemoError(ValueError):
    """A step of the story did not happen; the message says which and why."""
