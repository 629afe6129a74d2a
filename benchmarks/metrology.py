"""Circles and lines on exact scenes beside what people use, and beside what any method could reach.

Run `python -m benchmarks.metrology [--json] [--trials N]`. Scenes come from the metrology twin, whose edges
are exact. The Cramer-Rao bound is computed from the twin's own light by finite differences, pixel by pixel
with the sensor's noise: once as if levels and blur were known, once with them unknown, as they are. Every
method gets the same codes, turned to linear light, and the same rough place; ours alone is told the noise.
Radii of others are corrected by blur^2 / 2R with the true blur where that helps them. Scenes that the edge
model does not describe follow by themselves.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from calibration import Noise
from calibration.plane_map import ScaleMap
from datasets.twin.metrology import Camera, Coma, Disk, Light, Polygon, Scene, Sensor, bevelled, burr, expose
from vision.edges import NotMeasured, RawLight, fit_circle, fit_line

F64 = npt.NDArray[np.float64]
DARK, BRIGHT = 0.15, 0.75
FULL_WELL, READ = 20000.0, 8.0
RADII, BLURS, BITS = (15, 40, 100, 400), (0.7, 1.0, 1.5), (8, 12)
LENGTH = 120.0
PLACES = 6  # sub-pixel places of each set-up; each is read out anew in every trial
STEP = 0.05


@dataclass(frozen=True)
class SetUp:
    """One size, blur and depth, with its exact scenes."""

    name: str
    truths: list[tuple[float, ...]]  # circle x, y, radius; line x, y, angle
    lights: list[F64]
    sensor: Sensor
    bound_known: F64
    bound: F64

    @property
    def blur(self) -> float:
        """Blur with the pixel, px."""
        return math.hypot(self.sensor.psf_sigma_px, math.sqrt(1 / 12))


def sensor(blur: float, bits: int, **other: Any) -> Sensor:
    """Return the sensor of all set-ups."""
    return Sensor(psf_sigma_px=blur, bits=bits, full_well_e=FULL_WELL, read_noise_e=READ, **other)


def circle_light(x: float, y: float, r: float, size: int, seen: Sensor) -> F64:
    """Return the exact light of a dark disk."""
    return expose(Scene(BRIGHT, (Disk(x, y, r, DARK),)), Camera.scale(size, size, 1.0, x=0, y=0), seen)


def line_light(x: float, y: float, angle: float, size: int, seen: Sensor) -> F64:
    """Return the exact light of a half plane, dark to the right of its edge's direction."""
    u, n = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
    far = 3.0 * size
    at = np.array([x, y])
    corners = (at - far * u, at + far * u, at + far * u + far * n, at - far * u + far * n)
    half = Polygon(tuple((float(p[0]), float(p[1])) for p in corners), DARK)
    return expose(Scene(BRIGHT, (half,)), Camera.scale(size, size, 1.0, x=0, y=0), seen)


def bounds(light: Callable[..., F64], truth: tuple[float, ...], seen: Sensor, mask: Any) -> tuple[F64, F64]:
    """Return the least standard deviations of the parameters: levels and blur known, and unknown."""

    def slopes(at: tuple[float, ...], k: int, step: float) -> F64:
        up, down = list(at), list(at)
        up[k] += step
        down[k] -= step
        return (light(*up) - light(*down)) / (2 * step)

    steps = [STEP, STEP, STEP if len(truth) < 3 or truth[2] > 4 else 0.5 / LENGTH]
    here = light(*truth)
    columns = [slopes(truth, k, steps[k]) for k in range(3)]
    wide = Sensor(**{**_fields(seen), "psf_sigma_px": seen.psf_sigma_px + 0.02})
    narrow = Sensor(**{**_fields(seen), "psf_sigma_px": seen.psf_sigma_px - 0.02})
    blur = (light(*truth, seen=wide) - light(*truth, seen=narrow)) / 0.04
    share = (here - DARK) / (BRIGHT - DARK)
    variance = here / FULL_WELL + (READ / FULL_WELL) ** 2 + 1 / (12 * seen.top_code**2)
    design = np.stack([*columns, blur, share, 1 - share], axis=-1)[mask] / np.sqrt(variance[mask])[:, None]
    information = design.T @ design
    if truth[2] <= 4:  # a line that slides along itself says nothing: bound its offset and angle
        across = np.array([-math.sin(truth[2]), math.cos(truth[2])])
        turn = np.zeros((5, 6))
        turn[0, :2], turn[1, 2], turn[2, 3], turn[3, 4], turn[4, 5] = across, 1, 1, 1, 1
        information = turn @ information @ turn.T
        k = 2
    else:
        k = 3
    known = np.sqrt(np.diag(np.linalg.inv(information[:k, :k])))
    return known, np.sqrt(np.diag(np.linalg.inv(information)))[:k]


def _fields(seen: Sensor) -> dict[str, Any]:
    return {name: getattr(seen, name) for name in seen.__dataclass_fields__}


def circles(radius: float, blur: float, bits: int, rng: np.random.Generator) -> SetUp:
    """Make a set-up of circles at random sub-pixel places."""
    seen, size = sensor(blur, bits), int(2 * radius + 64)
    truths = [
        (
            size / 2 + rng.uniform(-0.5, 0.5),
            size / 2 + rng.uniform(-0.5, 0.5),
            radius + rng.uniform(-0.5, 0.5),
        )
        for _ in range(PLACES)
    ]
    lights = [circle_light(*t, size, seen) for t in truths]

    def light(x: float, y: float, r: float, seen: Sensor = seen) -> F64:
        return circle_light(x, y, r, size, seen)

    known, unknown = bounds(light, truths[0], seen, np.ones((size, size), np.bool_))
    return SetUp(f"circle R {radius:g}", truths, lights, seen, known, unknown)


def lines(blur: float, bits: int, rng: np.random.Generator) -> SetUp:
    """Make a set-up of straight edges at random places and angles; LENGTH of each is looked at."""
    seen, size = sensor(blur, bits), int(LENGTH + 80)
    truths = [
        (size / 2 + rng.uniform(-0.5, 0.5), size / 2 + rng.uniform(-0.5, 0.5), rng.uniform(-math.pi, math.pi))
        for _ in range(PLACES)
    ]
    lights = [line_light(*t, size, seen) for t in truths]

    def light(x: float, y: float, angle: float, seen: Sensor = seen) -> F64:
        return line_light(x, y, angle, size, seen)

    x, y, angle = truths[0]
    row, column = np.mgrid[:size, :size]
    along = (column - x) * math.cos(angle) + (row - y) * math.sin(angle)
    known, unknown = bounds(light, truths[0], seen, np.abs(along) < LENGTH / 2)
    return SetUp(f"line {LENGTH:g}", truths, lights, seen, known, unknown)


Method = Callable[[Any, Any, SetUp, tuple[float, ...]], tuple[float, ...] | None]


def ours_circle(codes: Any, table: Any, _: SetUp, rough: tuple[float, ...]) -> tuple[float, ...] | None:
    """This project: maximum likelihood on raw pixels."""
    noise = Noise(gain=1 / FULL_WELL, read=READ / FULL_WELL)
    raw = RawLight.of_codes(codes, table, noise=noise)
    found = fit_circle(raw, ScaleMap(1.0), rough[:2], rough[2], reach_px=8, inside="dark")
    if isinstance(found, NotMeasured):
        return None
    return (*found.parameters, *np.sqrt(np.diag(found.covariance)))


def canny(codes: Any, table: Any, _: SetUp, rough: tuple[float, ...]) -> tuple[float, ...] | None:
    """What most scripts do: Canny, then an ellipse."""
    light = cv2.GaussianBlur((table[codes] * 255).astype(np.uint8), (0, 0), 1.0)
    y, x = np.nonzero(cv2.Canny(light, 40, 100))
    near = np.abs(np.hypot(x - rough[0], y - rough[1]) - rough[2]) < 8
    if near.sum() < 6:
        return None
    (cx, cy), (a, b), _ = cv2.fitEllipse(np.column_stack((x, y))[near].astype(np.float32))
    return cx, cy, (a + b) / 4


def contours(codes: Any, table: Any, case: SetUp, rough: tuple[float, ...]) -> tuple[float, ...] | None:
    """The best of scikit-image: the half-way contour and a least-squares circle, blur-corrected."""
    from skimage.measure import find_contours

    light = table[codes].astype(np.float64)
    points = max(find_contours(light, (DARK + BRIGHT) / 2), key=len)[:, ::-1]
    return _corrected(_circle(points[np.abs(np.hypot(*(points - rough[:2]).T) - rough[2]) < 8]), case)


def subpixel(codes: Any, table: Any, case: SetUp, rough: tuple[float, ...]) -> tuple[float, ...] | None:
    """The subpixel-edges package (Trujillo-Pino, partial area effect), then a least-squares circle."""
    from subpixel_edges import subpixel_edges

    edges = subpixel_edges((table[codes] * 255).astype(np.float64), 30, 0, 2)
    points = np.column_stack((edges.x, edges.y))
    near = np.abs(np.hypot(*(points - rough[:2]).T) - rough[2]) < 8
    return _corrected(_circle(points[near]), case) if near.sum() > 6 else None


def _circle(points: Any) -> tuple[float, ...]:
    x, y, r = (*points.mean(axis=0), 0.0)
    for _ in range(8):
        delta = points - (x, y)
        distance = np.hypot(*delta.T)
        step = np.linalg.lstsq(
            np.column_stack((delta / distance[:, None], np.ones(len(points)))), distance - r
        )[0]
        x, y, r = x + step[0], y + step[1], r + step[2]
    return x, y, r


def _corrected(circle: tuple[float, ...], case: SetUp) -> tuple[float, ...]:
    return circle[0], circle[1], circle[2] + case.blur**2 / (2 * circle[2])


def ours_line(codes: Any, table: Any, _: SetUp, rough: tuple[float, ...]) -> tuple[float, ...] | None:
    """This project: maximum likelihood on raw pixels."""
    raw = RawLight.of_codes(codes, table, noise=Noise(gain=1 / FULL_WELL, read=READ / FULL_WELL))
    x, y, angle = rough
    u = LENGTH / 2 * np.array([math.cos(angle), math.sin(angle)])
    start, end = (x - u[0], y - u[1]), (x + u[0], y + u[1])
    found = fit_line(raw, ScaleMap(1.0), start, end, reach_px=8, dark="right")
    if isinstance(found, NotMeasured):
        return None
    across = found.normals[0]
    return (
        *found.parameters,
        math.sqrt(across @ found.covariance[:2, :2] @ across),
        math.sqrt(found.covariance[2, 2]),
    )


def contour_line(codes: Any, table: Any, _: SetUp, rough: tuple[float, ...]) -> tuple[float, ...] | None:
    """scikit-image: the half-way contour within the length, then a least-squares line."""
    from skimage.measure import find_contours

    points = np.concatenate(find_contours(table[codes].astype(np.float64), (DARK + BRIGHT) / 2))[:, ::-1]
    return _line(points, rough)


def canny_line(codes: Any, table: Any, _: SetUp, rough: tuple[float, ...]) -> tuple[float, ...] | None:
    """Canny, then a least-squares line."""
    light = cv2.GaussianBlur((table[codes] * 255).astype(np.uint8), (0, 0), 1.0)
    y, x = np.nonzero(cv2.Canny(light, 40, 100))
    return _line(np.column_stack((x, y)), rough)


def _line(points: Any, rough: tuple[float, ...]) -> tuple[float, ...] | None:
    x, y, angle = rough
    u, n = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
    s, t = (points - (x, y)) @ u, (points - (x, y)) @ n
    near = (np.abs(s) < LENGTH / 2) & (np.abs(t) < 8)
    if near.sum() < 6:
        return None
    slope, offset = np.polyfit(s[near], t[near], 1)
    return (*(np.array([x, y]) + offset * n), angle + math.atan(slope))


CIRCLES: dict[str, Method] = {
    "hallmark": ours_circle, "find_contours": contours, "subpixel-edges": subpixel,
    "Canny + fitEllipse": canny,
}  # fmt: skip
LINES: dict[str, Method] = {"hallmark": ours_line, "find_contours": contour_line, "Canny": canny_line}


def error(found: tuple[float, ...], truth: tuple[float, ...], line: bool) -> list[float]:
    """Return x, y and radius of a circle, or offset and angle of a line, less the truth."""
    if not line:
        return [found[0] - truth[0], found[1] - truth[1], found[2] - truth[2]]
    n = np.array([-math.sin(truth[2]), math.cos(truth[2])])
    turn = (found[2] - truth[2] + math.pi) % (2 * math.pi) - math.pi
    return [float((np.array(found[:2]) - truth[:2]) @ n), turn]


def play(case: SetUp, methods: dict[str, Method], trials: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return rms error over the bounds, bias, coverage and time of each method."""
    line = case.name.startswith("line")
    table = case.sensor.light_of_codes()
    errors: dict[str, list[list[float]]] = {m: [] for m in methods}
    stated: list[Any] = []
    times: dict[str, list[float]] = {m: [] for m in methods}
    for i in range(trials):
        truth = case.truths[i % PLACES]
        codes = case.sensor.read(case.lights[i % PLACES], rng)
        off = (
            rng.uniform(-2, 2, 3)
            if not line
            else np.array([*rng.uniform(-2, 2, 2), rng.uniform(-0.02, 0.02)])
        )
        rough = tuple(float(v) for v in np.array(truth) + off)
        for name, method in methods.items():
            began = time.perf_counter()
            found = method(codes, table, case, rough)
            times[name].append(time.perf_counter() - began)
            if found is None:
                continue
            errors[name].append(error(found, truth, line))
            if name == "hallmark":
                stated.append(found[3:])
    out: dict[str, Any] = {
        "set_up": case.name,
        "blur": case.sensor.psf_sigma_px,
        "bits": case.sensor.bits,
        "methods": {},
    }
    for name in methods:
        e = np.array(errors[name])
        if len(e) == 0:
            continue
        rms = np.sqrt((e**2).mean(axis=0))
        out["methods"][name] = {
            "over_bound": (rms / case.bound).round(3).tolist(),
            "over_bound_levels_known": (rms / case.bound_known).round(3).tolist(),
            "rms": rms.tolist(), "bias": e.mean(axis=0).tolist(), "failed": trials - len(e),
            "ms": round(1e3 * float(np.median(times[name])), 2),
        }  # fmt: skip
    u = np.array(stated)
    out["coverage"] = (np.abs(np.array(errors["hallmark"])) < 1.96 * u).mean(axis=0).round(3).tolist()
    return out


def strange(rng: np.random.Generator, trials: int) -> list[dict[str, Any]]:
    """Return errors on scenes that the edge model does not describe: radius 60, blur 1, 8 bits."""
    radius, size = 60.0, 190
    plain = sensor(1.0, 8)
    camera = Camera.scale(size, size, 1.0, x=0, y=0)

    def disk() -> Disk:
        return Disk(size / 2 + rng.uniform(-0.5, 0.5), size / 2 + rng.uniform(-0.5, 0.5), radius, DARK)

    def scene(*shapes: Any, **light: Any) -> Scene:
        return Scene(BRIGHT, tuple(shapes), Light(**light))

    def bevel(d: Disk) -> Scene:
        return scene(*bevelled(d, 1.5, 0.45))

    made: dict[str, tuple[Sensor, Callable[[Disk], Scene]]] = {
        "as the model": (plain, scene),
        "asymmetric blur": (sensor(1.0, 8, coma=Coma(0.3, 1.2, 0.5, 1.4)), scene),
        "bevel 1.5 px": (plain, bevel),
        "burr 6 px": (plain, lambda d: scene(d, burr(d, 40, 6, 10, DARK))),
        "gradient light 30 %": (plain, lambda d: scene(d, gradient=(0.3, 0.15))),
        "a fifth hidden": (
            plain,
            lambda d: scene(d, Polygon(((120, 60), (189, 60), (189, 120), (120, 120)), 0.3)),
        ),
    }
    rows: list[dict[str, Any]] = []
    for name, (seen, of) in made.items():
        table, errors, covered = seen.light_of_codes(), [], []
        case = SetUp("circle", [], [], seen, np.ones(3), np.ones(3))
        held = 0
        for _ in range(trials):
            d = disk()
            codes = seen.read(expose(of(d), camera, seen), rng)
            found = ours_circle(codes, table, case, (d.x + 1, d.y - 1, d.radius + 1))
            if found is None:
                held += 1
                continue
            e = np.array(error(found, (d.x, d.y, d.radius), line=False))
            errors.append(e)
            covered.append(np.abs(e) < 1.96 * np.array(found[3:]))
        e = np.array(errors)
        rows.append({
            "scene": name, "rms": np.sqrt((e**2).mean(axis=0)).tolist(), "bias": e.mean(axis=0).tolist(),
            "coverage": np.mean(covered, axis=0).round(3).tolist(), "held": held,
        })  # fmt: skip
    return rows


def main() -> None:
    """Run all set-ups and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(arguments.seed)
    methods = dict(CIRCLES)
    try:
        import subpixel_edges  # noqa: F401 # pyright: ignore[reportMissingImports]
    except ImportError:
        del methods["subpixel-edges"]
    rows = []
    for radius in RADII:
        for blur in BLURS:
            for bits in BITS:
                trials = arguments.trials if radius < 200 else max(arguments.trials // 4, PLACES)
                rows.append(play(circles(radius, blur, bits, rng), methods, trials, rng))
                _tell(rows[-1], arguments.json)
    for blur in BLURS:
        for bits in BITS:
            rows.append(play(lines(blur, bits, rng), LINES, arguments.trials, rng))
            _tell(rows[-1], arguments.json)
    odd = strange(rng, max(arguments.trials // 2, 10))
    if arguments.json:
        print(json.dumps({"set_ups": rows, "strange": odd}))
        return
    for row in odd:
        e = " ".join(f"{1e3 * v:7.2f}" for v in row["rms"])
        b = " ".join(f"{1e3 * v:7.2f}" for v in row["bias"])
        print(
            f"{row['scene']:22} rms {e}  bias {b} mpx (x, y, R)  covered {row['coverage']}"
            f"  held {row['held']}"
        )


def _tell(row: dict[str, Any], quiet: bool) -> None:
    if quiet:
        return
    print(
        f"{row['set_up']}, blur {row['blur']} px, {row['bits']} bits; covered {row['coverage']}", flush=True
    )
    for name, m in row["methods"].items():
        last = "radius" if row["set_up"].startswith("circle") else "angle"
        print(
            f"  {name:20} over the bound {m['over_bound']} (levels known {m['over_bound_levels_known']};"
            f" last is the {last}), {m['ms']} ms, failed {m['failed']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
