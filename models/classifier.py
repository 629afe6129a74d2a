"""The contract between the comparison that finds deviations and the model that names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from evidence import ModelReference

UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True)
class Call:
    """What a classifier says of one deviation: a class of the catalogue, or UNCLASSIFIED if not sure."""

    defect_class: str
    confidence: float


class Classifier(Protocol):
    """Names deviations. `reference` goes into every record it took part in."""

    reference: ModelReference

    def name(
        self,
        golden: npt.NDArray[np.uint8],
        unit: npt.NDArray[np.uint8],
        boxes: Sequence[tuple[int, int, int, int]],
    ) -> Sequence[Call]:
        """Return one call for each box.

        Args:
            golden: (h, w, 3) uint8 RGB golden view.
            unit: (h, w, 3) uint8 RGB unit, aligned to it.
            boxes: x, y, width, height in pixels of these images.
        """
        ...
