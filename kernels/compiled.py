# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
"""The door to numba: ahead-of-use compilation into a cache, one thread, no Python objects.

Beside it only `kernels.fixed_point`, which gives kernels instructions that numba has no words for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_F = TypeVar("_F", bound=Callable[..., Any])


def compiled(function: _F) -> _F:
    """Compile a kernel for one thread, cached on disk, without the GIL; results do not depend on threads."""
    return cast("_F", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def contracted(function: _F) -> _F:
    """Compile as `compiled`, with products and sums fused where the processor can.

    Faster by a tenth, and the last bit depends on the processor: for pictures, not for records.
    """
    return cast(
        "_F",
        numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})(function),
    )


def inlined(function: _F) -> _F:
    """Compile a part of a kernel into each place that calls it, so that its loop can become vectors."""
    return cast("_F", numba.njit(error_model="numpy", inline="always")(function))
