"""The golden sample under a station's camera: frames of it become the colours that units are held to."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from calibration import CalibrationError, CameraCalibration, FramesError
from calibration.colour.drift import LightReference
from evidence import REASONS, Frame
from golden.sample import GoldenSample
from golden.spec import Colour
from kernels.compiled import F64, U8
from vision.certified import certificate_fault
from vision.colour.characteristics import SHARE
from vision.colour.golden_colours import GoldenColour, GoldenColours, PatternColour, PlacedColour, Tile
from vision.colour.placed import FramePoints, Pattern, Placed, RegionReader
from vision.colour.region import NotRead
from vision.colour.scielab import scielab_difference
from vision.compiled_view import CompiledView, eight_bit_rgb, registered
from vision.register import NotRegistered


def measure_golden(
    golden: GoldenSample,
    view_id: str,
    certificate: CameraCalibration,
    frames: Sequence[Frame],
    *,
    tile: F64 | None = None,
) -> GoldenColours:
    """Measure the colours of one view of the golden sample as a station's units will be measured.

    The physical golden sample is placed anew for each frame, as units are; four or more placements tell how
    far placing alone moves a colour. A single one is taken with an assumed repeatability.

    Args:
        golden: the golden sample.
        view_id: its view.
        certificate: of the view's camera, with `colour`.
        frames: of the golden sample, one for each placement.
        tile: (n, 2) outline, raw frame, of a white or tile that stays in the scene, or None; its light takes
            at least ten frames.

    Raises:
        CalibrationError: there is no such view or no colour in it, or the certificate does not fit it.
        FramesError: a frame does not show the golden sample so that all its colours can be read, was not
            taken as the certificate says, or occurs twice.
        CheckError: too few frames for the tile.
        evidence.FrameError: a frame of another view or size.
    """
    views = {v.id: v for v in golden.spec.views}
    if view_id not in views:
        raise CalibrationError(f"the golden sample has no view {view_id!r}, only {', '.join(views)}")
    wanted = [
        c for c in golden.spec.characteristics
        if isinstance(c, Colour) and c.view == view_id and c.reference is None
    ]  # fmt: skip
    if not wanted:
        raise CalibrationError(f"view {view_id!r} has no colour that is compared with the golden sample")
    digests = [frame.digest for frame in frames]
    if not frames or len(set(digests)) != len(digests):
        raise FramesError("give frames of the golden sample, each once: place it anew for every one")
    compiled = CompiledView(golden, views[view_id], certificate, None, None, None)
    reader = RegionReader(views[view_id], certificate)
    seen = [_found(golden, compiled, certificate, frame) for frame in frames]
    light: LightReference | None = None
    factors: list[F64 | None] = [None] * len(frames)
    if tile is not None:
        tiles = _tile_light(reader, tile, seen)
        light = LightReference.of(tiles)
        factors = [np.array(light.rgb) / rgb for rgb in tiles]
    colours: list[GoldenColour] = []
    for c in wanted:
        placed = [
            _read(reader, c, number, *frame, factor)
            for number, (frame, factor) in enumerate(zip(seen, factors, strict=True), 1)
        ]
        kept = tuple(PlacedColour.of(p) for p in placed)
        patterns = [p.pattern for p in placed if p.pattern is not None]
        colours.append(GoldenColour(id=c.id, placements=kept, pattern=_pattern(c, patterns, reader)))
    times = [frame.captured_at for frame in frames if frame.captured_at is not None]
    outline = () if tile is None else tuple((float(x), float(y)) for x, y in tile)
    return GoldenColours(
        view=view_id, golden=golden.digest, certificate=certificate.digest, camera=certificate.camera,
        frames=tuple(digests), measured_at=max(times) if times else None,
        tile=None if light is None else Tile(polygon_px=outline, light=light), colours=tuple(colours),
    )  # fmt: skip


def _found(
    golden: GoldenSample, compiled: CompiledView, certificate: CameraCalibration, frame: Frame
) -> tuple[U8, FramePoints]:
    pixels = eight_bit_rgb(frame, compiled.view)
    fault = certificate_fault(certificate, None, frame)
    found = registered(golden, compiled, frame, pixels) if fault is None else NotRegistered(fault)
    if isinstance(found, NotRegistered):
        raise _refused(frame, found.reason)
    aligned = compiled.surface.align(pixels, found.mapping)
    if not aligned.comparable or aligned.shown is not None:
        raise _refused(frame, "unit_out_of_frame" if aligned.comparable else "light_changed")
    return pixels, functools.partial(aligned.frame_points, found.mapping)


def _read(
    reader: RegionReader, c: Colour, number: int, pixels: U8, points: FramePoints, factors: F64 | None
) -> Placed:
    placed = reader.placed(pixels, c, points, factors)
    if isinstance(placed, NotRead):
        raise _unread(f"placement {number}, {c.id}", placed)
    return placed


def _pattern(c: Colour, patterns: Sequence[Pattern], reader: RegionReader) -> PatternColour | None:
    """Return the mean pattern and what single placements differ by from the mean of the others."""
    if not patterns:
        return None
    found: list[float] = []
    for i, pattern in enumerate(patterns):
        others = [*patterns[:i], *patterns[i + 1 :]]
        if others:
            mean = Pattern.mean(others)
            seen = scielab_difference(
                mean.xyz, pattern.xyz, reader.calibration.white_xyz, mean.mm_per_sample,
                c.viewing_distance_mm or 0.0, c.formula,
            )  # fmt: skip
            both = mean.used & pattern.used
            if not both.any():
                raise _unread(f"placement {i + 1}, {c.id}", NotRead("region_unusable"))
            found.append(float(np.quantile(seen[both], SHARE)))
    return PatternColour.of(Pattern.mean(patterns), float(np.median(found)) if found else 0.0)


def _tile_light(reader: RegionReader, tile: F64, seen: Sequence[tuple[U8, FramePoints]]) -> F64:
    light: list[F64] = []
    for number, (pixels, _) in enumerate(seen, 1):
        found = reader.read(pixels, tile)
        if isinstance(found, NotRead):
            raise _unread(f"placement {number}, tile", found)
        light.append(found.rgb)
    return np.stack(light)


def _refused(frame: Frame, code: str) -> FramesError:
    reason = REASONS[code]
    return FramesError(f"frame {frame.digest[:19]}: {reason.meaning}; {reason.remedy}")


def _unread(where: str, found: NotRead) -> FramesError:
    reason = REASONS[found.reason]
    return FramesError(f"{where}: {reason.meaning}; {found.needs or reason.remedy}")
