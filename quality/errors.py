"""The errors of this room.

QualityError(ValueError)
|-- SamplingError    the standard does not give a plan for what was asked (edition, lot size, level, AQL)
|   `-- PlanError  numbers (n, Ac, fraction, risk) that make no plan or estimate, or that no plan meets
|-- ChartError       data, limits or rules do not make this control chart or capability index
|   `-- OutOfControlError  capability was asked of a process whose control chart signals
|-- EvidenceError    the record cannot serve as evidence: altered, of another lot or golden sample, or judged
|                    by a station that may not judge this unit
|   `-- SimulatedEvidenceError  a decision was asked of a probability that was not measured on real parts
|-- StudyError       readings or ratings that do not allow what a measurement system study was asked for
|   `-- SeparationError  one size parts all hits from all misses: no slope of a detection curve is determined
|-- ProportionError  counts, confidence or alpha that make no fraction, interval or test
`-- StepError        the step does not follow from the lot's state: what must happen first is in the sentence
    `-- TransitionError  a corrective action cannot go on so from its phase; `refusal` names why in few words
"""

from __future__ import annotations


class QualityError(ValueError):
    """Base of the room's errors."""


class SamplingError(QualityError):
    """The standard does not give a plan for what was asked."""


class PlanError(SamplingError):
    """The numbers make no plan, curve or estimate, or no plan meets them."""


class EvidenceError(QualityError):
    """The record cannot serve as evidence."""


class SimulatedEvidenceError(EvidenceError):
    """A decision was asked of a probability that was not measured on real parts."""


class StepError(QualityError):
    """The step does not follow from the lot's state."""


class ChartError(QualityError):
    """Data, limits or rules do not make this control chart or capability index."""


class OutOfControlError(ChartError):
    """Capability was asked of a process whose control chart signals."""


class ProportionError(QualityError):
    """Counts, confidence or alpha make no fraction, interval or test."""


class TransitionError(StepError):
    """A corrective action cannot go on so from its phase; `refusal` names why in few words."""

    def __init__(self, refusal: str, sentence: str) -> None:
        super().__init__(f"{refusal}: {sentence}")
        self.refusal = refusal


class StudyError(QualityError):
    """Readings or ratings do not allow what a measurement system study was asked for."""


class SeparationError(StudyError):
    """One size parts all hits from all misses: no slope of a detection curve is determined."""
