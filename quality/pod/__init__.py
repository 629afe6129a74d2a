"""Probability of detection by size (MIL-HDBK-1823A). Pure functions; StudyError refuses.

Hit/miss      fit_hit_miss(sizes, found, link=, scale=, estimator=) -> HitMissFit: probability, size_at(0.9),
              size_bound(0.9, 0.95) (a90/95 by likelihood ratio or Wald); lack_of_fit
A-hat         fit_response(sizes, responses, threshold=, floor=, ceiling=) -> ResponseFit, the same questions
False calls   false_calls(counts) -> FalseCalls per unit; fit_noise -> threshold against false calls
Studies       PodStudy(trials, good, source, ...) -> pod_curves(study, use=) per class, level and zone;
              study.inspection_error(class, from_mm=) feeds `quality.inspection_error`

Simulated studies carry their source in the record and in each curve; `use="decision"` refuses them.
"""

from quality.pod.curves import ALL, PodCurve, pod_curves
from quality.pod.false_calls import FalseCalls, NoiseFit, false_calls, fit_noise
from quality.pod.hit_miss import Estimator, HitMissFit, Interval, Scale, fit_hit_miss, lack_of_fit
from quality.pod.links import Link
from quality.pod.response import ResponseFit, fit_response
from quality.pod.study import DefectTrial, GoodUnit, PodStudy

__all__ = [
    "ALL", "DefectTrial", "Estimator", "FalseCalls", "GoodUnit", "HitMissFit", "Interval", "Link", "NoiseFit",
    "PodCurve", "PodStudy", "ResponseFit", "Scale", "false_calls", "fit_hit_miss", "fit_noise",
    "fit_response", "lack_of_fit", "pod_curves",
]  # fmt: skip
