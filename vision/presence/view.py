"""One view's components, prints and codes: compiled once, then judged unit by unit."""

from __future__ import annotations

import math

import cv2
import numpy as np

from evidence import CharacteristicResult, CodeResult, PresenceResult
from golden.conformity import decide
from golden.spec import Code, Component, GoldenSpec, Print, View
from kernels.compiled import F32, F64, U8, Mask
from vision.judge import coded, placed, unmeasured
from vision.mapping import QuadraticMap
from vision.presence.codes import read_codes
from vision.presence.component import ComponentCheck
from vision.presence.placement import Placement
from vision.presence.prints import PrintCheck
from vision.presence.row_wave import SPACING, RowWave, RowWaveFinder
from vision.presence.window import Window
from vision.regions import dense_outline, mask
from vision.register import Registered
from vision.surface import Aligned

_SCALE_UNKNOWN = 0.03 / math.sqrt(
    3
)  # a certificate that differs by more from the view's mm_per_px is refused

_OUTLINE = 3  # pixels about a body that are its: outline and shadow


class PresenceView:
    """Judges the components, prints and codes of one view.

    Args:
        spec: the golden specification.
        view: the view.
        golden: (h, w, 3) uint8 RGB golden image.
    """

    def __init__(self, spec: GoldenSpec, view: View, golden: U8) -> None:
        """Cut all pictures and compare the components with each other."""
        own = [
            c for c in spec.characteristics if isinstance(c, Component | Print | Code) and c.view == view.id
        ]
        self._mm_per_px, self._size = view.mm_per_px, (golden.shape[1], golden.shape[0])
        self.components = [ComponentCheck(c, golden, view.mm_per_px) for c in own if isinstance(c, Component)]
        self.prints = [PrintCheck(c, golden, view.mm_per_px) for c in own if isinstance(c, Print)]
        self.codes = [c for c in own if isinstance(c, Code)]
        occupied = np.zeros(golden.shape[:2], np.bool_)
        for region in [c.region for c in own] + list(view.ignore):
            occupied |= mask(region, *golden.shape[:2])
        for check in self.components:
            check.meet(self.components, occupied)
        placed = len(self.components) + len(self.prints) > 0
        self._waves = RowWaveFinder(golden, self._artwork(view)) if placed else None

    def _artwork(self, view: View) -> Mask:
        """Return where, about components and prints, the golden image shows what these are placed against."""
        usable = np.zeros((self._size[1], self._size[0]), np.bool_)
        boxes = np.array([check.window.box for check in (*self.components, *self.prints)])
        (left, top), (right, bottom) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        usable[max(top - SPACING, 0) : bottom + SPACING, max(left - SPACING, 0) : right + SPACING] = True
        for region in [c.characteristic.region for c in self.components] + [c.region for c in self.codes]:
            grown = np.ones((2 * _OUTLINE + 1, 2 * _OUTLINE + 1), np.uint8)
            usable &= cv2.dilate(mask(region, *usable.shape).astype(np.uint8), grown) == 0
        for region in view.ignore:
            usable &= ~mask(region, *usable.shape)
        return usable

    def row_wave(self, frame: U8, found: Registered, aligned: Aligned) -> RowWave | None:
        """Return the wave of a (h, w, 3) uint8 frame's rows; None where the map or a local field serves."""
        return None if self._waves is None or aligned.field is not None else self._waves.find(frame, found)

    def results(
        self, frame: U8, found: Registered, aligned: Aligned, wave: RowWave | None
    ) -> list[CharacteristicResult]:
        """Judge a unit by its frame and the wave of its rows; what the frame does not show is not judged."""
        shown = _Shown(frame, found, aligned, wave, self._size, self._mm_per_px)
        results = [_component(check, shown) for check in self.components]
        results += [_print(check, shown) for check in self.prints]
        return results + [_code(c, frame, found.mapping, aligned) for c in self.codes]


class _Shown:
    """A unit's frame and where it shows what."""

    def __init__(
        self, frame: U8, found: Registered, aligned: Aligned, wave: RowWave | None, size: tuple[int, int],
        mm_per_px: float,
    ) -> None:  # fmt: skip
        self.frame, self.found, self.aligned, self.wave = frame, found, aligned, wave
        self.size, self.mm_per_px = size, mm_per_px

    def see(self, window: Window) -> tuple[F32, float] | None:
        """Return the codes of a window and how well its place is known, pixels; None beyond the frame."""
        field, u_px = window.about(self.aligned.field, self.size)
        rows, columns = window.places(0)
        corners = np.array(
            [(x, y) for x in (columns[0], columns[-1]) for y in (rows[0], rows[-1])], np.float64
        )
        mapped = self.found.mapping.points(corners if field is None else corners + field.points(corners))
        h, w = self.frame.shape[:2]
        if not _within(mapped, w, h):
            return None
        centre = np.array([window.centre])
        if self.wave is None:
            wave, own = None, math.sqrt(float(np.trace(self.found.covariances(centre)[0])) / 2)
        else:  # drawn with a constant and a tilt of its own: what the map alone leaves is no longer unknown
            wave = self.wave.beside(*window.box)
            own = wave.u_px(self.found.mapping.points(centre)[0])
        return window.see(self.frame, self.found.mapping, field, wave), math.hypot(u_px, own)

    def light(self, window: Window) -> float:
        """Return what makes a window's codes as light as the golden sample's."""
        (x, y), (w, h) = window.centre, self.size
        u, v = 2 * (x + 0.5) / w - 1, 2 * (y + 0.5) / h - 1
        return float(np.array([1, u, v, u * u, u * v, v * v]) @ self.aligned.gain)

    def offset(self, placement: Placement, u_map_px: float) -> tuple[float, float]:
        """Return how far something lies from its place, mm, and the standard uncertainty of that."""
        offset = placement.offset * self.mm_per_px
        u = math.hypot(placement.u_px(u_map_px) * self.mm_per_px, _SCALE_UNKNOWN * offset)
        return offset, u

    def presence(
        self, placement: Placement | None, score: float, window: Window, u_map_px: float
    ) -> PresenceResult:
        """Return what is recorded of a placement."""
        if placement is None:
            return PresenceResult(score=round(score, 4))
        return PresenceResult(
            score=round(score, 4),
            dx_mm=round(placement.dx * self.mm_per_px, 4),
            dy_mm=round(placement.dy * self.mm_per_px, 4),
            u_mm=round(placement.u_px(u_map_px) * self.mm_per_px, 5),
            angle_deg=round(placement.angle, 3),
            u_angle_deg=round(placement.u_angle((window.width, window.height)), 4),
        )


def _component(check: ComponentCheck, shown: _Shown) -> CharacteristicResult:
    c = check.characteristic
    view = shown.see(check.window)
    if view is None:
        return unmeasured(c, "unit_out_of_frame")
    seen, u_px = check.see(view[0]), view[1]
    presence = shown.presence(seen.placement, seen.score, check.window, u_px)
    if seen.resembles is not None:
        presence = presence.model_copy(update={"resembles": seen.resembles})
    if seen.turned is not None:
        presence = presence.model_copy(update={"angle_deg": float(seen.turned)})
    if seen.state != "agreed" or seen.placement is None:
        return placed(c, None, presence, f"component_{seen.state}")
    turn = decide(abs(seen.placement.angle), presence.u_angle_deg or 0.0, None, c.upper_angle_deg, c.decision)
    reason = {"conform": None, "nonconform": "component_turned", "undecided": "component_unclear"}[turn]
    return placed(c, shown.offset(seen.placement, u_px), presence, reason)


def _print(check: PrintCheck, shown: _Shown) -> CharacteristicResult:
    c = check.characteristic
    view = shown.see(check.window)
    if view is None:
        return unmeasured(c, "unit_out_of_frame")
    seen, u_px = check.see(view[0], shown.light(check.window)), view[1]
    presence = shown.presence(seen.placement, seen.score, check.window, u_px)
    if seen.places:
        boxes = tuple(tuple(round(v * shown.mm_per_px, 4) for v in place) for place in seen.places)
        presence = presence.model_copy(update={"differs_mm": boxes})
    if seen.ink is not None:
        presence = presence.model_copy(update={"ink_differs": round(seen.ink, 3)})
    if seen.state != "agreed" or seen.placement is None:
        return placed(c, None, presence, f"print_{seen.state}")
    return placed(c, shown.offset(seen.placement, u_px), presence, None)


def _code(c: Code, frame: U8, mapping: QuadraticMap, aligned: Aligned) -> CharacteristicResult:
    outline = aligned.frame_points(mapping, dense_outline(c.region))
    if not _within(outline, frame.shape[1], frame.shape[0]):
        return unmeasured(c, "unit_out_of_frame")
    contents = read_codes(frame, outline, c.symbology)
    if len(contents) != 1:
        return unmeasured(c, "code_unread")
    return coded(c, CodeResult(symbology=c.symbology, content=contents[0]), conforms=c.conforms(contents[0]))


def _within(points: F64, width: int, height: int) -> bool:
    return bool(((points >= 0) & (points <= (width - 1, height - 1))).all())
