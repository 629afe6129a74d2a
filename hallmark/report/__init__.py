"""Papers for people: the first-article report, the inspection sheet and the summary of a lot.

Each is one self-contained HTML page: no scripts, no fonts or files from elsewhere, prints on A4.
"""

from hallmark.report.fai import Signature, render_fai
from hallmark.report.pictures import Picture
from hallmark.report.sheet import render_sheet
from hallmark.report.summary import (
    DemoSummary,
    HttpExample,
    Link,
    Step,
    UnitLine,
    render_summary,
)

__all__ = [
    "DemoSummary",
    "HttpExample",
    "Link",
    "Picture",
    "Signature",
    "Step",
    "UnitLine",
    "render_fai",
    "render_sheet",
    "render_summary",
]
