"""The sums and the warp that follow artwork, against SciPy's interpolation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from kernels.artwork import (
    bent,
    bent_offsets,
    block_edges,
    block_offsets,
    block_step,
    closest_shift,
    common_offset,
    displaced,
    relax,
)

H, W, BLOCKS = 90, 110, 8
U8 = npt.NDArray[np.uint8]
F64 = npt.NDArray[np.float64]


def smooth(seed: int) -> U8:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(0, 1, (H, W)), 4)
    return np.asarray(np.clip(128 + 900 * noise, 0, 255), np.uint8)


def field(c: F64, scale: float = 1) -> tuple[F64, F64]:
    """Return the displacement (h, w) along x and y."""
    v, u = np.meshgrid((2 * np.arange(H) + 1) / H - 1, (2 * np.arange(W) + 1) / W - 1, indexing="ij")
    basis = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=-1)
    return (basis @ c)[..., 0] / scale, (basis @ c)[..., 1] / scale


def blocks(values: F64) -> F64:
    """Return sums over blocks (BLOCKS * BLOCKS,) of what is not at the outermost pixels."""
    inner = np.zeros((H, W))
    inner[1:-1, 1:-1] = values[1:-1, 1:-1]
    rows, columns = np.arange(H) * BLOCKS // H, np.arange(W) * BLOCKS // W
    out = np.zeros((BLOCKS, BLOCKS))
    np.add.at(out, (rows[:, None], columns[None, :]), inner)
    return out.ravel()


C = np.array([[1.4, -2.3], [0.6, 0.2], [-0.4, 0.5], [0.3, -0.2], [0.1, 0.2], [-0.2, 0.3]])


def test_edges_are_products_of_central_differences_summed_over_blocks() -> None:
    unit = smooth(1)
    out = np.full((3, BLOCKS * BLOCKS), np.nan)
    block_edges(unit, BLOCKS, BLOCKS, out)
    gy, gx = np.gradient(unit.astype(float))
    np.testing.assert_allclose(out, [blocks(gx * gx), blocks(gx * gy), blocks(gy * gy)], atol=1e-9)


@pytest.mark.parametrize("scale", [1, 4])
def test_offsets_are_of_the_displaced_picture(scale: int) -> None:
    golden, unit = smooth(1), smooth(2)
    out = np.full((3, BLOCKS * BLOCKS), np.nan)
    block_offsets(golden, unit, C, scale, BLOCKS, BLOCKS, out)
    dx, dy = field(C, scale)
    rows, columns = np.mgrid[0:H, 0:W]
    at = np.array([rows - dy, columns - dx])
    seen = ndimage.map_coordinates(golden.astype(float), at, order=1, mode="nearest")
    there = (at[0] >= 0) & (at[0] < H - 1) & (at[1] >= 0) & (at[1] < W - 1)
    off = np.where(there, seen - unit, 0)
    gy, gx = np.gradient(unit.astype(float))
    inner = np.zeros((BLOCKS, BLOCKS), np.bool_)
    inner[1:-1, 1:-1] = True  # a run that leaves the picture is cut at another pixel
    expected = np.array([blocks(gx * off), blocks(gy * off), blocks(np.abs(off))])[:, inner.ravel()]
    np.testing.assert_allclose(out[:, inner.ravel()], expected, rtol=0.05, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize("moved", [(0, 0), (5, -3), (-6, 6)])
def test_the_closest_shift_is_that_of_the_least_absolute_difference(moved: tuple[int, int]) -> None:
    golden = smooth(1)
    noise = np.random.default_rng(3).integers(-20, 21, (H, W))
    unit = np.clip(np.roll(golden, moved[::-1], axis=(0, 1)) + noise, 0, 255).astype(np.uint8)
    assert closest_shift(golden, unit, 6) == moved


@pytest.mark.parametrize("seed", range(6))
def test_a_shift_that_is_hardly_closer_than_others_is_found(seed: int) -> None:
    golden, unit = np.random.default_rng(seed).integers(0, 256, (2, 30, 34), np.uint8)
    middle = golden[4:-4, 4:-4].astype(int)
    costs = {
        (x, y): int(np.abs(middle - unit[4 + y : 26 + y, 4 + x : 30 + x]).sum())
        for x in range(-4, 5) for y in range(-4, 5)
    }  # fmt: skip
    assert closest_shift(golden, unit, 4) == min(costs, key=lambda at: costs[at])


def test_of_shifts_that_fit_as_well_none_at_all_is_taken() -> None:
    stripes = np.tile(np.array([0, 0, 200, 200], np.uint8), (H, W // 4 + 1))[:, :W].copy()
    assert closest_shift(stripes, stripes, 6) == (0, 0)


@pytest.mark.parametrize("outlier", [False, True])
def test_a_step_solves_for_the_displacement_and_leaves_a_block_that_contradicts(outlier: bool) -> None:
    middle = (2 * np.arange(BLOCKS) + 1) / BLOCKS - 1
    u, v = (axis.ravel() for axis in np.meshgrid(middle, middle))
    basis = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1)
    rng = np.random.default_rng(4)
    xx, yy = rng.uniform(5e5, 1e6, (2, BLOCKS * BLOCKS))
    xy = 0.5 * np.sqrt(xx * yy) * rng.uniform(-1, 1, len(xx))
    there = basis @ (0.1 * C)
    if outlier:
        there[10] += 6
    offsets = np.array([xx * there[:, 0] + xy * there[:, 1], xy * there[:, 0] + yy * there[:, 1], xx])
    step = np.empty((6, 2))
    block_step(np.array([xx, xy, yy]), offsets, basis, 0.25, 0.002, np.zeros((6, 2)), step)
    np.testing.assert_allclose(step, 0.1 * C, atol=0.005 if outlier else 0.002)


def test_the_warp_moves_by_shift_and_field_and_leaves_the_unit_where_it_does_not_reach() -> None:
    golden, unit = smooth(1), smooth(2)
    out = np.empty_like(unit)
    displaced(golden, unit, C, 3, -2, out)
    dx, dy = field(C)
    rows, columns = np.mgrid[0:H, 0:W]
    at = np.array([rows - dy + 2, columns - dx - 3])
    seen = ndimage.map_coordinates(golden.astype(float), at, order=1, mode="nearest")
    well = (at[0] > 1) & (at[0] < H - 3) & (at[1] > 1) & (at[1] < W - 3)
    assert np.abs(out - seen)[well].max() <= 6  # a run of 16 px has one displacement
    assert np.abs(out - seen)[well].mean() < 1
    gone = (at[0] < -1) | (at[0] > H) | (at[1] < -1) | (at[1] > W)
    assert gone.sum() > 100
    np.testing.assert_array_equal(out[gone], unit[gone])


def test_no_displacement_is_the_picture_itself_but_for_its_last_row_and_column() -> None:
    golden, unit = smooth(1), smooth(2)
    out = np.empty_like(unit)
    displaced(golden, unit, np.zeros((6, 2)), 0, 0, out)
    np.testing.assert_array_equal(out[:-1, :-1], golden[:-1, :-1])
    np.testing.assert_array_equal(out[-1], unit[-1])
    np.testing.assert_array_equal(out[:, -1], unit[:, -1])


NODES = ndimage.gaussian_filter(np.random.default_rng(5).normal(0, 6, (6, 7, 2)), (1, 1, 0))


def at_nodes(nodes: F64) -> tuple[F64, F64]:
    """Return a bent displacement (h, w) along x and y; SciPy interpolates."""
    rows, columns = nodes.shape[:2]
    i = np.clip((np.arange(H) + 0.5) * rows / H - 0.5, 0, rows - 1)
    k = np.clip((np.arange(W) + 0.5) * columns / W - 0.5, 0, columns - 1)
    at = np.array(np.meshgrid(i, k, indexing="ij"))
    dx, dy = (ndimage.map_coordinates(nodes[..., axis], at, order=1) for axis in (0, 1))
    return dx, dy


def test_the_bent_warp_moves_by_shift_and_nodes_and_leaves_the_unit_where_it_does_not_reach() -> None:
    golden, unit = smooth(1), smooth(2)
    out = np.empty_like(unit)
    bent(golden, unit, NODES, 3, -2, out)
    dx, dy = at_nodes(NODES)
    rows, columns = np.mgrid[0:H, 0:W]
    at = np.array([rows - dy + 2, columns - dx - 3])
    seen = ndimage.map_coordinates(golden.astype(float), at, order=1, mode="nearest")
    there = (at[0] >= 0.01) & (at[0] < H - 1.01) & (at[1] >= 0.01) & (at[1] < W - 1.01)
    assert 0.8 < there.mean() < 0.97
    assert np.abs(out - seen)[there].max() <= 1
    gone = (at[0] < -0.01) | (at[0] >= H - 0.99) | (at[1] < -0.01) | (at[1] >= W - 0.99)
    np.testing.assert_array_equal(out[gone], unit[gone])


def test_offsets_of_a_bent_picture_are_summed_over_four_blocks_of_a_node() -> None:
    golden, unit = smooth(1), smooth(2)
    out = np.full((3, 4 * 6 * 7), np.nan)
    bent_offsets(golden, unit, NODES, out)
    moved = np.empty_like(unit)
    bent(golden, unit, NODES, 0, 0, moved)
    gy, gx = np.gradient(unit.astype(float))
    off = moved.astype(float) - unit
    rows, columns = np.arange(1, H - 1) * 12 // H, np.arange(1, W - 1) * 14 // W
    expected = np.zeros((3, 12, 14))
    for k, values in enumerate((gx * off, gy * off, np.abs(off))):
        np.add.at(expected[k], (rows[:, None], columns[None, :]), values[1:-1, 1:-1])
    np.testing.assert_allclose(out, expected.reshape(3, -1), atol=0.01 * np.abs(expected).max())


def square_basis() -> F64:
    middle = (2 * np.arange(BLOCKS) + 1) / BLOCKS - 1
    u, v = (axis.ravel() for axis in np.meshgrid(middle, middle))
    return np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1)


def test_a_step_is_held_where_edges_are_missing_by_as_much_as_they_are() -> None:
    """Against NumPy's least squares, each spring an equation of its own."""
    basis, rng = square_basis(), np.random.default_rng(4)
    strength = np.where(np.arange(BLOCKS * BLOCKS) % BLOCKS < 3, 1e6, 0.0)
    angle = rng.uniform(0, np.pi, len(strength))
    normals = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    xx, xy, yy = (strength * normals[:, i] * normals[:, k] for i, k in ((0, 0), (0, 1), (1, 1)))
    there = basis @ (0.02 * C)
    offsets = np.array([xx * there[:, 0] + xy * there[:, 1], xy * there[:, 0] + yy * there[:, 1], xx])
    step = np.empty((6, 2))
    moved, share = 0.3 * C, 0.01
    block_step(np.array([xx, xy, yy]), offsets, basis, 1e9, share, moved, step)
    least = share * 0.5 * strength.mean()
    along = np.stack((-normals[:, 1], normals[:, 0]), axis=1)
    rows, sides = [], []
    for weight, way, target in (
        (strength, normals, (there * normals).sum(axis=1)),
        (np.maximum(least - strength, 0), normals, -(basis @ moved * normals).sum(axis=1)),
        (np.full(len(strength), least), along, -(basis @ moved * along).sum(axis=1)),
    ):
        rows.append(np.sqrt(weight)[:, None] * np.hstack((basis * way[:, :1], basis * way[:, 1:])))
        sides.append(np.sqrt(weight) * target)
    expected = np.linalg.lstsq(np.vstack(rows), np.concatenate(sides))[0]
    np.testing.assert_allclose(step.T.ravel(), expected, atol=0.02 * np.abs(expected).max())


def test_offsets_that_neighbours_have_in_common_count_and_others_cancel() -> None:
    rng = np.random.default_rng(6)
    n = BLOCKS * BLOCKS
    xx, yy = rng.uniform(5e5, 1e6, (2, n))
    edges, still = np.array([xx, np.zeros(n), yy]), np.zeros((n, 2))
    bend = np.sin(np.arange(n) % BLOCKS / 2)
    shared = np.array([0.1 * xx, bend * yy, xx])
    assert common_offset(edges, shared, still, BLOCKS) == pytest.approx(np.sqrt((bend**2).mean()), rel=0.15)
    alone = rng.choice([-1.0, 1.0], (3, n)) * edges
    assert common_offset(edges, alone, still, BLOCKS) < 0.5
    moves = np.stack((np.full(n, 0.1), bend), axis=1)
    assert common_offset(edges, shared, moves, BLOCKS) == pytest.approx(0, abs=1e-6)


def relaxed(there: F64, edges: F64, robust: float) -> F64:
    """Return the bend that offsets of a displacement at blocks, (2 rows, 2 columns, 2), lead to."""
    (xx, xy, yy), (dx, dy) = edges, there.reshape(-1, 2).T
    offsets = np.array([xx * dx + xy * dy, xy * dx + yy * dy, xx])
    bend = np.zeros((there.shape[0] // 2, there.shape[1] // 2, 2))
    for _ in range(8):
        relax(edges, offsets, robust, bend)
        moved = np.repeat(np.repeat(bend, 2, axis=0), 2, axis=1).reshape(-1, 2)
        dx, dy = there.reshape(-1, 2).T - moved.T
        offsets = np.array([xx * dx + xy * dy, xy * dx + yy * dy, xx])
    return bend


def test_nodes_follow_what_their_blocks_tell_and_pass_one_by_that_contradicts() -> None:
    rows, columns = 10, 12
    i, k = np.mgrid[0 : 2 * rows, 0 : 2 * columns] // 2
    there = np.stack((np.sin(i / 4), 0.5 * np.cos(k / 4)), axis=-1)
    edges = np.full((3, i.size), 1e6)
    edges[1] = 2e5
    wanted = there[::2, ::2].copy()
    np.testing.assert_allclose(relaxed(there, edges, 0.5), wanted, atol=0.15)
    there[8, 8:10] += 5  # half a node's blocks
    np.testing.assert_allclose(relaxed(there, edges, 0.5), wanted, atol=0.15)
    torn = there.copy()
    torn[8:12, 8:12] += 3  # four nodes tell a dent that no sheet has
    assert np.abs(relaxed(torn, edges, 0.5) - wanted).max() < 1.5


def test_nodes_without_edges_lie_between_those_that_have_some() -> None:
    rows, columns = 8, 9
    edges = np.zeros((3, 4 * rows * columns))
    column = np.arange(edges.shape[1]) % (2 * columns)
    edges[:, (column < 4) | (column > 13)] = np.array([[1e6], [0], [1e6]])
    there = np.zeros((2 * rows, 2 * columns, 2))
    there[:, :9], there[:, 9:] = (1.0, -0.5), (2.0, 0.5)
    bend = relaxed(there, edges, 9.0)
    for axis, low, high in ((0, 1.0, 2.0), (1, -0.5, 0.5)):
        assert (np.diff(bend[..., axis], axis=1) > -1e-3).all()
        assert bend[..., axis].min() > low - 0.01
        assert bend[..., axis].max() < high + 0.01
