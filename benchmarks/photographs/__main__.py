"""Run with `python -m benchmarks.photographs [--json] [--out PICTURE.png]`."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import cv2

from benchmarks.photographs import coins, holes
from benchmarks.photographs.view import sheet


def main() -> None:
    """Measure, print, and draw what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--out", type=Path, help="write a contact sheet of the found rims (.png)")
    given = parser.parse_args()
    data = os.environ.get("HALLMARK_DATA")
    folder = Path(data) / "coins" if data else None
    results: dict[str, Any] = {"coins": None}
    tiles: list[Any] = []
    if folder is not None and folder.is_dir():
        results["coins"], tiles = coins.run(folder)
    results["holes"], more = holes.run()
    if given.out:
        cv2.imwrite(str(given.out), cv2.cvtColor(sheet(tiles + more), cv2.COLOR_RGB2BGR))
    if given.json:
        print(json.dumps(results, indent=2))
        return
    if results["coins"] is None:
        print("coins: HALLMARK_DATA names no folder with coins/; left out\n")
    else:
        _print_coins(results["coins"])
    _print_holes(results["holes"])


def _print_coins(found: dict[str, Any]) -> None:
    print("Coins: mm; corrected by the edge definition of the first three photographs, k for 95 %")
    print(
        f"{'picture':10}{'coin':8}{'measured':>9}{'U':>7}{'error':>8}{'bar':>6}  {'raw error':>9}{'seen':>6}"
    )
    for row in found["coins"]:
        held = "" if row["picture"] in coins.FROZEN_ON else "  held out"
        length = row["length"]
        print(
            f"{row['picture']:10}{row['coin']:8}{length['value']:9.3f}{length['expanded']:7.3f}"
            f"{row['error']:+8.3f}{row['bar']:6.2f}  {row['error_uncorrected']:+9.3f}{row['seen']:6.2f}"
            f"{held}{'' if row['covered'] else '  NOT COVERED'}"
        )
    for text in found["failed"]:
        print("failed:", text)
    for kind, edge in found["edge_definition_mm"].items():
        print(
            f"{kind:11} rims: radius corrected by {-edge['correction_mm']:+.4f} mm, "
            f"u common {edge['common_mm']:.4f}, u of one coin {edge['local_mm']:.4f}"
        )
    for name in ("frozen", "held_out", "all"):
        s = found[name]
        wide = ", ".join(f"{kind} {u:.3f}" for kind, u in s["greatest_U_mm"].items() if u is not None)
        print(
            f"{name:9} {s['coins']} coins: median error {s['median_error_mm']:.3f} "
            f"(uncorrected {s['median_error_uncorrected_mm']:.3f}), rms {s['rms_error_mm']:.3f}, greatest "
            f"{s['greatest_error_mm']:.3f}; within 0.10: {s['within_0.10_mm']}, within their bar: "
            f"{s['within_their_bar']} (uncorrected {s['within_their_bar_uncorrected']}), covered by U: "
            f"{s['covered']}; greatest U: {wide}"
        )
    print()


def _print_holes(found: dict[str, Any]) -> None:
    print("Mounting holes of board S4: mm at the scanner's nominal scale, U for 95 %")
    print(f"{'board':8}{'what':40}{'mm':>8}{'U':>7}{'U with scale':>14}")
    for row in found["rows"]:
        length = row["length"]
        print(
            f"{row['board']:8}{row['what']:40}{length['value']:8.3f}{length['expanded']:7.3f}"
            f"{row['expanded_with_scale']:14.3f}"
        )
    wide = found["greatest_U_mm"]
    print(f"greatest U: diameter {wide['diameter']:.3f}, pitch {wide['pitch']:.3f}")


if __name__ == "__main__":
    main()
