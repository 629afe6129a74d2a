"""Charts: the values are the published ones, and a file that does not fit is refused with its reason."""

from __future__ import annotations

import json
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from calibration.colour import Chart, white_point, xyz_from_lab
from calibration.errors import ChartError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

PUBLISHED = {
    "classic-before-2014": ("ColorChecker24 - Before November 2014", 1e-9),
    "classic-after-2014": ("ColorChecker24 - After November 2014", 1e-9),
    "classic-babelcolor-average": (
        "BabelColor Average",
        0.01,
    ),  # stated there as chromaticities, four figures
    "sg-before-2014": ("ColorCheckerSG - Before November 2014", 1e-9),
    "sg-after-2014": ("ColorCheckerSG - After November 2014", 1e-9),
}


def small() -> dict[str, object]:
    return {
        "id": "ours",
        "title": "Three greys",
        "columns": 3,
        "rows": 1,
        "illuminant": "D50",
        "observer": 2,
        "geometry": "45:0",
        "u_delta_e": 0.3,
        "patch_to_pitch": 0.9,
        "grey": [1, 2, 3],
        "source": "ourselves",
        "patches": [
            {"id": 1, "name": "white", "lab": [95.0, 0.0, 1.0]},
            {"id": 2, "name": "grey", "lab": [50, 0.0, 1.0], "u_delta_e": 0.1},
            {"id": 3, "name": "black", "lab": [20, 0.0, 1.0]},
        ],
    }


def test_every_built_in_chart_is_tested_here() -> None:
    assert set(Chart.known()) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_values_and_order_are_the_published_ones(name: str) -> None:
    theirs, tolerance = PUBLISHED[name]
    data = colour.CCS_COLOURCHECKERS[theirs]
    chart = Chart.open(name)
    xyz = np.array([colour.xyY_to_XYZ(value) for value in data.data.values()])
    assert np.abs(chart.lab - colour.XYZ_to_Lab(xyz, data.illuminant)).max() < tolerance
    assert (chart.columns, chart.rows) == (data.columns, data.rows)
    first = [patch.name.split()[0] for patch in chart.patches]
    assert first == [key.split()[0] for key in data.data]
    assert chart.id == name
    assert "BSD-3-Clause" in chart.source
    assert chart.edition
    assert (chart.illuminant, chart.observer, chart.serial) == ("D50", "2", None)


def test_editions_are_as_far_apart_as_is_known() -> None:
    before, after, average = (
        Chart.open(f"classic-{edition}").lab
        for edition in ("before-2014", "after-2014", "babelcolor-average")
    )
    assert colour.delta_E(before, after).mean() == pytest.approx(0.848, abs=0.002)
    # what the uncertainty of the published values rests on
    assert np.sqrt((colour.delta_E(average, before) ** 2).mean()) == pytest.approx(0.55, abs=0.01)


def test_the_grey_row_is_neutral() -> None:
    for name in Chart.known():
        chart = Chart.open(name)
        grey = chart.lab[[chart.index(i) for i in chart.grey]]
        assert len(grey) >= 6
        assert np.hypot(grey[:, 1], grey[:, 2]).max() < 3.2  # white from 2014 on: 3.1


def test_lab_is_the_white_relative_value_of_its_xyz() -> None:
    white = white_point("D50")
    assert xyz_from_lab(np.array([100.0, 0, 0]), white) == pytest.approx(white)


@pytest.mark.parametrize("family", ["classic", "sg", "Classic"])
def test_a_name_without_edition_lists_the_editions(family: str) -> None:
    low = family.lower()
    with pytest.raises(ChartError, match=rf"editions.*{low}-after-2014.*{low}-before-2014"):
        Chart.open(family)


def test_an_unknown_name_lists_the_charts_and_a_missing_file_its_path() -> None:
    with pytest.raises(ChartError, match=r"'passport' is not known: write one of classic-after-2014.*\.yaml"):
        Chart.open("passport")
    with pytest.raises(ChartError, match=r"charts/none\.yaml: No such file"):
        Chart.open("charts/none.yaml")


def test_a_definition_is_read_from_yaml_and_json_and_returns(tmp_path: Path) -> None:
    path = tmp_path / "ours.json"
    path.write_text(json.dumps(small() | {"expires": "2028-03-01", "serial": 417, "illuminant": "TL84"}))
    chart = Chart.open(path)
    assert chart.u_delta_e.tolist() == [0.3, 0.1, 0.3]
    assert (chart.serial, chart.illuminant, chart.observer, chart.grey) == (
        "417",
        "FL11",
        "2",
        ("1", "2", "3"),
    )
    assert not chart.expired(date(2028, 3, 1))
    assert chart.expired(date(2028, 3, 2))
    assert Chart.parse(chart.model_dump_json(exclude_none=True).encode(), source="again") == chart


def _changed(**fields: object) -> dict[str, object]:
    return small() | fields


def _patch(number: int, **fields: object) -> dict[str, object]:
    chart = small()
    patches = [dict(patch) for patch in chart["patches"]]  # type: ignore[attr-defined]
    patches[number] |= fields
    return chart | {"patches": patches}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (_changed(columns=4), r"patches: 3 are listed, 4 columns x 1 rows need 4"),
        (_changed(rows=2), r"patches: 3 are listed, 3 columns x 2 rows need 6"),
        (_patch(1, id="1"), r"patches: id 1 occurs twice"),
        (_patch(1, lab=[101, 0, 0]), r"patch 2 \(entry 2\), lab, 0: .*less than or equal to 100"),
        (_patch(2, lab=[-0.1, 0, 0]), r"patch 3 \(entry 3\), lab, 0: .*greater than or equal to 0"),
        (_patch(2, lab=[50, 0]), r"patch 3 \(entry 3\), lab, 2: this field is required"),
        (_patch(0, lab=[float("nan"), 0, 0]), r"patch 1 \(entry 1\), lab, 0: "),
        (_patch(0, colour="white"), r"patch 1 \(entry 1\), colour: unknown field"),
        (_changed(patches=[{"id": "1", "name": "a", "lab": [1, 2, 3]}]), r"patches: .*at least 3"),
        (_changed(grey=["1", "9"]), r"grey: 9 is no patch"),
        (_changed(grey=["2", "1"]), r"grey: L\* must fall"),
        (_changed(illuminant="D67"), r"illuminant: .*should be 'A', 'C', 'D50'"),
        (_changed(observer="3"), r"observer: "),
        (_changed(geometry="sideways"), r"geometry: "),
        ({k: v for k, v in small().items() if k != "source"}, r"source: this field is required"),
        (
            {k: v for k, v in small().items() if k != "u_delta_e"},
            r"patch 1 \(entry 1\), u_delta_e: .*required",
        ),
    ],
)
def test_a_definition_that_does_not_fit_says_what_is_wrong(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ChartError, match=r"^there: " + words):
        Chart.checked(fields, source="there")


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"\xff\xfe", "not YAML"), (b"- 1", "no chart"), (b"a: [", "not YAML"), (b" " * 600_000, "too many")],
)
def test_bytes_that_are_no_definition_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(ChartError, match=f"^there: .*{words}"):
        Chart.parse(data, source="there")
