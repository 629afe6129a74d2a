"""Studies of detection probability as records: trials, their source, and what they may be used for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from golden.regions import Closed
from quality.errors import SimulatedEvidenceError, StudyError
from quality.inspection_error import AgreementCount, InspectionError, Source, Use
from quality.pod.false_calls import FalseCalls, false_calls

Name = Annotated[str, Field(min_length=1, max_length=128)]
Millimetres = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class DefectTrial(Closed):
    """One defect of known class and size, and what the inspection made of it.

    Attributes:
        unit: the unit or picture that it was on.
        defect_class: its true class.
        zone: the zone that it lies in.
        level: of its contrast; "natural" where its class has one contrast alone.
        size_mm: its true size, as its class is measured.
        contrast: how strongly it differs, in 8-bit codes; null where not known.
        found: whether the inspection reported anything there.
        named: the class that it was reported as; null where it was not.
        response_mm: the size at which the comparison alone saw it, without a least size and without a
            model; null where it saw nothing, or was not asked.
        compared: whether the comparison alone reports it by the catalogue's least size; null where it was
            not asked.
    """

    unit: Name
    defect_class: Name
    zone: Name
    level: Name = "natural"
    size_mm: Millimetres
    contrast: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    found: bool
    named: Name | None = None
    response_mm: Millimetres | None = None
    compared: bool | None = None


class GoodUnit(Closed):
    """One unit without any defect: under which conditions, what was reported, and the verdict."""

    unit: Name
    conditions: Name
    calls: Annotated[int, Field(ge=0)]
    verdict: Literal["ACCEPT", "REJECT", "HOLD"]


class PodStudy(Closed):
    """The trials of one inspection, with all that their figures depend on.

    Attributes:
        golden: digest of the golden sample.
        model: name and digest of the model; null where none names.
        source: whether the defects were real; simulated figures decide nothing.
        conditions: how the pictures were made, line by line.
        smallest_mm: least size that the catalogue reports.
        measures: what the size of each class is.
        trials: each of its own defect; several of one unit are of different classes.
        good: units without any defect.
        not_judged: defects on units that the inspection held before it looked for any.
        by_zone: trials whose defect has no stated place: anything reported in its zone counted as found, a
            false call too, so that the probabilities are too high and bear no decision.
    """

    golden: Name
    model: Name | None
    source: Source
    conditions: tuple[str, ...]
    smallest_mm: Annotated[float, Field(ge=0)]
    measures: Annotated[dict[str, str], Field(default_factory=dict)]
    trials: tuple[DefectTrial, ...]
    good: tuple[GoodUnit, ...]
    not_judged: Annotated[int, Field(ge=0)] = 0
    by_zone: Annotated[int, Field(ge=0)] = 0

    def require(self, use: Use) -> None:
        """Refuse a decision by trials that are simulated, or that a false call may have found.

        Raises:
            SimulatedEvidenceError: `use` is "decision" and the trials are simulated.
            StudyError: `use` is "decision" and defects have no stated place.
        """
        if use == "decision":
            self._require_places()
        if use == "decision" and self.source == "simulated":
            raise SimulatedEvidenceError(
                "these detection probabilities are simulated: they plan a study and decide nothing; a "
                "decision needs real defects of known size (hallmark study pod --defects FILE.csv)"
            )

    def false_calls(self, conditions: str | None = None, confidence: float = 0.95) -> FalseCalls:
        """Return the false-call rate of the units without defect, of some conditions or of all.

        Raises:
            StudyError: there are no such units.
        """
        return false_calls([u.calls for u in self._good(conditions)], confidence)

    def inspection_error(
        self, defect_class: str, *, from_mm: float, to_mm: float | None = None, conditions: str | None = None
    ) -> InspectionError:
        """Return the errors for one class and range of sizes [from, to), for `quality.inspection_error`.

        Detection is over the trials of that range, as they were drawn; the false alarm is a unit without
        defect that is stopped, whatever for. The source goes with it: a simulated study's is refused there
        for decisions.

        Raises:
            StudyError: no trial of the class and range, or no unit without defect; or defects have no stated
                place.
        """
        self._require_places()
        trials = [
            t
            for t in self.trials
            if t.defect_class == defect_class
            and from_mm <= t.size_mm
            and (to_mm is None or t.size_mm < to_mm)
        ]
        good = self._good(conditions)
        if not trials or not good:
            raise StudyError(
                f"class {defect_class!r} from {from_mm:g} mm: {len(trials)} trials and {len(good)} good "
                "units; an inspection error needs both"
            )
        return InspectionError(
            defect_class=defect_class,
            detection=AgreementCount(
                called_nonconforming=sum(t.found for t in trials), parts=len(trials), source=self.source
            ),
            false_alarm=AgreementCount(
                called_nonconforming=sum(u.verdict != "ACCEPT" for u in good),
                parts=len(good),
                source=self.source,
            ),
        )

    def _require_places(self) -> None:
        if self.by_zone:
            raise StudyError(
                f"{self.by_zone} of {len(self.trials)} defects have no stated place: a false call in the "
                "zone counts as found; a decision needs the place of each (x_mm, y_mm)"
            )

    def _good(self, conditions: str | None) -> list[GoodUnit]:
        return [u for u in self.good if conditions in (None, u.conditions)]
