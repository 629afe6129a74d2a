"""The golden sample that units are drawn of: a sealed one, or the packaged board S4."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import hallmark.demo
from datasets import pcb_s4
from golden.authoring import load_spec
from golden.digests import sha256
from golden.sample import GoldenSample
from kernels.compiled import U8
from vision import read_frame


def packaged_golden() -> GoldenSample:
    """Return board S4 as the demo specifies it, not sealed: good for drawing, not for judging a lot."""
    scan = pcb_s4.good_scan()
    spec = load_spec(Path(hallmark.demo.__file__).with_name("s4.yaml"))
    (view,) = spec.views
    return GoldenSample(
        spec=spec, digest=sha256(scan), version=1, issued=datetime(2026, 1, 1, tzinfo=UTC), expires=None,
        predecessor=None, images={view.image: scan}, signatures=(),
    )  # fmt: skip


def packaged_image() -> tuple[U8, str]:
    """Return the golden image of its only view, (h, w, 3) uint8 RGB, and the view's id."""
    sample = packaged_golden()
    (view,) = sample.spec.views
    frame = read_frame(sample.images[view.image], view=view.id, camera="golden", source=view.image)
    return np.asarray(frame.pixels, np.uint8), view.id
