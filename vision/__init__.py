"""A frame becomes an `Inspection`: register, measure, compare colour and surface, judge.

`Inspector` compiles a golden sample once; `inspect` is pure. `read_frame` decodes files; `held` makes the
record of a unit that could not be inspected.
"""

from vision.frames import LARGEST_FILE, read_frame
from vision.inspector import Inspector, held

__all__ = ["LARGEST_FILE", "Inspector", "held", "read_frame"]
