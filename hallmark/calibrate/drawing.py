"""SVG documents as PNG and PDF files, set by typst with the fonts of this distribution."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, cast

import typst

_set: Any = typst.compile  # its published types do not know documents of several virtual files


def to_png(svg: str) -> bytes:
    """Return a drawing as a PNG file, 1500 px wide."""
    return _compiled(svg, "width: 750pt", format="png", ppi=144)


def to_pdf(svg: str, width_mm: float) -> bytes:
    """Return a drawing of this width as a PDF file of one page of its size."""
    return _compiled(svg, f"width: {width_mm}mm", format="pdf")


def _compiled(svg: str, size: str, **options: Any) -> bytes:  # noqa: ANN401 (typst's own)
    main = f'#set page(width: auto, height: auto, margin: 0pt)\n#image("/drawing.svg", {size})'
    fonts = [str(files("font_source_sans_pro") / "files")]
    made: Any = _set(
        {"main": main.encode(), "/drawing.svg": svg.encode()},
        font_paths=fonts,
        ignore_system_fonts=True,
        **options,
    )
    return cast("list[bytes]", made)[0] if isinstance(made, list) else bytes(made)
