"""Options that the commands of `hallmark calibrate` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Images = Annotated[
    list[Path],
    typer.Option(metavar="FOLDER|FILE", help="Pictures of the target, each in another pose; repeatable."),
]
More = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE...]", help="More such pictures, so that a shell may expand --images a/*.png."
    ),
]
TargetFile = Annotated[
    Path,
    typer.Option(
        metavar="F.yaml", help="The target's definition, see `hallmark calibrate target`.", exists=True,
        dir_okay=False,
    ),
]  # fmt: skip
CameraId = Annotated[str, typer.Option(metavar="ID", help="Identity of the camera, as stations name it.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="F.cal", help="The certificate; a new file.")]
Base = Annotated[
    Path,
    typer.Argument(
        metavar="F.cal", help="The certificate to complete; it stays.", exists=True, dir_okay=False
    ),
]
LensName = Annotated[str | None, typer.Option("--lens", metavar="TEXT", help="Identity of the lens.")]
KindOption = Annotated[
    Literal["perspective", "telecentric"] | None,
    typer.Option(help="Kind of lens; left out, the pictures decide."),
]
Transfer = Literal["srgb", "linear"]
TransferOption = Annotated[
    Transfer | None,
    typer.Option(help="How codes relate to light; left out: srgb for 8-bit colour files, else linear."),
]
Adaptation = Annotated[
    Literal["Bradford", "CAT16"], typer.Option(help="By which colours come to another illuminant.")
]
PixelFormat = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="GenICam's name: Mono8, Mono12, RGB8, BayerRG12, ...; left out, the files tell."
    ),
]
Exposure = Annotated[float | None, typer.Option(metavar="US", min=0.001, help="Exposure time, microseconds.")]
Gain = Annotated[float | None, typer.Option(metavar="DB", help="Gain.")]
Aperture = Annotated[str, typer.Option(metavar="TEXT", help="Aperture as set, such as f/8.")]
Celsius = Annotated[
    float | None,
    typer.Option(metavar="C", help="Temperature of target and camera; the pitch is then that of it."),
]
UCelsius = Annotated[float, typer.Option(metavar="C", min=0, max=50, help="Its standard uncertainty.")]
Conditions = Annotated[str, typer.Option(metavar="TEXT", help="Light, mount, place: in words.")]
Days = Annotated[float, typer.Option(help="Validity in days.", min=0.01, max=3660)]
Key = Annotated[
    Path | None,
    typer.Option(
        metavar="F.key.json", help="Signs the certificate, see `hallmark golden keygen`.", exists=True,
        dir_okay=False,
    ),
]  # fmt: skip
PlaneImage = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", exists=True, dir_okay=False,
        help="Picture of the target lying where parts will lie. Left out, the picture most square to the "
        "camera is taken, and parts must lie where the target lay in it.",
    ),
]  # fmt: skip
Flats = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER|FILE", help="Frames of an empty, evenly lit surface; for the flat field."),
]
Darks = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER|FILE", help="Frames with the lens cap on, at the same settings."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object at the end; feedback goes to standard error.")
]
