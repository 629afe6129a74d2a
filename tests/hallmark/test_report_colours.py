"""Papers show how a colour differs, how far its uncertainty reaches on each side, and who read it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from evidence import CharacteristicResult, Inspection, Pose, complete, entered_colour
from golden.colours import ColourConditions
from golden.spec import Colour, GoldenSpec
from hallmark.colour_names import colour_detail, conditions_in_words
from hallmark.exports.measurements import measurement_table
from hallmark.report import Paper, first_article_report, inspection_sheet, lot_summary, to_html
from hallmark.report.colours import trend_lines
from hallmark.report.numbers import between
from hallmark.report.pdf import to_pdf
from quality import EnteredResult, first_article
from quality.colour_trend import lot_colours
from tests.colours import AGREED, NEAR, REFERENCE, paint, reading, seen
from tests.hallmark import papers
from tests.hallmark.test_report_papers import ISSUED, said_by, squeezed, text_of_html, text_of_pdf


@cache
def board() -> GoldenSpec:
    """The board with a relative colour by CMC (item 8) and an absolute one (item 9)."""
    fields = papers.board().model_dump(mode="json", by_alias=True)
    for c in fields["characteristics"]:
        if c["id"] == "c8":
            c |= {"formula": "CMC_2_1", "unit": "CMC_2_1", "decision": {}}
        elif c["id"] == "c9":
            c |= {"reference": REFERENCE, "upper": 1.0, "decision": {}}
    return GoldenSpec.model_validate(fields)


def colour(name: str) -> Colour:
    found = next(c for c in board().characteristics if c.id == name)
    assert isinstance(found, Colour)
    return found


def record(*results: CharacteristicResult, **more: Any) -> Inspection:
    """A unit of the board with these results in place of its own."""
    said = {r.id: r.model_dump(mode="json") for r in results}
    pose = Pose(x_px=0, y_px=0, angle_deg=0, scale=1, residual_px=0.1)
    fields = papers.unit(board(), "S4-0001", frame=papers.FAULTY_DIGEST, pose=pose).record()
    del fields["id"], fields["digest"]
    kept = [said.get(r["id"], r) for r in fields["characteristics"]]
    return complete({**fields, "characteristics": kept, **more})


@cache
def sheet() -> Paper:
    relative = seen(colour("c8"), NEAR, "conform", None, u=0.15).model_copy(
        update={"value": 0.43, "interval": (0.21, 0.742)}
    )
    assert relative.colour is not None
    shown = relative.colour.model_copy(
        update={"excluded": 0.031, "excluded_by": {"glare": 0.03, "dust": 0.001, "edge": 0.2},
                "cautions": ("gloss",), "words": ("lighter", "yellower")}
    )  # fmt: skip
    read = entered_colour(colour("c9"), reading(NEAR), "manual")
    unit = record(relative.model_copy(update={"colour": shown}), read)
    return inspection_sheet(papers.sample(board()), unit, [], issued=ISSUED)


SAID = (
    "+0.31", "−0.22", "ΔE CMC(2:1)", "ΔE₀₀", "How the colours differ", "lighter, yellower", "+0.20",
    "60.20, 20.10, −10.00", "reference 60.00, 20.00, −10.00", "3.1%", "glare 3.0%, dust 0.1%",
    "what is reflected is left out", "D65/10°, d/8 SCI", "Minolta CM-26d 1001",
    "absolute colour against L*a*b* 60, 20, -10", "mean colour against the golden sample",
)  # fmt: skip


def test_both_formats_say_how_colours_differ() -> None:
    in_html, in_pdf = text_of_html(to_html(sheet())), text_of_pdf(to_pdf(sheet()))
    for text in (*SAID, *said_by(sheet())):
        assert squeezed(text) in in_html, text
        assert squeezed(text) in in_pdf, text
    assert "edge20" not in in_html  # the border is never judged and says nothing


def test_a_first_article_shows_the_reading_that_decides() -> None:
    held = seen(colour("c9"), NEAR, "undecided", "colour_absolute")
    other = seen(colour("c8"), NEAR, "conform", None, u=0.1)
    unit = record(held, other, verdict="HOLD", reasons=["colour_absolute"])
    shown = [
        EnteredResult(serial="S4-0001", characteristic="m12", conform=True, evidence="Certificate 24-1187"),
        EnteredResult(serial="S4-0001", characteristic="f13", value=820.0, standard_uncertainty=12.0,
                      evidence="Test report T-0419"),
    ]  # fmt: skip
    proof = EnteredResult(serial="S4-0001", characteristic="c9", reading=reading(NEAR), evidence="Report 3")
    for entered, said in (
        (shown, ("NOT ACCEPTED", "its uncertainty is about 2")),
        ([*shown, proof], ("ACCEPTED", "Report 3", "Minolta CM-26d 1001")),
    ):
        decision = first_article(board(), [unit], entered)
        paper = first_article_report(papers.sample(board()), unit, decision, issued=ISSUED)
        text = text_of_html(to_html(paper))
        for words in (*said, "How the colours differ"):
            assert squeezed(words) in text, words


def test_papers_without_such_colours_have_no_table_of_them() -> None:
    unit = papers.unit(papers.board(), "S4-0001", frame=papers.FAULTY_DIGEST)
    plain = inspection_sheet(papers.sample(), unit, [], issued=ISSUED)
    assert squeezed("How the colours differ") not in text_of_html(to_html(plain))


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.43, 0.21, 0.742, ("0.43", "0.31", "0.22")),
        (0.0, 0.0, 0.6133, ("0.00", "0.61", "0.00")),
        (2.0, 1.6, 2.4, ("2.00", "0.40", "0.40")),
        (12.4, 8.4, 16.6, ("12.4", "4.2", "4.0")),
        (0.7, 0.7, 0.7, ("0.7", "0", "0")),
    ],
)
def test_reaches_have_two_digits_of_the_longer(value: float, low: float, high: float, expected: Any) -> None:
    assert between(value, low, high) == expected


def test_conditions_in_words() -> None:
    assert conditions_in_words(ColourConditions.model_validate({**AGREED, "backing": "black"})) == (
        "D65/10°, d/8 SCI, on black"
    )
    assert conditions_in_words(ColourConditions(illuminant="FL11", observer="2")) == "FL11/2°"
    assert colour_detail(paint(quantity="p95", viewing_distance_mm=400)) == (
        "95th percentile of places against the golden sample, seen from 400 mm"
    )


def lot_units(n: int = 8) -> list[Inspection]:
    """Units whose first colour drifts yellower, and whose second an instrument has read."""
    units: list[Inspection] = []
    for i in range(n):
        lab = (60.2 + 0.05 * (-1) ** i, 20.1 + 0.03 * (i % 3), -10.0 + 0.1 * i + 0.02 * (i * 3 % 5))
        drifting = seen(colour("c8"), lab, "conform", None, u=0.05)
        units.append(record(drifting, entered_colour(colour("c9"), reading(NEAR), "manual"), serial=f"U{i}"))
    return units


def test_a_lots_summary_shows_its_colours() -> None:
    good, _ = papers.first(papers.board())
    lot = {**papers.lot_state(papers.board()), "first_article": None}
    paper = lot_summary(papers.sample(board()), lot, lot_units(), issued=ISSUED)
    in_html, in_pdf = text_of_html(to_html(paper)), text_of_pdf(to_pdf(paper))
    (trend, read) = lot_colours(board(), lot_units())
    assert trend.drift is not None
    assert trend.drift.real
    said = (
        "Colours of the lot", "8 units by camera", "8 units by instrument", "95% ellipse", "not tested",
        f"{trend.delta_e:.2f} ΔE CMC(2:1)", f"{trend.worst_delta_e:.2f} ΔE CMC(2:1)", "U7",
        f"Δb* +{trend.drift.change[2]:.2f}; p =",
    )  # fmt: skip
    for text in (*said, *said_by(paper)):
        assert squeezed(text) in in_html, text
        assert squeezed(text) in in_pdf, text
    lines = "\n".join(trend_lines(trend) + trend_lines(read))
    for text in ("Copper, upper plane by camera, 8 units", "drift from first unit to last:", "worst unit U7"):
        assert text in lines
    plain = lot_summary(papers.sample(), papers.lot_state(papers.board()), [good], issued=ISSUED)
    assert squeezed("Colours of the lot") not in text_of_html(to_html(plain))


def test_measurement_tables_say_how_colours_differ() -> None:
    read = entered_colour(colour("c9"), reading(NEAR), "imported")
    camera = seen(colour("c8"), NEAR, "conform", None, u=0.1)
    table = measurement_table([record(camera, read)])
    names = [c.name for c in table.columns]
    rows = {row[names.index("characteristic")]: dict(zip(names, row, strict=True)) for row in table.rows}
    assert camera.interval == (rows["c8"]["interval_low"], rows["c8"]["interval_high"])
    assert (rows["c8"]["words"], rows["c8"]["excluded"], rows["c8"]["instrument"]) == ("lighter", 0.031, None)
    assert rows["c9"]["dl"] == pytest.approx(0.2)
    assert (rows["c9"]["excluded"], rows["c9"]["instrument"]) == (None, "Minolta CM-26d 1001")
    assert (rows["d1"]["interval_low"], rows["d1"]["words"]) == (None, None)
