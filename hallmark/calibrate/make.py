"""From files to a certificate: what `hallmark calibrate lens|plane|flat|noise|all` do."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from calibration import (
    CalibrationError,
    CameraCalibration,
    FlatMeasurement,
    Optics,
    PhotonTransfer,
    Settings,
    Target,
    TargetError,
    Temperature,
)
from calibration.lens import Coverage, LensCalibration, LensMap, next_pose
from golden.keys import SigningKey
from hallmark.calibrate import drawing, light, sheet
from hallmark.calibrate.files import beside, refuse_existing
from hallmark.calibrate.pictures import Picture, Transfer, check_format, format_of, read_picture
from hallmark.calibrate.series import Kind, Look, Series, tilt_deg

_COMPUTED_BY = ("hallmark", "numpy", "scipy", "numba", "opencv-python-headless")


@dataclass(frozen=True)
class Stated:
    """What the engineer states, and no picture shows.

    Attributes:
        camera: identity.
        lens: identity, or None.
        transfer: how codes relate to light; None: srgb for 8-bit colour, else linear.
        settings: what is known of the camera's settings; `pixel_format` is None where the files tell it.
        conditions: in words.
        temperature: of target and camera, or None.
        kind: of lens, or None where the pictures decide.
        now: the time.
        valid_until: of the certificate.
    """

    camera: str
    now: datetime
    valid_until: datetime
    lens: str | None = None
    transfer: Transfer | None = None
    pixel_format: str | None = None
    exposure_us: float | None = None
    gain_db: float | None = None
    aperture: str = ""
    conditions: str = ""
    temperature: Temperature | None = None
    kind: Kind | None = None

    def settings(self, like: Picture) -> Settings:
        """Return the settings of a camera that gave a picture; FramesError where it cannot have them."""
        width, height = like.size
        try:
            settings = Settings(
                width=width, height=height, pixel_format=self.pixel_format or format_of(like),
                exposure_us=self.exposure_us, gain_db=self.gain_db, aperture=self.aperture,
            )  # fmt: skip
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise CalibrationError(
                f"{first['loc'][0]} {first['input']!r}: {first['msg']}; pixel formats have GenICam's names, "
                "such as Mono8, Mono12, RGB8, BayerRG12"
            ) from error
        check_format(like, settings)
        return settings

    def transfer_of(self, settings: Settings) -> Transfer:
        """Return how codes relate to light."""
        return self.transfer or ("srgb" if settings.pixel_format == "RGB8" else "linear")


@dataclass(frozen=True)
class Given:
    """The pictures, by what they show; `noise` are pairs of flats, see `light.noise`."""

    target: Target
    lens: tuple[Path, ...]
    plane: Path | None = None
    flats: tuple[Path, ...] = ()
    darks: tuple[Path, ...] = ()
    noise: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class Made:
    """A certificate with what it came from and what belongs beside it.

    Attributes:
        certificate: signed where a key was given.
        looks: each picture of the target.
        coverage: what these cover together; None for a plane alone.
        plane: where the plane comes from, in words.
        files: to be written, by path.
    """

    certificate: CameraCalibration
    looks: tuple[Look, ...]
    coverage: Coverage | None
    plane: str
    files: dict[Path, bytes] = field(default_factory=dict[Path, bytes])


Watch = Callable[[Look], None]


def make_lens(stated: Stated, given: Given, out: Path, key: SigningKey | None, watch: Watch) -> Made:
    """Calibrate the lens, the plane, and light and noise as far as frames for them are given.

    Args:
        stated: what no picture shows.
        given: the pictures.
        out: the certificate's path; nothing is written yet.
        key: signs it, or None.
        watch: is told each picture of the target as soon as it was looked at.

    Raises:
        CalibrationError: a picture, or all of them together, cannot calibrate; the message says what to do.
    """
    _refuse_before(given, stated, out)
    transfer, settings, noise = _light(stated, given)
    series = _look(stated, given, settings, transfer, watch)
    lens = series.calibrate()
    path = given.plane or series.squarest(lens)
    plane = series.plane_of(lens, path)
    where = f"of {path}, tilted by {tilt_deg(plane):.1f} degrees against the camera"
    if given.plane is None:
        where += "; it is the picture most square to the camera, since --plane-image was not given"
    coverage = next_pose(series.detections, series.size, kind=lens.model.kind)
    flat = _flat(given, settings, transfer)
    made = _certified(stated, series, lens, plane, settings, transfer, noise, flat, key)
    files = _files(made, out, flat)
    title = f"{stated.camera}, {stated.now:%Y-%m-%d}"
    files[beside(out, ".png")] = drawing.to_png(sheet.draw(lens, coverage, series.looks, title))
    return Made(made, tuple(series.looks), coverage, where, files)


def make_plane(
    stated: Stated,
    given: Given,
    out: Path,
    key: SigningKey | None,
    watch: Watch,
    *,
    focal_px: float | None,
    u_focal_px: float | None,
) -> Made:
    """Calibrate the object plane alone from a picture, or a few in which the target lies on it."""
    _refuse_before(given, stated, out)
    transfer, settings, noise = _light(stated, given)
    series = _look(stated, given, settings, transfer, watch)
    lens = series.calibrate_plane(focal_px, u_focal_px)
    path = given.plane or series.used[0].path
    plane = series.plane_of(lens, path)
    flat = _flat(given, settings, transfer)
    made = _certified(stated, series, lens, plane, settings, transfer, noise, flat, key)
    where = f"of {path}, tilted by {tilt_deg(plane):.1f} degrees; the lens is not calibrated"
    return Made(made, tuple(series.looks), None, where, _files(made, out, flat))


def add_flat(
    base: CameraCalibration, flats: Sequence[Path], darks: Sequence[Path], out: Path, now: datetime,
    key: SigningKey | None,
) -> Made:  # fmt: skip
    """Return the certificate completed by a flat field, as a new one; its validity ends as before."""
    refuse_existing(out, beside(out, ".flat.npy"))
    settings = _known_settings(base, flats, "--flats")
    dark = light.read_frames(darks, settings)
    flat = light.flat_field(light.read_frames(flats, settings), dark, settings, base.transfer)
    made = _signed(base.reissued(now, settings=settings, flat_field=flat.field, versions=_versions()), key)
    return Made(made, (), None, "", _files(made, out, flat))


def add_noise(
    base: CameraCalibration, flats: Sequence[Path], darks: Sequence[Path], out: Path, now: datetime,
    key: SigningKey | None,
) -> Made:  # fmt: skip
    """Return the certificate completed by the camera's noise, as a new one; its validity ends as before."""
    refuse_existing(out)
    if base.transfer != "linear":
        raise CalibrationError(
            "noise is measured on codes that follow light, and the certificate says sRGB: set the camera's "
            "gamma to 1 and calibrate with --transfer linear"
        )
    settings = _known_settings(base, flats, "--flats")
    dark = light.read_frames(darks, settings)
    found = light.noise(light.read_frames(flats, settings), dark, settings)
    settings = settings.model_copy(update={"black_level": found.black_level})
    changed = base.reissued(
        now, settings=settings, photon_transfer=found, noise=found.noise, versions=_versions()
    )
    made = _signed(changed, key)
    return Made(made, (), None, "", _files(made, out, None))


def _refuse_before(given: Given, stated: Stated, out: Path) -> None:
    """Refuse what needs no picture to be refused."""
    refuse_existing(out, beside(out, ".png"), beside(out, ".flat.npy"))
    if given.target.expired(stated.now.date()):
        raise TargetError(
            f"target {given.target.serial or given.target.kind}: its certificate expired on "
            f"{given.target.expires}: have it calibrated again, or use another"
        )
    if (given.flats or given.noise) and not given.darks:
        raise CalibrationError("flats need dark frames too: give them with --darks, the lens cap on")


def _light(stated: Stated, given: Given) -> tuple[Transfer, Settings, PhotonTransfer | None]:
    first = read_picture(given.lens[0])
    settings = stated.settings(first)
    transfer = stated.transfer_of(settings)
    darks = light.read_frames(given.darks, settings, first)
    if given.noise and transfer != "linear":
        raise CalibrationError(
            "noise is measured on codes that follow light: set the camera's gamma to 1 and state "
            "--transfer linear, or leave the noise frames out"
        )
    noise = (
        light.noise(light.read_frames(given.noise, settings, first), darks, settings) if given.noise else None
    )
    if transfer == "linear" and darks:
        black = light.black_level(darks) if noise is None else noise.black_level
        settings = settings.model_copy(update={"black_level": black})
    return transfer, settings, noise


def _look(stated: Stated, given: Given, settings: Settings, transfer: Transfer, watch: Watch) -> Series:
    series = Series(given.target, settings, transfer, kind=stated.kind, temperature=stated.temperature)
    for path in given.lens:
        watch(series.add(path))
    return series


def _flat(given: Given, settings: Settings, transfer: Transfer) -> FlatMeasurement | None:
    if not given.flats:
        return None
    darks = light.read_frames(given.darks, settings)
    return light.flat_field(light.read_frames(given.flats, settings), darks, settings, transfer)


def _certified(
    stated: Stated, series: Series, lens: LensCalibration, plane: LensMap, settings: Settings,
    transfer: Transfer, noise: PhotonTransfer | None, flat: FlatMeasurement | None, key: SigningKey | None,
) -> CameraCalibration:  # fmt: skip
    certificate = CameraCalibration.measured(
        camera=stated.camera, optics=Optics.of(lens, plane), issued=stated.now,
        valid_until=stated.valid_until, transfer=transfer, lens=stated.lens, settings=settings,
        target=series.target, conditions=stated.conditions, temperature=stated.temperature,
        photon_transfer=noise, flat_field=None if flat is None else flat.field, versions=_versions(),
    )  # fmt: skip
    return _signed(certificate, key)


def _known_settings(base: CameraCalibration, flats: Sequence[Path], option: str) -> Settings:
    if base.settings is not None:
        return base.settings
    if not flats:
        raise CalibrationError(f"no frames of an evenly lit surface: give them with {option}")
    first = read_picture(flats[0])
    width, height = first.size
    return Settings(width=width, height=height, pixel_format=format_of(first))


def _signed(certificate: CameraCalibration, key: SigningKey | None) -> CameraCalibration:
    return certificate if key is None else certificate.sign(key)


def _files(certificate: CameraCalibration, out: Path, flat: FlatMeasurement | None) -> dict[Path, bytes]:
    fine = {} if flat is None or flat.fine is None else {beside(out, ".flat.npy"): flat.fine}
    return {**fine, out: certificate.to_bytes()}


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _COMPUTED_BY}
