"""The sums and the warp that follow artwork, against SciPy's interpolation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from kernels.artwork import block_edges, block_offsets, block_step, closest_shift, displaced

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
    block_edges(unit, BLOCKS, out)
    gy, gx = np.gradient(unit.astype(float))
    np.testing.assert_allclose(out, [blocks(gx * gx), blocks(gx * gy), blocks(gy * gy)], atol=1e-9)


@pytest.mark.parametrize("scale", [1, 4])
def test_offsets_are_of_the_displaced_picture(scale: int) -> None:
    golden, unit = smooth(1), smooth(2)
    out = np.full((3, BLOCKS * BLOCKS), np.nan)
    block_offsets(golden, unit, C, scale, BLOCKS, out)
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
    block_step(np.array([xx, xy, yy]), offsets, basis, 0.25, step)
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
