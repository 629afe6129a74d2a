"""Colour differences: this project beside colour-science and scikit-image, on the same pairs and frames.

Run `python -m benchmarks.colour [--pairs N] [--rounds N] [--json]`. Pairs are of two random 8-bit colours. A
frame is 2048 x 2448 random 8-bit colours beside a golden image; from its codes every method makes linear
light by the same table, corrects the flat field, turns light into L*a*b* by the same matrix and gives
CIEDE2000 of every pixel to the golden image's L*a*b*, which is made beforehand. The libraries compute in
double precision, as they do when nobody asks otherwise; scikit-image also in single, which it keeps when
given. One process with one thread; times are the least of the rounds, on the wall. Scaling is the rate of two
such processes at once over that of one.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from kernels.colour import differences, lab_from_linear
from kernels.delta_e import delta_e_images, delta_e_map, lab_map
from kernels.light import decoding_table
from vision.colour.region import RegionReading, read_region

SHAPE = (2048, 2448)
CHUNK = 1_000_000
_TIE_DEG = 0.01  # hues nearer than this to 180 degrees apart are called a tie
_SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_SRGB /= _SRGB.sum(axis=1, keepdims=True)
_REGIONS, _SIDE = 10, 200


def peer() -> Any:
    """Return colour-science, whose import complains of what it does not need here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import colour
    return colour


def agreement(pairs: int, seed: int = 1) -> dict[str, Any]:
    """Return how far both of our formulas are from colour-science on random sRGB pairs."""
    colour, rng, table = peer(), np.random.default_rng(seed), decoding_table("srgb").astype(np.float64)
    errors: dict[str, list[float]] = {"exact": [], "fused": []}
    ties = apart = 0
    for start in range(0, pairs, CHUNK):
        n = min(CHUNK, pairs - start)
        one, two = (lab_from_linear(table[rng.integers(0, 256, (n, 3))]) for _ in range(2))
        theirs = colour.delta_E(one, two, method="CIE 2000")
        image = [np.ascontiguousarray(lab.T[:, None]).astype(np.float32) for lab in (one, two)]
        fused = np.empty((1, n), np.float32)
        delta_e_images(*image, fused)
        clear = _clear_of_the_tie(one, two)
        ties += int(n - clear.sum())
        for name, ours in (("exact", differences(0, one, two)), ("fused", fused[0])):
            error = np.abs(ours - theirs)
            errors[name].append(float(error[clear].max()))
            if name == "fused":
                apart += int((error[~clear] > 0.002).sum())
    return {
        "pairs": pairs,
        "exact_max_error": max(errors["exact"]),
        "fused_max_error": max(errors["fused"]),
        "tie_deg": _TIE_DEG,
        "tie_share": ties / pairs,
        "ties_apart": apart,
    }


def _clear_of_the_tie(one: Any, two: Any) -> Any:
    c = (np.hypot(one[:, 1], one[:, 2]) + np.hypot(two[:, 1], two[:, 2])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(c**7 / (c**7 + 25.0**7))
    hue = [np.degrees(np.arctan2(lab[:, 2], stretch * lab[:, 1])) for lab in (one, two)]
    return np.abs(np.mod(hue[0] - hue[1], 360) - 180) > _TIE_DEG


class Work:
    """A frame, a golden image and what each method needs beforehand."""

    def __init__(self, seed: int = 2) -> None:
        """Draw the images."""
        rng = np.random.default_rng(seed)
        self.codes = rng.integers(0, 256, (*SHAPE, 3), np.uint8)
        noise = rng.integers(-20, 21, self.codes.shape, np.int16)
        golden = np.clip(self.codes + noise, 0, 255).astype(np.uint8)
        rows, columns = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
        fall = 1 + 0.2 * (rows**2 + columns**2)
        self.flat = np.stack((fall, 1.01 * fall, 0.99 * fall)).astype(np.float32)
        self.table = decoding_table("srgb")
        self.tables, self.matrix = np.stack([self.table] * 3), _SRGB.astype(np.float32)
        self.roots = np.hstack((0.9 * self.matrix, 0.05 * self.matrix))
        self.golden = np.empty((3, *SHAPE), np.float32)
        lab_map(golden, self.tables, self.flat, self.matrix, 1, self.golden)
        self.half = np.ascontiguousarray(self.golden[:, ::2, ::2])
        self.golden_lab = np.ascontiguousarray(np.moveaxis(self.golden, 0, 2)).astype(np.float64)
        self.golden_single = self.golden_lab.astype(np.float32)
        self.flat_last = np.ascontiguousarray(np.moveaxis(self.flat, 0, 2))
        self.out = np.empty(SHAPE, np.float32)
        self.out_half = np.empty((SHAPE[0] // 2, SHAPE[1] // 2), np.float32)
        self.even = np.clip(rng.normal(128, 2, (*SHAPE, 3)), 0, 255).astype(np.uint8)

    def fused(self) -> Any:
        """Map every pixel, 3 x 3 model."""
        delta_e_map(self.codes, self.tables, self.flat, self.matrix, self.golden, 1, self.out)
        return self.out

    def rooted(self) -> Any:
        """Map every pixel, root-polynomial model of degree 2."""
        delta_e_map(self.codes, self.tables, self.flat, self.roots, self.golden, 1, self.out)
        return self.out

    def binned(self) -> Any:
        """Map the means of 2 x 2 pixels."""
        delta_e_map(self.codes, self.tables, self.flat, self.matrix, self.half, 2, self.out_half)
        return self.out_half

    def regions(self) -> Any:
        """Read ten regions of 200 x 200 pixels as an inspection does, masks and covariance included."""
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64) * (_SIDE - 1)
        found = [
            read_region(self.even, corners + np.array([n * _SIDE, 100]), self.table, flat=self.flat_last)
            for n in range(_REGIONS)
        ]
        assert all(isinstance(reading, RegionReading) for reading in found), "even regions are read"
        return found

    def xyz(self, dtype: Any = np.float64) -> Any:
        """Return XYZ over the white's of the frame, with NumPy."""
        light = self.table.astype(dtype)[self.codes]
        light *= self.flat_last
        return light @ self.matrix.T.astype(dtype)

    def colour_science(self) -> Any:
        """Map every pixel with colour-science."""
        colour = peer()
        lab = colour.XYZ_to_Lab(self.xyz(), illuminant=np.array([1 / 3, 1 / 3]))
        return colour.delta_E(self.golden_lab, lab, method="CIE 2000")

    def scikit_image(self) -> Any:
        """Map every pixel with scikit-image in double precision."""
        from skimage.color import deltaE_ciede2000, xyz2lab

        return deltaE_ciede2000(self.golden_lab, xyz2lab(self.xyz(), illuminant="E"))

    def scikit_image_single(self) -> Any:
        """Map every pixel with scikit-image in single precision."""
        from skimage.color import deltaE_ciede2000, xyz2lab

        return deltaE_ciede2000(self.golden_single, xyz2lab(self.xyz(np.float32), illuminant="E"))


def least(work: Callable[[], Any], rounds: int) -> float:
    """Return the least time of a call, s, after one that does not count."""
    work()
    times: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def timings(rounds: int) -> dict[str, Any]:
    """Return times and how far the maps are from colour-science's."""
    work = Work()
    theirs = work.colour_science()
    ours = np.abs(work.fused() - theirs)
    clear = _clear_of_the_tie(
        work.golden_lab.reshape(-1, 3),
        np.asarray(peer().XYZ_to_Lab(work.xyz(), illuminant=np.array([1 / 3, 1 / 3]))).reshape(-1, 3),
    )
    pixels = work.out.size
    few = max(rounds // 5, 1)
    seconds = {
        "hallmark": least(work.fused, rounds),
        "hallmark, root-polynomial": least(work.rooted, rounds),
        "hallmark, 2 x 2 means": least(work.binned, rounds),
        "colour-science": least(work.colour_science, few),
        "scikit-image": least(work.scikit_image, few),
        "scikit-image, single": least(work.scikit_image_single, few),
    }
    own = seconds["hallmark"]
    return {
        "map_max_error": float(ours.ravel()[clear].max()),
        "methods": {
            name: {"ms": 1e3 * s, "megapixels_per_s": pixels / s / 1e6, "times_slower": s / own}
            for name, s in seconds.items()
        },
        "regions_ms": 1e3 * least(work.regions, rounds),
    }


def _frames_per_second(seconds: float, ready: Any, results: Any) -> None:
    work = Work()
    work.fused()
    ready.wait()
    start, frames = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        work.fused()
        frames += 1
    results.put(frames / (time.perf_counter() - start))


def scaling(seconds: float) -> float:
    """Return the rate of two processes at once over that of one alone."""
    context = multiprocessing.get_context("spawn")
    totals: list[float] = []
    for count in (1, 2, 1):
        ready, results = context.Barrier(count), context.Queue()
        processes = [
            context.Process(target=_frames_per_second, args=(seconds, ready, results)) for _ in range(count)
        ]
        for process in processes:
            process.start()
        totals.append(sum(results.get() for _ in processes))
        for process in processes:
            process.join()
    return totals[1] / max(totals[0], totals[2])


def main() -> None:
    """Run all and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run of the scaling; 0: none")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    report = {"agreement": agreement(given.pairs), **timings(given.rounds)}
    if given.seconds > 0:
        report["two_processes"] = scaling(given.seconds)
    if given.json:
        print(json.dumps(report, indent=1))
    else:
        _print(report)


def _print(report: dict[str, Any]) -> None:
    a = report["agreement"]
    print(f"{a['pairs']:,} random sRGB pairs against colour-science, {_TIE_DEG} degrees clear of the tie:")
    print(f"  largest error: exact formula {a['exact_max_error']:.2g}, fused {a['fused_max_error']:.2g}")
    print(f"  nearer to the tie: {a['tie_share']:.2e} of the pairs, {a['ties_apart']} of them > 0.002 apart")
    print(f"frame of {SHAPE[0]} x {SHAPE[1]}, largest error of the map {report['map_max_error']:.2g}:")
    for name, m in report["methods"].items():
        rate, slower = m["megapixels_per_s"], m["times_slower"]
        print(f"  {name:28}{m['ms']:9.1f} ms {rate:7.1f} megapixels/s {slower:7.1f} x")
    print(f"  {_REGIONS} regions of {_SIDE} x {_SIDE}: {report['regions_ms']:.1f} ms, masks included")
    if "two_processes" in report:
        print(f"two processes at once: {report['two_processes']:.2f} x the rate of one")


if __name__ == "__main__":
    main()
