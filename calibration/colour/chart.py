"""Colour charts: which patch lies where, which colour it has, and who says so: data, never constants.

A definition file is YAML or JSON; `charts/` holds those that come with Hallmark:

    id: cell-3-classic
    title: ColorChecker Classic, our own, calibrated
    edition: from November 2014
    columns: 6
    rows: 4
    illuminant: D50
    observer: "2"
    geometry: 45/0
    u_delta_e: 0.3               # every patch that does not state its own
    patch_to_pitch: 0.88
    grey: ["19", "20", "21", "22", "23", "24"]
    serial: "0417"
    certificate: DKD-K-12345 2026-03
    expires: 2028-03-01
    source: laboratory's certificate
    patches:                     # row by row, from the chart's own top left
      - {id: "1", name: dark skin, lab: [37.54, 14.37, 14.92], u_delta_e: 0.25}
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

import numpy as np
import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from calibration.colour.metric import ciede2000_root
from calibration.colour.readings import MeasuredColours
from calibration.errors import ChartError
from golden.colours import Geometry, Illuminant, Observer, Specular
from golden.regions import Closed
from kernels.compiled import F64, I64

LARGEST_FILE = 500_000
FURTHEST = 10.0  # Delta E that a chart may lie off its published values, faded and of another make


def _text(value: object) -> object:
    """A number that YAML read where a name was meant: 19 for "19"."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


PatchId = Annotated[str, BeforeValidator(_text), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Lab = tuple[
    Annotated[float, Field(ge=0, le=100)],
    Annotated[float, Field(ge=-200, le=200)],
    Annotated[float, Field(ge=-200, le=200)],
]
UDeltaE = Annotated[float, Field(ge=0, le=20)]


class ChartPatch(Closed):
    """One patch.

    Attributes:
        id: what tables call it; unique on its chart.
        name: in words.
        lab: L*a*b* under the chart's illuminant and observer.
        u_delta_e: standard uncertainty of `lab` as the patch's own colour: the root mean square of the
            CIEDE2000 between both.
    """

    id: PatchId
    name: Annotated[str, Field(min_length=1, max_length=100)]
    lab: Lab
    u_delta_e: UDeltaE


class Chart(Closed):
    """A chart of uniform patches on a square grid.

    Attributes:
        id: of this definition; built-in ones name their edition, since editions differ by about 1 Delta E.
        title: in words.
        edition: which make of the chart, in words; "" where there is one only.
        columns: patches along a row, as one reads the chart.
        rows: rows.
        patches: row by row from the chart's own top left.
        illuminant: for which the L*a*b* hold, CIE's name.
        observer: "2" or "10" degrees.
        geometry: of the instrument that measured them.
        specular: SCI or SCE of an instrument with a sphere; None at 45/0.
        patch_to_pitch: side of a patch over the distance between centres of neighbours.
        grey: ids of neutral patches, from light to dark.
        serial: number of this chart; None for published values of all charts of an edition.
        certificate: reference of its calibration certificate.
        expires: last day on which the values hold.
        source: where values and uncertainty come from.
    """

    id: PatchId
    title: Annotated[str, Field(min_length=1, max_length=200)]
    edition: Annotated[str, Field(max_length=200)] = ""
    columns: Annotated[int, Field(ge=1, le=100)]
    rows: Annotated[int, Field(ge=1, le=100)]
    illuminant: Illuminant
    observer: Observer
    geometry: Geometry
    specular: Specular | None = None
    patch_to_pitch: Annotated[float, Field(gt=0.2, le=1)]
    grey: tuple[PatchId, ...] = ()
    serial: Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=128)] | None = None
    certificate: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    expires: date | None = None
    source: Annotated[str, Field(min_length=1, max_length=2000)]
    patches: Annotated[tuple[ChartPatch, ...], Field(min_length=3, max_length=2000)]

    @model_validator(mode="before")
    @classmethod
    def _share_uncertainty(cls, data: object) -> object:
        if not isinstance(data, dict) or "u_delta_e" not in data:
            return cast("object", data)
        fields = dict(cast("dict[str, Any]", data))
        common = fields.pop("u_delta_e")
        patches: object = fields.get("patches")
        if isinstance(patches, list | tuple):
            fields["patches"] = [
                {"u_delta_e": common, **cast("dict[str, Any]", patch)} if isinstance(patch, dict) else patch
                for patch in cast("Sequence[object]", patches)
            ]
        return fields

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ids = [patch.id for patch in self.patches]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"patches: id {', '.join(twice)} occurs twice: give each patch its own")
        if len(ids) != self.columns * self.rows:
            raise ValueError(
                f"patches: {len(ids)} are listed, {self.columns} columns x {self.rows} rows need "
                f"{self.columns * self.rows}: add what is missing, or correct columns and rows"
            )
        if unknown := [i for i in self.grey if i not in ids]:
            raise ValueError(f"grey: {', '.join(unknown)} is no patch of this chart")
        light = [self.patches[ids.index(i)].lab[0] for i in self.grey]
        if light != sorted(light, reverse=True):
            raise ValueError("grey: L* must fall from patch to patch: order the ids from light to dark")
        return self

    @property
    def lab(self) -> F64:
        """L*a*b* of the patches, (n, 3)."""
        return np.array([patch.lab for patch in self.patches], np.float64)

    @property
    def u_delta_e(self) -> F64:
        """Standard uncertainty of every patch's values, CIEDE2000, (n,)."""
        return np.array([patch.u_delta_e for patch in self.patches], np.float64)

    def index(self, patch_id: str) -> int:
        """Return where a patch stands in `patches`.

        Raises:
            ChartError: the chart has no such patch.
        """
        for i, patch in enumerate(self.patches):
            if patch.id == patch_id:
                return i
        raise ChartError(f"chart {self.id} has no patch {patch_id!r}: its first is {self.patches[0].id!r}")

    def expired(self, today: date) -> bool:
        """Return whether its values no longer hold."""
        return self.expires is not None and today > self.expires

    @staticmethod
    def known() -> tuple[str, ...]:
        """Return the names of the charts that come with Hallmark."""
        folder = files("calibration.colour") / "charts"
        return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml")))

    @classmethod
    def open(cls, name_or_path: Path | str) -> Self:
        """Read a chart by its built-in name, or from a definition file.

        What ends in .yaml, .yml or .json or has a folder in it is a file; all else is a name.

        Raises:
            ChartError: no such chart, a name that fits several editions (the message lists them), or a file
                that cannot be read or does not fit.
        """
        path = Path(name_or_path)
        if path.suffix.lower() in {".yaml", ".yml", ".json"} or path.name != str(name_or_path):
            try:
                return cls.parse(path.read_bytes(), source=str(path))
            except OSError as error:
                raise ChartError(
                    f"{path}: {error.strerror}: correct the path, or make the file readable"
                ) from error
        name, known = path.name.lower(), cls.known()
        if name in known:
            resource = files("calibration.colour") / "charts" / f"{name}.yaml"
            return cls.parse(resource.read_bytes(), source=f"chart {name}")
        if editions := [each for each in known if each.startswith(name + "-")]:
            raise ChartError(
                f"chart {name!r} was made in editions that differ by about 1 Delta E: write one of "
                f"{', '.join(editions)} (the chart's back tells its date)"
            )
        raise ChartError(
            f"chart {name!r} is not known: write one of {', '.join(known)}, "
            "or the path of a definition (.yaml)"
        )

    @classmethod
    def parse(cls, data: bytes, *, source: str) -> Self:
        """Read a definition's bytes; `source` names them in messages.

        Raises:
            ChartError: as `open`.
        """
        if len(data) > LARGEST_FILE:
            raise ChartError(f"{source}: {len(data)} bytes are too many for a chart's definition")
        try:
            loaded: object = yaml.load(data.decode("utf-8"), Loader=_Loader)  # noqa: S506 safe, see _Loader
        except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
            raise ChartError(f"{source}: not YAML or JSON: {error}") from error
        if not isinstance(loaded, dict):
            raise ChartError(f"{source}: no chart: write fields, such as columns: 6")
        return cls.checked(cast("dict[str, Any]", loaded), source=source)

    @classmethod
    def checked(cls, fields: dict[str, Any], *, source: str) -> Self:
        """Make a chart of fields.

        Raises:
            ChartError: they do not fit; the message names the field, and the patch by its id.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise ChartError(f"{source}: {_sentence(error, fields)}") from error

    @classmethod
    def from_readings(
        cls,
        colours: MeasuredColours,
        *,
        columns: int,
        rows: int,
        listed_by: Literal["rows", "columns"] = "rows",
        u_delta_e: float | None = None,
        **fields: object,
    ) -> Self:
        """Make a chart of a product's own swatches as a spectrophotometer measured them.

        Args:
            colours: one for each place of the grid.
            columns: swatches along a row.
            rows: rows.
            listed_by: whether the list goes row by row or column by column, from the top left.
            u_delta_e: standard uncertainty, CIEDE2000, of colours for which the list states none.
            fields: other fields of the chart; `id` is needed.

        Raises:
            ChartError: they do not fit the grid, or no uncertainty or geometry is stated.
        """
        count = len(colours.ids)
        if count != columns * rows:
            raise ChartError(
                f"{colours.source}: {count} colours are listed, {columns} columns x {rows} rows need "
                f"{columns * rows}: correct columns and rows, or the list"
            )
        order = np.arange(count)
        if listed_by == "columns":
            order = order.reshape(columns, rows).T.ravel()
        u = _u_delta_e(colours, u_delta_e)
        conditions = colours.conditions
        stated: dict[str, Any] = {
            "title": f"Swatches of {colours.source}",
            "columns": columns,
            "rows": rows,
            "illuminant": conditions.illuminant,
            "observer": conditions.observer,
            "geometry": conditions.geometry,
            "specular": conditions.specular,
            "patch_to_pitch": 0.8,
            "source": f"{colours.source}, measured with {colours.instrument}",
            "patches": [
                {
                    "id": colours.ids[i],
                    "name": colours.names[i],
                    "lab": colours.lab[i].tolist(),
                    "u_delta_e": u[i],
                }
                for i in order.tolist()
            ],
        }
        return cls.checked(stated | fields, source=colours.source)

    def certified(
        self, colours: MeasuredColours, *, u_delta_e: float | None = None, **fields: object
    ) -> Self:
        """Return this chart with its own measured values in place of the published ones.

        Colours belong to patches by id (the list's ids or names), else by name, else by order.

        Args:
            colours: one for each patch.
            u_delta_e: standard uncertainty, CIEDE2000, of colours for which the list states none.
            fields: others that change, such as `serial`, `certificate` and `expires`.

        Raises:
            ChartError: the colours are not of this chart's patches, or no uncertainty is stated.
        """
        order = self._places(colours)
        found = (colours.conditions.illuminant, colours.conditions.observer)
        if found != (self.illuminant, self.observer):
            raise ChartError(
                f"{colours.source}: its values are under {found[0]}, {found[1]} degrees, chart "
                f"{self.id} under {self.illuminant}, {self.observer} degrees: export these"
            )
        far = np.linalg.norm(
            (ciede2000_root(self.lab) @ (colours.lab[order] - self.lab)[..., None])[..., 0], axis=1
        )
        if far.max() > FURTHEST:
            worst = int(far.argmax())
            raise ChartError(
                f"{colours.source}: {colours.names[order[worst]]!r} is {far[worst]:.0f} Delta E from patch "
                f"{self.patches[worst].id} ({self.patches[worst].name}): it is another chart or another order"
            )
        u = _u_delta_e(colours, u_delta_e)
        patches = [
            patch.model_dump() | {"lab": tuple(colours.lab[i].tolist()), "u_delta_e": float(u[i])}
            for patch, i in zip(self.patches, order.tolist(), strict=True)
        ]
        stated = self.model_dump() | {
            "geometry": colours.conditions.geometry,
            "specular": colours.conditions.specular,
            "source": f"{colours.source}, measured with {colours.instrument}",
            "patches": patches,
        }
        return self.checked(stated | fields, source=colours.source)

    def _places(self, colours: MeasuredColours) -> I64:
        own_ids = [patch.id for patch in self.patches]
        own_names = [patch.name for patch in self.patches]
        for listed, own in ((colours.ids, own_ids), (colours.names, own_ids), (colours.names, own_names)):
            if sorted(listed) == sorted(own) and len(set(own)) == len(own):
                return np.array([listed.index(each) for each in own], np.int64)
        if len(colours.ids) != len(self.patches):
            raise ChartError(
                f"{colours.source}: {len(colours.ids)} colours are listed, chart {self.id} has "
                f"{len(self.patches)} patches: list them all"
            )
        return np.arange(len(own_ids), dtype=np.int64)


# libyaml reads a large chart ten times faster than the Python loader; both are safe loaders
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _u_delta_e(colours: MeasuredColours, otherwise: float | None) -> F64:
    """Standard uncertainties as CIEDE2000: each of L*, a*, b* contributes independently."""
    root: F64 = np.linalg.norm(ciede2000_root(colours.lab), axis=(-2, -1))
    out = colours.u * root
    if otherwise is None and np.isnan(out).any():
        which = colours.ids[int(np.isnan(out).argmax())]
        raise ChartError(
            f"{colours.source}: the uncertainty of colour {which} is not stated: add a column u, or say it"
        )
    return np.where(np.isnan(out), otherwise or 0.0, out)


def _sentence(error: ValidationError, fields: dict[str, Any]) -> str:
    first = error.errors(include_url=False)[0]
    where = [str(part) for part in first["loc"]]
    if len(where) > 1 and where[0] == "patches":
        patch: object = fields["patches"][int(where[1])]
        named = cast("dict[str, Any]", patch).get("id", "without id") if isinstance(patch, dict) else patch
        where[:2] = [f"patch {named} (entry {int(where[1]) + 1})"]
    place = ", ".join(where)
    if first["type"] == "missing":
        return f"{place}: this field is required: add it"
    if first["type"] == "extra_forbidden":
        return f"{place}: unknown field: remove it, or correct its spelling"
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
