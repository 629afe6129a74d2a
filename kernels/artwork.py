"""A picture of artwork followed onto another by a displacement: sums over blocks, steps, and the warp.

A quadratic displacement, in full pixels, is c[0] + c[1] u + c[2] v + c[3] u^2 + c[4] u v + c[5] v^2, u and v
from -1 to 1 over the picture's pixels, column 0 of c along x, column 1 along y. Pictures may be reduced by
`scale`. It is taken as constant along runs of a row, so that a run is sampled with four fixed weights: fields
of a few pixels over a picture change by some hundredths of a pixel in a run.

A bent one is given at nodes, (rows, columns, 2) in pixels of the pictures, x first, at the middles of as many
equal parts of the picture; linear between them, constant beyond the outermost.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F64, I32, U8, compiled, inlined
from kernels.least_squares import factor, substitute

_RUN = 16
_FINE = 1 << 15  # parts of a pixel
_SPRING = 0.03  # of the edges of a block
_PARTED_PX = 1.0  # neighbours so far apart are held twice as hard
_LINES = 4.0
_SWEEPS = 10
_MOST_ROWS = 128  # each adds at most 255 * 255 * 128 to a sum
_I = (
    np.int32
)  # numba widens sums and products of these: told otherwise at each, loops become vectors of eight
_ONE = np.uint64(1)  # indices without a sign cannot count from the end, or no vectors would be made


@inlined
def _displacement(c: F64, axis: int, u: float, v: float) -> float:
    along = c[0, axis] + (c[1, axis] + c[3, axis] * u) * u
    return along + (c[2, axis] + c[4, axis] * u + c[5, axis] * v) * v


@compiled
def _row_difference(golden: U8, unit: U8, y: int, first: int, count: int, dx: int, dy: int) -> int:
    """Return the sum of |golden - unit| over `count` pixels of a row, the unit's moved by a shift."""
    p, q, r, s = np.uint64(first), np.uint64(first + dx), np.uint64(y), np.uint64(y + dy)
    total = _I(0)
    for i in range(count):
        k = np.uint64(i)
        total = _I(total + _I(abs(_I(_I(golden[r, p + k]) - _I(unit[s, q + k])))))
    return int(total)


@compiled
def closest_shift(golden: U8, unit: U8, reach: int) -> tuple[int, int]:
    """Return dx, dy such that unit(x + dx, y + dy) differs least from golden(x, y), neither beyond `reach`.

    Absolute differences of what is `reach` or more inside the golden picture are summed, each shift's only
    while it can still be the best; of equal ones the first counts, no shift before all others.
    """
    h, w = golden.shape
    best, best_x, best_y = np.int64(1) << 62, 0, 0
    for n in range(-1, (2 * reach + 1) ** 2):
        dx = n % (2 * reach + 1) - reach if n >= 0 else 0
        dy = n // (2 * reach + 1) - reach if n >= 0 else 0
        total = np.int64(0)
        for y in range(reach, h - reach):
            total += _row_difference(golden, unit, y, reach, w - 2 * reach, dx, dy)
            if total >= best:
                break
        if total < best:
            best, best_x, best_y = total, dx, dy
    return best_x, best_y


@compiled
def block_edges(unit: U8, rows: int, columns: int, out: F64) -> None:
    """Sum gx gx, gx gy and gy gy of a picture over blocks.

    Args:
        unit: (h, w) uint8, the outermost pixels of which count for nothing.
        rows: of blocks; a pixel's is y * rows // h.
        columns: of blocks; a pixel's is x * columns // w.
        out: (3, rows * columns) float64, overwritten; gradients are central differences, codes per pixel.
    """
    h, w = unit.shape
    out[:] = 0.0
    sums = np.zeros((3, w), np.int32)
    for y in range(1, h - 1):
        _add_edges(unit, y, sums)
        if _closes(y, h, rows):
            _close_blocks(sums, y * rows // h, columns, out)
    out *= 0.25


@compiled
def _add_edges(unit: U8, y: int, sums: I32) -> None:
    r = np.uint64(y)
    for i in range(1, unit.shape[1] - 1):
        k = np.uint64(i)
        gx = _I(_I(unit[r, k + _ONE]) - _I(unit[r, k - _ONE]))
        gy = _I(_I(unit[r + _ONE, k]) - _I(unit[r - _ONE, k]))
        sums[0, k] += _I(gx * gx)
        sums[1, k] += _I(gx * gy)
        sums[2, k] += _I(gy * gy)


@inlined
def _closes(y: int, h: int, rows: int) -> bool:
    """Tell whether sums of 32 bits are to be added up: a row of blocks ends, or they may soon overflow."""
    return (y + 1) * rows // h != y * rows // h or y == h - 2 or y % _MOST_ROWS == 0


@compiled
def _close_blocks(sums: I32, row: int, columns: int, out: F64) -> None:
    """Add sums over a row of blocks, (3, w), up; leave them at zero."""
    w = sums.shape[1]
    for k in range(3):
        for column in range(columns):
            for x in range(-(-column * w // columns), -(-(column + 1) * w // columns)):
                out[k, row * columns + column] += sums[k, x]
    sums[:] = 0


@compiled
def block_offsets(golden: U8, unit: U8, c: F64, scale: float, rows: int, columns: int, out: F64) -> None:
    """Sum gx off, gy off and |off| over blocks: off is the displaced golden picture less the unit.

    Args:
        golden: (h, w) uint8, displaced, sampled bilinearly to 1/128 px; where it does not reach, off is 0.
        unit: (h, w) uint8, whose gradients count as in `block_edges`.
        c: (6, 2) float64, the displacement.
        scale: by which both are reduced.
        rows: as of `block_edges`.
        columns: as of `block_edges`; each row of a block is a run.
        out: (3, rows * columns) float64, overwritten.
    """
    h, w = unit.shape
    out[:] = 0.0
    sums, seen = np.zeros((3, w), np.int32), np.empty(w, np.int32)
    for y in range(1, h - 1):
        v = (2.0 * y + 1.0) / h - 1.0
        for x in range(w):
            seen[x] = _I(unit[y, x]) << _I(7)
        for column in range(columns):
            first, last = -(-column * w // columns), -(-(column + 1) * w // columns)
            u = (first + last) / w - 1.0
            fx = -_displacement(c, 0, u, v) / scale
            fy = -_displacement(c, 1, u, v) / scale
            left, top = math.floor(fx), math.floor(fy) + y
            begin, end = max(first, -left), min(last, w - 1 - left)
            if 0 <= top < h - 1 and begin < end:
                a, b = (fx - left) * 128, (fy - math.floor(fy)) * 128
                _sample(golden, top, left, int(a), int(b), begin, end, seen)
        _add_offsets(unit, y, seen, sums)
        if _closes(y, h, rows):
            _close_blocks(sums, y * rows // h, columns, out)
    out[:2] *= 1 / 256.0
    out[2] *= 1 / 128.0


@compiled
def _sample(golden: U8, top: int, left: int, right: int, down: int, first: int, last: int, seen: I32) -> None:
    """Write a run of a row in 1/128 codes: between rows `top` and the next, x + `left` and the next."""
    p, q, t = np.uint64(first + left), np.uint64(first), np.uint64(top)
    a, b, c, d = _I(right), _I(down), _I(128 - right), _I(128 - down)
    for i in range(last - first):
        k = np.uint64(i)
        upper = _I(_I(_I(golden[t, p + k]) * c) + _I(_I(golden[t, p + k + _ONE]) * a))
        lower = _I(_I(_I(golden[t + _ONE, p + k]) * c) + _I(_I(golden[t + _ONE, p + k + _ONE]) * a))
        seen[q + k] = _I(_I(_I(upper * d) + _I(lower * b)) >> _I(7))


@compiled
def _add_offsets(unit: U8, y: int, seen: I32, sums: I32) -> None:
    r = np.uint64(y)
    for i in range(1, unit.shape[1] - 1):
        k = np.uint64(i)
        off = _I(seen[k] - _I(_I(unit[r, k]) << _I(7)))
        gx = _I(_I(unit[r, k + _ONE]) - _I(unit[r, k - _ONE]))
        gy = _I(_I(unit[r + _ONE, k]) - _I(unit[r - _ONE, k]))
        sums[0, k] += _I(gx * off)
        sums[1, k] += _I(gy * off)
        sums[2, k] += _I(abs(off))


@compiled
def block_step(
    edges: F64, offsets: F64, basis: F64, robust: float, least: float, moved: F64, out: F64
) -> None:
    """Write what the coefficients change by, (6, 2) in pixels of the pictures, to bring golden onto unit.

    Least squares over blocks, in three rounds: a block that would have moved by `robust` pixels otherwise has
    a quarter of its weight (S. Geman and D. McClure 1987). A block with too few edges across a direction is
    held where it lies without a displacement, by as much as they are too few: a quadratic that nothing tells
    runs away.

    Args:
        edges: of `block_edges`.
        offsets: of `block_offsets`.
        basis: (n, 6) float64, the displacement's terms at the middle of each block.
        robust: pixels.
        least: the edges that a block needs across each direction, as a share of what blocks have on average.
        moved: (6, 2) float64, the displacement so far, pixels of the pictures.
        out: (6, 2) float64, overwritten.
    """
    n = len(basis)
    floor = 1e-3 * (edges[0].mean() + edges[2].mean()) + 1e-3
    held = _held(edges, least * 0.5 * (edges[0].mean() + edges[2].mean()))
    pull = np.zeros((2, n))
    for k in range(n):
        for i in range(6):
            pull[0, k] -= basis[k, i] * (held[0, k] * moved[i, 0] + held[1, k] * moved[i, 1])
            pull[1, k] -= basis[k, i] * (held[1, k] * moved[i, 0] + held[2, k] * moved[i, 1])
    normal, right = np.empty((12, 12)), np.empty(12)
    weights = np.ones(n)
    for _ in range(3):
        normal[:], right[:] = 0.0, 0.0
        for k in range(n):
            w = weights[k]
            xx, xy = w * edges[0, k] + held[0, k], w * edges[1, k] + held[1, k]
            yy = w * edges[2, k] + held[2, k]
            x, y = w * offsets[0, k] + pull[0, k], w * offsets[1, k] + pull[1, k]
            for i in range(6):
                right[i] += basis[k, i] * x
                right[6 + i] += basis[k, i] * y
                for j in range(i + 1):
                    normal[i, j] += basis[k, i] * basis[k, j] * xx
                    normal[6 + i, 6 + j] += basis[k, i] * basis[k, j] * yy
                for j in range(6):
                    normal[6 + i, j] += basis[k, i] * basis[k, j] * xy
        for i in range(12):
            normal[i, i] += floor
        factor(normal, 12)
        substitute(normal, right, 12)
        for k in range(n):
            xx, xy, yy = edges[0, k], edges[1, k], edges[2, k]
            cut = (xx + floor) * (yy + floor) - xy * xy
            x = ((yy + floor) * offsets[0, k] - xy * offsets[1, k]) / cut
            y = ((xx + floor) * offsets[1, k] - xy * offsets[0, k]) / cut
            for i in range(6):
                x -= basis[k, i] * right[i]
                y -= basis[k, i] * right[6 + i]
            squared = (xx * x * x + 2 * xy * x * y + yy * y * y) / (xx + yy + floor)
            weights[k] = 1 / (1 + squared / (robust * robust)) ** 2
    out[:, 0], out[:, 1] = right[:6], right[6:]


@compiled
def _held(edges: F64, least: float) -> F64:
    """Return what each block's sums lack of `least` along each of their principal directions, (3, n)."""
    out = np.empty_like(edges)
    for k in range(edges.shape[1]):
        xx, xy, yy = edges[0, k], edges[1, k], edges[2, k]
        half = 0.5 * (xx - yy)
        root = math.sqrt(half * half + xy * xy)
        across = max(least - 0.5 * (xx + yy) - root, 0.0)
        along = max(least - 0.5 * (xx + yy) + root, 0.0)
        cos, sin = (half / root, xy / root) if root > 0 else (0.0, 0.0)
        out[0, k] = 0.5 * (across + along + (across - along) * cos)
        out[1, k] = 0.5 * (across - along) * sin
        out[2, k] = 0.5 * (across + along - (across - along) * cos)
    return out


@compiled
def common_offset(edges: F64, offsets: F64, moves: F64, columns: int) -> float:
    """Return how far blocks lie off as their neighbours do, in pixels of the pictures.

    The root of the mean product of neighbours' offsets, along x or y, whichever is larger. What single blocks
    have alone, as noise and most defects, cancels.

    Args:
        edges: of `block_edges`.
        offsets: of `block_offsets`.
        moves: (n, 2) float64 pixels by which each block is taken to move before.
        columns: of blocks.
    """
    n = len(moves)
    off, largest = np.empty(n), 0.0
    for axis in range(2):
        strength = edges[2 * axis]
        floor = 0.02 * strength.mean() + 1e-9
        for k in range(n):
            off[k] = offsets[axis, k] - edges[axis, k] * moves[k, 0] - edges[axis + 1, k] * moves[k, 1]
        total, weight = 0.0, 1e-9
        for k in range(n):
            for j in (k + 1, k + columns):
                if j < n and (j != k + 1 or j % columns):
                    total += 2 * off[k] * off[j] / (strength[k] + strength[j] + floor)
                    weight += min(strength[k], strength[j])
        largest = max(largest, math.sqrt(max(total, 0.0) / weight))
    return largest


@compiled
def relax(edges: F64, offsets: F64, robust: float, bend: F64) -> None:
    """Change a bent displacement so that golden comes onto unit, and it stays as smooth as it can.

    Each node has four blocks. A block that would have moved by `robust` pixels otherwise has a quarter of its
    weight. Springs between neighbouring nodes stiffen where they part, so that no defect is followed. What
    moves along x is held harder by neighbours along x, along y by those along y: strips of lines slip whole.

    Args:
        edges: of `block_edges`, twice as many rows and columns of blocks as of nodes.
        offsets: of `bent_offsets` at this bend.
        robust: pixels.
        bend: (rows, columns, 2) float64 at nodes, what is to be smooth of the displacement; changed.
    """
    rows, columns = bend.shape[:2]
    energy = edges[0] + edges[2]
    floor = 0.01 * energy.mean() + 1e-9
    spring = _SPRING * (energy * energy).sum() / (energy.sum() + 1e-9) + 1e-9
    seen = bend.copy()
    for sweep in range(_SWEEPS):
        for a in range(rows):
            for b in range(columns):
                i, k = (a, b) if sweep % 2 == 0 else (rows - 1 - a, columns - 1 - b)
                _settle(edges, offsets, robust, floor, spring, seen, bend, i, k)


@compiled
def _settle(
    edges: F64, offsets: F64, robust: float, floor: float, spring: float, seen: F64, bend: F64, i: int, k: int
) -> None:
    """Move a node to where its blocks and its neighbours are in balance."""
    rows, columns = bend.shape[:2]
    xx, xy, yy, x, y = 0.0, 0.0, 0.0, 0.0, 0.0
    for e in range(4):
        row, column = i + (e == 0) - (e == 1), k + (e == 2) - (e == 3)
        if 0 <= row < rows and 0 <= column < columns:
            px, py = bend[row, column, 0] - bend[i, k, 0], bend[row, column, 1] - bend[i, k, 1]
            hard = spring * (1 + (px * px + py * py) / (_PARTED_PX * _PARTED_PX))
            along_x, along_y = (hard * _LINES, hard / _LINES) if e >= 2 else (hard / _LINES, hard * _LINES)
            xx, yy = xx + along_x, yy + along_y
            x, y = x + along_x * bend[row, column, 0], y + along_y * bend[row, column, 1]
    ux, uy = seen[i, k, 0], seen[i, k, 1]
    for e in range(4):
        n = (2 * i + e // 2) * 2 * columns + 2 * k + e % 2
        p, q, r = edges[0, n], edges[1, n], edges[2, n]
        if p + r > floor:
            gx = offsets[0, n] - p * (bend[i, k, 0] - ux) - q * (bend[i, k, 1] - uy)
            gy = offsets[1, n] - q * (bend[i, k, 0] - ux) - r * (bend[i, k, 1] - uy)
            p_, r_ = p + floor, r + floor
            squared = (r_ * gx * gx - 2 * q * gx * gy + p_ * gy * gy) / ((p_ * r_ - q * q) * (p + r))
            w = 1 / (1 + squared / (robust * robust)) ** 2
            xx, xy, yy = xx + w * p, xy + w * q, yy + w * r
            x += w * (offsets[0, n] + p * ux + q * uy)
            y += w * (offsets[1, n] + q * ux + r * uy)
    cut = xx * yy - xy * xy
    bend[i, k, 0], bend[i, k, 1] = (yy * x - xy * y) / cut, (xx * y - xy * x) / cut


@compiled
def displaced(golden: U8, unit: U8, c: F64, dx: int, dy: int, out: U8) -> None:
    """Write the golden picture moved by a shift and a displacement, sampled bilinearly to 1/128 px.

    Args:
        golden: (h, w) uint8.
        unit: (h, w) uint8, which stands where the golden picture does not reach.
        c: (6, 2) float64.
        dx: whole pixels by which it is moved besides, along x; `dy` along y.
        dy: see `dx`.
        out: (h, w) uint8, overwritten.
    """
    h, w = unit.shape
    seen = np.empty(w, np.int32)
    for y in range(h):
        v = (2.0 * y + 1.0) / h - 1.0
        for x in range(w):
            seen[x] = _I(unit[y, x]) << _I(7)
        for first in range(0, w, _RUN):
            last = min(first + _RUN, w)
            u = (first + last) / w - 1.0
            fx, fy = -_displacement(c, 0, u, v) - dx, -_displacement(c, 1, u, v) - dy
            left, top = math.floor(fx), math.floor(fy) + y
            begin, end = max(first, -left), min(last, w - 1 - left)
            if 0 <= top < h - 1 and begin < end:
                a, b = (fx - left) * 128, (fy - math.floor(fy)) * 128
                _sample(golden, top, left, int(a), int(b), begin, end, seen)
        for x in range(w):
            out[y, x] = np.uint8(_I(seen[x] + _I(64)) >> _I(7))


@compiled
def bent(golden: U8, unit: U8, nodes: F64, dx: int, dy: int, out: U8) -> None:
    """Write the golden picture moved by a shift and a bent displacement, as `displaced` does a quadratic one.

    Args:
        golden: (h, w) uint8.
        unit: (h, w) uint8, which stands where the golden picture does not reach.
        nodes: (rows, columns, 2) float64, at least 2 x 2.
        dx: whole pixels by which it is moved besides, along x; `dy` along y.
        dy: see `dx`.
        out: (h, w) uint8, overwritten.
    """
    h, w = unit.shape
    seen = np.empty(w, np.int32)
    for y in range(h):
        for x in range(w):
            seen[x] = _I(unit[y, x]) << _I(7)
        _bent_row(golden, y, nodes, dx, dy, seen)
        for x in range(w):
            out[y, x] = np.uint8(_I(seen[x] + _I(64)) >> _I(7))


@compiled
def bent_offsets(golden: U8, unit: U8, nodes: F64, out: F64) -> None:
    """Sum as `block_offsets` does, under a bent displacement, over four blocks for each node.

    Args:
        golden: (h, w) uint8.
        unit: (h, w) uint8.
        nodes: (rows, columns, 2) float64, at least 2 x 2.
        out: (3, 4 * rows * columns) float64, overwritten.
    """
    h, w = unit.shape
    rows, columns = 2 * nodes.shape[0], 2 * nodes.shape[1]
    out[:] = 0.0
    sums, seen = np.zeros((3, w), np.int32), np.empty(w, np.int32)
    for y in range(1, h - 1):
        for x in range(w):
            seen[x] = _I(unit[y, x]) << _I(7)
        _bent_row(golden, y, nodes, 0, 0, seen)
        _add_offsets(unit, y, seen, sums)
        if _closes(y, h, rows):
            _close_blocks(sums, y * rows // h, columns, out)
    out[:2] *= 1 / 256.0
    out[2] *= 1 / 128.0


@compiled
def _bent_row(golden: U8, y: int, nodes: F64, dx: int, dy: int, seen: I32) -> None:
    """Write a row of the bent picture in 1/128 codes, where the golden picture reaches."""
    h, w = golden.shape
    rows, columns = nodes.shape[:2]
    at = min(max((y + 0.5) * rows / h - 0.5, 0.0), rows - 1.0)
    i = min(int(at), rows - 2)
    lower = at - i
    pitch = w / columns
    for k in range(-1, columns):
        begin, end = (k + 0.5) * pitch - 0.5, (k + 1.5) * pitch - 0.5
        first = max(math.ceil(begin), 0)
        last = min(math.ceil(end), w)
        p, q = max(k, 0), min(k + 1, columns - 1)
        ax = nodes[i, p, 0] * (1 - lower) + nodes[i + 1, p, 0] * lower
        ay = nodes[i, p, 1] * (1 - lower) + nodes[i + 1, p, 1] * lower
        slope_x = (nodes[i, q, 0] * (1 - lower) + nodes[i + 1, q, 0] * lower - ax) / pitch
        slope_y = (nodes[i, q, 1] * (1 - lower) + nodes[i + 1, q, 1] * lower - ay) / pitch
        left = first - dx - ax - slope_x * (first - begin)
        top = y - dy - ay - slope_y * (first - begin)
        _slant(golden, left, top, 1 - slope_x, -slope_y, first, last, seen)


@compiled
def _slant(
    golden: U8, left: float, top: float, right: float, down: float, first: int, last: int, seen: I32
) -> None:
    """Write pixels of a row in 1/128 codes, sampled along a straight line from left, top by right, down."""
    h, w = golden.shape
    x, y = math.floor(left * _FINE), math.floor(top * _FINE)
    along, across = math.floor(right * _FINE), math.floor(down * _FINE)
    most_x, most_y = (w - 1) * _FINE, (h - 1) * _FINE
    for k in range(first, last):
        if 0 <= x < most_x and 0 <= y < most_y:
            t, s = np.uint64(y >> 15), np.uint64(x >> 15)
            a, b = _I((x >> 8) & 127), _I((y >> 8) & 127)
            c, d = _I(_I(128) - a), _I(_I(128) - b)
            upper = _I(_I(_I(golden[t, s]) * c) + _I(_I(golden[t, s + _ONE]) * a))
            lower = _I(_I(_I(golden[t + _ONE, s]) * c) + _I(_I(golden[t + _ONE, s + _ONE]) * a))
            seen[k] = _I(_I(_I(upper * d) + _I(lower * b)) >> _I(7))
        x += along
        y += across
