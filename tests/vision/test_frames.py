"""Files become frames, or are refused in a sentence that names the file."""

from __future__ import annotations

import functools
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import Frame, FrameError, sha256
from kernels.compiled import U8
from tests.builders import png as plain_png
from tests.vision import board
from vision import read_frame


@functools.cache
def picture() -> U8:
    """Return 96 x 80 px of structure that compresses to a few kilobytes."""
    return np.ascontiguousarray(board.golden_rgb()[40:120, 60:156])


@functools.cache
def png() -> bytes:
    return board.png(picture())


@functools.cache
def jpeg(progressive: bool = False) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    return cv2.imencode(".jpg", np.ascontiguousarray(picture()[..., ::-1]), options)[1].tobytes()


def read(data: bytes) -> Frame:
    return read_frame(data, view="top", camera="c", captured_at=board.CAPTURED, source="unit-7.img")


def refused(data: bytes) -> str:
    with pytest.raises(FrameError, match=r"unit-7\.img: ") as caught:
        read(data)
    return str(caught.value)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(extra: bytes) -> bytes:
    """Return the PNG with a chunk after its header."""
    return png()[:33] + extra + png()[33:]


def test_a_png_becomes_its_pixels_in_rgb_order() -> None:
    frame = read(png())
    np.testing.assert_array_equal(frame.pixels, picture())
    assert frame.data == png()
    assert frame.digest == sha256(png())
    assert (frame.view, frame.camera, frame.captured_at) == ("top", "c", board.CAPTURED)


def test_colours_keep_their_place() -> None:
    pixels = read(plain_png(64, 64, (250, 20, 60))).pixels
    assert (pixels == (250, 20, 60)).all()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_becomes_nearly_its_pixels(progressive: bool) -> None:
    pixels = read(jpeg(progressive)).pixels
    assert pixels.shape == picture().shape
    assert np.abs(pixels.astype(int) - picture()).mean() < 2


def test_grey_becomes_three_equal_channels() -> None:
    grey = picture()[..., 1]
    pixels = read(board.png(grey)).pixels
    np.testing.assert_array_equal(pixels, np.repeat(grey[..., None], 3, axis=2))
    jpeg_grey = cv2.imencode(".jpg", grey)[1].tobytes()
    assert read(jpeg_grey).pixels.shape == (*grey.shape, 3)


def test_sixteen_bits_are_cut_to_eight() -> None:
    deep = picture().astype(np.uint16) * 256 + 128
    pixels = read(board.png(deep)).pixels  # type: ignore[arg-type]
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, picture())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_tag_turns_nothing(orientation: int) -> None:
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    tagged = jpeg()[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg()[2:]
    np.testing.assert_array_equal(read(tagged).pixels, read(jpeg()).pixels)
    tagged = with_chunk(chunk(b"eXIf", tiff))
    np.testing.assert_array_equal(read(tagged).pixels, picture())


def test_an_empty_file_is_refused() -> None:
    assert "empty" in refused(b"")


@pytest.mark.parametrize("share", np.linspace(0.01, 0.999, 40))
def test_a_png_cut_short_anywhere_is_refused(share: float) -> None:
    refused(png()[: int(share * len(png()))])


def test_a_png_without_its_last_bytes_is_refused() -> None:
    for missing in range(1, 13):
        refused(png()[:-missing])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", np.linspace(0.01, 0.999, 40))
def test_a_jpeg_cut_short_anywhere_is_refused(share: float, progressive: bool) -> None:
    data = jpeg(progressive)
    refused(data[: int(share * len(data))])


@pytest.mark.parametrize("size", [(1, 1), (63, 200), (200, 63)])
def test_a_picture_too_small_for_a_unit_is_refused(size: tuple[int, int]) -> None:
    assert "too small" in refused(plain_png(*size))


@pytest.mark.parametrize("size", [(0, 100), (100, 0)])
def test_a_picture_without_pixels_is_refused(size: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    refused(png()[:8] + chunk(b"IHDR", header) + png()[33:])


@pytest.mark.parametrize("size", [(100_000, 100_000), (2**31 - 1, 2**31 - 1), (10_001, 10_000)])
def test_a_huge_declared_size_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000, 9)
    message = refused(png()[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    assert "megapixels" in message or "px" in message


def test_a_declared_size_that_the_data_does_not_fill_is_refused() -> None:
    header = struct.pack(">IIBBBBB", 96, 160, 8, 2, 0, 0, 0)
    refused(png()[:8] + chunk(b"IHDR", header) + png()[33:])


def test_an_animated_png_is_refused() -> None:
    assert "animated" in refused(with_chunk(chunk(b"acTL", struct.pack(">II", 2, 0))))


def test_a_cmyk_jpeg_is_refused() -> None:
    # a frame header of four components is what makes a JPEG CMYK (ITU-T T.81, B.2.2)
    sof = b"\xff\xc0" + struct.pack(">HBHHB", 20, 8, 80, 96, 4)
    sof += b"".join(bytes((i, 0x11, 0)) for i in range(1, 5))
    body = b"\xff\xd8" + sof + jpeg()[jpeg().index(b"\xff\xda") :]
    assert "CMYK" in refused(body)


@pytest.mark.parametrize("kind", [".tiff", ".webp", ".bmp", ".gif"])
def test_other_formats_are_refused(kind: str) -> None:
    if kind == ".gif":
        data = b"GIF89a" + struct.pack("<HHBBB", 96, 80, 0x80, 0, 0) + b"\0" * 6 + b"\x3b"
    else:
        data = cv2.imencode(kind, picture())[1].tobytes()
    assert "PNG or JPEG" in refused(data)


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"{}", b"\0" * 500]
)
def test_what_only_begins_as_a_picture_is_refused(data: bytes) -> None:
    refused(data)


def test_a_flipped_bit_in_the_pixel_data_of_a_png_is_refused() -> None:
    at = png().index(b"IDAT") + 40
    for bit in range(8):
        altered = bytearray(png())
        altered[at] ^= 1 << bit
        refused(bytes(altered))


def test_pixel_data_that_does_not_inflate_is_refused() -> None:
    start = png().index(b"IDAT")
    for body in (b"", b"\x78\x9c", b"nonsense" * 30, zlib.compress(b"\7" * 100)):
        refused(png()[: start - 4] + chunk(b"IDAT", body) + chunk(b"IEND", b""))


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(data: bytes) -> None:
    refused(data)


@settings(max_examples=150)
@given(st.data())
def test_a_mutated_file_is_read_or_refused_but_nothing_else(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from([png(), jpeg(), jpeg(True)]))
    altered = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(altered) - 1) | st.integers(0, 700))
        altered[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del altered[data.draw(st.integers(0, len(altered))) :]
    try:
        frame = read(bytes(altered))
    except FrameError as error:
        sentence = str(error)
    else:
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape[2] == 3
        assert frame.data == bytes(altered)
        return
    assert sentence.startswith("unit-7.img: ")


@settings(max_examples=80)
@given(
    st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(0, 255),
    st.integers(0, 1), st.binary(max_size=200),
)  # fmt: skip
def test_any_png_header_with_a_valid_checksum_is_read_or_refused(
    width: int, height: int, depth: int, colour: int, interlace: int, body: bytes
) -> None:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    data = png()[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
    refused(data)
