"""Headers of image files. Truth: files made by another library, and by hand."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import images
from golden.errors import ImageError
from tests import builders


def encoded(
    suffix: str, width: int, height: int, parameters: tuple[int, ...] = (), channels: int = 3
) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (height, width, channels), np.uint8)
    done, data = cv2.imencode(suffix, pixels, parameters)
    assert done
    return data.tobytes()


PNG = encoded(".png", 37, 23)
JPEG = encoded(".jpg", 37, 23)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "png"),
        (encoded(".png", 37, 23, channels=1), "png"),
        (JPEG, "jpeg"),
        (encoded(".jpg", 37, 23, channels=1), "jpeg"),
        (encoded(".jpg", 37, 23, (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)), "jpeg"),
        (encoded(".jpg", 37, 23, (cv2.IMWRITE_JPEG_RST_INTERVAL, 1)), "jpeg"),
        (JPEG[:2] + b"\xff\xff\xe1\x00\x06\xff\xd8\xff\xd9" + JPEG[2:], "jpeg"),
    ],
    ids=[
        "rgb png",
        "grey png",
        "rgb jpeg",
        "grey jpeg",
        "progressive",
        "restart markers",
        "thumbnail and fill",
    ],
)
def test_the_size_is_the_one_that_the_other_library_wrote(data: bytes, kind: str) -> None:
    assert images.header(data, "x") == images.ImageHeader(kind, 37, 23)  # type: ignore[arg-type]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def components(data: bytes, count: int) -> bytes:
    at = data.index(b"\xff\xc0") + 9
    return data[:at] + bytes([count]) + data[at + 1 :]


def frame_type(data: bytes, marker: int) -> bytes:
    return data.replace(b"\xff\xc0", bytes([0xFF, marker]), 1)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not a PNG or JPEG"),
        (b"GIF89a" + bytes(50), "not a PNG or JPEG"),
        (encoded(".tiff", 5, 5), "not a PNG or JPEG"),
        (PNG[:33] + chunk(b"acTL", bytes(8)) + PNG[33:], "animated"),
        (PNG[:20], "cut short"),
        (PNG[:-1], "cut short"),
        (PNG[:16] + b"\0\0\0\1" + PNG[20:], "damaged"),
        (PNG[:8] + chunk(b"IEND", b""), "does not begin with its header"),
        (PNG[:8] + chunk(b"IHDR", bytes(13)) + chunk(b"IEND", b""), "no pixels"),
        (components(JPEG, 4), "CMYK"),
        (components(JPEG, 2), "2 colour components"),
        (frame_type(JPEG, 0xC3), "lossless"),
        (frame_type(JPEG, 0xC9), "arithmetic"),
        (JPEG[:100], "cut short"),
        (JPEG[:-2], "cut short"),
        (JPEG[:-30], "cut short"),
        (JPEG[:2] + b"\xff\xd9", "no frame header"),
        (JPEG[:2] + b"\xff\xe0\0\2garbage", "damaged"),
    ],
)
def test_what_is_no_plain_picture_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(ImageError, match=f"images/x.png: .*{problem}"):
        images.header(data, "images/x.png")


@pytest.mark.parametrize("original", [PNG, JPEG])
@given(data=st.data())
def test_mutations_never_raise_anything_else(original: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, min(len(original), 700)))
    stop = data.draw(st.integers(start, min(len(original), start + 20)))
    altered = original[:start] + data.draw(st.binary(max_size=20)) + original[stop:]
    try:
        found = images.header(altered, "x")
    except ImageError:
        return
    assert found.width > 0
    assert found.height > 0


def test_images_must_be_exactly_those_that_the_specification_names() -> None:
    spec, given_images = builders.tiny_spec(), builders.tiny_images()
    images.check(spec, given_images)
    with pytest.raises(ImageError, match=r"images/top\.png is named .* but missing"):
        images.check(spec, {})
    with pytest.raises(ImageError, match=r"images/b\.png is not named"):
        images.check(spec, {**given_images, "images/b.png": PNG})
    with pytest.raises(ImageError, match="37 x 23 px, but view 'top' declares 24 x 16 px"):
        images.check(spec, {"images/top.png": PNG})
