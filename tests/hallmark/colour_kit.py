"""A colour station of the twin as a new user meets it: pictures in files, a chart whose values are true."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import typer
from typer.testing import CliRunner

from calibration.colour import Chart
from datasets.twin.colour import ChartScene, ColourStation, Light, material, near, reflectances, true_lab
from datasets.twin.metrology import Sensor
from hallmark import calibrate_cli, colour_cli, inspect_cli, station_cli

SIZE = (480, 360)
LAMP = "D65"
SCENE = ChartScene(share=0.85, tilt_deg=4, clutter=2)


def colour_commands() -> typer.Typer:
    """Return the commands of these tests alone: all of them take a tenth of a second to set up, each time."""
    app = typer.Typer()
    for module in (calibrate_cli, colour_cli, inspect_cli, station_cli):
        module.register(app)
    return app


def station(**changed: Any) -> ColourStation:
    sensor = Sensor(bits=8, full_well_e=12000, read_noise_e=6, gain_spread=0.002, pattern=5)
    return replace(
        ColourStation("industrial-1", Light(LAMP), sensor, exposure=0.55, size=SIZE, balanced=True), **changed
    )


@functools.cache
def photograph(lamp: str = LAMP) -> np.ndarray:
    """Return a picture of the chart; do not write to it."""
    return station().under(Light(lamp)).chart(np.random.default_rng(3), scene=SCENE).pixels


def save(path: Path, pixels: np.ndarray) -> Path:
    """Write RGB codes as a PNG file."""
    assert cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1] if pixels.ndim == 3 else pixels))
    return path


def definition(path: Path, illuminant: str = LAMP) -> Path:
    """Write the chart as a laboratory would have certified it: its true L*a*b*."""
    chart = Chart.open("classic-after-2014")
    true = true_lab(reflectances("classic"), illuminant)
    fields = chart.model_dump(mode="json", exclude_none=True) | {
        "id": "ours", "illuminant": illuminant, "serial": "0417", "certificate": "DKD-K-1 2026",
        "patches": [
            {"id": p.id, "name": p.name, "lab": lab, "u_delta_e": 0.1}
            for p, lab in zip(chart.patches, true.tolist(), strict=True)
        ],
    }  # fmt: skip
    path.write_text(json.dumps(fields))
    return path


def made_desk(home: Path) -> Path:
    """Calibrate as a user does; `cell.json` is what `--json` printed, `progress.txt` what was told."""
    given = ["--image", save(home / "chart.png", photograph()), "--chart", definition(home / "ours.yaml")]
    command = ["calibrate", "colour", *given, "--json", "-o", home / "cell.cal"]
    ran = CliRunner().invoke(colour_commands(), [str(part) for part in command])
    assert ran.exit_code == 0, ran.stderr
    (home / "cell.json").write_text(ran.stdout)
    (home / "progress.txt").write_text(ran.stderr)
    return home


@functools.cache
def pair(delta_e: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the spectra of a pink paint and of another batch of it, brighter and yellower."""
    rng = np.random.default_rng(33)
    golden = material(rng)
    return golden, near(golden, rng, delta_e, LAMP)


def side_by_side(left: np.ndarray, right: np.ndarray, seed: int = 4) -> np.ndarray:
    """Return a picture with one material on its left and another on its right."""
    seen = station()
    light = np.empty((SIZE[1], SIZE[0], 3))
    light[:, : SIZE[0] // 2], light[:, SIZE[0] // 2 :] = seen.rgb(left), seen.rgb(right)
    return seen.capture(light, np.random.default_rng(seed))
