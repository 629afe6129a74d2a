"""What may be used of a model: a signed folder whose network answers as the trained one did.

    card.json           what it is, see `models.card` and `models.detector.card`
    model.onnx          the network; detectors may bring `model.int8.onnx` beside it
    parity.npz          the fixed set, with the trained network's answers
    parity.json         the report: how far each runtime's answers lie from those, and how many decisions flip
    release.json        the list that is signed: the model's name and digest, and the digest of every file
    seal.json           DSSE envelope over it (golden.dsse), Ed25519 signatures (golden.keys)

`cells` opens cell classifiers, `models.detector.release` detectors of crops.
"""

from models.release.cells import (
    NONE,
    PACKAGED,
    ReleasedModel,
    classifier_for,
    fits,
    open_model,
    packaged,
    report_parity,
    verify,
)
from models.release.seal import RELEASE, SEAL, Release, check_release, seal

__all__ = [
    "NONE",
    "PACKAGED",
    "RELEASE",
    "SEAL",
    "Release",
    "ReleasedModel",
    "check_release",
    "classifier_for",
    "fits",
    "open_model",
    "packaged",
    "report_parity",
    "seal",
    "verify",
]
