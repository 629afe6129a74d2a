"""Which modules bring commands, and which errors are bad input (exit code 2) and not a fault of ours."""

from __future__ import annotations

from collections.abc import Callable

import typer

from hallmark import doctor, eligibility, replay, serve_cli, station_cli

ALL: tuple[Callable[[typer.Typer], None], ...] = (
    doctor.register,
    eligibility.register,
    serve_cli.register,
    replay.register,
    station_cli.register,
)


def input_errors() -> tuple[type[BaseException], ...]:
    """Return the base error of each room; imported only once an error is on its way out."""
    from api.errors import ApiError
    from datasets import DatasetError
    from evidence import FrameError
    from golden.errors import GoldenError
    from quality import QualityError
    from stations import StationError

    return (
        ApiError,
        CalibrationError,
        DatasetError,
        FrameError,
        GoldenError,
        QualityError,
        StationError,
        eligibility.OracleError,
    )
