"""A detector small enough to check by hand: two convolutions and two linear heads, in NumPy as well.

The heads are fitted by least squares to drawn squares of missing and of excess copper, so that it names most.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from golden.keys import SigningKey
from models.detector.contract import SIDE, encoded
from models.detector.release import FixedSet, write_detector_release
from models.detector.runtime import Answers
from tests.models.tiny import GOLDEN_IMAGE

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

CLASSES = ("not_a_defect", "missing", "excess")
TEMPERATURE = 0.5
_CELLS = SIDE // 8
_rng = np.random.default_rng(8)
_FIRST = np.concatenate([
    np.float32([[1, -1], [-1, 1], [1, 0], [0, 1]])[:, :, None, None] * np.ones((8, 8), np.float32) / 64,
    _rng.normal(0, 0.02, (4, 2, 8, 8)).astype(np.float32),
])  # fmt: skip
_SECOND = np.concatenate([
    np.eye(8, dtype=np.float32)[:4, :, None, None] * np.float32([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    _rng.normal(0, 0.1, (8, 8, 3, 3)).astype(np.float32),
])  # fmt: skip


def crops(count: int, seed: int) -> tuple[U8, npt.NDArray[np.int64], F32]:
    """Return pairs (n, SIDE, SIDE, 2), classes (n,) and boxes (n, 4): squares of missing or excess copper."""
    rng = np.random.default_rng(seed)
    golden = np.kron(rng.random((count, _CELLS, _CELLS)) < 0.5, np.ones((8, 8))) * 255
    unit = golden.copy()
    kinds = rng.integers(0, 3, count)
    boxes = np.zeros((count, 4), np.float32)
    for i, kind in enumerate(kinds):
        x, y = rng.integers(8, SIDE - 32, 2)
        w, h = rng.integers(8, 24, 2)
        boxes[i] = x, y, x + w, y + h
        if kind:
            unit[i, y : y + h, x : x + w] = 255 if kind == 1 else 0
    unit += rng.normal(0, 4, (count, 1, 1))  # of light
    return np.stack([golden, unit.clip(0, 255)], axis=-1).astype(np.uint8), kinds, boxes


def features(pairs: U8) -> F64:
    """Return what the heads are given, (n, 12 * 100), computed without any network runtime."""
    n = len(pairs)
    cells = (pairs / 255.0).reshape(n, _CELLS, 8, _CELLS, 8, 2)
    first = np.maximum(np.tensordot(cells, _FIRST.astype(float), ([2, 4, 5], [2, 3, 1])), 0)
    first = np.moveaxis(first, 3, 1)
    padded = np.pad(first, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    second = np.moveaxis(np.tensordot(windows, _SECOND.astype(float), ([1, 4, 5], [1, 2, 3])), 3, 1)
    return np.maximum(second, 0).reshape(n, -1)


@functools.cache
def _heads() -> tuple[F32, F32]:
    """Return weights (1201, 3) and (1201, 4), the last row the offsets: ridge regression."""
    pairs, kinds, boxes = crops(600, seed=1)
    x = np.c_[features(pairs), np.ones(len(pairs))]
    targets = np.c_[4 * np.eye(3)[kinds] - 2, encoded(boxes) * (kinds > 0)[:, None]]
    weights = np.linalg.solve(x.T @ x + 3.0 * np.eye(x.shape[1]), x.T @ targets)
    return weights[:, :3].astype(np.float32), weights[:, 3:].astype(np.float32)


def answers(pairs: U8) -> Answers:
    """Return what the network must answer, in double precision."""
    x = np.c_[features(pairs), np.ones(len(pairs))]
    logits, boxes = ((x @ head.astype(float)).astype(np.float32) for head in _heads())
    return Answers(logits, boxes)


def network() -> bytes:
    logits, boxes = _heads()
    constants = {
        "scale": np.float32(255.0), "first": _FIRST, "second": _SECOND, "name": logits[:-1],
        "name_offset": logits[-1], "bound": boxes[:-1], "bound_offset": boxes[-1],
    }  # fmt: skip
    nodes = [
        helper.make_node("Cast", ["pair"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["planes", "scale"], ["values"]),
        helper.make_node("Conv", ["values", "first"], ["cells"], strides=[8, 8]),
        helper.make_node("Relu", ["cells"], ["hidden"]),
        helper.make_node("Conv", ["hidden", "second"], ["mixed"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["mixed"], ["kept"]),
        helper.make_node("Flatten", ["kept"], ["flat"]),
        helper.make_node("Gemm", ["flat", "name", "name_offset"], ["logits"]),
        helper.make_node("Gemm", ["flat", "bound", "bound_offset"], ["box"]),
    ]
    made = helper.make_graph(
        nodes,
        "tiny detector",
        [helper.make_tensor_value_info("pair", TensorProto.UINT8, ["n", SIDE, SIDE, 2])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3]),
            helper.make_tensor_value_info("box", TensorProto.FLOAT, ["n", 4]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@functools.cache
def fixed(count: int = 1000, seed: int = 2) -> FixedSet:
    pairs = crops(count, seed)[0]
    return FixedSet(pairs, np.zeros(len(pairs), np.int64), answers(pairs))


def fields(**changes: Any) -> dict[str, Any]:
    """Return everything of a card but its files."""
    thresholds = {"temperature": TEMPERATURE, "operating": 0.5, "hold_below": 0.6, "chosen": "By hand."}
    data = {
        "use": "training", "description": "Drawn squares.", "split": "Seed 1.", "items": 600,
        "digest": GOLDEN_IMAGE, "licence": "Apache-2.0",
    }  # fmt: skip
    made: dict[str, Any] = {
        "name": "tiny-detector", "created": "2026-03-02", "description": "Two convolutions.", "runs": "fp32",
        "data": [data], "seeds": {"heads": 1}, "classes": CLASSES,
        "input": {"layout": "pair uint8 (n, 80, 80, 2)", "side_px": SIDE, "channels": 1},
        "thresholds": thresholds, "reliability": [{"confidence": 0.9, "correct": 0.91, "n": 100}],
        "metrics": (), "conditions": "None.", "versions": {"numpy": np.__version__},
        "licence": "Apache-2.0", "limits": ("It knows squares.",),
    }  # fmt: skip
    return {**made, **changes}


def with_int8(margin: float, **changes: Any) -> dict[str, Any]:
    made = fields(**{"runs": "int8", **changes})
    return {**made, "thresholds": {**made["thresholds"], "int8_margin": margin}}


def release(folder: Path, key: SigningKey | None = None, **changes: Any) -> Path:
    """Write the tiny detector, FP32 alone; `changes` replace fields of its card."""
    write_detector_release(folder, fields(**changes), network(), fixed(), key=key)
    return folder
