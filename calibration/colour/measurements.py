"""Lists of measured colours as instruments export them: CSV, and CGATS.17 text.

CSV has a header with `L,a,b`, or `X,Y,Z`, or wavelengths (`400`, `nm400`, `400 nm`), beside them `id`,
`name`, `u` (standard uncertainty of each of L*, a*, b*) and `time`; lines before it state what holds for all:

    # instrument: CM-700d 20012345
    # aperture: 8 mm
    # illuminant: D65
    # observer: 10
    # geometry: d/8
    # specular: SCI
    # backing: white
    id,name,L,a,b,u
    1,lid,52.31,48.02,20.77,0.15

A file whose header is divided by semicolons may have decimal commas. CGATS.17 (ANSI CGATS.17-2009, ISO 28178)
has SAMPLE_ID, SAMPLE_NAME, LAB_L LAB_A LAB_B, XYZ_X XYZ_Y XYZ_Z, SPECTRAL_NM400 or SPECTRAL_PCT400, and
keywords of its own for what holds for all.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calibration.errors import ReadingError
from kernels.compiled import F64

LARGEST_FILE = 5_000_000
MOST_COLOURS = 20_000

_WAVELENGTH = re.compile(r"^(?:spectral_)?(nm|pct|r)?_?(\d{3})(?:\.0*)?(?:\s*nm)?$")
_WORDS = re.compile(r'"([^"]*)"|(\S+)')
# what instruments and programs call the same thing
_SYNONYMS = {
    "sampleid": "id", "sample_id": "id", "sample_name": "name", "lab_l": "l", "lab_a": "a", "lab_b": "b",
    "l*": "l", "a*": "a", "b*": "b", "xyz_x": "x", "xyz_y": "y", "xyz_z": "z", "measured_at": "time",
    "instrumentation": "instrument", "illumination_name": "illuminant", "observer_angle": "observer",
    "measurement_geometry": "geometry", "sample_backing": "backing", "specular_component": "specular",
    "measurement_aperture": "aperture",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A colour: `lab` (3,), `xyz` (3,) with Y = 1, `reflectance` (w,) 0..1; what is not listed is empty."""

    id: str
    name: str
    lab: F64
    xyz: F64
    reflectance: F64
    u: float | None
    time: str | None


@dataclass(frozen=True, slots=True, eq=False)
class MeasurementList:
    """A list as it stands in a file.

    Attributes:
        stated: what the file says of all its colours, by the names of the CSV's first lines.
        rows: the colours.
        wavelengths: (w,) nm of the reflectances, rising; empty where there are none.
    """

    stated: Mapping[str, str]
    rows: tuple[Row, ...]
    wavelengths: F64


def read_list(data: bytes, *, source: str) -> MeasurementList:
    """Read a CSV or CGATS.17 list; `source` names it in messages.

    Raises:
        ReadingError: it cannot be read; the message names line, column and remedy.
    """
    if len(data) > LARGEST_FILE:
        raise ReadingError(f"{source}: {len(data)} bytes are too many for a list of colours")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadingError(f"{source}: not text in UTF-8: export it as UTF-8 ({error})") from error
    lines = text.splitlines()
    if any(line.strip() == "BEGIN_DATA" for line in lines):
        stated, header, records = _cgats(lines, source)
        percent_xyz = True
    else:
        stated, header, records = _csv(lines, source)
        percent_xyz = False
    if not records:
        raise ReadingError(f"{source}: it lists no colour: export it with its measurements")
    if len(records) > MOST_COLOURS:
        raise ReadingError(f"{source}: {len(records)} colours are too many: split it")
    return _Table(source, tuple(header)).read(stated, records, percent_xyz=percent_xyz)


_Record = tuple[int, Sequence[str]]  # line number, cells


def _csv(lines: Sequence[str], source: str) -> tuple[dict[str, str], list[str], list[_Record]]:
    stated: dict[str, str] = {}
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    while numbered and numbered[0][1].lstrip().startswith("#"):
        key, _, value = numbered.pop(0)[1].lstrip("# \t").partition(":")
        if value.strip():
            stated[_name(key)] = value.strip().rstrip(",;")
    if not numbered:
        raise ReadingError(
            f"{source}: it is empty: write a header such as id,name,L,a,b and a line per colour"
        )
    head = numbered[0][1]
    divider = max(",;\t", key=head.count)
    cells = [
        (n, [cell.strip() for cell in row])
        for (n, _), row in zip(
            numbered, csv.reader((line for _, line in numbered), delimiter=divider), strict=False
        )
    ]
    return stated, cells[0][1], list(cells[1:])


def _cgats(lines: Sequence[str], source: str) -> tuple[dict[str, str], list[str], list[_Record]]:
    stated: dict[str, str] = {}
    header: list[str] = []
    records: list[_Record] = []
    part = ""
    for n, words in _words(lines):
        word = words[0]
        if word in {"BEGIN_DATA_FORMAT", "BEGIN_DATA"}:
            part = word
        elif word == "END_DATA":
            break
        elif word == "END_DATA_FORMAT":
            part = ""
        elif part == "BEGIN_DATA_FORMAT":
            header += words
        elif part == "BEGIN_DATA":
            records.append((n, words))
        elif word == "WEIGHTING_FUNCTION" and len(words) > 1:
            # "ILLUMINANT, D50" and "OBSERVER, 2 degree"
            key, _, value = " ".join(words[1:]).partition(",")
            stated[_name(key)] = value.strip()
        elif len(words) > 1:
            stated[_name(word)] = words[1]
    if not header:
        raise ReadingError(f"{source}: no columns stand between BEGIN_DATA_FORMAT and END_DATA_FORMAT")
    return stated, header, records


def _words(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    for n, line in enumerate(lines, 1):
        if line.lstrip().startswith("#"):
            continue
        if words := [quoted or bare for quoted, bare in _WORDS.findall(line)]:
            yield n, words


def _name(text: str) -> str:
    key = text.strip().lower()
    return _SYNONYMS.get(key, key)


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns of a list, and how a line becomes a colour."""

    source: str
    header: tuple[str, ...]

    def read(
        self, stated: Mapping[str, str], records: Sequence[_Record], *, percent_xyz: bool
    ) -> MeasurementList:
        place = {_name(column): i for i, column in enumerate(self.header)}
        bands = sorted(
            (float(found[2]), i, found[1] == "pct")
            for i, column in enumerate(self.header)
            if (found := _WAVELENGTH.match(column.strip().lower()))
        )
        lab, xyz = (
            [place[c] for c in columns] if all(c in place for c in columns) else []
            for columns in ("lab", "xyz")
        )
        if not (lab or xyz or bands):
            raise ReadingError(
                f"{self.source}: no colour among the columns {', '.join(self.header)}: it needs L, a, b, or "
                "X, Y, Z, or reflectances named by wavelength"
            )
        spectral = self._scale(records, [i for _, i, _ in bands], percent=any(pct for _, _, pct in bands))
        tristimulus = self._scale(records, xyz, percent=percent_xyz)
        rows: list[Row] = []
        for n, cells in records:
            if len(cells) != len(self.header):
                raise ReadingError(
                    f"{self.source}, line {n}: {len(cells)} cells stand under {len(self.header)} columns: "
                    "correct the line"
                )
            its_id = cells[place["id"]] if "id" in place else str(len(rows) + 1)
            u = cells[place["u"]] if "u" in place else ""
            rows.append(
                Row(
                    id=its_id,
                    name=cells[place["name"]] if "name" in place else its_id,
                    lab=self._numbers(n, cells, lab),
                    xyz=self._numbers(n, cells, xyz) * tristimulus,
                    reflectance=self._numbers(n, cells, [i for _, i, _ in bands]) * spectral,
                    u=self._number(n, cells, place["u"]) if u else None,
                    time=cells[place["time"]] or None if "time" in place else None,
                )
            )
        return MeasurementList(stated, tuple(rows), np.array([band for band, _, _ in bands]))

    def _scale(self, records: Sequence[_Record], places: Sequence[int], *, percent: bool) -> float:
        """Values are shares of 1 or per cent: by name, or since no surface reflects twice the light."""
        if not percent:
            shown = [self._number(n, cells, i) for n, cells in records for i in places if i < len(cells)]
            percent = max(shown, default=0.0) > 2
        return 0.01 if percent else 1.0

    def _numbers(self, n: int, cells: Sequence[str], places: Sequence[int]) -> F64:
        return np.array([self._number(n, cells, i) for i in places], np.float64)

    def _number(self, n: int, cells: Sequence[str], i: int) -> float:
        try:
            value = float(cells[i].replace(",", "."))
        except ValueError as error:
            raise ReadingError(
                f"{self.source}, line {n}, column {self.header[i]}: {cells[i]!r} is no number"
            ) from error
        if not math.isfinite(value):
            raise ReadingError(f"{self.source}, line {n}, column {self.header[i]}: {cells[i]} is not finite")
        return value
