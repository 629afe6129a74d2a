"""Conformity with limits: decisions, probabilities, guard bands and risks. Start at `decide`.

`decisions` holds what the golden sample's rule decides and what the decision means for whoever must prove;
`colours` who decides a colour, camera or instrument; `probability` how sure one value is; `guard_bands` where
to accept for a stated risk or a test uncertainty ratio; `global_risks` what a process and a measuring process
do together over many items.

Sources: ISO 14253-1:2017, ILAC-G8:09/2019, JCGM 106:2012. Importing this loads no scipy.
"""

from golden.conformity.colours import ReadingDecision, camera_capable, decide_camera, decide_reading
from golden.conformity.decisions import (
    Decision,
    Disposition,
    capable,
    decide,
    decide_asymmetric,
    decide_by_probability,
    disposition,
    tolerance,
    u_over_tolerance,
)
from golden.conformity.global_risks import GlobalRisks, global_risks
from golden.conformity.guard_bands import (
    dobbert_factor,
    guard_band_for_risk,
    rss_factor,
    test95_factor,
)
from golden.conformity.probability import conformance_probability, measurement_capability_index

__all__ = [
    "Decision", "Disposition", "GlobalRisks", "ReadingDecision", "camera_capable", "capable",
    "conformance_probability", "decide", "decide_asymmetric", "decide_by_probability", "decide_camera",
    "decide_reading", "disposition", "dobbert_factor", "global_risks", "guard_band_for_risk",
    "measurement_capability_index", "rss_factor", "test95_factor", "tolerance", "u_over_tolerance",
]  # fmt: skip
