"""A fitted network becomes the files of a release: weights, ONNX and the answers that any run must repeat."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch

from evidence import sha256
from golden.sample import write_file
from models.card import CROPS, ISLANDS, MODEL, PARITY, WEIGHTS, WIDE, Files
from models.train.data import Pairs, crops
from models.train.network import Network, build

PARITY_CROPS: Final = 1024
"""So many of which none flips bound the rate of flips at 0.3 %."""
WIDE_CROPS: Final = 16
_CLEAR = 1e-5  # a cell's two largest logits differ by more: rounding on another machine flips no label
_OPSET = 17

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]


def candidates(validation: Pairs, seed: int) -> tuple[U8, U8]:
    """Draw what the fixed set is chosen from: small crops of validation units, then wide ones."""
    rng = np.random.default_rng(seed)
    small, _ = crops(validation, 2 * PARITY_CROPS, rng, 32)
    wide, _ = crops(validation, 3 * WIDE_CROPS, rng, 96)
    return np.ascontiguousarray(small), np.ascontiguousarray(wide)


def fixed_set(network: Network, small: U8, wide: U8) -> bytes:
    """Return `parity.npz`: what the trained network answers to the first inputs that are clear.

    Args:
        network: fitted; left in evaluation mode.
        small: (n, 32, 32, 6) uint8 pairs; the first 1,024 that have no cell on the edge between two classes.
        wide: (n, 96, 96, 6) uint8 pairs; the first 16 such: smaller ones do not reach every tap of the
            coarsest layer.

    Raises:
        ValueError: too few are clear.
    """
    inputs = (*_clear(network, small, PARITY_CROPS), *_clear(network, wide, WIDE_CROPS))
    return _npz(dict(zip((*CROPS, *WIDE), inputs, strict=True)))


def write_release(network: Network, small: U8, wide: U8, folder: Path, islands: U8 | None = None) -> Files:
    """Write `model.onnx`, `weights.npz` and `parity.npz`; the same arguments give the same bytes.

    Args:
        network: fitted; left in evaluation mode.
        small: pairs that the fixed set is chosen from, see `fixed_set`.
        wide: larger ones.
        folder: made if absent.
        islands: (h / 2, w / 2) uint8 of the golden image, see `models.Classifier`; None without conductors.

    Returns:
        The digests for the card, which the caller writes with `models.card.write_card`.

    Raises:
        ValueError: too few candidates are clear.
    """
    fixed = fixed_set(network, small, wide)
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    files = {
        MODEL: export(network, wide[:2]),
        WEIGHTS: _npz(state),
        PARITY: fixed,
    }
    if islands is not None:
        files[ISLANDS] = _npz({"islands": islands})
    for name, data in files.items():
        write_file(folder / name, data)
    digests = {name: sha256(data) for name, data in files.items()}
    return Files(
        onnx=digests[MODEL], weights=digests[WEIGHTS], parity=digests[PARITY], islands=digests.get(ISLANDS)
    )


def export(network: Network, example: U8) -> bytes:
    """Return the network as ONNX, `pair` -> `logits`, for any number and size of crops."""
    buffer: Any = io.BytesIO()  # the annotation of `export` knows paths only
    with warnings.catch_warnings():
        # torch's newer exporter needs another package; this one is deprecated and complete for our operators.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            (torch.from_numpy(example),),
            buffer,
            dynamo=False,
            opset_version=_OPSET,
            input_names=["pair"],
            output_names=["logits"],
            dynamic_axes={"pair": {0: "n", 1: "h", 2: "w"}, "logits": {0: "n", 2: "h_cells", 3: "w_cells"}},
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def rebuild(weights: bytes, classes: Sequence[str]) -> Network:
    """Return the network that `weights.npz` holds, in evaluation mode."""
    network = build(len(classes))
    with np.load(io.BytesIO(weights), allow_pickle=False) as stored:
        network.load_state_dict({name: torch.from_numpy(stored[name]) for name in stored.files})
    return network.eval()


def run(network: Network, pairs: U8) -> F32:
    """Return the fitted network's logits (n, k, h / 4, w / 4) of pairs (n, h, w, 6), eight at a time."""
    network.eval()
    with torch.inference_mode():
        batches = torch.from_numpy(pairs).split(8)
        return torch.cat([network(batch) for batch in batches]).numpy()


def _clear(network: Network, pairs: U8, wanted: int) -> tuple[U8, F32]:
    """Return so many inputs that no other machine's rounding flips, and their logits."""
    logits = run(network, pairs)
    best = np.sort(logits, axis=1)[:, -2:]
    clear = np.flatnonzero((best[:, 1] - best[:, 0]).min(axis=(1, 2)) > _CLEAR)[:wanted]
    if clear.size < wanted:
        raise ValueError(f"{clear.size} of {len(pairs)} candidates are clear: give more than {wanted}")
    return pairs[clear], logits[clear]


def _npz(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
