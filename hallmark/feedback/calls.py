"""People's calls on what a station found: a sheet to fill in, and the training pairs that it becomes.

The sheet has a line and a picture for each deviation; a person writes a class, `confirmed` or `not_a_defect`
into the column `call`. Only called deviations teach: one without a call is no candidate, and units on which
nothing was called become no pair. Nothing that was judged changes.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from datasets.deeppcb import MARGIN_PX
from evidence import Frame, Inspection, sha256
from evidence.inspection import Defect
from golden.sample import GoldenSample, write_file
from hallmark.errors import TrainingError
from hallmark.training.prepared import Index, PreparedPair, pair_file, write_index, write_pair
from kernels.compiled import U8
from models import NOT_A_DEFECT, UNCLASSIFIED
from models.detector.calibration import NOT_TOLD
from stations import SpoolReader
from vision import Inspector, read_frame

SHEET: Final = "calls.csv"
CONFIRMED: Final = "confirmed"
COLUMNS: Final = (
    "sequence", "serial", "record", "defect", "view", "class", "severity", "confidence", "size_mm", "picture",
    "call",
)  # fmt: skip
_LICENCE: Final = "The units' owner's: pictures of their production, not to be passed on."
_AROUND: Final = 24  # golden pixels shown around a deviation
_LEAST_SHOWN: Final = 200  # pixels of a picture's side


@dataclass(frozen=True, slots=True)
class Call:
    """A person's word on one deviation: its class, or NOT_A_DEFECT."""

    sequence: int
    record: str
    defect: int
    name: str


class Sheets:
    """Aligns stored units of one golden sample, for pictures and for training.

    `archive` is the server's folder of frames, for those that the spool has dropped.
    """

    def __init__(self, sample: GoldenSample, archive: Path | None = None) -> None:
        """Compile the golden sample's views; no certificate is needed to align."""
        self.sample, self._archive = sample, archive
        self._inspector = Inspector(sample, {})
        self.golden = {
            v.id: np.asarray(
                read_frame(sample.images[v.image], view=v.id, camera="golden", source=v.image).pixels,
                np.uint8,
            )
            for v in sample.spec.views
        }

    def is_artwork(self, view: str) -> bool:
        """Return whether a view shows binary artwork, whose pairs are grey and lie in the frame's pixels."""
        return self.sample.spec.view(view).artwork is not None

    def image(self, view: str) -> str:
        """Return the digest of a view's golden image."""
        return sha256(self.sample.images[self.sample.spec.view(view).image])

    def aligned(self, reader: SpoolReader, sequence: int) -> dict[str, tuple[U8, U8]]:
        """Return golden picture and unit of each view, aligned; a view that was not found is left out.

        Both (h, w, 3) uint8 RGB in the golden view's pixels; of artwork (h, w, 1), artwork dark, in the
        frame's.

        Raises:
            FrameLostError, FrameDroppedError: its frames are not there.
        """
        found: dict[str, tuple[U8, U8]] = {}
        for view, data in reader.frames(sequence, self._archive).items():
            frame: Frame = read_frame(data, view=view, camera="stored", source=str(sequence))
            if self.is_artwork(view):
                pair = self._inspector.artwork(frame)
                if pair is not None:
                    found[view] = pair[0][..., None], pair[1][..., None]
                continue
            unit = self._inspector.rectified(frame)
            if unit is not None:
                found[view] = self.golden[view], unit
        return found

    def box(self, defect: Defect) -> tuple[int, int, int, int]:
        """Return a deviation's box in the pixels of its pair, x1 y1 x2 y2, x2 and y2 exclusive."""
        if self.is_artwork(defect.view):
            x, y, w, h = (v + shift for v, shift in zip(defect.box_px, (0.5, 0.5, 0, 0), strict=True))
        else:
            scale = self.sample.spec.view(defect.view).mm_per_px
            x, y, w, h = (v / scale for v in defect.box_mm)
        rows, columns = self.golden[defect.view].shape[:2]
        x1, y1 = max(int(np.floor(x)), 0), max(int(np.floor(y)), 0)
        return (
            x1,
            y1,
            min(max(int(np.ceil(x + w)), x1 + 1), columns),
            min(max(int(np.ceil(y + h)), y1 + 1), rows),
        )


def write_sheet(
    reader: SpoolReader, sheets: Sheets, records: Iterable[tuple[int, Inspection]], folder: Path
) -> int:
    """Write a sheet and a picture (golden, then unit) of each deviation; return how many there are.

    Raises:
        TrainingError: a sheet is there already, which may hold calls.
        SpoolError: frames are lost.
    """
    if (folder / SHEET).exists():
        raise TrainingError(f"{folder / SHEET} exists and may hold calls: choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[object, ...]] = []
    for sequence, record in records:
        units = sheets.aligned(reader, sequence) if record.defects else {}
        for number, defect in enumerate(record.defects, start=1):
            if defect.view not in units:
                continue
            name = f"{sequence:06d}-{number:03d}.png"
            write_file(folder / name, _picture(*units[defect.view], sheets.box(defect)))
            rows.append((
                sequence, record.serial or "", record.digest, number, defect.view, defect.defect_class,
                defect.severity or "", "" if defect.confidence is None else f"{defect.confidence:.3f}",
                f"{defect.size_mm:.3f}", name, "",
            ))  # fmt: skip
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    write_file(folder / SHEET, text.getvalue().encode())
    return len(rows)


def read_calls(path: Path, records: dict[int, Inspection], classes: Sequence[str]) -> list[Call]:
    """Read the calls of a sheet; lines without one are left out.

    Raises:
        TrainingError: it is no sheet, or a line is about another record, or says no known class.
    """
    try:
        lines = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise TrainingError(f"{path}: {said}: give the {SHEET} that was filled in") from error
    calls: dict[tuple[int, int], Call] = {}
    for n, line in enumerate(lines, start=2):
        said = (line.get("call") or "").strip()
        if said:
            call = _call(path, n, line, said, records, classes)
            if (call.sequence, call.defect) in calls:
                raise TrainingError(f"{path}, line {n}: this deviation is called twice: keep one line")
            calls[call.sequence, call.defect] = call
    if not calls:
        raise TrainingError(f"{path}: nothing is called yet: write into the column 'call'")
    return list(calls.values())


def _call(
    path: Path, n: int, line: dict[str, str], said: str, records: dict[int, Inspection],
    classes: Sequence[str],
) -> Call:  # fmt: skip
    try:
        sequence, number = int(line["sequence"]), int(line["defect"])
        record = records[sequence]
        defect = record.defects[number - 1] if number > 0 else None
    except (KeyError, ValueError, IndexError, TypeError):
        record, defect, sequence, number = None, None, 0, 0
    if record is None or defect is None or line.get("record") != record.digest:
        raise TrainingError(f"{path}, line {n}: not about a record of this spool: take the sheet made of it")
    name = defect.defect_class if said == CONFIRMED else said
    if name == UNCLASSIFIED or name not in classes:
        raise TrainingError(
            f"{path}, line {n}: {name!r} is no class to learn: write one of {', '.join(classes)}"
            + (f", or {CONFIRMED}" if name != UNCLASSIFIED else "")
        )
    return Call(sequence, record.digest, number, name)


def collect(
    reader: SpoolReader, sheets: Sheets, records: dict[int, Inspection], calls: Sequence[Call], *,
    classes: Sequence[str], by: str, sheet: bytes, out: Path,
) -> int:  # fmt: skip
    """Write prepared pairs (`hallmark.training.prepared`) of what was called; return how many pairs.

    Each pair is a view of a unit aligned to the golden view; its boxes are the deviations called a defect,
    its candidates all that were called. Boxes on artwork are as much larger as the labels that detectors of
    artwork learn from. `calls.csv` is kept beside them as it was filled in.

    Raises:
        TrainingError: the folder is in use, no unit could be aligned, or views of artwork and others were
            called, which no one model learns from.
        SpoolError: frames are lost.
    """
    if out.exists() and any(out.iterdir()):
        raise TrainingError(f"{out} holds files: choose an empty folder")
    out.mkdir(parents=True, exist_ok=True)
    views = {records[c.sequence].defects[c.defect - 1].view for c in calls}
    artwork = {sheets.is_artwork(view) for view in views}
    if len(artwork) > 1:
        raise TrainingError(
            f"views {', '.join(sorted(views))} were called, of which some show artwork: call one kind, since "
            "no model learns from both"
        )
    of_unit: dict[int, list[Call]] = defaultdict(list)
    for call in calls:
        of_unit[call.sequence].append(call)
    digests: dict[str, str] = {}
    names: dict[str, str] = {}
    for sequence, said in sorted(of_unit.items()):
        record = records[sequence]
        for view, pair in sheets.aligned(reader, sequence).items():
            here = [(record.defects[c.defect - 1], c.name) for c in said]
            here = [(defect, name) for defect, name in here if defect.view == view]
            if here:
                file = pair_file(len(digests))
                digests[file] = write_pair(out, len(digests), _pair(sheets, pair, here, classes))
                names[file] = f"{record.serial or record.id} {view}"
    if not digests:
        raise TrainingError("no unit that was called could be aligned: check the golden sample")
    index = Index(
        classes=tuple(classes), channels=1 if artwork == {True} else 3,
        source=f"{len(calls)} calls by {by} on records of station {reader.station}, golden sample "
        f"{sheets.sample.digest}",
        source_digest=sha256(sheet), licence=_LICENCE, files=digests, names=names,
        groups={file: name.split()[0] for file, name in names.items()},
        golden_image=sheets.image(*views) if artwork == {False} and len(views) == 1 else None,
    )  # fmt: skip
    write_file(out / SHEET, sheet)
    write_index(out, index)
    return len(digests)


def _pair(
    sheets: Sheets, pair: tuple[U8, U8], here: Sequence[tuple[Defect, str]], classes: Sequence[str]
) -> PreparedPair:
    candidates = [sheets.box(defect) for defect, _ in here]
    wider = MARGIN_PX if sheets.is_artwork(here[0][0].view) else 0
    rows, columns = pair[1].shape[:2]
    boxes = [
        (max(x1 - wider, 0), max(y1 - wider, 0), min(x2 + wider, columns), min(y2 + wider, rows),
         classes.index(name))
        for (x1, y1, x2, y2), (_, name) in zip(candidates, here, strict=True)
        if name != NOT_A_DEFECT
    ]  # fmt: skip
    return PreparedPair(
        golden=pair[0], unit=pair[1], boxes=np.array(boxes, np.int32).reshape(-1, 5),
        candidates=np.array([(*box, NOT_TOLD) for box in candidates], np.int32).reshape(-1, 5),
    )  # fmt: skip


def _picture(golden: U8, unit: U8, box: tuple[int, int, int, int]) -> bytes:
    """Return a PNG: the golden view's place, then the unit's, with some surroundings."""
    x1, y1, x2, y2 = box
    rows = slice(max(y1 - _AROUND, 0), y2 + _AROUND)
    columns = slice(max(x1 - _AROUND, 0), x2 + _AROUND)
    both = np.concatenate([golden[rows, columns], unit[rows, columns]], axis=1)
    factor = max(1, _LEAST_SHOWN // both.shape[0])
    large = np.repeat(np.repeat(both, factor, axis=0), factor, axis=1)
    _, data = cv2.imencode(".png", np.ascontiguousarray(large[..., ::-1]))
    return data.tobytes()
