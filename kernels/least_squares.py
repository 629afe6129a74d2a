"""Least squares over the pixels of a window: small normal equations, and what correlated noise does.

What correlates the noise of neighbouring pixels (demosaicing, JPEG blocks) is measured from the residuals by
the sandwich estimator in two dimensions (Conley 1999, doi:10.1016/S0304-4076(98)00084-0) with a flat-top
window (Politis and Romano 1995, doi:10.1111/j.1467-9892.1995.tb00223.x).
"""

from __future__ import annotations

import math

from kernels.compiled import F64, compiled

_LAG = 4  # reach of the flat-top window, pixels


@compiled
def factor(a: F64, n: int) -> bool:
    """Replace a symmetric n x n matrix's lower triangle by its Cholesky factor; False if not positive."""
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= a[i, k] * a[j, k]
            if i == j:
                if s <= 0.0:
                    return False
                a[i, i] = math.sqrt(s)
            else:
                a[i, j] = s / a[j, j]
    return True


@compiled
def substitute(a: F64, b: F64, n: int) -> None:
    """Solve with a factor of `factor` in place: b becomes the solution."""
    for i in range(n):
        s = b[i]
        for k in range(i):
            s -= a[i, k] * b[k]
        b[i] = s / a[i, i]
    for i in range(n - 1, -1, -1):
        s = b[i]
        for k in range(i + 1, n):
            s -= a[k, i] * b[k]
        b[i] = s / a[i, i]


@compiled
def substitute_half(a: F64, b: F64, n: int) -> None:
    """Divide b by a factor of `factor` in place: products of two such are those by the inverse."""
    for i in range(n):
        for k in range(i):
            b[i] -= a[i, k] * b[k]
        b[i] /= a[i, i]


@compiled
def correlation(pixels: F64, variance: float) -> float:
    """Return by what factor a position's variance exceeds that of white noise, 1 where noise is white.

    It counts noise that neighbours share, and noise that is stronger where it matters more or less. Residuals
    of a fit are themselves correlated: what they give for white noise, by the hat matrix, is divided out.

    Args:
        pixels: (h, w, 3 + p) float64 of a window: influence of a pixel on x and on y, its residual, and its
            derivatives divided by the factor of the normal matrix; zero where it does not count.
        variance: of a residual, degrees of freedom taken into account.
    """
    height, width, size = pixels.shape
    found, white, alone = 0.0, 0.0, 0.0
    for y in range(height):
        for x in range(width):
            a = pixels[y, x]
            if a[0] == 0.0 and a[1] == 0.0:
                continue
            for v in range(max(y - _LAG + 1, 0), min(y + _LAG, height)):
                for u in range(max(x - _LAG + 1, 0), min(x + _LAG, width)):
                    b = pixels[v, u]
                    influence = a[0] * b[0] + a[1] * b[1]
                    if influence == 0.0:
                        continue
                    influence *= min(1.0, 2.0 - 2.0 * abs(v - y) / _LAG) * min(
                        1.0, 2.0 - 2.0 * abs(u - x) / _LAG
                    )
                    hat = 0.0
                    for i in range(3, size):
                        hat -= a[i] * b[i]
                    if u == x and v == y:
                        hat += 1.0
                        alone += influence
                    found += influence * a[2] * b[2]
                    white += influence * hat
    if white <= 0.05 * alone:
        return 1.0
    return found / (variance * white)
