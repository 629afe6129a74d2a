"""Why a place on artwork is, or is not, a defect: what the detector was shown there, made again."""

from __future__ import annotations

import numpy as np

from evidence import Frame, Inspection
from golden.sample import GoldenSample
from kernels.compiled import F32, U8
from vision.artwork_view import AlignedArtwork, ArtworkView, Compared
from vision.compiled_view import eight_bit_rgb
from vision.explain import Explanation, Shown, explanations
from vision.findings import defects_of
from vision.register import NotRegistered


def explain_artwork(
    golden: GoldenSample, compiled: ArtworkView, frame: Frame, record: Inspection, most: int
) -> tuple[Explanation, ...]:
    """Return what `Inspector.explain` returns of a view of artwork, of a record that is its own."""
    aligned = compiled.align(frame, eight_bit_rgb(frame, compiled.view))
    if isinstance(aligned, NotRegistered):
        return ()
    compared = compiled.compare(aligned)
    catalogue = golden.spec.catalogue
    defects = defects_of(compiled.view, compared.named.findings, catalogue, lambda _: None)
    shown = Shown(
        golden=_as_seen(compiled, aligned.alignment.picture),
        unit=_as_seen(compiled, aligned.unit),
        heat=_heat(aligned, compared),
        heat_px=1,
        shows="excess" if compared.defect is None else "probability",
        mm_per_px=compiled.view.mm_per_px,
        in_frame=True,
    )
    return explanations(shown, compared.named, defects, catalogue, frame, record, most)


def _as_seen(compiled: ArtworkView, dark: U8) -> U8:
    """Return (h, w, 3) codes in the shade that the camera shows."""
    return np.repeat(compiled.restored(dark)[..., None], 3, axis=2)


def _heat(aligned: AlignedArtwork, compared: Compared) -> F32:
    """Return how probable a defect is about each candidate, else by how many codes it differs."""
    unit = aligned.unit
    heat = np.full(unit.shape, np.nan, np.float32)
    for k, (x1, y1, x2, y2) in enumerate(compared.candidates.boxes.tolist()):
        at = np.s_[y1:y2, x1:x2]
        if compared.defect is None:
            heat[at] = np.abs(unit[at].astype(np.int16) - aligned.alignment.picture[at])
        else:
            heat[at] = np.fmax(heat[at], compared.defect[k])
    return heat
