# ruff: noqa: E501 (tables of figures)
"""A first article, a faulty unit and a lot of board S4 to make papers of; figures invented, pictures real."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from datasets import pcb_s4
from evidence import Inspection, Pose, complete, sha256
from golden.conformity import decide
from golden.sample import GoldenSample
from golden.seal import Signature as SealSignature
from golden.spec import DecisionRule, GoldenSpec
from hallmark.report import DemoSummary, HttpExample, Link, Step, UnitLine
from quality import (
    Draw,
    EnteredResult,
    FirstArticleDecision,
    Nonconformance,
    OqcDecision,
    UnitFindings,
    decide_outgoing,
    draw,
    first_article,
    oqc_plans,
)

MM_PER_PX = 25.4 / 1200
DIGEST = "sha256:" + "5b3c9f0e" * 8
FAULTY_DIGEST = sha256(pcb_s4.faulty_scan())
HOLES = {"a": (172.0, 182.0), "b": (1525.0, 184.0), "c": (140.0, 1762.0), "d": (1512.0, 1757.0)}
VIEWING = {"distance_mm": 400, "time_s": 8, "illuminance_lx": 1000}


def scan(data: bytes) -> npt.NDArray[np.uint8]:
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    return np.ascontiguousarray(bgr[..., ::-1])


def good_picture() -> npt.NDArray[np.uint8]:
    return scan(pcb_s4.good_scan())


def faulty_picture() -> npt.NDArray[np.uint8]:
    return scan(pcb_s4.faulty_scan())


def _hole(name: str) -> dict[str, object]:
    return {"center_px": HOLES[name], "radius_px": 68.0, "inside": "dark"}


def _dimension(number: int, name: str, feature: dict[str, object], nominal: float) -> dict[str, object]:
    return {
        "kind": "dimension", "number": number, "id": f"d{number}", "name": name, "severity": "major",
        "feature": {"view": "top", **feature}, "nominal": nominal, "lower": nominal - 0.1, "upper": nominal + 0.1,
    }  # fmt: skip


def _colour(number: int, name: str, x: float, y: float, w: float, h: float) -> dict[str, object]:
    region = {"type": "rectangle", "x": x, "y": y, "width": w, "height": h}
    return {
        "kind": "colour", "number": number, "id": f"c{number}", "name": name, "severity": "minor",
        "view": "top", "region": region, "upper": 3.0, "decision": {"rule": "simple"},
    }  # fmt: skip


def board() -> GoldenSpec:
    """The specification of board S4: six dimensions, three colours, a surface, a material, a function."""
    characteristics = [
        *(
            _dimension(i, f"Mounting hole {n.upper()}, diameter", {"type": "circle_diameter", "circle": _hole(n)}, 2.9)
            for i, n in enumerate("abc", start=1)
        ),
        *(
            _dimension(i, f"Pitch {a.upper()} to {b.upper()}", {"type": "centre_distance", "a": _hole(a), "b": _hole(b)}, mm)
            for i, (a, b, mm) in enumerate((("a", "b", 28.64), ("a", "c", 33.45), ("c", "d", 29.04)), start=4)
        ),
        _dimension(
            7,
            "Supply track, width",
            {"type": "edge_width", "start_px": (440, 1180), "end_px": (530, 1180), "band_px": 60, "inside": "bright"},
            0.76,
        ),
        _colour(8, "Copper, upper plane", 640, 330, 240, 120),
        _colour(9, "Base material, right", 1440, 900, 140, 260),
        _colour(10, "Copper, lower plane", 1120, 1180, 160, 160),
        {"kind": "surface", "number": 11, "id": "s11", "name": "Copper side, no deviation beyond the catalogue",
         "severity": "major", "zones": ["circuit"]},
        {"kind": "material", "number": 12, "id": "m12", "name": "Base material FR-4, 35 µm copper", "severity": "major",
         "method": "certificate 3.1 of the laminate lot"},
        {"kind": "functional", "number": 13, "id": "f13", "name": "Insulation, net 1 to net 2", "severity": "critical",
         "method": "500 V DC, 60 s", "unit": "MΩ", "lower": 100.0},
    ]  # fmt: skip
    zone = {"type": "rectangle", "x": 190, "y": 240, "width": 1230, "height": 1440}
    return GoldenSpec.model_validate({
        "part": {"number": "S4", "revision": "A", "name": "Control board S4, copper side"},
        "parties": [{"name": "Nordlicht Leiterplatten GmbH", "role": "supplier"},
                    {"name": "Meridian Instruments Ltd", "role": "buyer"}],
        "views": [{"id": "top", "image": "images/top.jpg", "width_px": 1663, "height_px": 1888,
                   "mm_per_px": MM_PER_PX}],
        "characteristics": characteristics,
        "zones": [{"id": "circuit", "name": "Circuit", "view": "top", "region": zone, "viewing": VIEWING}],
        "catalogue": {
            "smallest_mm": 0.3,
            "rules": [
                {"id": "bridge", "defect_class": "short", "severity": "major",
                 "description": "Copper or solder joins two conductors"},
                {"id": "stained", "defect_class": "stain", "severity": "minor", "description": "Stain"},
                {"id": "polish", "defect_class": "scratch", "severity": "allowed", "description": "Polishing marks"},
                {"id": "large", "defect_class": "unclassified", "from_mm": 2.0, "severity": "major"},
                {"id": "small", "defect_class": "unclassified", "to_mm": 0.5, "severity": "allowed"},
            ],
            "counts": [
                {"id": "crowd", "classes": ["stain"], "weighed": ["minor"], "at_least": 2, "severity": "major",
                 "description": "Two stains or more"},
            ],
        },
        "plans": {},
    })  # fmt: skip


KEYS = {"supplier": "sha256:" + "a1" * 32, "buyer": "sha256:" + "b2" * 32}


def sample(spec: GoldenSpec | None = None, *, picture: bytes | None = None) -> GoldenSample:
    """The sealed golden sample of board S4; `picture` stands for its golden picture's file."""
    spec = spec or board()
    return GoldenSample(
        spec=spec, digest=DIGEST, version=2, issued=datetime(2026, 11, 1, tzinfo=UTC), expires=None, predecessor=None,
        images={"images/top.jpg": pcb_s4.good_scan() if picture is None else picture},
        signatures=tuple(SealSignature(KEYS[p.role], p.name, p.role) for p in spec.parties),
    )  # fmt: skip


def unit(
    spec: GoldenSpec,
    serial: str,
    *,
    shift: float = 0.0,
    defects: tuple[dict[str, object], ...] = (),
    pose: Pose | None = None,
    reasons: tuple[str, ...] = (),
    frame: str = "sha256:" + "7" * 64,
    **more: Any,
) -> Inspection:
    """A unit whose dimensions lie `shift` mm above nominal; `frame` is the digest of its only frame."""
    results: list[dict[str, object]] = []
    for c in spec.characteristics:
        if c.kind in ("material", "functional"):
            continue
        value, unit_, u, limits = 1.0 * len(defects), None, None, (None, None, 0.0)
        if c.kind == "dimension":
            value, unit_, u = c.nominal + shift + 0.007 * (c.number - 4), "mm", 0.0113
            limits = (c.nominal, c.lower, c.upper)
        elif c.kind == "colour":
            value, unit_, u, limits = 0.62 + 0.11 * c.number, "CIEDE2000", 0.21, (None, None, c.upper)
        decision = decide(
            value, u or 0.0, limits[1], limits[2], c.decision if u else DecisionRule(rule="simple")
        )
        results.append({
            "id": c.id, "name": c.name, "source": "vision", "value": value, "unit": unit_, "nominal": limits[0],
            "lower": limits[1], "upper": limits[2], "standard_uncertainty": u,
            "coverage_factor": None if u is None else 2.0, "rule": c.decision.model_dump(), "valid": True,
            "reason": None, "decision": decision,
        })  # fmt: skip
    if not reasons and any(r["decision"] == "nonconform" for r in results):
        reasons = ("characteristic_nonconform",)
    seen = {
        "view": "top", "camera": "cell-3/top", "digest": frame, "captured_at": "2026-11-23T08:14:09Z",
        "calibration": "sha256:" + "c4" * 32, "pose": None if pose is None else pose.model_dump(),
    }  # fmt: skip
    return complete({
        "part": "S4", "revision": "A", "serial": serial, "lot": "DEMO-1", "station": "cell-3", "sequence": 1,
        "golden": {"digest": DIGEST, "version": 2}, "model": None, "frames": [seen], "characteristics": results,
        "defects": defects, "verdict": "REJECT" if reasons else "ACCEPT", "reasons": reasons,
        "versions": {"hallmark": "0.1.0", "numpy": "2.4.6", "opencv": "5.0.0"},
        "timing_ms": {"register": 11.2, "total": 48.0}, **more,
    })  # fmt: skip


def first(spec: GoldenSpec, shift: float = 0.004) -> tuple[Inspection, FirstArticleDecision]:
    """A first article with its entered results."""
    inspection = unit(
        spec, "S4-0001", shift=shift, pose=Pose(x_px=0, y_px=0, angle_deg=0, scale=1, residual_px=0.1)
    )
    entered = [
        EnteredResult(serial="S4-0001", characteristic="m12", conform=True, evidence="Certificate 24-1187"),
        EnteredResult(serial="S4-0001", characteristic="f13", value=820.0, standard_uncertainty=12.0,
                      evidence="Test report T-0419"),
    ]  # fmt: skip
    return inspection, first_article(spec, [inspection], entered)


def faulty(spec: GoldenSpec) -> Inspection:
    """The real faulty board, as a record might tell it."""
    boxes = ((505.0, 990.0, 190.0, 390.0), (910.0, 1300.0, 290.0, 180.0), (1440.0, 695.0, 150.0, 120.0))
    defects = tuple(
        {
            "view": "top", "class": "unclassified", "severity": severity, "confidence": None, "box_px": box,
            "box_mm": tuple(v * MM_PER_PX for v in box), "size_mm": max(box[2:]) * MM_PER_PX, "zone": "circuit",
            "rule": "large" if severity else None,
        }
        for box, severity in zip(boxes, ("major", "major", None), strict=True)
    )  # fmt: skip
    pose = Pose(x_px=-42.0, y_px=-38.0, angle_deg=0.25, scale=1.002, residual_px=3.1)
    return unit(
        spec, "S4_2", shift=0.085, defects=defects, pose=pose, reasons=("characteristic_nonconform", "surface_rejected")
    )  # fmt: skip


def named(spec: GoldenSpec) -> Inspection:
    """The real faulty board with invented classes: every severity, an unclassified one, a counting rule met."""
    found = (
        ("short", "major", 0.98, "bridge", (910.0, 1300.0, 290.0, 180.0)),
        ("stain", "minor", 0.91, "stained", (505.0, 990.0, 190.0, 390.0)),
        ("stain", "minor", 0.77, "stained", (620.0, 420.0, 80.0, 60.0)),
        ("unclassified", None, None, None, (1440.0, 695.0, 150.0, 120.0)),
        ("scratch", "allowed", 0.88, "polish", (320.0, 300.0, 240.0, 20.0)),
    )  # fmt: skip
    defects = tuple(
        {
            "view": "top", "class": name, "severity": severity, "confidence": confidence, "box_px": box,
            "box_mm": tuple(v * MM_PER_PX for v in box), "size_mm": max(box[2:]) * MM_PER_PX, "zone": "circuit",
            "rule": rule,
        }
        for name, severity, confidence, rule, box in found
    )  # fmt: skip
    return unit(
        spec, "S4_2", shift=0.085, defects=defects, frame=FAULTY_DIGEST,
        pose=Pose(x_px=-42.0, y_px=-38.0, angle_deg=0.25, scale=1.002, residual_px=3.1),
        reasons=("characteristic_nonconform", "surface_rejected"),
        model={"name": "s4-1", "digest": "sha256:" + "ab" * 32}, dismissed=7,
        counts=[{"rule": "crowd", "count": 2, "severity": "major"}],
    )  # fmt: skip


def lot_state(spec: GoldenSpec) -> dict[str, Any]:
    """A lot of 74 as the server tells of it: accepted, not released."""
    _, first_decision = first(spec)
    size, oqc, drawn = outgoing(spec)
    return {
        "lot": "DEMO-1", "phase": "oqc_accepted", "golden": {"digest": DIGEST, "version": 2}, "part": "S4",
        "revision": "A", "units": {"accepted": 74, "rejected": 6, "held": 1, "quarantined": 1},
        "first_article": first_decision.model_dump(mode="json"),
        "approved_by": {"name": "I. Lind", "party": "Meridian Instruments Ltd"}, "manifest": drawn.manifest,
        "size": size, "draw": drawn.model_dump(mode="json"), "samplings": [], "sample": [], "late_findings": [],
        "oqc": oqc.model_dump(mode="json"), "released_by": None, "nonconformances": [],
    }  # fmt: skip


def outgoing(spec: GoldenSpec) -> tuple[int, OqcDecision, Draw]:
    """An accepted lot of 74."""
    serials = [f"S4-{i:04}" for i in range(2, 76)]
    n = max(c.n for c in oqc_plans(spec.plans.oqc, len(serials)) if c.plan)
    drawn = draw("DEMO-1", serials, n, "1f" * 16)
    everything = {s: UnitFindings() for s in serials}
    return len(serials), decide_outgoing(spec.plans.oqc, len(serials), drawn.serials, everything), drawn


def _opened(cause: str, *serials: str) -> Nonconformance:
    return Nonconformance(
        id=f"nc-{abs(len(cause)):032x}", lot="DEMO-1", cause=cause, severity="major", opened_at="2026-11-23T08:20:00Z",
        triggers=("unit_rejected",), serials=serials, inspections=(),
    )  # fmt: skip


def lot(spec: GoldenSpec) -> DemoSummary:
    """A lot of 80 with six seeded units, one missed, one good unit held."""
    seeded = {
        12: ("hole B drilled 0.25 mm larger", "Mounting hole B, diameter: 3.16 mm", ("characteristic_nonconform",), True),
        23: ("scratch of 4 mm on the upper plane", "4.1 mm at (12.6, 8.9) mm", ("surface_rejected",), True),
        37: ("solder bridge of 2.5 mm", "2.6 mm at (22.0, 30.1) mm", ("surface_rejected",), True),
        48: ("lower plane darker by 6 Delta E", "Copper, lower plane: 6.2", ("characteristic_nonconform",), True),
        55: ("missing copper of 1.2 mm", "", (), False),
        71: ("pitch A to B longer by 0.3 mm", "0.9 mm at (3.1, 4.0) mm", ("surface_unclassified",), False),
    }  # fmt: skip
    units: list[UnitLine] = []
    for i in range(2, 82):
        truth, found, reasons, matched = seeded.get(i, (None, "", (), False))
        if i == 64:
            reasons, found = ("characteristic_undecided",), "Pitch C to D: 29.12 mm"
        verdict = (
            "ACCEPT"
            if not reasons
            else "HOLD"
            if reasons[0].endswith(("undecided", "unclassified"))
            else "REJECT"
        )
        units.append(UnitLine(
            serial=f"S4-{i:04}", station="cell-3", verdict=verdict, reasons=reasons, seeded=truth, found=found,
            matched=matched, inspection=f"insp-{i:032x}", href=f"units/S4-{i:04}.html" if reasons else None,
        ))  # fmt: skip
    size, oqc, drawn = outgoing(spec)
    return DemoSummary(
        title="Control board S4, lot DEMO-1",
        made="2026-11-23T08:21:40Z",
        facts=(("Part", "S4, revision A"), ("Supplier", "Nordlicht Leiterplatten GmbH"),
               ("Buyer", "Meridian Instruments Ltd"), ("Seed", "1"), ("Took", "61 s on 2 cores"),
               ("Golden sample", "version 1, 5b3c9f0e5b3c")),
        steps=(Step("Golden sample", "passed", "sealed by both parties before any unit was made"),
               Step("Incoming", "not part of this run", "no material lots in this run"),
               Step("First article", "passed", "13 of 13 items conform; approved by Meridian", 1),
               Step("In process", "passed", "80 units inspected on cell-3, 6 stopped", 74),
               Step("Outgoing", "passed", "13 drawn from 74, captured again on cell-9", 74),
               Step("Corrective action", "open", "4 non-conformances wait for containment")),
        units=units,
        papers=(Link("First article report", "fai.html", "Ballooned picture and decision, item by item", "good.jpg"),
                Link("The real faulty board", "units/S4_2.html", "REJECT: two solder faults found", "faulty.jpg")),
        lot_size=size,
        oqc=oqc,
        draw=drawn,
        nonconformances=(_opened("characteristic:d2", "S4-0012"),
                         _opened("defect:unclassified:circuit", "S4-0023", "S4-0037", "S4_2")),
        timing_ms={"decode": 14.1, "register": 11.3, "dimension": 6.2, "colour": 3.4, "surface": 12.9, "total": 47.9},
        digests={"golden sample": DIGEST, "calibration of cell-3": "sha256:" + "c4" * 32},
        http=(HttpExample("GET /api/v1/lots/DEMO-1", 200, '{"lot":"DEMO-1","phase":"oqc_accepted","units":75}'),
              HttpExample("GET /api/v1/inspections?verdict=REJECT&limit=2", 200, '{"items":[{"serial":"S4-0012"}]}')),
        capture={"rotation": "up to 5°", "offset": "up to 10 % of the field", "blur": "0.5 to 1.2 px"},
    )  # fmt: skip
