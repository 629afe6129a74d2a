"""What clients send about engineering changes."""

from __future__ import annotations

from pydantic import Field

from api.bodies import Sentence
from evidence.inspection import Digest
from golden.regions import Closed, Identifier
from quality.engineering_change import Effectivity


class NewChange(Closed):
    """A registered golden sample that is to replace another, from which lots or time on, and why."""

    id: Identifier = Field(examples=["ECN-12"])
    before: Digest
    after: Digest
    effectivity: Effectivity = Field(examples=[{"from_time": "2026-08-01T00:00:00Z"}])
    reason: Sentence
