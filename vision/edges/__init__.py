"""Edges in raw frames, to a hundredth of a pixel and with what is not known about them.

`RawLight` is the frame as linear light; `fit_line`, `fit_circle` (arcs too) and `fit_ellipse` return an
`Associated` form in mm, or `NotMeasured` with its reason.
"""

from vision.edges.association import Associated, Form, NotMeasured
from vision.edges.ellipse import fit_ellipse
from vision.edges.fit import fit_circle, fit_line
from vision.edges.raw import RawLight, table_for

__all__ = [
    "Associated",
    "Form",
    "NotMeasured",
    "RawLight",
    "fit_circle",
    "fit_ellipse",
    "fit_line",
    "table_for",
]
