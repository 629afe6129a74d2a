"""A released detector as it is used: opened only whole, unaltered and in parity with what was trained."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import ValidationError

from evidence import sha256
from golden import dsse
from golden.keys import SigningKey, TrustStore
from golden.sample import write_file
from models.card import MODEL, PARITY, write_card
from models.detector.calibration import TOPOLOGIES
from models.detector.card import INT8, DetectorCard, Runtime, read_detector_card
from models.detector.contract import SIDE
from models.detector.decision import HOLD
from models.detector.parity import (
    LARGEST_BOX_PX,
    LEAST_CROPS,
    DetectorParity,
    Judged,
    allowed,
    compare,
)
from models.detector.runtime import Answers, ReleasedDetector, ask
from models.errors import ModelFormatError, ParityError
from models.release.files import RUNTIME_ERRORS, read_arrays, read_listed, session
from models.release.report import ParityReport, RuntimeParity, flip_rate_upper, write_report
from models.release.seal import check_release, seal

_AT_START: Final = 48  # crops of the fixed set that every opening repeats; `verify_detector` repeats all

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FixedSet:
    """Inputs that no runtime may decide otherwise than the trained network did.

    Attributes:
        pairs: (n, SIDE, SIDE, 2c) uint8, golden channels first; not chosen by any runtime's answers.
        topology: (n,) of the crops' candidates, see `models.detector.calibration.TOPOLOGIES`.
        trained: what the trained network answered, in torch.
    """

    pairs: U8
    topology: I64
    trained: Answers


def open_detector(folder: Path, trust: TrustStore | None = None) -> ReleasedDetector:
    """Open a released detector: digests of all its files, then parity on the first of the fixed set.

    Args:
        folder: the release.
        trust: keys of which one must have signed the release; None: it needs no signature.

    Raises:
        ModelFormatError: the folder is no released detector, or a file in it cannot be read as one.
        ModelAlteredError: a file's bytes are not the ones that the card or the signed list names.
        ModelUnsignedError: nobody whom `trust` holds has signed it.
        ParityError: a network decides otherwise than the trained one did.
    """
    detector, fixed = open_networks(folder), read_fixed(folder)
    check_release(folder, detector.card, trust)
    _compared(detector, _first(fixed, _AT_START), folder)
    return detector


def verify_detector(folder: Path, trust: TrustStore | None = None) -> dict[Runtime, DetectorParity]:
    """Check a released detector against its whole fixed set; raise as `open_detector` does.

    Returns the parity of each network that it brings.
    """
    detector, fixed = open_networks(folder), read_fixed(folder)
    check_release(folder, detector.card, trust)
    return _compared(detector, fixed, folder)


def report_parity(folder: Path) -> ParityReport:
    """Check a released detector against its whole fixed set, write what that showed beside it, and return it.

    Raises as `open_detector`, and BundleError where the folder cannot be written to.
    """
    detector, fixed = open_networks(folder), read_fixed(folder)
    report = _report(detector, fixed, _compared(detector, fixed, folder))
    write_report(folder, report)
    return report


def write_detector_release(
    folder: Path,
    fields: Mapping[str, Any],
    network: bytes,
    fixed: FixedSet,
    *,
    int8: bytes | None = None,
    key: SigningKey | None = None,
) -> ParityReport:
    """Write a detector's release, unless its networks decide anything otherwise than the trained one.

    Args:
        folder: made if absent; must be empty.
        fields: of `DetectorCard`, all but `files`.
        network: the FP32 export.
        fixed: at least LEAST_CROPS inputs with the trained network's answers.
        int8: the INT8 network, see `models.train.quantise`; None where there is none.
        key: signs the release; None leaves it unsigned.

    Raises:
        ParityError: the export or its INT8 network is damaged, or the fixed set is too small or shows too
            little; nothing is written then.
        ModelFormatError: a network is none, the card's fields do not hold together, or the folder is in use.
        BundleError: the folder cannot be written to.
    """
    parity = _packed(fixed)
    files = {MODEL: network, PARITY: parity} | ({} if int8 is None else {INT8: int8})
    digests = {"onnx": sha256(network), "parity": sha256(parity), "int8": int8 and sha256(int8)}
    try:
        card = DetectorCard.model_validate({**fields, "files": digests})
    except ValidationError as error:
        raise ModelFormatError(f"{folder}: the card does not hold together: {dsse.first(error)}") from error
    detector = ReleasedDetector(
        card, session(network, folder / MODEL), None if int8 is None else session(int8, folder / INT8)
    )
    _check_shapes(fixed, card, folder)
    _check_worth(fixed, card)
    report = _report(detector, fixed, _compared(detector, fixed, folder))
    if folder.exists() and any(folder.iterdir()):
        raise ModelFormatError(f"{folder} holds files already; write the release into an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_file(folder / name, data)
    write_report(folder, report)
    write_card(folder, card)
    if key is not None:
        seal(folder, card, key)
    return report


def open_networks(folder: Path) -> ReleasedDetector:
    """Return a released detector by its digests alone, its parity unchecked: to study it, not to inspect.

    Raises ModelFormatError and ModelAlteredError as `open_detector`.
    """
    card = read_detector_card(folder)
    fp32 = session(read_listed(folder, MODEL, card.files.onnx), folder / MODEL)
    int8 = card.files.int8 and session(read_listed(folder, INT8, card.files.int8), folder / INT8)
    return ReleasedDetector(card, fp32, int8 or None)


def read_fixed(folder: Path) -> FixedSet:
    """Return the fixed set of a release; raise ModelFormatError and ModelAlteredError as `open_detector`."""
    card = read_detector_card(folder)
    names = ["golden", "change", "logits", "box"]
    names += [] if card.thresholds.topology is None else ["topology"]
    golden, change, logits, boxes, *told = read_arrays(folder, PARITY, card.files.parity, *names)
    if golden.shape != change.shape or golden.dtype != np.uint8 or change.dtype != np.uint8:
        raise ModelFormatError(f"{folder / PARITY}: no pairs of crops; take the model as it was released")
    pairs = np.concatenate([golden, golden + change], axis=-1)  # modulo 256, as it was packed
    topology = told[0].astype(np.int64) if told else np.zeros(len(pairs), np.int64)
    fixed = FixedSet(pairs, topology, Answers(logits, boxes))
    _check_shapes(fixed, card, folder)
    return fixed


def _packed(fixed: FixedSet) -> bytes:
    """Return the fixed set as a file; a unit differs little from its golden crop, so the change is kept."""
    channels = fixed.pairs.shape[-1] // 2
    golden = fixed.pairs[..., :channels]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, golden=golden, change=fixed.pairs[..., channels:] - golden,  # modulo 256
        topology=fixed.topology.astype(np.uint8), logits=fixed.trained.logits, box=fixed.trained.boxes,
    )  # fmt: skip
    return buffer.getvalue()


def _check_shapes(fixed: FixedSet, card: DetectorCard, folder: Path) -> None:
    n, k = len(fixed.pairs), len(card.classes)
    expected = (n, SIDE, SIDE, 2 * card.input.channels), (n, k), (n, 4)
    found = fixed.pairs.shape, fixed.trained.logits.shape, fixed.trained.boxes.shape
    if fixed.topology.shape != (n,) or not np.isin(fixed.topology, range(len(TOPOLOGIES))).all():
        raise ModelFormatError(
            f"{folder / PARITY}: not a topology for each crop; take the model as it was released"
        )
    kinds = fixed.pairs.dtype, fixed.trained.logits.dtype, fixed.trained.boxes.dtype
    if not n or found != expected or kinds != (np.uint8, np.float32, np.float32):
        raise ModelFormatError(
            f"{folder / PARITY}: inputs {found[0]}, logits {found[1]} and boxes {found[2]} do not fit the "
            f"card's {k} classes and {card.input.channels} channels; take the model as it was released"
        )


def _check_worth(fixed: FixedSet, card: DetectorCard) -> None:
    """Refuse a fixed set that proves little: too few crops, or all decided alike."""
    n = len(fixed.pairs)
    if n < LEAST_CROPS:
        raise ParityError(f"the fixed set has {n} crops: give at least {LEAST_CROPS}")
    if len(np.unique(_judged(card, fixed).decisions(fixed.trained.logits))) < 2:
        raise ParityError("all crops of the fixed set are decided alike, which proves nothing: mix them")


def _judged(card: DetectorCard, fixed: FixedSet) -> Judged:
    t = card.thresholds
    return Judged(t.calibration, t.operating, t.hold_below, fixed.topology)


def _first(fixed: FixedSet, count: int) -> FixedSet:
    trained = Answers(fixed.trained.logits[:count], fixed.trained.boxes[:count])
    return FixedSet(fixed.pairs[:count], fixed.topology[:count], trained)


def _compared(detector: ReleasedDetector, fixed: FixedSet, folder: Path) -> dict[Runtime, DetectorParity]:
    """Compare every network that the release brings; raise ParityError where one is damaged."""
    card = detector.card
    networks: dict[Runtime, tuple[str, onnxruntime.InferenceSession]] = {"fp32": (MODEL, detector.fp32)}
    if detector.int8 is not None:
        networks["int8"] = INT8, detector.int8
    found: dict[Runtime, DetectorParity] = {}
    for runtime, (name, network) in networks.items():
        source = str(folder / name)
        try:
            own = ask(network, fixed.pairs)
            served = detector.answers(fixed.pairs, fixed.topology, int8=True) if runtime == "int8" else own
            parity = compare(fixed.trained, own, served, _judged(card, fixed))
        except (*RUNTIME_ERRORS, ValueError) as error:
            raise ParityError(
                f"{source}: does not take its own inputs: {error}; take the model as it was released"
            ) from error
        parity.require(source, allowed(runtime, card.thresholds.int8_margin), LARGEST_BOX_PX[runtime])
        found[runtime] = parity
    return found


def _report(
    detector: ReleasedDetector, fixed: FixedSet, found: Mapping[Runtime, DetectorParity]
) -> ParityReport:
    card = detector.card
    decided = _judged(card, fixed).decisions(fixed.trained.logits)
    counts = {card.classes[i]: int((decided == i).sum()) for i in range(len(card.classes))}
    runtimes = [
        RuntimeParity(
            runtime=runtime, probability=parity.probability, box_px=parity.box_px, flips=0,
            probability_allowed=allowed(runtime, card.thresholds.int8_margin),
            box_px_allowed=LARGEST_BOX_PX[runtime], repeated=parity.repeated,
        )
        for runtime, parity in found.items()
    ]  # fmt: skip
    return ParityReport(
        inputs=card.files.parity,
        crops=len(decided),
        decisions={**counts, "held": int((decided == HOLD).sum())},
        flip_rate_upper=flip_rate_upper(len(decided)),
        runtimes=tuple(runtimes),
        versions={"onnxruntime": onnxruntime.__version__, "numpy": np.__version__},
    )
