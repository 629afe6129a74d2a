"""Exports read back by independent readers: csv, xml.etree, pyarrow, a parser of K fields written here."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from evidence import Inspection
from hallmark import exports
from hallmark.__main__ import app
from hallmark.exports import Column, ExportError, Table
from hallmark.exports.aqdef import ascii_text
from hallmark.exports.cells import csv_cell
from hallmark.exports.decimals import decimal_text, places
from hallmark.lot_cli import LotError
from tests.api import records
from tests.api.conftest import Plant, open_plant
from tests.api.test_lots import measured
from tests.quality.ipqc.lines import Shop

NOW = datetime(2026, 7, 2, 8, 30, tzinfo=UTC)
NAUGHTY = ("=1+1", "+A1", "-A1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r\n=1", " =1", "'=1", "\uff1d1")


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["export", *arguments])


def unit(number: int = 1, **changes: Any) -> Inspection:
    return records.inspection(number, lot="L1", characteristics=measured(), **changes)[0]


def with_value(value: float | None, **changes: Any) -> Inspection:
    results = [dict(r) for r in measured()]
    results[0] |= {"value": value, **changes}
    return records.inspection(1, lot="L1", characteristics=results)[0]


# cells


@given(st.text(max_size=40))
def test_csv_text_is_never_a_formula_and_comes_back(text: str) -> None:
    table = Table((Column("a"), Column("b", "number")), [(text, -1.5)])
    (header, row) = csv.reader(io.StringIO(exports.to_csv(table).decode("utf-8"), newline=""))
    assert header == ["a", "b"]
    assert row[1] == "-1.5"
    assert row[0].lstrip()[:1] not in {"=", "+", "-", "@"}
    assert row[0][:1] not in {"\t", "\r", "\n", "="}
    not_in_xml = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    assert row[0].removeprefix("'") == re.sub(not_in_xml, "\ufffd", text)


@pytest.mark.parametrize("text", NAUGHTY)
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert csv_cell(text, "here") == f"'{text}"


def test_plain_cells() -> None:
    cells = ["a=b", "", None, True, False, 3, -0.25, 1e-7, "Größe"]
    assert [csv_cell(c, "x") for c in cells] == [
        "a=b",
        "",
        "",
        "true",
        "false",
        "3",
        "-0.25",
        "1e-07",
        "Größe",
    ]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    table = Table((Column("x", "number"),), [(1.0,), (number,)])
    with pytest.raises(ExportError, match=r"row 2, x: .* is not a finite number"):
        exports.to_csv(table)
    with pytest.raises(ExportError, match="not a finite number"):
        decimal_text(number, "here")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_decimal_reads_back_exactly(number: float) -> None:
    text = decimal_text(number, "x")
    assert float(text) == number
    assert re.fullmatch(r"-?\d+(\.\d+)?", text)


def test_places_behind_the_point() -> None:
    assert [places(t) for t in ("0.8", "12.0", "3", "0.1250", "0.0000001")] == [1, 0, 0, 3, 7]


# measurement data as CSV and Parquet


def test_measurements_as_csv() -> None:
    data = exports.to_csv(exports.measurement_table([unit(1), unit(2, verdict="HOLD")]))
    assert data.startswith(b"lot,serial,part,revision,station,sequence,captured_at,")
    assert data.endswith(b"\r\n")
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert len(rows) == 8
    first = rows[0]
    assert (first["lot"], first["serial"], first["characteristic"]) == ("L1", "T-0001", "hole")
    told = (first["value"], first["unit"], first["standard_uncertainty"], first["coverage_factor"])
    assert told == ("0.8", "mm", "0.001", "2.0")
    assert (first["nominal"], first["lower"], first["upper"]) == ("0.8", "0.75", "0.85")
    assert (first["decision"], first["valid"], first["rule"]) == ("conform", "true", "guarded")
    assert first["captured_at"] == "2026-07-01T11:59:00Z"
    assert rows[2]["unit"] == rows[2]["standard_uncertainty"] == ""
    assert {row["verdict"] for row in rows[4:]} == {"HOLD"}
    assert first["record"] == unit(1).digest


def test_measurements_as_parquet() -> None:
    import pyarrow.parquet as pq

    data = exports.to_parquet(exports.measurement_table([unit(1), with_value(None)]))
    table = pq.read_table(io.BytesIO(data))
    assert [str(table.schema.field(n).type) for n in ("lot", "value", "sequence", "valid")] == [
        "string", "double", "int64", "bool",
    ]  # fmt: skip
    assert table.column("value").to_pylist()[:2] == [0.8, 0.4]
    assert table.column("value").to_pylist()[4] is None
    assert table.column("unit").to_pylist()[:3] == ["mm", "CIEDE2000", None]
    with pytest.raises(ExportError, match="finite"):
        exports.to_parquet(Table((Column("x", "number"),), [(math.nan,)]))


def test_parquet_without_pyarrow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"hallmark\[parquet\]"):
        exports.to_parquet(Table((Column("x"),), []))


# Q-DAS


def k_fields(data: bytes) -> tuple[dict[str, str], dict[int, dict[str, str]], list[dict[str, str]]]:
    """Read a dfq by its public description: head by key, characteristics by number, values in order.

    A value's lines begin with its K0001; every line is `Kdddd` or `Kdddd/i`, a blank, and the content.
    """
    head: dict[str, str] = {}
    characteristics: dict[int, dict[str, str]] = {}
    values: list[dict[str, str]] = []
    text = data.decode("ascii")
    assert text.endswith("\r\n")
    for line in text.split("\r\n")[:-1]:
        match = re.fullmatch(r"(K\d{4})(?:/(\d+))? ([ -~]*)", line)
        assert match, line
        key, number, content = match[1], match[2], match[3]
        if key.startswith("K2"):
            characteristics.setdefault(int(number), {})[key] = content
        elif key.startswith("K00"):
            if key == "K0001":
                values.append({"characteristic": number})
            assert values[-1]["characteristic"] == number
            values[-1][key] = content
        else:
            assert number is None
            head[key] = content
    return head, characteristics, values


def test_measurements_as_q_das() -> None:
    head, characteristics, values = k_fields(exports.to_dfq([unit(1), unit(2)], part_name="Prüfplatte"))
    assert head == {"K0100": "3", "K1001": "T1", "K1002": "Prufplatte", "K1004": "A"}
    assert characteristics[1] == {
        "K2001": "1", "K2002": "hole", "K2003": "hole", "K2004": "0", "K2022": "2", "K2101": "0.8",
        "K2110": "0.75", "K2111": "0.85", "K2142": "mm",
    }  # fmt: skip
    assert characteristics[2]["K2142"] == "CIEDE2000"
    assert "K2110" not in characteristics[2]  # there is no lower limit
    assert characteristics[3]["K2142"] == "ohm"
    assert [v["K0014"] for v in values] == ["T-0001"] * 3 + ["T-0002"] * 3
    first = values[0]
    assert float(first["K0001"]) == 0.8
    assert first["K0002"] == "0"
    assert first["K0004"] == "01.07.2026/11:59:00"
    assert first["K0009"].startswith("u = 0.001 mm, k = 2.0, conform, lot L1, record insp-")


def test_q_das_leaves_out_what_is_not_measured_and_marks_what_is_not_valid() -> None:
    invalid = with_value(0.7, valid=False, decision="undecided", reason="calibration_expired")
    _, _, values = k_fields(exports.to_dfq([with_value(None, valid=False, decision="undecided",
                                                        reason="edge_not_found"), invalid]))  # fmt: skip
    assert [v["characteristic"] for v in values] == ["2", "3", "1", "2", "3"]
    assert [v["K0002"] for v in values] == ["0", "0", "129", "0", "0"]
    assert b"nan" not in exports.to_dfq([with_value(None)]).lower()


@given(st.text(max_size=60))
def test_q_das_text_stays_on_its_line_in_ascii(text: str) -> None:
    plain = ascii_text(text)
    assert all(" " <= c <= "~" for c in plain)


def test_signs_are_spelled() -> None:
    assert ascii_text("12 µm ±3°, 5 MΩ, größe\n=1") == "12 um +-3deg, 5 MOhm, grosse =1"


def test_records_that_cannot_be_one_file_are_refused() -> None:
    with pytest.raises(ExportError, match="no inspection record"):
        exports.to_dfq([])
    with pytest.raises(ExportError, match="of one golden sample at a time"):
        exports.to_dfq([unit(1), with_value(0.8, upper=0.86)])
    with pytest.raises(ExportError, match="each part by itself"):
        exports.to_qif([unit(1), records.inspection(2, part="T2")[0]], now=NOW)
    plain = [{**r, "unit": None} for r in measured()[2:3]]
    with pytest.raises(ExportError, match="no record holds a measured characteristic"):
        exports.to_qif([records.inspection(1, characteristics=plain)[0]], now=NOW)


# QIF


def test_measurements_as_qif() -> None:
    data = exports.to_qif([unit(1), with_value(None)], now=NOW)
    root = ET.fromstring(data)
    q = "{http://qifstandards.org/xsd/qif3}"
    assert root.tag == f"{q}QIFDocument"
    assert root.attrib["versionQIF"] == "3.0.0"
    assert [child.tag.removeprefix(q) for child in root] == [
        "QPId", "Version", "Header", "FileUnits", "Product", "Characteristics", "Results",
    ]  # fmt: skip
    ids = [int(e.attrib["id"]) for e in root.iter() if "id" in e.attrib]
    assert sorted(ids) == list(range(1, int(root.attrib["idMax"]) + 1))
    for parent in root.iter():
        if "n" in parent.attrib:
            assert len(parent) == int(parent.attrib["n"])
    assert [e.text for e in root.iter(f"{q}UnitName")] == ["mm", "CIEDE2000", "ohm"]
    definition = root.find(f".//{q}UserDefinedLinearCharacteristicDefinition")
    assert definition is not None
    limits = [definition.findtext(f"{q}Tolerance/{q}{name}") for name in ("MaxValue", "MinValue")]
    assert limits == ["0.85", "0.75"]
    measured_ = root.findall(f".//{q}UserDefinedLinearCharacteristicMeasurement")
    value = measured_[0].find(f"{q}Value")
    assert value is not None
    assert (value.text, value.attrib) == (
        "0.8", {"linearUnit": "mm", "combinedUncertainty": "0.001", "meanError": "0"},
    )  # fmt: skip
    assert measured_[1].find(f"{q}Value") is None
    assert measured_[0].findtext(f"{q}Status/{q}CharacteristicStatusEnum") == "PASS"
    assert [e.text for e in root.iter(f"{q}SerialNumber")] == ["T-0001", "T-0001"]
    other = root.find(f".//{q}UserDefinedUnitCharacteristicMeasurement/{q}Value")
    assert other is not None
    assert (other.text, other.attrib["unitName"]) == ("0.4", "CIEDE2000")
    items = {e.attrib["id"] for e in root.iter() if e.tag.endswith("CharacteristicItem")}
    assert {e.text for e in root.iter(f"{q}CharacteristicItemId")} == items
    assert root.findtext(f"{q}Version/{q}TimeCreated") == "2026-07-02T08:30:00Z"


@given(st.text(min_size=1, max_size=30).filter(lambda t: t.strip()))
def test_qif_holds_any_text(name: str) -> None:
    results = [{**r, "name": name} for r in measured()]
    root = ET.fromstring(exports.to_qif([records.inspection(1, characteristics=results)[0]], now=NOW))
    assert root.tag.endswith("QIFDocument")


# in-process control and non-conformances


def test_samples_as_csv() -> None:
    shop = Shop().started().made(10)
    shop.sample(0.801, 0.799)
    shop.made(10)
    shop.sample(0.83, 0.83)
    data = exports.to_csv(exports.spc_table(shop.state.record()))
    found = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert [(r["sample"], r["serial"], r["value"]) for r in found] == [
        ("1", "U009", "0.801"), ("1", "U010", "0.799"), ("2", "U019", "0.83"), ("2", "U020", "0.83"),
    ]  # fmt: skip
    first = found[0]
    assert (first["unit"], first["standard_uncertainty"], first["coverage_factor"]) == ("mm", "0.0001", "2.0")
    assert (first["lower"], first["upper"], first["chart"]) == ("0.75", "0.85", "xbar_r")
    assert (first["centre"], first["sigma"], first["limits_version"]) == ("0.8", "0.005", "1")
    assert (first["outcome"], first["rules"]) == ("conforming", "")
    assert found[2]["outcome"] == "signal"
    assert found[2]["rules"]
    assert found[2]["instrument"] == "pin gauge 2"


def test_samples_that_are_not_there_are_refused() -> None:
    with pytest.raises(ExportError, match="is not started"):
        exports.spc_table(Shop().producing().state.record())
    with pytest.raises(ExportError, match="in-process control"):
        exports.spc_table({"started": {"keys": [{}]}, "lot": "L1"})


NCR: dict[str, Any] = {
    "id": "nc-1", "lot": "L1", "cause": "characteristic:hole", "severity": "major", "status": "disposed",
    "opened_at": "2026-07-01T12:00:00Z", "triggers": ["lot_rejected"], "serials": ["=T1", "T2"],
    "inspections": ["i1"], "quantity": "2.5",
    "dispositions": [{"decision": "scrap", "quantity": "2", "reason": "+cracked",
                      "person": {"name": "Li Wei", "party": "Shenzhen Boards"}}],
}  # fmt: skip


def test_non_conformances_as_csv() -> None:
    data = exports.to_csv(exports.ncr_table([NCR]))
    (row,) = csv.DictReader(io.StringIO(data.decode(), newline=""))
    assert row["serials"] == "'=T1; T2"
    assert (row["quantity"], row["quantity_unit"], row["severity"]) == ("2.5", "units", "major")
    assert row["dispositions"] == "scrap of 2 by Li Wei, Shenzhen Boards: +cracked"
    with pytest.raises(ExportError, match="non-conformance"):
        exports.ncr_table([{"id": "nc-1"}])


# the commands


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with open_plant(tmp_path) as plant:
        (tmp_path / "qc.key").write_text(plant.tokens["qc"])
        plant.ask("qc", "POST", "/lots", json={"lot": "L1", "golden": records.GOLDEN["digest"]})
        for number in (1, 2):
            assert plant.post(number, lot="L1", characteristics=measured()).status_code == 201
        yield plant


def test_exports_from_a_server(plant: Plant, tmp_path: Path) -> None:
    server = ["--server", str(plant.client.base_url), "--api-key-file", str(tmp_path / "qc.key")]
    for name in ("m.csv", "m.dfq", "m.qif"):
        result = command("measurements", "L1", "-o", str(tmp_path / name), *server)
        assert result.exit_code == 0, result.exception
        assert result.output.strip() == str(tmp_path / name)
    assert len(k_fields((tmp_path / "m.dfq").read_bytes())[2]) == 6
    told = json.loads(command("ncr", "-o", str(tmp_path / "n.csv"), "--json", *server).output)
    assert told["bytes"] == (tmp_path / "n.csv").stat().st_size
    refused = command("spc", "L1", "-o", str(tmp_path / "s.csv"), *server)
    assert isinstance(refused.exception, ExportError | LotError)
    refused = command("fai", "F9", "-o", str(tmp_path / "f.xlsx"), *server)
    assert isinstance(refused.exception, LotError)
    assert not (tmp_path / "f.xlsx").exists()


def test_exports_from_records(tmp_path: Path) -> None:
    both = tmp_path / "units.jsonl"
    both.write_bytes(unit(1).to_json() + b"\n" + unit(2).to_json() + b"\n")
    result = command("measurements", "--record", str(both), "-o", str(tmp_path / "m.dfq"))
    assert result.exit_code == 0, result.exception
    assert len(k_fields((tmp_path / "m.dfq").read_bytes())[2]) == 6
    listed = tmp_path / "nc.json"
    listed.write_text(json.dumps([NCR]))
    assert command("ncr", "--record", str(listed), "-o", str(tmp_path / "n.csv")).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("measurements", "L1", "-o", "{t}/m.txt"), "the format is told by the file's ending"),
        (("measurements", "L1", "-o", "{t}/m.csv"), "name the server"),
        (("fai", "-o", "{t}/m.xlsx", "--server", "http://x", "--api-key-file", "{t}/k"), "name the FAIR"),
        (("measurements", "--record", "{t}/altered.json", "-o", "{t}/m.csv"), "was altered"),
        (("measurements", "--record", "{t}/other.json", "-o", "{t}/m.csv"), "not an inspection record"),
        (("measurements", "--record", "{t}/text", "-o", "{t}/m.csv"), "not JSON"),
        (("measurements", "--record", "{t}/list.json", "-o", "{t}/m.csv"), "holds no records"),
        (("fai", "--record", "{t}/two.json", "-o", "{t}/m.pdf"), "holds 2 records"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    record = unit(1).record()
    record["characteristics"][0]["value"] = 0.81
    (tmp_path / "altered.json").write_text(json.dumps(record))
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "text").write_text("hello")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "two.json").write_text("[{}, {}]")
    result = command(*(a.replace("{t}", str(tmp_path)) for a in arguments))
    assert isinstance(result.exception, ExportError), (result.output, result.exception)
    assert words in str(result.exception)
    assert list(tmp_path.glob("m.*")) == []


def test_a_file_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    result = command("ncr", "--record", str(tmp_path / "none.json"), "-o", str(tmp_path / "n.csv"))
    assert isinstance(result.exception, OSError)
    assert result.exception.filename is not None  # the command line makes a sentence of it, exit code 2
