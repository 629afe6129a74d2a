"""The colour twin: spectra under lamps, seen by cameras, whose true L*a*b* is exact by the CIE definition.

Reflectances, sensitivities and spectral powers lie on `WAVELENGTHS` (380 to 780 nm every 5 nm); XYZ has Y = 1
for the perfect diffuser; camera light is 0..1 of full scale. Shares no code with what it tests.
"""

from __future__ import annotations

from datasets.twin.colour.cameras import camera, cameras, drawn_camera
from datasets.twin.colour.chart import ChartPicture, ChartScene
from datasets.twin.colour.light import Ageing, Light
from datasets.twin.colour.materials import material, metamer, near
from datasets.twin.colour.spectra import WAVELENGTHS, illuminant, observer, reflectance_names, reflectances
from datasets.twin.colour.station import ColourStation, Reading, RegionPicture, Texture
from datasets.twin.colour.surface import DrawnSurface, Surface
from datasets.twin.colour.truth import true_ciede2000, true_lab, true_xyz

__all__ = [
    "WAVELENGTHS",
    "Ageing",
    "ChartPicture",
    "ChartScene",
    "ColourStation",
    "DrawnSurface",
    "Light",
    "Reading",
    "RegionPicture",
    "Surface",
    "Texture",
    "camera",
    "cameras",
    "drawn_camera",
    "illuminant",
    "material",
    "metamer",
    "near",
    "observer",
    "reflectance_names",
    "reflectances",
    "true_ciede2000",
    "true_lab",
    "true_xyz",
]
