"""Run the benchmark and print; see `benchmarks.uno`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.uno.agreement import LINEAR, golden_sample
from benchmarks.uno.edits import Edit, Editor
from benchmarks.uno.layout import MM_PER_PX, PARTS, PRINTS, Box
from benchmarks.uno.sheet import write_sheet
from evidence import Frame, Inspection
from kernels.compiled import F64, U8
from vision import Inspector

_UNITS = ("c", "d")
_EDGE = 8  # pixels where the aligned picture has no codes of its own


def _rgb(path: Path) -> U8:
    return np.asarray(
        cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8
    )


def _affine(golden: U8, unit: U8) -> F64:
    """Return the affine map from golden to unit by OpenCV's ECC: edits do not hang on this project."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (golden, unit)]
    start = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-6)
    return np.asarray(
        cv2.findTransformECC(grey[0], grey[1], start, cv2.MOTION_AFFINE, criteria)[1], np.float64
    )


def _difference(golden: U8, unit: U8, affine: F64) -> dict[str, Any]:
    """Return how many codes an aligned placement differs beyond a tolerance of 2 px."""
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(unit, affine, (golden.shape[1], golden.shape[0]), flags=flags)
    lit = (golden.min(axis=2) > 20) & (golden.max(axis=2) < 240)
    gain = np.median((golden[lit] + 1.0) / (moved[lit] + 1.0), axis=0)  # another exposure is no defect
    moved = np.clip(np.round(moved * gain), 0, 255).astype(np.uint8)
    kernel = np.ones((5, 5), np.uint8)
    low, high = cv2.erode(golden, kernel), cv2.dilate(golden, kernel)
    beyond = np.maximum(cv2.subtract(moved, high), cv2.subtract(low, moved)).max(axis=2)
    beyond[:_EDGE] = beyond[-_EDGE:] = 0
    beyond[:, :_EDGE] = beyond[:, -_EDGE:] = 0
    return {"largest_codes": int(beyond.max()), "above_40": int((beyond > 40).sum())}


def _inspect(inspector: Inspector, pixels: U8) -> Inspection:
    return inspector.inspect({"top": Frame(pixels, b"uno", "top", "rig")}, serial=None)


def _good(name: str, record: Inspection, difference: dict[str, Any]) -> dict[str, Any]:
    """Return how an unedited placement was judged."""
    presence = [c for c in record.characteristics if c.presence is not None]
    offsets = [c.value / MM_PER_PX for c in presence if c.value is not None]
    return {
        "unit": name, **difference,
        "pose_residual_px": None if record.frames[0].pose is None else record.frames[0].pose.residual_px,
        "offset_px_median": round(float(np.median(offsets)), 3), "offset_px_largest": round(max(offsets), 3),
        "boxes": len(record.defects),
        "boxes_mm": [(d.rule, d.size_mm, [round(v / MM_PER_PX) for v in d.box_mm]) for d in record.defects],
        "not_conforming": {c.id: c.reason for c in presence if c.decision != "conform"},
        "judged": len(presence),
    }  # fmt: skip


def _overlaps(box: Box, other: Any) -> bool:
    (x, y, w, h), (a, b, c, d) = box, other
    return x < a + c and a < x + w and y < b + d and b < y + h


def _judged(edit: Edit, record: Inspection, good: Inspection) -> dict[str, Any]:
    """Return what was said of an edit, and what else was said that is not so of the unedited placement."""
    results = {c.id: c for c in record.characteristics}
    if edit.kind == "scratch":
        known = {d.box_mm for d in good.defects}
        hits = [d for d in record.defects if _overlaps(edit.box, [v / MM_PER_PX for v in d.box_mm])]
        said = next(
            (
                d.rule or "unclassified"
                for d in sorted(hits, key=lambda d: -d.size_mm)
                if d.box_mm not in known
            ),
            "nothing",
        )
    else:
        said = results[edit.subject].reason or "conforms"
    fine = {c.id for c in good.characteristics if c.decision == "conform"}
    others = {
        c.id: c.reason
        for c in record.characteristics
        if c.presence is not None
        and c.id != edit.subject
        and c.id in fine
        and c.decision != "conform"
        and not _touches(edit, c.id)
    }
    presence = None if edit.kind == "scratch" else results[edit.subject].presence
    return {
        "what": edit.what, "kind": edit.kind, "expected": edit.expected, "said": said,
        "verdict": record.verdict, "boxes": len(record.defects), "others": others,
        "found": said not in ("conforms", "nothing"), "named": said == edit.expected,
        "presence": None if presence is None else presence.model_dump(exclude_none=True),
    }  # fmt: skip


def _touches(edit: Edit, characteristic: str) -> bool:
    """Return whether an edit reaches into another characteristic's region: a print on a removed body."""
    box = PARTS[characteristic].box if characteristic in PARTS else PRINTS[characteristic][0]
    x, y, w, h = edit.box
    reach = 14 if edit.kind == "shifted" else max(abs(w - h) // 2, 0) + 6 if edit.kind == "turned" else 6
    return _overlaps((x - reach, y - reach, w + 2 * reach, h + 2 * reach), box)


def _run(folder: Path, out: Path | None, units: tuple[str, ...]) -> dict[str, Any]:
    picture = (folder / "golden.png").read_bytes()
    golden = _rgb(folder / "golden.png")
    begun = time.perf_counter()
    inspector = Inspector(golden_sample(picture), {}, stopwatch=time.perf_counter)
    report: dict[str, Any] = {"compile_s": round(time.perf_counter() - begun, 1), "good": [], "edits": {}}
    for name in units:
        unit = _rgb(folder / f"unit-{name}.png")
        affine = _affine(golden, unit)
        good = _inspect(inspector, unit)
        report["good"].append(_good(name, good, _difference(golden, unit, affine)))
        report["timing_ms"] = good.timing_ms
        editor = Editor(unit, lambda points, a=affine: points @ a[:, :2].T + a[:, 2])
        rows: list[dict[str, Any]] = []
        shown: list[tuple[Edit, str]] = []
        for edit in editor.edits():
            rows.append(_judged(edit, _inspect(inspector, edit.pixels), good))
            shown.append((edit, rows[-1]["said"]))
            print(".", end="", flush=True, file=sys.stderr)
        report["edits"][name] = rows
        if out is not None:
            write_sheet(out / f"uno-{name}.png", unit, shown)
    print(file=sys.stderr)
    return report


def _print(report: dict[str, Any]) -> None:
    print(f"golden sample of {len(PARTS)} components and {len(PRINTS)} prints; {LINEAR} names scratches")
    print(f"compiled in {report['compile_s']} s; one unit, ms: {report['timing_ms']}")
    for good in report["good"]:
        print(f"\nplacement {good['unit']} as it is: {good['boxes']} boxes (at most 2 wanted)")
        for key, value in good.items():
            print(f"  {key:<18} {value}")
    for name, rows in report["edits"].items():
        print(f"\nedits of placement {name}: {len(rows)}, found {sum(r['found'] for r in rows)}, "
              f"named {sum(r['named'] for r in rows)}")  # fmt: skip
        for kind in dict.fromkeys(r["kind"] for r in rows):
            said = Counter(r["said"] for r in rows if r["kind"] == kind)
            print(f"  {kind:<10} " + ", ".join(f"{code} {n}" for code, n in said.most_common()))
        for row in rows:
            if not row["named"] or row["others"]:
                print(
                    f"    {row['what']}: {row['said']}; {row['presence']}; beside it: {row['others'] or '-'}"
                )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.uno", description="Real edits of a real board."
    )
    parser.add_argument(
        "out", nargs="?", type=Path, help="folder for the contact sheets, which are not published"
    )
    parser.add_argument("--unit", choices=_UNITS, help="only one of the placements")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    options = parser.parse_args()
    data = os.environ.get("HALLMARK_DATA")
    folder = None if data is None else Path(data) / "uno"
    if folder is None or not folder.is_dir():
        sys.exit("HALLMARK_DATA names no folder with uno/: set it to where the pictures are")
    cv2.setNumThreads(1)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    report = _run(folder, options.out, _UNITS if options.unit is None else (options.unit,))
    print(json.dumps(report)) if options.json else _print(report)


if __name__ == "__main__":
    main()
