"""Which modules are mutated, and which tests have to see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_QUALITY = "tests/quality/"


@dataclass(frozen=True, slots=True)
class Group:
    """Modules, by glob patterns, and the tests that are run against their mutants."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]

    def paths(self) -> list[Path]:
        """Return the modules' files, in the working directory."""
        return sorted(path for pattern in self.modules for path in Path().glob(pattern))


def _group(modules: str, tests: str) -> Group:
    return Group(tuple(modules.split()), tuple(tests.split()))


GROUPS: dict[str, Group] = {
    "sampling": _group(
        "quality/sampling/*.py",
        f"{_QUALITY}sampling",
    ),
    "conformity": _group(
        "golden/conformity/*.py",
        "tests/golden/test_conformity.py tests/golden/test_conformity_probability.py"
        " tests/golden/test_global_risks.py tests/golden/test_guard_bands.py"
        " tests/golden/test_capability_policy.py",
    ),
    "lots": _group(
        "quality/lots.py quality/lot_*.py quality/steps.py",
        f"{_QUALITY}test_lots.py {_QUALITY}test_lot_quarantine.py {_QUALITY}test_lot_replay.py"
        f" {_QUALITY}test_late_findings.py {_QUALITY}test_outgoing.py {_QUALITY}test_outgoing_steps.py"
        f" {_QUALITY}test_neutral_draw.py {_QUALITY}test_series.py",
    ),
    "inspections": _group(
        "quality/fai.py quality/unit_findings.py quality/record_checks.py",
        f"{_QUALITY}test_fai.py {_QUALITY}test_record_checks.py {_QUALITY}test_lots.py"
        f" {_QUALITY}test_late_findings.py {_QUALITY}test_capability_policy.py",
    ),
    "events": _group(
        "quality/events.py quality/folding.py quality/sign_off.py",
        f"{_QUALITY}test_events.py {_QUALITY}test_lots.py {_QUALITY}test_lot_replay.py"
        f" {_QUALITY}test_physical.py {_QUALITY}test_claims.py {_QUALITY}materials {_QUALITY}ipqc"
        f" {_QUALITY}test_engineering_change.py {_QUALITY}test_genealogy.py",
    ),
    "outgoing": _group(
        "quality/outgoing.py quality/outgoing_steps.py",
        f"{_QUALITY}test_outgoing.py {_QUALITY}test_outgoing_steps.py {_QUALITY}test_lots.py"
        f" {_QUALITY}test_late_findings.py {_QUALITY}test_series.py",
    ),
    "series": _group("quality/series.py", f"{_QUALITY}test_series.py"),
    "neutral_draw": _group("quality/neutral_draw.py", f"{_QUALITY}test_neutral_draw.py"),
    "nonconformances": _group(
        "quality/nonconformances.py", f"{_QUALITY}test_nonconformances.py {_QUALITY}test_lots.py"
    ),
    "corrective": _group("quality/corrective/*.py", f"{_QUALITY}corrective"),
    "claims": _group("quality/claims.py", f"{_QUALITY}test_claims.py"),
    "materials": _group(
        "quality/materials/*.py",
        f"{_QUALITY}materials tests/hallmark/test_eligibility_iqc.py",
    ),
    "physical": _group("quality/physical.py", f"{_QUALITY}test_physical.py"),
    "engineering_change": _group(
        "quality/engineering_change.py quality/spec_differences.py",
        f"{_QUALITY}test_engineering_change.py",
    ),
    "fai_report": _group("quality/fai_report/*.py", f"{_QUALITY}fai_report"),
    "ipqc": _group("quality/ipqc/*.py", f"{_QUALITY}ipqc"),
    "genealogy": _group("quality/genealogy.py", f"{_QUALITY}test_genealogy.py"),
    "trend": _group("quality/trend.py", f"{_QUALITY}test_trend.py"),
}
