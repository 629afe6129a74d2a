"""Two flatbed scans of two bare printed circuit boards of one design, S4: the product's real sample.

`S4_1.jpg` (1663 x 1888) is a good board. `S4_2.jpg` (1640 x 1846) is a faulty one: on the right a solder
bridge joins two copper islands, on the left lies excess solder with a dark flux-like stain, and a letter R of
extra copper is etched. The mounting holes were drilled by hand (3.0 mm), so pitches differ by up to 0.6 mm
between the boards. Scratches, copper sheen and lighting stripes are on both. The two scans differ in scale by
+0.7 % and -0.2 % on the two axes; the scale below is the scanner's nominal one.

Source: the GitHub project Mirsadeghi/PCB-Fault-Detection, MIT licence, in the file LICENSE beside this one.
"""

from __future__ import annotations

from importlib import resources

MM_PER_PX = 25.4 / 1200
"""Nominal scale of both scans, 1200 dots per inch, in millimetres per pixel."""


def good_scan() -> bytes:
    """Return the JPEG file of the good board, byte for byte as published."""
    return _read("S4_1.jpg")


def faulty_scan() -> bytes:
    """Return the JPEG file of the faulty board, byte for byte as published."""
    return _read("S4_2.jpg")


def _read(name: str) -> bytes:
    return resources.files(__name__).joinpath(name).read_bytes()
