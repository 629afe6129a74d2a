"""A new model in the shadow of the one in use: both judge the same stored frames, and what differs is listed.

Units are judged by surface alone, the only part of a verdict that a model can change, so that a unit held
for another reason hides nothing: whoever's whole verdict would flip is among those listed.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from pydantic import Field, ValidationError, model_validator

from evidence import Inspection, ModelReference, canonical_json, sha256
from evidence.inspection import Digest, Verdict
from golden import dsse
from golden.regions import Closed, Stated
from golden.sample import GoldenSample, write_file
from hallmark.errors import TrainingError
from hallmark.report.pictures import data_uri
from kernels.compiled import U8
from models import Classifier
from models.detector import Detector
from vision import Inspector, read_frame

REPORT: Final = "shadow.json"
PAGE: Final = "shadow.html"
_LONGEST: Final = 760  # pixels of a picture's side on the page
_COLOURS: Final = {"critical": (200, 30, 30), "major": (230, 120, 20), "minor": (40, 110, 220)}
_HELD: Final = (150, 60, 200)  # no line of the catalogue matches


class Told(Closed):
    """What one model makes of a unit's surface: the verdict, and each deviation as class and severity."""

    verdict: Verdict
    reasons: tuple[str, ...]
    defects: tuple[tuple[str, str], ...]


class Differing(Closed):
    """A unit on which the two differ: `flips` in its verdict, `renamed` in classes or severities alone."""

    unit: str
    what: Literal["flips", "renamed"]
    old: Told
    new: Told


class ShadowReport(Closed):
    """Which models judged which frames, and where they differ.

    `frames` is the digest over the digests of all frames, in order. `golden` is that of the golden sample by
    which units were judged; prepared pairs have none, but `source_digest`, that of all they were made from
    (reports of earlier releases state it as `golden`).
    """

    schema_: Literal["hallmark.shadow/1"] = Field(alias="schema", default="hallmark.shadow/1")
    old: ModelReference
    new: ModelReference
    golden: Stated[Digest] = None
    source_digest: Stated[Digest] = None
    frames: Digest
    units: int
    differing: tuple[Differing, ...]

    @model_validator(mode="after")
    def _of_one_kind(self) -> ShadowReport:
        if (self.golden is None) == (self.source_digest is None):
            raise ValueError("a shadow run has either a golden sample or the source of prepared pairs")
        return self

    @property
    def flips(self) -> int:
        """Units whose verdict the new model would change."""
        return sum(d.what == "flips" for d in self.differing)

    def to_json(self) -> bytes:
        """Return the report's bytes, whose digest names it."""
        return canonical_json(self.model_dump(mode="json", by_alias=True)) + b"\n"


@dataclass(frozen=True)
class StoredUnit:
    """A unit to judge: what it is called, and its encoded frames by view."""

    name: str
    frames: dict[str, bytes]


@dataclass(frozen=True)
class Shown:
    """A differing unit and its pictures, the old model's and the new one's, by view."""

    differing: Differing
    pictures: tuple[tuple[str, U8, U8], ...]


def run(
    old: Classifier | Detector, new: Classifier | Detector, sample: GoldenSample, units: Iterable[StoredUnit],
    progress: Callable[[int], None],
) -> tuple[ShadowReport, tuple[Shown, ...]]:  # fmt: skip
    """Judge every unit by both models.

    Raises:
        FrameError: a frame cannot be read.
        TrainingError: there is no unit.
    """
    surface = tuple(c for c in sample.spec.characteristics if c.kind == "surface")
    judged = replace(sample, spec=sample.spec.model_copy(update={"characteristics": surface}))
    inspectors = [Inspector(judged, {}, model) for model in (old, new)]
    digests: list[str] = []
    shown: list[Shown] = []
    done = 0
    for done, unit in enumerate(units, start=1):
        frames = {
            view: read_frame(data, view=view, camera="stored", source=unit.name)
            for view, data in unit.frames.items()
        }
        before, after = (inspector.inspect(frames, serial=unit.name) for inspector in inspectors)
        digests += [frame.digest for frame in frames.values()]
        differing = _differing(unit.name, before, after)
        if differing is not None:
            pictures = tuple(
                (view, marked(frame.pixels, before, view), marked(frame.pixels, after, view))
                for view, frame in frames.items()
            )
            shown.append(Shown(differing, pictures))
        progress(done)
    if not digests:
        raise TrainingError("no stored frames to run in shadow on: name a spool or pictures of units")
    report = ShadowReport(
        old=old.reference, new=new.reference, golden=sample.digest,
        frames=sha256(canonical_json(digests)), units=done, differing=tuple(s.differing for s in shown),
    )  # fmt: skip
    return report, tuple(shown)


def write(folder: Path, report: ShadowReport, shown: Iterable[Shown]) -> None:
    """Write the report, and a page with a picture of each differing unit by either model.

    Raises:
        BundleError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / PAGE, "".join(_page(report, shown)).encode())
    write_file(folder / REPORT, report.to_json())


def read(path: Path) -> tuple[ShadowReport, str]:
    """Read a report and return it with its digest; raise TrainingError where it is none."""
    try:
        data = path.read_bytes()
        return ShadowReport.model_validate_json(data), sha256(data)
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror}: give the {REPORT} of a shadow run") from error
    except ValidationError as error:
        raise TrainingError(f"{path}: no shadow report: {dsse.first(error)}: run it again") from error


def marked(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16]], found: Inspection,
           view: str) -> U8:  # fmt: skip
    """Return a frame, small enough for a page, with a box about each deviation of a record in this view."""
    codes = (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels.astype(np.uint8)
    scale = min(1.0, _LONGEST / max(codes.shape[:2]))
    size = round(codes.shape[1] * scale), round(codes.shape[0] * scale)
    small = np.ascontiguousarray(cv2.resize(codes, size, interpolation=cv2.INTER_AREA))
    for defect in found.defects:
        if defect.view != view or defect.severity == "allowed":
            continue
        x, y, w, h = (v * scale for v in defect.box_px)
        corners = (round(x - 4), round(y - 4)), (round(x + w + 4), round(y + h + 4))
        cv2.rectangle(small, *corners, _COLOURS.get(defect.severity or "", _HELD), 2, cv2.LINE_AA)
    return np.asarray(small, np.uint8)


def _differing(name: str, before: Inspection, after: Inspection) -> Differing | None:
    old, new = _told(before), _told(after)
    if old.verdict != new.verdict:
        return Differing(unit=name, what="flips", old=old, new=new)
    return None if old.defects == new.defects else Differing(unit=name, what="renamed", old=old, new=new)


def _told(record: Inspection) -> Told:
    defects = sorted((d.defect_class, d.severity or "none") for d in record.defects)
    return Told(verdict=record.verdict, reasons=record.reasons, defects=tuple(defects))


def _page(report: ShadowReport, shown: Iterable[Shown]) -> Iterator[str]:
    title = f"{report.new.name} {report.new.digest[:19]} in the shadow of {report.old.digest[:19]}"
    yield (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Shadow run</title><style>"
        "body{font:15px/1.45 system-ui,sans-serif;margin:2rem;max-width:100rem}section{margin:2rem 0;"
        "border-top:1px solid #999}div{display:flex;gap:1rem;flex-wrap:wrap}figure{margin:0}"
        "img{max-width:46vw;display:block}.flips h2{color:#b01818}</style>"
        f"<h1>{html.escape(title)}</h1><p>{report.units} units judged by surface alone: {report.flips} "
        f"verdicts would flip, {len(report.differing) - report.flips} units keep their verdict and differ in "
        "classes or severities. "
        f"{_judged_by(report)}, frames {report.frames}. Boxes: critical red, major orange, minor blue, held "
        "violet.</p>"
    )
    for one in sorted(shown, key=lambda s: s.differing.what):
        d = one.differing
        heading = f"{d.unit}: {d.old.verdict} becomes {d.new.verdict}" if d.what == "flips" else (
            f"{d.unit}: {d.old.verdict} as before, named otherwise"
        )  # fmt: skip
        yield f"<section class='{d.what}'><h2>{html.escape(heading)}</h2>"
        for view, *pair in one.pictures:
            yield "<div>"
            for model, told, picture in zip(("old", "new"), (d.old, d.new), pair, strict=True):
                caption = f"{model} model, view {view}: {_sentence(told)}"
                yield f"<figure><img alt='' src='{data_uri(picture)}'><figcaption>"
                yield f"{html.escape(caption)}</figcaption></figure>"
            yield "</div>"
        yield "</section>"


def _judged_by(report: ShadowReport) -> str:
    if report.golden is not None:
        return f"Golden sample {report.golden}"
    return f"Pairs prepared from {report.source_digest}"


def _sentence(told: Told) -> str:
    names = ", ".join(f"{name} ({severity})" for name, severity in told.defects) or "no deviation"
    return f"{told.verdict} {', '.join(told.reasons)}: {names}"
