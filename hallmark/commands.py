"""Which modules bring commands, and which errors are bad input (exit code 2) and not a fault of ours."""

from __future__ import annotations

from collections.abc import Callable

import typer

from hallmark import (
    api_key,
    calibrate_cli,
    colour_cli,
    demo_cli,
    dispute_cli,
    doctor,
    eligibility,
    explain_cli,
    export_cli,
    golden_cli,
    inspect_cli,
    lot_cli,
    measure_cli,
    model_cli,
    quality_cli,
    replay,
    serve_cli,
    station_cli,
    study_cli,
    variation_cli,
)

ALL: tuple[Callable[[typer.Typer], None], ...] = (
    doctor.register,
    golden_cli.register,
    variation_cli.register,
    calibrate_cli.register,
    inspect_cli.register,
    explain_cli.register,
    measure_cli.register,
    colour_cli.register,
    model_cli.register,
    lot_cli.register,
    demo_cli.register,
    quality_cli.register,
    study_cli.register,
    export_cli.register,
    dispute_cli.register,
    eligibility.register,
    serve_cli.register,
    replay.register,
    station_cli.register,
)


def input_errors() -> tuple[type[BaseException], ...]:
    """Return the base error of each room; imported only once an error is on its way out."""
    from api.errors import ApiError
    from calibration import CalibrationError
    from datasets import DatasetError
    from evidence import FrameError
    from golden.errors import GoldenError
    from hallmark.demo.errors import DemoError
    from hallmark.errors import DisputeError, ExportError, ReadingFileError, TrainingError
    from hallmark.report.paper import ReportError
    from models import ModelError
    from quality import QualityError
    from stations import StationError
    from vision import VariationError

    return (
        ApiError,
        CalibrationError,
        DatasetError,
        DemoError,
        DisputeError,
        ExportError,
        FrameError,
        GoldenError,
        ModelError,
        QualityError,
        ReadingFileError,
        ReportError,
        StationError,
        VariationError,
        TrainingError,
        api_key.ApiKeyFileError,
        eligibility.OracleError,
        lot_cli.LotError,
        quality_cli.TableError,
    )
