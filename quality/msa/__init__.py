"""Measurement system analysis (AIAG MSA 4th ed., VDA 5, ISO 22514-7). Pure functions; StudyError refuses.

Gage R&R      crossed_study(readings, factor=) -> crossed_gage_rr (analysis of variance, with intervals) or
              average_range (the worksheet); nested_study -> nested_gage_rr
Reference     bias_study, type1_study (Cg, Cgk), linearity_study, stability_study (a control chart)
Attributes    attribute_agreement (effectiveness, miss, false alarm, kappas); cohen_kappa, kappa_of_table,
              fleiss_kappa, fleiss_kappa_of_ratings, light_kappa
Verdict       measuring_process_capable: U against the tolerance, bias and linearity included

The factor beside the parts is named by the study and stored in the result: "operator" where people measure,
"station" or "re-fixturing" where a station measures by itself.
"""

from quality.msa.agreement import AttributeAgreement, LevelAgreement, Rating, attribute_agreement
from quality.msa.average_range import AverageRange, RangeConstants, average_range, range_constants
from quality.msa.bias import (
    Bias,
    Linearity,
    ReferenceBias,
    Type1,
    bias_study,
    linearity_study,
    type1_study,
)
from quality.msa.components import MeanSquare, VarianceComponent
from quality.msa.gage_rr import GageRr, crossed_gage_rr, nested_gage_rr
from quality.msa.kappa import (
    Kappa,
    cohen_kappa,
    fleiss_kappa,
    fleiss_kappa_of_ratings,
    kappa_of_table,
    light_kappa,
)
from quality.msa.measuring_process import MeasuringProcess, measuring_process_capable
from quality.msa.stability import Stability, stability_study
from quality.msa.study import CrossedStudy, NestedStudy, Reading, crossed_study, nested_study

__all__ = [
    "AttributeAgreement", "AverageRange", "Bias", "CrossedStudy", "GageRr", "Kappa", "LevelAgreement",
    "Linearity", "MeanSquare", "MeasuringProcess", "NestedStudy", "RangeConstants", "Rating", "Reading",
    "ReferenceBias", "Stability", "Type1", "VarianceComponent", "attribute_agreement", "average_range",
    "bias_study", "cohen_kappa", "crossed_gage_rr", "crossed_study", "fleiss_kappa",
    "fleiss_kappa_of_ratings", "kappa_of_table", "light_kappa", "linearity_study",
    "measuring_process_capable", "nested_gage_rr", "nested_study", "range_constants", "stability_study",
    "type1_study",
]  # fmt: skip
