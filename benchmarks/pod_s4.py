"""Simulated detection on board S4: a90/95 by class, false calls, and a check on fresh seeds.

    nice -n 10 python -m benchmarks.pod_s4 OUT [--units 180] [--good 75] [--check 60] [--seed 20261123]

Writes pod.pdf, pod.svg, pod.json and check.json into OUT; about eight minutes on one core.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from hallmark.paper_format import PaperFormat
from hallmark.report.files import write_paper
from hallmark.study.chart import pod_chart
from hallmark.study.report import pod_lines, pod_paper, pod_record
from hallmark.study.seeded import SeededPlan, run_seeded
from hallmark.training.golden import packaged_golden
from models.release import packaged
from quality.pod import ALL, PodStudy, pod_curves
from quality.proportions import clopper_pearson, upper_bound

_ISSUED = "2026-11-23T00:00:00Z"  # a constant: the same study gives the same files


def main() -> None:
    """Run the study and its check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--units", type=int, default=180)
    parser.add_argument("--good", type=int, default=75)
    parser.add_argument("--check", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20261123)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    plan = SeededPlan(units=given.units, good=given.good, seed=given.seed, sizes_mm=(0.15, 4.0))
    study = _run(plan)
    curves = pod_curves(study, use="study")
    print("\n".join(pod_lines(study, curves)), flush=True)
    (given.out / "pod.json").write_text(json.dumps(pod_record(study, curves), indent=1))
    (given.out / "pod.svg").write_text(pod_chart(study, curves))
    write_paper(pod_paper(study, curves, "Board S4", _ISSUED), given.out, "pod", [PaperFormat.PDF])
    print("\n".join(good_lines(study)), flush=True)
    sizes = {(c.defect_class, c.level): c.a90_95 for c in curves if c.zone == ALL and c.a90_95 is not None}
    fresh = _run(SeededPlan(units=given.check, good=0, seed=given.seed + 1, exactly=sizes))
    found = checked(fresh, sizes)
    (given.out / "check.json").write_text(json.dumps(found, indent=1))
    for row in found:
        print(
            f"{row['class']:<18} {row['level']:<8} {row['size_mm']:.3f} mm: {row['found']} of {row['n']}, "
            f"lower 95 % {row['lower_95']:.3f}, p of at least 90 % {row['p_at_least_90']:.3f}, "
            f"p of more than 90 % {row['p_above_90']:.4f}"
        )


def good_lines(study: PodStudy) -> list[str]:
    """Return how many units without defect were rejected or held, each condition and together."""
    lines: list[str] = []
    for name in (*dict.fromkeys(u.conditions for u in study.good), None):
        units = [u for u in study.good if name in (None, u.conditions)]
        stopped = sum(u.verdict != "ACCEPT" for u in units)
        bound = upper_bound(stopped, len(units))
        lines.append(f"good, {name or 'together'}: {stopped} of {len(units)} rejected or held, "
                     f"at most {100 * bound:.2f} % (95 %)")  # fmt: skip
    return lines


def checked(fresh: PodStudy, sizes: dict[tuple[str, str], float]) -> list[dict[str, Any]]:
    """Return, for each class and level and for all together, what was found at exactly a90/95."""
    rows: list[dict[str, Any]] = []
    for key in (*sizes, None):
        trials = [t for t in fresh.trials if key in (None, (t.defect_class, t.level))]
        n, hits = len(trials), sum(t.found for t in trials)
        rows.append({
            "class": "all" if key is None else key[0], "level": "" if key is None else key[1],
            "size_mm": 0.0 if key is None else sizes[key], "n": n, "found": hits,
            "lower_95": clopper_pearson(hits, n, 0.90).lower,  # two-sided 90 %: one-sided 95 %
            "p_at_least_90": float(binomtest(hits, n, 0.9, alternative="less").pvalue),
            "p_above_90": float(binomtest(hits, n, 0.9, alternative="greater").pvalue),
        })  # fmt: skip
    return rows


def _run(plan: SeededPlan) -> PodStudy:
    def progress(done: int, of: int) -> None:
        if done % 20 == 0 or done == of:
            print(f"{done} of {of}", flush=True)

    return run_seeded(packaged_golden(), packaged(), plan, 1, progress)


if __name__ == "__main__":
    main()
