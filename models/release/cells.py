# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""A released cell classifier as it is used: opened only whole, unaltered and in parity with what it was."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from evidence import sha256
from golden.keys import TrustStore
from golden.sample import GoldenSample
from models.card import CROPS, ISLANDS, MODEL, PARITY, WEIGHTS, WIDE, ModelCard, read_card
from models.classifier import CELL
from models.errors import ModelError, ModelForeignError, ModelFormatError, ParityError
from models.parity import LARGEST_DIFFERENCE, Parity, compare, softmax, together
from models.release.files import RUNTIME_ERRORS, read_arrays, read_listed, session
from models.release.report import ParityReport, RuntimeParity, flip_rate_upper, write_report
from models.release.seal import check_release

PACKAGED: Final = "packaged"
"""Says `classifier_for` to take the model that this release brings, where it fits."""
NONE: Final = "none"
"""Says `classifier_for` to take no model."""

_BATCH = 8  # crops at once: 8 keep memory small and are as fast as more
_AT_START = 4  # inputs of each part of the fixed set that every opening repeats; `verify` repeats all
_STRIDE = 32  # height and width of a crop are multiples of it

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]


class ReleasedModel:
    """A `models.Classifier`, run by onnxruntime on one thread. Make it with `open_model` only.

    The same crops give the same probabilities on one machine, whatever else is in the batch.
    """

    def __init__(self, card: ModelCard, network: onnxruntime.InferenceSession, islands: U8 | None) -> None:
        """Take a verified card, its network and the golden image's islands of conductor."""
        self.card = card
        self.islands = islands
        self.reference = card.reference
        self.golden_image = card.golden_image
        self.classes = card.classes
        self.hold_below = card.thresholds.hold_below
        self.dismiss_from = card.thresholds.dismiss_from
        self._network = network

    def probabilities(self, golden: U8, unit: U8) -> F32:
        """Return calibrated class probabilities of each cell, see `models.Classifier`.

        Raises:
            ModelError: the network fails on them.
            ValueError: the crops are not (n, h, w, 3) uint8 of one shape, h and w multiples of 32.
        """
        if golden.shape != unit.shape or golden.ndim != 4 or golden.shape[3] != 3:
            raise ValueError(f"crops of shapes {golden.shape} and {unit.shape}: both must be (n, h, w, 3)")
        if golden.dtype != np.uint8 or unit.dtype != np.uint8 or 0 in golden.shape:
            raise ValueError(f"crops of {golden.dtype} and {unit.dtype}: give at least one, uint8")
        if golden.shape[1] % _STRIDE or golden.shape[2] % _STRIDE:
            raise ValueError(
                f"crops of {golden.shape[1:3]} pixels: height and width are multiples of {_STRIDE}"
            )
        try:
            logits = self.logits(np.concatenate([golden, unit], axis=3))
        except RUNTIME_ERRORS as error:
            raise ModelError(f"model {self.card.name!r} fails on crops of {golden.shape}: {error}") from error
        return np.ascontiguousarray(np.moveaxis(softmax(logits, self.card.thresholds.temperature), 1, 3))

    def logits(self, pairs: U8) -> F32:
        """Return the network's logits (n, k, h / 4, w / 4) of pairs (n, h, w, 6)."""
        batches = [pairs[i : i + _BATCH] for i in range(0, len(pairs), _BATCH)]
        answers = [self._network.run(["logits"], {"pair": batch})[0] for batch in batches]
        return np.concatenate([np.asarray(answer, np.float32) for answer in answers])


def open_model(folder: Path, trust: TrustStore | None = None) -> ReleasedModel:
    """Open a released model: digests of all its files, then parity on its first inputs.

    Args:
        folder: the release.
        trust: keys of which one must have signed the release; None: it needs no signature.

    Raises:
        ModelFormatError: the folder is no released model, or a file in it cannot be read as one.
        ModelAlteredError: a file's bytes are not the ones that the card or the signed list names.
        ModelUnsignedError: nobody whom `trust` holds has signed it.
        ParityError: the network answers otherwise than it did when it was released.
    """
    model, fixed = _read(folder)
    check_release(folder, model.card, trust)
    first = [(pairs[:_AT_START], trained[:_AT_START]) for pairs, trained in fixed]
    _require(_parity(model, first, folder), folder)
    return model


def verify(folder: Path, trust: TrustStore | None = None) -> Parity:
    """Check a released model against all its parity inputs; raise as `open_model` does."""
    model, fixed = _read(folder)
    check_release(folder, model.card, trust)
    parity = _parity(model, fixed, folder)
    _require(parity, folder)
    return parity


def report_parity(folder: Path) -> ParityReport:
    """Check a released model against all its parity inputs, write what that showed beside it, and return it.

    Raises as `verify`, and BundleError where the folder cannot be written to.
    """
    model, fixed = _read(folder)
    parity = _parity(model, fixed, folder)
    _require(parity, folder)
    counts = sum(np.bincount(t.argmax(axis=1).ravel(), minlength=len(model.classes)) for _, t in fixed)
    fp32 = RuntimeParity(
        runtime="fp32", probability=parity.probability, probability_allowed=LARGEST_DIFFERENCE, flips=0
    )
    report = ParityReport(
        inputs=model.card.files.parity,
        crops=parity.crops,
        decisions=dict(zip(model.classes, np.asarray(counts).tolist(), strict=True)),
        flip_rate_upper=flip_rate_upper(parity.crops),
        runtimes=(fp32,),
        versions={"onnxruntime": onnxruntime.__version__, "numpy": np.__version__},
    )
    write_report(folder, report)
    return report


def packaged(name: str = "s4") -> Path:
    """Return the folder of a model that this release brings."""
    return Path(str(importlib.resources.files("models"))) / "released" / name


def fits(card: ModelCard, sample: GoldenSample) -> bool:
    """Return whether the model was made from the image of one of the golden sample's views, artwork apart."""
    views = (view for view in sample.spec.views if view.artwork is None)
    return card.golden_image in {sha256(sample.images[view.image]) for view in views}


def classifier_for(
    sample: GoldenSample, model: str = PACKAGED, trust: TrustStore | None = None
) -> ReleasedModel | None:
    """Return the model that names what is found on units of a golden sample.

    Args:
        sample: the golden sample that judges.
        model: a released model's folder; PACKAGED: the packaged one where it was made from an image of this
            golden sample, else none; NONE: none.
        trust: keys of which one must have signed a model that is given by its folder; None: it needs no
            signature.

    Raises:
        ModelForeignError: the folder's model was made from another golden image.
        ModelError: see `open_model`.
    """
    if model == NONE:
        return None
    folder = packaged() if model == PACKAGED else Path(model)
    if model == PACKAGED and not folder.exists():
        return None
    card = read_card(folder)
    if fits(card, sample):
        return open_model(folder, None if model == PACKAGED else trust)
    if model == PACKAGED:
        return None
    raise ModelForeignError(
        f"{folder}: model {card.name!r} was made from the golden image {card.golden_image}, which is none of "
        "this golden sample's; train one from its image, or inspect without a model"
    )


def _read(folder: Path) -> tuple[ReleasedModel, list[tuple[U8, F32]]]:
    """Return the model and its parity inputs, by size, with the trained network's logits."""
    card = read_card(folder)
    network = session(read_listed(folder, MODEL, card.files.onnx), folder / MODEL)
    read_listed(folder, WEIGHTS, card.files.weights)
    pairs, trained, *wide = read_arrays(folder, PARITY, card.files.parity, *CROPS, also=WIDE)
    fixed = [(pairs, trained), *([(wide[0], wide[1])] if len(wide) == len(WIDE) else [])]
    for inputs, logits in fixed:
        n, h, w = inputs.shape[:3] if inputs.ndim == 4 else (0, 0, 0)
        expected = (n, len(card.classes), h // CELL, w // CELL)
        if not n or inputs.dtype != np.uint8 or logits.dtype != np.float32 or logits.shape != expected:
            raise ModelFormatError(
                f"{folder / PARITY}: inputs {inputs.shape} and logits {logits.shape} do not fit the card's "
                f"{len(card.classes)} classes; take the model as it was released"
            )
    return ReleasedModel(card, network, _islands(folder, card)), fixed


def _islands(folder: Path, card: ModelCard) -> U8 | None:
    if card.files.islands is None:
        return None
    (islands,) = read_arrays(folder, ISLANDS, card.files.islands, "islands")
    if islands.dtype != np.uint8 or islands.ndim != 2:
        raise ModelFormatError(
            f"{folder / ISLANDS}: {islands.dtype} {islands.shape} is no map of islands; "
            "take the model as it was released"
        )
    return islands


def _parity(model: ReleasedModel, fixed: list[tuple[U8, F32]], folder: Path) -> Parity:
    heat = model.card.thresholds.temperature
    try:
        return together([compare(trained, model.logits(pairs), heat) for pairs, trained in fixed])
    except (*RUNTIME_ERRORS, ValueError) as error:
        raise ParityError(
            f"{folder / MODEL}: does not take its own inputs: {error}; take the model as it was released"
        ) from error


def _require(parity: Parity, folder: Path) -> None:
    if not parity.holds:
        raise ParityError(
            f"{folder / MODEL}: a damaged export: on the inputs it was released with, its probabilities are "
            f"off by up to {parity.probability:.2g} and {parity.flips} of {parity.cells} cells are "
            "named otherwise; take the model as it was released"
        )
