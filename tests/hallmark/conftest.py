"""The dispute packs of one lot, made once for all tests of this folder."""

from __future__ import annotations

from typing import Any

import pytest

from hallmark.dispute import Pack, read_pack
from tests.hallmark.disputes import made_packs


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return made_packs(tmp_path_factory.mktemp("plant"))


@pytest.fixture(scope="session")
def pack(packs: dict[str, Any]) -> Pack:
    return read_pack(packs["plain"])
