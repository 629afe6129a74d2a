"""A loose picture with its scale and light, as `hallmark measure` is told them."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
import typer

from calibration import CalibrationError, CameraCalibration
from calibration.plane_map import ScaleMap
from evidence import REASONS, Frame, FrameError
from golden.errors import ImageError
from golden.images import header
from kernels.compiled import F32
from vision import LARGEST_FILE
from vision.drawn import Drawn, DrawnCircle, outline
from vision.edges import RawLight, table_for
from vision.edges.find import find_circles
from vision.edges.fit import Shade
from vision.frames import LARGEST_PIXELS
from vision.gauge import Picture, Reading
from vision.measure import uncompared_edge

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Gamma = Literal["linear", "srgb"]

DEFAULT_GAMMA: Gamma = "srgb"  # as a golden view's
_TIFF = (b"II*\x00", b"MM\x00*")
_COARSE = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 17, 18, 24)  # zigzag places of the first 4 x 4
_LEVELS = 256
_SATURATED = 0.02  # share of pixels at the highest code that is worth a word


@dataclass(frozen=True, slots=True, eq=False)
class LoosePicture:
    """A decoded picture.

    Attributes:
        pixels: (h, w) or (h, w, 3) RGB, uint8 or uint16, as the file stores them.
        format: of the file.
        jpeg_step: mean quantisation step of the coarse structure of luma, codes; 0 unless it is a JPEG.
    """

    pixels: Codes
    format: Literal["PNG", "JPEG", "TIFF"]
    jpeg_step: float

    @property
    def bits(self) -> int:
        """Bits of a code in the file."""
        return 8 * self.pixels.dtype.itemsize

    @property
    def described(self) -> str:
        """Size, depth, colour and format in words."""
        height, width = self.pixels.shape[:2]
        return (
            f"{width} x {height} px, {self.bits} bits, {'grey' if self.pixels.ndim == 2 else 'colour'}, "
            f"{self.format}"
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """What was said about scale and light: a certificate, or a stated scale."""

    calibration: Path | None
    mm_per_px: float | None
    relative_uncertainty: float | None
    gamma: Gamma | None
    bits: int | None
    height: float | None
    u_height: float | None

    def check(self) -> None:
        """Raise typer.BadParameter where it contradicts itself or a number is none."""
        if (self.calibration is None) == (self.mm_per_px is None):
            raise typer.BadParameter("give either --calibration or --mm-per-px (1 gives results in pixels)")
        certified = {
            "--relative-uncertainty": self.relative_uncertainty, "--gamma": self.gamma, "--bits": self.bits,
        }  # fmt: skip
        lifted = {"--height": self.height, "--u-height": self.u_height}
        for option, value in (certified if self.mm_per_px is None else lifted).items():
            if value is not None:
                why = "the certificate says it" if self.mm_per_px is None else "it needs --calibration"
                raise typer.BadParameter(f"leave it out: {why}", param_hint=option)
        for option, value, low, high in (
            ("--mm-per-px", self.mm_per_px, 1e-5, 1e3),
            ("--relative-uncertainty", self.relative_uncertainty, 0, 0.5),
            ("--bits", self.bits, 8, 16),
            ("--height", self.height, -1e4, 1e4),
            ("--u-height", self.u_height, 0, 1e4),
        ):
            if value is not None and not low <= value <= high:
                raise typer.BadParameter(f"{value} is not from {low:g} to {high:g}", param_hint=option)


def read_picture(path: Path) -> LoosePicture:
    """Read a PNG, JPEG or TIFF file, 8 or 16 bits, grey or colour; an orientation tag turns nothing.

    Raises:
        FrameError: it is no such file, is damaged, transparent or too large.
    """
    if not path.is_file():
        raise FrameError(f"{path}: {'not a file' if path.exists() else 'no such file'}; give a picture")
    if path.stat().st_size > LARGEST_FILE:
        raise FrameError(f"{path}: larger than {LARGEST_FILE} bytes; crop the picture")
    data = path.read_bytes()
    kind: Literal["PNG", "JPEG", "TIFF"] = "TIFF"
    if not data.startswith(_TIFF):
        try:
            head = header(data, str(path))
        except ImageError as error:
            raise FrameError(f"{error} (PNG, TIFF and JPEG are read)") from error
        if head.width * head.height > LARGEST_PIXELS:
            raise FrameError(f"{path}: more than {LARGEST_PIXELS // 1_000_000} megapixels; crop the picture")
        kind = "PNG" if head.format == "png" else "JPEG"
    return LoosePicture(_decoded(data, path), kind, _coarse_step(data, path) if kind == "JPEG" else 0.0)


def _decoded(data: bytes, path: Path) -> Codes:
    try:
        pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise FrameError(f"{path}: does not decode ({error.err}); capture the picture again") from error
    if pixels is None:
        raise FrameError(f"{path}: does not decode; the file is damaged, capture the picture again")
    if str(pixels.dtype) not in ("uint8", "uint16"):
        raise FrameError(f"{path}: its pixels are {pixels.dtype}; save the picture with 8 or 16 bits")
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        if int(pixels[:, :, 3].min()) < np.iinfo(pixels.dtype).max:
            raise FrameError(f"{path}: the picture is transparent in places; save it without transparency")
        pixels = pixels[:, :, :3]
    if pixels.ndim == 3:
        pixels = pixels[:, :, ::-1]
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        raise FrameError(f"{path}: {pixels.shape[2]} channels are neither grey nor colour; save it as one")
    return np.ascontiguousarray(pixels)


def _coarse_step(data: bytes, path: Path) -> float:
    """Return the mean step of luma's 4 x 4 coarsest coefficients (ITU-T T.81, B.2.4.1; table 0 is luma's)."""
    at = 2
    while at + 4 <= len(data) and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        table, end = at + 4, at + 2 + length
        while data[at + 1] == 0xDB and table + 65 <= end:
            wide = data[table] >> 4
            if data[table] & 15 == 0:
                steps = struct.unpack_from(">64H" if wide else ">64B", data, table + 1)
                return float(np.mean([steps[place] for place in _COARSE]))
            table += 1 + 64 * (1 + wide)
        at = end
    raise FrameError(f"{path}: the JPEG file has no quantisation table; export it again, best as PNG")


def view_of(path: Path, picture: LoosePicture, scale: Scale, now: datetime) -> Picture:
    """Return the picture as it is measured; `now` is when the certificate must be valid.

    Raises:
        CalibrationError: the certificate cannot be used.
        FrameError: the picture does not fit the certificate or its stated bits.
    """
    if scale.calibration is not None:
        return _certified(path, picture, CameraCalibration.open(scale.calibration, now=now), scale)
    assert scale.mm_per_px is not None
    white = 2 ** (scale.bits or picture.bits) - 1
    _check_codes(path, picture, white, "--bits")
    table = table_for(picture.pixels, scale.gamma or DEFAULT_GAMMA, white)
    other = (
        None if scale.gamma else RawLight.of_codes(picture.pixels, table_for(picture.pixels, "linear", white))
    )
    return Picture(
        raw=RawLight.of_codes(picture.pixels, table),
        plane=ScaleMap(scale.mm_per_px, scale.relative_uncertainty or 0.0),
        edge=uncompared_edge(scale.mm_per_px),
        otherwise=other,
        code_steps=_code_steps(table),
        jpeg_step=picture.jpeg_step,
    )


def _certified(path: Path, picture: LoosePicture, certificate: CameraCalibration, scale: Scale) -> Picture:
    if certificate.optics is None and (scale.height is not None or scale.u_height is not None):
        raise CalibrationError(
            f"{scale.calibration}: holds a stated scale, which is that of the edges themselves: "
            "leave out --height"
        )
    pixels, settings = picture.pixels, certificate.settings
    reason = certificate.fits(Frame(pixels=pixels, data=b"", view="picture", camera=certificate.camera))
    if reason is not None:
        told = REASONS[reason]
        raise FrameError(f"{path}: {told.meaning}; {told.remedy}")
    if settings is not None and settings.bayer is not None:
        raise FrameError(f"{path}: raw {settings.pixel_format} mosaics are not measured; give grey or colour")
    table = certificate.table()
    _check_codes(path, picture, len(table) - 1, "the certificate's pixel format")
    noise = certificate.noise if certificate.photon_transfer is not None and not picture.jpeg_step else None
    flat = None if certificate.flat_field is None else certificate.flat_field.factors()
    return Picture(
        raw=RawLight.of_codes(pixels, table, noise=noise, flat=flat),
        plane=certificate.plane(scale.height or 0.0, scale.u_height or 0.0),
        edge=certificate.edge_definition or uncompared_edge(certificate.mm_per_px),
        otherwise=None,
        code_steps=_code_steps(table),
        jpeg_step=picture.jpeg_step,
    )


def _check_codes(path: Path, picture: LoosePicture, white: int, said_by: str) -> None:
    highest = int(picture.pixels.max())
    if highest > white:
        raise FrameError(f"{path}: has code {highest}, above the {white} that {said_by} allows; correct one")


def _code_steps(table: F32) -> npt.NDArray[np.float64]:
    """Return light per code at levels of light."""
    return np.interp(np.linspace(0, 1, _LEVELS), table, np.gradient(table.astype(np.float64)))


def check_inside(drawn: Sequence[Drawn], shape: tuple[int, int]) -> None:
    """Raise typer.BadParameter unless everything is drawn inside the picture of (h, w)."""
    limit = np.array([shape[1] - 1, shape[0] - 1])
    for form in drawn:
        for course in outline(form):
            if (course.points_px < 0).any() or (course.points_px > limit).any():
                raise typer.BadParameter(
                    f"{form.name} lies outside the picture, which is {shape[1]} x {shape[0]} px"
                )


def found(view: Picture, least_px: float, most_px: float, inside: Shade | None) -> list[Drawn]:
    """Return the round parts and holes of a picture as drawn circles f1, f2, ..., row by row."""
    height, width = view.raw.shape
    whole = view.raw.window(0, 0, width - 1, height - 1)
    assert whole is not None
    rough = find_circles(whole[0], least_px=least_px, greatest_px=most_px)
    rough.sort(key=lambda c: (round(c.y / (2 * most_px)), c.x))
    return [
        DrawnCircle(f"f{i}", (float(c.x), float(c.y)), float(c.radius), inside=inside)
        for i, c in enumerate(rough, 1)
    ]


def notes_of(picture: LoosePicture, scale: Scale, view: Picture, readings: Sequence[Reading]) -> list[str]:
    """Return what a reader must know about the numbers."""
    notes: list[str] = []
    if scale.calibration is not None:
        notes.append(f"scale and light: certificate {scale.calibration}")
    else:
        sure = "taken as exact; --relative-uncertainty says how well it is known"
        if scale.relative_uncertainty:
            sure = f"relative standard uncertainty {scale.relative_uncertainty:g}"
        notes.append(f"scale: {scale.mm_per_px:g} mm per px as stated, {sure}")
        if scale.mm_per_px == 1:
            notes.append("scale: 1 mm per px, so mm are pixels")
    if scale.gamma is not None:
        notes.append(f"codes: {scale.gamma} as stated")
    elif scale.calibration is None:
        notes.append(
            f"codes: nobody has said how they relate to light; taken as {DEFAULT_GAMMA}, and what linear "
            "ones would change is line 'transfer'; --gamma takes it out"
        )
    if view.otherwise is not None:
        alone = [r.name for r in readings if any(fit.otherwise is None for fit in r.fits)]
        if alone:
            notes.append(
                f"codes: linear ones would not show the edges of {', '.join(alone)}: line 'transfer' lacks"
            )
    if picture.jpeg_step:
        notes.append(
            f"JPEG: compression moves edges, line 'JPEG' (coarse step {picture.jpeg_step:.1f} codes); "
            "a PNG or TIFF from the camera is better"
        )
    notes += _light_notes(picture, scale, view)
    if any(fit.rough for r in readings for fit in r.fits):
        notes.append(
            "rough rim: several circles could be meant; one was measured, and how far all rings "
            "within --reach differ is line 'ring'; --inside and a smaller --reach say which is meant"
        )
    return notes


def _light_notes(picture: LoosePicture, scale: Scale, view: Picture) -> list[str]:
    notes: list[str] = []
    highest = int(picture.pixels.max())
    if scale.calibration is None and scale.bits is None and picture.bits == 16 and highest < 2**14:
        bits = max(8, math.ceil(math.log2(highest + 1)))
        notes.append(
            f"bits: no code is above {highest}, so the camera may have {bits}: --bits says it, so that "
            "saturated light is known"
        )
    if scale.calibration is not None and view.edge.workpiece == "" and view.edge.degrees_of_freedom is None:
        notes.append("edges: nobody has compared this camera with a gauge; a usual doubt is taken")
    return notes
