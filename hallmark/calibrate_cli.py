"""`hallmark calibrate`: camera certificates. For now from a stated scale; measured ones follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer


def register(app: typer.Typer) -> None:
    """Add `hallmark calibrate`."""
    calibrate = typer.Typer(name="calibrate", help="Camera certificates.", no_args_is_help=True)
    calibrate.callback()(_group)
    calibrate.command()(nominal)
    app.add_typer(calibrate)


def _group() -> None:
    """Camera certificates: what turns pixels into millimetres, and until when."""


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
    from calibration import CalibrationError, CameraCalibration

    if out.exists():
        raise CalibrationError(
            f"{out} exists and is not overwritten, records may name it: choose another file"
        )

    now = datetime.now(UTC).replace(microsecond=0)
    certificate = CameraCalibration.nominal(
        camera=camera, mm_per_px=mm_per_px, relative_uncertainty=relative_uncertainty,
        issued=now, valid_until=now + timedelta(days=days), transfer=transfer, conditions=conditions,
    )  # fmt: skip
    certificate.save(out)
    print(f"{out}  camera {camera}, {mm_per_px:g} mm/px, valid until {certificate.valid_until:%Y-%m-%d}")
