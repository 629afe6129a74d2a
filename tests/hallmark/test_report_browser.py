"""The papers hold on screen, phone and A4 as a browser lays them out and prints them."""

from __future__ import annotations

import html
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

from hallmark.doctor import find_program
from hallmark.report import render_summary, to_html
from tests.hallmark import papers
from tests.hallmark.test_report_papers import fai, lot, sheet, squeezed

# Written into a copy of the page; what the browser laid out comes back in the title.
PROBE = """<script>
const boxes = [...document.querySelectorAll(".balloon")].map(b => b.getBoundingClientRect());
const figures = [...document.querySelectorAll("figure > svg.drawing")];
let overlaps = 0, cut = 0;
figures.forEach(f => {
  const own = [...f.querySelectorAll(".balloon")].map(b => b.getBoundingClientRect());
  const room = f.getBoundingClientRect();
  own.forEach((a, i) => {
    if (a.left < room.left - 1 || a.right > room.right + 1) cut++;
    if (a.top < room.top - 1 || a.bottom > room.bottom + 1) cut++;
    own.slice(i + 1).forEach(b => {
      if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) overlaps++;
    });
  });
});
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const spilt = [...document.querySelectorAll("table.sized td > *:not(.pad)")].filter(
  e => e.getBoundingClientRect().right > e.closest("td").getBoundingClientRect().right + 1
).length;
const drawn = [...document.querySelectorAll("figure > svg")].map(s => s.getBoundingClientRect().height);
document.title = JSON.stringify({balloons: boxes.length, overlaps, cut, wide, drawn, spilt});
</script>"""

PAGES = {
    "fai": lambda: to_html(fai()),
    "sheet": lambda: to_html(sheet()),
    "lot": lambda: to_html(lot()),
    "summary": lambda: render_summary(papers.lot(papers.board())),
}


def browse(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = find_program("chromium")
    assert program is not None
    # A root user has no sandbox; the pages are our own.
    command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--hide-scrollbars", "--enable-logging=stderr", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync",
               f"--user-data-dir={folder / 'profile'}", *arguments]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.requires_system("chromium")
@pytest.mark.parametrize("name", PAGES)
def test_on_a_desk_and_on_a_phone(name: str, tmp_path: Path) -> None:
    """No console message, nothing overlapping or cut, no sideways scrolling."""
    page = PAGES[name]()
    (tmp_path / "page.html").write_text(page.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    # A browser window has a least width; a frame does not.
    (tmp_path / "phone.html").write_text(
        '<iframe src="page.html" style="width:375px;height:3000px;border:0" onload="'
        'document.title = this.contentDocument.title"></iframe>',
        encoding="utf-8",
    )
    for view, width in (("page.html", 1200), ("phone.html", 800)):
        result = browse(
            tmp_path, "--allow-file-access-from-files", f"--window-size={width},1600",
            "--virtual-time-budget=4000", "--dump-dom", (tmp_path / view).as_uri(),
        )  # fmt: skip
        assert "CONSOLE" not in result.stderr, [x for x in result.stderr.splitlines() if "CONSOLE" in x]
        (title,) = re.findall(r"<title>(\{.*?\})</title>", result.stdout)[:1]
        seen = json.loads(html.unescape(title))
        assert (seen["overlaps"], seen["cut"]) == (0, 0)
        assert seen["wide"] == 0, f"{view} scrolls sideways by {seen['wide']} px"
        assert seen["spilt"] == 0, f"{view}: {seen['spilt']} cells do not hold what is in them"
        assert seen["balloons"] == page.count('class="balloon"')
        assert all(height > 100 for height in seen["drawn"])


@pytest.mark.requires_system("chromium")
def test_printed_every_page_has_head_and_foot(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(to_html(fai()), encoding="utf-8")
    printed = tmp_path / "printed.pdf"
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}", (tmp_path / "page.html").as_uri())
    pages = PdfReader(io.BytesIO(printed.read_bytes())).pages
    for number, page in enumerate(pages, start=1):
        text = squeezed(page.extract_text())
        for said in (*fai().running, fai().reference, f"page {number} of {len(pages)}"):
            assert squeezed(said) in text
