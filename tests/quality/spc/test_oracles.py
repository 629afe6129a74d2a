"""The oracle files of charts and capability, at the tolerance that exact constants must meet."""

from pathlib import Path

import pytest

from hallmark.eligibility import agrees, read_oracle, tolerance
from hallmark.eligibility.charts import ADAPTERS

FOLDER = Path(__file__).parents[2] / "oracles"


@pytest.mark.parametrize("name", ["c1", "c2", "c3", "c4", "c5"])
def test_every_case_agrees(name: str) -> None:
    (path,) = FOLDER.glob(f"{name}_*.json")
    adapter = ADAPTERS[name]
    assert adapter.keys is None
    for case in read_oracle(path).cases:
        exact = 1e-6 if name in ("c2", "c3", "c5") else tolerance(case, "")
        answer = adapter.answer(case.input)
        assert answer is not None
        wrong = [k for k, expected in case.expected.items() if not agrees(answer.get(k), expected, exact)]
        assert not wrong, (case.id, wrong)
