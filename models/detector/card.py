"""The card of a released detector of crops: what it is, what made it, how good it is and where it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from evidence.inspection import Digest, Name
from golden.regions import Closed, Stated
from models.card import Card, Probability, Text, read_card_of
from models.detector.calibration import LARGEST_OFFSET, TOPOLOGIES, Calibration

INT8: Final = "model.int8.onnx"
SCHEMA: Final = "hallmark.detector/1"
LARGEST_MARGIN: Final = 0.25
"""An INT8 network whose probabilities are off by more than this is no stand-in for the trained one."""

_ROWS: Final = len(TOPOLOGIES)

Runtime = Literal["fp32", "int8"]


class DetectorFiles(Closed):
    """Digests of the files beside the card; `int8` is absent where there is no such network."""

    onnx: Digest
    int8: Stated[Digest] = None
    parity: Digest


class DataUse(Closed):
    """Data that the detector was made or judged with. `split` says which items took which part, and why.

    `digest` is over the items' bytes; `licence` quotes what the data's owner permits.
    """

    use: Literal["training", "validation", "calibration", "parity", "test"]
    description: Text
    split: Text
    items: Annotated[int, Field(ge=1)]
    digest: Digest
    licence: Text


class DetectorInput(Closed):
    """What the network is given: crops of `side_px` native pixels, golden channels first.

    `mm_per_px` is the scale it was fitted at; None where pixels alone count.
    """

    layout: Text
    side_px: Annotated[int, Field(ge=8, le=512)]
    channels: Literal[1, 3]
    mm_per_px: Stated[Annotated[float, Field(gt=0)]] = None


Offsets = tuple[Annotated[float, Field(ge=-LARGEST_OFFSET, le=LARGEST_OFFSET)], ...]


class DetectorThresholds(Closed):
    """Confidence: `models.detector.calibration`, then what it takes to be reported and to be named.

    `operating` and `hold_below` are those of `models.detector.decision`; `chosen` says on which data and by
    which rule they were set. `int8_margin`: an INT8 answer nearer than this to another decision is asked
    again of the FP32 network; it bounds the INT8 network's error of a probability. `topology` is the table of
    `Calibration`; without it topology counts nothing.
    """

    temperature: Annotated[float, Field(gt=0)]
    topology: Stated[Annotated[tuple[Offsets, ...], Field(min_length=_ROWS, max_length=_ROWS)]] = None
    operating: Probability
    hold_below: Probability
    int8_margin: Stated[Annotated[float, Field(gt=0, le=LARGEST_MARGIN)]] = None
    chosen: Text

    @property
    def calibration(self) -> Calibration:
        """Return what makes probabilities of logits."""
        return Calibration(self.temperature, self.topology)


class ReliabilityBin(Closed):
    """One bar of the reliability diagram: `n` crops of mean `confidence`, of which `correct` were right."""

    confidence: Probability
    correct: Probability
    n: Annotated[int, Field(ge=1)]


class DetectorCard(Card):
    """Schema `hallmark.detector/1`. `runs` says which of its networks answers.

    `golden_image` is the digest of the image it was made from; None where it names differences of any
    golden picture of its kind.
    """

    schema_: Literal["hallmark.detector/1"] = Field(alias="schema", default=SCHEMA)
    files: DetectorFiles
    runs: Runtime
    golden_image: Stated[Digest] = None
    data: Annotated[tuple[DataUse, ...], Field(min_length=1)]
    seeds: dict[Name, int]
    input: DetectorInput
    thresholds: DetectorThresholds
    reliability: tuple[ReliabilityBin, ...]

    @model_validator(mode="after")
    def _int8(self) -> Self:
        if self.runs == "int8" and self.files.int8 is None:
            raise ValueError("it runs an INT8 network that it does not bring")
        if (self.files.int8 is None) != (self.thresholds.int8_margin is None):
            raise ValueError("an INT8 network and its margin are stated together")
        table = self.thresholds.topology
        if table is not None and ({len(row) for row in table} != {len(self.classes)} or any(table[0])):
            raise ValueError(f"its topology table needs {len(self.classes)} numbers a row, the first row's 0")
        if "training" not in {one.use for one in self.data}:
            raise ValueError("it does not say what data it was fitted to")
        return self


def read_detector_card(folder: Path) -> DetectorCard:
    """Read a released detector's card; raise ModelFormatError where there is none."""
    return read_card_of(folder, DetectorCard)
