"""A spectrophotometer's reading over HTTP: the server computes the difference, and decides as agreed."""

from __future__ import annotations

from typing import Any

from golden import bundle
from golden.colour_difference import delta_e
from golden.spec import GoldenSpec
from tests import builders
from tests.api import records
from tests.api.conftest import Plant
from tests.api.test_lots import ENTERED, ok, refused
from tests.colours import AGREED, NEAR, REFERENCE, TARGET, reading


def sealed() -> bytes:
    """The tiny golden sample with an absolute colour that first articles and outgoing units prove."""
    fields = builders.tiny_fields()
    fields["part"]["revision"] = "C"
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
