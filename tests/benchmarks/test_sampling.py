"""The sampling benchmark is the same for the same seed, and its shares are those of the lots."""

from __future__ import annotations

import pytest

from benchmarks import sampling
from golden.plans import SamplingStandard
from quality.sampling import EDITIONS


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_seed_repeats_the_series(edition: SamplingStandard) -> None:
    first, again, other = (sampling.simulate(edition, 5000, seed) for seed in (1, 1, 2))
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    assert first["shares"] != other["shares"]
    assert sum(first["shares"].values()) == pytest.approx(1, abs=2e-4)
    assert all(share > 0 for share in first["shares"].values())
    assert 0.85 < first["accepted"] < 1
    assert first["discontinued"] > 0


def test_every_stored_cell_is_a_plan() -> None:
    assert sum(1 for _ in sampling.stored_plans()) == 16 * 26 * 3 * 3


def test_every_stored_plan_has_an_oc_table() -> None:
    tables = sampling.tabulate()
    assert tables["cells"] == 16 * 26 * 3 * 3
    assert 300 < tables["plans"] < tables["cells"]
