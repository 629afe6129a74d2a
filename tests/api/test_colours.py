"""A spectrophotometer's reading over HTTP: the server computes the difference, and decides as agreed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from golden import bundle
from golden.colour_difference import delta_e
from golden.spec import GoldenSpec
from hallmark.__main__ import app
from tests import builders
from tests.api import records
from tests.api.conftest import Plant
from tests.api.test_lots import ENTERED, ok, refused
from tests.colours import AGREED, NEAR, REFERENCE, TARGET, Lab, paint, reading, seen


def sealed(*, relative: bool = False) -> bytes:
    """The tiny golden sample with an absolute colour that first articles and outgoing units prove."""
    fields = builders.tiny_fields()
    fields["part"]["revision"] = "C"
    if not relative:
        fields["characteristics"][1] |= {"reference": REFERENCE, "required_at": ["fai", "oqc"]}
    return builders.sealed(
        bundle.build(
            GoldenSpec.model_validate(fields), builders.tiny_images(), version=2, issued=builders.ISSUED,
            expires=builders.EXPIRES, predecessor=None,
        )
    )  # fmt: skip


def proof(**changes: Any) -> dict[str, Any]:
    shown = reading(**changes).model_dump(mode="json")
    return {"serial": "F-1", "characteristic": "paint", "reading": shown, "evidence": "report 3"}


def test_a_first_article_is_decided_by_the_lab_that_was_read(plant: Plant) -> None:
    golden = sealed()
    digest = bundle.read(golden).digest
    ok(plant.ask("engineer", "POST", "/goldens", content=golden), 201)
    ok(plant.ask("qc", "POST", "/lots", json={"lot": "L1", "golden": digest}), 201)
    plain = records.inspection(1, serial="F-1")[0].model_dump(mode="json")["characteristics"]
    first = ok(plant.post(1, serial="F-1", lot="L1", golden={"digest": digest, "version": 2}, revision="C",
                          characteristics=[plain[0], plain[2]]), 201)  # fmt: skip
    assert first["counted"] is True, first["refused"]

    def decide(*entered: dict[str, Any]) -> Any:
        body = {"inspections": [first["id"]], "entered": [ENTERED, *entered]}
        return plant.ask("qc", "POST", "/lots/L1/fai", json=body)

    typed = {"serial": "F-1", "characteristic": "paint", "value": 0.1, "evidence": "report 3"}
    refused(decide(typed), 422, "evidence")
    excluded = decide(proof(conditions={**AGREED, "specular": "SCE"}))
    assert "specular is SCE, SCI is agreed" in excluded.json()["detail"]
    decided = ok(decide(proof(lab=NEAR)))["first_article"]
    item = next(i for i in decided["items"] if i["id"] == "paint")
    assert decided["accepted"] is True
    assert abs(item["value"] - delta_e(TARGET, NEAR)) < 1e-6
    assert item["colour"]["reading"]["instrument"] == "Minolta CM-26d 1001"


def test_a_lots_colours_are_read_over_http(plant: Plant, tmp_path: Path) -> None:
    golden = sealed(relative=True)
    digest = bundle.read(golden).digest
    ok(plant.ask("engineer", "POST", "/goldens", content=golden), 201)
    ok(plant.ask("qc", "POST", "/lots", json={"lot": "L1", "golden": digest}), 201)
    plain = records.inspection(1)[0].model_dump(mode="json")["characteristics"]

    def made(number: int, serial: str, lab: Lab) -> dict[str, Any]:
        shown = seen(paint(upper=2.0), lab, "conform", None, u=0.1).model_dump(mode="json")
        return ok(plant.post(number, serial=serial, lot="L1", golden={"digest": digest, "version": 2},
                             revision="C", characteristics=[plain[0], shown, plain[2]]), 201)  # fmt: skip

    first = made(1, "F-1", TARGET)
    body = {"inspections": [first["id"]], "entered": [ENTERED]}
    ok(plant.ask("qc", "POST", "/lots/L1/fai", json=body))
    ok(plant.ask("approver", "POST", "/lots/L1/fai/approval"))
    assert ok(plant.ask("reader", "GET", "/lots/L1/colours")) == {"lot": "L1", "alpha": 0.05, "colours": []}
    made(2, "U1", (61.0, 20.0, -10.0))
    made(3, "U2", (60.2, 20.0, -10.0))
    assert made(4, "U1", (60.4, 20.0, -10.0))["counted"] is True  # judged again: the newest counts
    (found,) = ok(plant.ask("reader", "GET", "/lots/L1/colours"))["colours"]
    assert (found["units"], found["worst"]) == (2, "U1")
    assert found["mean"] == pytest.approx([0.3, 0.0, 0.0])
    key = tmp_path / "reader.key"
    key.write_text(plant.tokens["reader"])
    shown = CliRunner().invoke(
        app, ["lot", "colours", "L1", "--server", str(plant.client.base_url), "--api-key-file", str(key)]
    )
    assert "Paint by camera, 2 units" in shown.output
    assert "worst unit U1" in shown.output
