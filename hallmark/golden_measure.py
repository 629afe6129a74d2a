"""Does a specification describe its own reference images? Inspect them as if they were a unit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from calibration import CameraCalibration
from golden.errors import SpecInvalidError
from golden.sample import GoldenSample
from golden.spec import Colour, Dimension, GoldenSpec
from vision import Inspector, read_frame

_DAY = timedelta(days=1)


def refuse_unmeasurable(spec: GoldenSpec, images: Mapping[str, bytes], source: str) -> None:
    """Raise SpecInvalidError naming each characteristic that the reference images themselves do not meet.

    Scale and uncertainty are taken as exact, so that only the specification and its pictures are judged.

    Raises:
        SpecInvalidError: as above.
        evidence.FrameError: a reference image does not decode, or shows too little to find units by.
    """
    now = datetime.now(UTC)
    sample = GoldenSample(
        spec=spec, digest="sha256:" + "0" * 64, version=1, issued=now, expires=None, predecessor=None,
        images=images, signatures=(),
    )  # fmt: skip
    exact = {
        view.id: CameraCalibration.nominal(
            camera="reference", mm_per_px=view.mm_per_px, relative_uncertainty=0.0,
            issued=now - _DAY, valid_until=now + _DAY, transfer=view.transfer,
        )
        for view in spec.views
    }  # fmt: skip
    frames = {
        view.id: read_frame(images[view.image], view=view.id, camera="reference", source=view.image)
        for view in spec.views
    }
    record = Inspector(sample, exact).inspect(frames, serial=None)
    results = {r.id: r for r in record.characteristics if r.source == "vision"}
    problems = [f"the reference images: {reason}" for reason in record.reasons if not results]
    for c in spec.characteristics:
        result = results.get(c.id)
        if result is None or result.decision == "conform":
            continue
        if isinstance(c, Colour) and c.needs_calibration:
            continue  # pictures alone do not tell it
        if result.value is None:
            problems.append(f"characteristic {c.id}: {result.reason} in the reference image")
        elif isinstance(c, Dimension):
            problems.append(
                f"characteristic {c.id}: the reference image measures {result.value:.4f} mm, "
                f"U {2 * (result.standard_uncertainty or 0):.4f} mm: {result.decision} with its limits"
            )
        else:
            problems.append(f"characteristic {c.id}: the reference image itself is {result.decision}")
    if problems:
        raise SpecInvalidError(source, problems)
