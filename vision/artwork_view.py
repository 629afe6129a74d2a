# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""One view of binary artwork, compiled: a frame is aligned with the golden picture and compared by material.

What differs is found by `vision.artwork`, named by a detector of crops and sized by its own pixels. Golden
picture and unit are taken with the artwork dark, whichever shade it has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from calibration import CalibrationError, CameraCalibration
from evidence import Frame, FrameError
from golden.sample import GoldenSample
from golden.spec import View
from kernels.compiled import F32, I64, U8, Mask
from models import UNCLASSIFIED
from models.detector import Detector
from models.detector.decision import DISMISSED, decide
from vision.answers import finding, groups, one_defect
from vision.artwork.align import LEAST_SIDE, Alignment, align
from vision.artwork.candidates import NARROW, Candidates, copper, differs, find
from vision.artwork.detect import asked
from vision.certified import Check, require_transfer
from vision.colour.golden_colours import GoldenColours
from vision.compiled_view import golden_expired, to_grey
from vision.findings import graver
from vision.frames import read_frame
from vision.naming import Dismissed, Finding, Named, largest_first
from vision.regions import dense_outline
from vision.register import NotRegistered
from vision.surface import Deviation, VariationForeignError, VariationModel
from vision.surface.deviation import largest_extent, principal_extent
from vision.zones import ZoneMap

_LEAST_ALIKE: Final = 0.75  # correlation of the materials: boards of a design 0.91 or more, others to 0.69
_FARTHEST_PX: Final = 32.0  # by the field, at an edge: real boards 24 at most
_LEEWAY: Final = int(_FARTHEST_PX)
_BETWEEN: Final = (64, 192)  # codes that are neither shade
_MOST_BETWEEN: Final = 0.1  # of the pixels


@dataclass(frozen=True, slots=True, eq=False)
class AlignedArtwork:
    """A unit with the golden picture brought onto it.

    Attributes:
        alignment: the golden picture as the unit's frame shows it, and how it came there.
        unit: (h, w) uint8, artwork dark.
        judged: (h, w) uint8, 1 where the frame shows a zone.
        whole: whether the frame shows all of every zone.
        edges: how many of the unit's pixels lie at an edge.
        largest_px: the greatest displacement by the field at one of them.
    """

    alignment: Alignment
    unit: U8
    judged: U8
    whole: bool
    edges: int
    largest_px: float

    @property
    def pose(self) -> dict[str, float]:
        """The fields of an `evidence.Pose`; the residual is the pixels that differ for each of an edge."""
        (dx, dy), picture = self.alignment.shift, self.alignment.picture
        differing = np.count_nonzero(copper(self.unit) != copper(picture))
        return {
            "x_px": float(dx), "y_px": float(dy), "angle_deg": 0.0, "scale": 1.0,
            "residual_px": round(differing / max(self.edges, 1), 4),
            "field_px": round(self.largest_px, 2),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What differs on a unit.

    Attributes:
        candidates: the places, as they were asked for.
        defect: (n,) float32, how probable each is a defect; None where nothing was asked.
        named: what became of them.
    """

    candidates: Candidates
    defect: F32 | None
    named: Named


def require_unmeasured(
    view_id: str, check: Check | None, colours: GoldenColours | None, variation: VariationModel | None
) -> None:
    """Refuse what only a view that is no artwork uses.

    Raises:
        VariationForeignError: a variation model is given.
        CalibrationError: a check standard or golden colours are given.
    """
    if variation is not None:
        raise VariationForeignError(f"view {view_id!r} is artwork: leave its variation model away")
    for given, name in ((check, "check standard"), (colours, "golden colours")):
        if given is not None:
            raise CalibrationError(
                f"view {view_id!r} is artwork, of which neither lengths nor colours are measured: leave its "
                f"{name} away, or name the view that it is for"
            )


class ArtworkView:
    """What one view of artwork needs and no frame changes.

    Args:
        golden: the golden sample.
        view: the view, which states `artwork`.
        calibration: the camera's certificate, for the record alone.
        detector: names what differs; None leaves it unclassified.

    Raises:
        CalibrationError: the certificate is of a camera that delivers other codes.
        evidence.FrameError: the reference image does not decode, is no artwork or too small, or a zone has no
            place of its own.
    """

    def __init__(
        self,
        golden: GoldenSample,
        view: View,
        calibration: CameraCalibration | None,
        detector: Detector | None,
    ) -> None:
        """Read the golden picture and label its zones."""
        require_transfer(calibration, view)
        self.view, self.calibration, self._detector, self._sample = view, calibration, detector, golden
        self._smallest_mm = golden.spec.catalogue.smallest_mm
        image = read_frame(golden.images[view.image], view=view.id, camera="golden", source=view.image)
        self.golden = self.dark(np.asarray(image.pixels, np.uint8))
        self._require_artwork()
        self._zones = ZoneMap.of(golden.spec, view, *self.golden.shape)
        self._shown = np.asarray((self._zones.labels > 0) * np.uint8(255))
        side = 2 * _LEEWAY + 1
        inner = cv2.erode(self._shown, np.ones((side, side), np.uint8), borderValue=0)
        self._inner = np.asarray(inner, np.uint8)
        judged = [dense_outline(zone.region) for zone in golden.spec.zones if zone.view == view.id]
        self._outlines = np.concatenate(judged or [np.empty((0, 2))])

    def _require_artwork(self) -> None:
        name, (h, w) = self.view.image, self.golden.shape
        if min(h, w) < LEAST_SIDE:
            raise FrameError(
                f"{name}: {w} x {h} px are too few to align artwork by; give at least {LEAST_SIDE} each way"
            )
        between = _between(self.golden)
        if between > _MOST_BETWEEN or not 0 < copper(self.golden).mean() < 1:
            raise FrameError(
                f"{name}: artwork has two materials, one dark and one bright, but {between:.0%} of its "
                "pixels are neither, or all are one; give a picture with two levels, or remove artwork from "
                f"view {self.view.id!r}"
            )

    def dark(self, pixels: U8) -> U8:
        """Return (h, w) uint8 with the artwork dark, of (h, w, 3) RGB codes."""
        return self.restored(to_grey(pixels))

    def restored(self, dark: U8) -> U8:
        """Return codes in the view's own shade, of (h, w) uint8 with the artwork dark."""
        stated = self.view.artwork
        return dark if stated is None or stated.shade == "dark" else np.asarray(255 - dark, np.uint8)

    def align(self, frame: Frame, pixels: U8) -> AlignedArtwork | NotRegistered:
        """Bring the golden picture onto a frame of (h, w, 3) codes, or say why that cannot be.

        Raises:
            evidence.FrameError: the frame is of another size than the golden view.
        """
        h, w = self.golden.shape
        if pixels.shape[:2] != (h, w):
            raise FrameError(
                f"view {self.view.id!r}: artwork is compared pixel for pixel, and a frame of "
                f"{pixels.shape[1]} x {pixels.shape[0]} px cannot show the golden view of {w} x {h} px; use "
                "the camera and crop that the view was taken with"
            )
        if golden_expired(self._sample, frame):
            return NotRegistered("golden_expired")
        unit = self.dark(pixels)
        if _between(unit) > _MOST_BETWEEN:
            return NotRegistered("frame_not_binary")
        alignment = align(self.golden, unit)
        if not _alike(alignment.picture, unit):
            turned = np.ascontiguousarray(unit[::-1, ::-1])
            upside_down = _alike(align(self.golden, turned).picture, turned)
            return NotRegistered("unit_upside_down" if upside_down else "unit_not_found")
        edges = _edges(unit)
        largest_px = _largest_px(alignment, edges)
        if largest_px > _FARTHEST_PX:
            return NotRegistered("unit_misplaced")
        judged = alignment.move(self._shown, np.zeros_like(unit)) >= 128
        outlines = alignment.unit_points(self._outlines)
        whole = bool(((outlines >= -0.5) & (outlines <= (w - 0.5, h - 0.5))).all())
        whole &= alignment.field is None or not _lost(self._inner, alignment, judged)
        count = int(np.count_nonzero(edges))
        return AlignedArtwork(alignment, unit, judged.astype(np.uint8), whole, count, largest_px)

    def compare(self, aligned: AlignedArtwork) -> Compared:
        """Return what differs in the zones, named where there is a detector, largest first."""
        golden, unit = aligned.alignment.picture, aligned.unit
        shown = np.where(aligned.judged > 0, unit, golden)
        candidates = find(golden, shown)
        if not len(candidates.boxes):
            return Compared(candidates, None, Named(()))
        differing = _differing(golden, shown)
        if self._detector is None:
            alike = np.equal.outer(candidates.whole, candidates.whole)
            regions = (self._region(aligned, differing, candidates.boxes[group]) for group in groups(alike))
            found = [Finding(UNCLASSIFIED, None, r, "comparison") for r in regions if self._reported(r)]
            return Compared(candidates, None, Named(largest_first(found)))
        return self._asked(self._detector, aligned, differing, candidates)

    def _asked(
        self, detector: Detector, aligned: AlignedArtwork, differing: Mask, candidates: Candidates
    ) -> Compared:
        """Return what a detector makes of the candidates."""
        probabilities, boxes = asked(aligned.alignment.picture, aligned.unit, candidates, detector)
        empty = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1, keepdims=True)
        said = decide(probabilities, detector.operating, detector.hold_below)
        findings: list[Finding] = []
        dismissed: list[Dismissed] = []
        alike = one_defect(candidates.whole, said, np.where(empty, candidates.boxes, boxes))
        for group in groups(alike):
            region = self._region(aligned, differing, candidates.boxes[group])
            if not (self._reported(region) or self._of_reported(aligned, differing, candidates, group)):
                continue
            if said[group[0]] == DISMISSED:
                dismissed.append(Dismissed(region, float(probabilities[group, 0].min())))
            else:
                one = finding(detector.classes, region, probabilities[group], int(said[group[0]]))
                parts = np.isin(candidates.whole, candidates.whole[group]) & (said != DISMISSED)
                if np.count_nonzero(parts) > len(group):
                    whole = self._region(aligned, differing, candidates.boxes[parts])
                    one = graver(one, whole, self._sample.spec.catalogue)
                findings.append(one)
        named = Named(largest_first(findings), tuple(dismissed))
        return Compared(candidates, np.float32(1) - probabilities[:, 0], named)

    def _of_reported(
        self, aligned: AlignedArtwork, differing: Mask, candidates: Candidates, group: I64
    ) -> bool:
        """Return whether some candidates are parts of a difference that is reported as a whole.

        Answers divide a long difference among names; none of its parts may be too small for that alone.
        """
        for whole in np.unique(candidates.whole[group]).tolist():
            parts = candidates.boxes[candidates.whole == whole]
            if len(parts) > 1 and self._reported(self._region(aligned, differing, parts)):
                return True
        return False

    def _region(self, aligned: AlignedArtwork, differing: Mask, boxes: I64) -> Deviation:
        """Return the pixels that differ about some candidates (n, 4) as one region of the unit's frame."""
        (x, y), (right, bottom) = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
        near = np.zeros((bottom - y, right - x), np.bool_)
        for x1, y1, x2, y2 in (boxes - (x, y, x, y)).tolist():
            near[y1:y2, x1:x2] = True
        inside = near & differing[y:bottom, x:right]
        height, width = inside.shape
        corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)]) - 0.5
        golden = aligned.alignment.golden_points(corners)
        low, high = golden.min(axis=0).tolist(), golden.max(axis=0).tolist()
        mm = self.view.mm_per_px
        return Deviation(
            golden_px=(low[0], low[1], high[0] - low[0], high[1] - low[1]),
            frame_px=(x - 0.5, y - 0.5, float(width), float(height)),
            size_mm=largest_extent(inside) * mm,
            area_mm2=float(inside.sum()) * mm**2,
            length_mm=principal_extent(inside) * mm,
            contrast=None,
            zones=self._zones_of(aligned, (x, y), inside),
            corner=(x, y),
            inside=inside,
        )

    def _zones_of(self, aligned: AlignedArtwork, corner: tuple[int, int], inside: Mask) -> tuple[str, ...]:
        """Return the zones that pixels of a window of the frame lie in, the one with most of them first.

        A region of the last pixels at a zone's edge may round out of it: then the zones a pixel away.
        """
        ys, xs = np.nonzero(inside)
        pixels = np.column_stack((xs, ys)).astype(np.float64) + np.array(corner, np.float64)
        points = aligned.alignment.golden_points(pixels)
        h, w = map(int, self._zones.labels.shape)
        columns, rows = np.clip(np.rint(points).astype(np.int64), 0, (w - 1, h - 1)).T
        named = self._zones.named(self._zones.labels[rows, columns])
        around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        near = [
            self._zones.labels[np.clip(rows + i, 0, h - 1), np.clip(columns + j, 0, w - 1)] for i, j in around
        ]
        return named or self._zones.named(np.concatenate(near))

    def _reported(self, region: Deviation) -> bool:
        return region.size_mm >= self._smallest_mm


def _edges(picture: U8) -> Mask:
    """Return (h, w) bool, the pixels whose material is not that of the pixel before, along x or y."""
    shown = copper(picture)
    edges = np.zeros(shown.shape, np.bool_)
    edges[:, 1:] |= shown[:, 1:] != shown[:, :-1]
    edges[1:] |= shown[1:] != shown[:-1]
    return edges


def _largest_px(alignment: Alignment, edges: Mask) -> float:
    """Return the greatest displacement by the field at edges (h, w); elsewhere nothing tells it."""
    if alignment.field is None:
        return 0.0
    ys, xs = np.nonzero(edges)
    moved = alignment.displacements(np.column_stack((xs, ys)).astype(np.float64))
    return float(np.hypot(moved[:, 0], moved[:, 1]).max(initial=0.0))


def _lost(inner: U8, alignment: Alignment, judged: Mask) -> bool:
    """Return whether the field takes places out of zones farther than it may reach.

    Where a board is blank nothing tells the field, and it may run away: then such a place is not judged.
    `inner` is 255 where a zone reaches as far all round, else 0; what lies nearer to the frame's border is
    not asked.
    """
    unmoved = replace(alignment, field=None).move(inner, np.zeros_like(inner))
    within = np.s_[_LEEWAY:-_LEEWAY, _LEEWAY:-_LEEWAY]
    return bool(((unmoved[within] > 0) & ~judged[within]).any())


def _between(picture: U8) -> float:
    """Return the share of pixels that are neither dark nor bright."""
    low, high = _BETWEEN
    return float(np.mean((picture >= low) & (picture < high)))


def _alike(one: U8, other: U8) -> bool:
    """Return whether two pictures show mostly the same material in the same place (Pearson's phi)."""
    a, b = copper(one) > 0, copper(other) > 0
    p, q, both = float(a.mean()), float(b.mean()), float((a & b).mean())
    spread = (p * (1 - p) * q * (1 - q)) ** 0.5
    return spread > 0 and (both - p * q) / spread >= _LEAST_ALIKE


def _differing(golden: U8, unit: U8) -> Mask:
    """Return (h, w) bool, where an aligned pair differs beyond the tolerance of edges or right beside that.

    What differs beyond it begins a tolerance away from the edge: that much is part of it.
    """
    before, after = copper(golden), copper(unit)
    side = 2 * NARROW + 1
    beyond = cv2.dilate(differs(before, after, NARROW), np.ones((side, side), np.uint8))
    return (before != after) & (np.asarray(beyond, np.uint8) > 0)
