"""Rules of the whole suite: threads, random examples, and what an absent system package means."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from hallmark.doctor import SYSTEM_PACKAGES, find_program

# Set before any numeric library loads: workers of one machine must not fight for its cores. Two numba threads
# let a test compare one thread with two.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "2")

IN_CI = os.environ.get("HALLMARK_CI") == "1"

settings.register_profile(
    "hallmark", deadline=None, derandomize=IN_CI, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hallmark")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "requires_system(name): needs a system package; without it skipped by name, failed if HALLMARK_CI=1",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("requires_system"):
        (name,) = marker.args
        if find_program(name) is None:
            package = next(p for p in SYSTEM_PACKAGES if p.name == name)
            refuse = pytest.fail if IN_CI else pytest.skip
            refuse(f"{name} not installed ({package.remedy})")
