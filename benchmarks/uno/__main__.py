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
from benchmarks.uno.alignment import differences, not_by_rows, recaptures
from benchmarks.uno.edits import Edit, Editor
from benchmarks.uno.layout import MM_PER_PX, PARTS, PRINTS, Box
from benchmarks.uno.sheet import write_sheet
from evidence import Frame, Inspection
from evidence.reasons import REASONS
from kernels.compiled import F64, U8
from vision import Inspector

_UNITS = ("c", "d")
_ALIGNED_PX = 0.1
_RECAPTURES = 3  # of the golden picture, with the noise of a placement: what the meter itself scatters


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


def _inspect(inspector: Inspector, pixels: U8) -> Inspection:
    return inspector.inspect({"top": Frame(pixels, b"uno", "top", "rig")}, serial=None)


def _good(name: str, record: Inspection, difference: dict[str, Any]) -> dict[str, Any]:
    """Return how an unedited placement was judged."""
    presence, pose = [c for c in record.characteristics if c.presence is not None], record.frames[0].pose
    return {
        "unit": name, **difference,
        "pose_residual_px": None if pose is None else pose.residual_px,
        "wave_px": None if pose is None else pose.wave_px,
        **_offsets(record),
        "boxes": len(record.defects),
        "boxes_mm": [(d.rule, d.size_mm, [round(v / MM_PER_PX) for v in d.box_mm]) for d in record.defects],
        "not_conforming": {c.id: c.reason for c in presence if c.decision != "conform"},
        "judged": len(presence),
    }  # fmt: skip


def _offsets(record: Inspection) -> dict[str, Any]:
    """Return how far components and prints lie from their places, pixels, and what does not go by rows."""
    seen = [(c.id, c.presence) for c in record.characteristics if c.presence and c.presence.dx_mm is not None]
    boxes = [PARTS[i].box if i in PARTS else PRINTS[i][0] for i, _ in seen]
    centres = np.array([(x + w / 2, y + h / 2) for x, y, w, h in boxes])
    offsets = np.array([(p.dx_mm, p.dy_mm) for _, p in seen], np.float64) / MM_PER_PX
    found = {"": offsets, "_not_by_rows": not_by_rows(centres, offsets)}
    told: dict[str, Any] = {
        f"offset_px_{word}{suffix}": round(float(of(np.hypot(*by.T))), 3)
        for suffix, by in found.items()
        for word, of in (("median", np.median), ("largest", np.max))
    }
    beyond = np.flatnonzero(np.hypot(*offsets.T) > _ALIGNED_PX)
    return told | {f"offset_above_{_ALIGNED_PX}_px": [seen[k][0] for k in beyond]}


def _scatter(inspector: Inspector, golden: U8, unit: U8, affine: F64) -> dict[str, float]:
    """Return what offsets the golden picture itself seems to have with the noise of a placement."""
    found = [_offsets(_inspect(inspector, taken)) for taken in recaptures(golden, unit, affine, _RECAPTURES)]
    return {
        "recaptured_px_median": round(float(np.mean([f["offset_px_median"] for f in found])), 3),
        "recaptured_px_largest": max(f["offset_px_largest"] for f in found),
    }


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


def _run(folder: Path, out: Path | None, units: tuple[str, ...], characters: bool) -> dict[str, Any]:
    picture = (folder / "golden.png").read_bytes()
    golden = _rgb(folder / "golden.png")
    begun = time.perf_counter()
    inspector = Inspector(golden_sample(picture, components=not characters), {}, stopwatch=time.perf_counter)
    report: dict[str, Any] = {"compile_s": round(time.perf_counter() - begun, 1), "good": [], "edits": {}}
    for name in units:
        unit = _rgb(folder / f"unit-{name}.png")
        affine = _affine(golden, unit)
        good = _inspect(inspector, unit)
        difference = differences(golden, unit, affine)
        report["good"].append(_good(name, good, difference) | _scatter(inspector, golden, unit, affine))
        report["timing_ms"] = good.timing_ms
        editor = Editor(unit, lambda points, a=affine: points @ a[:, :2].T + a[:, 2])
        rows: list[dict[str, Any]] = []
        shown: list[tuple[Edit, str]] = []
        for edit in editor.characters() if characters else editor.edits():
            rows.append(_judged(edit, _inspect(inspector, edit.pixels), good))
            shown.append((edit, rows[-1]["said"]))
            print(".", end="", flush=True, file=sys.stderr)
        report["edits"][name] = rows
        if out is not None:
            write_sheet(out / f"uno-{name}.png", unit, shown)
    print(file=sys.stderr)
    return report


def _gravity(said: str) -> str:
    if said in ("conforms", "nothing"):
        return "NOT FOUND"
    return REASONS[said].verdict if said in REASONS else "REJECT" if said == LINEAR else "HOLD"


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
            gravity = Counter(_gravity(r["said"]) for r in rows if r["kind"] == kind)
            print(f"  {kind:<10} " + ", ".join(f"{code} {n}" for code, n in said.most_common())
                  + f" ({', '.join(f'{n} {word}' for word, n in gravity.most_common())})")  # fmt: skip
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
    parser.add_argument(
        "--characters",
        action="store_true",
        help="instead of the edits: one character of a print changed",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    options = parser.parse_args()
    data = os.environ.get("HALLMARK_DATA")
    folder = None if data is None else Path(data) / "uno"
    if folder is None or not folder.is_dir():
        sys.exit("HALLMARK_DATA names no folder with uno/: set it to where the pictures are")
    cv2.setNumThreads(1)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    report = _run(
        folder, options.out, _UNITS if options.unit is None else (options.unit,), options.characters
    )
    print(json.dumps(report)) if options.json else _print(report)


if __name__ == "__main__":
    main()
