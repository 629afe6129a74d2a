"""The error of this room.

DatasetError (ValueError): an argument of a twin, scene or change is out of its range; the sentence names it.
"""

from __future__ import annotations


class DatasetError(ValueError):
    """An argument of a twin, scene, change or data set cannot be used; the message says which and why."""
