"""The least maximum: the small linear programme behind every zone, envelope and local size."""

from __future__ import annotations

import numpy as np

from kernels.compiled import F64, I64, compiled

_FAR = 1e7  # how far below everything the bounds of an unbounded problem lie, in units of its values
_TIGHT = 1e-11
_STEPS = 500


@compiled
def least_maximum(rows: F64, values: F64) -> tuple[F64, I64, F64]:
    """Find x that makes max_i (values[i] - rows[i] . x) least, exactly, for many sets of values.

    The dual simplex method on p + 1 active rows, which for two-sided rows is Stiefel's exchange algorithm
    (E. Stiefel, Numer. Math. 1, 1-28, 1959, doi:10.1007/BF01386369).

    Args:
        rows: (m, p), p from 0 to 3.
        values: (r, m) sets of values.

    Returns:
        (r, p + 1) x and the least maximum h; (r, p + 1) the active rows, m and above where the problem is
        unbounded; (r, p + 1) their weights: not negative, sum 1, dh / d(values) of the active rows.
    """
    m, p = rows.shape
    k = p + 1
    solutions = np.zeros((len(values), k))
    actives = np.zeros((len(values), k), np.int64)
    duals = np.zeros((len(values), k))
    # m real rows, then p + 1 that hold x anywhere, far below
    every = np.zeros((m + k, k))
    every[:, p] = 1.0
    every[:m, :p] = rows
    for j in range(p):
        every[m + j, j] = 1.0
        every[m + p, j] = -1.0
    basis = np.empty((k, k))
    for r in range(len(values)):
        scale = 1e-300
        for i in range(m):
            scale = max(scale, abs(values[r, i]))
        active, weights = actives[r], duals[r]
        for j in range(k):  # weights do not depend on values: where one set ended the next can begin
            active[j] = m + j if r == 0 else actives[0, j]
            weights[j] = 1.0 / k if r == 0 else duals[0, j]
        entering = np.empty(k)
        for _ in range(_STEPS):
            right = np.empty(k)
            for j in range(k):
                for c in range(k):
                    basis[j, c] = every[active[j], c]
                right[j] = values[r, active[j]] if active[j] < m else -_FAR * scale
            solution = _solve(basis, right)
            worst, most = -1, -1.0
            for i in range(m):
                over = values[r, i] - solution[p]
                for c in range(p):
                    over -= rows[i, c] * solution[c]
                if over > most:
                    worst, most = i, over
            solutions[r] = solution
            if worst < 0 or most <= _TIGHT * scale:
                break
            for c in range(k):
                entering[c] = every[worst, c]
            y = _solve(basis.T.copy(), entering)
            leaving, least = -1, np.inf
            for j in range(k):
                if y[j] > 1e-13:
                    ratio = weights[j] / y[j]
                    if ratio < least or (ratio == least and y[j] > y[leaving]):
                        leaving, least = j, ratio
            for j in range(k):
                weights[j] = max(weights[j] - least * y[j], 0.0)
            active[leaving], weights[leaving] = worst, least
    return solutions, actives, duals


@compiled
def _solve(matrix: F64, right: F64) -> F64:
    """Solve a small system by elimination with row pivoting."""
    a, b = matrix.copy(), right.copy()
    n = len(b)
    for i in range(n):
        pivot = i
        for j in range(i + 1, n):
            if abs(a[j, i]) > abs(a[pivot, i]):
                pivot = j
        if pivot != i:
            for c in range(n):
                a[i, c], a[pivot, c] = a[pivot, c], a[i, c]
            b[i], b[pivot] = b[pivot], b[i]
        for j in range(i + 1, n):
            factor = a[j, i] / a[i, i]
            for c in range(i, n):
                a[j, c] -= factor * a[i, c]
            b[j] -= factor * b[i]
    for i in range(n - 1, -1, -1):
        for c in range(i + 1, n):
            b[i] -= a[i, c] * b[c]
        b[i] /= a[i, i]
    return b
