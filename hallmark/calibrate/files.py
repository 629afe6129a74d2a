"""What a calibration writes: the certificate, its picture, the pattern of pixels; all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from calibration import CalibrationError
from golden.sample import write_file


def beside(certificate: Path, ending: str) -> Path:
    """Return the path of a file that belongs to a certificate.

    Raises:
        CalibrationError: the certificate would have no name, or the very same one.
    """
    if not certificate.name:
        raise CalibrationError(f"{certificate} is no file: name the certificate, such as cell-3.cal")
    path = certificate.with_name(certificate.stem + ending)
    if path == certificate:
        raise CalibrationError(f"{path} is what lies beside the certificate: end its own name with .cal")
    return path


def refuse_existing(*paths: Path) -> None:
    """Raise CalibrationError where a file is in the way, or there is no folder to write to."""
    for path in paths:
        if path.exists():
            raise CalibrationError(
                f"{path} exists and is not overwritten, records may name it: choose another file"
            )
        if not path.parent.is_dir():
            raise CalibrationError(f"{path.parent} is no folder: make it, or choose another")


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write new files, each whole; where one cannot be written, none stays.

    Raises:
        CalibrationError: a file is in the way.
        GoldenError: a file cannot be written.
    """
    refuse_existing(*files)
    written: list[Path] = []
    try:
        for path, data in files.items():
            write_file(path, data)
            written.append(path)
    except BaseException:  # whatever it is goes on its way; no part of a set stays
        for path in written:
            path.unlink(missing_ok=True)
        raise
