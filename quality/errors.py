"""The errors of this room.

QualityError(ValueError)
|-- SamplingError    the standard does not give a plan for what was asked (edition, lot size, level, AQL)
|-- ChartError       data, limits or rules do not make this control chart or capability index
|   `-- OutOfControlError  capability was asked of a process whose control chart signals
|-- EvidenceError    the record cannot serve as evidence: altered, of another lot or golden sample, or judged
|                    by a station that may not judge this unit
`-- StepError        the step does not follow from the lot's state: what must happen first is in the sentence
"""

from __future__ import annotations


class QualityError(ValueError):
    """Base of the room's errors."""


class SamplingError(QualityError):
    """The standard does not give a plan for what was asked."""


class EvidenceError(QualityError):
    """The record cannot serve as evidence."""


class StepError(QualityError):
    """The step does not follow from the lot's state."""


class ChartError(QualityError):
    """Data, limits or rules do not make this control chart or capability index."""


class OutOfControlError(ChartError):
    """Capability was asked of a process whose control chart signals."""
