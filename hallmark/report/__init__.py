"""Papers for people: first-article report, inspection sheet, lot summary, and the summary of a demo run.

`first_article_report`, `inspection_sheet` and `lot_summary` print what the records say, judge nothing, and
each give a `Paper`, which `to_html` and `hallmark.report.pdf.to_pdf` turn into one file of the same content.
"""

from hallmark.report.fai import first_article_report
from hallmark.report.lot import lot_summary, standing
from hallmark.report.pages import to_html
from hallmark.report.paper import Paper, ReportError, Signature
from hallmark.report.pictures import Absent, Picture, framed, unit_picture
from hallmark.report.sheet import inspection_sheet
from hallmark.report.summary import (
    DemoSummary,
    HttpExample,
    Link,
    Step,
    UnitLine,
    render_summary,
)

__all__ = [
    "Absent",
    "DemoSummary",
    "HttpExample",
    "Link",
    "Paper",
    "Picture",
    "ReportError",
    "Signature",
    "Step",
    "UnitLine",
    "first_article_report",
    "framed",
    "inspection_sheet",
    "lot_summary",
    "render_summary",
    "standing",
    "to_html",
    "unit_picture",
]
