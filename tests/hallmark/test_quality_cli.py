"""`hallmark quality`: published examples come out of files of numbers, and bad files are refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binom
from typer.testing import CliRunner

from hallmark.__main__ import app
from hallmark.commands import input_errors

ORACLES = Path(__file__).parent.parent / "oracles"


def case(file: str, name: str) -> dict[str, Any]:
    cases = json.loads((ORACLES / f"{file}.json").read_text())["cases"]
    return next(c for c in cases if c["id"] == name)


def answer(*arguments: object, exit_code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["quality", *map(str, arguments), "--json"])
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def refused(*arguments: object) -> str:
    """Return the sentence of what the command line turns into exit code 2."""
    result = CliRunner().invoke(app, ["quality", *map(str, arguments)])
    assert isinstance(result.exception, input_errors())
    return str(result.exception)


def table(path: Path, rows: Any) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_lots_plan_and_what_it_lets_through() -> None:
    found = answer("plan", 1200, "--aql", "1.0")
    plan = found["plan"]
    assert (plan["code_letter"], plan["n"], plan["Ac"], plan["Re"]) == ("J", 80, 2, 3)
    published = case("a6_aoql_risk_points", "aoql-80-2-1000")["expected"]
    points = {round(p["Pa"], 4): p["p"] for p in found["oc"]}
    assert points[0.95] == pytest.approx(published["p95_AQL_point"], abs=1e-6)
    assert points[0.10] == pytest.approx(published["p10_LTPD_RQL"], abs=1e-6)


def test_a_double_plan_tells_both_samples() -> None:
    standard = "ANSI/ASQ Z1.4-2003 (R2018)"
    plan = answer("plan", 1200, "--aql", "2.5", "--double", "--standard", standard)["plan"]
    assert [plan[k] for k in ("n1", "Ac1", "Re1", "n2", "Ac2", "Re2")] == [50, 2, 5, 50, 6, 7]
    result = CliRunner().invoke(
        app, ["quality", "plan", "1200", "--aql", "2.5", "--double", "--standard", standard]
    )
    assert "first   n 50   Ac 2   Re 5" in result.stdout
    assert "both    n 100   Ac 6   Re 7" in result.stdout


@pytest.mark.parametrize("sampling", [(), ("--double",)])
def test_a_gap_between_ac_and_re_accepts_the_lot(sampling: tuple[str, ...]) -> None:
    """Reduced inspection of Z1.4: what lies between is accepted, and the curve is of acceptance."""
    standard = ("--standard", "ANSI/ASQ Z1.4-2003 (R2018)", "--severity", "reduced")
    found = answer("plan", 5000, "--aql", "2.5", *standard, *sampling)
    plan, point = found["plan"], found["oc"][1]
    if sampling:
        assert plan["Re2"] > plan["Ac2"] + 1
        first = binom(plan["n1"], point["p"])
        both = sum(
            first.pmf(d) * binom(plan["n2"], point["p"]).cdf(plan["Re2"] - 1 - d)
            for d in range(plan["Ac1"] + 1, plan["Re1"])
        )
        accepted = first.cdf(plan["Ac1"]) + both
    else:
        assert plan["Re"] > plan["Ac"] + 1
        accepted = binom(plan["n"], point["p"]).cdf(plan["Re"] - 1)
    assert accepted == pytest.approx(point["Pa"], abs=1e-6)


def test_a_chart_of_the_piston_rings(tmp_path: Path) -> None:
    published = case("c2_shewhart_charts", "piston-xbar-UWAVE-R")
    file = table(tmp_path / "rings.csv", published["input"]["subgroups"])
    found = answer("chart", file)
    level = found["panels"][0]
    for ours, theirs in (("centre", "center"), ("lcl", "lcl"), ("ucl", "ucl")):
        assert level[ours][0] == pytest.approx(published["expected"][theirs], abs=1e-8)
    assert found["false_alarm_arl"]["arl"] == pytest.approx(370.4, abs=0.05)
    assert found["in_control"] is True


def test_a_signal_is_exit_1(tmp_path: Path) -> None:
    boiler = case("c2_shewhart_charts", "boiler-t1-I")["input"]["values"]
    file = table(tmp_path / "boiler.csv", [["degrees"], *([v] for v in boiler)])
    found = answer("chart", file, "--kind", "i_mr", exit_code=1)
    assert found["panels"][0]["signals"][0]["point"] == 0, "the heading is no subgroup"


def test_capability_and_its_refusal(tmp_path: Path) -> None:
    published = case("c5_capability", "cap-piston")
    limits = ("--lower", published["input"]["lsl"], "--upper", published["input"]["usl"])
    found = answer("capability", table(tmp_path / "r.csv", published["input"]["data"]), *limits)
    assert found["ppk"]["value"] == pytest.approx(published["expected"]["Ppk"], abs=1e-6)
    boiler = case("c5_capability", "cap-boiler1")["input"]
    file = table(tmp_path / "b.csv", [[v] for v in boiler["data"]])
    assert "signals" in refused("capability", file, "--lower", 510, "--upper", 540)
    found = answer("capability", file, "--lower", 510, "--upper", 540, "--despite", "boiler was cold")
    assert found["despite"] == "boiler was cold"


def test_the_gage_study_of_the_manual(tmp_path: Path) -> None:
    published = case("d1_gage_rr", "grr-anova-aiag-10x3x3")
    rows = [(d["part"], d["operator"], v) for d in published["input"]["data"] for v in d["trials"]]
    file = table(tmp_path / "g.csv", [("part", "operator", "value"), *rows])
    found = answer("gage", file, "--factor", "operator", "--tolerance", 8)
    assert found["ndc"] == 4
    assert found["repeatability"]["raw"] == pytest.approx(0.03997328, abs=1e-8)
    result = CliRunner().invoke(app, ["quality", "gage", str(file), "--factor", "operator"])
    assert "number of distinct categories 4" in result.stdout


@pytest.mark.parametrize(
    ("text", "part"),
    [("1,2\n3,x\n", "line 2: 'x' is not a number"), ("", "holds no numbers"), ("a,b\n", "holds no numbers")],
)
def test_a_file_that_is_no_table_is_refused(text: str, part: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    assert part in refused("chart", file)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("plan", "0", "--aql", "1.0"), "no units"),
        (("plan", "1200", "--aql", "1.1"), "neighbours are 1.0 and 1.5"),
        (("plan", "1200", "--aql", "1.0", "--standard", "ISO 2859-1:2026"), "not held"),
        (("chart", "absent.csv"), "cannot be read"),
    ],
)
def test_bad_questions_are_refused(arguments: tuple[str, ...], part: str) -> None:
    assert part in refused(*arguments)


def test_a_gage_file_needs_three_columns(tmp_path: Path) -> None:
    file = table(tmp_path / "g.csv", [(1, 2)])
    assert "needs part, station and value" in refused("gage", file, "--factor", "station")
