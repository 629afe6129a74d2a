"""The packaged scans are the published ones, and travel with their licence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import resources

import cv2
import numpy as np
import pytest

from datasets import pcb_s4


@pytest.mark.parametrize(
    ("scan", "shape", "digest"),
    [
        (
            pcb_s4.good_scan,
            (1888, 1663, 3),
            "28ef27cc862c3d8f57a43a0c276ef92fbe487a4c11ea25f4ee62ed2120efe9f4",
        ),
        (
            pcb_s4.faulty_scan,
            (1846, 1640, 3),
            "eea5e9ebce50c9f327c7d7ca8ef05df78ea7d3b2120f8148badb0ba4f36db419",
        ),
    ],
)
def test_scans_are_the_published_files(
    scan: Callable[[], bytes], shape: tuple[int, ...], digest: str
) -> None:
    data = scan()
    assert hashlib.sha256(data).hexdigest() == digest
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == shape


def test_the_licence_lies_beside_the_scans() -> None:
    assert "Copyright (c) 2019 Mirsadeghi" in resources.files(pcb_s4).joinpath("LICENSE").read_text()


def test_the_scale_is_1200_dots_per_inch() -> None:
    assert pytest.approx(1200) == 25.4 / pcb_s4.MM_PER_PX
