# pyright: reportUnknownMemberType=false
"""A target's definition file with comments, and its board to print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from calibration import Target, TargetError
from hallmark.calibrate.drawing import to_pdf

_MARGIN = 1.0  # pitches of white around a board

_COLUMN = 34  # where comments begin
_TEMPLATE = """\
# Calibration target. Everything here goes into the certificate: lengths are traced to it.
kind: {kind}                         # chessboard, charuco or dots
columns: {columns}                   # {what} across
rows: {rows}                         # and down
# {pitch}, from the target's certificate, or measured with a caliper over as many {what} as
# possible: printers scale by up to a percent
pitch_mm: {pitch_mm}
pitch_relative_uncertainty: {pitch_relative_uncertainty}  # standard uncertainty of that, relative
feature_uncertainty_mm: {feature_uncertainty_mm}          # of each feature's own place; 0: not known
{own}
serial: {serial}                     # engraved or written on the target
certificate: {certificate}           # of its calibration; "": none, then nothing is traceable
{expires}
substrate: {substrate}               # material; paper is glued flat onto glass or metal
expansion_per_k: {expansion_per_k}   # linear, 1/K: glass 8.5e-6, aluminium 2.3e-5
temperature_c: {temperature_c}       # for which the pitch is stated
"""
_OWN = {
    "chessboard": "# first_square: black  # where it is stated, a mirrored board is recognised",
    "charuco": "marker_mm: {marker_mm}  # side of a marker\ndictionary: {dictionary}  # OpenCV's name",
    "dots": "dot_mm: {dot_mm}  # diameter of a dot\ndark_dots: {dark_dots}",
}


def to_yaml(target: Target) -> str:
    """Return the definition file, with comments; reading it gives the target."""
    fields = target.model_dump(mode="json")
    stated = {name: json.dumps(value, ensure_ascii=False) for name, value in fields.items()}
    until = "# expires: 2028-03-01" if target.expires is None else f"expires: {target.expires}"
    stated.update(
        kind=target.kind, dictionary=target.dictionary or "",
        what="dots" if target.kind == "dots" else "squares",
        pitch="Distance between centres" if target.kind == "dots" else "Side of a square",
        expires=f"{until}  # last day of that certificate",
    )  # fmt: skip
    stated["own"] = _OWN[target.kind].format(**stated)
    return "".join(map(_aligned, _TEMPLATE.format(**stated).splitlines(keepends=True)))


def _aligned(line: str) -> str:
    """Return a line of YAML with its comment where all comments begin."""
    field, mark, comment = line.partition("  #")
    return line if not mark else f"{field.rstrip():<{_COLUMN}}#{comment}"


def to_svg(target: Target) -> str:
    """Return the board at its true size as an SVG document, black on white."""
    width, height = _extent(target)
    left = top = _MARGIN * target.pitch_mm
    if target.kind == "dots":
        left, top = left + target.pitch_mm / 2, top + target.pitch_mm / 2
    shapes = "".join(_dots(target) if target.kind == "dots" else _squares(target))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" '
        f'viewBox="0 0 {width} {height}"><rect width="{width}" height="{height}" fill="{_ground(target)}"/>'
        f'<g transform="translate({left} {top})" fill="{"black" if target.dark_dots else "white"}" '
        f'shape-rendering="crispEdges">{shapes}</g></svg>'
    )


def board_bytes(target: Target, path: Path) -> bytes:
    """Return the board in the format that a path's ending asks for; TargetError for another than svg, pdf."""
    if path.suffix.lower() == ".svg":
        return to_svg(target).encode()
    if path.suffix.lower() == ".pdf":
        return to_pdf(to_svg(target), _extent(target)[0])
    raise TargetError(
        f"{path}: a board is printed from .pdf or .svg, which keep its size: choose one of them"
    )


def _extent(target: Target) -> tuple[float, float]:
    pitch = target.pitch_mm
    return (target.columns + 2 * _MARGIN) * pitch, (target.rows + 2 * _MARGIN) * pitch


def _ground(target: Target) -> str:
    return "white" if target.dark_dots else "black"


def _dots(target: Target) -> Iterator[str]:
    radius = (target.dot_mm or 0) / 2
    for x, y, _ in target.object_points().tolist():
        yield f'<circle cx="{x:.6f}" cy="{y:.6f}" r="{radius}" shape-rendering="auto"/>'


def _squares(target: Target) -> Iterator[str]:
    pitch = target.pitch_mm
    odd = target.first_square == "white" or target.legacy_pattern
    number = 0
    for row in range(target.rows):
        for column in range(target.columns):
            x, y = column * pitch, row * pitch
            if (row + column + odd) % 2 == 0:
                yield _box(x, y, pitch)
            elif target.kind == "charuco":
                yield from _marker(target, number, x, y)
                number += 1


def _marker(target: Target, number: int, x: float, y: float) -> Iterator[str]:
    name, side = target.dictionary or "", target.marker_mm or 0.0
    which = getattr(cv2.aruco, name, None)
    if not isinstance(which, int):
        raise TargetError(f"dictionary {name} is none of OpenCV's: choose one such as DICT_5X5_100")
    markers = cv2.aruco.getPredefinedDictionary(which)
    if number >= len(markers.bytesList):
        raise TargetError(f"dictionary {name} has {len(markers.bytesList)} markers only: choose a larger one")
    cells = int(markers.markerSize) + 2
    bits = np.asarray(cv2.aruco.generateImageMarker(markers, number, cells)) < 128
    margin, bit = (target.pitch_mm - side) / 2, side / cells
    for row, column in np.argwhere(bits).tolist():
        yield _box(x + margin + column * bit, y + margin + row * bit, bit)


def _box(x: float, y: float, side: float) -> str:
    return f'<rect x="{x:.6f}" y="{y:.6f}" width="{side:.6f}" height="{side:.6f}"/>'
