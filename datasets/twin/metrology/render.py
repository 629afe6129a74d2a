"""A scene becomes light on the sensor, and light becomes a frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.errors import DatasetError
from datasets.twin.metrology.camera import Camera
from datasets.twin.metrology.cover import Window, integrate
from datasets.twin.metrology.scene import Light, Scene
from datasets.twin.metrology.sensor import Codes, Sensor
from datasets.twin.metrology.shapes import Doubles, Reflectance


def expose(scene: Scene, camera: Camera, sensor: Sensor, window: Window | None = None) -> Doubles:
    """Return the light on each pixel before noise: what an endless mean of linear frames would tend to.

    float64 (h, w), or (h, w, 3) RGB where a reflectance has three values and the sensor no mosaic; 1 is a
    full well. Edges lie where `camera.project` puts them, to better than 0.001 px: the blurred pixel is
    integrated along outlines to about 1e-6 of an edge's height; a gradient of the light is an expansion to
    second order.

    Args:
        scene: what the camera sees.
        camera: where it falls on the frame.
        sensor: point spread, falloff and mosaic.
        window: (x0, y0, width, height) inside the frame, by default all of it: the same values as cut out of
            the whole frame, in the time of the part.

    Raises:
        DatasetError: the window leaves the frame, or the camera cannot see a point of the scene.
    """
    window = (0, 0, camera.width, camera.height) if window is None else window
    x0, y0, w, h = window
    if min(x0, y0) < 0 or min(w, h) < 1 or x0 + w > camera.width or y0 + h > camera.height:
        raise DatasetError(f"window {window} leaves the frame of {camera.width} x {camera.height} px")
    levels = _levels([scene.background, *(shape.reflectance for shape in scene.shapes)])
    if scene.light.gradient == (0.0, 0.0):
        image = integrate(scene.shapes, levels, camera, sensor.lobes, window) + levels[0][:, None, None]
    else:
        margin = (x0 - 2, y0 - 2, w + 4, h + 4)
        wide = integrate(scene.shapes, levels, camera, sensor.lobes, margin) + levels[0][:, None, None]
        image = _graded(wide, scene.light, camera, sensor, window)
    image = np.moveaxis(image * scene.light.level, 0, -1)
    light = image[..., 0] if image.shape[2] == 1 else image
    if light.ndim == 3 and sensor.bayer is not None:
        light = sensor.mosaic(light, window)
    size = (camera.width, camera.height)
    response, dark = sensor.response(size, window), sensor.dark(size, window)
    if light.ndim == 3:
        response, dark = response[..., None], dark[..., None]
    return light * response + dark


def render(
    scene: Scene,
    camera: Camera,
    sensor: Sensor,
    rng: np.random.Generator,
    window: Window | None = None,
) -> Codes:
    """Return a frame, or a window of it: codes of `expose` with noise from the generator.

    uint8 (8 bits) or uint16, (h, w) or (h, w, 3) RGB. The same generator state gives the same bytes.

    Raises:
        DatasetError: as `expose`.
    """
    return sensor.read(expose(scene, camera, sensor, window), rng)


def flat_frame(sensor: Sensor, size: tuple[int, int], exposure: float, rng: np.random.Generator) -> Codes:
    """Return a frame (width, height) of a uniform source that fills a share `exposure` of the well.

    The truth of a photon transfer over several exposures is in the sensor: `gain_dn_per_e`, `read_noise_e`,
    `black_level`, `full_well_e`; exposures above 1 saturate, as does the noise just below. Falloff and fixed
    patterns act as in any frame; 0 is a dark frame.
    """
    camera = Camera.scale(*size, 1.0)
    return render(Scene(exposure), camera, sensor, rng)


def dark_frame(sensor: Sensor, size: tuple[int, int], rng: np.random.Generator) -> Codes:
    """Return a frame (width, height) without light."""
    return flat_frame(sensor, size, 0.0, rng)


def _levels(reflectances: Sequence[Reflectance]) -> Doubles:
    """(n, 1) light of grey scenes, (n, 3) where one has colour."""
    channels = 3 if any(isinstance(r, tuple) for r in reflectances) else 1
    return np.array([r if isinstance(r, tuple) else (r,) * channels for r in reflectances], np.float64)


def _graded(wide: Doubles, light: Light, camera: Camera, sensor: Sensor, window: Window) -> Doubles:
    """Light blurred images (channels, h + 4, w + 4) as if the gradient had been there before the blur.

    Blurring (1 + g . p) R gives (1 + g . p) S + g . V grad S where S is R blurred by a Gaussian of variance
    V; the pixel's square and a lopsided spread are taken as Gaussians of their variance here.
    """
    gradient = np.array(light.gradient) / [camera.width, camera.height]
    x0, y0, w, h = window
    x = np.arange(x0, x0 + w) - (camera.width - 1) / 2
    y = np.arange(y0, y0 + h) - (camera.height - 1) / 2
    variance = np.eye(2) / 12
    for share, dx, dy, sigma in sensor.lobes:
        variance += share * (np.outer([dx, dy], [dx, dy]) + np.eye(2) * sigma**2)
    along, down = gradient @ variance
    inner = wide[:, 2:-2, 2:-2]
    slope_x = _slope(wide[:, 2:-2], 2)
    slope_y = _slope(wide[:, :, 2:-2], 1)
    return (
        inner * (1 + gradient[0] * x[None, :] + gradient[1] * y[:, None]) + along * slope_x + down * slope_y
    )


def _slope(image: Doubles, axis: int) -> Doubles:
    """Derivative by five points, two shorter at each end."""
    f = np.moveaxis(image, axis, 0)
    return np.moveaxis((8 * (f[3:-1] - f[1:-3]) - (f[4:] - f[:-4])) / 12, 0, axis)
