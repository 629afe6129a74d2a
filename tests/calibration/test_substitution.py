"""Substitution: a simulated step between optical and mechanical edge is found with its uncertainty."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from calibration.artefacts import CalibratedSize, Workpiece
from calibration.errors import CheckError
from calibration.substitution import Substitution, substitute

TODAY = date(2026, 6, 1)
STEP = 0.0062
SIZES = (
    CalibratedSize(id="pin", value_mm=20.0012, u_mm=0.0004, edges=2),
    CalibratedSize(id="hole", value_mm=6.0003, u_mm=0.0005, edges=-2),
    CalibratedSize(id="pitch", value_mm=32.0004, u_mm=0.0003, edges=0),
)


def workpiece(*sizes: CalibratedSize) -> Workpiece:
    return Workpiece(serial="W-7", certificate="K-0815", expires=date(2027, 1, 1), sizes=sizes or SIZES)


def readings(
    rng: np.random.Generator, *, scale: float = 1.0, certificate: bool = True
) -> dict[str, list[float]]:
    """25 readings of a workpiece whose true sizes differ from its certificate as that admits."""
    error = float(rng.normal()) if certificate else 0.0  # common to all sizes: one laboratory
    return {
        s.id: list(scale * (s.value_mm + error * s.u_mm) + s.edges * STEP + rng.normal(0, 0.0015, 25))
        for s in SIZES
    }  # fmt: skip


def found(seed: int = 1, *, local_mm: float = 0.001, scale: float = 1.0) -> Substitution:
    values = readings(np.random.default_rng(seed), scale=scale)
    return substitute(workpiece(), values, today=TODAY, local_mm=local_mm)


def test_the_edge_s_step_is_found_within_its_uncertainty() -> None:
    z = np.array([(f.edge.correction_mm - STEP) / f.edge.common_mm for f in map(found, range(60))])
    assert np.mean(np.abs(z) < 2) >= 0.93
    assert np.mean(np.abs(z) < 0.2) < 0.5  # and not by an uncertainty that is far too large
    edge = found().edge
    assert edge.common_mm < 0.0006
    assert edge.local_mm == 0.001
    assert edge.workpiece == "W-7 K-0815"


def test_one_size_gives_the_textbook_s_numbers() -> None:
    """Bias 8 um of a dark diameter: half of it at each edge; u from certificate and mean, by hand."""
    values = [10.007, 10.009] * 10
    one = workpiece(CalibratedSize(id="d", value_mm=10.0, u_mm=0.002, edges=2))
    result = substitute(one, {"d": values}, today=TODAY, local_mm=0.0)
    deviation = 0.001 * math.sqrt(20 / 19)
    assert result.edge.correction_mm == pytest.approx(0.004)
    assert result.edge.common_mm == pytest.approx(math.hypot(0.002, deviation / math.sqrt(20)) / 2)
    (size,) = result.sizes
    assert size.bias == pytest.approx(0.008)
    assert size.corrected_bias == pytest.approx(0)
    assert size.expanded == pytest.approx(2 * math.hypot(0.002, deviation))


def test_what_one_laboratory_does_not_know_does_not_average_out() -> None:
    alike = [CalibratedSize(id=f"d{i}", value_mm=10.0, u_mm=0.002, edges=2) for i in range(9)]
    values = {s.id: [10.007, 10.009] * 10 for s in alike}
    result = substitute(workpiece(*alike), values, today=TODAY, local_mm=0.0)
    assert result.edge.common_mm > 0.001 - 1e-9


def test_a_pitch_says_nothing_of_edges_and_keeps_its_bias() -> None:
    result = found()
    pitch = result.sizes[2]
    assert pitch.corrected_bias == pitch.bias
    assert abs(pitch.bias) < 4 * pitch.u_bias
    with pytest.raises(CheckError, match="depends on its edges"):
        substitute(workpiece(SIZES[2]), {"pitch": [1.0, 2.0] * 10}, today=TODAY, local_mm=0)


def test_a_wrong_scale_is_not_taken_for_an_edge() -> None:
    """0.1 % of scale makes pin and hole contradict each other: the uncertainty grows to hold it."""
    result = found(scale=1.001)
    assert result.misfit > 5
    assert abs(result.edge.correction_mm - STEP) < 2 * result.edge.common_mm
    assert found().misfit < 3


def test_what_cannot_tell_is_refused() -> None:
    values = readings(np.random.default_rng(0))
    with pytest.raises(CheckError, match="expired"):
        substitute(workpiece(), values, today=date(2027, 1, 2), local_mm=0)
    with pytest.raises(CheckError, match="too few"):
        substitute(workpiece(), {**values, "pin": values["pin"][:19]}, today=TODAY, local_mm=0)
    with pytest.raises(CheckError, match="re-place"):
        substitute(workpiece(), {**values, "pin": [20.0] * 20}, today=TODAY, local_mm=0)
    with pytest.raises(CheckError, match="no number"):
        substitute(workpiece(), {**values, "pin": [*values["pin"], math.nan]}, today=TODAY, local_mm=0)
    with pytest.raises(CheckError, match="differ in pin"):
        substitute(workpiece(), {k: v for k, v in values.items() if k != "pin"}, today=TODAY, local_mm=0)
    with pytest.raises(CheckError, match="local_mm"):
        substitute(workpiece(), values, today=TODAY, local_mm=-1)


def test_a_definition_is_read_from_yaml_and_its_faults_are_named() -> None:
    text = b"""
serial: W-7
certificate: K-0815
expires: 2027-01-01
sizes:
  - {id: pin, value_mm: 20.0012, u_mm: 0.0004, edges: 2}
"""
    assert Workpiece.parse(text, source="w.yaml") == workpiece(SIZES[0])
    with pytest.raises(CheckError, match=r"w\.yaml: sizes\.0\.u_mm"):
        Workpiece.parse(text.replace(b"0.0004", b"-1"), source="w.yaml")
    with pytest.raises(CheckError, match="two sizes have one id"):
        Workpiece.parse(text + b"  - {id: pin, value_mm: 1, u_mm: 0.1}\n", source="w.yaml")
    for data in (b"\xff", b"[", b"a: &x [*x]", b"x" * 100_001, b"", b"3"):
        with pytest.raises(CheckError, match=r"w\.yaml: "):
            Workpiece.parse(data, source="w.yaml")
