"""Finding a colour chart in a photograph, which way up it lies, or what is wrong with it.

Start at `find_chart`.
"""

from calibration.colour.detection.find import find_chart
from calibration.colour.detection.result import ChartNotFound, FoundChart, NotFoundReason

__all__ = ["ChartNotFound", "FoundChart", "NotFoundReason", "find_chart"]
