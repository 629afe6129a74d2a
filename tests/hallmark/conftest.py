"""What is made once for all tests of this folder: dispute packs of one lot, pictures to calibrate from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hallmark.dispute import Pack, read_pack
from tests.hallmark.calibration_kit import Kit, open_kit
from tests.hallmark.colour_kit import made_desk
from tests.hallmark.disputes import made_packs


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return made_packs(tmp_path_factory.mktemp("plant"))


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """An engineer's pictures of a target, flats, darks and a check standard, taken by the twin."""
    return open_kit(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def colour_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photograph of a chart, the chart's definition, and the certificate made of both."""
    return made_desk(tmp_path_factory.mktemp("colour"))


@pytest.fixture(scope="session")
def pack(packs: dict[str, Any]) -> Pack:
    return read_pack(packs["plain"])
