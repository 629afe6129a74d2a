"""Which zone of the golden sample each pixel of a view lies in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evidence import FrameError
from golden.spec import GoldenSpec, View
from kernels.compiled import U8
from vision.regions import mask


@dataclass(frozen=True, slots=True, eq=False)
class ZoneMap:
    """The zones of a golden view.

    Attributes:
        names: their ids, as the specification lists them.
        labels: (h, w) uint8, the number of each pixel's zone in `names`, from 1; 0 in none and where ignored.
            Of zones that overlap the first has the pixel.
    """

    names: tuple[str, ...]
    labels: U8

    @classmethod
    def of(cls, spec: GoldenSpec, view: View, height: int, width: int, scale: int = 1) -> ZoneMap:
        """Label the pixels of a golden view shrunk by `scale`; raise FrameError for a zone without any."""
        zones = [zone for zone in spec.zones if zone.view == view.id]
        labels = np.zeros((height, width), np.uint8)
        for i, zone in reversed([*enumerate(zones, start=1)]):
            labels[mask(zone.region, height, width, scale)] = i
        for region in view.ignore:
            labels[mask(region, height, width, scale)] = 0
        for i, zone in enumerate(zones, start=1):
            if not (labels == i).any():
                raise FrameError(
                    f"zone {zone.id!r} has no place of its own: earlier zones or ignored regions cover all "
                    "of it; move it, or take it out of the golden sample"
                )
        return cls(tuple(zone.id for zone in zones), labels)

    def named(self, labels: U8) -> tuple[str, ...]:
        """Return the zones that some pixels' labels tell, the one with most of them first."""
        counts = np.bincount(labels.ravel(), minlength=len(self.names) + 1)[1:]
        found = [(-int(n), name) for n, name in zip(counts, self.names, strict=True) if n > 0]
        return tuple(name for _, name in sorted(found))
