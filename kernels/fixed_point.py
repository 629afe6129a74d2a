# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""Arithmetic of int16 and int32 that stays so narrow: the narrower, the more a processor does at once.

numba widens what it adds, multiplies or shifts to 64 bits. These are exact modulo 2**16 or 2**32, and so the
same on every processor. Both arguments are of one type. For kernels only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

_LLVM = Any  # llvmlite and numba tell no types
_N = TypeVar("_N", np.int16, np.int32)
_WIDE = ir.IntType(32)


def _of_two(build: Callable[[_LLVM, _LLVM, _LLVM], _LLVM]) -> Callable[[_N, _N], _N]:
    """Return a function that kernels call and `build` writes the instructions of."""

    def typed(_typing: object, a: _LLVM, _b: object) -> tuple[_LLVM, _LLVM]:
        def generate(_context: object, builder: _LLVM, _signature: object, values: list[_LLVM]) -> _LLVM:
            return build(builder, *values)

        return a(a, a), generate

    return cast("Callable[[_N, _N], _N]", intrinsic(typed))


def _upper_half(builder: _LLVM, a: _LLVM, b: _LLVM) -> _LLVM:
    return builder.trunc(builder.lshr(builder.mul(a, b), _WIDE(16)), ir.IntType(16))


add = _of_two(lambda builder, a, b: builder.add(a, b))
subtract = _of_two(lambda builder, a, b: builder.sub(a, b))
shift_left = _of_two(lambda builder, a, bits: builder.shl(a, bits))
shift_right = _of_two(lambda builder, a, bits: builder.lshr(a, bits))
"""Without a sign: zeros come in."""
scale = _of_two(lambda builder, a, b: _upper_half(builder, builder.sext(a, _WIDE), builder.sext(b, _WIDE)))
"""a * b / 2**16 of int16, rounded down."""
scale_unsigned = _of_two(
    lambda builder, a, b: _upper_half(builder, builder.zext(a, _WIDE), builder.zext(b, _WIDE))
)
"""a * b / 2**16 of int16 that hold numbers without a sign, rounded down."""
least_unsigned = _of_two(lambda builder, a, b: builder.select(builder.icmp_unsigned("<", a, b), a, b))
