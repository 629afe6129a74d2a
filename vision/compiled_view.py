# pyright: reportUnknownMemberType=false
"""One view of a golden sample, compiled: what no frame changes, and where a frame shows the part."""

from __future__ import annotations

from datetime import datetime

import cv2
import numpy as np

from calibration import CalibrationError, CameraCalibration
from evidence import Frame, FrameError, sha256
from golden.sample import GoldenSample
from golden.spec import Colour, View
from kernels.compiled import U8, Mask
from kernels.light import decoding_table
from models import Classifier
from models.detector import Detector
from vision.certified import Check, require_transfer
from vision.colour.golden_colours import GoldenColours
from vision.colour.view import ColourView
from vision.colour_naming import namer_for
from vision.frames import Exposure, read_frame
from vision.measure import Conditions
from vision.presence import PresenceView
from vision.pyramid import Pyramid
from vision.regions import mask
from vision.register import NotRegistered, Registered, Registrar
from vision.surface import SurfaceComparator, VariationModel

_SIZE_RANGE = (0.5, 3.0)  # a frame's sides against the golden view's


class CompiledView:
    """What one view needs and no frame changes."""

    def __init__(
        self,
        golden: GoldenSample,
        view: View,
        calibration: CameraCalibration | None,
        model: Classifier | Detector | None,
        check: Check | None,
        colours: GoldenColours | None,
        variation: VariationModel | None = None,
    ) -> None:
        """Compile registration, measurement, surface and colour; errors as `Inspector`."""
        require_transfer(calibration, view)
        self.view, self.calibration, self.check, self.golden_colours = view, calibration, check, colours
        self.variation = variation
        image = golden.images[view.image]
        pixels = read_frame(image, view=view.id, camera="golden", source=view.image).pixels
        self.pixels = np.asarray(pixels, np.uint8)
        self.conditions = None if calibration is None else Conditions.of(golden.spec, view, calibration)
        self.table = decoding_table(view.transfer)
        usable: Mask = np.ones(self.pixels.shape[:2], np.bool_)
        for region in view.ignore:
            usable &= ~mask(region, *usable.shape)
        self.exposure = Exposure(self.pixels, self.table)
        self.registrar = Registrar(Pyramid.of(self.pixels, self.table), usable)
        self.surface = SurfaceComparator(golden.spec, view, self.pixels, self.table)
        if variation is not None:
            variation.require(golden.digest, view.id, *self.surface.golden.shape[:2])
            self.surface.learn(variation)
        catalogue = golden.spec.catalogue
        self.namer = namer_for(self.surface, self.pixels, sha256(image), catalogue, model)
        self.colours = {
            c.id: self.surface.colour_reference(c.region)
            for c in golden.spec.characteristics
            if isinstance(c, Colour) and c.view == view.id
        }
        self.colour = self._colour(golden)
        self.presence = PresenceView(golden.spec, view, self.pixels)

    def _colour(self, golden: GoldenSample) -> ColourView | None:
        """Return what decides colours by a characterised camera; None where the certificate has no colour."""
        if self.calibration is not None and self.calibration.colour is not None:
            return ColourView(golden, self.view, self.calibration, self.golden_colours)
        if self.golden_colours is not None:
            raise CalibrationError(
                f"view {self.view.id!r} has golden colours but no certificate with colour; give the one with "
                "which the golden sample was measured"
            )
        return None


def registered(
    golden: GoldenSample, compiled: CompiledView, frame: Frame, pixels: U8, seen: Pyramid | None = None
) -> Registered | NotRegistered:
    """Return where a frame of (h, w, 3) codes shows the part, or why that cannot be told.

    `seen` is the pyramid of the codes, where the caller has made it.
    """
    fault = compiled.exposure.fault(pixels)
    if fault is not None:
        return NotRegistered(fault)
    if golden_expired(golden, frame):
        return NotRegistered("golden_expired")
    pyramid = Pyramid.of(pixels, compiled.table) if seen is None else seen
    found = compiled.registrar.find(pyramid)
    if compiled.exposure.blurred(pyramid) and not _other_part(found):
        return NotRegistered("frame_blurred")
    return found


def to_grey(pixels: U8) -> U8:
    """Return the luma, (h, w) uint8, of (h, w, 3) RGB codes."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def eight_bit_rgb(frame: Frame, view: View) -> U8:
    """Return a frame's codes; raise FrameError where it is no RGB of 8 bits or of an impossible size."""
    pixels = frame.pixels
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise FrameError(f"view {view.id!r}: expected (h, w, 3) uint8 RGB, got {pixels.shape} {pixels.dtype}")
    h, w = pixels.shape[:2]
    low, high = _SIZE_RANGE
    if not (
        low * view.width_px <= w <= high * view.width_px
        and low * view.height_px <= h <= high * view.height_px
    ):
        raise FrameError(
            f"view {view.id!r}: a frame of {w} x {h} px cannot show the golden view of "
            f"{view.width_px} x {view.height_px} px; use the camera and lens that the view was taken with"
        )
    return np.asarray(pixels, np.uint8)


def _other_part(found: Registered | NotRegistered) -> bool:
    return isinstance(found, NotRegistered) and found.reason in ("unit_upside_down", "unit_misplaced")


def golden_expired(golden: GoldenSample, frame: Frame) -> bool:
    """Return whether the golden sample had expired when the frame was taken; unknown is no."""
    if golden.expires is None or frame.captured_at is None:
        return False
    return datetime.fromisoformat(frame.captured_at) > golden.expires
