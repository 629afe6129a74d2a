"""The colour difference of every pixel of a frame, from its codes, in one pass.

Noise makes the difference of single pixels too large on average; means of 2 x 2 pixels, which are taken in
light, halve it. A map shows where; what decides is in `characteristics`.
"""

from __future__ import annotations

import numpy as np

from calibration import CalibrationError, CameraCalibration
from kernels.compiled import F32, F64, Codes
from kernels.delta_e import delta_e_map, lab_map

_BYTE = 256  # codes


class DifferenceMap:
    """CIEDE2000 of every place of a frame to one colour or to another frame's same place.

    Everything that no frame changes is computed here; `of` allocates nothing but its result, and not that
    where it is given one.

    Args:
        certificate: of the camera, with `colour`.
        width: of the frames, px.
        height: of the frames, px.
        step: places are means of step x step pixels; an odd rest at the right and lower end is left out.

    Raises:
        CalibrationError: the certificate has no colour; its flat field is of another size or has one plane.
    """

    def __init__(self, certificate: CameraCalibration, width: int, height: int, *, step: int = 2) -> None:
        """Compile tables, factors of light and the matrix."""
        colour = certificate.colour
        if colour is None:
            raise CalibrationError(
                f"camera {certificate.camera!r}: the certificate has no colour; make it by hallmark "
                "calibrate colour"
            )
        self._matrix = np.ascontiguousarray(colour.model.matrix / colour.white_xyz[:, None], np.float32)
        table = certificate.table()
        self._depth = np.dtype(np.uint8 if len(table) == _BYTE else np.uint16)
        every = np.pad(table, (0, np.iinfo(self._depth).max + 1 - len(table)), mode="edge")
        self._tables = np.repeat(every[None], 3, axis=0)
        self._flat = np.ones((3, height, width), np.float32)
        if certificate.flat_field is not None:
            gain = certificate.flat_field.gain_map()
            if gain.shape != (height, width, 3):
                raise CalibrationError(
                    f"camera {certificate.camera!r}: a flat field of {gain.shape} does not fit frames of "
                    f"{(height, width, 3)}"
                )
            self._flat[:] = np.moveaxis(gain, 2, 0)
        self._step, self._shape = step, (height, width, 3)
        self._reference = np.zeros((3, height // step, width // step), np.float32)

    def to_colour(self, lab: F64) -> None:
        """Compare with one colour, L*a*b* (3,) under the certificate's report illuminant, from now on."""
        self._reference[:] = np.asarray(lab, np.float32)[:, None, None]

    def to_frame(self, pixels: Codes) -> None:
        """Compare with a frame's own places, such as the golden sample's, from now on."""
        self._fits(pixels)
        lab_map(pixels, self._tables, self._flat, self._matrix, self._step, self._reference)

    def of(self, pixels: Codes, out: F32 | None = None) -> F32:
        """Return the differences of a frame's places, (height // step, width // step) float32.

        Args:
            pixels: (height, width, 3) uint8 or uint16 codes.
            out: where to put them.

        Raises:
            CalibrationError: the frame has another size or depth than the certificate's.
        """
        self._fits(pixels)
        found = np.empty(self._reference.shape[1:], np.float32) if out is None else out
        delta_e_map(pixels, self._tables, self._flat, self._matrix, self._reference, self._step, found)
        return found

    def _fits(self, pixels: Codes) -> None:
        if pixels.shape != self._shape or pixels.dtype != self._depth:
            raise CalibrationError(
                f"a frame of {pixels.shape} {pixels.dtype} does not fit a map of {self._shape} {self._depth}"
            )
