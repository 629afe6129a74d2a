"""Spectrophotometers' lists: read as they are exported, compared only where conditions are alike."""

from __future__ import annotations

import re
import warnings
from datetime import date

import numpy as np
import pytest

from calibration.colour import Chart, MeasuredColours, comparable, read_colours
from calibration.errors import ChartError, ReadingError, SpectrumError
from golden.colours import ColourConditions

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

SPECTRA = colour.SDS_COLOURCHECKERS["BabelColor Average"]  # 380 to 730 nm, every 10

CSV = b"""\xef\xbb\xbf# instrument: CM-700d 20012345
# aperture: 8 mm
# illuminant: D65
# observer: 10
# geometry: d/8
# specular: SCI
# backing: white
id,name,L*,a*,b*,u,time
1,lid,52.31,48.02,20.77,0.15,2026-03-01 08:00
2,"body, left",91.4,-1.2,3.55,,
"""
GERMAN = (
    b"# instrument: ours\n# illuminant: D50\n# observer: 2\n"
    b"id;name;L;a;b\n1;Deckel;52,31;48,02;20,77\n2;Wanne;91,4;-1,2;3,55\n"
)


def cgats(columns: str, rows: list[str], *keywords: str) -> bytes:
    return "\n".join(
        [
            "CGATS.17",
            'ORIGINATOR "a program"  # written by it',
            'INSTRUMENTATION "eye-one 123"',
            *keywords,
            f"NUMBER_OF_FIELDS {len(columns.split())}",
            "BEGIN_DATA_FORMAT",
            columns,
            "END_DATA_FORMAT",
            f"NUMBER_OF_SETS {len(rows)}",
            "BEGIN_DATA",
            *rows,
            "END_DATA",
        ]
    ).encode()


D50 = ('WEIGHTING_FUNCTION "ILLUMINANT, D50"', 'WEIGHTING_FUNCTION "OBSERVER, 2 degree"')


def spectral(prefix: str = "SPECTRAL_NM", scale: float = 1.0) -> bytes:
    names = " ".join(f"{prefix}{w:.0f}" for w in np.asarray(SPECTRA["black 2 (1.5 D)"].wavelengths))
    rows = [
        f'{i} "{name}" ' + " ".join(f"{v * scale:.6f}" for v in spectrum.values)
        for i, (name, spectrum) in enumerate(SPECTRA.items(), 1)
    ]
    return cgats(f"SAMPLE_ID SAMPLE_NAME {names}", rows, 'MEASUREMENT_GEOMETRY "45/0"')


def truth(illuminant: str, observer: str) -> np.ndarray:
    key = {"2": "cie_2_1931", "10": "cie_10_1964"}[observer]
    shape = colour.SpectralShape(380, 780, 1)
    lamp = colour.SDS_ILLUMINANTS[illuminant].copy().align(shape)
    matching = colour.MSDS_CMFS[key].copy().align(shape)
    xyz = np.array(
        [
            colour.colorimetry.sd_to_XYZ_integration(s.copy().align(shape), matching, lamp)
            for s in SPECTRA.values()
        ]
    )
    return colour.XYZ_to_Lab(xyz / 100, colour.CCS_ILLUMINANTS[key][illuminant])


def test_a_csv_states_its_conditions_and_becomes_readings() -> None:
    first, second = read_colours(CSV, source="lot 7").readings()
    assert first.lab == (52.31, 48.02, 20.77)
    assert (first.id, first.u, first.measured_at) == ("1", 0.15, "2026-03-01 08:00")
    assert (second.u, second.measured_at) == (None, None)
    assert first.instrument == "CM-700d 20012345, aperture 8 mm"
    assert first.conditions == ColourConditions(
        illuminant="D65", observer="10", geometry="d/8", specular="SCI", backing="white"
    )
    assert read_colours(CSV, source="lot 7").names == ("lid", "body, left")


def test_decimal_commas_are_read_where_semicolons_divide() -> None:
    assert read_colours(GERMAN, source="x").lab.tolist() == [[52.31, 48.02, 20.77], [91.4, -1.2, 3.55]]


def test_cgats_lab_is_read_with_its_keywords() -> None:
    data = cgats(
        "SAMPLE_ID SAMPLE_NAME LAB_L LAB_A LAB_B", ['A1 "brick red" 40.5 30 20', "A2 x 50 0 1e0"], *D50
    )
    colours = read_colours(data, source="x")
    assert colours.lab.tolist() == [[40.5, 30, 20], [50, 0, 1]]
    assert (colours.ids, colours.names) == (("A1", "A2"), ("brick red", "x"))
    assert (colours.conditions.illuminant, colours.conditions.observer) == ("D50", "2")
    assert colours.instrument == "eye-one 123"


@pytest.mark.parametrize(
    ("keyword", "geometry", "specular"),
    [("45/0", "45/0", None), ("45°a:0°", "45/0", None), ("di:8°", "d/8", "SCI"), ("de:8", "d/8", "SCE")],
)
def test_geometry_is_understood_as_instruments_write_it(
    keyword: str, geometry: str, specular: str | None
) -> None:
    data = cgats("LAB_L LAB_A LAB_B", ["1 2 3"], *D50, f'MEASUREMENT_GEOMETRY "{keyword}"')
    conditions = read_colours(data, source="x").conditions
    assert (conditions.geometry, conditions.specular) == (geometry, specular)


def test_xyz_in_per_cent_or_shares_of_one_is_the_same_colour() -> None:
    white = colour.CCS_ILLUMINANTS["cie_2_1931"]["D50"]
    expected = colour.XYZ_to_Lab(np.array([[0.2, 0.3, 0.1], [0.01, 0.01, 0.005]]), white)
    files = [
        cgats("XYZ_X XYZ_Y XYZ_Z", ["20 30 10", "1 1 0.5"], *D50),
        b"# illuminant: D50\n# observer: 2\n# instrument: a\nX,Y,Z\n20,30,10\n1,1,.5\n",
        b"# illuminant: D50\n# observer: 2\n# instrument: a\nX,Y,Z\n.2,.3,.1\n.01,.01,.005\n",
    ]
    for data in files:
        assert read_colours(data, source="x").lab == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("illuminant", "observer", "tolerance"), [("D50", "2", 0.05), ("D65", "10", 0.05), ("TL84", "2", 0.5)]
)
@pytest.mark.parametrize(("prefix", "scale"), [("SPECTRAL_NM", 1), ("SPECTRAL_PCT", 100), ("nm", 100)])
def test_spectra_give_the_colours_that_sums_over_1_nm_give(
    illuminant: str, observer: str, tolerance: float, prefix: str, scale: float
) -> None:
    asked = ColourConditions.model_validate({"illuminant": illuminant, "observer": observer})
    colours = read_colours(spectral(prefix, scale), source="x", conditions=asked)
    assert colours.names == tuple(SPECTRA)
    assert colour.delta_E(truth(asked.illuminant, observer), colours.lab).max() < tolerance


def test_an_instruments_own_values_are_taken_where_they_hold_and_else_its_spectra() -> None:
    names = " ".join(f"SPECTRAL_NM{w}" for w in range(400, 701, 10))
    data = cgats(f"SAMPLE_ID LAB_L LAB_A LAB_B {names}", ["1 77 1 1 " + "0.5 " * 31], *D50)
    assert read_colours(data, source="x").lab.tolist() == [[77, 1, 1]]
    d65 = ColourConditions(illuminant="D65", observer="10")
    grey = read_colours(data, source="x", conditions=d65)
    assert grey.lab[0] == pytest.approx([116 * 0.5 ** (1 / 3) - 16, 0, 0], abs=1e-9)
    assert grey.conditions.illuminant == "D65"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (CSV.replace(b"# illuminant: D65\n", b""), "does not state illuminant"),
        (CSV.replace(b"# illuminant: D65", b"# illuminant: D67"), "illuminant: .*'D65'"),
        (CSV.replace(b"# instrument", b"# operator"), "does not name its instrument"),
        (CSV.replace(b"# specular: SCI\n", b""), "d/8 needs specular"),
        (CSV.replace(b"d/8", b"45/0"), "specular is of a sphere"),
        (CSV.replace(b"48.02", b"red"), r"line 9, column a\*: 'red' is no number"),
        (CSV.replace(b"48.02", b"nan"), r"line 9, column a\*: nan is not finite"),
        (CSV.replace(b"48.02,", b""), "line 9: 6 cells stand under 7 columns"),
        (CSV.replace(b"L*,a*,b*", b"R,G,B"), "no colour among the columns id, name, R, G, B"),
        (CSV.split(b"1,lid")[0], "lists no colour"),
        (b"", "empty"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b" " * 6_000_000, "too many"),
        (cgats("", ["1"]), "no columns"),
    ],
)
def test_a_list_that_cannot_be_read_says_why(data: bytes, words: str) -> None:
    with pytest.raises(ReadingError, match=f"^lot 7.*{words}"):
        read_colours(data, source="lot 7")


def test_a_value_that_is_no_lab_names_its_colour() -> None:
    with pytest.raises(ReadingError, match=r"^x, colour 1: lab, 0: .*150"):
        read_colours(CSV.replace(b"52.31", b"523.1"), source="x").readings()


def test_what_is_asked_completes_a_list_and_does_not_overrule_it() -> None:
    sce = ColourConditions(illuminant="D65", observer="10", geometry="d/8", specular="SCE")
    with pytest.raises(ReadingError, match=r"its specular is SCI, SCE is asked: .*glossy"):
        read_colours(CSV, source="x", conditions=sce)
    with pytest.raises(ReadingError, match=r"its illuminant is D65, D50 is asked: .*export reflectances"):
        read_colours(CSV, source="x", conditions=ColourConditions(illuminant="D50", observer="10"))
    bare = GERMAN.split(b"\n", 3)[3]
    said = ColourConditions(illuminant="D50", observer="2", geometry="45/0")
    colours = read_colours(bare, source="x", conditions=said, instrument="ours")
    assert (colours.conditions, colours.instrument) == (said, "ours")


def test_spectra_that_reach_too_short_are_refused() -> None:
    names = " ".join(f"nm{w}" for w in range(420, 681, 10))
    with pytest.raises(SpectrumError, match="400 to 700"):
        read_colours(cgats(names, ["0.5 " * 27], *D50), source="x")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"specular": "SCE"}, "specular is SCI, SCE is agreed: .*gloss included"),
        ({"geometry": "45/0", "specular": None}, "geometry is d/8, 45/0 is agreed: .*lit and viewed"),
        ({"illuminant": "A"}, "illuminant is D65, A is agreed: .*spectrum"),
        ({"observer": "2"}, "observer is 10, 2 is agreed: .*spectrum"),
        ({"backing": "black"}, "backing is white, black is agreed: .*lies behind"),
    ],
)
def test_readings_under_other_conditions_are_not_comparable_and_why(
    change: dict[str, object], words: str
) -> None:
    reading = read_colours(CSV, source="x").readings()[0]
    agreed = ColourConditions.model_validate(reading.conditions.model_dump() | change)
    reason = comparable(reading, agreed)
    assert reason is not None
    assert re.search(words, reason)
    assert comparable(reading, reading.conditions) is None
    assert comparable(reading, ColourConditions(illuminant="D65", observer="10")) is None


def _classic(order: list[int], **words: str) -> MeasuredColours:
    chart = Chart.open("classic-after-2014")
    rows = "".join(
        f"{words.get('id', chart.patches[i].id)},{chart.patches[i].name},"
        f"{chart.lab[i][0] - 0.5:.4f},{chart.lab[i][1]:.4f},{chart.lab[i][2]:.4f},0.1\n"
        for i in order
    )
    head = "# instrument: a\n# illuminant: D50\n# observer: 2\n# geometry: 0/45\nid,name,L,a,b,u\n"
    return read_colours((head + rows).encode(), source="certificate")


def test_a_chart_is_made_of_a_products_own_swatches() -> None:
    chart = Chart.from_readings(
        read_colours(CSV + b"3,lip,20,0,0,,\n4,rim,30,0,0,,\n", source="lot 7"),
        id="ours", columns=2, rows=2, u_delta_e=0.4, grey=["2", "3"],
    )  # fmt: skip
    assert [patch.id for patch in chart.patches] == ["1", "2", "3", "4"]
    assert chart.lab[0].tolist() == [52.31, 48.02, 20.77]
    assert (chart.geometry, chart.specular, chart.illuminant, chart.observer) == ("d/8", "SCI", "D65", "10")
    assert chart.u_delta_e[1:].tolist() == [0.4] * 3
    greys = CSV + b"".join(b"%d,lip,%d,0,0,0.1,\n" % (n, 10 * n) for n in range(3, 7))
    by_columns = Chart.from_readings(
        read_colours(greys, source="lot 7"), id="ours", columns=3, rows=2, u_delta_e=0.4, listed_by="columns"
    )
    assert [patch.id for patch in by_columns.patches] == ["1", "3", "5", "2", "4", "6"]


def test_uncertainty_of_lab_becomes_one_of_ciede2000() -> None:
    chart = Chart.from_readings(_classic(list(range(24))), id="ours", columns=6, rows=4)
    rng = np.random.default_rng(7)
    for patch in chart.patches[::5]:
        drawn = np.array(patch.lab) + 0.1 * rng.standard_normal((20_000, 3))
        rms = np.sqrt((colour.delta_E(np.tile(patch.lab, (20_000, 1)), drawn) ** 2).mean())
        assert patch.u_delta_e == pytest.approx(rms, rel=0.03)


def test_swatches_that_do_not_fit_are_refused() -> None:
    colours = read_colours(CSV + b"3,lip,20,0,0,,\n", source="lot 7")
    with pytest.raises(ChartError, match="3 colours are listed, 2 columns x 2 rows need 4"):
        Chart.from_readings(colours, id="ours", columns=2, rows=2)
    with pytest.raises(ChartError, match="uncertainty of colour 2 is not stated"):
        Chart.from_readings(colours, id="ours", columns=3, rows=1)
    with pytest.raises(ChartError, match="geometry"):
        Chart.from_readings(
            read_colours(GERMAN + b"3;x;1;2;3\n", source="x"), id="o", columns=3, rows=1, u_delta_e=1
        )
    with pytest.raises(ChartError, match=r"patch body left \(entry 2\), id"):
        Chart.from_readings(
            read_colours(CSV.replace(b"\n2,", b"\nbody left,") + b"3,lip,20,0,0,,\n", source="x"),
            id="ours", columns=3, rows=1, u_delta_e=1,
        )  # fmt: skip


@pytest.mark.parametrize("order", [list(range(24)), list(range(24))[::-1]])
def test_a_certified_charts_own_values_replace_the_published_ones(order: list[int]) -> None:
    published = Chart.open("classic-after-2014")
    own = published.certified(_classic(order), serial="0417", certificate="K-1", expires=date(2028, 3, 1))
    assert own.lab == pytest.approx(published.lab - [0.5, 0, 0], abs=1e-4)
    assert [patch.name for patch in own.patches] == [patch.name for patch in published.patches]
    assert (own.serial, own.certificate, own.geometry, own.id) == ("0417", "K-1", "0/45", published.id)
    assert own.u_delta_e.max() < 0.3
    assert "measured with a" in own.source


def test_certified_values_in_another_order_or_of_another_chart_are_refused() -> None:
    published = Chart.open("classic-after-2014")
    swapped = [1, 0, *range(2, 24)]
    colours = _classic(swapped, id="x")
    nameless = MeasuredColours(
        colours.instrument, colours.conditions, tuple(f"s{i}" for i in range(24)), ("",) * 24,
        colours.lab, colours.u, colours.times, colours.source,
    )  # fmt: skip
    with pytest.raises(ChartError, match=r"is \d\d Delta E from patch 2 \(light skin\): .*another order"):
        published.certified(nameless)
    with pytest.raises(ChartError, match="23 colours are listed, chart classic-after-2014 has 24"):
        published.certified(_classic(list(range(23))))
    d65 = read_colours(CSV * 1, source="x")
    with pytest.raises(ChartError, match="2 colours are listed"):
        published.certified(d65)
