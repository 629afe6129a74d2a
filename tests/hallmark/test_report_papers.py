"""The papers say what the records say, carry everything with them and hold on screen, phone and A4."""

import html
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from evidence import Pose
from hallmark.doctor import find_program
from hallmark.report import Picture, Signature, render_fai, render_sheet, render_summary
from tests.hallmark import papers

# Written into a copy of the page; what the browser laid out comes back in the title.
PROBE = """<script>
const boxes = [...document.querySelectorAll(".balloon")].map(b => b.getBoundingClientRect());
let overlaps = 0;
boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
  if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) overlaps++;
}));
const pictures = [...document.images, ...document.querySelectorAll("image")].length;
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const drawn = [...document.querySelectorAll("figure > svg")].map(s => s.getBoundingClientRect().height);
document.title = JSON.stringify({balloons: boxes.length, overlaps, wide, pictures, drawn});
</script>"""


def fai(shift: float = 0.004) -> str:
    spec = papers.board()
    inspection, decision = papers.first(spec, shift)
    picture = Picture("top", papers.good_picture(), "Golden reference, view top")
    inspector = Signature("A. Brandt", "Nordlicht Leiterplatten GmbH", "2026-11-23T08:16:00Z")
    return render_fai(
        spec, inspection, decision, [picture], issued="2026-11-23T08:16:00Z", inspector=inspector
    )


def sheet() -> str:
    spec = papers.board()
    record = papers.faulty(spec)
    return render_sheet(
        spec, record, [Picture("top", papers.faulty_picture(), "Frame", record.frames[0].pose)], note="real"
    )


def summary() -> str:
    return render_summary(papers.lot(papers.board()))


PAGES = {"fai": fai, "sheet": sheet, "summary": summary}


def text_of(page: str) -> str:
    without = re.sub(r"<(style|title)>.*?</\1>|<image[^>]*>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", without)))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_nothing_from_elsewhere(name: str) -> None:
    page = PAGES[name]()
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//|url\(|@import""", page)


def test_the_fai_report_says_what_was_decided() -> None:
    page = fai()
    text = text_of(page)
    for said in (
        "ACCEPT", "S4, revision A", "S4-0001", "Nordlicht Leiterplatten GmbH", "Meridian Instruments Ltd",
        "2.883 ± 0.023 mm", "28.54 … 28.74", "820 ± 24 MΩ", "≥ 100", "Certificate 24-1187",
        "13 of 13 conform",
        "c4c4c4c4c4c4", papers.DIGEST, "ISO 14253-1:2017", "the supplier must prove conformity", "A. Brandt",
        "name, signature, date",
    ):  # fmt: skip
        assert said in text
    assert re.findall(r'class="balloon" data-label="(\w+)"', page) == [str(n) for n in range(1, 12)]


def test_a_failed_first_article_names_its_items() -> None:
    text = text_of(fai(shift=0.2))
    assert "REJECT" in text
    assert "does not conform" in text
    assert "characteristic:d1 (major)" in text


def test_a_decision_about_another_unit_is_refused() -> None:
    spec = papers.board()
    _, decision = papers.first(spec)
    with pytest.raises(ValueError, match="not about insp-"):
        render_fai(spec, papers.faulty(spec), decision, [], issued="2026-11-23T08:16:00Z")


def test_the_sheet_draws_every_deviation_and_says_why() -> None:
    page = sheet()
    text = text_of(page)
    for said in (
        "REJECT",
        "surface_rejected",
        "quarantine the unit",
        "8.26 mm",
        "not weighed",
        "none matches",
    ):
        assert said in text
    assert {"D1", "D2", "D3"} <= set(re.findall(r'data-label="(D\d)"', page))


def test_features_are_drawn_where_the_pose_puts_them() -> None:
    """A quarter turn takes (172, 182) to (1000 - 2 * 182, 20 + 2 * 172)."""
    spec = papers.board()
    pose = Pose(x_px=1000, y_px=20, angle_deg=90, scale=2, residual_px=0)
    record = papers.unit(spec, "S4-0001", pose=pose)
    page = render_sheet(spec, record, [Picture("top", np.zeros((4000, 4000), np.uint8), "dark", pose)])
    assert '<circle cx="636.0" cy="364.0" r="136.0"' in page


def test_a_unit_that_was_not_found_is_shown_without_features() -> None:
    spec = papers.board()
    record = papers.unit(spec, "S4-0001", pose=None)
    page = render_sheet(spec, record, [Picture("top", np.zeros((64, 64, 3), np.uint8), "dark")])
    assert 'class="balloon"' not in page
    assert "data:image/jpeg;base64," in page


def test_what_people_wrote_cannot_become_markup() -> None:
    spec = papers.board()
    part = spec.part.model_copy(update={"name": "<script>alert(1)</script> & Co"})
    page = render_sheet(spec.model_copy(update={"part": part}), papers.faulty(spec), [], note="<b>x</b>")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_the_summary_counts_against_the_truth() -> None:
    s = papers.lot(papers.board())
    assert [u.serial for u in s.with_outcome("missed")] == ["S4-0055"]
    assert [u.serial for u in s.with_outcome("false alarm")] == ["S4-0064"]
    assert [u.serial for u in s.with_outcome("stopped for another reason")] == ["S4-0071"]
    assert len(s.with_outcome("found")) == 4
    assert len(s.with_outcome("passed")) == 73
    text = text_of(render_summary(s))
    for said in (
        "4 of 6",
        "1 of 74",
        "48 ms",
        "AQL 1.0, code letter E",
        "S4-0012",
        "GET /api/v1/lots/DEMO-1",
    ):
        assert said in text


def browse(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    program = find_program("chromium")
    assert program is not None
    # A root user has no sandbox; the pages are our own.
    command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--hide-scrollbars", "--enable-logging=stderr", *arguments]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.requires_system("chromium")
@pytest.mark.parametrize("name", PAGES)
def test_in_a_browser(name: str, tmp_path: Path) -> None:
    """No console message, no overlapping balloons, no sideways scrolling on a desk or on a phone."""
    page = PAGES[name]()
    (tmp_path / "page.html").write_text(page.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    # A browser window has a least width; a frame does not.
    (tmp_path / "phone.html").write_text(
        '<iframe src="page.html" style="width:375px;height:3000px;border:0" onload="'
        'document.title = this.contentDocument.title"></iframe>',
        encoding="utf-8",
    )
    for view, width in (("page.html", 1200), ("phone.html", 800)):
        shot = tmp_path / f"{view}.png"
        result = browse([
            "--allow-file-access-from-files", f"--window-size={width},1600", "--virtual-time-budget=4000",
            f"--screenshot={shot}", "--dump-dom", (tmp_path / view).as_uri(),
        ])  # fmt: skip
        assert "CONSOLE" not in result.stderr, [x for x in result.stderr.splitlines() if "CONSOLE" in x]
        (title,) = re.findall(r"<title>(\{.*?\})</title>", result.stdout)[:1]
        seen = json.loads(html.unescape(title))
        assert seen["overlaps"] == 0
        assert seen["wide"] == 0, f"{view} scrolls sideways by {seen['wide']} px"
        assert seen["balloons"] == page.count('class="balloon"')
        assert all(height > 200 for height in seen["drawn"])
