"""Control limits and their origin: estimated from named subgroups, or entered by a person for a reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, cast, get_args

import numpy as np
from pydantic import Field, ValidationError

from golden.regions import Closed
from quality.errors import ChartError
from quality.events import Person
from quality.spc.samples import (
    ChartKind,
    CountedKind,
    Counts,
    Flags,
    Measured,
    MeasuredKind,
    Vector,
    check_kind,
    counted,
    measured,
    stretches,
)
from quality.spc.sigma import SigmaEstimate, SigmaMethod, estimate_sigma

Reason = Annotated[str, Field(min_length=1, max_length=2000)]


_DEFAULT_METHODS: dict[MeasuredKind, SigmaMethod] = {
    "xbar_r": "mean_range", "xbar_s": "weighted_sd", "ewma": "pooled_sd", "cusum": "pooled_sd",
}  # fmt: skip


class Excluded(Closed):
    """A subgroup that was left out of an estimate, since its assignable cause is known."""

    subgroup: str
    reason: Reason


class Estimated(Closed):
    """Limits were estimated from these subgroups (phase I); `degrees` of freedom that sigma is worth."""

    source: Literal["estimated"] = "estimated"
    subgroups: tuple[str, ...]
    excluded: tuple[Excluded, ...] = ()
    method: SigmaMethod | Literal["poisson", "binomial"]
    degrees: float | None = None


class Entered(Closed):
    """Limits were entered by a person."""

    source: Literal["entered"] = "entered"
    reason: Reason
    person: Person


class Limits(Closed):
    """What control limits are computed from. Specification limits have no place here.

    `centre` and `sigma` are of a single value: mean and standard deviation of a measured value (its unit);
    proportion p and sqrt(p (1 - p)) of a unit; rate u and sqrt(u) of a unit of area; Laney's charts multiply
    sigma by their sigma z. The standard error of a subgroup of n is sigma / sqrt(n).
    `version` is 0 while estimated in phase I; frozen limits (phase II) have 1, 2, ...
    """

    chart: ChartKind
    centre: float
    sigma: Annotated[float, Field(gt=0)]
    origin: Annotated[Estimated | Entered, Field(discriminator="source")]
    version: Annotated[int, Field(ge=0)] = 0

    def freeze(self, previous: Limits | None = None) -> Limits:
        """Return these limits for phase II, one version after `previous`.

        Raises:
            ChartError: these are frozen already, `previous` is not, or is of a chart with other limits.
        """
        if self.version:
            raise ChartError(
                f"limits version {self.version} are frozen; estimate or enter new ones to revise them"
            )
        if previous is not None and (previous.version == 0 or family(previous.chart) != family(self.chart)):
            raise ChartError(
                f"limits of the {self.chart} chart follow frozen limits of the same kind of chart"
            )
        return self.model_copy(update={"version": 1 + (previous.version if previous else 0)})

    def record(self) -> dict[str, Any]:
        """Return the JSON object; `Limits.model_validate` reads it."""
        return self.model_dump(mode="json")


def family(kind: ChartKind) -> str:
    """Return which charts share limits: all of measured values, p with np, and c with u."""
    if kind in get_args(MeasuredKind):
        return "measured"
    return {"np": "p", "c": "u"}.get(kind, kind)


def entered_limits(
    kind: ChartKind, centre: float, sigma: float | None = None, *, reason: str, person: Person
) -> Limits:
    """Return limits that a person enters; `freeze` gives them their version.

    `sigma` is left out for p, np, c and u, where it follows from the centre.

    Raises:
        ChartError: no reason, a centre that cannot be, sigma missing, not above 0 or not called for.
    """
    if (sigma is None) != (family(kind) in ("p", "u")):
        raise ChartError(
            f"limits of the {kind} chart: sigma {sigma}: p, np, c and u take none, the others need it"
        )
    spread = _sigma_of_counts(kind, centre) if sigma is None else sigma
    try:
        return Limits(chart=kind, centre=centre, sigma=spread, origin=Entered(reason=reason, person=person))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(p) for p in problem["loc"])
        raise ChartError(f"limits of the {kind} chart: {field}: {problem['msg']}") from error


def _sigma_of_counts(kind: ChartKind, centre: float) -> float:
    """Return the standard deviation of a unit's count, binomial or Poisson, about its mean."""
    variance = centre * (1 - centre) if kind in ("p", "np", "laney_p") else centre
    if not 0 < variance < math.inf:
        raise ChartError(
            f"{kind} chart: the mean is {centre:g}, which leaves no variation; inspect more units"
        )
    return math.sqrt(variance)


def estimate_limits(
    kind: ChartKind,
    data: Measured | Counts,
    *,
    names: Sequence[str] | None = None,
    exclude: Mapping[str, str] | None = None,
    method: SigmaMethod | None = None,
) -> Limits:
    """Estimate limits from subgroups (phase I).

    `names` are the subgroups' (default "1", "2", ...); `exclude` gives the names of those with a known
    assignable cause, and the cause. `method` is for measured values; default `mean_range` for Xbar-R,
    `weighted_sd` for Xbar-S, `moving_range` for single values, `pooled_sd` for EWMA and CUSUM of subgroups.

    Raises:
        ChartError: data that do not fit the chart, unknown or repeated names, constant data.
    """
    check_kind(kind, data)
    count = len(data.counts) if isinstance(data, Counts) else len(data)
    labels = tuple(names) if names is not None else tuple(str(i + 1) for i in range(count))
    left_out = dict(exclude or {})
    if len(labels) != count or len(set(labels)) != count or not left_out.keys() <= set(labels):
        raise ChartError(f"{kind} chart: needs {count} different names, and excluded ones among them")
    used = np.array([label not in left_out for label in labels])
    if used.sum() < 2:
        raise ChartError(f"{kind} chart: fewer than two subgroups are left to estimate limits from")
    if isinstance(data, Counts):
        counted_kind = cast("CountedKind", kind)
        centre, estimate, how = _of_counts(counted_kind, *counted(counted_kind, data), used)
    else:
        measured_kind = cast("MeasuredKind", kind)
        centre, estimate, how = _of_measured(measured_kind, measured(measured_kind, data), used, method)
    origin = Estimated(
        subgroups=tuple(label for label in labels if label not in left_out),
        excluded=tuple(Excluded(subgroup=name, reason=left_out[name]) for name in labels if name in left_out),
        method=how,
        degrees=estimate.degrees if math.isfinite(estimate.degrees) else None,
    )
    return Limits(chart=kind, centre=centre, sigma=estimate.sigma, origin=origin)


_Estimate = tuple[float, SigmaEstimate, SigmaMethod | Literal["poisson", "binomial"]]


def _of_measured(
    kind: MeasuredKind, subgroups: tuple[Vector, ...], used: Flags, method: SigmaMethod | None
) -> _Estimate:
    kept = [s for s, take in zip(subgroups, used, strict=True) if take]
    single = all(s.size == 1 for s in subgroups)
    default: SigmaMethod = "moving_range" if single else _DEFAULT_METHODS[kind]
    how = method or default
    if (how == "moving_range") != single:
        raise ChartError(f"{kind} chart: sigma by {how} does not fit subgroups of {subgroups[0].size}")
    base = stretches(np.concatenate(subgroups), used) if single else kept
    return float(np.concatenate(kept).mean()), estimate_sigma(base, how), how


def _of_counts(kind: CountedKind, counts: Vector, sizes: Vector, used: Flags) -> _Estimate:
    centre = float(counts[used].sum() / sizes[used].sum())
    sigma = _sigma_of_counts(kind, centre)
    degrees = math.inf
    if kind.startswith("laney"):
        # Laney 2002 (Quality Engineering 14, 531): the z of the plain chart vary by sigma z, not by 1.
        z = (counts / sizes - centre) / (sigma / np.sqrt(sizes))
        over = estimate_sigma(stretches(z, used), "moving_range")
        sigma, degrees = sigma * over.sigma, over.degrees
    return centre, SigmaEstimate(sigma, degrees), "binomial" if kind in ("p", "np", "laney_p") else "poisson"
