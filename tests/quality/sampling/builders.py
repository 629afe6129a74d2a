"""Plans and cells for the tests of sampling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from golden.plans import AQLS, CountingBasis, SamplingStandard
from quality.sampling import EDITIONS, LETTERS, InspectionSeverity

ISO: SamplingStandard = "ISO 2859-1:1999"
Z14: SamplingStandard = "ANSI/ASQ Z1.4-2003 (R2018)"
SEVERITIES: tuple[InspectionSeverity, ...] = ("normal", "tightened", "reduced")
LEVELS = ("S-1", "S-2", "S-3", "S-4", "I", "II", "III")
PER_100: CountingBasis = "nonconformities_per_100_units"
ORACLES = Path(__file__).parents[2] / "oracles"

letters = st.sampled_from(LETTERS[:16])
aqls = st.sampled_from(AQLS)
severities = st.sampled_from(SEVERITIES)
editions = st.sampled_from(EDITIONS)


def cases(name: str) -> list[dict[str, Any]]:
    """Return the cases of an oracle file, by its first letters."""
    (path,) = ORACLES.glob(f"{name}_*.json")
    return json.loads(path.read_bytes())["cases"]
