"""What a sample says: each value against the specification, and the sample on its control chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from golden import conformity
from golden.conformity import decide_reading
from golden.errors import ReadingError
from golden.spec import Colour
from quality.errors import StepError
from quality.ipqc.events import Judgement, KeyScope, Outcome, Reading
from quality.spc import Counts, Limits, chart, rule_set_named

Sample = Sequence[Reading]

_ROUNDING = 1e-5  # Delta E: another machine's last digits


def check_readings(where: str, keys: Sequence[KeyScope], size: int, readings: Sample) -> tuple[str, ...]:
    """Return the sample's units in order; every key characteristic has one reading of every one of them.

    Raises:
        StepError: another number of units, a reading missing, given twice, of no key characteristic, or of
            the other sort.
    """
    serials = tuple(dict.fromkeys(reading.serial for reading in readings))
    if len(serials) != size:
        raise StepError(f"{where}: the sample is {len(serials)} units; the plan asks for {size}")
    found = [(reading.characteristic, reading.serial) for reading in readings]
    wanted = {(key.characteristic, serial) for key in keys for serial in serials}
    for characteristic, serial in found:
        if (characteristic, serial) not in wanted:
            raise StepError(f"{where}: {characteristic} is no key characteristic; leave its reading out")
    for characteristic, serial in sorted(wanted):
        if found.count((characteristic, serial)) != 1:
            raise StepError(f"{where}: unit {serial} needs one reading of {characteristic}")
    variables = {key.characteristic: key.variables for key in keys}
    colours = {key.characteristic for key in keys if key.absolute is not None}
    for reading in readings:
        if (reading.characteristic in colours) != (reading.colour is not None):
            takes = "a spectrophotometer's reading" if reading.colour is None else "no colour"
            raise StepError(f"{where}: {reading.characteristic} on {reading.serial} takes {takes}")
        if variables[reading.characteristic] != (reading.value is not None):
            takes = "a value" if variables[reading.characteristic] else "conform: true or false"
            raise StepError(f"{where}: {reading.characteristic} on {reading.serial} takes {takes}")
    return serials


def with_differences(where: str, keys: Sequence[KeyScope], readings: Sample) -> Sample:
    """Return the readings with the Delta E, and its uncertainty, of colours that an instrument has read.

    Raises:
        StepError: one was not read under the agreed conditions, or comes with another Delta E.
    """
    absolute = {key.characteristic: key.absolute for key in keys}
    return tuple(_with_difference(where, absolute.get(r.characteristic), r) for r in readings)


def _with_difference(where: str, colour: Colour | None, reading: Reading) -> Reading:
    if colour is None or reading.colour is None:
        return reading
    try:
        found = decide_reading(colour, reading.colour)
    except ReadingError as error:
        raise StepError(f"{where}: {reading.serial}: {error}") from error
    if reading.value is not None and abs(reading.value - found.value) > _ROUNDING:
        raise StepError(
            f"{where}: {colour.id} on {reading.serial} was read as {found.value}, not {reading.value}"
        )
    numbers = {"value": found.value, "standard_uncertainty": found.standard_uncertainty}
    return reading.model_copy(update=numbers)


def judge(key: KeyScope, limits: Limits | None, history: Sequence[Sample], readings: Sample) -> Judgement:
    """Return what a sample says of a characteristic.

    Args:
        key: the characteristic.
        limits: its frozen control limits; without them only the specification judges.
        history: earlier samples under these limits, in order.
        readings: of this sample, other characteristics are skipped.
    """
    decisions = {_decision(key, r) for r in readings if r.characteristic == key.characteristic}
    rules = () if limits is None else _signals(key, limits, (*history, readings))
    outcome: Outcome = "signal" if rules else "conforming"
    if "nonconform" in decisions:
        outcome = "out_of_specification"
    elif "undecided" in decisions:
        outcome = "undecided"
    return Judgement(characteristic=key.characteristic, outcome=outcome, rules=rules)


def failed_units(key: KeyScope, readings: Sample) -> tuple[str, ...]:
    """Return the units of a sample whose reading does not conform."""
    own = (r for r in readings if r.characteristic == key.characteristic)
    return tuple(r.serial for r in own if _decision(key, r) == "nonconform")


def _decision(key: KeyScope, reading: Reading) -> conformity.Decision:
    if reading.value is None:
        return "conform" if reading.conform else "nonconform"
    if key.absolute is not None and reading.colour is not None:
        return decide_reading(key.absolute, reading.colour).decision
    u = reading.standard_uncertainty
    decided = conformity.decide(reading.value, u or 0.0, key.lower, key.upper, key.rule)
    if u is None and key.rule.rule == "guarded" and decided == "conform":
        return "undecided"  # nobody stated the uncertainty: such a number speaks against a unit, never for it
    return decided


def chart_data(key: KeyScope, samples: Sequence[Sample]) -> list[list[float]] | Counts:
    """Return what a characteristic's chart takes of samples: their values, or their nonconforming units."""
    own = [[r for r in sample if r.characteristic == key.characteristic] for sample in samples]
    if key.variables:
        return [[r.value for r in sample if r.value is not None] for sample in own]
    return Counts([sum(not r.conform for r in sample) for sample in own], [float(len(s)) for s in own])


def _signals(key: KeyScope, limits: Limits, samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return the names of the rules that signal at the last sample."""
    result = chart(key.chart, chart_data(key, samples), limits, rule_set_named(key.rules))
    last = len(samples) - 1
    found = (f"{s.statistic}: {s.rule}" for s in result.signals if s.point == last)
    return tuple(dict.fromkeys(found))


def judgements(
    keys: Sequence[KeyScope],
    limits: Mapping[str, tuple[Limits, int]],
    samples: Sequence[Sample],
    readings: Sample,
) -> tuple[Judgement, ...]:
    """Return what a sample says of every key characteristic; `limits` count from which sample they hold."""
    found: list[Judgement] = []
    for key in keys:
        frozen, first = limits.get(key.characteristic, (None, len(samples)))
        found.append(judge(key, frozen, samples[first:], readings))
    return tuple(found)
