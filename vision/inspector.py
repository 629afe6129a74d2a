"""The inspector: frames of one unit become its record. Compiled once per golden sample, then pure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calibration import CalibrationError, CameraCalibration
from evidence import (
    MOST_DEFECTS,
    CharacteristicResult,
    Defect,
    Frame,
    FrameError,
    Inspection,
    LightStateRecord,
    SerialSource,
    complete,
)
from golden.sample import GoldenSample
from golden.spec import Code, Colour, Dimension, Entered, Surface, View, is_required
from kernels.compiled import U8
from models import Classifier
from models.detector import Detector
from vision.artwork_explain import explain_artwork
from vision.artwork_view import ArtworkView, require_unmeasured
from vision.certified import Check, calibration_fault, certificate_fault
from vision.colour.golden_colours import GoldenColours
from vision.colour.region import NotRead
from vision.colour.tile_light import SeenLight
from vision.compiled_view import CompiledView, eight_bit_rgb, registered
from vision.explain import Explanation, explain, require_own
from vision.findings import defects_of, in_order
from vision.judge import (
    check_entered,
    count_results,
    judge,
    measured,
    surface_result,
    unmeasured,
    verdict_of,
)
from vision.measure import Gauge, Measured
from vision.naming import Named, unnamed
from vision.pyramid import Pyramid
from vision.records import frame_record, identity_fields, pose_of
from vision.register import NotRegistered, Registered
from vision.surface import Aligned, Deviation, VariationForeignError, VariationModel


@dataclass(frozen=True, slots=True, eq=False)
class _Setup:
    """What all units share."""

    golden: GoldenSample
    views: Mapping[str, CompiledView | ArtworkView]
    model: Classifier | Detector | None
    trial: bool
    stopwatch: Callable[[], float] | None


class Inspector:
    """Judges units against one golden sample.

    Buffers are reused between units: use one inspector per thread. `inspect` is pure: the same frames give
    the same record, byte for byte, timings aside.

    Args:
        golden: the opened, verified golden sample.
        calibrations: certificate of the camera of each view, by view id; a view without one decides no
            dimension.
        model: a cell classifier names deviations of the views whose golden image it was made from; so does a
            detector of crops of three channels (of all but artwork where it is of any image), and one of one
            channel those of views of artwork. All others stay unclassified.
        stopwatch: seconds of a monotonic clock, for `timing_ms`; None leaves timings empty.
        checks: what the check standard says of the certificate of a view, by view id.
        colours: the golden sample's colours as this station measured them, by view id: where a certificate
            has colour, colours are differences to these.
        variations: what approved units of a view show, by view id: its surface is compared with that and no
            longer with the golden image alone.
        trial: the model is on trial: nobody answers for it, and every unit is held.

    Raises:
        VariationForeignError: a variation model is of another golden sample or view, or of one of artwork.
        CalibrationError: a certificate does not fit its view; one, a check or colours are given for a view
            that does not exist, a check or colours for one of artwork; colours are of another golden sample
            or certificate.
        evidence.FrameError: a reference image does not decode, or is stated to be artwork and is none.
    """

    def __init__(
        self,
        golden: GoldenSample,
        calibrations: Mapping[str, CameraCalibration],
        model: Classifier | Detector | None = None,
        *,
        stopwatch: Callable[[], float] | None = None,
        checks: Mapping[str, Check] | None = None,
        colours: Mapping[str, GoldenColours] | None = None,
        variations: Mapping[str, VariationModel] | None = None,
        trial: bool = False,
    ) -> None:
        """Compile every view."""
        spec, checked, coloured, varied = golden.spec, checks or {}, colours or {}, variations or {}
        for view_id in set(varied) - {v.id for v in spec.views}:
            raise VariationForeignError(f"a variation model is given for view {view_id!r}, but there is none")
        unknown = (set(calibrations) | set(checked) | set(coloured)) - {v.id for v in spec.views}
        if unknown:
            raise CalibrationError(f"certificates are given for views that do not exist: {sorted(unknown)}")
        of_artwork = model if isinstance(model, Detector) and model.channels == 1 else None
        views: dict[str, CompiledView | ArtworkView] = {}
        for v in spec.views:
            certificate = calibrations.get(v.id)
            given = checked.get(v.id), coloured.get(v.id), varied.get(v.id)
            if v.artwork is None:
                views[v.id] = CompiledView(golden, v, certificate, model, *given)
            else:
                require_unmeasured(v.id, *given)
                views[v.id] = ArtworkView(golden, v, certificate, of_artwork)
        self._setup = _Setup(golden, views, model, trial and model is not None, stopwatch)

    def inspect(
        self,
        frames: Mapping[str, Frame],
        *,
        serial: str | None,
        label: str | None = None,
        lot: str | None = None,
        station: str | None = None,
        sequence: int | None = None,
        entered: Sequence[CharacteristicResult] = (),
        lights: Mapping[str, LightStateRecord] | None = None,
    ) -> Inspection:
        """Inspect one unit.

        Args:
            frames: one frame per view, by view id.
            serial: the unit's serial number, where known; None takes it from the code that identifies units.
            label: what the frames are called, say their file's name: stands for the serial number where none
                is given and no code states one, and is never disputed.
            lot: the lot it belongs to.
            station: the station that inspects.
            sequence: the station's number of this inspection.
            entered: results that people or instruments gave for material, functional and attribute
                characteristics, and for colours that have a reference.
            lights: what earlier units of the station showed of the lamp, by view id, see `first_light`; the
                record says what it is after this unit. A view that is not there is judged by this unit's
                frame alone.

        Returns:
            The record. Whatever cannot be judged makes it HOLD with a reason; nothing is raised for it.

        Raises:
            evidence.FrameError: a frame of another view or of one that does not exist, or of an impossible
                size.
            ValueError: an entered result does not fit the specification, see `judge.check_entered`.
        """
        return _Unit(self._setup, frames, entered, lights or {}).record(
            serial=serial, label=label, lot=lot, station=station, sequence=sequence
        )

    def explain(self, frame: Frame, record: Inspection, *, most: int = 20) -> tuple[Explanation, ...]:
        """Show why each deviation that a record lists in a frame's view is one, and what was dismissed.

        Pure, and no part of `inspect`: the frame is compared once more.

        Args:
            frame: the very frame that was inspected.
            record: its record, by an inspector of this golden sample and model.
            most: of the defects, gravest first, and of the dismissed deviations, largest first.

        Returns:
            The defects in the record's order, then the dismissed; none where the unit was not found.

        Raises:
            evidence.FrameError: a frame of a view that does not exist, of an impossible size or of another
                inspection; a record of another golden sample, model or variation model, or one that lists
                other deviations.
        """
        compiled, golden, model = self._compiled(frame), self._setup.golden, self._setup.model
        learned = None if isinstance(compiled, ArtworkView) else compiled.variation
        require_own(
            golden,
            None if model is None else model.reference,
            None if learned is None else learned.digest,
            frame,
            record,
        )
        if isinstance(compiled, ArtworkView):
            return explain_artwork(golden, compiled, frame, record, most)
        return explain(golden, compiled, frame, record, most)

    def rectified(self, frame: Frame) -> U8 | None:
        """Return a unit as the golden image of the frame's view shows it, or None where it is not found.

        (h, w, 3) uint8 RGB codes of the golden image's size, resampled once, illumination removed: what the
        classifier is given, and what people compare with the golden image.

        Raises:
            evidence.FrameError: a frame of a view that is artwork or does not exist, or of an impossible
                size.
        """
        compiled = self._compiled(frame)
        if isinstance(compiled, ArtworkView):
            raise FrameError(f"view {frame.view!r} is artwork, whose golden image is brought onto the unit")
        pixels = eight_bit_rgb(frame, compiled.view)
        found = registered(self._setup.golden, compiled, frame, pixels)
        if isinstance(found, NotRegistered) or not compiled.surface.in_frame(
            found.mapping, *pixels.shape[:2]
        ):
            return None
        return compiled.surface.whole(pixels, compiled.surface.align(pixels, found.mapping), found.mapping)

    def artwork(self, frame: Frame) -> tuple[U8, U8] | None:
        """Return golden picture and unit of a view of artwork as a detector is shown them, or None.

        Both (h, w) uint8 of the frame's size, artwork dark, the golden picture aligned to the unit; None
        where the unit is not found in the frame, or the view is no artwork.

        Raises:
            evidence.FrameError: a frame of a view that does not exist, or of an impossible size.
        """
        compiled = self._compiled(frame)
        if not isinstance(compiled, ArtworkView):
            return None
        found = compiled.align(frame, eight_bit_rgb(frame, compiled.view))
        return None if isinstance(found, NotRegistered) else (found.alignment.picture, found.unit)

    def _compiled(self, frame: Frame) -> CompiledView | ArtworkView:
        compiled = self._setup.views.get(frame.view)
        if compiled is None:
            raise FrameError(
                f"a frame of view {frame.view!r}: the golden sample has {sorted(self._setup.views)}"
            )
        return compiled


class _Unit:
    """One inspection in progress: collects results, deviations, reasons and timings."""

    def __init__(
        self,
        setup: _Setup,
        frames: Mapping[str, Frame],
        entered: Sequence[CharacteristicResult],
        lights: Mapping[str, LightStateRecord],
    ) -> None:
        self._lights = lights
        self._golden, self._model, self._stopwatch = setup.golden, setup.model, setup.stopwatch
        self._timing: dict[str, float] = {}
        self._frame_records: list[dict[str, Any]] = []
        self._results: dict[str, CharacteristicResult] = {r.id: r for r in entered}
        self._defects: list[Defect] = []
        self._dismissed = 0
        self._faults: set[str] = set()
        self._trial = setup.trial
        self._last = self._stopwatch() if self._stopwatch else 0.0
        unknown = set(frames) - set(setup.views)
        if unknown:
            raise FrameError(
                f"frames of views {sorted(unknown)}: the golden sample has {sorted(setup.views)}"
            )
        check_entered(setup.golden.spec, entered)
        for view_id, compiled in setup.views.items():
            frame = frames.get(view_id)
            if frame is not None and frame.view != view_id:
                raise FrameError(f"a frame of view {frame.view!r} was given as view {view_id!r}")
            if frame is None:
                self._faults.add("view_missing")
            elif isinstance(compiled, ArtworkView):
                self._inspect_artwork(compiled, frame)
            else:
                self._inspect_view(compiled, frame)

    def record(self, *, serial: str | None, label: str | None, **identity: Any) -> Inspection:  # noqa: ANN401 (forwarded)
        """Return the unit's record."""
        spec = self._golden.spec
        for c in spec.characteristics:
            if isinstance(c, Surface) and not self._faults:
                self._results[c.id] = surface_result(c, self._defects, spec.catalogue)
            elif isinstance(c, Entered) and c.every_unit and c.id not in self._results:
                self._results[c.id] = unmeasured(c, "not_entered")
        results = [self._results[c.id] for c in spec.characteristics if c.id in self._results]
        known, source = self._serial(serial, label)
        verdict, reasons = judge(results, self._defects, spec.catalogue)
        against = {*self._faults, *(["model_on_trial"] if self._trial else [])}
        if against:
            verdict, reasons = verdict_of(against | set(reasons))
        self._lap("judge")
        return complete({
            **identity_fields(self._golden, serial=known, **identity),
            "serial_source": source,
            "model": None if self._model is None else self._model.reference.model_dump(mode="json"),
            "frames": self._frame_records,
            "characteristics": [r.model_dump(mode="json") for r in results],
            "defects": [d.model_dump(mode="json", by_alias=True) for d in self._defects[:MOST_DEFECTS]],
            "dismissed": self._dismissed,
            "counts": [c.model_dump(mode="json") for c in count_results(self._defects, spec.catalogue)],
            "verdict": verdict,
            "reasons": list(reasons),
            "timing_ms": self._timing,
        })  # fmt: skip

    def _serial(self, given: str | None, label: str | None) -> tuple[str | None, SerialSource | None]:
        """Return the unit's serial number, and its source: the one given, else its code's, else the label."""
        for c in self._golden.spec.characteristics:
            result = self._results.get(c.id)
            if not isinstance(c, Code) or not c.identifies or result is None or result.code is None:
                continue
            stated = c.serial(result.code.content)
            if stated is None:
                continue
            if given is None and len(stated) <= _LONGEST_SERIAL:
                return stated, "code"
            if given is not None and given != stated:
                self._faults.add("identity_disputed")
        if given is None and label is not None:
            return label, "label"
        return given, None

    def _lap(self, stage: str) -> None:
        if self._stopwatch is not None:
            now = self._stopwatch()
            self._timing[stage] = round(self._timing.get(stage, 0.0) + (now - self._last) * 1e3, 3)
            self._last = now

    def _inspect_view(self, compiled: CompiledView, frame: Frame) -> None:
        pixels = eight_bit_rgb(frame, compiled.view)
        seen = Pyramid.of(pixels, compiled.table)
        found = registered(self._golden, compiled, frame, pixels, seen)
        calibration = compiled.calibration
        pose = pose_of(found) if isinstance(found, Registered) else None
        self._frame_records.append(
            frame_record(frame, calibration, compiled.golden_colours, compiled.variation, pose)
        )
        self._lap("register")
        light = self._light(compiled, frame, pixels)
        if isinstance(found, NotRegistered):
            self._faults.add(found.reason)
            return
        if compiled.surface.in_frame(found.mapping, *pixels.shape[:2]):
            self._measure(compiled, frame, pixels, found)
        else:
            self._faults.add("unit_out_of_frame")
        self._lap("measure")
        aligned = compiled.surface.align(pixels, found.mapping, seen)
        self._frame_records[-1]["pose"]["field_px"] = round(aligned.largest_px, 2)
        self._lap("align")
        if not aligned.comparable:
            self._faults.add("light_changed")
            return
        self._find_defects(compiled, pixels, aligned, found)
        if aligned.shown is not None:  # what is shown may be rejected, the rest is not known
            self._faults.add("unit_out_of_frame")
            return
        self._difference_colours(compiled, frame, pixels, found, aligned, light)
        self._lap("colour")
        wave = compiled.presence.row_wave(pixels, found, aligned)
        if wave is not None:
            self._frame_records[-1]["pose"]["wave_px"] = round(wave.largest_px, 2)
        seen = compiled.presence.results(pixels, found, aligned, wave)
        self._results.update((result.id, result) for result in seen)
        if seen:
            self._lap("presence")

    def _light(self, compiled: CompiledView, frame: Frame, pixels: U8) -> SeenLight | NotRead | None:
        """Return the lamp as the frame's tile shows it, wherever the unit lies, and keep it in the record."""
        if compiled.colour is None or compiled.calibration is None:
            return None
        if compiled.calibration.fits(frame) is not None:
            return None
        light = compiled.colour.light(pixels, frame.captured_at, self._lights.get(frame.view))
        if isinstance(light, SeenLight):
            self._frame_records[-1]["light"] = light.record.model_dump(mode="json")
        self._lap("light")
        return light

    def _measure(self, compiled: CompiledView, frame: Frame, pixels: U8, found: Registered) -> None:
        reason = calibration_fault(compiled.calibration, compiled.check, frame, compiled.view, found)
        gauge: Gauge | None = None
        for c in self._golden.spec.characteristics:
            if not isinstance(c, Dimension) or c.feature.view != compiled.view.id:
                continue
            if compiled.conditions is None or reason is not None:
                self._results[c.id] = unmeasured(c, reason or "calibration_absent")
                continue
            gauge = gauge or Gauge(pixels, found.mapping, compiled.conditions)
            m = gauge.measure(c)
            if isinstance(m, Measured):
                self._results[c.id] = measured(c, m.value, m.standard_uncertainty, m.set_aside, m.budget)
            else:
                self._results[c.id] = unmeasured(c, m.reason)

    def _find_defects(self, compiled: CompiledView, pixels: U8, aligned: Aligned, found: Registered) -> None:
        smallest_mm = self._golden.spec.catalogue.smallest_mm
        deviations = compiled.surface.deviations(aligned, found.mapping, smallest_mm)
        self._lap("surface")
        namer = compiled.namer
        named = (
            unnamed(deviations) if namer is None else namer.name(pixels, aligned, found.mapping, deviations)
        )
        self._keep(compiled.view, named, functools.partial(compiled.surface.delta_e, aligned))
        if namer is not None:
            self._lap("name")

    def _inspect_artwork(self, compiled: ArtworkView, frame: Frame) -> None:
        found = compiled.align(frame, eight_bit_rgb(frame, compiled.view))
        pose = None if isinstance(found, NotRegistered) else found.pose
        self._frame_records.append(frame_record(frame, compiled.calibration, pose=pose))
        self._lap("align")
        if isinstance(found, NotRegistered):
            self._faults.add(found.reason)
            return
        compared = compiled.compare(found)
        self._keep(compiled.view, compared.named, lambda _: None)
        if not compared.candidates.complete:
            self._faults.add("surface_too_different")
        if not found.whole:  # what is shown may be rejected, the rest is not known
            self._faults.add("unit_out_of_frame")
        self._lap("surface")

    def _keep(self, view: View, named: Named, delta_e: Callable[[Deviation], float | None]) -> None:
        catalogue = self._golden.spec.catalogue
        self._dismissed += len(named.dismissed)
        self._defects += defects_of(view, named.findings, catalogue, delta_e)
        self._defects = in_order(self._defects, catalogue)

    def _difference_colours(
        self,
        compiled: CompiledView,
        frame: Frame,
        pixels: U8,
        found: Registered,
        aligned: Aligned,
        light: SeenLight | NotRead | None,
    ) -> None:
        asked = [
            c
            for c in self._golden.spec.characteristics
            if isinstance(c, Colour) and c.view == compiled.view.id and c.id not in self._results
            if c.reference is None or is_required(c)
        ]
        if compiled.colour is not None and compiled.calibration is not None:
            fault = certificate_fault(compiled.calibration, compiled.check, frame)
            mapped = functools.partial(aligned.frame_points, found.mapping)
            results = compiled.colour.results(asked, pixels, mapped, fault, light)
            self._results.update((result.id, result) for result in results)
            return
        for c in asked:
            if c.needs_calibration:
                reason = "calibration_absent" if c.reference is None else "colour_absolute"
                self._results[c.id] = unmeasured(c, reason)
                continue
            difference = compiled.surface.colour_difference(aligned, compiled.colours[c.id])
            if difference is None:
                self._results[c.id] = unmeasured(c, "region_unusable")
            else:
                self._results[c.id] = measured(c, difference.value, difference.standard_uncertainty)


_LONGEST_SERIAL = 128
