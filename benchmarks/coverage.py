"""Do the stated intervals hold the truth? Random calibrations, random parts, every kind of characteristic.

Run `python -m benchmarks.coverage [--json] [--calibrations N] [--scenes N] [--seed N]`. Each calibration
draws a camera (lens, distortion, tilt), a target whose pitch is not quite as certified, a light that shows
edges not quite where they are, and a part that does not lie quite at the stated height; it takes pictures
of the target by the metrology twin, and calibrates as a user would. Each scene draws a part and measures it
through the product's own chain (`vision.measure.Gauge`). Nothing is told to the product but what a
certificate states.

Printed per kind: share of 95 % intervals that hold the truth; the same for what is independent between units
(measured through the true camera, against the uncertainty without its common part), overall and in the
calibrations where it is lowest and highest; how long the interval is over 1.96 times the actual rms error;
and how many could not be measured.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from calibration import CameraCalibration, EdgeDefinition, Mode, Optics, Target
from calibration.detection import Detection, detect
from calibration.lens import calibrate_lens, object_plane
from datasets.twin.metrology import (
    Camera,
    Disk,
    Ellipse,
    RoundedRectangle,
    Scene,
    Sensor,
    Slot,
    chessboard,
    expose,
    render,
)
from golden.spec import Dimension
from vision.dimension.budget import Thermal
from vision.mapping import QuadraticMap
from vision.measure import Conditions, Gauge, Measured

F64 = npt.NDArray[np.float64]
WIDTH, HEIGHT = 480, 360
MM_PER_GOLDEN_PX, ORIGIN = 0.08, np.array([-15.0, -11.0])
FULL_WELL, READ = 12000.0, 8.0
DARK, BRIGHT = 0.08, 0.8
PITCH_MM, U_PITCH = 3.2, 3e-5
U_EDGE_MM, PART_HEIGHT_MM, U_HEIGHT_MM = 0.0006, 2.0, 0.01
POSES = 9
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TrueMap:
    """The plane of the part's edges as the twin's camera truly sees it."""

    camera: Camera
    z: float

    def to_mm(self, px: F64) -> F64:
        """Map raw pixels to mm."""
        return self.camera.to_plane(px, self.z)[:, :2]

    def to_px(self, mm: F64) -> F64:
        """Map mm to raw pixels."""
        return self.camera.project(np.column_stack((mm, np.full(len(mm), self.z))))

    def jacobians(self, px: F64) -> F64:
        """Return d(mm) / d(px) by central differences."""
        steps = 1e-3 * np.eye(2)
        return np.stack([(self.to_mm(px + d) - self.to_mm(px - d)) / 2e-3 for d in steps], axis=2)

    def modes(self, px: F64) -> tuple[Mode, ...]:  # noqa: ARG002
        """Nothing is uncertain about the truth."""
        return ()


@dataclass(frozen=True)
class Station:
    """A calibrated station: what it believes, and what is true."""

    conditions: Conditions
    camera: Camera
    truth: TrueMap
    edge_mm: float  # by which edges truly appear too far towards their bright side


def camera_of(rng: np.random.Generator) -> Camera:
    """Return a random camera that sees mm (0, 0) in the middle at about 0.08 mm per pixel."""
    focal = rng.uniform(1500, 3000)
    camera = Camera(
        WIDTH, HEIGHT, focal, focal * rng.uniform(0.999, 1.001), WIDTH / 2 + rng.uniform(-8, 8),
        HEIGHT / 2 + rng.uniform(-8, 8), k1=rng.uniform(-0.25, 0.1),
    )  # fmt: skip
    return camera.aimed((0, 0), focal * MM_PER_GOLDEN_PX, tilt_deg=tuple(rng.uniform(-3, 3, 2)), roll_deg=2.0)


def station_of(rng: np.random.Generator, sensor: Sensor, drawn: tuple[float, float, float]) -> Station:
    """Calibrate a random camera by pictures of a target; `drawn` are standard normal: pitch, height, edge."""
    camera = camera_of(rng)
    true_pitch = PITCH_MM * (1 + U_PITCH * drawn[0])
    board = chessboard(12, 9, true_pitch)
    target = Target(
        kind="chessboard", columns=12, rows=9, pitch_mm=PITCH_MM, pitch_relative_uncertainty=U_PITCH,
        serial="coverage",
    )  # fmt: skip
    table = sensor.light_of_codes()
    middle = board.centre_mm
    distance = camera.fx * MM_PER_GOLDEN_PX

    def seen(posed: Camera) -> Detection | None:
        found = detect(table[render(board, posed, sensor, rng)].astype(np.float32), target)
        return found if isinstance(found, Detection) else None

    poses: list[Detection] = []
    while len(poses) < POSES:
        tilt = rng.uniform(8, 30, 2) * rng.choice([-1, 1], 2)
        off = rng.uniform(-2, 2, 2)
        posed = camera.aimed(
            (middle[0] + off[0], middle[1] + off[1]), distance * rng.uniform(1.05, 1.25),
            tilt_deg=(tilt[0], tilt[1]), roll_deg=rng.uniform(-15, 15),
        )  # fmt: skip
        if (found := seen(posed)) is not None:
            poses.append(found)
    lens = calibrate_lens(poses, (WIDTH, HEIGHT), pitch_relative_uncertainty=U_PITCH)
    # the board lies on the plane, its origin at the part's mm (-middle): the part is drawn in the board's mm
    flat = seen(replace(camera, translation=_shifted(camera, middle)))
    assert flat is not None
    optics = Optics.of(lens, object_plane(lens, flat))
    certificate = CameraCalibration.measured(
        camera="twin", optics=optics, issued=NOW, valid_until=NOW + timedelta(days=1)
    )
    conditions = Conditions(
        table=table, flat=None, calibration=certificate,
        plane=certificate.plane(PART_HEIGHT_MM, U_HEIGHT_MM),
        edge=EdgeDefinition(correction_mm=0, common_mm=U_EDGE_MM, local_mm=0), thermal=Thermal(),
    )  # fmt: skip
    z = -(PART_HEIGHT_MM + U_HEIGHT_MM * drawn[1])
    board_camera = replace(camera, translation=_shifted(camera, middle))
    return Station(conditions, board_camera, TrueMap(board_camera, z), U_EDGE_MM * drawn[2])


def _shifted(camera: Camera, middle: tuple[float, float]) -> tuple[float, float, float]:
    """Return the translation with which the board's middle lies where mm (0, 0) lay."""
    turn = cv2.Rodrigues(np.array(camera.rotation))[0]
    x, y, z = (np.array(camera.translation) - turn @ np.array([*middle, 0.0])).tolist()
    return x, y, z


@dataclass(frozen=True)
class Part:
    """A plate with a round hole, one not quite round, an oval one and a slot; mm, about its middle."""

    w: float
    h: float
    fillet: float
    hole: tuple[float, float, float]
    peg: tuple[float, float, float]
    rough: tuple[float, float, float, float]
    oval: tuple[float, float, float, float]
    slot: tuple[float, float, float, float]

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Part:
        """Draw a part."""
        r, a = rng.uniform(1.3, 2.0), rng.uniform(1.6, 2.3)
        return cls(
            rng.uniform(21, 24), rng.uniform(14, 16), rng.uniform(0.9, 1.3),
            (-6 + rng.uniform(-0.5, 0.5), -2 + rng.uniform(-0.5, 0.5), rng.uniform(1.3, 2.3)),
            (8 + rng.uniform(-0.3, 0.3), 4 + rng.uniform(-0.3, 0.3), rng.uniform(1.0, 1.4)),
            (6 + rng.uniform(-0.5, 0.5), -2 + rng.uniform(-0.5, 0.5), r, r - rng.uniform(0.004, 0.03)),
            (-1 + rng.uniform(-0.3, 0.3), -2 + rng.uniform(-0.5, 0.5), a, a * rng.uniform(0.6, 0.8)),
            (-3 + rng.uniform(-1, 1), 4 + rng.uniform(-0.5, 0.5), rng.uniform(5, 7), rng.uniform(1.6, 2.4)),
        )  # fmt: skip

    def truths(self) -> dict[str, float]:
        """Return what each characteristic truly is."""
        hx, hy, r = self.hole
        _, _, long, short = self.rough
        left, top = -self.w / 2, -self.h / 2
        wanted = (-6 - left, -2 - top)
        return {
            "circle_diameter": 2 * r, "area": math.pi * r * r, "edge_width": self.h,
            "rectangle_width": self.w, "arc_radius": self.fillet,
            "centre_distance": math.dist((hx, hy), self.peg[:2]),
            "distance": hy - top, "angle": 90.0, "slot_width": self.slot[3], "slot_length": self.slot[2],
            "roundness": long - short,
            "position": 2 * math.hypot(hx - left - wanted[0], hy - top - wanted[1]),
            "ellipse_major_axis": 2 * self.oval[2],
        }  # fmt: skip

    def dimensions(self) -> dict[str, Dimension]:
        """Return the characteristics as a specification states them, drawn at the nominal part."""
        px = 1 / MM_PER_GOLDEN_PX

        def at(x: float, y: float) -> tuple[float, float]:
            return (x - ORIGIN[0]) * px, (y - ORIGIN[1]) * px

        def circle(x: float, y: float, r: float) -> dict[str, Any]:
            return {"center_px": at(x, y), "radius_px": r * px, "inside": "bright"}

        def line(x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
            return {"type": "line", "start_px": at(x0, y0), "end_px": at(x1, y1), "dark": "right"}

        w, h, f = self.w / 2, self.h / 2, self.fillet
        top, left = line(-0.8 * w, -h, 0.8 * w, -h), line(-w, 0.7 * h, -w, -0.7 * h)
        hole, oval = circle(*self.hole), circle(*self.rough[:3])
        sx, sy, length, width = self.slot
        slot = {
            "type": "slot", "start_px": at(sx - (length - width) / 2, sy),
            "end_px": at(sx + (length - width) / 2, sy), "width_px": width * px, "inside": "bright",
        }  # fmt: skip
        features: dict[str, dict[str, Any]] = {
            "circle_diameter": {"circle": hole},
            "area": {"of": {"type": "circle", **hole}},
            "edge_width": {"start_px": at(0, -h), "end_px": at(0, h), "band_px": 100, "inside": "dark"},
            "rectangle_width": {"rectangle": {
                "type": "rectangle", "center_px": at(0, 0), "width_px": 2 * w * px, "height_px": 2 * h * px,
                "inside": "dark",
            }},
            "arc_radius": {"arc": {
                "type": "arc", "center_px": at(w - f, h - f), "radius_px": f * px, "start_deg": 12,
                "sweep_deg": 66, "inside": "dark",
            }},
            "centre_distance": {"a": hole, "b": circle(*self.peg)},
            "distance": {"a": top, "b": {"type": "circle", **hole}},
            "angle": {"a": left, "b": top},
            "slot_width": {"slot": slot}, "slot_length": {"slot": slot},
            "roundness": {"circle": oval},
            "position": {
                "circle": hole, "x_mm": w - 6, "y_mm": h - 2, "datums": {"primary": top, "secondary": left},
            },
            "ellipse_major_axis": {"ellipse": {
                "type": "ellipse", "center_px": at(*self.oval[:2]), "a_px": self.oval[2] * px,
                "b_px": self.oval[3] * px, "inside": "bright",
            }},
        }  # fmt: skip
        one_sided = ("roundness", "position")
        return {
            kind: Dimension.model_validate({
                "kind": "dimension", "number": 1, "id": kind, "name": kind, "severity": "major",
                "nominal": 0 if kind in one_sided else self.truths()[kind],
                "upper": 1.0 if kind in one_sided else 1e3 if kind != "angle" else 179,
                "feature": {"type": kind, "view": "top", **feature},
            })
            for kind, feature in features.items()
        }  # fmt: skip

    def scene(self, place: tuple[float, float, float], grown: float, z: float) -> Scene:
        """Return the part at a place, its edges shown `grown` mm towards the light."""
        x, y, angle = place
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))

        def at(u: float, v: float) -> tuple[float, float]:
            return x + c * u - s * v, y + s * u + c * v

        hx, hy, r = self.hole
        ox, oy, a, b = self.rough
        sx, sy, length, width = self.slot
        return Scene(BRIGHT, (
            RoundedRectangle(
                x, y, self.w + 2 * grown, self.h + 2 * grown, self.fillet + grown, angle, DARK, z
            ),
            Disk(*at(hx, hy), r - grown, BRIGHT, z),
            Disk(*at(*self.peg[:2]), self.peg[2] - grown, BRIGHT, z),
            Ellipse(*at(ox, oy), a - grown, b - grown, angle, BRIGHT, z),
            Ellipse(*at(*self.oval[:2]), self.oval[2] - grown, self.oval[3] - grown, angle, BRIGHT, z),
            Slot(*at(sx, sy), length - 2 * grown, width - 2 * grown, angle, BRIGHT, z),
        ))  # fmt: skip


def mapping_of(station: Station, place: tuple[float, float, float]) -> QuadraticMap:
    """Return where the golden part lies in the frame, as registration would say it."""
    x, y, angle = place
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    g = np.stack(np.meshgrid(np.linspace(20, 355, 9), np.linspace(20, 255, 9)), axis=-1).reshape(-1, 2)
    mm = g * MM_PER_GOLDEN_PX + ORIGIN
    frame = station.truth.to_px(mm @ np.array([[c, s], [-s, c]]) + (x, y))
    centre, extent = (187.5, 137.5), 187.5
    u, v = ((g - centre) / extent).T
    basis = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1)
    return QuadraticMap(centre, extent, np.linalg.lstsq(basis, frame)[0])


def play(
    station: Station, sensor: Sensor, rng: np.random.Generator
) -> list[tuple[str, tuple[float, ...] | str]]:
    """Measure one random part; return per kind error, U, independent error and U, or the reason."""
    part = Part.drawn(rng)
    middle = 4.5 * PITCH_MM + PITCH_MM / 2, 3 * PITCH_MM + PITCH_MM / 2
    place = (middle[0] + rng.uniform(-1.5, 1.5), middle[1] + rng.uniform(-1, 1), rng.uniform(-4, 4))
    light = expose(part.scene(place, station.edge_mm, station.truth.z), station.camera, sensor)
    codes = sensor.read(light, rng)
    rgb = codes  # a monochrome camera
    mapping = mapping_of(station, place)
    exact = replace_plane(station)
    believed = Gauge(rgb, mapping, station.conditions)
    true = Gauge(rgb, mapping, exact)
    truths, rows = part.truths(), []
    for kind, dimension in part.dimensions().items():
        found, aside = believed.measure(dimension), true.measure(dimension)
        if not isinstance(found, Measured) or not isinstance(aside, Measured):
            rows.append((kind, getattr(found, "reason", "") or getattr(aside, "reason", "")))
            continue
        u, common = found.standard_uncertainty, found.budget.common_uncertainty
        own = aside.value - truths[kind] - shown(kind, station.edge_mm, part)
        rows.append((kind, (found.value - truths[kind], u, own, math.sqrt(max(u * u - common**2, 0.0)))))
    return rows


def shown(kind: str, grown: float, part: Part) -> float:
    """Return by how much the light alone changes what is seen of a characteristic."""
    off = np.array([part.hole[0] + 6, part.hole[1] + 2])
    return {
        "position": 2 * float(np.hypot(*(off + grown)) - np.hypot(*off)),
        "circle_diameter": -2 * grown, "area": -2 * math.pi * part.hole[2] * grown, "edge_width": 2 * grown,
        "rectangle_width": 2 * grown, "arc_radius": grown, "distance": grown, "slot_width": -2 * grown,
        "slot_length": -2 * grown, "ellipse_major_axis": -2 * grown,
    }.get(kind, 0.0)  # fmt: skip


def replace_plane(station: Station) -> Conditions:
    """Return the station's conditions with the true map."""
    return replace(station.conditions, plane=station.truth)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calibrations", type=int, default=40)
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(arguments.seed)
    sensor = Sensor(psf_sigma_px=0.9, bits=8, full_well_e=FULL_WELL, read_noise_e=READ)
    errors: dict[str, list[list[tuple[float, ...]]]] = defaultdict(list)
    failures: dict[str, list[str]] = defaultdict(list)
    # what is common to a calibration is drawn in equal shares of its distribution, since there are few
    middles = (np.arange(arguments.calibrations) + 0.5) / arguments.calibrations
    quantiles = [NormalDist().inv_cdf(float(q)) for q in middles]
    common = np.stack([rng.permutation(quantiles) for _ in range(3)], axis=1)
    began = time.monotonic()
    for number in range(arguments.calibrations):
        pitch, height, edge = (float(v) for v in common[number])
        station = station_of(rng, sensor, (pitch, height, edge))
        here: dict[str, list[tuple[float, ...]]] = defaultdict(list)
        for _ in range(arguments.scenes):
            for kind, row in play(station, sensor, rng):
                if isinstance(row, str):
                    failures[kind].append(row)
                else:
                    here[kind].append(row)
        for kind, rows in here.items():
            errors[kind].append(rows)
        if not arguments.json:
            print(
                f"calibration {number + 1} of {arguments.calibrations}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
    table = {kind: summary(groups, failures[kind]) for kind, groups in errors.items()}
    if arguments.json:
        print(json.dumps(table))
        return
    print(
        f"{'kind':20} {'covered':>8} {'own':>6} {'lowest':>7} {'highest':>8} {'U/err':>6} {'U, um':>7}"
        f" {'bias':>6} {'held':>6}"
    )
    for kind, row in table.items():
        print(
            f"{kind:20} {row['covered']:8.3f} {row['own']:6.3f} {row['own_lowest']:7.2f}"
            f" {row['own_highest']:8.2f} "
            f"{row['width']:6.2f} {1e3 * row['expanded']:7.2f} {1e3 * row['bias']:6.2f}"
            f" {row['held']:6.3f} {row['reasons']}"
        )


def summary(groups: list[list[tuple[float, ...]]], failed: list[str]) -> dict[str, Any]:
    """Return the shares of one kind."""
    rows = np.array([row for group in groups for row in group])
    own = [float(np.mean([abs(e) <= 1.96 * u for _, _, e, u in group])) for group in groups]
    rms = math.sqrt(float((rows[:, 0] ** 2).mean()))
    return {
        "covered": float(np.mean(np.abs(rows[:, 0]) <= 1.96 * rows[:, 1])),
        "own": float(np.mean(np.abs(rows[:, 2]) <= 1.96 * rows[:, 3])),
        "own_lowest": min(own), "own_highest": max(own),
        "width": float(rows[:, 1].mean()) / rms, "expanded": 1.96 * float(rows[:, 1].mean()),
        "bias": float(rows[:, 2].mean()), "rms_own": math.sqrt(float((rows[:, 2] ** 2).mean())),
        "held": len(failed) / (len(failed) + len(rows)),
        "reasons": {reason: failed.count(reason) for reason in sorted(set(failed))}, "count": len(rows),
    }  # fmt: skip


if __name__ == "__main__":
    main()
