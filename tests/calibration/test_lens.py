"""Lens calibration against the twin's camera: found models, honest covariance, refusals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import pytest

from calibration.errors import LensError
from calibration.lens import calibrate_lens, calibrate_plane, next_pose, object_plane
from calibration.lens.adjustment import Model, adjust, adjust_scaled, rotation_matrices
from calibration.lens.choice import FAMILIES, PINHOLE
from calibration.lens.observations import gather
from calibration.lens.projection import INTRINSICS, project, undistort
from calibration.lens.start import first_estimate, prior_for
from datasets.twin.metrology.camera import Camera

SIZE = (1224, 1024)
NOISE = 0.02
PERSPECTIVE = Camera(*SIZE, 2000.0, 2002.0, 615.0, 515.0, k1=-0.1)
TELECENTRIC = Camera.telecentric(*SIZE, 10.0, k1=1e-5)
TILTS = ((0, 0), (25, 3), (-25, -4), (4, 25), (-3, -25), (18, 16), (-17, 18), (15, -20))


@dataclass(frozen=True)
class Seen:
    """Corners as a detection gives them."""

    ids: Any
    points_px: Any
    u_px: Any
    target_mm: Any


def board(columns: int = 7, rows: int = 6, pitch: float = 12.0) -> Any:
    y, x = np.mgrid[0:rows, 0:columns] * pitch
    return np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])


def posed(camera: Camera, rng: np.random.Generator, tilt: tuple[float, float], gain: float = 1.0) -> Camera:
    middle = board().mean(axis=0)[:2] + rng.uniform(-5, 5, 2)
    return camera.aimed(
        (float(middle[0]), float(middle[1])), rng.uniform(190, 210),
        tilt_deg=(gain * tilt[0], gain * tilt[1]), roll_deg=float(rng.uniform(-15, 15)),
    )  # fmt: skip


def seen_by(camera: Camera, rng: np.random.Generator, printed: Any = None) -> Seen:
    target = board()
    px = camera.project(target if printed is None else printed)
    px = px + rng.normal(0, NOISE, px.shape)
    assert px.min() > 0
    assert (px < SIZE).all()
    return Seen(np.arange(len(px)), px, np.full(len(px), NOISE), target)


def pictures(
    camera: Camera, rng: np.random.Generator, *, printed: Any = None, gain: float = 1.0
) -> tuple[list[Seen], list[Camera]]:
    cameras = [posed(camera, rng, tilt, gain) for tilt in TILTS]
    return [seen_by(one, rng, printed) for one in cameras], cameras


def stated(maps: Any, px: Any) -> Any:
    """Combine all modes: (2n, 2n) covariance of mapped points."""
    moved = np.concatenate([mode.displacements for mode in maps.modes(px)])
    flat = moved.reshape(len(moved), -1)
    return flat.T @ flat


def test_projection_is_that_of_opencv_and_its_derivatives_are_exact() -> None:
    rng = np.random.default_rng(0)
    xyz = np.column_stack([rng.uniform(-40, 40, (30, 2)), rng.uniform(150, 250, 30)])
    intrinsics = np.array([2000.0, 2010, 610, 500, 0, -0.2, 0.3, 1e-3, -2e-3, 0.1])
    matrix = np.array([[2000.0, 0, 610], [0, 2010, 500], [0, 0, 1]])
    theirs = cv2.projectPoints(xyz, np.zeros(3), np.zeros(3), matrix, intrinsics[5:])[0].reshape(-1, 2)
    px, by_intrinsics, by_xyz = project("perspective", intrinsics, xyz)
    np.testing.assert_allclose(px, theirs, atol=1e-9)
    intrinsics[4] = 0.01
    for kind, points in (("perspective", xyz), ("telecentric", xyz * [0.02, 0.02, 1])):
        px, by_intrinsics, by_xyz = project(kind, intrinsics, points)  # type: ignore[arg-type]
        for j in range(10):
            step = 1e-6 * max(1.0, abs(intrinsics[j]))
            more, less = intrinsics.copy(), intrinsics.copy()
            more[j], less[j] = more[j] + step, less[j] - step
            both = [project(kind, one, points)[0] for one in (more, less)]  # type: ignore[arg-type]
            np.testing.assert_allclose(
                by_intrinsics[:, :, j], (both[0] - both[1]) / (2 * step), rtol=1e-5, atol=1e-4
            )
        for j in range(3):
            step = 1e-5 * np.eye(3)[j]
            both = [project(kind, intrinsics, points + sign * step)[0] for sign in (1, -1)]  # type: ignore[arg-type]
            np.testing.assert_allclose(by_xyz[:, :, j], (both[0] - both[1]) / 2e-5, rtol=1e-5, atol=1e-4)


def test_undistortion_undoes_distortion_and_says_where_it_cannot() -> None:
    rng = np.random.default_rng(1)
    plane = rng.uniform(-0.25, 0.25, (200, 2))
    intrinsics = np.array([2000.0, 2010, 610, 500, 0.002, -0.2, 0.1, 1e-3, -2e-3, -0.05])
    px = project("perspective", intrinsics, np.column_stack([plane, np.ones(200)]))[0]
    np.testing.assert_allclose(undistort(intrinsics, px) * 2000, plane * 2000, atol=1e-8)
    barrel = np.array([500.0, 500, 600, 500, 0, -0.5, 0, 0, 0, 0])
    assert np.isnan(undistort(barrel, np.array([[1200.0, 1000.0]]))).all()


def test_small_rotations_are_rodrigues() -> None:
    vectors = np.array([[0.1, -0.2, 0.3], [0, 0, 0], [1.5, 2.0, -1.0]])
    for vector, ours in zip(vectors, rotation_matrices(vectors), strict=True):
        np.testing.assert_allclose(ours, cv2.Rodrigues(vector)[0], atol=1e-12)


def test_errors_of_parameters_have_the_stated_spread() -> None:
    rng = np.random.default_rng(2)
    model = Model("perspective", (*PINHOLE, "k1"))
    errors = []
    cameras = [posed(PERSPECTIVE, rng, tilt) for tilt in TILTS[:6]]
    exact = gather([seen_by(one, rng) for one in cameras], SIZE)
    truth = np.concatenate([one.project(board()) for one in cameras])
    start, prior = first_estimate(exact, "perspective", prior_for(exact, "perspective"))
    start = adjust(exact, model, start, prior).estimate
    for _ in range(200):
        noisy = replace(exact, px=truth + rng.normal(0, NOISE, truth.shape))
        solution = adjust(noisy, model, start, prior)
        off = solution.estimate.intrinsics[[0, 1, 2, 3, 5]] - [2000.0, 2002.0, 615.0, 515.0, -0.1]
        errors.append(off @ np.linalg.solve(solution.covariance()[:5, :5], off))
    # Mahalanobis distances of five parameters: chi-square with 5 degrees of freedom, 95 % below 11.07.
    assert np.mean(errors) == pytest.approx(5, abs=4 * np.sqrt(10 / 200))
    assert 0.90 <= np.mean(np.array(errors) < 11.07) <= 0.99


@pytest.mark.parametrize(
    ("camera", "kind", "terms"),
    [
        (replace(PERSPECTIVE, k1=0.0), "perspective", ()),
        (PERSPECTIVE, "perspective", ("k1",)),
        (replace(PERSPECTIVE, k1=-0.2, k2=0.8, p1=2e-3, p2=-2e-3), "perspective", ("k1", "k2", "p1", "p2")),
        (TELECENTRIC, "telecentric", ("k1",)),
    ],
)
def test_the_true_family_is_chosen(camera: Camera, kind: str, terms: tuple[str, ...]) -> None:
    rng = np.random.default_rng(3)
    found, _ = pictures(camera, rng, gain=0.3 if kind == "telecentric" else 1.0)
    lens = calibrate_lens(found, SIZE)
    assert lens.model.kind == kind
    # A term more than needed costs little and what is stated stays true; one less would be a bias.
    families = FAMILIES[lens.model.kind]
    place, true = families.index(lens.model.free), families.index((*PINHOLE, *terms))
    assert true <= place <= true + 2
    assert lens.rms_px == pytest.approx(NOISE * np.sqrt(2), rel=0.1)
    assert lens.hold_out_px == pytest.approx(NOISE * np.sqrt(2), rel=0.25)
    values = dict(zip(INTRINSICS, lens.estimate.intrinsics, strict=True))
    u = np.sqrt(np.diag(lens.covariance))
    for name, spread in zip(lens.model.free, u, strict=False):
        assert abs(values[name] - getattr(camera, name)) < 4 * spread


def test_modes_cover_the_error_of_planes_found_later_even_with_a_badly_printed_target() -> None:
    rng = np.random.default_rng(4)
    kept = []
    for _ in range(2):
        printed = board() + np.column_stack([rng.normal(0, 0.02, (42, 2)), np.zeros(42)])
        found, _ = pictures(PERSPECTIVE, rng, printed=printed)
        lens = calibrate_lens(found[:6], SIZE, kind="perspective")
        assert lens.model.target_sigma is not None
        assert lens.model.target_sigma[0] == pytest.approx(0.02, rel=0.4)
        for _ in range(3):
            camera = posed(PERSPECTIVE, rng, (2, -1))
            plane = object_plane(lens, seen_by(camera, rng, printed))
            px = rng.uniform(100, 900, (8, 2))
            off = (plane.to_mm(px) - camera.to_plane(px)).ravel()
            kept.append(np.abs(off) < 1.96 * np.sqrt(np.diag(stated(plane, px))))
    assert np.mean(kept) >= 0.85  # two targets: what a target has in common does not average


def test_one_picture_calibrates_a_plane_and_states_what_it_does_not_know() -> None:
    rng = np.random.default_rng(5)
    kept, above = [], []
    for _ in range(15):
        camera = posed(PERSPECTIVE, rng, (2, 1))
        lens = calibrate_plane([seen_by(camera, rng)], SIZE, focal_px=2040.0, u_focal_px=40.0)
        plane = lens.plane(0)
        px = rng.uniform(100, 900, (8, 2))
        for maps, height, into in ((plane, 0.0, kept), (plane.at(3.0), 3.0, above)):
            off = (maps.to_mm(px) - camera.to_plane(px, -height)).ravel()
            into.append(np.abs(off) < 1.96 * np.sqrt(np.diag(stated(maps, px))))
    assert np.mean(kept) >= 0.90
    assert np.mean(above) >= 0.85


def test_distances_stay_within_the_stated_pitch_and_height() -> None:
    rng = np.random.default_rng(6)
    camera = posed(PERSPECTIVE, rng, (0, 0))
    plane = calibrate_plane([seen_by(camera, rng)], SIZE, pitch_relative_uncertainty=1e-3).plane(0)
    px = camera.project(np.array([[10.0, 20, 0], [60, 20, 0]]))
    by_name = {mode.name: mode for mode in plane.at(0.0, u_height_mm=0.5, u_tilt_deg=1.0).modes(px)}
    assert set(by_name) == {"lens", "target", "height", "tilt"}
    stretched = by_name["target"].displacements
    assert stretched[0, 1, 0] - stretched[0, 0, 0] == pytest.approx(0.05, rel=0.01)
    # A plane nearer by dh shows lengths larger by dh / distance: 50 mm x 0.5 / 200 mm, taken back by the map.
    lifted = by_name["height"].displacements
    distance = camera.translation[2]
    assert lifted[0, 1, 0] - lifted[0, 0, 0] == pytest.approx(-50 * 0.5 / distance, rel=0.1)


def test_to_px_and_jacobians_belong_to_to_mm() -> None:
    rng = np.random.default_rng(7)
    for camera, gain in ((PERSPECTIVE, 0.4), (TELECENTRIC, 0.3)):
        one = seen_by(posed(camera, rng, (10, -10), gain), rng)
        plane = calibrate_plane([one], SIZE, kind=camera.kind).plane(0).at(2.0)
        px = rng.uniform(0, 1000, (50, 2))
        mm = plane.to_mm(px)
        np.testing.assert_allclose(plane.to_px(mm), px, atol=1e-6)
        for axis in (0, 1):
            step = 1e-3 * np.eye(2)[axis]
            slope = (plane.to_mm(px + step) - plane.to_mm(px - step)) / 2e-3
            np.testing.assert_allclose(plane.jacobians(px)[:, :, axis], slope, rtol=1e-5, atol=1e-8)


def test_a_gross_corner_is_set_aside_and_named() -> None:
    rng = np.random.default_rng(8)
    found, _ = pictures(PERSPECTIVE, rng)
    found[3].points_px[17] += [3.0, -2.0]
    lens = calibrate_lens(found, SIZE, kind="perspective")
    assert lens.set_aside.tolist() == [[3, 17]]
    assert lens.model.free == (*PINHOLE, "k1")


def test_what_does_not_determine_a_lens_is_refused_by_name() -> None:
    rng = np.random.default_rng(9)
    found, cameras = pictures(PERSPECTIVE, rng)
    found, cameras = found[:6], cameras[:6]
    with pytest.raises(LensError, match="3 pictures"):
        calibrate_lens(found[:3], SIZE)
    with pytest.raises(LensError, match="outside"):
        calibrate_lens(found, (800, 600))
    flat = [seen_by(posed(PERSPECTIVE, rng, (0.5 * i, -0.5 * i)), rng) for i in range(5)]
    with pytest.raises(LensError, match=r"focal length from the distance.*tilted"):
        calibrate_lens(flat, SIZE)
    mirrored = replace(found[0], points_px=found[0].points_px * [-1, 1] + [SIZE[0] - 1, 0])
    with pytest.raises(LensError, match="picture 1: the target is mirrored"):
        calibrate_lens([mirrored, *found[1:]], SIZE)
    stretched = [replace(one, target_mm=one.target_mm * [1, 1.3, 1]) for one in found]
    with pytest.raises(LensError, match="definition"):
        calibrate_lens(stretched, SIZE, kind="perspective")
    other = seen_by(replace(cameras[2], fx=2300.0, fy=2302.0, cx=650.0), rng)
    with pytest.raises(LensError, match="picture 3 does not fit"):
        calibrate_lens([*found[:2], other, *found[3:]], SIZE, kind="perspective")
    moved = replace(found[4], target_mm=found[4].target_mm + np.array([0, 0, 1]))
    with pytest.raises(LensError, match="picture 5: point 0"):
        calibrate_lens([*found[:4], moved], SIZE)


def test_a_plane_of_another_lens_is_refused() -> None:
    rng = np.random.default_rng(10)
    found, _ = pictures(PERSPECTIVE, rng)
    lens = calibrate_lens(found, SIZE, kind="perspective")
    zoomed = posed(replace(PERSPECTIVE, k1=0.1), rng, (15, 10))
    with pytest.raises(LensError, match="was lens, focus or camera changed"):
        object_plane(lens, seen_by(zoomed, rng))


def test_the_missing_pose_is_asked_for_until_nothing_is_missing() -> None:
    rng = np.random.default_rng(11)
    assert "square to the camera" in str(next_pose([], SIZE).missing)
    found: list[Seen] = []
    asked = {"square": (0, 0), "upper": (-25, 0), "lower": (25, 0), "left": (0, 25), "right": (0, -25)}
    for word, tilt in asked.items():
        coverage = next_pose(found, SIZE)
        assert word in str(coverage.missing)
        found.append(seen_by(posed(PERSPECTIVE, rng, tilt), rng))
        before, after = coverage.tilted, next_pose(found, SIZE).tilted
        assert len(after) == len(before) + 1, (word, after)
    assert next_pose(found, SIZE).share > 0.3


def test_variance_components_leave_a_perfect_target_alone() -> None:
    rng = np.random.default_rng(12)
    found, _ = pictures(PERSPECTIVE, rng)
    seen = gather(found, SIZE)
    start, prior = first_estimate(seen, "perspective", prior_for(seen, "perspective"))
    model = Model("perspective", (*PINHOLE, "k1"), (0.05, 0.05))
    model, solution = adjust_scaled(seen, model, start, prior)
    assert model.target_sigma is not None
    assert max(model.target_sigma) < 0.002
    assert solution.misfit_px < 0.3 * NOISE
