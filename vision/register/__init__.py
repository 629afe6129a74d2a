"""Registration: where the golden sample lies in the unit's frame, how well that is known, or why it is not.

Coarse search by templates and consensus, then patch tracking at 1/8, 1/4 and 1/1 and one smooth map through
the patches. A unit is found only if enough patches agree at every scale.
"""

from __future__ import annotations

from vision.register.outcome import STATION_RANGE, NotRegistered, PoseRange, Registered
from vision.register.registrar import Registrar

__all__ = ["STATION_RANGE", "NotRegistered", "PoseRange", "Registered", "Registrar"]
