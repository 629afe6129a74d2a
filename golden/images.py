"""What an image file says about itself, read from its headers; nothing is decompressed.

Reference images are PNG (W3C PNG, third edition) or baseline and progressive JPEG (ITU-T T.81). Whatever a
decoder could read in two ways is refused: animations, CMYK, files that are cut short.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from golden.errors import ImageError
from golden.spec import GoldenSpec

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_BASELINE_EXTENDED_PROGRESSIVE = (0xC0, 0xC1, 0xC2)
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a length


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format and size of an image file, in pixels."""

    format: Literal["png", "jpeg"]
    width: int
    height: int


def header(data: bytes, source: str) -> ImageHeader:
    """Read the header of a PNG or JPEG file.

    Raises:
        ImageError: another format, cut short, animated, or with four colour components (CMYK).
    """
    try:
        if data.startswith(_PNG):
            return _png(data, source)
        if data.startswith(_JPEG):
            return _jpeg(data, source)
    except struct.error as error:
        raise _cut_short(source) from error
    raise ImageError(f"{source}: not a PNG or JPEG file; export the picture as PNG")


def check(spec: GoldenSpec, images: Mapping[str, bytes]) -> None:
    """Check that every image that the specification names is there, readable and of the declared size.

    Args:
        spec: the specification.
        images: encoded files by the path that the specification uses (`View.image`, `LimitSample.image`).

    Raises:
        ImageError: an image is missing, not named by the specification, unreadable or of another size.
    """
    named = named_images(spec)
    for path in named - set(images):
        raise ImageError(f"{path} is named in the specification but missing: add the file")
    for path in set(images) - named:
        raise ImageError(f"{path} is not named in the specification: remove the file, or name it")
    for path in sorted(named):
        found = header(images[path], path)
        for view in spec.views:
            if view.image == path and (found.width, found.height) != (view.width_px, view.height_px):
                raise ImageError(
                    f"{path} is {found.width} x {found.height} px, but view {view.id!r} declares "
                    f"{view.width_px} x {view.height_px} px: correct width_px and height_px, or the file"
                )


def named_images(spec: GoldenSpec) -> set[str]:
    """Return the paths of all images that the specification names."""
    limit_samples = {sample.image for sample in spec.limit_samples if sample.image is not None}
    return {view.image for view in spec.views} | limit_samples


def _png(data: bytes, source: str) -> ImageHeader:
    size: tuple[int, int] | None = None
    at = len(_PNG)
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != crc:
            raise ImageError(f"{source}: the PNG file is damaged; export it again")
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise ImageError(f"{source}: the PNG file does not begin with its header; export it again")
            size = struct.unpack_from(">II", body)
        if kind == b"acTL":
            raise ImageError(f"{source}: an animated PNG; export a single picture")
        if kind == b"IEND":
            return ImageHeader("png", *_sane(size, source))
        at += 12 + length


def _jpeg(data: bytes, source: str) -> ImageHeader:
    at = 2
    while True:
        fill, marker = struct.unpack_from(">BB", data, at)
        if fill != 0xFF:
            raise ImageError(f"{source}: the JPEG file is damaged; export it again, best as PNG")
        if marker == 0xFF:  # fill byte, clause B.1.1.2
            at += 1
            continue
        if marker in _ALONE:
            at += 2
            continue
        if marker in (0xD9, 0xDA):
            raise ImageError(f"{source}: the JPEG file has no frame header; export it again, best as PNG")
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _OTHER_FRAMES:
            raise ImageError(f"{source}: a lossless or arithmetic JPEG; export it as PNG")
        if marker in _BASELINE_EXTENDED_PROGRESSIVE:
            _, height, width, components = struct.unpack_from(">BHHB", data, at + 4)
            if components not in (1, 3):
                raise ImageError(
                    f"{source}: a JPEG with {components} colour components (CMYK); export it as RGB or grey"
                )
            if data.rfind(b"\xff\xd9") < at:
                raise _cut_short(source)
            return ImageHeader("jpeg", *_sane((width, height), source))
        at += 2 + max(length, 2)


def _sane(size: tuple[int, int], source: str) -> tuple[int, int]:
    if min(size) < 1:
        raise ImageError(f"{source}: the image has no pixels; export it again")
    return size


def _cut_short(source: str) -> ImageError:
    return ImageError(f"{source}: the file is cut short; export or copy it again")
