"""From detected corners to a calibrated lens: the model by evidence, its parameters and their covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.errors import LensError
from calibration.lens.adjustment import Estimate, Model, Prior, Solution, adjust, adjust_scaled
from calibration.lens.choice import FAMILIES, FEWEST_POSES, PINHOLE, Candidate, candidate, excess, simplest
from calibration.lens.observations import Corners, Observations, gather
from calibration.lens.plane import LensMap
from calibration.lens.projection import FX, Kind, folds_back
from calibration.lens.start import first_estimate, prior_for
from kernels.compiled import F64, I64, Mask

LARGEST_U_LOG_FOCAL = 0.01
_LARGEST_MISFIT = 0.02  # of the pitch: beyond this the target is not what its definition says
_EXPLAINED = 0.1  # of the corners' uncertainty: a smaller misfit leaves no room for errors of the target
_GROSS = 6.0  # normalised residuals beyond this are no noise
_FOREIGN = 0.3  # of the misfit: what is left of it without a foreign picture
_MOST_GROSS = 0.2  # of a picture's corners
_TELECENTRIC_FOCAL = 12.0  # times the frame's longer side: no ordinary lens is longer


@dataclass(frozen=True, slots=True, eq=False)
class LensCalibration:
    """A calibrated lens with the poses of the target in its pictures.

    Attributes:
        size: of the frame (width, height), px.
        model: kind, free intrinsics and, where the target's own errors were estimated, their deviations.
        estimate: intrinsics in the order of `INTRINSICS`, poses, corrections of the target's points in mm.
        covariance: (k + 6 p, k + 6 p) of the free intrinsics, then of each pose: small rotation about the
            camera's axes in rad, translation in mm; of a released target then of the m points' corrections in
            mm, 3 m more. It holds noise, raised where the residuals are larger
            than the corners' uncertainties say, and the target's point errors; not the pitch.
        degrees_of_freedom: of that covariance.
        misfit_px: what the residuals hold beyond the corners' stated uncertainties, per axis; added to these
            in quadrature.
        seen: the corners that decided.
        residuals: (n, 2) px, of those: observed less projected.
        set_aside: (q, 2) picture (from 0) and id of the corners set aside as gross errors.
        candidates: the models compared, simplest first; of a released target first with pictures held out,
            then with points of the target held out too.
        hold_out_px: root mean square distance of held-out corners from their predictions.
        pitch_relative_uncertainty: of the target's pitch.
    """

    size: tuple[int, int]
    model: Model
    estimate: Estimate
    covariance: F64
    degrees_of_freedom: float
    misfit_px: float
    seen: Observations
    residuals: F64
    set_aside: I64
    candidates: tuple[Candidate, ...]
    hold_out_px: float
    pitch_relative_uncertainty: float

    @property
    def rms_px(self) -> float:
        """Root mean square distance of projection and corner, as `cv2.calibrateCamera` returns it."""
        return float(np.sqrt(np.square(self.residuals).sum(axis=1).mean()))

    @property
    def rms_px_by_picture(self) -> F64:
        """The same of each picture, (p,)."""
        squares = np.square(self.residuals).sum(axis=1)
        counts = np.maximum(np.bincount(self.seen.pose, minlength=self.seen.poses), 1)
        return np.sqrt(np.bincount(self.seen.pose, squares, self.seen.poses) / counts)

    @property
    def noise_scale(self) -> float:
        """By how much the corners' uncertainties were raised: median of taken over stated, at least 1."""
        return float(np.median(np.hypot(self.seen.u_px, self.misfit_px) / self.seen.u_px))

    def plane(self, picture: int) -> LensMap:
        """Return the map onto the target's plane in one of the calibration's pictures, counted from 0."""
        k = len(self.model.free)
        which = np.r_[0:k, k + 6 * picture : k + 6 * picture + 6]
        here = self.seen.pose == picture
        return LensMap(
            kind=self.model.kind, size=self.size, free=self.model.free, intrinsics=self.estimate.intrinsics,
            rotation=self.estimate.rotations[picture], translation=self.estimate.translations[picture],
            covariance=self.covariance[np.ix_(which, which)], degrees_of_freedom=self.degrees_of_freedom,
            pitch_relative_uncertainty=self.pitch_relative_uncertainty,
            centre_mm=self.seen.target[self.seen.point[here]].mean(axis=0)[:2],
        )  # fmt: skip


def calibrate_lens(
    detections: Sequence[Corners],
    size: tuple[int, int],
    *,
    kind: Kind | None = None,
    pitch_relative_uncertainty: float = 0.0,
) -> LensCalibration:
    """Calibrate a lens from pictures of one target in different poses.

    Args:
        detections: the target's corners, one per picture.
        size: of the frame (width, height), px.
        kind: of lens; None lets the pictures decide.
        pitch_relative_uncertainty: relative standard uncertainty of the target's pitch.

    Raises:
        LensError: too few pictures, mixed sizes or cameras, a wrong or mirrored target, or poses that do not
            tell the focal length from the distance.
    """
    if len(detections) < FEWEST_POSES:
        raise LensError(
            f"{len(detections)} pictures of the target, at least {FEWEST_POSES} are needed, each tilted"
        )
    seen = gather(detections, size)
    kind = kind or _kind(seen)
    fitted = _calibrate(seen, kind, prior_for(seen, kind), pitch_relative_uncertainty)
    if kind == "perspective":
        relative = float(np.sqrt(fitted.covariance[0, 0]) / fitted.estimate.intrinsics[FX])
        if relative > LARGEST_U_LOG_FOCAL:
            raise LensError(
                f"the poses do not tell the focal length from the distance (uncertain by "
                f"{100 * relative:.2g} %): add pictures of the target tilted by 20 to 40 "
                "degrees to each side, up and down"
            )
    return fitted


def calibrate_plane(
    detections: Sequence[Corners],
    size: tuple[int, int],
    *,
    kind: Kind = "perspective",
    focal_px: float | None = None,
    u_focal_px: float | None = None,
    pitch_relative_uncertainty: float = 0.0,
) -> LensCalibration:
    """Calibrate only what maps a plane: one picture is enough, whatever its pose.

    What the pictures do not tell of the lens stays as uncertain as lenses are (focal length within a factor
    of 2.2, principal point within 3 % of the frame's longer side of its centre, one standard deviation each),
    which hardly matters in the target's plane and is reported in planes above it: state `focal_px` where the
    height of a part is to be corrected for.

    Args:
        detections: the target's corners, one per picture, at least one.
        size: of the frame (width, height), px.
        kind: of lens.
        focal_px: stated focal length in px (telecentric: px per mm), at the focus in use.
        u_focal_px: its standard uncertainty; by default 5 %.
        pitch_relative_uncertainty: relative standard uncertainty of the target's pitch.

    Raises:
        LensError: mixed sizes or cameras, a wrong or mirrored target.
    """
    if focal_px is not None and (focal_px <= 0 or (u_focal_px is not None and u_focal_px <= 0)):
        raise LensError("a focal length and its uncertainty lie above 0")
    seen = gather(detections, size)
    stated = None if focal_px is None else u_focal_px or 0.05 * focal_px
    return _calibrate(seen, kind, prior_for(seen, kind, focal_px, stated), pitch_relative_uncertainty)


def _calibrate(
    seen: Observations, kind: Kind, prior: Prior, pitch_relative_uncertainty: float
) -> LensCalibration:
    start, prior = first_estimate(seen, kind, prior)
    fits = _fits(seen, kind, start, prior)
    seen, set_aside = _without_gross(seen, fits[-1][1])
    candidates, fits = _compared(seen, kind, start, prior)
    chosen = _chosen(candidates, seen)
    model, solution = fits[chosen.model.free]
    model, solution = adjust_scaled(seen, model, solution.estimate, prior)
    if folds_back(solution.estimate.intrinsics, seen.size):
        raise LensError("the distortion found folds back inside the frame: cover the frame's corners too")
    return _result(seen, set_aside, model, solution, chosen, candidates, pitch_relative_uncertainty)


def _compared(
    seen: Observations, kind: Kind, start: Estimate, prior: Prior
) -> tuple[list[list[Candidate]], dict[tuple[str, ...], tuple[Model, Solution]]]:
    """Fit and cross-validate the families, on a rigid or a released target, whichever predicts better.

    A rigid target has one list of candidates. A released one has two: pictures held out, which shows what
    moves with the pose; and points held out too, which shows what corrections of the target would hide where
    all poses are alike.
    """
    fits = {model.free: (model, fit) for model, fit in _fits(seen, kind, start, prior)}
    families = tuple(fits)
    _refuse_foreign(seen, *fits[families[-1]], prior)
    misfit_px = fits[families[-1]][1].misfit_px
    rigid = _candidates(seen, fits, prior, misfit_px, new_points=False)
    released = _released(seen, fits, rigid, prior)
    if released is None:
        return [rigid], fits
    model, solution = released
    misfit_px = solution.misfit_px
    for free in families:
        model = replace(model, free=free)
        rest = replace(solution.estimate, intrinsics=_only(solution.estimate.intrinsics, model.columns))
        fits[free] = model, adjust(seen, model, rest, prior, misfit_px=misfit_px)
    return [_candidates(seen, fits, prior, misfit_px, new_points=new) for new in (False, True)], fits


def _fits(seen: Observations, kind: Kind, start: Estimate, prior: Prior) -> list[tuple[Model, Solution]]:
    """Fit the families that so many pictures can tell apart, simplest first, to a rigid target."""
    fits: list[tuple[Model, Solution]] = []
    for free in FAMILIES[kind][: 2 if seen.poses < FEWEST_POSES else None]:
        try:
            fits.append(adjust_scaled(seen, Model(kind, free), start, prior))
        except LensError:  # a family that cannot describe this lens need not settle
            continue
        start = fits[-1][1].estimate
    if not fits:
        raise LensError("no model of a lens settles on the corners: check the target's definition")
    return fits


def _candidates(
    seen: Observations, fits: dict[tuple[str, ...], tuple[Model, Solution]], prior: Prior, misfit_px: float,
    *,
    new_points: bool,
) -> list[Candidate]:  # fmt: skip
    return [
        candidate(seen, model, replace(fit, misfit_px=misfit_px), prior, new_points=new_points)
        for model, fit in fits.values()
    ]


def _chosen(candidates: list[list[Candidate]], seen: Observations) -> Candidate:
    """Return the richest that any way of holding out asks for, with what it predicts of new pictures."""
    places = [many.index(simplest(many, seen)) for many in candidates]
    return candidates[0][max(places)]


def _released(
    seen: Observations,
    fits: dict[tuple[str, ...], tuple[Model, Solution]],
    rigid: list[Candidate],
    prior: Prior,
) -> tuple[Model, Solution] | None:
    """Return the best fit with the target's errors estimated, where the residuals leave room for them.

    It is taken unless it predicts other pictures worse by more than one standard error: errors of the target
    that count as noise average out on paper only.
    """
    best = min(rigid, key=lambda one: one.mean)
    if seen.poses < FEWEST_POSES or not np.isfinite(best.mean):
        return None
    model, fit = fits[best.model.free]
    if fit.misfit_px < _EXPLAINED * float(np.median(seen.u_px)):
        return None
    sigma = 0.5 * float(np.sqrt(np.square(fit.residuals).mean())) / _px_per_mm(seen)
    model, solution = adjust_scaled(seen, replace(model, target_sigma=(sigma, sigma)), fit.estimate, prior)
    other = candidate(seen, model, replace(solution, misfit_px=fit.misfit_px), prior, new_points=False)
    more, error = excess(best, other, seen)
    return (model, solution) if more > -error else None


def _kind(seen: Observations) -> Kind:
    """Decide between perspective and telecentric by held-out corners; if they cannot tell, perspective."""
    best: dict[Kind, tuple[Candidate, Solution]] = {}
    for kind in ("telecentric", "perspective"):
        try:
            start, prior = first_estimate(seen, kind, prior_for(seen, kind))
            model = Model(kind, (*PINHOLE, "k1"))
            _, fit = adjust_scaled(seen, model, start, prior)
        except LensError:
            continue
        best[kind] = candidate(seen, model, replace(fit, misfit_px=0.0), prior, new_points=False), fit
    if "telecentric" not in best or "perspective" not in best:
        return "telecentric" if "telecentric" in best else "perspective"
    more, error = excess(best["telecentric"][0], best["perspective"][0], seen)
    if more > error:
        return "perspective"
    focal = _TELECENTRIC_FOCAL * max(seen.size)
    start, prior = first_estimate(seen, "perspective", prior_for(seen, "perspective", focal, 0.01 * focal))
    fit = best["telecentric"][1]
    noise = np.hypot(seen.u_px, fit.misfit_px)
    longest = adjust(seen, Model("perspective", (*PINHOLE, "k1")), start, prior, misfit_px=fit.misfit_px)
    worse = float(np.square(longest.residuals / noise).sum() - np.square(fit.residuals / noise).sum())
    return "telecentric" if worse > 25 else "perspective"


def _refuse_foreign(seen: Observations, model: Model, fit: Solution, prior: Prior) -> None:
    """Refuse a picture without which the others agree: another camera's, or of a moved lens."""
    if seen.poses <= FEWEST_POSES or fit.misfit_px < float(np.median(seen.u_px)):
        return
    for picture in range(seen.poses):
        try:
            _, rest = adjust_scaled(seen.where(seen.pose != picture), model, fit.estimate, prior)
        except LensError:
            continue
        if rest.misfit_px < _FOREIGN * fit.misfit_px:
            raise LensError(
                f"picture {picture + 1} does not fit the others, which agree without it: was it taken by "
                "another camera, or with lens or focus moved? Leave it out"
            )


def _without_gross(seen: Observations, fit: Solution) -> tuple[Observations, I64]:
    """Set gross errors aside; refuse a picture full of them, and a target unlike its definition."""
    misfit = float(np.sqrt(np.median(np.square(fit.residuals).sum(axis=1)))) / _px_per_mm(seen)
    if misfit > _LARGEST_MISFIT * seen.pitch_mm:
        raise LensError(
            f"the corners lie {misfit:.3g} mm (median) from where the target's definition says, pitch "
            f"{seen.pitch_mm:g} mm: check columns, rows and pitch, and that all pictures are of one camera"
        )
    # The median tells what is common; gross errors must not raise what they are judged by.
    common = 1.4826 * float(np.median(np.abs(fit.residuals)))
    limit = _GROSS * np.hypot(seen.u_px, common)
    gross: Mask = np.asarray((np.abs(fit.residuals) > limit).any(axis=1), np.bool_)
    for picture in range(seen.poses):
        here: Mask = seen.pose == picture
        if gross[here].mean() > _MOST_GROSS:
            raise LensError(
                f"picture {picture + 1} does not fit the others ({100 * gross[here].mean():.0f} % of its "
                "corners): was it taken by another camera, or with lens or focus moved? Leave it out"
            )
    aside = np.column_stack([seen.pose[gross], seen.ids[seen.point[gross]]])
    return seen.where(~gross), aside


def _result(
    seen: Observations, set_aside: I64, model: Model, solution: Solution, chosen: Candidate,
    candidates: list[list[Candidate]], pitch_relative_uncertainty: float,
) -> LensCalibration:  # fmt: skip
    freedom = solution.degrees_of_freedom
    if model.target_sigma is not None:
        freedom = min(freedom, 2.0 * len(seen.target))
    return LensCalibration(
        size=seen.size, model=model, estimate=solution.estimate, covariance=solution.covariance(),
        degrees_of_freedom=freedom, misfit_px=solution.misfit_px, seen=seen, residuals=solution.residuals,
        set_aside=set_aside,         candidates=tuple(one for many in candidates for one in many),
        hold_out_px=chosen.hold_out_px, pitch_relative_uncertainty=pitch_relative_uncertainty,
    )  # fmt: skip


def _only(intrinsics: F64, columns: I64) -> F64:
    kept = np.zeros_like(intrinsics)
    kept[columns] = intrinsics[columns]
    return kept


def _px_per_mm(seen: Observations) -> float:
    """The median scale of the pictures."""
    scales: list[float] = []
    for picture in np.unique(seen.pose):
        here = seen.pose == picture
        px, mm = seen.px[here], seen.target[seen.point[here], :2]
        spread = np.linalg.norm(mm - mm.mean(axis=0), axis=1)
        scales.append(float(np.linalg.norm(px - px.mean(axis=0), axis=1).sum() / spread.sum()))
    return float(np.median(scales))
