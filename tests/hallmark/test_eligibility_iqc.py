"""The incoming-inspection and golden-sample fields of oracle g5."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hallmark.eligibility.records_iqc import answer_iqc

CASES = json.loads(
    (Path(__file__).parent.parent / "oracles" / "g5_8d_iqc_golden_records.json").read_text(encoding="utf-8")
)["cases"]
FIELDS = [case for case in CASES if "field" in case["input"]]


def test_the_oracle_has_the_fields() -> None:
    assert len(FIELDS) == 22


@pytest.mark.parametrize("case", FIELDS, ids=lambda case: case["id"])
def test_a_record_holds_the_field(case: dict[str, dict[str, object]]) -> None:
    assert answer_iqc(case["input"]) == case["expected"]


def test_what_our_records_do_not_mean_has_no_answer() -> None:
    assert answer_iqc({"discipline": "D4"}) is None
    assert answer_iqc({"field": "colour_of_the_forklift"}) is None
    assert answer_iqc({"field": 3}) is None
