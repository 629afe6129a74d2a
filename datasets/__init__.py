"""Real sample images, units drawn from one golden image, and the twin, a simulated line with exact truth.

This room shares no code with the rooms it tests. `DatasetError` is the base of everything it raises; the
twin itself is `datasets.twin`, drawn units are `datasets.drawn`, analytic test scenes are
`datasets.scenes`, the packaged scans are `datasets.pcb_s4`. Importing this module loads none of them.
"""

from __future__ import annotations

from datasets.errors import DatasetError

__all__ = ["DatasetError"]
