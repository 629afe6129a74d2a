"""Run with `python -m benchmarks.colorchecker [--json] [--drawn COUNT] [--out SHEET.jpg]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import cv2

from benchmarks.colorchecker import characterise, detection
from benchmarks.colorchecker.sheet import sheet


def main() -> None:
    """Find charts, characterise, print; exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--drawn", type=int, default=0, help="charts, and traps, to draw and look for (200)")
    parser.add_argument("--out", type=Path, help="write a contact sheet of charts and traps (.jpg)")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    data = os.environ.get("HALLMARK_DATA")
    folder = Path(data) / "colorchecker" if data else None
    if folder is None or not folder.is_dir():
        sys.exit("HALLMARK_DATA names no folder with colorchecker/: set it to where the photographs are")
    seen, tiles = detection.run(folder, folder.parent, given.drawn)
    if given.out:
        cv2.imwrite(str(given.out), sheet(tiles)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    found = characterise.run(folder / "industrial")
    good = detection.passed(seen) and characterise.passed(found)
    if given.json:
        print(json.dumps({"detection": seen, "characterise": found, "passed": good}, indent=2))
    else:
        _print_detection(seen)
        _print_characterise(found)
        print("all bars kept" if good else "A BAR IS MISSED")
    sys.exit(0 if good else 1)


def _print_detection(found: dict[str, Any]) -> None:
    print("A chart in photographs: score, score of the best other orientation, CPU time; found when turned")
    for row in found["photographs"]:
        print(
            f"{row['name']:22}{'found' if row['found'] else 'MISSED':8}{row['score']:6.2f}"
            f"{row['runner_up']:6.2f}{row['seconds']:7.2f} s  {row['turned']} of 3"
        )
    print(f"\nTraps; half of the least score is {found['half']:.2f}")
    for kind in dict.fromkeys(trap["kind"] for trap in found["traps"]):
        traps = [trap for trap in found["traps"] if trap["kind"] == kind]
        said = _counts(dict(Counter(trap["reason"] for trap in traps)))
        greatest = max(trap["score"] for trap in traps)
        score = "the chart is there" if traps[0]["chart_there"] else f"greatest score {greatest:.2f}"
        print(f"{kind:20}{score:24}{max(t['seconds'] for t in traps):6.2f} s  {said}")
    if found["drawn"]:
        print("\nDrawn by the twin: any camera, lamp, angle, size, clutter, encoding and blur")
        for kind, row in found["drawn"].items():
            error = row["greatest_error_px"]
            off = (
                "" if error is None else f"; corners {row['median_error_px']:.2f} px off, at most {error:.2f}"
            )
            print(f"{kind:20}{row['right']:4d} of {row['pictures']:4d} right: {_counts(row['said'])}{off}")
    print()


def _print_characterise(found: dict[str, Any]) -> None:
    print("An industrial camera by its chart: CIEDE2000, patches left out in turn, flat field by the chart")
    print(f"The rule, stated beforehand: {found['rule']}.\n")
    print(
        f"{'light':6}{'values':12}{'patches':>8}{'fitted':>8}{'median':>8}{'left out':>10}{'median':>8}"
        f"{'p95':>6}{'max':>6}{'no flat':>9}  colour-science's best (mean, median)"
    )
    for row in found["rows"]:
        fitted, apart, best = row["fitted"], row["left_out"], row["colour_science"]["best"]
        print(
            f"{row['light']:6}{row['edition']:12}{apart['patches']:8d}{fitted['mean']:8.2f}"
            f"{fitted['median']:8.2f}{apart['mean']:10.2f}{apart['median']:8.2f}{apart['p95']:6.2f}"
            f"{apart['max']:6.2f}{row['no_flat_field']['mean']:9.2f}  {best['mean']:.2f}, "
            f"{best['median']:.2f} {best['name']}"
        )
    bars = found["bars"]
    print(f"bars: left out {bars['mean']}, median {bars['median']}, and colour-science's best mean\n")
    for row in found["rows"]:
        _print_row(row)
    print("\nA certificate of one light read under another:")
    for check in found["checks"]:
        print(
            f"{check['edition']:12}{check['trained']:5}under {check['used']:5}{check['verdict']:12}"
            f"{check['red']:+7.1%} red {check['blue']:+7.1%} blue, chart {check['delta_e']:5.2f} "
            f"({check['balanced']:.2f} balanced; {check['expected']:.2f} when made); "
            f"a grey alone says {check['grey_alone']}"
        )
    print()


def _print_row(row: dict[str, Any]) -> None:
    out = ", ".join(f"{name} {why}" for name, why in row["excluded"].items()) or "none"
    print(
        f"{row['light']}, {row['edition']}: {row['linearity']['verdict']}: {row['linearity']['evidence']}; "
        f"light is {row['unevenness']:.0%} uneven from corner patch to corner patch; excluded: {out}; "
        f"{row['seconds']:.2f} s"
    )
    print(f"  chosen: {row['recipe']}; in the folds: {_counts(row['folds'])}")
    kinds = "; ".join(f"{name} {e['mean']:.2f}/{e['median']:.2f}" for name, e in row["one_recipe"].items())
    print(f"  one model in all folds: {kinds}")


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in sorted(counted.items(), key=lambda c: -c[1]))


if __name__ == "__main__":
    main()
