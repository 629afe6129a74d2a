"""What the engineer sees while pictures are looked at, and in the end."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from calibration.detection import Detection, NotDetected
from evidence import canonical_json
from hallmark.calibrate.files import write_all
from hallmark.calibrate.make import Made, Watch
from hallmark.calibrate.series import Look
from hallmark.calibrate.text import describe


@contextmanager
def feedback(total: int, *, as_json: bool) -> Generator[Watch]:
    """Give what shows each picture as it is looked at: a line for each, and a bar where a terminal is."""
    console = Console(stderr=as_json, highlight=False, markup=False, soft_wrap=True)
    bar = Progress(
        TextColumn("looking for the target"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[next]}"),
        console=console, disable=not console.is_terminal, transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=total, next="")

        def watch(look: Look) -> None:
            console.print(line(look))
            missing = None if look.coverage is None else look.coverage.missing
            bar.update(task, advance=1, next=missing or "")

        yield watch


def line(look: Look) -> str:
    """Return what one picture gave, on one line, warnings below it."""
    if isinstance(look.found, NotDetected):
        said = f"{look.path}  refused, {look.found.message}: {look.found.remedy}"
    else:
        said = f"{look.path}  {_seen(look.found)}"
    if look.coverage is not None:
        said += f"; field {look.coverage.share:.0%}"
        said += f"; next: {look.coverage.missing}" if look.coverage.missing else "; nothing is missing"
    return "\n".join([said, *(f"    warning: {warning}" for warning in look.warnings)])


def finish(made: Made, out: Path, now: datetime, *, as_json: bool) -> None:
    """Write the files, then say what was made."""
    write_all(made.files)
    if as_json:
        print(canonical_json(summary(made, out)).decode())
        return
    print(f"\n{out}")
    for told in describe(made.certificate, now, None):
        print(f"  {told}")
    if made.plane:
        print(f"  plane        {made.plane}")
    if made.coverage is not None and made.coverage.missing is not None:
        print(f"  better       {made.coverage.missing}, then calibrate again")
    for path in made.files:
        if path != out:
            print(f"  beside it    {path}")


def summary(made: Made, out: Path) -> dict[str, Any]:
    """Return what `--json` prints."""
    certificate = made.certificate
    optics = certificate.optics
    return {
        "certificate": str(out), "digest": certificate.digest, "camera": certificate.camera,
        "issued": certificate.issued.isoformat(), "valid_until": certificate.valid_until.isoformat(),
        "mm_per_px": certificate.mm_per_px, "relative_uncertainty": certificate.relative_uncertainty,
        "rms_px": None if optics is None else optics.rms_px,
        "hold_out_px": None if optics is None else optics.hold_out_px,
        "coverage": None if made.coverage is None else round(made.coverage.share, 4),
        "missing": None if made.coverage is None else made.coverage.missing,
        "pictures": [_picture(look) for look in made.looks],
        "files": sorted(str(path) for path in made.files),
    }  # fmt: skip


def _picture(look: Look) -> dict[str, Any]:
    found = look.found
    refused = isinstance(found, NotDetected)
    return {
        "path": str(look.path), "corners": 0 if refused else len(found.ids),
        "refused": found.reason if refused else None, "message": found.message if refused else None,
        "warnings": list(look.warnings),
    }  # fmt: skip


def _seen(found: Detection) -> str:
    blur = sorted(found.blur_px.tolist())[len(found.blur_px) // 2]
    left = ", ".join(f"{count} {cause}" for cause, count in found.left_out.items() if count)
    return f"{len(found.ids)} corners, blur {blur:.2f} px{f', left out {left}' if left else ''}"
