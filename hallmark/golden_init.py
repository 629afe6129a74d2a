"""A first specification: a part's pictures, the whole of each as a zone, and what its category usually asks.

A category is a file of `hallmark/categories` of two YAML documents: its title and how a person looks at such
parts, then the specification's remaining sections with comments. `$words` stand for what the pictures say.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from golden import images
from golden.authoring import parse_spec
from golden.errors import ImageError, SpecError
from golden.images import ImageHeader
from golden.regions import Identifier

MARGIN = 20  # parts of the picture's side that a zone keeps away from each edge
GENERAL = "general"
_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


def categories() -> tuple[str, ...]:
    """Return the names of the categories that a first specification can start from, in order."""
    files = importlib.resources.files("hallmark").joinpath("categories").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def write_first_spec(
    folder: Path,
    *,
    part: str,
    revision: str,
    views: Sequence[tuple[str, Path]],
    mm_per_px: float,
    supplier: str,
    buyer: str,
    category: str = GENERAL,
) -> Path:
    """Write `folder/golden.yaml` and copy the images of the views beside it; return the path of the YAML.

    Raises:
        SpecError: there is no such category, a file is in the way, or a name does not fit a specification;
            then nothing is written.
        ImageError: an image is missing or unreadable; then nothing is written.
    """
    target = folder / "golden.yaml"
    if category not in categories():
        raise SpecError(f"no category {category!r}: choose one of {', '.join(categories())}")
    if not views:
        raise SpecError("no view: give at least one picture with --image")
    if len(dict(views)) < len(views):
        raise SpecError("a view is given twice with --image: give each view one picture")
    _check_names({part: "part number", revision: "revision", **{view: "name of a view" for view, _ in views}})
    if not mm_per_px > 0:
        raise SpecError(f"a scale of {mm_per_px:g} mm per pixel: give --mm-per-px above 0")
    files = {view: _read(path) for view, path in views}
    headers = {view: images.header(files[view], str(path)) for view, path in views}
    text = _text(category, part, revision, headers, mm_per_px, supplier, buyer)
    spec = parse_spec(text, str(target))
    copies = {folder / view.image: files[view.id] for view in spec.views}
    for path in (target, *copies):
        if path.exists():
            raise SpecError(f"{path} exists and is not overwritten: choose another folder")
    try:
        for path, data in copies.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SpecError(f"{folder}: {error.strerror}: choose a folder that can be written to") from error
    return target


def _check_names(names: dict[str, str]) -> None:
    """Refuse what a specification would refuse of a file that nobody has written yet."""
    for given, what in names.items():
        try:
            _IDENTIFIER.validate_python(given)
        except ValidationError as error:
            raise SpecError(
                f"{given!r} as {what}: write 1 to 64 letters, digits, dots, dashes and underscores, a letter "
                "or digit first"
            ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}: give a PNG or JPEG file") from error


def _text(
    category: str,
    part: str,
    revision: str,
    headers: dict[str, ImageHeader],
    mm_per_px: float,
    supplier: str,
    buyer: str,
) -> str:
    intro, _, sections = _packaged(f"categories/{category}.yaml").partition("\n---\n")
    told: dict[str, Any] = yaml.safe_load(intro)
    viewing = ", ".join(f"{name}: {value}" for name, value in told["viewing"].items())
    suffix = {"png": "png", "jpeg": "jpg"}
    optional = Template(_packaged("golden_view.yaml")).substitute(split_mm=f"{100 * mm_per_px:.2g}")
    views = [
        f"  - id: {_quoted(view)}\n    image: {_quoted(f'images/{view}.{suffix[h.format]}')}\n"
        f"    width_px: {h.width}\n    height_px: {h.height}\n    mm_per_px: {mm_per_px}\n{optional}"
        for view, h in headers.items()
    ]
    zones = [
        f"  - id: {_quoted(view)}\n    name: {_quoted(f'Whole of view {view}')}\n    view: {_quoted(view)}\n"
        f"    region: {_inset(h)}\n    viewing: {{{viewing}}}"
        for view, h in headers.items()
    ]
    first, header = next(iter(headers.items()))
    return Template(f"{_packaged('golden_template.yaml')}\n{sections}").substitute(
        category=category,
        title=told["title"],
        part=_quoted(part),
        revision=_quoted(revision),
        supplier=_quoted(supplier),
        buyer=_quoted(buyer),
        view=_quoted(first),
        region=_inset(header),
        zone_ids=", ".join(map(_quoted, headers)),
        views="".join(views),
        viewing_notes="\n".join(line for line in intro.splitlines() if line.startswith("#")),
        zones="\n".join(zones),
        smallest_mm=f"{3 * mm_per_px:.2g}",
    )


def _packaged(name: str) -> str:
    return importlib.resources.files("hallmark").joinpath(name).read_text("utf-8")


def _inset(h: ImageHeader) -> str:
    """Return the picture without a margin: a unit is never placed quite like the golden sample."""
    x, y = h.width // MARGIN, h.height // MARGIN
    return f"{{type: rectangle, x: {x}, y: {y}, width: {h.width - 2 * x}, height: {h.height - 2 * y}}}"


def _quoted(text: str) -> str:
    """Return the text as a double-quoted YAML scalar (JSON is one)."""
    return json.dumps(text, ensure_ascii=False)
