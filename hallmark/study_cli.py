"""`hallmark study`: what an inspection detects by size, and whether it agrees with people."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallmark.paper_format import PaperFormat

if TYPE_CHECKING:
    from golden.sample import GoldenSample

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add `hallmark study`."""
    group = typer.Typer(name="study", help="What an inspection detects.", no_args_is_help=True)
    group.callback()(_group)
    group.command()(pod)
    group.command()(attribute)
    app.add_typer(group)


def _group() -> None:
    """Probability of detection by size, and agreement with human graders."""


def pod(
    golden: Annotated[
        Path | None,
        typer.Argument(metavar="PART.golden", help="Golden sample; board S4 of the demo unless given."),
    ] = None,
    *,
    defects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Real graded defects instead of simulated ones: a line picture,class,size_mm,zone for each, "
            "and its centre x_mm,y_mm in the golden view; pictures lie beside the file, one with an empty "
            "class is a unit without defect.",
        ),
    ] = None,
    by_zone: Annotated[
        bool,
        typer.Option(
            "--by-zone",
            help="Take defects without x_mm, y_mm: whatever is found in the zone then counts as found. The "
            "report says so; no decision may rest on it.",
        ),
    ] = False,
    trust: Annotated[
        Path, typer.Option(metavar="DIR", envvar="HALLMARK_TRUST", help="Folder of trusted public keys.")
    ] = Path("trust"),
    model: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|none",
            help="Released model that names findings, or none.",
            envvar="HALLMARK_MODEL",
        ),
    ] = "packaged",
    units: Annotated[
        int, typer.Option(min=10, help="Simulated units, a defect of each class on each.")
    ] = 180,
    good: Annotated[
        int, typer.Option(min=1, help="Re-captures without defect under each of both conditions.")
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 1,
    smallest: Annotated[float, typer.Option(metavar="MM", help="Least size drawn.")] = 0.15,
    largest: Annotated[float, typer.Option(metavar="MM", help="Greatest size drawn.")] = 4.0,
    processes: Annotated[int, typer.Option(min=1, help="How many inspect at once.")] = 2,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the report, its chart (SVG) and pod.json here.")
    ] = None,
    formats: Annotated[
        list[PaperFormat] | None,
        typer.Option("--report", help="Format of the report in --out; pdf unless given; repeat for both."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the sizes that are found with 50 and 90 %, by class and zone, with the false-call rate.

    Without --defects, defects of graded size and contrast are drawn on the golden picture and captured by the
    twin under light, blur, noise, gain and placement that vary beyond those of training. Such figures are
    labelled simulated and no decision may rest on them.

    Examples: `hallmark study pod --out study`, `hallmark study pod --units 60 --json`

    `hallmark study pod bracket.golden --defects graded/defects.csv --out study`
    """
    from hallmark.progress import progress
    from hallmark.study.defect_table import read_table, run_table
    from hallmark.study.report import pod_lines, pod_record
    from hallmark.study.seeded import SeededPlan, run_seeded
    from quality.pod import pod_curves

    if not 0 < smallest < largest < math.inf:
        raise typer.BadParameter("sizes must be above 0, --smallest below --largest", param_hint="--smallest")
    if formats and out is None:
        raise typer.BadParameter(
            "the report is written to a folder; name it with --out", param_hint="--report"
        )
    if by_zone and defects is None:
        raise typer.BadParameter("drawn defects have places; give --defects", param_hint="--by-zone")
    now = datetime.now(UTC)
    sample = _sample(golden, trust, now)
    folder = _model_folder(sample, model)
    table = None if defects is None else (defects, read_table(defects, sample, by_zone=by_zone))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)  # before the study: it takes minutes
    if table is not None:
        with progress("inspecting", len(table[1])) as advance:
            study = run_table(*table, sample, folder, advance)
    else:
        plan = SeededPlan(units=units, good=good, seed=seed, sizes_mm=(smallest, largest))
        with progress("inspecting", units + 2 * good) as advance:
            study = run_seeded(sample, folder, plan, processes, lambda done, _: advance(done))
    curves = pod_curves(study, use="study")
    record = pod_record(study, curves)
    text = json.dumps(record, sort_keys=True, allow_nan=False)
    print(text if as_json else "\n".join(pod_lines(study, curves)))
    if out is not None:
        from golden.sample import write_file
        from hallmark.report.files import write_paper
        from hallmark.study.chart import pod_chart
        from hallmark.study.report import pod_paper

        issued = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        paper = pod_paper(study, curves, sample.spec.part.name, issued)
        write_paper(paper, out, "pod", formats or [PaperFormat.PDF])
        write_file(out / "pod.svg", pod_chart(study, curves).encode())
        write_file(out / "pod.json", text.encode())


def attribute(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="Lines unit,grader,trial,call,reference; the last may lack."),
    ],
    *,
    station: Annotated[
        str, typer.Option(help="Which grader is the station; all others are people.")
    ] = "station",
    conforming: Annotated[str, typer.Option(help="The call that passes a unit.")] = "accept",
    as_json: AsJson = False,
) -> None:
    """Compare a station with human graders: effectiveness, misses, false alarms, kappas (AIAG MSA).

    Every grader judged every unit equally often. Effectiveness counts the units of which all of a grader's
    trials give the reference. Words are those of AIAG MSA 4th ed., chapter III-C, and judge the estimate.

    Examples: `hallmark study attribute calls.csv`,
    `hallmark study attribute calls.csv --station cell-3 --conforming Yes --json`
    """
    from hallmark.study.attribute import attribute_lines, attribute_record, compare, read_calls

    study = compare(read_calls(file), station=station, conforming=conforming)
    if as_json:
        print(json.dumps(attribute_record(study), sort_keys=True, allow_nan=False))
    else:
        print("\n".join(attribute_lines(study)))


def _sample(golden: Path | None, trust: Path, now: datetime) -> GoldenSample:
    if golden is None:
        from hallmark.training.golden import packaged_golden

        return packaged_golden()
    from golden.keys import TrustStore
    from golden.sample import GoldenSample

    return GoldenSample.open(golden, TrustStore.open(trust), now)


def _model_folder(sample: GoldenSample, model: str) -> Path | None:
    """Return the folder of the model asked for, or None where none names this golden sample's findings."""
    from models.release import classifier_for, packaged

    if model == "none" or (model == "packaged" and classifier_for(sample) is None):
        return None
    return packaged() if model == "packaged" else Path(model)
