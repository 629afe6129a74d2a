"""Codes: DataMatrix, QR and Code 128 symbols read in their region, by zxing-cpp."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import zxingcpp

from golden.characteristics import Symbology
from kernels.compiled import F64, U8

_FORMATS: Final = {
    name: zxingcpp.barcode_formats_from_str(name) for name in ("DataMatrix", "QRCode", "Code128")
}
_SCALES = (1.0, 2.0, 3.0)  # small symbols are read enlarged
_MOST = 4_000_000  # pixels of an enlarged picture
_BINARIZERS = (zxingcpp.Binarizer.LocalAverage, zxingcpp.Binarizer.GlobalHistogram)


def read_codes(frame: U8, outline: F64, symbology: Symbology) -> tuple[str, ...]:
    """Return the contents, each once, of all symbols of a kind within a region of a frame.

    Args:
        frame: (h, w, 3) uint8 RGB codes.
        outline: (n, 2) points about the region in the frame, pixels; nothing outside its box is looked at.
        symbology: the kind of symbol.

    Returns:
        Contents as decoded, function characters as they are (GS is U+001D); empty where nothing was read.
        Symbols whose check digits or error correction fail are not read.
    """
    height, width = frame.shape[:2]
    left, top = (int(v) for v in np.maximum(np.floor(outline.min(axis=0)), 0))
    right, bottom = (int(v) for v in np.minimum(np.ceil(outline.max(axis=0)) + 1, (width, height)))
    if right - left < 8 or bottom - top < 8:
        return ()
    cut = np.ascontiguousarray(frame[top:bottom, left:right])
    grey = np.asarray(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), np.uint8)
    for scale in _SCALES:
        if scale**2 * grey.size > _MOST and scale > 1:
            break
        picture = (
            grey if scale == 1 else cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        )
        for binarizer in _BINARIZERS:
            found = zxingcpp.read_barcodes(
                np.asarray(picture, np.uint8),
                formats=_FORMATS[symbology],
                binarizer=binarizer,
                text_mode=zxingcpp.TextMode.Plain,
            )
            contents = sorted({code.text for code in found if code.valid})
            if contents:
                return tuple(contents)
    return ()
