"""Compile every kernel once, into the cache, so that no station compiles on its first unit."""

from __future__ import annotations

import numpy as np

from kernels.areas import block_ratios, cell_means, exceeding, magnitudes, opponent_differences
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
from kernels.band import CIRCLE, LINE, gather_band
from kernels.band_fit import fit_band
from kernels.bins import light_bins, moments, tile_sums
from kernels.bits import grown, packed, strays, tally
from kernels.calipers import calipers
from kernels.colour import cie76, cie94, ciede2000, ciede2000_each, cmc, differences, din99o
from kernels.comparison import (
    UNIT_GAIN,
    block_means,
    deviation,
    fill_bent_maps,
    mean_light,
    relight,
)
from kernels.compiled import U8, Codes
from kernels.consensus import agreed_circle, agreed_line
from kernels.corners import fit_corners
from kernels.delta_e import delta_e_images, delta_e_map, lab_map
from kernels.dots import fit_dots
from kernels.edges import edges_across
from kernels.field import (
    block_tensors,
    brightness_and_hue,
    fit_spline,
    limited_contrast,
    search_blocks,
    spline_values,
    step_blocks,
)
from kernels.form import least_maximum
from kernels.light import decoding_table, difference_counts, luma_counts, luminance_window
from kernels.map_fit import PROJECTIVE, QUADRATIC, agreed_similarity, fit_models, fit_summary
from kernels.patches import prepare_patches, track_mapped
from kernels.quadratic import middle_of_positive, padded, robust_quadratic
from kernels.row_wave import fit_rows, row_values, row_variances
from kernels.shading import undo_drift
from kernels.warp import halve, warp

SIDE = 64


def compile_all() -> None:
    """Call every kernel with the types that inspections use."""
    table = decoding_table("srgb")
    rgb = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    grey = np.ascontiguousarray(rgb[..., 0])
    light = luminance_window(rgb, table, 0, 0, SIDE, SIDE)
    luma_counts(rgb, 16, 3)
    difference_counts(rgb, table, 2, 255)
    middle = np.full((1, 2), SIDE / 2)
    edges_across(light, middle, np.array([[1.0, 0.0]]), 10.0, 6.0, 1.0, np.zeros(1))
    fit_corners(light, np.array([[32.0, 32.0, 0.1, 1.7, 1.0]]), np.full(1, 9.0), np.full(1, np.inf), 1.0)
    fit_dots(light, np.array([[32.0, 32.0, 9.0, 8.0, 0.1, 1.0]]), np.full(1, 5.0), 1.0)
    shape, span = np.array([0.0, 0.0, 8.0]), np.array([-8.0, 16.0])
    ring, cubic = np.array([0.0, 1e6]), np.zeros((10, 2))
    cubic[1, 0] = cubic[2, 1] = 1.0
    for form in (LINE, CIRCLE):
        calipers(light, -20.0, -20.0, cubic, form, shape, np.zeros(1), 10.0, 6.0, 1.0)
        band = gather_band(light, -20.0, -20.0, cubic, ring, form, shape, 5.0, 8, span)
        fit_band(
            *band, np.ones(8, np.bool_), form, False, np.ones(8), np.ones(256), False, 1.0, shape, 1.0
        )  # fmt: skip
    agreed_circle(np.zeros((6, 2)))
    agreed_line(np.zeros((4, 2)))
    values, gradients, inverses, means, drifts = prepare_patches(grey.astype(np.float32), middle, 8)
    tracked = track_mapped(
        rgb, table, values, gradients, inverses, 8, middle, np.eye(6, 2), 0.0, 0.0, 1.0, 1, 1, 0.1
    )
    undo_drift(tracked, middle, means, drifts, np.eye(6, 2), 0.0, 0.0, 1.0)
    agreed_similarity(middle, middle, 1.0, 1.0, 0.0, 0.0, 1.0)
    fit_summary(middle, middle, np.ones(1), np.eye(6, 2), np.eye(12), 0.0, 0.0, 1.0, middle, False, 0.0)
    fit_models(middle, middle, np.ones((1, 3)), np.eye(6, 2), 0.0, 0.0, 1.0, PROJECTIVE, QUADRATIC)
    maps = np.empty((SIDE, SIDE), np.float32)
    halve(rgb, rgb[: SIDE // 2, : SIDE // 2].copy())
    warp(rgb, np.zeros((6, 2)), 0.0, 0.0, 1.0, 2, rgb.copy())
    every = np.arange(SIDE)
    fill_bent_maps(
        np.zeros((6, 2)), 0.0, 0.0, 1.0, 2, 64.0, np.zeros((6, 6, 2)), every, every, maps, maps.copy()
    )
    relight(rgb, UNIT_GAIN, maps[0], maps[0], rgb.copy())
    both, seen = np.empty((2, SIDE, SIDE), np.float32), np.ones((SIDE, SIDE), np.float32)
    brightness_and_hue(rgb, both)
    limited_contrast(both, both, np.ones(2, np.float32), seen)
    corners = np.full((1, 2), 9, np.int32)
    tensors = block_tensors(seen, corners, 8)
    search_blocks(seen, seen, corners, 8, 2)
    step_blocks(seen, seen, corners, 8, 1.0)
    spline_values(np.zeros((1, 2)), fit_spline(np.zeros((1, 2)), np.zeros((1, 2)), tensors, 5, 5, 1.0, 1.0))
    row, two = np.ones(1), np.ones(2)
    row_values(row, row, fit_rows(row, row, two[None], row, two, 4, 1)[0])
    row_variances(row, row, row, two, 4, 1.0, 1.0)
    block_means(rgb, grey, 8)
    deviation(rgb, UNIT_GAIN, rgb, rgb, grey, grey, grey.copy())
    mean_light(rgb, np.zeros((1, 2), np.int32), UNIT_GAIN, table)
    least_maximum(np.array([[1.0], [-1.0]]), np.ones((1, 2)))
    one, two = np.zeros(3), np.ones(3)
    for formula in (ciede2000, cie76, din99o):
        formula(one, two)
    cie94(one, two, 1.0, 0.045, 0.015)
    cmc(one, two, 2.0, 1.0)
    differences(0, one[None], two[None])
    ciede2000_each(one[None], two[None])
    tables, flat = np.stack((table, table, table)), np.ones((3, SIDE, SIDE), np.float32)
    lab, difference = np.empty((3, SIDE, SIDE), np.float32), np.empty((SIDE, SIDE), np.float32)
    depths: tuple[Codes, Codes] = rgb, rgb.astype(np.uint16)
    for codes in depths:
        for matrix in (np.eye(3, dtype=np.float32), np.eye(3, 13, dtype=np.float32)):
            lab_map(codes, tables, flat, matrix, 1, lab)
            delta_e_map(codes, tables, flat, matrix, lab, 1, difference)
    delta_e_images(lab, lab, difference)
    even = np.ones((1, 1, 3), np.float32)
    for codes in (rgb, rgb.astype(np.uint16)):
        mean, within, clipped = light_bins(codes, table, even, 0, 0, 9, 9)
        moments(mean, within, clipped == 0)
        tile_sums(mean, clipped == 0, 3, 3)
    _compile_areas(rgb)
    _compile_artwork(grey)


def _compile_areas(rgb: U8) -> None:
    cells, found, over = (np.ones((k, 12, 12), np.float32) for k in (3, 3, 1))
    cell_means(rgb, cells)
    places = np.arange(4, dtype=np.int32)
    block_ratios(cells, UNIT_GAIN, cells, places, np.empty((3, 4)))
    opponent_differences(cells, UNIT_GAIN, np.zeros((3, 6)), cells, found[:, :11, :11].copy())
    exceeding(found, cells, cells, np.ones(3, np.float32), np.ones((12, 12), np.uint8), over[0])
    magnitudes(found[0].reshape(-1), places, over[0, 0])
    middle_of_positive(np.abs(over[0, 0]))
    for from_median in (False, True):
        robust_quadratic(padded(np.zeros((2, 9))), padded(np.ones(9)), 9, from_median)


def _compile_artwork(grey: U8) -> None:
    closest_shift(grey, grey, 2)
    edges, offsets, step = np.empty((3, 4)), np.empty((3, 4)), np.zeros((6, 2))
    block_edges(grey, 2, 2, edges)
    block_offsets(grey, grey, step, 2, 2, 2, offsets)
    block_step(edges, offsets, np.eye(6)[:4], 1.0, 0.0, step, step)
    common_offset(edges, offsets, np.zeros((4, 2)), 2)
    displaced(grey, grey, np.zeros((6, 2)), 0, 0, grey.copy())
    nodes, parts = np.zeros((2, 2, 2)), np.zeros((3, 16))
    bent(grey, grey, nodes, 0, 0, grey.copy())
    bent_offsets(grey, grey, nodes, parts)
    relax(parts, parts, 1.0, nodes)
    mask = packed(grey)
    grown(mask, 1, mask.copy())
    strays(mask, mask, SIDE, 1, mask.copy())
    counts, boxes = np.zeros((2, 1), np.int64), np.zeros((1, 4), np.int64)
    tally(np.zeros((SIDE, SIDE), np.int32), mask, mask, counts, boxes)


if __name__ == "__main__":
    compile_all()
