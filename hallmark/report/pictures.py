"""Pictures of units and golden views: decoded, cut out, encoded; or a sentence why there is none."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from evidence import FrameError, FrameRecord, Inspection, Pose
from golden.sample import GoldenSample
from golden.spec import View
from hallmark.swatch import encoded
from vision import read_frame

LONGEST_PX = 1400  # of an embedded picture: 300 dpi on paper; what is drawn over it keeps full coordinates
JPEG_QUALITY = 85
CUTOUT_PX = 360

Pixels = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]  # x, y, width, height


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of one view: (h, w, 3) RGB or (h, w) grey uint8.

    `pose` takes points of the golden view to this picture; None for the golden picture itself, and for a
    frame in which the unit was not found.
    """

    view: str
    pixels: Pixels
    caption: str
    pose: Pose | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """A view of which nothing can be shown, and why, in a sentence."""

    view: str
    why: str


def golden_picture(sample: GoldenSample, view: View) -> Picture | Absent:
    """Return the golden picture of a view."""
    try:
        frame = read_frame(sample.images[view.image], view=view.id, camera="golden sample")
    except (KeyError, FrameError):
        return Absent(view.id, f"The golden picture of view {view.id} cannot be shown: it does not decode.")
    return as_seen(Picture(view.id, _eight_bit(frame.pixels), f"Golden picture, view {view.id}"), view)


def as_seen(picture: Picture, view: View) -> Picture:
    """Return a picture of a view as a screen shows it: codes that are linear to light are encoded (sRGB)."""
    if view.transfer == "srgb":
        return picture
    table = encoded(np.arange(256) / 255)
    return replace(picture, pixels=table[picture.pixels])


def unit_picture(inspection: Inspection, record: FrameRecord, data: bytes | None) -> Picture | Absent:
    """Return a frame of an inspection as a picture, if `data` is the very file that was inspected."""
    unit = inspection.serial or inspection.id
    if data is None:
        why = "is not at hand; what was found in it is listed without picture"
        return Absent(record.view, f"The frame of view {record.view} of unit {unit} {why}.")
    try:
        frame = read_frame(data, view=record.view, camera=record.camera)
    except FrameError as error:
        return Absent(
            record.view, f"The frame of view {record.view} of unit {unit} cannot be shown: {error}."
        )
    if frame.digest != record.digest:
        return Absent(
            record.view,
            f"The picture given for view {record.view} of unit {unit} is not the frame that was inspected "
            f"(its digest is {frame.digest}, the record's {record.digest}); it is not shown.",
        )
    return framed(inspection, record, frame.pixels)


def framed(
    inspection: Inspection, record: FrameRecord, pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
) -> Picture:
    """Return decoded pixels of an inspection's own frame as a picture."""
    caption = f"Unit {inspection.serial or inspection.id}, view {record.view}, camera {record.camera}"
    return Picture(record.view, _eight_bit(pixels), caption, record.pose)


def _eight_bit(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> Pixels:
    return (
        (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels.astype(np.uint8, copy=False)
    )


def data_uri(pixels: Pixels, longest: int = LONGEST_PX) -> str:
    """Return the picture as a JPEG data URI, made smaller where it is longer than `longest` pixels."""
    height, width = pixels.shape[:2]
    bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    factor = longest / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        bgr = cv2.resize(np.ascontiguousarray(bgr), size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(bgr), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def faded(pixels: Pixels) -> Pixels:
    """Return the picture in pale grey, as ground for a map."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels
    return cv2.convertScaleAbs(grey, alpha=0.45, beta=135).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Cutout:
    """A square of a picture around a place: CUTOUT_PX wide, turned and scaled as the golden view is.

    `box` is the place's box in it.
    """

    data_uri: str
    box: Box


def cutouts(
    golden: Picture | None, unit: Picture, mm_per_px: float, box_mm: Box, centre: tuple[float, float]
) -> tuple[Cutout | None, Cutout, float]:
    """Return a place in the golden picture and in the unit's, and their pixels per millimetre.

    `box_mm` is the place in the golden view, `centre` its middle in the unit's picture, pixels.
    """
    x, y, w, h = (v / mm_per_px for v in box_mm)
    side = max(1.7 * max(w, h), 1.5 / mm_per_px, 48.0)
    scale = CUTOUT_PX / side
    inner = ((side - w) / 2 * scale, (side - h) / 2 * scale, w * scale, h * scale)
    of_unit = Cutout(_cut(unit, centre, side), inner)
    if golden is None:
        return None, of_unit, scale / mm_per_px
    return Cutout(_cut(golden, (x + w / 2, y + h / 2), side), inner), of_unit, scale / mm_per_px


def _cut(picture: Picture, centre: tuple[float, float], side: float) -> str:
    """Cut out a square of `side` golden pixels around a point of the picture, upright in the golden view."""
    scale, angle = (1.0, 0.0) if picture.pose is None else (picture.pose.scale, picture.pose.angle_deg)
    step = side / CUTOUT_PX * scale
    c, s = step * math.cos(math.radians(angle)), step * math.sin(math.radians(angle))
    half = (CUTOUT_PX - 1) / 2
    to_picture = np.array([
        [c, -s, centre[0] - c * half + s * half],
        [s, c, centre[1] - s * half - c * half],
    ])  # fmt: skip
    flags = (cv2.INTER_AREA if step > 1 else cv2.INTER_CUBIC) | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(
        np.ascontiguousarray(picture.pixels), to_picture, (CUTOUT_PX, CUTOUT_PX), flags=flags,
        borderMode=cv2.BORDER_CONSTANT, borderValue=(230, 230, 230),
    )  # fmt: skip
    return data_uri(cut.astype(np.uint8), CUTOUT_PX)
