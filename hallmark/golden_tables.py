"""What a golden sample says, as tables for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from golden.bundle import Bundle
from golden.catalogue import DefectRule
from golden.catalogue_words import limits_said, near_said
from golden.spec import Characteristic, Code, Colour, Component, GoldenSpec, Print, Surface
from hallmark.colour_names import colour_detail


def print_tables(opened: Bundle) -> None:
    """Print part, validity, characteristics, catalogue and plans."""
    console = Console(highlight=False, soft_wrap=False)
    spec, manifest = opened.spec, opened.manifest
    console.print(
        f"[bold]{escape(spec.part.number)}[/] {escape(spec.part.name)}, revision {spec.part.revision}"
    )
    console.print(
        f"version {manifest.version}, issued {manifest.issued}, expires {manifest.expires or 'never'}"
    )
    console.print(", ".join(f"{p.role}: {escape(p.name)}" for p in spec.parties))
    for view in spec.views:
        size = f"{view.width_px} x {view.height_px} px, {view.mm_per_px:g} mm/px"
        console.print(f"view {view.id}: {escape(view.image)}, {size}")
    console.print(_characteristics(spec), _catalogue(spec), *_counts(spec), _plans(spec))
    console.print(f"digest {opened.digest}")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def _characteristics(spec: GoldenSpec) -> Table:
    table = _table("Characteristics", "no.", "id", "name", "kind", "limits", "class", "decision")
    for c in sorted(spec.characteristics, key=lambda c: c.number):
        row = (c.id, c.name, c.kind, _limits(c), c.severity, _decision(c))
        table.add_row(str(c.number), *map(escape, row))
    return table


def _decision(c: Characteristic) -> str:
    if isinstance(c, Surface) or c.unit is None:  # conform or not; there is no uncertainty to guard against
        return "-"
    rule = c.decision
    text = f"guarded, k={rule.coverage_factor:g}" if rule.rule == "guarded" else "simple"
    largest = rule.largest_u_over_tolerance
    return text if largest is None else f"{text}, U/T <= {largest:g}"


def _limits(c: Characteristic) -> str:  # noqa: PLR0911 (one per kind)
    if isinstance(c, Surface):
        return "catalogue, " + ", ".join(c.zones)
    if isinstance(c, Colour):
        return f"up to {c.upper:g} {c.unit}, {colour_detail(c)}"
    if isinstance(c, Code):
        said = c.content or (c.pattern and f"matches {c.pattern}") or "any content"
        return f"{c.symbology}, {said}{', the serial number' if c.identifies else ''}"
    if isinstance(c, Component):
        turn = "" if c.polarised else " or turned by 180 deg"
        return f"up to {c.upper:g} mm and {c.upper_angle_deg:g} deg from its place{turn}"
    if isinstance(c, Print):
        return f"up to {c.upper:g} mm from its place, alike to {c.detail_mm:g} mm"
    if c.unit is None:
        return "conform"
    if c.lower is None:
        return f"up to {c.upper:g} {c.unit}"
    return f"from {c.lower:g} {c.unit}" if c.upper is None else f"{c.lower:g} to {c.upper:g} {c.unit}"


def _catalogue(spec: GoldenSpec) -> Table:
    title = f"Defect catalogue (first match decides; {', '.join(spec.catalogue.rejects)} reject)"
    table = _table(title, "id", "class", "zone", "limits", "severity", "description")
    for rule in spec.catalogue.rules:
        row = (rule.id, rule.defect_class, rule.zone, _written(rule), rule.severity, rule.description)
        table.add_row(*map(escape, row))
    return table


def _counts(spec: GoldenSpec) -> list[Table]:
    table = _table("Counting rules (each that is met)", "id", "class", "weighed", "zone", "count", "severity")
    for rule in spec.catalogue.counts:
        near = near_said(rule.within_mm, rule.within_area_mm2, rule.closer_than_mm)
        how = f"{rule.at_least} or more {near}".rstrip()
        row = (", ".join(rule.classes), ", ".join(rule.weighed), rule.zone, how)
        table.add_row(*map(escape, (rule.id, *row, rule.severity)))
    return [table] if spec.catalogue.counts else []


def _written(rule: DefectRule) -> str:
    return limits_said((m, low, high) for m, (low, high) in rule.limits().items()) or "any size"


def _plans(spec: GoldenSpec) -> Table:
    plans, oqc = spec.plans, spec.plans.oqc
    table = _table("Plans", "checkpoint", "plan")
    for item in plans.iqc:
        table.add_row("incoming", escape(f"{item.material}: {item.check}, {item.method}, {item.sample}"))
    table.add_row("first article", f"{plans.fai.units} unit(s), approved by the {plans.fai.approved_by}")
    every = [f"{plans.ipqc.every_units} units"] if plans.ipqc.every_units else []
    every += [f"{plans.ipqc.every_minutes} minutes"] if plans.ipqc.every_minutes else []
    table.add_row("in process", f"{plans.ipqc.size} units every {' and every '.join(every)}")
    for name, plan in (("critical", oqc.critical), ("major", oqc.major), ("minor", oqc.minor)):
        limit = plan.limiting_quality
        if limit is not None:
            how = (
                f"limiting quality {limit.fraction:g}, consumer's risk {limit.consumer_risk:g}, Ac {limit.Ac}"
            )
        elif plan.every_unit:
            how = f"every unit ({oqc.standard})"
        else:
            how = f"AQL {plan.aql}, level {oqc.level}, {oqc.severity} ({oqc.standard})"
        table.add_row(f"outgoing, {name}", how)
    return table
