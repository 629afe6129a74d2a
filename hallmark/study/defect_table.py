"""A folder of real graded defects: a table that says what each picture shows, and what the station finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from evidence import Defect, Inspection
from golden.sample import GoldenSample
from golden.spec import View
from hallmark.errors import ReadingFileError
from hallmark.study.table_file import read_rows
from models.fitting import model_for
from quality.pod import DefectTrial, GoodUnit, PodStudy
from vision import Inspector, read_frame

_NEEDED: Final = ("picture", "class", "size_mm", "zone")
_REACH_MM: Final = 1.0  # how far a stated place may be from a finding's box
TABLE: Final = "pictures of the table"


@dataclass(frozen=True, slots=True)
class TrueDefect:
    """One line of the table; `place` is the defect's centre in the golden view, mm."""

    defect_class: str
    size_mm: float
    zone: str
    place: tuple[float, float] | None


def run_table(
    table: Path,
    rows: Mapping[str, Sequence[TrueDefect]],
    sample: GoldenSample,
    model: Path | None,
    progress: Callable[[int], None],
) -> PodStudy:
    """Inspect the pictures of a table and return the trials, as measured on real parts.

    A defect with a place is found where a finding lies within 1 mm of it; one without, where anything is
    found in its zone: the study counts these.

    Args:
        table: the file, beside which the pictures lie.
        rows: what it says, see `read_table`.
        sample: the golden sample.
        model: folder of a released model; None leaves findings unnamed.
        progress: is told pictures done.

    Raises:
        evidence.FrameError: a picture does not decode.
    """
    (view,) = sample.spec.views
    surfaces = tuple(c for c in sample.spec.characteristics if c.kind == "surface")
    only = sample.spec.model_copy(update={"characteristics": surfaces})
    namer = None if model is None else model_for(sample, str(model))
    station = Inspector(replace(sample, spec=only), {}, namer)
    trials: list[DefectTrial] = []
    good: list[GoodUnit] = []
    held = by_zone = 0
    for done, (picture, shown) in enumerate(rows.items(), 1):
        frame = read_frame(
            (table.parent / picture).read_bytes(), view=view.id, camera="table", source=picture
        )
        record = station.inspect({view.id: frame}, serial=Path(picture).stem[:100])
        if not shown:
            good.append(
                GoodUnit(unit=picture, conditions=TABLE, calls=len(record.defects), verdict=record.verdict)
            )
        elif {c.id for c in record.characteristics} & {c.id for c in surfaces}:
            trials += [_trial(picture, row, record) for row in shown]
            by_zone += sum(row.place is None for row in shown)
        else:
            held += len(shown)
        progress(done)
    reference = None if namer is None else namer.reference
    return PodStudy(
        golden=sample.digest,
        model=None if reference is None else f"{reference.name} {reference.digest}",
        source="measured on real parts",
        conditions=(f"{len(rows)} pictures listed in {table.name}", "judged by the surface alone"),
        smallest_mm=sample.spec.catalogue.smallest_mm,
        measures={},
        trials=tuple(trials),
        good=tuple(good),
        not_judged=held,
        by_zone=by_zone,
    )


def _trial(picture: str, row: TrueDefect, record: Inspection) -> DefectTrial:
    hits = [d for d in record.defects if _is_at(d, row)]
    named = next((d.defect_class for d in hits if d.defect_class == row.defect_class), None)
    return DefectTrial(
        unit=picture,
        defect_class=row.defect_class,
        zone=row.zone,
        size_mm=row.size_mm,
        found=bool(hits),
        named=named or (hits[0].defect_class if hits else None),
    )


def _is_at(finding: Defect, row: TrueDefect) -> bool:
    if row.place is None:
        return finding.zone == row.zone
    x, y, w, h = finding.box_mm
    dx = max(x - row.place[0], row.place[0] - x - w, 0.0)
    dy = max(y - row.place[1], row.place[1] - y - h, 0.0)
    return math.hypot(dx, dy) <= _REACH_MM


def read_table(
    table: Path, sample: GoldenSample, *, by_zone: bool = False
) -> Mapping[str, Sequence[TrueDefect]]:
    """Return the defects of each picture that a table lists.

    The table is CSV with a heading: picture (file, relative to the table), class, size_mm, zone, x_mm and
    y_mm, the defect's centre in the golden view. Each defect is one line; a picture with an empty class is a
    unit without defect. `by_zone` allows defects without a place.

    Raises:
        ReadingFileError: the table cannot be read, or says what cannot be; the message names the line.
    """
    if len(sample.spec.views) != 1:
        raise ReadingFileError(f"{table}: the golden sample has several views; a table shows one")
    zones = {z.id for z in sample.spec.zones}
    (view,) = sample.spec.views
    found: dict[str, list[TrueDefect]] = {}
    for line, given in enumerate(read_rows(table, _NEEDED), 2):
        picture, name = given["picture"], given["class"]
        if not picture or not (table.parent / picture).is_file():
            raise ReadingFileError(f"{table}, line {line}: there is no picture {picture!r} beside the table")
        shown = found.setdefault(picture, [])
        if not name:
            continue
        if given["zone"] not in zones:
            raise ReadingFileError(f"{table}, line {line}: zone {given['zone']!r} is none of {sorted(zones)}")
        size = _number(table, line, "size_mm", given["size_mm"])
        if size <= 0:
            raise ReadingFileError(f"{table}, line {line}: size_mm {size:g} must be above 0")
        place = None
        if given.get("x_mm") or given.get("y_mm"):
            place = _place(table, line, given, view)
        elif not by_zone:
            raise ReadingFileError(
                f"{table}, line {line}: no x_mm and y_mm: whatever is found in zone {given['zone']}, a false "
                "call too, would count as this defect; give its centre in the golden view, or take such "
                "figures knowingly by --by-zone"
            )
        shown.append(TrueDefect(name, size, given["zone"], place))
    if not found:
        raise ReadingFileError(f"{table}: lists no pictures")
    return found


def _place(table: Path, line: int, given: Mapping[str, str], view: View) -> tuple[float, float]:
    x, y = (_number(table, line, name, given.get(name, "")) for name in ("x_mm", "y_mm"))
    width, height = view.width_px * view.mm_per_px, view.height_px * view.mm_per_px
    if not (0 <= x <= width and 0 <= y <= height):
        raise ReadingFileError(
            f"{table}, line {line}: {x:g}, {y:g} mm lies outside the golden view of {width:g} x {height:g} "
            "mm, where nothing can find it: correct x_mm and y_mm"
        )
    return x, y


def _number(table: Path, line: int, name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ReadingFileError(f"{table}, line {line}: {name} {cell!r} is not a number")
    return value
