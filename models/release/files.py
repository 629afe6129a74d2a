# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""The files of a release, each read only where its bytes are the ones that were listed."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,  # noqa: A004 (the runtime's name for an operator that it does not have)
    RuntimeException,
)

from evidence import sha256
from models.card import CARD
from models.errors import ModelAlteredError, ModelFormatError

RUNTIME_ERRORS: Final[tuple[type[Exception], ...]] = (
    Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented, RuntimeException,
)  # fmt: skip


def read_listed(folder: Path, name: str, digest: str, lister: str = CARD) -> bytes:
    """Return a file's bytes.

    Raises:
        ModelFormatError: it cannot be read.
        ModelAlteredError: its digest is not the one that `lister` names.
    """
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFormatError(f"{path}: {error.strerror}; take the model as it was released") from error
    if sha256(data) != digest:
        raise ModelAlteredError(
            f"{path}: its bytes are not the ones that {lister} names ({digest}); "
            "take the model as it was released"
        )
    return data


def read_arrays(
    folder: Path, name: str, digest: str, *names: str, also: tuple[str, ...] = ()
) -> list[npt.NDArray[Any]]:
    """Return arrays of an `.npz`, those of `also` where it has them.

    Raises as `read_listed`, and ModelFormatError where it holds others.
    """
    data = read_listed(folder, name, digest)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return [stored[one] for one in (*names, *(one for one in also if one in stored))]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelFormatError(f"{folder / name}: {error}; take the model as it was released") from error


def session(data: bytes, source: Path) -> onnxruntime.InferenceSession:
    """Return a network that runs on one thread, the same way each time.

    Raises:
        ModelFormatError: the bytes are no network that this runtime knows.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # errors are raised
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise ModelFormatError(f"{source}: {error}; take the model as it was released") from error
