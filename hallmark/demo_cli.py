"""`hallmark demo`: the main job on real images with embedded defaults."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for all that the demo makes.")] = Path(
        "demo"
    ),
    seed: Annotated[int, typer.Option(min=1, max=10**6, help="Captures and places of the faults.")] = 1,
) -> None:
    """Seal a golden sample of a real board, judge a first article and a lot, decide, serve, report.

    Ends with what was found, missed and falsely stopped against the known truth. Exit code 0 if every known
    fault and the real faulty board were stopped and at most one good unit was; else 1.

    Example: `hallmark demo --out demo --seed 7`
    """
    from rich.console import Console

    from hallmark.demo.papers import write_papers
    from hallmark.demo.story import tell, tell_truth

    begun = time.monotonic()
    console = Console()
    root = _fresh(out)
    story = tell(root, seed, console)
    summary = write_papers(story, time.monotonic() - begun)
    tell_truth(story, console)
    console.print(f"[bold]Done[/] in {time.monotonic() - begun:.0f} s: {summary}", soft_wrap=True)
    sys.exit(0 if story.holds else 1)


def _fresh(out: Path) -> Path:
    """Return the folder, empty: what an earlier demo left is removed, anything else is not touched."""
    import shutil

    from hallmark.demo.errors import DemoError

    marker = out / ".hallmark-demo"
    if out.exists() and any(out.iterdir()):
        if not marker.is_file():
            raise DemoError(f"{out} is not empty and no demo made it; choose another folder with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    marker.write_text("made by hallmark demo\n")
    return out
