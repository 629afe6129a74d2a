"""The parity report: how far each runtime's answers lie from the trained network's, and what that proves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from evidence import canonical_json
from evidence.inspection import Digest, Name
from golden import dsse
from golden.regions import Closed, Stated
from golden.sample import write_file
from models.errors import ModelFormatError

REPORT: Final = "parity.json"


class RuntimeParity(Closed):
    """One runtime against the trained network, over the whole fixed set.

    `probability` is the largest difference of a calibrated probability, `box_px` that of a box's edge, each
    beside what was allowed. `repeated` counts the crops that INT8 left to FP32, too near another decision.
    """

    runtime: Literal["fp32", "int8"]
    probability: Annotated[float, Field(ge=0)]
    probability_allowed: Annotated[float, Field(ge=0)]
    box_px: Stated[Annotated[float, Field(ge=0)]] = None
    box_px_allowed: Stated[Annotated[float, Field(ge=0)]] = None
    flips: Literal[0]
    repeated: Annotated[int, Field(ge=0)] = 0


class ParityReport(Closed):
    """What was compared: `crops` inputs of the file with digest `inputs`; `decisions` made on them.

    `flip_rate_upper`: with 95 % confidence, fewer than this share of such crops are decided otherwise.
    """

    schema_: Literal["hallmark.parity/1"] = Field(alias="schema", default="hallmark.parity/1")
    inputs: Digest
    crops: Annotated[int, Field(ge=1)]
    decisions: dict[Name, int]
    flip_rate_upper: Annotated[float, Field(gt=0, le=1)]
    runtimes: Annotated[tuple[RuntimeParity, ...], Field(min_length=1)]
    versions: dict[str, str]


def flip_rate_upper(crops: int) -> float:
    """Return the upper 95 % confidence limit of a rate of which none was seen in `crops` trials.

    The exact binomial limit, 1 - 0.05 ** (1 / n), by which the rule of three, 3 / n, is known (Hanley and
    Lippman-Hand 1983, JAMA 249, doi 10.1001/jama.1983.03330370053031). It holds for crops like the fixed
    set's.
    """
    return 1 - 0.05 ** (1 / crops)


def read_report(folder: Path) -> ParityReport:
    """Read a release's parity report; raise ModelFormatError where there is none."""
    path = folder / REPORT
    try:
        return ParityReport.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelFormatError(f"{path}: {error.strerror}; take the model as it was released") from error
    except ValidationError as error:
        raise ModelFormatError(f"{path}: {dsse.first(error)}; take the model as it was released") from error


def write_report(folder: Path, report: ParityReport) -> None:
    """Write a report beside the card; raise BundleError where the folder cannot be written to."""
    write_file(folder / REPORT, canonical_json(report.model_dump(mode="json", by_alias=True)) + b"\n")
