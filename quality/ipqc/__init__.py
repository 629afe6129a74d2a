"""In-process control of a lot: subject `ipqc:<lot>`, by `spec.plans.ipqc`.

    IpqcState(lot), replay_ipqc(lot, lines), apply_ipqc(state, line): lines of the lot and its own
    start_ipqc, change_sop, acknowledge_sop, freeze_limits, take_sample, acknowledge_reaction
    limits_of_samples, limits_entered: frozen limits, the next version, for freeze_limits
    watch(state, lot, now): missed samples, escalations and suspect units that have become due
    due(plan, times, base, now) -> Due | None: the sample that is due

Each step takes `now` and returns the events to append. A sample may be followed by `lot.quarantined` of the
lot and `nonconformance.opened` or `.extended`.
"""

from quality.ipqc.clock import Due, due
from quality.ipqc.events import Judgement, Reading
from quality.ipqc.monitor import IpqcState, Reaction, apply_ipqc, replay_ipqc
from quality.ipqc.steps import (
    acknowledge_reaction,
    acknowledge_sop,
    change_sop,
    freeze_limits,
    limits_entered,
    limits_of_samples,
    start_ipqc,
    take_sample,
    watch,
)

__all__ = [
    "Due", "IpqcState", "Judgement", "Reaction", "Reading", "acknowledge_reaction", "acknowledge_sop",
    "apply_ipqc", "change_sop", "due", "freeze_limits", "limits_entered", "limits_of_samples", "replay_ipqc",
    "start_ipqc", "take_sample", "watch",
]  # fmt: skip
