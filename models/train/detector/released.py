"""A fitted detector becomes a release: thresholds on what was held out, export, INT8, fixed set, card."""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from golden.sample import write_file
from models.detector.calibrated import UNCHOSEN, calibration, operating, reliability
from models.detector.calibration import Calibration
from models.detector.contract import SIDE
from models.detector.release import FixedSet, write_detector_release
from models.detector.runtime import Answers
from models.train.detector.data import I64, U8, Crops, Prepared, batch, candidate_crops, places
from models.train.detector.fit import Recipe
from models.train.detector.network import DetectorNetwork
from models.train.quantise import int8_margin, quantise

_FIXED: Final = 1024  # crops on which no runtime may decide otherwise
_CALIBRATION: Final = 512  # crops that set the ranges of INT8
_MARGIN: Final = 4096  # crops on which its largest error is looked for
_OPSET: Final = 17


@dataclass(frozen=True, eq=False)
class Made:
    """A fitted network and what it was made with.

    `parts` are the folders that it learned from, the first those that it is for; `held` is what it never saw,
    and `unseen` says in words why it had not.
    """

    network: DetectorNetwork
    recipe: Recipe
    parts: tuple[Prepared, ...]
    held: Prepared | None
    unseen: str


def release(made: Made, folder: Path, fields: Mapping[str, Any], *, int8: bool) -> str:
    """Write the release and return what its parity report says, in a sentence.

    Args:
        made: the fit.
        folder: of the release, made if absent; must be empty.
        fields: of the card; they win over what is said by default.
        int8: whether an INT8 network is released too, and runs.

    Raises:
        ModelError: see `models.detector.release.write_detector_release`.
    """
    rng = np.random.default_rng(made.recipe.seed)
    kept = made.parts[0]
    example, _ = _drawn(kept, 2, rng)
    network = export(made.network, example)
    thresholds, diagram = _thresholds(made)
    thresholds |= dict(fields.get("thresholds", {}))
    coarse = None
    if int8:
        coarse = quantise(network, _drawn(kept, _CALIBRATION, rng)[0])
        judged = Calibration(thresholds["temperature"], thresholds.get("topology"))
        thresholds["int8_margin"] = int8_margin(network, coarse, *_drawn(kept, _MARGIN, rng), judged)
    fixed, topology = _drawn(made.held or kept, _FIXED, rng)
    card = {
        **_card(made), "reliability": diagram, **fields, "thresholds": thresholds,
        "runs": "int8" if int8 else "fp32",
    }  # fmt: skip
    report = write_detector_release(
        folder, card, network, FixedSet(fixed, topology, run(made.network, fixed)), int8=coarse
    )
    return f"{report.crops} crops without a flip, which bounds their rate at {report.flip_rate_upper:.2%}"


def export(network: DetectorNetwork, example: U8) -> bytes:
    """Return the network as ONNX, `pair` -> `logits`, `box`, for any number of crops."""
    buffer: Any = io.BytesIO()  # the annotation of `export` knows paths only
    with warnings.catch_warnings():
        # torch's newer exporter needs another package; this one is deprecated and complete for our operators.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(), (torch.from_numpy(example),), buffer, dynamo=False, opset_version=_OPSET,
            input_names=["pair"], output_names=["logits", "box"],
            dynamic_axes={"pair": {0: "n"}, "logits": {0: "n"}, "box": {0: "n"}},
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def run(network: DetectorNetwork, pairs: U8) -> Answers:
    """Return the fitted network's answers to pairs (n, SIDE, SIDE, 2c)."""
    network.eval()
    with torch.inference_mode():
        answers = [network(part) for part in torch.from_numpy(pairs).split(64)]
    logits, boxes = (torch.cat([answer[i] for answer in answers]).numpy() for i in (0, 1))
    return Answers(logits, boxes)


def write_weights(network: DetectorNetwork, file: Path) -> None:
    """Write a network's weights, for a fit that goes on from them."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    np.savez(buffer, allow_pickle=False, **arrays)
    write_file(file, buffer.getvalue())


def read_weights(file: Path) -> dict[str, Tensor]:
    """Read what `write_weights` wrote; raise OSError or ValueError where it is not that."""
    with np.load(file, allow_pickle=False) as stored:
        return {name: torch.from_numpy(stored[name]) for name in stored.files}


def _drawn(pairs: Prepared, count: int, rng: np.random.Generator) -> tuple[U8, I64]:
    """Return augmented crops, as many as asked for, of places drawn with replacement, and their topology."""
    at = places(pairs)
    chosen = rng.integers(0, len(at.pair), count).astype(np.int32)
    return batch(Crops(pairs), at, chosen, rng)[0], at.topology[chosen]


def _thresholds(made: Made) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return calibration and thresholds chosen on what was held out, and the reliability diagram there."""
    if made.held is None:
        return dict(UNCHOSEN), []
    pictures, topology, kinds = candidate_crops(made.held)
    logits = run(made.network, pictures).logits
    set_on_held = calibration(logits, topology, kinds)
    probabilities = set_on_held.probabilities(logits, topology)
    at = operating(probabilities, kinds)
    chosen = (
        f"On {len(kinds)} candidates, {made.unseen}: "
        "temperature and topology by least negative log likelihood, operating threshold by greatest F over "
        "candidates."
    )
    thresholds = {
        "temperature": set_on_held.temperature, "topology": set_on_held.table, "operating": at,
        "hold_below": at, "chosen": chosen,
    }  # fmt: skip
    return thresholds, reliability(probabilities, kinds)


def _card(made: Made) -> dict[str, Any]:
    """Return the fields of the card that a fit knows by itself."""
    kept = made.parts[0]
    data = [("training", part, "everything but what was held out") for part in made.parts]
    data += [] if made.held is None else [("validation", made.held, made.unseen)]
    licence = str(kept.index["licence"]) or "none found beside the data"
    channels = kept.golden[0].shape[2]
    return {
        "name": "detector",
        "created": time.strftime("%Y-%m-%d", time.gmtime()),
        "description": "Names and bounds what candidates show: a small residual network over crops of golden "
        f"picture and unit. Recipe: {asdict(made.recipe)}.",
        "golden_image": kept.index.get("golden_image"),
        "classes": kept.classes,
        "metrics": (),
        "conditions": "not evaluated yet",
        "versions": {
            "torch": torch.__version__, "onnx": onnx.__version__, "numpy": np.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
        "licence": licence,
        "limits": ("It names what its training data show; what looks otherwise may get any name.",),
        "data": [
            {
                "use": use, "description": str(pairs.index["source"]), "items": len(pairs.units),
                "split": f"{split}: groups {', '.join(sorted(set(pairs.groups)))}",
                "digest": pairs.digest, "licence": str(pairs.index["licence"]) or licence,
            }
            for use, pairs, split in data
        ],
        "seeds": {"fit": made.recipe.seed},
        "input": {
            "layout": f"pair: uint8 (n, {SIDE}, {SIDE}, {2 * channels}), golden first; "
            "logits: float32 (n, k); box: float32 (n, 4), see models.detector.contract",
            "side_px": SIDE, "channels": channels,
        },
    }  # fmt: skip
