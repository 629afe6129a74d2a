"""First article inspection reports read back: the workbook by openpyxl, the paper by pypdf."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader
from typer.testing import CliRunner

from hallmark import exports
from hallmark.__main__ import app
from hallmark.exports import ExportError
from tests.quality.fai_report.reports import Reports


@pytest.fixture(scope="module")
def fair() -> dict[str, Any]:
    return Reports().opened().approved().known["F1"].record()


def cells(data: bytes) -> Iterator[tuple[str, str, Any]]:
    book = load_workbook(io.BytesIO(data))
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is not None:
                    yield sheet.title, cell.data_type, cell.value


def fields(data: bytes, sheet: str) -> dict[str, Any]:
    page = load_workbook(io.BytesIO(data))[sheet]
    found = {page.cell(r, 1).value: page.cell(r, 2).value for r in range(4, page.max_row + 1)}
    return {str(k): v for k, v in found.items() if k}


def rows(data: bytes, sheet: str, title: str) -> list[dict[str, Any]]:
    """Return the rows of the table whose first title is this."""
    page = load_workbook(io.BytesIO(data))[sheet]
    lines = [[c.value for c in row] for row in page.iter_rows()]
    start = next(i for i, line in enumerate(lines) if line[0] == title)
    kept = []
    for line in lines[start + 1 :]:
        if line[0] is None:
            break
        kept.append(dict(zip(lines[start], line, strict=True)))
    return kept


def test_the_workbook_holds_the_three_forms(fair: dict[str, Any]) -> None:
    data = exports.to_workbook(exports.read_report(fair))
    assert load_workbook(io.BytesIO(data)).sheetnames == ["Form 1", "Form 2", "Form 3"]
    form1 = fields(data, "Form 1")
    numbers = [int(k.partition(".")[0]) for k in form1]
    assert numbers == sorted(numbers)
    assert set(range(1, 27)) - set(numbers) == {15, 16, 17, 18}  # the index of an assembly
    assert form1["1. Part Number"] == "T1"
    assert form1["3. Serial Number"] == "FA-1"
    assert form1["4. FAIR Identifier"] == "F1"
    assert form1["9. Manufacturing Process Reference"] == "WO-1"
    assert form1["19. Does FAIR Contain a Documented Nonconformance?"] == "no"
    assert form1["20. FAIR Verified By"] == "Wu Fang, Shenzhen Boards"
    assert form1["21. Date"] == "2026-07-01"
    assert form1["24. Customer Approval"] == "Ada Berg, Nordic Instruments"
    material = rows(data, "Form 2", "5. Material or Process Name")
    assert material[0]["10. Certificate of Conformance Number"] == "3.1-77"
    assert rows(data, "Form 2", "11. Functional Test Procedure Number")[0][
        "12. Acceptance Report Number"
    ] == "report 7"  # fmt: skip
    results = rows(data, "Form 3", "5. Characteristic Number")
    assert [r["5. Characteristic Number"] for r in results] == [1, 2, 3, 4]
    hole = results[0]
    assert hole["8. Requirement"] == "0.75 <= Hole diameter <= 0.85 mm"
    told = (
        hole["9. Results: serial"],
        hole["measured value"],
        hole["measured in"],
        hole["standard uncertainty"],
    )
    assert told == ("FA-1", pytest.approx(0.8), "mm", 0.001)
    assert (hole["coverage factor"], hole["lower limit"], hole["upper limit"]) == (2, 0.75, 0.85)
    assert (hole["decision"], hole["instrument"]) == ("conform", "line-1")
    assert results[2]["measured value"] == "conform"


def test_no_cell_of_the_workbook_is_a_formula(fair: dict[str, Any]) -> None:
    told = json.loads(json.dumps(fair))
    told["forms"]["form1"]["comments"] = "=HYPERLINK(1)"
    told["forms"]["form1"]["process_reference"] = "@SUM(A1)\x07"
    told["forms"]["form3"]["rows"][0]["results"][0]["instrument"] = "=1+1"
    data = exports.to_workbook(exports.read_report(told))
    found = list(cells(data))
    assert {kind for _, kind, _ in found} == {"s", "n"}
    texts = {value for _, _, value in found}
    assert {"=HYPERLINK(1)", "@SUM(A1)\ufffd", "=1+1"} <= texts


@settings(max_examples=25)
@given(text=st.text(min_size=1, max_size=40).filter(lambda t: t.strip()))
def test_any_text_of_a_report_is_text(fair: dict[str, Any], text: str) -> None:
    form1 = {**fair["forms"]["form1"], "comments": text}
    report = exports.read_report({**fair, "forms": {**fair["forms"], "form1": form1}})
    page = load_workbook(io.BytesIO(exports.to_workbook(report)))["Form 1"]
    cell = next(page.cell(r, 2) for r in range(4, 60) if str(page.cell(r, 1).value).startswith("26."))
    assert cell.data_type == "s"


def test_a_nonconforming_report_says_so() -> None:
    record = Reports().opened().signed(hole="nonconform").known["F1"].record()
    report = exports.read_report(record)
    assert report.nonconforming == 1
    data = exports.to_workbook(report)
    assert fields(data, "Form 1")["19. Does FAIR Contain a Documented Nonconformance?"] == "yes"
    hole = rows(data, "Form 3", "5. Characteristic Number")[0]
    assert (hole["decision"], hole["11. Nonconformance Number"]) == ("nonconform", "nc-1")


def test_a_report_that_is_not_there_yet_is_refused() -> None:
    with pytest.raises(ExportError, match="report F1: it has no forms yet"):
        exports.read_report(Reports().opened().known["F1"].record())
    with pytest.raises(ExportError, match="not the record of a first article report"):
        exports.read_report({"identifier": "F1", "forms": {"form1": {}}})
    with pytest.raises(ExportError, match="no forms"):
        exports.read_report({})


def test_the_paper_says_what_the_workbook_says(fair: dict[str, Any], tmp_path: Path) -> None:
    record = tmp_path / "f1.json"
    record.write_text(json.dumps(fair))
    for name in ("f1.pdf", "f1.xlsx"):
        result = CliRunner().invoke(
            app, ["export", "fai", "--record", str(record), "-o", str(tmp_path / name)]
        )
        assert result.exit_code == 0, result.exception
    text = "\n".join(page.extract_text() for page in PdfReader(tmp_path / "f1.pdf").pages)
    flat = " ".join(text.split())
    for said in ("Wu Fang, Shenzhen Boards", "WO-1", "0.75 <= Hole diameter <= 0.85 mm", "ohmmeter 3",
                 "3.1-77", "conformity with AS9102 is not claimed"):  # fmt: skip
        assert said in flat, said
    assert fields((tmp_path / "f1.xlsx").read_bytes(), "Form 1")["1. Part Number"] == "T1"
