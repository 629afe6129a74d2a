"""Which modules bring commands, and which errors are bad input (exit code 2) and not a fault of ours."""

from __future__ import annotations

from collections.abc import Callable

import typer

from hallmark import doctor, eligibility

ALL: tuple[Callable[[typer.Typer], None], ...] = (doctor.register, eligibility.register)


def input_errors() -> tuple[type[BaseException], ...]:
    """Return the base error of each room; imported only once an error is on its way out."""
    from datasets import DatasetError
    from evidence import FrameError
    from quality import QualityError

    return (DatasetError, FrameError, QualityError, eligibility.OracleError)
