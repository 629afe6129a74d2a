"""`hallmark quality`: sampling plans, control charts, capability and gage studies from the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

if TYPE_CHECKING:
    from quality.sampling import DoublePlan, SamplingPlan

Level = Literal["S-1", "S-2", "S-3", "S-4", "I", "II", "III"]
MeasuredChart = Literal["xbar_r", "xbar_s", "i_mr"]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Table = Annotated[Path, typer.Argument(metavar="FILE.csv", help="Numbers separated by commas.")]


class TableError(ValueError):
    """A file of numbers that cannot be read as one; the message names file and line."""


def register(app: typer.Typer) -> None:
    """Add `hallmark quality`."""
    group = typer.Typer(name="quality", help="Plans, charts and studies.", no_args_is_help=True)
    group.callback()(_group)
    for command in (plan, chart, capability, gage):
        group.command()(command)
    app.add_typer(group)


def _group() -> None:
    """Sampling plans with what they let through, control charts, capability, gage studies."""


def plan(
    lot_size: Annotated[int, typer.Argument(help="Units in the lot.")],
    *,
    aql: Annotated[str, typer.Option(help="As printed in the standard, for example 0.65 or 1.0.")],
    level: Annotated[Level, typer.Option(help="Inspection level.")] = "II",
    severity: Annotated[str, typer.Option(help="normal, tightened or reduced.")] = "normal",
    standard: Annotated[str, typer.Option(help="Edition.")] = "ISO 2859-1:1999",
    double: Annotated[bool, typer.Option("--double", help="Double sampling, where it is held.")] = False,
    nonconformities: Annotated[
        bool, typer.Option("--nonconformities", help="Count nonconformities per 100 units, not units.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a lot's sampling plan and which quality it accepts how often.

    Examples: `hallmark quality plan 1200 --aql 1.0`,
    `hallmark quality plan 1200 --aql 2.5 --double --standard "ANSI/ASQ Z1.4-2003 (R2018)" --json`
    """
    from quality.curves import DoublePlan as DoubleCurve
    from quality.curves import SinglePlan, oc_table
    from quality.sampling import SamplingPlan, double_lot_plan, lot_plan, severity_named

    counting = "nonconformities_per_100_units" if nonconformities else "nonconforming_units"
    make = double_lot_plan if double else lot_plan
    chosen = make(lot_size, level, aql, severity_named(severity), standard, counting)
    if isinstance(chosen, SamplingPlan):
        curve: SinglePlan | DoubleCurve = SinglePlan(chosen.n, chosen.Re - 1)
    else:
        curve = DoubleCurve((chosen.n1, chosen.n2), (chosen.Ac1, chosen.Re2 - 1), chosen.Re1)
    points = oc_table(curve, model="poisson" if nonconformities else "binomial")
    if as_json:
        _print_json({"plan": asdict(chosen), "oc": [point._asdict() for point in points]})
        return
    print(_told(chosen))
    what = "nonconformities per 100 units" if nonconformities else "percent nonconforming"
    print(f"\naccepted with probability   at {what}")
    for point in points:
        print(f"{point.Pa:>25.3f}   {100 * point.p:>10.4g}")


def _told(chosen: SamplingPlan | DoublePlan) -> str:
    from quality.sampling import SamplingPlan

    where = f"{chosen.standard}, level {chosen.level}, {chosen.severity}, AQL {chosen.aql}"
    letter = f"code letter {chosen.code_letter}"
    if chosen.arrow_followed:
        letter += f", by the arrow {chosen.final_code_letter}"
    if isinstance(chosen, SamplingPlan):
        every = " (every unit)" if chosen.hundred_percent else ""
        return f"{where}: {letter}\nn {chosen.n}{every}   Ac {chosen.Ac}   Re {chosen.Re}"
    return (
        f"{where}: {letter}\nfirst   n {chosen.n1}   Ac {chosen.Ac1}   Re {chosen.Re1}\n"
        f"both    n {chosen.n1 + chosen.n2}   Ac {chosen.Ac2}   Re {chosen.Re2}"
    )


def chart(
    file: Table,
    *,
    kind: Annotated[MeasuredChart, typer.Option(help="Chart: one line of FILE is a subgroup.")] = "xbar_r",
    rules: Annotated[str, typer.Option(help="For example 'nelson 1 2 5', western_electric, aiag.")] = (
        "nelson 1"
    ),
    as_json: AsJson = False,
) -> None:
    """Chart subgroups with limits estimated from them, and say how often the rules alarm for nothing.

    Exit 0 if the process is in control, 1 if something signals.

    Examples: `hallmark quality chart rings.csv`, `hallmark quality chart f.csv --kind i_mr --rules aiag`
    """
    from quality.spc import chart as charted
    from quality.spc import false_alarm_arl, rule_set_named

    chosen = rule_set_named(rules)
    result = charted(kind, _subgroups(file), rules=chosen)
    alarm = false_alarm_arl(chosen)
    if as_json:
        _print_json({**result.record(), "false_alarm_arl": asdict(alarm)})
    else:
        for panel in result.panels:
            print(
                f"{panel.statistic}: centre {panel.centre[0]:.6g}, limits {panel.lcl[0]:.6g} to "
                f"{panel.ucl[0]:.6g}, {panel.points.size} points"
            )
            for signal in panel.signals:
                print(f"  signal: {json.dumps(signal.record(), sort_keys=True)}")
        print(f"in control these rules alarm every {alarm.arl:.0f} points")
    raise typer.Exit(0 if result.in_control else 1)


def capability(
    file: Table,
    *,
    lower: Annotated[float | None, typer.Option(help="Lower specification limit.")] = None,
    upper: Annotated[float | None, typer.Option(help="Upper specification limit.")] = None,
    target: Annotated[float | None, typer.Option(help="Default: the middle of both limits.")] = None,
    despite: Annotated[
        str | None, typer.Option(help="Why to go on although the chart signals; the result carries it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print capability indices with 95 % intervals; refused while the process is out of control.

    Examples: `hallmark quality capability rings.csv --lower 73.95 --upper 74.05`
    """
    from quality.spc import capability as assessed

    found = assessed(_subgroups(file), lsl=lower, usl=upper, target=target, despite=despite)
    record = found.record()
    if as_json:
        _print_json(record)
        return
    print(f"n {found.n}, mean {found.mean:.6g}, sigma within {found.sigma_within:.4g}, overall "
          f"{found.sigma_overall:.4g}")  # fmt: skip
    for name in ("cp", "cpk", "pp", "ppk", "cpm"):
        index = record[name]
        if index is not None:
            print(
                f"{name.capitalize():<4} {index['value']:.3f}   {index['lower']:.3f} to {index['upper']:.3f}"
            )
    for caution in found.cautions:
        print(f"caution: {caution}")


def gage(
    file: Table,
    *,
    factor: Annotated[str, typer.Option(help="What differs beside parts: operator, station, re-fixturing.")],
    tolerance: Annotated[float | None, typer.Option(help="Width between the limits.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a crossed gage R&R study by analysis of variance. FILE has lines part, level of FACTOR, value.

    Examples: `hallmark quality gage readings.csv --factor station --tolerance 0.2`
    """
    from quality.msa import Reading, crossed_gage_rr, crossed_study

    lines = _lines(file)
    if any(len(line) != 3 for _, line in lines):
        number = next(n for n, line in lines if len(line) != 3)
        raise TableError(f"{file}, line {number}: needs part, {factor} and value")
    readings = [Reading(line[0], line[1], _number(file, n, line[2])) for n, line in lines]
    study = crossed_gage_rr(crossed_study(readings, factor=factor), tolerance=tolerance)
    parts = (study.gage_rr, study.repeatability, study.reproducibility, study.part, study.total)
    if as_json:
        _print_json({**asdict(study), "ndc": study.ndc, "set_to_zero": list(study.set_to_zero)})
        return
    print(f"{'source':<28}  {'std dev':>10}  {'% study':>8}  {'% contribution':>14}  {'% tolerance':>11}")
    for c in parts:
        share = "" if tolerance is None else f"{study.percent_of_tolerance(c):.1f}"
        print(f"{c.name:<28}  {c.standard_deviation:>10.4g}  {study.percent_of_study(c):>8.1f}  "
              f"{study.percent_contribution(c):>14.1f}  {share:>11}")  # fmt: skip
    print(f"number of distinct categories {study.ndc}")
    for name in study.set_to_zero:
        print(f"{name}: the estimate was negative and is taken for 0")


def _subgroups(file: Path) -> list[list[float]]:
    return [[_number(file, n, cell) for cell in line] for n, line in _lines(file)]


def _lines(file: Path) -> list[tuple[int, Sequence[str]]]:
    """Return the lines that hold something, each with its number; a first line of words is a heading."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{file}: cannot be read as text: {error}") from error
    rows = [(n, [cell.strip() for cell in row]) for n, row in enumerate(csv.reader(text.splitlines()), 1)]
    rows = [(n, row) for n, row in rows if any(row)]
    if rows and not _is_number(rows[0][1][-1]):
        rows = rows[1:]
    if not rows:
        raise TableError(f"{file}: holds no numbers")
    return cast("list[tuple[int, Sequence[str]]]", rows)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(file: Path, line: int, cell: str) -> float:
    if not _is_number(cell):
        raise TableError(f"{file}, line {line}: {cell!r} is not a number")
    return float(cell)


def _print_json(record: Mapping[str, Any]) -> None:
    print(json.dumps(record, sort_keys=True, allow_nan=False))
