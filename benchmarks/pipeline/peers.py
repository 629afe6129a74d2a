"""What people write instead: each script prepares its golden image once and answers the same questions.

A script is given 8-bit sRGB frames and returns the golden corners in the frame, the eight lengths in pixels,
the six colour differences and how many regions of the surface deviate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from benchmarks.pipeline.scene import Layout

_REACH_PX = 24  # of a window beyond a feature


@dataclass(frozen=True)
class Answer:
    """What a script says of a frame; None where it found no part."""

    corners: Any
    lengths_px: list[float]
    colours: list[float]
    regions: int


Script = Callable[[Any], "Answer | None"]


def sift(golden: Any, part: Layout) -> Script:
    """Return SIFT and RANSAC, colour-science's CIEDE2000 of the whole picture, Canny and `fitEllipse`."""
    import colour

    place = _features(golden, cv2.SIFT_create(2000), cv2.NORM_L2)

    def lab(codes: Any) -> Any:
        return colour.XYZ_to_Lab(colour.sRGB_to_XYZ(codes / 255))

    golden_lab = lab(golden)

    def rim(window: Any) -> Any:
        points = np.argwhere(cv2.Canny(window, 60, 150))[:, ::-1]
        reach = window.shape[0] / 2
        points = points[np.hypot(*(points - reach).T) < reach]  # the square's corners show the pad's rim
        (x, y), (a, b), _ = cv2.fitEllipse(points.astype(np.float32))
        return x, y, (a + b) / 2

    def width(window: Any) -> float:
        rows = np.nonzero(cv2.Canny(window, 60, 150).sum(axis=1) > 255 * window.shape[1] // 2)[0]
        return float(rows.max() - rows.min()) if len(rows) else float("nan")

    def run(frame: Any) -> Answer | None:
        homography = place(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
        if homography is None:
            return None
        aligned = cv2.warpPerspective(frame, np.linalg.inv(homography), (part.width, part.height))
        difference = colour.delta_E(golden_lab, lab(aligned), method="CIE 2000")
        mask = cv2.morphologyEx((difference > 10).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY)
        count = cv2.connectedComponents(mask)[0] - 1
        return Answer(project(homography, part.corners), _lengths(grey, part, rim, width),
                      _means(difference, part), count)  # fmt: skip

    return run


def orb(golden: Any, part: Layout) -> Script:
    """Return ORB and RANSAC, scikit-image's CIEDE2000 of the whole picture, contours and circle model."""
    from skimage import color, measure

    place = _features(golden, cv2.ORB_create(4000), cv2.NORM_HAMMING)
    golden_lab = color.rgb2lab(golden)

    def contour(window: Any) -> Any:
        level = (float(window.min()) + float(window.max())) / 2
        return max(measure.find_contours(window.astype(float), level), key=len, default=None)

    def rim(window: Any) -> Any:
        points = contour(window)
        model = None if points is None else measure.CircleModel.from_estimate(points)
        if not model:
            return (float("nan"),) * 3
        return model.center[1], model.center[0], 2 * model.radius

    def width(window: Any) -> float:
        level = (float(window.min()) + float(window.max())) / 2
        rows = sorted(c[:, 0].mean() for c in measure.find_contours(window.astype(float), level))
        return float(rows[-1] - rows[0]) if rows else float("nan")

    def run(frame: Any) -> Answer | None:
        homography = place(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
        if homography is None:
            return None
        aligned = cv2.warpPerspective(frame, np.linalg.inv(homography), (part.width, part.height))
        difference = color.deltaE_ciede2000(golden_lab, color.rgb2lab(aligned))
        count = len(measure.regionprops(measure.label(difference > 10)))
        grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY)
        return Answer(project(homography, part.corners), _lengths(grey, part, rim, width),
                      _means(difference, part), count)  # fmt: skip

    return run


def _features(golden: Any, detector: Any, norm: int) -> Callable[[Any], Any]:
    """Return what finds the homography from golden to frame by features, ratio test and RANSAC."""
    keys, descriptors = detector.detectAndCompute(cv2.cvtColor(golden, cv2.COLOR_RGB2GRAY), None)
    matcher = cv2.BFMatcher(norm)

    def place(grey: Any) -> Any:
        found, others = detector.detectAndCompute(grey, None)
        pairs = matcher.knnMatch(descriptors, others, k=2)
        good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < 0.75 * p[1].distance]
        if len(good) < 8:
            return None
        here = np.float32([keys[m.queryIdx].pt for m in good])
        there = np.float32([found[m.trainIdx].pt for m in good])
        return cv2.findHomography(here, there, cv2.RANSAC, 2.0)[0]

    return place


def _lengths(
    grey: Any, part: Layout, rim: Callable[[Any], Any], width: Callable[[Any], float]
) -> list[float]:
    """Return the eight lengths in the aligned picture, by a window about each feature."""
    circles: list[Any] = []
    for x, y, r in part.holes:
        reach = int(r + 12)
        left, top = int(x) - reach, int(y) - reach
        cx, cy, d = rim(grey[top : top + 2 * reach, left : left + 2 * reach])
        circles.append((left + cx, top + cy, d))
    lengths = [d for _, _, d in circles]
    lengths += [float(np.hypot(circles[i][0] - circles[j][0], circles[i][1] - circles[j][1]))
                for i, j in part.pitches]  # fmt: skip
    for x, y, w, h in part.tracks:
        left, top = int(x + w / 2) - 40, int(y) - _REACH_PX // 2
        lengths.append(width(grey[top : top + int(h) + _REACH_PX, left : left + 80]))
    return lengths


def _means(difference: Any, part: Layout) -> list[float]:
    return [float(difference[y : y + h, x : x + w].mean()) for x, y, w, h in part.regions]


def project(homography: Any, points: Any) -> Any:
    """Map (n, 2) points."""
    mapped = np.column_stack((points, np.ones(len(points)))) @ np.asarray(homography, np.float64).T
    return mapped[:, :2] / mapped[:, 2:]


__all__ = ["Answer", "Script", "orb", "project", "sift"]
