"""`hallmark study pod`: tables of real defects are read and refused, reports say what is simulated."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from typer.testing import CliRunner

from datasets import pcb_s4
from hallmark.__main__ import app
from hallmark.commands import input_errors
from hallmark.errors import ReadingFileError
from hallmark.report.pages import to_html
from hallmark.study import seeded
from hallmark.study.chart import pod_chart
from hallmark.study.defect_table import TrueDefect, _is_at, read_table, run_table
from hallmark.study.report import pod_lines, pod_paper, pod_record
from hallmark.study.seeded import BEYOND, LINE, STUDY_RANGES, SeededPlan, conditions_of
from hallmark.training.golden import packaged_golden
from hallmark.training.pairs import TRAINING_RANGES
from quality.errors import StudyError
from quality.inspection_error import Source
from quality.pod import DefectTrial, GoodUnit, PodStudy, pod_curves


def study(source: Source) -> PodStudy:
    rng = np.random.default_rng(8)
    sizes = np.exp(rng.uniform(math.log(0.15), math.log(2), 90))
    found = rng.uniform(size=90) < expit(5 * np.log(sizes / 0.5))
    trials = [
        DefectTrial(unit=f"u{i}", defect_class="stain", zone="front", size_mm=float(s), found=bool(f))
        for i, (s, f) in enumerate(zip(sizes, found, strict=True))
    ]
    trials += [
        DefectTrial(unit=f"u{i}", defect_class="scratch", zone="front", size_mm=1.0, found=False)
        for i in range(12)
    ]
    good = [GoodUnit(unit=f"g{i}", conditions=LINE, calls=0, verdict="ACCEPT") for i in range(50)]
    return PodStudy(golden="sha256:" + "0" * 64, model=None, source=source, conditions=("dim light",),
                    smallest_mm=0.4, measures={}, trials=tuple(trials), good=tuple(good))  # fmt: skip


def test_a_simulated_report_says_so_everywhere() -> None:
    simulated = study("simulated")
    curves = pod_curves(simulated, use="study")
    paper = to_html(pod_paper(simulated, curves, "Board", "2026-11-23T00:00:00Z"))
    assert "they decide nothing about units or lots" in paper
    assert "no decision rests on it" in pod_chart(simulated, curves)
    assert next(iter(pod_lines(simulated, curves))).startswith("SIMULATED")
    assert pod_record(simulated, curves)["source"] == "simulated"
    real = study("measured on real parts")
    curves = pod_curves(real, use="decision")
    assert "decide nothing" not in to_html(pod_paper(real, curves, "Board", "2026-11-23T00:00:00Z"))
    assert not any("SIMULATED" in line for line in pod_lines(real, curves))


def graded(defect_class: str, level: str, a50: float, slope: float) -> list[DefectTrial]:
    """Return 60 trials of which as many are found at each size as a curve says."""
    sizes = np.geomspace(0.15, 4, 60)
    share = np.cumsum(expit(slope * np.log(sizes / a50)))
    found = np.diff(np.floor(share), prepend=0) > 0
    return [
        DefectTrial(
            unit=f"u{i}",
            defect_class=defect_class,
            level=level,
            zone="front",
            size_mm=float(s),
            found=bool(f),
        )
        for i, (s, f) in enumerate(zip(sizes, found, strict=True))
    ]


def test_no_label_of_the_chart_lies_on_a_curve_a_dot_or_another_label() -> None:
    levels = (("faint", 2.0, 3), ("plain", 0.6, 5), ("strong", 0.2, 2))
    trials = [t for name, a50, slope in levels for t in graded("scratch", name, a50, slope)]
    trials += [*graded("open", "natural", 0.16, 4), *graded("short", "natural", 0.1, 2)]
    trials += graded("excess_material", "natural", 0.5, 9) + graded("stain", "natural", 1.0, 3)
    shown = study("simulated").model_copy(update={"trials": tuple(trials)})
    chart = pod_chart(shown, pod_curves(shown, use="study"))
    labels = [  # left, top, right, bottom; a letter is at most 0.6 of its size wide, on average
        (
            float(x),
            float(y) - float(size),
            float(x) + 0.6 * float(size) * len(words),
            float(y) + 0.2 * float(size),
        )
        for x, y, size, words in re.findall(
            r'<text x="(.*?)" y="(.*?)" font-size="(.*?)".*?>(.*?)</text>', chart
        )
    ]
    drawn = [tuple(map(float, dot)) for dot in re.findall(r'<circle cx="(.*?)" cy="(.*?)" r="(.*?)"', chart)]
    for points in re.findall(r'<polyline points="(.*?)"', chart):
        curve = np.array([p.split(",") for p in points.split()], np.float64)
        along = np.linspace(0, len(curve) - 1, 2000)
        xs, ys = (np.interp(along, np.arange(len(curve)), curve[:, k]) for k in (0, 1))
        drawn += [(x, y, 2.0) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    assert len(drawn) > 6 * 2000
    for i, (left, top, right, bottom) in enumerate(labels):
        assert not any(left - r < x < right + r and top - r < y < bottom + r for x, y, r in drawn), i
        assert not any(left < c and a < right and top < d and b < bottom for a, b, c, d in labels[:i]), i


def test_the_report_holds_sizes_false_calls_and_what_failed() -> None:
    simulated = study("simulated")
    curves = pod_curves(simulated, use="study")
    scratch, stain = curves
    text = "\n".join(pod_lines(simulated, curves))
    assert stain.a90_95 is not None
    assert f"{stain.a90_95:.3g}" in text
    assert "all 12 defects were missed" in text
    assert (
        "false calls, line: 0 on 50 units, 0 per unit (0 to 0.0738); 0 units with any, at most 5.8 %" in text
    )
    record = json.loads(json.dumps(pod_record(simulated, curves), allow_nan=False))
    assert record["curves"][0]["a90_95_mm"] is scratch.a90_95 is None
    assert PodStudy.model_validate(record["study"]) == simulated


def test_captures_vary_beyond_those_of_training() -> None:
    for name in ("angle_deg", "shift_fraction", "scale_jitter", "tilt", "exposure", "gradient",
                 "read_noise_e", "colour_drift"):  # fmt: skip
        assert getattr(STUDY_RANGES, name) > 1.5 * getattr(TRAINING_RANGES, name), name
    assert STUDY_RANGES.full_well_e < TRAINING_RANGES.full_well_e
    assert STUDY_RANGES.blur_sigma_px[0] < TRAINING_RANGES.blur_sigma_px[0]
    assert STUDY_RANGES.blur_sigma_px[1] > TRAINING_RANGES.blur_sigma_px[1]
    stated = conditions_of(SeededPlan(units=20, good=3, seed=4))
    assert f"{BEYOND}: angle_deg = 4.0" in stated
    assert any("seed 4" in line for line in stated)


def table(folder: Path, *lines: str, heading: str = "picture,class,size_mm,zone,x_mm,y_mm") -> Path:
    for name in ("a.png", "b.png"):
        (folder / name).touch()
    file = folder / "defects.csv"
    file.write_text("\n".join((heading, *lines)) + "\n")
    return file


def test_a_table_lists_defects_by_picture_and_good_units(tmp_path: Path) -> None:
    file = table(tmp_path, "a.png,scratch,0.5,border,3,4", "a.png,stain,1.5,conductors,,", "b.png,,,,,")
    assert read_table(file, packaged_golden(), by_zone=True) == {
        "a.png": [
            TrueDefect("scratch", 0.5, "border", (3.0, 4.0)), TrueDefect("stain", 1.5, "conductors", None),
        ],
        "b.png": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("c.png,scratch,1,border,,", "line 2: there is no picture 'c.png'"),
        ("a.png,scratch,1,rim,,", "line 2: zone 'rim' is none of"),
        ("a.png,scratch,big,border,,", "line 2: size_mm 'big' is not a number"),
        ("a.png,scratch,0,border,,", "must be above 0"),
        ("a.png,scratch,1,border,3,", "line 2: y_mm '' is not a number"),
        ("a.png,scratch,1,border,3000,4", "line 2: 3000, 4 mm lies outside the golden view of 35"),
        ("a.png,scratch,1,border,3,-0.1", "line 2: 3, -0.1 mm lies outside"),
    ],
)
def test_a_table_that_says_what_cannot_be_is_refused(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ReadingFileError, match=says):
        read_table(table(tmp_path, line), packaged_golden())


def test_a_table_without_lines_or_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingFileError, match="lists no pictures"):
        read_table(table(tmp_path), packaged_golden())
    with pytest.raises(ReadingFileError, match="lacks size_mm, zone"):
        read_table(table(tmp_path, heading="picture,class"), packaged_golden())
    for name, why in (("absent.csv", "No such file or directory"), (".", "Is a directory")):
        with pytest.raises(ReadingFileError, match=f"{why}: give a table"):
            read_table(tmp_path / name, packaged_golden())


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--largest", "inf"), "--smallest"), (("--report", "html"), "--report"), (("--out", "FILE/x"), "FILE")],
)
def test_a_study_that_cannot_be_is_refused_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], said: str
) -> None:
    def made(*_: object) -> None:
        raise AssertionError("nothing was to be inspected")

    monkeypatch.setattr(seeded, "run_seeded", made)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    result = CliRunner().invoke(app, ["study", "pod", *options])
    assert result.exit_code == 2 or isinstance(result.exception, NotADirectoryError)
    assert said in result.stderr + str(result.exception)


def test_a_defect_with_a_place_is_found_within_a_millimetre_of_it() -> None:
    finding: Any = SimpleNamespace(zone="border", box_mm=(10.0, 10.0, 2.0, 1.0))
    for place, found in (
        ((11, 10.5), True),
        ((12.9, 10.5), True),
        ((13.1, 10.5), False),
        ((12.8, 11.8), False),
    ):
        assert _is_at(finding, TrueDefect("stain", 1.0, "conductors", place)) is found
    assert _is_at(finding, TrueDefect("stain", 1.0, "border", None))
    assert not _is_at(finding, TrueDefect("stain", 1.0, "conductors", None))


def test_defects_without_a_place_are_refused_unless_they_are_taken_by_zone(tmp_path: Path) -> None:
    file = table(tmp_path, "a.png,scratch,0.5,border,3,4", "a.png,stain,1.5,conductors,,")
    said = CliRunner().invoke(app, ["study", "pod", "--defects", str(file)])
    assert isinstance(said.exception, ReadingFileError)  # bad input: exit 2
    assert isinstance(said.exception, input_errors())
    assert str(said.exception).startswith(f"{file}, line 3: no x_mm and y_mm: whatever is found in zone cond")
    plain = table(tmp_path, "a.png,stain,1.5,border", heading="picture,class,size_mm,zone")
    with pytest.raises(ReadingFileError, match="line 2: no x_mm"):
        read_table(plain, packaged_golden())
    assert CliRunner().invoke(app, ["study", "pod", "--by-zone"]).exit_code == 2


def test_a_study_by_zone_counts_such_trials(tmp_path: Path) -> None:
    (tmp_path / "faulty.jpg").write_bytes(pcb_s4.good_scan())
    lines = "faulty.jpg,stain,1.5,conductors,,", "faulty.jpg,scratch,0.5,border,3,4"
    rows = read_table(table(tmp_path, *lines), packaged_golden(), by_zone=True)
    made = run_table(tmp_path / "defects.csv", rows, packaged_golden(), None, lambda _: None)
    assert (len(made.trials), made.by_zone, made.source) == (2, 1, "measured on real parts")


def test_a_study_by_zone_says_so_everywhere_and_decides_nothing() -> None:
    real = study("measured on real parts")
    loose = real.model_copy(update={"by_zone": 30})
    for one, limited in ((real, False), (loose, True)):
        curves = pod_curves(one, use="study")
        sentence = "30 of 102 defects have no stated place"
        assert (sentence in to_html(pod_paper(one, curves, "Board", "2026-11-23T00:00:00Z"))) is limited
        assert next(iter(pod_lines(one, curves))).startswith(f"LIMITATION: {sentence}") is limited
        assert [said[: len(sentence)] for said in pod_record(one, curves)["limitations"]] == [
            sentence
        ] * limited
    assert real.inspection_error("stain", from_mm=0.6).detection.parts > 0
    for claim in (
        lambda: pod_curves(loose, use="decision"), lambda: loose.inspection_error("stain", from_mm=0.6),
    ):  # fmt: skip
        with pytest.raises(StudyError, match="30 of 102 defects have no stated place"):
            claim()
    older = real.model_dump(mode="json")
    del older["by_zone"]
    assert PodStudy.model_validate(older) == real
