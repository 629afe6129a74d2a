"""Calibrated artefacts: workpieces and check standards whose sizes someone else has measured better."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from calibration.errors import CheckError
from golden.regions import Closed, Identifier

LARGEST_FILE = 100_000

_Size = TypeVar("_Size", bound="CalibratedSize")


class CalibratedSize(Closed):
    """One size of an artefact.

    Attributes:
        id: what readings call it.
        value_mm: from the artefact's certificate, at 20 degrees C.
        u_mm: its standard uncertainty: the certificate's expanded one divided by its coverage factor.
        edges: how many of its two ends move outward where edges move towards their bright side: 2 for a
            diameter or width that is dark, -2 for a bright one (a hole before a light), 0 for a pitch.
    """

    id: Identifier
    value_mm: Annotated[float, Field(gt=0, le=100_000)]
    u_mm: Annotated[float, Field(gt=0, le=100)]
    edges: Annotated[int, Field(ge=-2, le=2)] = 0


class Artefact(Closed):
    """What every calibrated artefact states of itself.

    Attributes:
        serial: number engraved on it.
        certificate: reference of its calibration certificate.
        expires: last day on which that holds, or None.
        material: in words.
    """

    serial: Annotated[str, Field(min_length=1, max_length=128)]
    certificate: Annotated[str, Field(max_length=500)] = ""
    expires: date | None = None
    material: Annotated[str, Field(max_length=200)] = ""

    def expired(self, today: date) -> bool:
        """Return whether its certificate no longer holds."""
        return self.expires is not None and today > self.expires

    @classmethod
    def parse(cls, data: bytes, *, source: str) -> Self:
        """Read a definition file's bytes, YAML or JSON; `source` names it in messages.

        Raises:
            CheckError: it cannot be read or does not fit; the message names the field.
        """
        if len(data) > LARGEST_FILE:
            raise CheckError(f"{source}: {len(data)} bytes are too many for an artefact's definition")
        try:
            loaded: object = yaml.safe_load(data.decode("utf-8"))
        except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
            raise CheckError(f"{source}: not YAML or JSON: {error}") from error
        try:
            return cls.model_validate(loaded)
        except ValidationError as error:
            raise CheckError(f"{source}: {sentence(error)}") from error


class Workpiece(Artefact):
    """A calibrated workpiece, like the parts that will be measured, for substitution (ISO 15530-3)."""

    sizes: Annotated[tuple[CalibratedSize, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_ids(self.sizes)
        return self


def check_ids(sizes: tuple[_Size, ...]) -> None:
    """Raise ValueError where two sizes share an id."""
    ids = [size.id for size in sizes]
    if len(set(ids)) != len(ids):
        raise ValueError("two sizes have one id: give each its own")


def sentence(error: ValidationError) -> str:
    """Return the first problem as a sentence with its field."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
