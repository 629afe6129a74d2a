"""The card of a released model: what it is, what it was made from, how good it is and where it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from evidence import ModelReference, canonical_json, sha256
from evidence.inspection import Digest, Name
from golden.regions import Closed
from golden.sample import write_file
from models.classifier import CELL, CROP, NOT_A_DEFECT, UNCLASSIFIED
from models.errors import ModelFormatError

CARD: Final = "card.json"
MODEL: Final = "model.onnx"
WEIGHTS: Final = "weights.npz"
PARITY: Final = "parity.npz"
ISLANDS: Final = "islands.npz"

CROPS: Final = ("pair", "logits")
"""Arrays of a cell classifier's fixed set: inputs (n, h, w, 6) uint8 and the trained network's answers."""
WIDE: Final = ("wide", "wide_logits")
"""The same of a few larger crops, which reach every tap of the coarsest layer; older releases have none."""

Text = Annotated[str, Field(min_length=1)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Files(Closed):
    """Digests of the files beside the card; `islands` is None where the product has no conductors."""

    onnx: Digest
    weights: Digest
    parity: Digest
    islands: Digest | None = None


class TrainingData(Closed):
    """What the network was fitted to. `digest` is over the drawn data; `seeds` by what they drew."""

    description: Text
    digest: Digest
    seeds: dict[str, int]


class InputContract(Closed):
    """What the network must be given. `mm_per_px` is the scale of the golden image it was made from."""

    layout: Text
    channels: tuple[Text, ...]
    crop_px: Literal[256] = CROP
    cell_px: Literal[4] = CELL
    mm_per_px: Annotated[float, Field(gt=0)]


class Thresholds(Closed):
    """Confidence: softmax(logits / temperature), then what it takes to be named and to be dismissed.

    `chosen` says on which data and by which rule the three were set.
    """

    temperature: Annotated[float, Field(gt=0)]
    hold_below: Probability
    dismiss_from: Probability
    chosen: Text


class Metric(Closed):
    """One figure with its 95 % interval; `defect_class` is None where it is about all classes together."""

    name: Name
    defect_class: Name | None = Field(alias="class", default=None)
    value: float
    lower: float
    upper: float
    n: Annotated[int, Field(ge=1)]
    unit: Name

    @model_validator(mode="after")
    def _inside(self) -> Metric:
        if not self.lower <= self.value <= self.upper:
            raise ValueError(f"{self.name}: {self.value} lies outside [{self.lower}, {self.upper}]")
        return self


class Card(Closed):
    """What every card tells. Its canonical JSON's digest names the model in every record."""

    name: Name
    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    description: Text
    classes: Annotated[tuple[Name, ...], Field(min_length=2)]
    metrics: tuple[Metric, ...]
    conditions: Text
    versions: dict[str, str]
    licence: Text
    limits: Annotated[tuple[Text, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _classes(self) -> Self:
        if self.classes[0] != NOT_A_DEFECT:
            raise ValueError(f"the first class is {self.classes[0]!r}; it must be {NOT_A_DEFECT!r}")
        if len(set(self.classes)) < len(self.classes) or UNCLASSIFIED in self.classes:
            raise ValueError(f"classes occur once each, and {UNCLASSIFIED!r} is none: {list(self.classes)}")
        strange = {m.defect_class for m in self.metrics} - {None, *self.classes}
        if strange:
            raise ValueError(f"metrics of classes {sorted(map(str, strange))} that the model does not name")
        return self

    @property
    def reference(self) -> ModelReference:
        """Name and digest for records: the digest is over everything the card says."""
        digest = sha256(canonical_json(self.model_dump(mode="json", by_alias=True)))
        return ModelReference(name=self.name, digest=digest)


class ModelCard(Card):
    """Schema `hallmark.model/1`: a cell classifier, see `models.classifier`."""

    schema_: Literal["hallmark.model/1"] = Field(alias="schema", default="hallmark.model/1")
    files: Files
    golden_image: Digest
    training: TrainingData
    input: InputContract
    thresholds: Thresholds


_Card = TypeVar("_Card", bound=Card)


def read_card(folder: Path) -> ModelCard:
    """Read a released cell classifier's card; raise as `read_card_of`."""
    return read_card_of(folder, ModelCard)


def read_card_of(folder: Path, kind: type[_Card]) -> _Card:
    """Read the card of a released model of a kind.

    Raises:
        ModelFormatError: there is none, or it is not one of that kind.
    """
    path = folder / CARD
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelFormatError(
            f"{path}: {error.strerror}: give the folder of a released model, which holds {CARD}"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "file"
        reason = re.sub(r"^Value error, ", "", first["msg"])
        raise ModelFormatError(
            f"{path}: {field}: {reason}; take the card that was released with the model"
        ) from error


def write_card(folder: Path, card: Card) -> None:
    """Write the card beside the files it names, indented for people to read.

    Raises:
        golden.errors.BundleError: the folder cannot be written to.
    """
    text = json.dumps(card.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False)
    write_file(folder / CARD, text.encode() + b"\n")
