"""`hallmark calibrate`: camera certificates, from pictures of a target or from a stated scale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hallmark import calibrate_check_cli, calibrate_colour_cli
from hallmark.calibrate import options as o

if TYPE_CHECKING:
    from calibration import CameraCalibration
    from golden.keys import SigningKey
    from hallmark.calibrate.make import Stated


def register(app: typer.Typer) -> None:
    """Add `hallmark calibrate`."""
    calibrate = typer.Typer(name="calibrate", help="Camera certificates.", no_args_is_help=True)
    calibrate.callback()(_group)
    for command in (all_, lens, plane, flat, noise, nominal):
        calibrate.command(command.__name__.rstrip("_"))(command)
    calibrate_colour_cli.register(calibrate)
    calibrate_check_cli.register(calibrate)
    app.add_typer(calibrate)


def _group() -> None:
    """Camera certificates: what turns pixels into millimetres, how well, and until when."""


def all_(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="The pictures, laid out as below.", exists=True, file_okay=False
        ),
    ],
    *,
    target: o.TargetFile,
    camera: o.CameraId,
    out: o.Out,
    lens: o.LensName = None,
    kind: o.KindOption = None,
    transfer: o.TransferOption = None,
    pixel_format: o.PixelFormat = None,
    exposure_us: o.Exposure = None,
    gain: o.Gain = None,
    aperture: o.Aperture = "",
    temperature_c: o.Celsius = None,
    u_temperature_c: o.UCelsius = 1.0,
    conditions: o.Conditions = "",
    days: o.Days = 90,
    key: o.Key = None,
    as_json: o.AsJson = False,
) -> None:
    """Calibrate lens, plane, flat field and noise in one go, from a folder.

    It is laid out like this:

    * `lens/` eight pictures or more of the target, whole or in part: square to the camera, then tilted by 20
      to 40 degrees to each of four sides, and moved until every corner of the frame was covered
    * `plane/` one picture of the target lying where parts will lie (without it: the squarest of `lens/`)
    * `flat/` four frames or more of an empty, evenly lit surface at one exposure (optional)
    * `dark/` two frames or more with the lens cap on (needed for `flat/` and `noise/`)
    * `noise/` pairs of such flats at five exposures or more, named `00500us-1.png` and `00500us-2.png`
      (optional)

    PNG, TIFF, BMP or PGM of 8 or 16 bits. JPEG is accepted for the target, with a warning.

    Example: `hallmark calibrate all pictures --target target.yaml --camera cell-3-top --lens "F16 SN 1234"
    --aperture f/8 -o cell-3.cal`
    """
    from calibration import CalibrationError
    from hallmark.calibrate.pictures import files_of

    parts = {name: folder / name for name in ("lens", "plane", "flat", "dark", "noise")}
    found = {name: files_of([path], f"{name}/") if path.is_dir() else () for name, path in parts.items()}
    if not found["lens"]:
        raise CalibrationError(f"{parts['lens']} is missing: put pictures of the target there, see --help")
    if len(found["plane"]) > 1:
        raise CalibrationError(
            f"{parts['plane']} holds {len(found['plane'])} pictures: the plane is shown by one"
        )
    stated = _stated(
        camera, lens, kind, transfer, pixel_format, exposure_us, gain, aperture, temperature_c,
        u_temperature_c, conditions, days,
    )  # fmt: skip
    _make_lens(
        stated, target, out, key, as_json=as_json, lens=found["lens"],
        plane=found["plane"][0] if found["plane"] else None, flats=found["flat"], darks=found["dark"],
        noise=found["noise"],
    )  # fmt: skip


def lens(
    more: o.More = None,
    *,
    images: o.Images,
    target: o.TargetFile,
    camera: o.CameraId,
    out: o.Out,
    plane_image: o.PlaneImage = None,
    flats: o.Flats = None,
    darks: o.Darks = None,
    lens: o.LensName = None,
    kind: o.KindOption = None,
    transfer: o.TransferOption = None,
    pixel_format: o.PixelFormat = None,
    exposure_us: o.Exposure = None,
    gain: o.Gain = None,
    aperture: o.Aperture = "",
    temperature_c: o.Celsius = None,
    u_temperature_c: o.UCelsius = 1.0,
    conditions: o.Conditions = "",
    days: o.Days = 90,
    key: o.Key = None,
    as_json: o.AsJson = False,
) -> None:
    """Calibrate lens and object plane from pictures of a target in several poses.

    Each picture is told as it is looked at: its corners or why it was refused, how much of the field is
    covered, and which pose is missing next. Beside the certificate a picture shows residuals and coverage.

    Example: `hallmark calibrate lens --images lens --plane-image plane.png --target target.yaml
    --camera cell-3-top -o cell-3.cal`
    """
    stated = _stated(
        camera, lens, kind, transfer, pixel_format, exposure_us, gain, aperture, temperature_c,
        u_temperature_c, conditions, days,
    )  # fmt: skip
    _make_lens(
        stated, target, out, key, as_json=as_json, lens=_files([*images, *(more or [])], "--images"),
        plane=plane_image, flats=_files(flats, "--flats"), darks=_files(darks, "--darks"),
    )  # fmt: skip


def plane(
    more: o.More = None,
    *,
    images: o.Images,
    target: o.TargetFile,
    camera: o.CameraId,
    out: o.Out,
    focal_px: Annotated[
        float | None, typer.Option(metavar="PX", min=1, help="Focal length at the focus in use, if known.")
    ] = None,
    u_focal_px: Annotated[
        float | None,
        typer.Option(metavar="PX", min=1e-6, help="Its standard uncertainty; default: 5 % of it."),
    ] = None,
    flats: o.Flats = None,
    darks: o.Darks = None,
    lens: o.LensName = None,
    kind: o.KindOption = None,
    transfer: o.TransferOption = None,
    pixel_format: o.PixelFormat = None,
    exposure_us: o.Exposure = None,
    gain: o.Gain = None,
    aperture: o.Aperture = "",
    temperature_c: o.Celsius = None,
    u_temperature_c: o.UCelsius = 1.0,
    conditions: o.Conditions = "",
    days: o.Days = 90,
    key: o.Key = None,
    as_json: o.AsJson = False,
) -> None:
    """Calibrate only the object plane: one picture of a target that lies on it and fills the frame.

    Enough for flat parts in that very plane. Parts with height need the lens, or its focal length.

    Example: `hallmark calibrate plane --images plane.png --target target.yaml --camera cell-3-top
    -o cell-3.cal`
    """
    from hallmark.calibrate.feedback import feedback, finish
    from hallmark.calibrate.make import Given, make_plane

    stated = _stated(
        camera, lens, kind, transfer, pixel_format, exposure_us, gain, aperture, temperature_c,
        u_temperature_c, conditions, days,
    )  # fmt: skip
    given = Given(
        _target(target), _files([*images, *(more or [])], "--images"),
        flats=_files(flats, "--flats"), darks=_files(darks, "--darks"),
    )  # fmt: skip
    with feedback(len(given.lens), as_json=as_json) as watch:
        made = make_plane(stated, given, out, _key(key), watch, focal_px=focal_px, u_focal_px=u_focal_px)
    finish(made, out, stated.now, as_json=as_json)


def flat(
    base: o.Base,
    *,
    flats: Annotated[
        list[Path],
        typer.Option(metavar="FOLDER|FILE", help="Frames of an empty, evenly lit surface at one exposure."),
    ],
    darks: Annotated[
        list[Path],
        typer.Option(metavar="FOLDER|FILE", help="Frames with the lens cap on, at the same settings."),
    ],
    out: o.Out,
    key: o.Key = None,
    as_json: o.AsJson = False,
) -> None:
    """Complete a certificate by the flat field: falloff of lens and light, and the pattern of pixels.

    A new certificate is written, valid until the old one would be.

    Example: `hallmark calibrate flat cell-3.cal --flats flat --darks dark -o cell-3-flat.cal`
    """
    from hallmark.calibrate.feedback import finish
    from hallmark.calibrate.make import add_flat

    now = _now()
    opened = _opened(base, now)
    made = add_flat(opened, _files(flats, "--flats"), _files(darks, "--darks"), out, now, _key(key))
    finish(made, out, now, as_json=as_json)


def noise(
    base: o.Base,
    *,
    flats: Annotated[
        list[Path],
        typer.Option(
            metavar="FOLDER|FILE",
            help="Pairs of frames of an evenly lit surface at five exposures or more, each pair named "
            "NAME-1, NAME-2; a name such as 00500us tells the exposure time.",
        ),
    ],
    darks: Annotated[
        list[Path], typer.Option(metavar="FOLDER|FILE", help="Two frames or more with the lens cap on.")
    ],
    out: o.Out,
    key: o.Key = None,
    as_json: o.AsJson = False,
) -> None:
    """Complete a certificate by the camera's noise, from photon transfer (EMVA 1288).

    A new certificate is written, valid until the old one would be.

    Example: `hallmark calibrate noise cell-3.cal --flats noise --darks dark -o cell-3-noise.cal`
    """
    from hallmark.calibrate.feedback import finish
    from hallmark.calibrate.make import add_noise

    now = _now()
    opened = _opened(base, now)
    made = add_noise(opened, _files(flats, "--flats"), _files(darks, "--darks"), out, now, _key(key))
    finish(made, out, now, as_json=as_json)


def nominal(
    *,
    camera: Annotated[str, typer.Option(help="Identity of the camera or scanner.")],
    mm_per_px: Annotated[float, typer.Option(help="Scale of the object plane: 25.4 / dpi for a scanner.")],
    relative_uncertainty: Annotated[
        float, typer.Option(help="Relative standard uncertainty of that scale, tilt included.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="F.cal", help="The certificate.")],
    days: Annotated[float, typer.Option(help="Validity in days.", min=0.01, max=3660)] = 90,
    transfer: Annotated[
        Literal["srgb", "linear"], typer.Option(help="How the camera's codes relate to light.")
    ] = "srgb",
    conditions: Annotated[str, typer.Option(help="Settings and conditions, in words.")] = "",
) -> None:
    """Write a certificate from a stated scale. It says that nothing was measured.

    Example: `hallmark calibrate nominal --camera scanner-1 --mm-per-px 0.0211667 --relative-uncertainty 0.002
    -o scanner.cal`
    """
    from calibration import CameraCalibration
    from hallmark.calibrate.files import refuse_existing

    refuse_existing(out)
    now = _now()
    certificate = CameraCalibration.nominal(
        camera=camera, mm_per_px=mm_per_px, relative_uncertainty=relative_uncertainty,
        issued=now, valid_until=now + timedelta(days=days), transfer=transfer, conditions=conditions,
    )  # fmt: skip
    certificate.save(out)
    print(f"{out}  camera {camera}, {mm_per_px:g} mm/px, valid until {certificate.valid_until:%Y-%m-%d}")


def _make_lens(
    stated: Stated,
    target: Path,
    out: Path,
    key: Path | None,
    *,
    as_json: bool,
    **pictures: Any,  # noqa: ANN401
) -> None:
    from hallmark.calibrate.feedback import feedback, finish
    from hallmark.calibrate.make import Given, make_lens

    given = Given(_target(target), **pictures)
    with feedback(len(given.lens), as_json=as_json) as watch:
        made = make_lens(stated, given, out, _key(key), watch)
    finish(made, out, stated.now, as_json=as_json)


def _stated(
    camera: str, lens: str | None, kind: Literal["perspective", "telecentric"] | None,
    transfer: Literal["srgb", "linear"] | None, pixel_format: str | None, exposure_us: float | None,
    gain: float | None, aperture: str, temperature_c: float | None, u_temperature_c: float, conditions: str,
    days: float,
) -> Stated:  # fmt: skip
    from calibration import Temperature
    from hallmark.calibrate.make import Stated

    warm = None if temperature_c is None else Temperature(celsius=temperature_c, u_celsius=u_temperature_c)
    now = _now()
    return Stated(
        camera=camera, now=now, valid_until=now + timedelta(days=days), lens=lens, transfer=transfer,
        pixel_format=pixel_format, exposure_us=exposure_us, gain_db=gain, aperture=aperture,
        conditions=conditions, temperature=warm, kind=kind,
    )  # fmt: skip


def _target(path: Path) -> Any:  # noqa: ANN401
    from calibration import Target

    return Target.open(path)


def _files(given: list[Path] | None, option: str) -> tuple[Path, ...]:
    from hallmark.calibrate.pictures import files_of

    return files_of(given or [], option)


def _key(path: Path | None) -> SigningKey | None:
    from golden.keys import SigningKey

    return None if path is None else SigningKey.load(path)


def _opened(path: Path, now: datetime) -> CameraCalibration:
    from calibration import CameraCalibration

    return CameraCalibration.open(path, now=now)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
