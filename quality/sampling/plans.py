"""Sampling plans of a code letter or of a lot, and what a count of findings means under them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from golden.plans import CountingBasis, InspectionLevel, SamplingStandard
from quality.errors import SamplingError
from quality.sampling.tables import (
    STANDARD,
    Z14_2003,
    InspectionSeverity,
    code_letter,
    double_numbers,
    edition_named,
    severity_named,
    single_cell,
)

Judgement = Literal["accept", "accept_and_return_to_normal", "reject", "take_second_sample"]


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """A single sampling plan: inspect `n`, accept at `Ac` or fewer, reject at `Re` or more.

    `counting` says what is counted: nonconforming units, or nonconformities. Between `Ac` and `Re` (reduced
    inspection of Z1.4 only) the lot is accepted and inspection returns to normal. `code_letter` is what
    Table 1 (or the caller) names; `final_code_letter` where the arrow, if one was followed, ends: n, Ac and
    Re are those of the final letter. With a lot size, `n` is never above it, and `hundred_percent` says that
    the whole lot is inspected; Ac and Re stay those of the plan.
    """

    standard: SamplingStandard
    severity: InspectionSeverity
    level: InspectionLevel | None
    aql: str
    counting: CountingBasis
    lot_size: int | None
    code_letter: str
    final_code_letter: str
    n: int
    Ac: int
    Re: int
    arrow_followed: bool
    hundred_percent: bool = False


@dataclass(frozen=True, slots=True)
class DoublePlan:
    """A double sampling plan: `n1` units with `Ac1` and `Re1`; between them `n2` more units.

    `Ac2` and `Re2` are compared with what both samples hold together. The other fields are those of
    `SamplingPlan`; with a lot size, `n2` is at most what the first sample leaves.
    """

    standard: SamplingStandard
    severity: InspectionSeverity
    level: InspectionLevel | None
    aql: str
    counting: CountingBasis
    lot_size: int | None
    code_letter: str
    final_code_letter: str
    n1: int
    Ac1: int
    Re1: int
    n2: int
    Ac2: int
    Re2: int
    arrow_followed: bool


def single_plan(
    letter: str,
    aql: str,
    severity: InspectionSeverity = "normal",
    standard: str = STANDARD,
    counting: CountingBasis = "nonconforming_units",
) -> SamplingPlan:
    """Return the single plan of a code letter, arrows followed: n, letter, Ac and Re all move.

    Args:
        letter: code letter A to R (S is reached by an arrow only).
        aql: as printed in the standard, for example "0.65", "1.0" or "10"; in percent nonconforming, or in
            nonconformities per 100 units.
        severity: normal (ISO 2859-1:1999 Table 2-A, Z1.4 Table II-A), tightened (-B) or reduced (-C).
        standard: the edition; the answer depends on it.
        counting: what is counted; an AQL above 10 exists for nonconformities per 100 units only.

    Raises:
        SamplingError: the edition is not held or not named, letter, AQL or severity is not in its tables, or
            the AQL is above 10 and nonconforming units are counted.
    """
    edition, severity = edition_named(standard), severity_named(severity)
    cell = single_cell(edition, severity, letter, aql)
    if counting == "nonconforming_units" and float(aql) > 10:
        raise SamplingError(
            f"AQL {aql!r} is above 10 percent nonconforming; count nonconformities per 100 units instead"
        )
    return SamplingPlan(
        standard=edition,
        severity=severity,
        level=None,
        aql=aql,
        counting=counting,
        lot_size=None,
        code_letter=letter,
        final_code_letter=cell.letter,
        n=cell.n,
        Ac=cell.Ac,
        Re=cell.Re,
        arrow_followed=cell.letter != letter,
    )


def double_plan(
    letter: str,
    aql: str,
    severity: InspectionSeverity = "normal",
    standard: str = Z14_2003,
    counting: CountingBasis = "nonconforming_units",
) -> DoublePlan | SamplingPlan:
    """Return the double plan of a code letter (Z1.4 Tables III-A, III-B, III-C), arrows followed.

    Where the table says so (the corresponding single plan accepts on 0, or the letter is too small to be
    halved) the answer is that single plan, as the 2003 edition's footnote asks.

    Raises:
        SamplingError: as `single_plan`, or the standard is not Z1.4: ISO's double plans differ from it and
            are not held.
    """
    single = single_plan(letter, aql, severity, standard, counting)
    if single.standard != Z14_2003:
        raise SamplingError(
            f"double plans of {standard!r} are not held; use its single plans, or agree on {Z14_2003!r}"
        )
    numbers = double_numbers(single.severity, single_cell(single.standard, single.severity, letter, aql))
    if numbers is None:
        return single
    return DoublePlan(
        standard=single.standard,
        severity=single.severity,
        level=None,
        aql=aql,
        counting=counting,
        lot_size=None,
        code_letter=letter,
        final_code_letter=single.final_code_letter,
        n1=numbers.n,
        Ac1=numbers.Ac1,
        Re1=numbers.Re1,
        n2=numbers.n,
        Ac2=numbers.Ac2,
        Re2=numbers.Re2,
        arrow_followed=single.arrow_followed,
    )


def lot_plan(
    lot_size: int,
    level: InspectionLevel,
    aql: str,
    severity: InspectionSeverity = "normal",
    standard: str = STANDARD,
    counting: CountingBasis = "nonconforming_units",
) -> SamplingPlan:
    """Return the single plan of a lot: Table 1, then the master table; n >= lot size means 100 %.

    Raises:
        SamplingError: as `code_letter` and `single_plan`.
    """
    return _of_lot(
        single_plan(code_letter(lot_size, level), aql, severity, standard, counting), lot_size, level
    )


def double_lot_plan(
    lot_size: int,
    level: InspectionLevel,
    aql: str,
    severity: InspectionSeverity = "normal",
    standard: str = Z14_2003,
    counting: CountingBasis = "nonconforming_units",
) -> DoublePlan | SamplingPlan:
    """Return the double plan of a lot, or its single plan where `double_plan` says so.

    A lot that its first sample would use up is inspected whole, by the single plan's numbers.

    Raises:
        SamplingError: as `code_letter` and `double_plan`.
    """
    plan = double_plan(code_letter(lot_size, level), aql, severity, standard, counting)
    if isinstance(plan, SamplingPlan):
        return _of_lot(plan, lot_size, level)
    if plan.n1 >= lot_size:
        return lot_plan(lot_size, level, aql, severity, standard, counting)
    return replace(plan, level=level, lot_size=lot_size, n2=min(plan.n2, lot_size - plan.n1))


def judge(plan: SamplingPlan | DoublePlan, found: int, found_second: int | None = None) -> Judgement:
    """Return what follows from the findings of a lot's sample.

    Args:
        plan: the plan that the sample was inspected by.
        found: what the (first) sample holds, in the plan's counting basis.
        found_second: what the second sample alone holds, once it is inspected.

    Raises:
        SamplingError: a count is negative or above the sample, or a second sample is given that the plan does
            not ask for.
    """
    if isinstance(plan, SamplingPlan):
        if found_second is not None:
            raise SamplingError("a single plan has no second sample; give one count")
        return _verdict(_counted(found, plan.n, plan.counting), plan.Ac, plan.Re)
    _counted(found, plan.n1, plan.counting)
    if plan.Ac1 < found < plan.Re1:
        if found_second is None:
            return "take_second_sample"
        return _verdict(found + _counted(found_second, plan.n2, plan.counting), plan.Ac2, plan.Re2)
    if found_second is not None:
        raise SamplingError(
            f"{found} in the first sample decides (Ac1 {plan.Ac1}, Re1 {plan.Re1}); no second sample is taken"
        )
    return "accept" if found <= plan.Ac1 else "reject"


def _verdict(found: int, ac: int, re: int) -> Judgement:
    if found >= re:
        return "reject"
    return "accept" if found <= ac else "accept_and_return_to_normal"


def _counted(found: int, n: int, counting: CountingBasis) -> int:
    if found < 0:
        raise SamplingError(f"a count of {found} findings is below 0")
    if counting == "nonconforming_units" and found > n:
        raise SamplingError(f"{found} nonconforming units in a sample of {n}: there are not as many")
    return found


def _of_lot(plan: SamplingPlan, lot_size: int, level: InspectionLevel) -> SamplingPlan:
    whole = plan.n >= lot_size
    return replace(plan, level=level, lot_size=lot_size, n=min(plan.n, lot_size), hundred_percent=whole)
