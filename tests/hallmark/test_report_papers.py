"""The papers say what the records say, the same in HTML and PDF, whatever people have called things."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from datasets import pcb_s4
from evidence import Pose, sha256
from golden.spec import Part
from hallmark.report import (
    Absent,
    Paper,
    ReportError,
    Signature,
    first_article_report,
    inspection_sheet,
    lot_summary,
    render_summary,
    standing,
    to_html,
    unit_picture,
)
from hallmark.report.paper import Facts, Figure, Heading, Table, Text, aligned
from hallmark.report.pdf import to_pdf
from tests.hallmark import papers

ISSUED = "2026-11-23T08:16:00Z"


@cache
def fai(shift: float = 0.004) -> Paper:
    sample = papers.sample()
    inspection, decision = papers.first(sample.spec, shift)
    made = Signature("A. Brandt", "Nordlicht Leiterplatten GmbH", ISSUED)
    return first_article_report(sample, inspection, decision, issued=ISSUED, inspector=made)


@cache
def sheet() -> Paper:
    sample = papers.sample()
    record = papers.named(sample.spec)
    pictures = [unit_picture(record, record.frames[0], pcb_s4.faulty_scan())]
    return inspection_sheet(sample, record, pictures, issued=ISSUED, note="A real board.")


@cache
def lot() -> Paper:
    sample = papers.sample()
    good, _ = papers.first(sample.spec)
    nc = {"id": "nc-" + "0" * 32, "cause": "defect:short:circuit", "severity": "major", "status": "open",
          "serials": ["S4_2"]}  # fmt: skip
    return lot_summary(
        sample, papers.lot_state(sample.spec), [good, papers.named(sample.spec)], [nc], issued=ISSUED
    )


PAPERS: dict[str, Callable[[], Paper]] = {"fai": fai, "sheet": sheet, "lot": lot}


@cache
def page(name: str) -> str:
    return to_html(PAPERS[name]())


@cache
def pdf(name: str) -> bytes:
    return to_pdf(PAPERS[name]())


def squeezed(text: str) -> str:
    """Text without spaces: where a line breaks is the format's own."""
    return re.sub(r"[\s\u200b\u00a0]+", "", text)


def text_of_html(page: str) -> str:
    body = re.sub(r"<(style|title)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return squeezed(html.unescape(re.sub(r"<[^>]+>", " ", body)))


def text_of_pdf(data: bytes) -> str:
    return squeezed("".join(p.extract_text() for p in PdfReader(io.BytesIO(data)).pages))


def said_by(paper: Paper) -> list[str]:
    """Every text of the paper but those in pictures."""
    said = [paper.kind, paper.title, paper.reference]
    for block in paper.blocks:
        if isinstance(block, Heading | Text):
            said.append(block.text)
        elif isinstance(block, Facts):
            said += [value for _, value in block.items]
        elif isinstance(block, Figure):
            said.append(block.caption)
        elif isinstance(block, Table):
            said += [c.title for c in block.columns]
            said += [t for row in block.rows for c in row for t in (c.text, c.note)]
    return [squeezed(s) for s in said if s]


SAID = {
    "fai": (
        "ACCEPTED", "S4, revision A", "S4-0001", "Nordlicht Leiterplatten GmbH", "Meridian Instruments Ltd",
        "2.883", "0.023", "U (k = 2)", "28.54", "28.74", "820 ± 24 MΩ", "≥ 100 MΩ", "Certificate 24-1187",
        "13 of 13", papers.DIGEST, "sha256:" + "c4" * 32, "sha256:" + "7" * 64, "ISO 14253-1:2017",
        "the supplier must prove conformity", "A. Brandt", papers.KEYS["supplier"], papers.KEYS["buyer"],
        "camera cell-3/top", "conformity with AS9102 is not claimed", "Base material FR-4, 35 µm copper",
    ),
    "sheet": (
        "REJECT", "surface_rejected", "quarantine the unit", "8.26", "#1",
        "line bridge, zone circuit: major", "Copper or solder joins two conductors",
        "confidence 0.98", "no line decides", "not weighed",
        "Together: 2 deviations", "rule crowd: major. Two stains or more",
        "7 further differences", "1 deviation is unclassified", "1 major, 2 minor, 1 not weighed, 1 allowed",
        "s4-1", "sha256:" + "ab" * 32, papers.FAULTY_DIGEST, "numpy 2.4.6", "register 11.2", "A real board.",
        "golden", "unit",
    ),
    "lot": (
        "ACCEPTED", "74 units", "AQL 1.0, code letter E", "ISO 2859-1:1999",
        "I. Lind, Meridian Instruments Ltd",
        "1 short, largest 6.1 mm", "defect:short:circuit", "5, on 1 of 2 units", "S4-0001: accepted",
        "sha256:" + "ab" * 32, "sha256:" + "c4" * 32,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAPERS)
def test_both_formats_say_all_of_it(name: str) -> None:
    in_html, in_pdf = text_of_html(page(name)), text_of_pdf(pdf(name))
    for text in (*SAID[name], *said_by(PAPERS[name]())):
        assert squeezed(text) in in_html, text
        assert squeezed(text) in in_pdf, text


@pytest.mark.parametrize("name", PAPERS)
def test_every_page_has_head_and_foot(name: str) -> None:
    pages = PdfReader(io.BytesIO(pdf(name))).pages
    assert len(pages) >= 2
    for number, sheet_of_paper in enumerate(pages, start=1):
        text = squeezed(sheet_of_paper.extract_text())
        for said in (*PAPERS[name]().running, PAPERS[name]().reference, f"page {number} of {len(pages)}"):
            assert squeezed(said) in text


@pytest.mark.parametrize("name", PAPERS)
def test_a_pdf_is_whole_archival_and_the_same_every_time(name: str) -> None:
    data = pdf(name)
    assert data.startswith(b"%PDF-1.7")
    assert data == to_pdf(PAPERS[name]())
    reader = PdfReader(io.BytesIO(data), strict=True)
    metadata = reader.xmp_metadata
    assert metadata is not None
    assert metadata.rdf_root.toxml().count("pdfaid:part") == 2
    assert not re.search(rb"/(URI|GoToR|Launch|JavaScript|EmbeddedFile)\b", data)
    assert reader.metadata is not None
    assert reader.metadata.title == f"{PAPERS[name]().kind}: {PAPERS[name]().title}"
    for sheet_of_paper in reader.pages:
        assert [round(float(v)) for v in sheet_of_paper.mediabox[2:]] == [595, 842]


@pytest.mark.parametrize("name", PAPERS)
def test_a_page_needs_nothing_from_elsewhere(name: str) -> None:
    assert "<script" not in page(name)
    links = re.findall(r"""(?:src|href)=["']([^"']{0,5})|url\(|@import""", page(name))
    assert set(links) <= {"data:"}


def test_a_failed_first_article_names_its_items() -> None:
    text = text_of_html(to_html(fai(0.2)))
    for said in ("NOT ACCEPTED", "does not conform", "characteristic:d1 (major)"):
        assert squeezed(said) in text


def test_what_does_not_belong_together_is_refused() -> None:
    sample = papers.sample()
    inspection, decision = papers.first(sample.spec)
    other = papers.named(sample.spec)
    with pytest.raises(ReportError, match="not about insp-"):
        first_article_report(sample, other, decision, issued=ISSUED)
    foreign = other.model_copy(
        update={"golden": other.golden.model_copy(update={"digest": "sha256:" + "0" * 64})}
    )
    with pytest.raises(ReportError, match="was judged by golden sample sha256:000"):
        inspection_sheet(sample, foreign, [], issued=ISSUED)
    stray = inspection.model_copy(update={"lot": "DEMO-2"})
    with pytest.raises(ReportError, match="of lot DEMO-2"):
        lot_summary(sample, papers.lot_state(sample.spec), [stray], issued=ISSUED)


def test_balloons_and_labels_are_all_there() -> None:
    (figure,) = [b for b in fai().blocks if isinstance(b, Figure)]
    assert re.findall(r'class="balloon" data-label="(.+?)"', figure.svg) == [str(n) for n in range(1, 12)]
    surface, measured = [b for b in sheet().blocks if isinstance(b, Figure)]
    assert re.findall(r'data-label="(.+?)"', surface.svg) == [f"#{n}" for n in range(1, 6)]
    for said in (">short<", ">6.14 mm, major<", ">unclassified<", ">3.17 mm, not weighed<"):
        assert said in surface.svg
    assert re.findall(r'data-label="(.+?)"', measured.svg) == [str(n) for n in range(1, 11)]
    assert ">2.964 \u00b1 0.023 mm<" in measured.svg


def test_features_are_drawn_where_the_pose_puts_them() -> None:
    """A quarter turn takes (172, 182) to (1000 - 2 * 182, 20 + 2 * 172)."""
    sample = papers.sample()
    pose = Pose(x_px=1000, y_px=20, angle_deg=90, scale=2, residual_px=0)
    data = png(np.zeros((4000, 4000), np.uint8))
    record = papers.unit(sample.spec, "S4-0001", pose=pose, frame=sha256(data))
    drawn = inspection_sheet(sample, record, [unit_picture(record, record.frames[0], data)], issued=ISSUED)
    assert '<circle cx="636.0" cy="364.0" r="136.0"' in to_html(drawn)


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_a_frame_that_is_missing_wrong_or_broken_is_told_of() -> None:
    sample = papers.sample()
    record = papers.named(sample.spec)
    frame = record.frames[0]
    for data, said in (
        (None, "is not at hand"),
        (pcb_s4.good_scan(), "is not the frame that was inspected"),
        (b"no picture", "cannot be shown"),
    ):
        picture = unit_picture(record, frame, data)
        assert isinstance(picture, Absent)
        paper = inspection_sheet(sample, record, [picture], issued=ISSUED)
        assert not any(isinstance(b, Figure) for b in paper.blocks)
        for text in (text_of_html(to_html(paper)), text_of_pdf(to_pdf(paper))):
            assert squeezed(said) in text
            assert squeezed("Copper or solder joins two conductors") in text


def test_a_unit_that_was_not_found_is_shown_without_features() -> None:
    sample = papers.sample()
    data = png(np.full((64, 64, 3), 90, np.uint8))
    record = papers.unit(sample.spec, "S4-0001", pose=None, frame=sha256(data))
    paper = inspection_sheet(sample, record, [unit_picture(record, record.frames[0], data)], issued=ISSUED)
    (figure,) = [b for b in paper.blocks if isinstance(b, Figure)]
    assert "not found in this frame" in figure.caption
    assert "balloon" not in figure.svg


def test_a_golden_picture_that_does_not_decode_is_told_of() -> None:
    sample = papers.sample(picture=b"nothing")
    inspection, decision = papers.first(sample.spec)
    report = to_html(first_article_report(sample, inspection, decision, issued=ISSUED))
    assert "The golden picture of view top cannot be shown" in report


HOSTILE = '#panic("x") $x$ <script>alert(1)</script> & Co "\'\\ #read("/etc/passwd") *b* _i_ `r` // {{ 7*7 }}'


@pytest.mark.parametrize(
    "name", [HOSTILE, "\x00\x1b[31m bell\x07", "深圳 Ω — ﷽", "@top [x]: = # - + / \n<!--"]
)
def test_what_people_wrote_stays_text(name: str) -> None:
    spec = papers.board()
    part = Part.model_construct(number="S4", revision="A", name=name)
    sample = papers.sample(spec.model_copy(update={"part": part}))
    record = papers.named(spec).model_copy(update={"serial": name})
    paper = inspection_sheet(sample, record, [], issued=ISSUED, note=name)
    made, data = to_html(paper), to_pdf(paper)
    assert "<script>" not in made
    assert "49" not in re.findall(r"\{\{.*|7\*7.*?\}\}", made)
    if name == HOSTILE:
        assert squeezed(name) in text_of_html(made)
        assert squeezed(name) in text_of_pdf(data)
        css = made[made.index("@page {\n  @top-left") : made.index("</style>")]
        assert "<" not in css
        assert "script" in css  # as letters, between escapes


@settings(max_examples=25)
@given(st.text(max_size=40))
@example("\ue000")  # of private use: no archival file may hold it
def test_any_note_makes_a_page_and_a_pdf(note: str) -> None:
    paper = Paper("Sheet", note, None, [note], ISSUED, note, [Text(note), Table([], [])][:1])
    assert to_html(paper)
    assert to_pdf(paper).startswith(b"%PDF")


@given(st.lists(st.one_of(st.just(""), st.decimals(-999, 999, places=3).map(lambda d: f"{d.normalize():f}"))))
def test_numbers_of_a_column_end_in_one_place(numbers: list[str]) -> None:
    padded = [n + p for n, p in zip(numbers, aligned(numbers), strict=True) if n]
    assert len({len(p.partition(".")[2]) for p in padded}) <= 1
    assert all(float(p) == float(n) for p, n in zip(padded, filter(None, numbers), strict=True))
    assert any(p == n for p, n in zip(padded, filter(None, numbers), strict=True)) or not padded


def test_the_map_puts_every_deviation_in_the_golden_view() -> None:
    figure = next(b for b in lot().blocks if isinstance(b, Figure))
    spots = re.findall(r'data-state="(\w+)" transform="translate\(([\d.]+) ([\d.]+)\)', figure.svg)
    assert ("major", "1055.0", "1390.0") in spots
    assert sorted(s for s, _, _ in spots) == ["allowed", "major", "minor", "minor", "unweighed"]
    assert [s for s, _, _ in spots][-1] == "major", "the gravest lies on top"


def test_the_pareto_chart_counts_what_is_not_allowed() -> None:
    chart = [b for b in lot().blocks if isinstance(b, Figure)][1]
    words = re.findall(r">([^<>\n]+)</text>", chart.svg)
    assert "scratch" not in words
    assert words.index("stain") < words.index("short") or words.index("dimension") < words.index("short")
    assert "100 %" in words


def test_the_plan_of_each_class_is_told_in_words() -> None:
    sample = papers.sample()
    record, _ = papers.first(sample.spec)
    state = papers.lot_state(sample.spec)
    critical, major, _ = state["oqc"]["classes"]
    assert critical["sampling"]["plan"] is None
    major["sampling"] |= {"plan": None, "limiting_quality": {"fraction": 0.05, "Ac": 1}}
    said = said_by(lot_summary(sample, state, [record], issued=ISSUED))
    assert squeezed("every unit, by agreement") in said
    assert squeezed("limiting quality 0.05, consumer's risk 0.1") in said


def test_of_several_records_the_newest_that_stopped_the_unit_stands() -> None:
    spec = papers.board()
    good, bad = papers.unit(spec, "U"), papers.unit(spec, "U", reasons=("surface_rejected",))
    worse = bad.model_copy(update={"id": "insp-2"})
    assert standing([good, bad, worse, good]) == [worse]
    assert standing([bad, good]) == [bad]
    assert standing([good, good]) == [good]


def test_the_summary_counts_against_the_truth() -> None:
    s = papers.lot(papers.board())
    assert [u.serial for u in s.with_outcome("missed")] == ["S4-0055"]
    assert [u.serial for u in s.with_outcome("false alarm")] == ["S4-0064"]
    assert [u.serial for u in s.with_outcome("stopped for another reason")] == ["S4-0071"]
    assert len(s.with_outcome("found")) == 4
    assert len(s.with_outcome("passed")) == 73
    text = text_of_html(render_summary(s))
    for said in (
        "4 of 6",
        "1 of 74",
        "48 ms",
        "AQL 1.0, code letter E",
        "S4-0012",
        "GET /api/v1/lots/DEMO-1",
    ):
        assert squeezed(said) in text
