"""A released model small enough to check by hand: two convolutions, whose answers NumPy gives as well."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.card import (
    MODEL,
    PARITY,
    WEIGHTS,
    Files,
    InputContract,
    ModelCard,
    Thresholds,
    TrainingData,
    read_card,
    write_card,
)

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

CLASSES = ("not_a_defect", "short", "open")
TEMPERATURE = 1.6
GOLDEN_IMAGE = "sha256:" + "5" * 64
_rng = np.random.default_rng(20)
_FIRST = _rng.normal(0, 1.0, (8, 6, 4, 4)).astype(np.float32)
_LAST = _rng.normal(0, 0.7, (3, 8, 1, 1)).astype(np.float32)


def pairs(count: int = 64, side: int = 32, seed: int = 4) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 6), np.uint8)


def logits(pairs: U8) -> F32:
    """Return what the network must answer, computed without any network runtime, in double precision."""
    n, h, w, _ = pairs.shape
    cells = pairs.reshape(n, h // 4, 4, w // 4, 4, 6) / 255.0
    hidden = np.maximum(np.einsum("nyixjc,kcij->nkyx", cells, _FIRST.astype(float)), 0)
    return np.einsum("nkyx,mk->nmyx", hidden, _LAST[:, :, 0, 0].astype(float)).astype(np.float32)


def graph() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Cast", ["pair"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["planes", "scale"], ["values"]),
        helper.make_node("Conv", ["values", "first"], ["cells"], strides=[4, 4]),
        helper.make_node("Relu", ["cells"], ["hidden"]),
        helper.make_node("Conv", ["hidden", "last"], ["logits"]),
    ]
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pair", TensorProto.UINT8, ["n", "h", "w", 6])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3, "y", "x"])],
        [
            numpy_helper.from_array(np.float32(255.0), "scale"),
            numpy_helper.from_array(_FIRST, "first"),
            numpy_helper.from_array(_LAST, "last"),
        ],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def npz(**arrays: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def card(**changes: Any) -> ModelCard:
    fields: dict[str, Any] = {
        "name": "tiny",
        "created": "2026-03-02",
        "description": "Two convolutions with random weights.",
        "files": Files(onnx=GOLDEN_IMAGE, weights=GOLDEN_IMAGE, parity=GOLDEN_IMAGE),
        "golden_image": GOLDEN_IMAGE,
        "training": TrainingData(description="None.", digest=GOLDEN_IMAGE, seeds={"weights": 20}),
        "classes": CLASSES,
        "input": InputContract(
            layout="pair uint8 (n, h, w, 6)",
            channels=("golden R", "golden G", "golden B", "unit R", "unit G", "unit B"),
            mm_per_px=0.02,
        ),
        "thresholds": Thresholds(
            temperature=TEMPERATURE, hold_below=0.6, dismiss_from=0.9, chosen="By hand."
        ),
        "metrics": (),
        "conditions": "None.",
        "versions": {"numpy": np.__version__},
        "licence": "Apache-2.0",
        "limits": ("It knows nothing.",),
    }
    return ModelCard(**{**fields, **changes})


def release(folder: Path, **changes: Any) -> Path:
    """Write the tiny model as it would be released; `changes` replace fields of its card."""
    folder.mkdir(parents=True)
    inputs = pairs()
    files = {
        MODEL: graph().SerializeToString(),
        WEIGHTS: npz(first=_FIRST, last=_LAST),
        PARITY: npz(pair=inputs, logits=logits(inputs)),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    digests = Files(onnx=digest(files[MODEL]), weights=digest(files[WEIGHTS]), parity=digest(files[PARITY]))
    write_card(folder, card(files=digests, **changes))
    return folder


def replace(folder: Path, name: str, data: bytes) -> None:
    """Put other bytes in place of a file and name them in the card: what an honest but broken export is."""
    (folder / name).write_bytes(data)
    known = read_card(folder)
    field = {MODEL: "onnx", WEIGHTS: "weights", PARITY: "parity"}[name]
    files = known.files.model_copy(update={field: digest(data)})
    write_card(folder, known.model_copy(update={"files": files}))


def damage(folder: Path, change: Callable[[onnx.GraphProto], None]) -> None:
    """Alter the network of a release and let the card name the altered file."""
    model = onnx.load(folder / MODEL)
    change(model.graph)
    onnx.checker.check_model(model)
    replace(folder, MODEL, model.SerializeToString())
