"""The contract between the comparison that finds deviations and the model that names them."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from evidence import ModelReference

CROP: Final = 256
"""Side of a crop in native pixels of the golden image."""
CELL: Final = 4
"""Side of a cell in pixels: one set of class probabilities each."""
NOT_A_DEFECT: Final = "not_a_defect"
UNCLASSIFIED: Final = "unclassified"
CLASSES: Final = (
    NOT_A_DEFECT,
    "missing_material",
    "excess_material",
    "short",
    "open",
    "scratch",
    "stain",
    "contamination",
    "discoloration",
    "missing_feature",
)
"""What models of this release name. The first is always NOT_A_DEFECT."""
JOINED: Final = ("excess_material", "short")
"""Material that joins nothing, and what it is called where it joins two islands of conductor."""
PARTED: Final = ("missing_material", "open")
"""A gap that parts nothing, and what it is called where it parts an island of conductor."""


class Classifier(Protocol):
    """Names what deviates. `reference` goes into every record it took part in.

    Attributes:
        reference: name and digest of the released model.
        golden_image: digest of the image that it was made from; it can name no other view's deviations.
        classes: of the last axis of `probabilities`; the first is NOT_A_DEFECT.
        hold_below: a region named with less confidence is UNCLASSIFIED.
        dismiss_from: a deviation is dismissed only with at least this probability of NOT_A_DEFECT.
        islands: (h / 2, w / 2) uint8, which island of conductor the golden image shows in each 2 x 2 pixels,
            0 for none; None where the product has none. With them, JOINED and PARTED are told apart by what
            a region does to the islands, not by the network.
    """

    reference: ModelReference
    golden_image: str
    classes: tuple[str, ...]
    hold_below: float
    dismiss_from: float
    islands: npt.NDArray[np.uint8] | None

    def probabilities(
        self, golden: npt.NDArray[np.uint8], unit: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.float32]:
        """Return calibrated class probabilities of each cell.

        Args:
            golden: (n, h, w, 3) uint8 RGB crops of the golden image; h and w are multiples of 32.
            unit: (n, h, w, 3) uint8 RGB crops of the unit, aligned to it, illumination removed.

        Returns:
            (n, h / CELL, w / CELL, k) float32, summing to 1 over the last axis.
        """
        ...
