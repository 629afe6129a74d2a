"""Writes the twin's spectra out of colour-science's data: `python -m benchmarks.spectra > spectra.csv`.

The product never imports colour-science; `datasets/twin/colour/spectra.csv` is this module's output, and a
test holds the two equal. Everything lies on 380 to 780 nm every 5 nm. What is published every 10 nm is
interpolated by Akima's method, which does not overshoot at an edge; a reflectance that ends before 780 nm
keeps its last value, a camera's sensitivity falls to 0 within 10 nm of its last published value.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import Akima1DInterpolator

F64 = npt.NDArray[np.float64]
WAVELENGTHS: Final = np.arange(380.0, 780.1, 5.0)
OBSERVERS: Final = {"2": "CIE 1931 2 Degree Standard Observer", "10": "CIE 1964 10 Degree Standard Observer"}
ILLUMINANTS: Final = (
    *("A", "D50", "D55", "D65", "D75", "FL2", "FL7", "FL11", "FL12"),
    *("LED-B1", "LED-B2", "LED-B3", "LED-B4", "LED-B5", "LED-BH1", "LED-RGB1", "LED-V1", "LED-V2"),
)
CAMERAS: Final = {"nikon-5100": "Nikon 5100 (NPL)", "sigma-sd-merrill": "Sigma SDMerill (NPL)"}
HEADER: Final = """\
Spectra of the colour twin, 380 to 780 nm every 5 nm, written by benchmarks/spectra.py from the data of
colour-science 0.4.7, Copyright 2013 Colour Developers, BSD-3-Clause: the licence lies beside this file.
observer: CIE 15 colour-matching functions x, y, z. illuminant: CIE 15, relative spectral power.
camera: relative sensitivities measured by NPL, Darrodi et al., 2015, doi:10.1364/JOSAA.32.000381.
reflectance classic: ColorChecker Classic, Ohta 1997, as in ISO 17321-1.
reflectance classic-average: mean of 30 ColorChecker Classic charts, BabelColor ColorChecker data:
Copyright (C) 2004-2012 Danny Pascale (www.babelcolor.com); used by permission. To 730 nm.
reflectance memory-colours: preferred memory colour chart, Luo 2024, doi:10.1002/col.22940. To 700 nm.
reflectance tcs: CIE 13.3 test colour samples. reflectance cqs: NIST colour quality scale 9.0.
reflectance ces: CIE 224:2017 colour evaluation samples."""


def main() -> None:
    """Write the file to standard output."""
    sys.stdout.write(text())


def text() -> str:
    """Return the whole file."""
    out = io.StringIO()
    out.writelines(f"# {line}\n" for line in HEADER.splitlines())
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["kind", "set", "name", *(f"{w:.0f}" for w in WAVELENGTHS)])
    for kind, group, name, values, form in _rows():
        writer.writerow([kind, group, name, *(format(v, form) for v in values.tolist())])
    return out.getvalue()


def _rows() -> Iterator[tuple[str, str, str, F64, str]]:
    """Rows of kind, set, name, values and the format of a value."""
    import colour
    from colour import SpectralShape
    from colour.quality.cfi2017 import load_TCS_CIE2017
    from colour.quality.datasets import SDS_TCS, SDS_VS

    for observer, title in OBSERVERS.items():
        values = _on_grid(colour.MSDS_CMFS[title])
        yield from (("observer", observer, n, v, ".7g") for n, v in zip("xyz", values, strict=True))
    for name in ILLUMINANTS:
        yield "illuminant", name, name, _on_grid(colour.SDS_ILLUMINANTS[name])[0], ".7g"
    for name, title in CAMERAS.items():
        values = _on_grid(colour.MSDS_CAMERA_SENSITIVITIES[title], falls=True)
        colours = ("red", "green", "blue")
        yield from (("camera", name, c, v, ".5g") for c, v in zip(colours, values, strict=True))
    charts = {"classic": "ISO 17321-1", "classic-average": "babel_average", "memory-colours": "PMC"}
    sets: dict[str, Any] = {name: colour.SDS_COLOURCHECKERS[title] for name, title in charts.items()}
    sets |= {"tcs": SDS_TCS["CIE 1995"], "cqs": SDS_VS["NIST CQS 9.0"]}
    for group, spectra in sets.items():
        for name, spectrum in spectra.items():
            yield "reflectance", group, name, _on_grid(spectrum)[0], ".4g"
    samples = load_TCS_CIE2017(SpectralShape(380, 780, 5))
    for number, values in enumerate(samples.values.T, 1):
        yield "reflectance", "ces", f"CES{number:02d}", values, ".4g"


def _on_grid(spectrum: Any, *, falls: bool = False) -> F64:
    """(n, 81) values of one spectrum or several: beyond their ends constant, or falling to 0."""
    at = np.asarray(spectrum.wavelengths, np.float64)
    values = np.asarray(spectrum.values, np.float64).reshape(len(at), -1)
    if falls:
        ends = np.zeros((1, values.shape[1]))
        at, values = np.r_[at[0] - 10, at, at[-1] + 10], np.vstack([ends, values, ends])
    inside = np.clip(WAVELENGTHS, at[0], at[-1])
    grid = Akima1DInterpolator(at, values)(inside)
    return np.maximum(np.asarray(grid, np.float64).T, 0.0)


if __name__ == "__main__":
    main()
