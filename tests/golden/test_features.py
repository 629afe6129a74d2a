"""What a dimension may be of: edges that are looked for, what is implied and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from golden.elements import Arc, Circle, Line, RectangleElement, Slot, Thread, extreme_points
from golden.sizes import EdgeWidth
from golden.spec import Dimension

CIRCLE = {"center_px": [50, 50], "radius_px": 20, "inside": "bright"}
LINE = {"type": "line", "start_px": [10, 10], "end_px": [90, 10], "dark": "left"}
UPRIGHT = {"type": "line", "start_px": [10, 10], "end_px": [10, 90], "dark": "right"}
SLOT = {"type": "slot", "start_px": [30, 50], "end_px": [70, 50], "width_px": 20, "inside": "bright"}
BOX = {"type": "rectangle", "center_px": [50, 50], "width_px": 40, "height_px": 20, "inside": "dark"}
ELLIPSE = {"type": "ellipse", "center_px": [50, 50], "a_px": 30, "b_px": 20, "inside": "dark"}
HOLES = {"type": "holes", "centers_px": [[20, 20], [40, 20], [60, 20]], "radius_px": 5, "inside": "bright"}
THREAD = {
    "type": "thread", "start_px": [20, 50], "end_px": [80, 50], "teeth": 4, "flank_px": 8, "body": "right",
    "material": "dark",
}  # fmt: skip
DATUMS = {"primary": LINE, "secondary": UPRIGHT}
HOLE = {"type": "circle", **CIRCLE}

FEATURES: list[tuple[dict[str, Any], int, str]] = [
    ({"type": "circle_diameter", "circle": CIRCLE}, 1, "mm"),
    ({"type": "arc_radius", "arc": {**CIRCLE, "type": "arc", "start_deg": 0, "sweep_deg": 90}}, 1, "mm"),
    ({"type": "centre_distance", "a": CIRCLE, "b": CIRCLE}, 2, "mm"),
    (
        {"type": "edge_width", "start_px": [20, 50], "end_px": [40, 50], "band_px": 9, "inside": "dark"},
        2,
        "mm",
    ),
    ({"type": "distance", "a": LINE, "b": HOLE}, 2, "mm"),
    ({"type": "distance", "a": {"type": "intersection", "a": LINE, "b": UPRIGHT}, "b": HOLE}, 3, "mm"),
    ({"type": "slot_width", "slot": SLOT}, 2, "mm"),
    ({"type": "slot_length", "slot": SLOT}, 2, "mm"),
    ({"type": "rectangle_width", "rectangle": BOX}, 2, "mm"),
    ({"type": "rectangle_height", "rectangle": BOX}, 2, "mm"),
    ({"type": "ellipse_major_axis", "ellipse": ELLIPSE}, 1, "mm"),
    ({"type": "angle", "a": LINE, "b": UPRIGHT}, 2, "deg"),
    ({"type": "pitch", "pattern": HOLES}, 3, "mm"),
    ({"type": "pitch", "pattern": THREAD}, 8, "mm"),
    ({"type": "area", "of": SLOT}, 4, "mm2"),
    ({"type": "area", "of": HOLE}, 1, "mm2"),
    ({"type": "straightness", "line": LINE}, 1, "mm"),
    ({"type": "roundness", "circle": CIRCLE}, 1, "mm"),
    ({"type": "parallelism", "line": LINE, "datum": LINE}, 2, "mm"),
    ({"type": "perpendicularity", "line": LINE, "datum": UPRIGHT}, 2, "mm"),
    ({"type": "position", "circle": CIRCLE, "datums": DATUMS, "x_mm": 4, "y_mm": 4}, 3, "mm"),
    ({"type": "line_profile", "line": LINE}, 1, "mm"),
    ({"type": "line_profile", "line": LINE, "datums": DATUMS, "offset_mm": 2}, 3, "mm"),
    ({"type": "concentricity", "circle": CIRCLE, "datum": CIRCLE}, 2, "mm"),
    ({"type": "symmetry", "a": LINE, "b": LINE, "datum_a": LINE, "datum_b": LINE}, 4, "mm"),
]
BARE = {"nominal": 0, "lower": None}
TOLERANCES = [f for f, _, _ in FEATURES if f["type"] in (
    "straightness", "roundness", "parallelism", "perpendicularity", "position", "line_profile",
    "concentricity", "symmetry",
)]  # fmt: skip


def dimension(feature: dict[str, Any], **fields: Any) -> Dimension:
    limits = {"nominal": 0, "upper": 0.1} if feature in TOLERANCES else {"nominal": 4, "lower": 3, "upper": 5}
    return Dimension.model_validate({
        "kind": "dimension", "number": 1, "id": "d", "name": "D", "severity": "major",
        "feature": {"view": "top", **feature}, **limits, **fields,
    })  # fmt: skip


@pytest.mark.parametrize(("feature", "edges", "unit"), FEATURES, ids=lambda v: str(v)[:40])
def test_each_feature_names_its_edges_and_unit_and_survives_json(
    feature: dict[str, Any], edges: int, unit: str
) -> None:
    made = dimension(feature)
    assert len(made.feature.edges) == edges
    assert made.unit == unit
    assert made.association == made.feature.allowed[0]
    assert Dimension.model_validate(json.loads(made.model_dump_json())) == made


@pytest.mark.parametrize("feature", TOLERANCES, ids=lambda f: f["type"])
def test_a_geometrical_tolerance_counts_from_zero(feature: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="counts from zero"):
        dimension(feature, lower=0.0)
    with pytest.raises(ValidationError, match="counts from zero"):
        dimension(feature, nominal=0.05)
    assert dimension(feature).feature.model_dump()["edition"] == "ISO 1101:2017"


@pytest.mark.parametrize(
    ("feature", "fields", "problem"),
    [
        (FEATURES[0][0], {"unit": "deg"}, "circle_diameter is in mm, not in deg"),
        (FEATURES[0][0], {"association": "minimum_zone"}, "means nothing for circle_diameter"),
        (FEATURES[0][0], {"rank": "minimum"}, "rank is of local two-point sizes"),
        (FEATURES[1][0], {"association": "two_point"}, "means nothing for arc_radius"),
        (FEATURES[7][0], {"association": "two_point"}, "means nothing for slot_length"),
        (FEATURES[11][0], {"association": "two_point"}, "means nothing for angle"),
        (FEATURES[11][0], {"upper": 181}, "cannot be above 180"),
        (FEATURES[0][0], {"upper": 100_001}, "cannot be above 100000"),
        (FEATURES[16][0], {"association": "maximum_inscribed"}, "means nothing for straightness"),
        (FEATURES[22][0], {"association": "minimum_zone"}, "means nothing for line_profile"),
        ({**FEATURES[23][0], "edition": "ASME Y14.5-2018"}, BARE, "no such tolerance"),
        ({**FEATURES[24][0], "edition": "ASME Y14.5-2018"}, BARE, "no such tolerance"),
        ({"type": "line_profile", "line": LINE, "offset_mm": 1.0}, BARE, "need datums"),
        ({**FEATURES[20][0], "datums": {"primary": LINE, "secondary": LINE}}, BARE, "5 degrees"),
        ({**FEATURES[20][0], "datums": {"primary": SLOT, "secondary": LINE}}, BARE, "expected tag"),
        ({"type": "pitch", "pattern": {**THREAD, "end_px": [40, 50]}}, {}, "for each tooth"),
        ({"type": "area", "of": {**ELLIPSE, "b_px": 31}}, {}, "a_px is the longer"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(feature: dict[str, Any], fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        dimension(feature, **fields)


def test_the_older_edition_of_asme_has_concentricity() -> None:
    made = dimension(FEATURES[23][0] | {"edition": "ASME Y14.5-2009"}, nominal=0, lower=None)
    assert made.feature.model_dump()["edition"] == "ASME Y14.5-2009"


def lit(line: Line, inside: Any, *, dark: bool) -> None:
    """Assert that the line's dark side is where a picture, drawn by `inside`, is dark."""
    (x0, y0), (x1, y1) = line.start_px, line.end_px
    length = math.dist(line.start_px, line.end_px)
    # who walks along +x on a picture has -y, which is up, on the left
    left = ((y1 - y0) / length, -(x1 - x0) / length)
    out = left if line.dark == "left" else (-left[0], -left[1])
    for t in (0.1, 0.5, 0.9):
        x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
        assert inside(x + 0.5 * out[0], y + 0.5 * out[1]) == dark
        assert inside(x - 0.5 * out[0], y - 0.5 * out[1]) != dark


@pytest.mark.parametrize("inside", ["dark", "bright"])
@pytest.mark.parametrize("degrees", [0.0, 37.0, 90.0, -100.0])
def test_edges_of_shapes_lie_on_them_with_their_dark_side(inside: Any, degrees: float) -> None:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def to_shape(x: float, y: float) -> tuple[float, float]:
        return c * (x - 100) + s * (y - 100), -s * (x - 100) + c * (y - 100)

    def in_box(x: float, y: float) -> bool:
        u, v = to_shape(x, y)
        return abs(u) < 30 and abs(v) < 12

    def in_slot(x: float, y: float) -> bool:
        u, v = to_shape(x, y)
        return math.hypot(max(abs(u) - 30, 0), v) < 12

    box = RectangleElement(
        type="rectangle", center_px=(100, 100), width_px=60, height_px=24, angle_deg=degrees, inside=inside
    )
    for line in (*box.across, *box.along):
        lit(line, in_box, dark=inside == "dark")
    assert [to_shape(*np.mean([e.start_px, e.end_px], axis=0)) for e in box.across] == [
        pytest.approx((-30, 0), abs=1e-9), pytest.approx((30, 0), abs=1e-9),
    ]  # fmt: skip
    slot = Slot(
        type="slot", start_px=(100 - 30 * c, 100 - 30 * s), end_px=(100 + 30 * c, 100 + 30 * s),
        width_px=24, inside=inside,
    )  # fmt: skip
    for line in slot.sides:
        lit(line, in_slot, dark=inside == "dark")
    for arc in slot.ends:
        for t in np.radians([arc.start_deg + 1, arc.start_deg + arc.sweep_deg - 1]):
            (x, y), r = arc.center_px, arc.radius_px
            assert in_slot(x + (r - 0.1) * math.cos(t), y + (r - 0.1) * math.sin(t))
            assert not in_slot(x + (r + 0.1) * math.cos(t), y + (r + 0.1) * math.sin(t))
    width = EdgeWidth(
        type="edge_width", view="top", band_px=20, inside=inside,
        start_px=(100 + 12 * s, 100 - 12 * c), end_px=(100 - 12 * s, 100 + 12 * c),
    )  # fmt: skip
    for edge in width.edges:
        assert isinstance(edge, Line)
        lit(edge, in_slot, dark=inside == "dark")


@pytest.mark.parametrize("material", ["dark", "bright"])
@pytest.mark.parametrize("body", ["left", "right"])
def test_flanks_of_a_thread_lie_on_its_profile(material: Any, body: Any) -> None:
    """Truth: a triangle wave of pitch 20 and half angle 30 degrees about the pitch line y = 100."""
    slope = 1 / math.tan(math.radians(30))

    def in_thread(x: float, y: float) -> bool:
        u = (x - 20) % 20  # tooth between 0 and 10 on the pitch line
        height = slope * (5 - abs(u - 5)) if u < 10 else -slope * (5 - abs(u - 15))
        return (100 - y if body == "right" else y - 100) < height

    thread = Thread(
        type="thread", start_px=(20, 100), end_px=(80, 100), teeth=4, flank_px=8, body=body,
        material=material,
    )  # fmt: skip
    assert len(thread.flanks) == 8
    for flank in thread.flanks:
        lit(flank, in_thread, dark=material == "dark")


def test_extent_of_an_arc_holds_the_quarters_it_passes() -> None:
    arc = Arc(type="arc", center_px=(50, 50), radius_px=10, start_deg=-30, sweep_deg=150, inside="dark")
    xs, ys = zip(*extreme_points(arc), strict=True)
    t = np.radians(np.linspace(-30, 120, 1000))
    assert (min(xs), max(xs)) == pytest.approx((50 + 10 * np.cos(t).min(), 60), abs=1e-4)
    assert (min(ys), max(ys)) == pytest.approx((50 + 10 * np.sin(t).min(), 60), abs=1e-4)
    assert len(extreme_points(Circle(center_px=(5, 5), radius_px=4, inside="dark"))) == 2
