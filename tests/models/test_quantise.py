"""INT8 networks whose 16-bit sums no processor can overflow."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from scipy.special import softmax

from models.detector.calibration import Calibration
from models.detector.runtime import ask
from models.errors import ParityError
from models.release.files import session
from models.train import quantise as module
from models.train.quantise import int8_margin, largest_pair_sum, quantise
from tests.models import tiny_detector as tiny

CALIBRATION = tiny.crops(48, seed=3)[0]


@pytest.fixture(scope="module")
def int8() -> bytes:
    return quantise(tiny.network(), CALIBRATION)


def weights(network: bytes) -> list[np.ndarray[Any, np.dtype[np.int8]]]:
    """Return each quantised kernel as rows of one output each."""
    tensors = map(numpy_helper.to_array, onnx.load_from_string(network).graph.initializer)
    return [t.reshape(len(t), -1) for t in tensors if t.dtype == np.int8 and t.ndim == 4]


def pair_sums(activations: np.ndarray[Any, np.dtype[np.uint8]], row: np.ndarray[Any, Any]) -> tuple[int, int]:
    """Return a dot product as VPMADDUBSW gives it, sums of two saturated to int16, and in whole numbers."""
    products = activations.astype(np.int64) * row.astype(np.int64)
    exact = products.reshape(-1, 2).sum(axis=1)
    return int(exact.clip(-32768, 32767).sum()), int(exact.sum())


def test_the_worst_activations_do_not_saturate_in_any_order_of_pairs(int8: bytes) -> None:
    assert len(weights(int8)) == 1, "the first of two convolutions stays in float"
    both = quantise(tiny.network(), CALIBRATION, keep_float=())
    kernels = weights(both)
    assert len(kernels) == 2, "both convolutions are quantised"
    largest = 0
    for kernel in kernels:
        for row in kernel:
            for sign in (1, -1):
                worst = np.where(sign * row > 0, 255, 0).astype(np.uint8)
                order = np.argsort(sign * row, kind="stable")  # pairs the largest with each other
                saturated, exact = pair_sums(worst[order], row[order])
                assert saturated == exact
                two = np.sort(np.maximum(sign * row.astype(int), 0))[-2:]
                largest = max(largest, 255 * int(two.sum()))
    assert largest == largest_pair_sum(both) <= 32767


def test_eight_bit_weights_would_saturate_and_are_refused(
    int8: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = functools.partial(module.quantize_static)

    def without_reduction(*arguments: Any, **options: Any) -> None:
        full(*arguments, **{**options, "reduce_range": False})

    monkeypatch.setattr(module, "quantize_static", without_reduction)
    with pytest.raises(ParityError, match="without VNNI would saturate"):
        quantise(tiny.network(), CALIBRATION)
    monkeypatch.setattr(module, "INT16_MAX", 10**6)
    eight = quantise(tiny.network(), CALIBRATION)
    assert largest_pair_sum(eight) > 32767
    saturates = False
    for kernel in weights(eight):
        for row in kernel:
            order = np.argsort(row, kind="stable")
            saturated, exact = pair_sums(np.where(row > 0, 255, 0).astype(np.uint8)[order], row[order])
            saturates |= saturated != exact
    assert saturates


def test_the_same_calibration_gives_the_same_bytes_and_another_gives_others(int8: bytes) -> None:
    assert quantise(tiny.network(), CALIBRATION) == int8
    assert quantise(tiny.network(), CALIBRATION // 2) != int8


def test_what_follows_the_last_convolution_stays_in_float(int8: bytes) -> None:
    graph = onnx.load_from_string(int8).graph
    types = {t.name: t.data_type for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Gemm":
            assert types[node.input[1]] == onnx.TensorProto.FLOAT


def test_named_layers_stay_in_float() -> None:
    kept = quantise(tiny.network(), CALIBRATION, keep_float=("Conv_3",))
    assert len(weights(kept)) == 1


def test_the_network_tells_nothing_of_the_machine_that_made_it(int8: bytes) -> None:
    assert not [word for word in (b"/home", b"/root", b"/tmp", b"/work", b".py") if word in int8]


def test_the_margin_is_half_as_much_again_as_the_largest_error_rounded_up(int8: bytes) -> None:
    pairs = tiny.crops(60, seed=5)[0]
    trained, topology = tiny.answers(pairs), np.zeros(60, np.int64)
    hot, cold = (int8_margin(tiny.network(), int8, pairs, topology, Calibration(t)) for t in (0.5, 50.0))
    own = ask(session(int8, tiny.Path("int8")), pairs)
    error = np.abs(softmax(trained.logits / 0.5, axis=1) - softmax(own.logits / 0.5, axis=1)).max()
    assert 1.5 * error <= hot + 1e-4
    assert hot <= 1.5 * error + 0.0011
    assert cold == pytest.approx(0.002, abs=0.002)
    with pytest.raises(ParityError, match="leave more layers in float"):
        int8_margin(tiny.network(), int8, pairs, topology, Calibration(0.02))


def test_weights_on_either_side_of_zero_bound_the_sum() -> None:
    node = onnx.helper.make_node("DequantizeLinear", ["w", "s", "z"], ["d"], axis=0)
    values = {"w": np.int8([[64, 64, -64], [-60, -61, 3], [7, 0, 0]]), "s": np.ones(3, np.float32),
              "z": np.zeros(3, np.int8)}  # fmt: skip
    graph = onnx.helper.make_graph(
        [node], "g", [], [onnx.helper.make_tensor_value_info("d", 1, [3, 3])],
        [numpy_helper.from_array(v, k) for k, v in values.items()],
    )  # fmt: skip
    data = onnx.helper.make_model(graph).SerializeToString()
    assert largest_pair_sum(data) == 255 * 128
    graph.initializer[0].CopyFrom(
        numpy_helper.from_array(np.int8([[1, 2, -3], [-90, -61, 3], [7, 0, 0]]), "w")
    )
    assert largest_pair_sum(onnx.helper.make_model(graph).SerializeToString()) == 255 * 151
