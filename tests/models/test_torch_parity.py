"""The network rebuilt from the released weights, in torch, answers as its export does. Needs .venv-train."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from models.card import MODEL, PARITY, WEIGHTS, Files, read_card, write_card
from models.parity import compare
from models.release import open_model, packaged, verify
from tests.conftest import IN_CI
from tests.models import tiny

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-train" / "bin" / "python"

pytestmark = pytest.mark.xdist_group("torch")  # one worker starts torch, and makes `random` once


@pytest.fixture(autouse=True, scope="module")
def torch_environment() -> None:
    if not PYTHON.exists():
        refuse = pytest.fail if IN_CI else pytest.skip
        refuse(".venv-train not made (make .venv-train/.ready)")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, *arguments],
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of the released architecture with random weights, exported and carded."""
    folder = tmp_path_factory.mktemp("random")
    made = run("tests/models/random_release.py", folder, "3")
    assert made.returncode == 0, made.stderr
    digests = {n: tiny.digest((folder / n).read_bytes()) for n in (MODEL, WEIGHTS, PARITY)}
    files = Files(onnx=digests[MODEL], weights=digests[WEIGHTS], parity=digests[PARITY])
    write_card(folder, tiny.card(files=files))
    return folder


@pytest.fixture(params=["random", "packaged"])
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = packaged() if request.param == "packaged" else request.getfixturevalue("random")
    return shutil.copytree(folder, tmp_path / "model")


def test_torch_onnxruntime_and_the_stored_answers_agree(released: Path, tmp_path: Path) -> None:
    out = tmp_path / "logits.npy"
    result = run("-m", "models.train.parity", released, out)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["holds"] is True
    assert told["flips"] == 0
    assert told["probability"] <= 1e-4
    with np.load(released / PARITY) as stored:
        exported = open_model(released).logits(stored["pair"])
        parity = compare(np.load(out), exported, read_card(released).thresholds.temperature)
        assert parity.cells == stored["logits"][:, 0].size
        assert told["cells"] == parity.cells + stored["wide_logits"][:, 0].size
        assert told["crops"] == 1024 + 16
    assert parity.flips == 0
    assert parity.probability <= 1e-4


def test_other_weights_are_noticed(released: Path) -> None:
    with np.load(released / WEIGHTS) as stored:
        weights = {name: stored[name] for name in stored.files}
    weights["head.bias"] = weights["head.bias"][::-1].copy()
    (released / WEIGHTS).write_bytes(tiny.npz(**weights))
    result = run("-m", "models.train.parity", released)
    assert result.returncode == 1, result.stderr
    assert json.loads(result.stdout)["holds"] is False


def test_the_same_network_is_released_in_the_same_bytes(random: Path, tmp_path: Path) -> None:
    assert run("tests/models/random_release.py", tmp_path, "3").returncode == 0
    for name in (MODEL, WEIGHTS, PARITY):
        assert (tmp_path / name).read_bytes() == (random / name).read_bytes()


def test_the_export_takes_crops_of_any_size(random: Path) -> None:
    assert verify(random).holds
    with np.load(random / "oblong.npz") as oblong:
        answered = open_model(random).logits(oblong["pair"])
        assert answered.shape == (3, 3, 16, 40)
        np.testing.assert_allclose(answered, oblong["logits"], atol=1e-4)
