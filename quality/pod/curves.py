"""A study's curves: for each class, level of contrast and zone the sizes found with 50 and 90 %."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.errors import SeparationError, StudyError
from quality.inspection_error import Source, Use
from quality.pod.hit_miss import HitMissFit, Scale, fit_hit_miss, lack_of_fit
from quality.pod.links import Link
from quality.pod.response import ResponseFit, fit_response
from quality.pod.study import DefectTrial, PodStudy
from quality.proportions import Proportion, clopper_pearson

ALL = "all"
_DOUBTFUL = 0.05
_LINKS: tuple[Link, ...] = ("logit", "probit")


@dataclass(frozen=True, slots=True, eq=False)
class PodCurve:
    """What the trials of one class, level and zone say; sizes in mm.

    Attributes:
        defect_class: the class.
        level: of contrast, or "all".
        zone: or "all".
        source: of the trials; "simulated" decides nothing.
        trials: how many.
        found: how many of them were found.
        smallest: least size tried.
        largest: greatest size tried.
        fit: the curve of hits and misses, of the link with the greater likelihood; None with `failure`.
        failure: why there is no curve; None where there is.
        a50: size found with 50 %.
        a90: size found with 90 %.
        a90_95: 95 % upper bound of a90 by the penalised likelihood ratio (Firth); None where the trials set
            none up to `largest`, and `cautions` says so.
        a90_95_ratio: the handbook's, by the plain likelihood ratio, for comparison: in simulated studies of
            60 and 120 trials it held the true a90 less often than 95 of 100 (`benchmarks.pod_coverage`).
        a90_95_wald: the same by Wald's method.
        p_fit: p-value of the curve's shape, see `lack_of_fit`.
        beyond: share found of the trials at a90/95 and above: what the curve promises, counted.
        compared: how many the comparison alone reported; None where it was not asked.
        dismissed: how many of these the inspection did not report: the model let them go.
        response: the size seen by the comparison as a-hat, with the catalogue's least size as threshold.
        cautions: what a reader must know, in sentences.
    """

    defect_class: str
    level: str
    zone: str
    source: Source
    trials: int
    found: int
    smallest: float
    largest: float
    fit: HitMissFit | None
    failure: str | None
    a50: float | None
    a90: float | None
    a90_95: float | None
    a90_95_ratio: float | None
    a90_95_wald: float | None
    p_fit: float | None
    beyond: Proportion | None
    compared: int | None
    dismissed: int | None
    response: ResponseFit | None
    cautions: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        fit, response, beyond = self.fit, self.response, self.beyond
        return {
            "class": self.defect_class, "level": self.level, "zone": self.zone, "source": self.source,
            "trials": self.trials, "found": self.found, "smallest_mm": self.smallest,
            "largest_mm": self.largest, "a50_mm": self.a50, "a90_mm": self.a90, "a90_95_mm": self.a90_95,
            "a90_95_ratio_mm": self.a90_95_ratio, "a90_95_wald_mm": self.a90_95_wald,
            "lack_of_fit_p": self.p_fit,
            "found_beyond": None if beyond is None else [beyond.count, beyond.n, beyond.lower, beyond.upper],
            "compared": self.compared, "dismissed": self.dismissed, "failure": self.failure,
            "cautions": list(self.cautions),
            "fit": None if fit is None else {
                "link": fit.link, "scale": fit.scale, "estimator": fit.estimator, "intercept": fit.intercept,
                "slope": fit.slope, "covariance": fit.covariance.tolist(),
            },
            "response": None if response is None else {
                "intercept": response.intercept, "slope": response.slope, "noise": response.noise,
                "threshold_mm": response.threshold, "below": response.below, "a90_mm": response.size_at(0.9),
                "a90_95_mm": response.size_bound(0.9, 0.95),
            },
        }  # fmt: skip


def pod_curves(study: PodStudy, *, use: Use, scale: Scale = "log") -> tuple[PodCurve, ...]:
    """Return the curves of a study: of each class and level over all zones, then by zone where there are two.

    Args:
        study: its trials; several of one unit must be of different classes.
        use: "decision" refuses simulated trials; "study" labels them.
        scale: of the sizes.

    Raises:
        SimulatedEvidenceError: a decision by simulated trials.
    """
    study.require(use)
    curves: list[PodCurve] = []
    for name, level in sorted({(t.defect_class, t.level) for t in study.trials}):
        trials = [t for t in study.trials if (t.defect_class, t.level) == (name, level)]
        zones = sorted({t.zone for t in trials})
        curves.append(_curve(study, trials, ALL, scale))
        if len(zones) > 1:
            curves += [_curve(study, [t for t in trials if t.zone == z], z, scale) for z in zones]
    return tuple(curves)


def _curve(study: PodStudy, trials: Sequence[DefectTrial], zone: str, scale: Scale) -> PodCurve:
    sizes, found = np.array([t.size_mm for t in trials]), np.array([t.found for t in trials])
    largest = float(sizes.max())
    cautions: list[str] = []
    fit, failure = _fit(sizes, found, scale, cautions)
    a50, a90 = (None, None) if fit is None else (fit.size_at(0.5), fit.size_at(0.9))
    bound, ratio, wald = (None, None, None) if fit is None else _bounds(fit, sizes, largest)
    if fit is not None and a90 is None:
        cautions.append("detection does not rise with size")
    elif fit is not None and bound is None:
        cautions.append(f"a90/95 is above the largest size tried, {largest:.3g} mm: no size is claimed")
    p_fit = None if fit is None else lack_of_fit(fit)
    if p_fit is not None and p_fit < _DOUBTFUL:
        cautions.append(f"the trials do not follow the curve's shape (p = {p_fit:.2g})")
    above = found[sizes >= bound] if bound is not None else found[:0]
    beyond = clopper_pearson(int(above.sum()), len(above)) if len(above) else None
    if beyond is not None and beyond.upper < 0.9:
        cautions.append(f"of {beyond.n} defects at a90/95 and above only {beyond.count} were found")
    asked = [t for t in trials if t.compared is not None]
    return PodCurve(
        defect_class=trials[0].defect_class,
        level=trials[0].level,
        zone=zone,
        source=study.source,
        trials=len(trials),
        found=int(found.sum()),
        smallest=float(sizes.min()),
        largest=largest,
        fit=fit,
        failure=failure,
        a50=a50,
        a90=a90,
        a90_95=bound,
        a90_95_ratio=ratio,
        a90_95_wald=wald,
        p_fit=p_fit,
        beyond=beyond,
        compared=sum(t.compared is True for t in asked) if asked else None,
        dismissed=sum(t.compared is True and not t.found for t in asked) if asked else None,
        response=_response(study, asked, scale),
        cautions=tuple(cautions),
    )


def _fit(
    sizes: NDArray[np.float64], found: NDArray[np.bool_], scale: Scale, cautions: list[str]
) -> tuple[HitMissFit | None, str | None]:
    try:
        fits: Iterable[HitMissFit] = [fit_hit_miss(sizes, found, link=k, scale=scale) for k in _LINKS]
        return max(fits, key=lambda f: f.log_likelihood), None
    except SeparationError:
        cautions.append(
            "a size parts all hits from all misses: fitted by penalised likelihood (Firth); add defects of "
            "sizes about there"
        )
        return fit_hit_miss(sizes, found, scale=scale, estimator="firth"), None
    except StudyError as error:
        return None, str(error)


def _bounds(
    fit: HitMissFit, sizes: NDArray[np.float64], largest: float
) -> tuple[float | None, float | None, float | None]:
    """Return a90/95 by penalised likelihood, by the likelihood ratio and by Wald, up to the largest size."""
    penalised = fit
    if fit.estimator != "firth":
        penalised = fit_hit_miss(sizes, fit.found, link=fit.link, scale=fit.scale, estimator="firth")
    plain = fit.estimator == "maximum_likelihood"
    bounds = (
        penalised.size_bound(),
        fit.size_bound() if plain else None,
        fit.size_bound(interval="wald") if plain else None,
    )
    first, second, third = (None if b is None or b > largest else b for b in bounds)
    return first, second, third


def _response(study: PodStudy, asked: Sequence[DefectTrial], scale: Scale) -> ResponseFit | None:
    """Return the a-hat fit, or None where too few defects were seen between nothing and everything."""
    answers = np.array([np.nan if t.response_mm is None else t.response_mm for t in asked])
    seen = answers[~np.isnan(answers)]
    if len(seen) < len(asked) / 4 or not len(seen):
        return None
    try:
        return fit_response(
            [t.size_mm for t in asked], answers, threshold=study.smallest_mm,
            floor=float(seen.min()) * 0.999, scale=scale, response_scale=scale,
        )  # fmt: skip
    except StudyError:
        return None
