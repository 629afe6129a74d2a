# pyright: reportMissingImports=false
"""An exported network becomes an INT8 one, by static quantisation with calibration data.

Runs where onnxruntime and onnx are (`pip install onnx` beside the product), not in the training environment.

Activations are uint8, weights int8 per output channel, symmetric and limited to 7 bits. Processors without
VNNI multiply u8 by s8 in pairs and add the two products in 16 bits, which saturates (Intel SDM, VPMADDUBSW):
with |w| <= 64 no pair exceeds 2 * 255 * 64 = 32640 < 32767, so that every processor gives the same integers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.detector.calibration import Calibration
from models.detector.card import LARGEST_MARGIN
from models.detector.runtime import ask
from models.errors import ParityError
from models.release.files import session

INT16_MAX: Final = 32767
_BATCH: Final = 64
_QUANTISED: Final = ("Conv", "Add", "Relu", "MaxPool", "Gemm", "MatMul")
_SPARE: Final = 1.5  # times the largest difference on the calibration data: unseen crops may differ more

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


def quantise(
    network: bytes, calibration: U8, *, keep_float: Sequence[str] | None = None, method: str = "Percentile"
) -> bytes:
    """Return the INT8 form of a network; the same arguments give the same bytes.

    Args:
        network: ONNX, input `pair` uint8, as `torch.onnx.export` writes it in evaluation mode.
        calibration: (n, h, w, 2c) uint8 pairs, some hundreds, of the training data; they set the ranges of
            the activations. Never of what the network is judged by.
        keep_float: names of nodes that stay in float32; None: the first convolution, whose difference of two
            pictures is rarely far from zero, and what follows the last, which decides most; both cost little.
        method: of `onnxruntime.quantization.CalibrationMethod`: MinMax, Percentile or Entropy.

    Raises:
        ParityError: the result could saturate on a processor without VNNI.
    """
    with tempfile.TemporaryDirectory() as folder:
        clean, made = Path(folder) / "clean.onnx", Path(folder) / "int8.onnx"
        quant_pre_process(onnx.load_from_string(network), str(clean), skip_symbolic_shape=True)
        model = onnx.load(clean)
        for i, node in enumerate(model.graph.node):
            node.name = node.name or f"{node.op_type}_{i}"
        onnx.save(model, clean)
        kept = _first_and_last(model.graph) if keep_float is None else tuple(keep_float)
        quantize_static(
            clean, made, _Reader(calibration), quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_QUANTISED), nodes_to_exclude=list(kept), per_channel=True,
            reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod[method],
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )  # fmt: skip
        result = onnx.load(made)
    del result.metadata_props[:]
    result.doc_string = result.graph.doc_string = ""
    used = {"", *(node.domain for node in result.graph.node)}
    for unused in [one for one in result.opset_import if one.domain not in used]:
        result.opset_import.remove(unused)
    data = result.SerializeToString(deterministic=True)
    if largest_pair_sum(data) > INT16_MAX:
        raise ParityError(
            f"the INT8 network's pair sums reach {largest_pair_sum(data)}, beyond {INT16_MAX}: processors "
            "without VNNI would saturate; quantise with 7-bit weights"
        )
    return data


def largest_pair_sum(network: bytes) -> int:
    """Return the largest magnitude that two products of activation and weight can have together.

    Over all int8 weights of all convolutions and matrix products: 255 times the two weights of one output
    that are largest on one side of zero, whichever the processor pairs.
    """
    graph = onnx.load_from_string(network).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    largest = 0
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in constants:
            continue
        weights = constants[node.input[0]]
        if weights.dtype != np.int8 or weights.ndim < 2:
            continue
        axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
        rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1).astype(np.int64)
        for side in (rows, -rows):
            two = np.sort(np.maximum(side, 0), axis=1)[:, -2:]
            largest = max(largest, int(255 * two.sum(axis=1).max()))
    return largest


def int8_margin(network: bytes, int8: bytes, pairs: U8, topology: I64, calibration: Calibration) -> float:
    """Return the margin for a card: how far an INT8 probability may be off, rounded up to 0.001.

    One and a half times the largest difference on pairs that are not those of the fixed set, each with its
    topology; at least 0.002.

    Raises:
        ParityError: the two differ by so much that one cannot stand for the other.
    """
    exact, coarse = (
        calibration.probabilities(ask(session(data, Path("network")), pairs).logits, topology)
        for data in (network, int8)
    )
    margin = np.ceil(1000 * max(_SPARE * float(np.abs(exact - coarse).max()), 0.002)) / 1000
    if not margin <= LARGEST_MARGIN:
        raise ParityError(
            f"INT8 probabilities are off by up to {margin / _SPARE:.3f}: leave more layers in float "
            f"(keep_float), or calibrate with more data; {LARGEST_MARGIN / _SPARE:.3f} is the most"
        )
    return float(margin)


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds calibration pairs to onnxruntime, so many at once."""

    def __init__(self, pairs: U8) -> None:
        self._batches: Iterator[U8] = iter([pairs[i : i + _BATCH] for i in range(0, len(pairs), _BATCH)])

    def get_next(self) -> Any:  # noqa: ANN401 (onnxruntime states `dict`, and takes None for the end)
        batch = next(self._batches, None)
        return None if batch is None else {"pair": batch}


def _first_and_last(graph: onnx.GraphProto) -> tuple[str, ...]:
    convolutions = [i for i, node in enumerate(graph.node) if node.op_type == "Conv"]
    after = [node.name for node in graph.node[convolutions[-1] + 1 :] if node.op_type != "Relu"]
    return graph.node[convolutions[0]].name, *after
