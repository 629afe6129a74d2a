"""Every route against every role: what is not written here is denied."""

from __future__ import annotations

import re
from typing import Any

import pytest

from api import routes
from api.store.keys import ROLES
from tests.api.conftest import Plant

READERS = {"reader", "qc", "engineer", "approver", "auditor"}
SIGNED = {"approver"}
ALLOWED: dict[tuple[str, str], set[str]] = {
    ("POST", "/inspections"): {"station"},
    ("GET", "/inspections"): READERS,
    ("GET", "/inspections/{id}"): READERS,
    ("GET", "/inspections/{id}/frames/{view}"): READERS,
    ("POST", "/goldens"): {"engineer"},
    ("GET", "/goldens"): READERS,
    ("GET", "/goldens/{digest}"): READERS | {"station"},
    ("GET", "/stations"): READERS,
    ("GET", "/journal"): {"auditor"},
    ("GET", "/journal/verification"): {"auditor"},
    ("POST", "/lots"): {"qc"},
    ("GET", "/lots"): READERS,
    ("GET", "/lots/{id}"): READERS,
    ("GET", "/lots/{id}/colours"): READERS,
    ("POST", "/lots/{id}/fai"): {"qc"},
    ("POST", "/lots/{id}/fai/approval"): SIGNED,
    ("POST", "/lots/{id}/quarantine"): {"qc", "approver"},
    ("POST", "/lots/{id}/clearance"): SIGNED,
    ("POST", "/lots/{id}/freeze"): {"qc"},
    ("GET", "/lots/{id}/draw"): READERS,
    ("POST", "/lots/{id}/draw/commitments"): SIGNED,
    ("POST", "/lots/{id}/draw/reveals"): SIGNED,
    ("POST", "/lots/{id}/draw"): {"qc"},
    ("GET", "/lots/{id}/tally"): READERS,
    ("POST", "/lots/{id}/oqc"): {"qc"},
    ("POST", "/lots/{id}/oqc/judgements"): SIGNED,
    ("POST", "/lots/{id}/oqc/checks"): SIGNED,
    ("POST", "/lots/{id}/oqc/resolutions"): SIGNED,
    ("POST", "/lots/{id}/release"): SIGNED,
    ("GET", "/lots/{id}/first-pieces"): READERS,
    ("POST", "/lots/{id}/first-pieces"): SIGNED,
    ("POST", "/lots/{id}/first-pieces/decision"): {"qc"},
    ("POST", "/lots/{id}/first-pieces/approval"): SIGNED,
    ("GET", "/lots/{id}/ipqc"): READERS,
    ("POST", "/lots/{id}/ipqc"): SIGNED,
    ("POST", "/lots/{id}/ipqc/sop"): SIGNED,
    ("POST", "/lots/{id}/ipqc/acknowledgements"): SIGNED,
    ("POST", "/lots/{id}/ipqc/limits"): SIGNED,
    ("POST", "/lots/{id}/ipqc/samples"): SIGNED,
    ("POST", "/lots/{id}/ipqc/reactions"): SIGNED,
    ("POST", "/lots/{id}/ipqc/watch"): {"qc", "approver"},
    ("POST", "/fairs"): {"qc", "engineer"},
    ("GET", "/fairs/{id}"): READERS,
    ("POST", "/fairs/{id}/submission"): SIGNED,
    ("POST", "/fairs/{id}/verification"): SIGNED,
    ("POST", "/fairs/{id}/approval"): SIGNED,
    ("POST", "/fairs/{id}/customer-approval"): SIGNED,
    ("POST", "/fairs/{id}/return"): SIGNED,
    ("POST", "/fairs/{id}/triggers"): SIGNED,
    ("POST", "/fairs/{id}/production"): {"qc"},
    ("GET", "/series/{subject}"): READERS,
    ("POST", "/series/conditions"): SIGNED,
    ("POST", "/series/returns"): SIGNED,
    ("POST", "/series/restarts"): SIGNED,
    ("GET", "/changes"): READERS,
    ("GET", "/changes/{id}"): READERS,
    ("POST", "/changes"): SIGNED,
    ("POST", "/changes/{id}/approval"): SIGNED,
    ("POST", "/materials"): SIGNED,
    ("GET", "/materials/{id}"): READERS,
    ("POST", "/materials/{id}/evidence"): SIGNED,
    ("POST", "/materials/{id}/inspections"): SIGNED,
    ("POST", "/materials/{id}/decision"): SIGNED,
    ("POST", "/materials/{id}/concession"): SIGNED,
    ("POST", "/materials/{id}/bookings"): SIGNED,
    ("POST", "/genealogy/units"): SIGNED,
    ("POST", "/genealogy/cartons"): SIGNED,
    ("POST", "/genealogy/shipments"): SIGNED,
    ("GET", "/recall"): READERS,
    ("GET", "/nonconformances"): READERS,
    ("GET", "/nonconformances/{id}"): READERS,
    ("POST", "/nonconformances/{id}/dispositions"): SIGNED,
    ("POST", "/nonconformances/{id}/capa"): SIGNED,
    ("GET", "/capas"): READERS,
    ("GET", "/capas/{nc}"): READERS,
    ("POST", "/capas/{nc}/reports"): SIGNED,
    ("POST", "/capas/{nc}/approvals"): SIGNED,
    ("POST", "/capas/{nc}/rejections"): SIGNED,
    ("POST", "/capas/{nc}/lots"): SIGNED,
    ("POST", "/capas/{nc}/verification"): SIGNED,
    ("POST", "/capas/{nc}/recurrence-reviews"): SIGNED,
    ("POST", "/claims"): SIGNED,
    ("GET", "/claims/{id}"): READERS,
    ("POST", "/claims/{id}/answer"): SIGNED,
    ("POST", "/claims/{id}/withdrawal"): SIGNED,
    ("GET", "/trend"): READERS,
}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/lots"): {"lot": "L1", "golden": "sha256:" + "0" * 64},
    ("POST", "/lots/{id}/fai"): {"inspections": ["insp-0"]},
    ("POST", "/lots/{id}/quarantine"): {"serials": ["S"], "cause": "handling", "reason": "r"},
    ("POST", "/lots/{id}/clearance"): {"serials": ["S"], "reason": "r"},
    ("POST", "/lots/{id}/draw/commitments"): {"commitment": "sha256:" + "0" * 64},
    ("POST", "/lots/{id}/draw/reveals"): {"secret": "0" * 32},
    ("POST", "/lots/{id}/oqc/judgements"): {"serial": "S", "evidence": "e"},
    ("POST", "/lots/{id}/oqc/checks"): {"item": "i", "conforms": True, "evidence": "e"},
    ("POST", "/lots/{id}/oqc/resolutions"): {"serial": "S", "reason": "r"},
    ("POST", "/lots/{id}/first-pieces"): {"occasion": "shift", "label": "night"},
    ("POST", "/lots/{id}/first-pieces/decision"): {"pieces": {"line": ["S"]}, "inspections": ["insp-0"]},
    ("POST", "/lots/{id}/ipqc"): {"sop": "WI-7", "sop_version": "B"},
    ("POST", "/lots/{id}/ipqc/sop"): {"sop_version": "C"},
    ("POST", "/lots/{id}/ipqc/acknowledgements"): {"sop_version": "C"},
    ("POST", "/lots/{id}/ipqc/limits"): {"characteristic": "hole", "reason": "r"},
    ("POST", "/lots/{id}/ipqc/samples"): {
        "readings": [{"serial": "S", "characteristic": "hole", "value": 0.8, "instrument": "pin gauge 4"}]
    },
    ("POST", "/lots/{id}/ipqc/reactions"): {"reaction": "1:hole", "note": "n"},
    ("POST", "/fairs"): {"identifier": "F1", "golden": "sha256:" + "0" * 64},
    ("POST", "/fairs/{id}/submission"): {
        "records": {"inspections": ["insp-0"], "form1": {"process_reference": "WO-1", "fai_of": "detail"}}
    },
    ("POST", "/fairs/{id}/verification"): {},
    ("POST", "/fairs/{id}/approval"): {},
    ("POST", "/fairs/{id}/customer-approval"): {},
    ("POST", "/fairs/{id}/return"): {"reason": "r"},
    ("POST", "/fairs/{id}/triggers"): {"trigger": "tooling", "extent": "full", "description": "d"},
    ("POST", "/fairs/{id}/production"): {"lot": "L1"},
    ("POST", "/series/conditions"): {
        "series": "switching:S:T1", "production_steady": True, "reduced_approved": True, "reason": "r",
    },
    ("POST", "/series/returns"): {"series": "switching:S:T1", "severity": "major", "reason": "r"},
    ("POST", "/series/restarts"): {
        "series": "switching:S:T1", "severity": "major", "corrective_action": "nc-1",
    },
    ("POST", "/changes"): {
        "id": "C1", "before": "sha256:" + "0" * 64, "after": "sha256:" + "1" * 64,
        "effectivity": {"lots": ["L1"]}, "reason": "r",
    },
}  # fmt: skip
PUBLIC = {("GET", "/health")}


def test_every_route_denies_every_role_that_is_not_listed_and_anonymous(plant: Plant) -> None:
    served = {(method, route.path_format) for route in routes() for method in route.methods}
    assert served == ALLOWED.keys() | PUBLIC
    for (method, path), roles in ALLOWED.items():
        concrete = re.sub(r"\{\w+\}", "x", path)
        body = BODIES.get((method, path))
        anonymous = plant.ask(None, method, concrete, json=body)
        assert (anonymous.status_code, anonymous.json()["type"]) == (
            401,
            "urn:hallmark:problem:unauthenticated",
        )
        assert anonymous.headers["www-authenticate"] == "Bearer"
        for role in ROLES:
            status = plant.ask(role, method, concrete, json=body).status_code
            assert (status == 403) == (role not in roles), (method, path, role, status)
            assert status != 401
            assert status < 500


def test_no_step_of_what_does_not_exist_writes_anything(plant: Plant) -> None:
    lines = plant.lines()
    steps = [(method, path) for method, path in ALLOWED if method == "POST" and "{" in path]
    for step in steps:
        method, path = step
        if path.startswith(("/lots", "/fairs", "/changes")):
            role = min(ALLOWED[step])
            answer = plant.ask(role, method, re.sub(r"\{\w+\}", "x", path), json=BODIES.get(step))
            expected = 422 if path == "/lots/{id}/fai" else 404  # it names an inspection that is not recorded
            assert answer.status_code == expected, (path, answer.text)
    assert plant.lines() == lines


@pytest.mark.parametrize("path", ["/nothing", "/", "/inspections/", "/openapi.json/x"])
def test_an_unknown_path_tells_strangers_nothing(plant: Plant, path: str) -> None:
    assert plant.ask(None, "GET", path).status_code == 401


def test_health_and_openapi_are_public(plant: Plant) -> None:
    assert plant.ask(None, "GET", "/health").json()["status"] == "ok"
    document = plant.ask(None, "GET", "/openapi.json").json()
    assert set(document["paths"]) == {f"/api/v1{path}" for _, path in ALLOWED.keys() | PUBLIC}
    post = document["paths"]["/api/v1/inspections"]["post"]
    assert "example" in post["requestBody"]["content"]["multipart/form-data"]
    assert post["responses"]["default"]["content"].keys() == {"application/problem+json"}


def altered(token: str) -> list[str]:
    prefix, key_id, secret = token.split("_")
    flipped = format(int(secret[0], 16) ^ 1, "x") + secret[1:]
    return [
        f"{prefix}_{key_id}_{flipped}", f"{prefix}_{key_id}_{secret[:-1]}", f"{prefix}_{key_id}_",
        f"{prefix}_{'0' * 12}_{secret}", f"xx_{key_id}_{secret}", secret, key_id, "_", "__", "é",
        token.upper(),
    ]  # fmt: skip


def test_an_altered_or_foreign_token_is_nobody(plant: Plant) -> None:
    token = plant.tokens["reader"]
    assert plant.ask(token, "GET", "/lots").status_code == 200
    for other in altered(token):
        headers = {b"Authorization": b"Bearer " + other.encode()}
        answer = plant.client.get("/api/v1/lots", headers=headers)
        assert answer.status_code == 401, other
    assert plant.client.get("/api/v1/lots", headers={"Authorization": f"Basic {token}"}).status_code == 401


def test_a_revoked_key_is_nobody_at_once(plant: Plant) -> None:
    from api.store import keys

    token = plant.key("reader", "temporary")
    assert plant.ask(token, "GET", "/lots").status_code == 200
    with plant.store.database.write() as connection:
        keys.revoke(connection, token.split("_")[1], actor="operator:test", time="2026-07-02T00:00:00Z")
    assert plant.ask(token, "GET", "/lots").status_code == 401


def test_the_secret_is_not_at_rest(plant: Plant) -> None:
    secrets = [token.split("_")[2].encode() for token in plant.tokens.values()]
    for path in plant.data.glob("hallmark.sqlite*"):
        data = path.read_bytes()
        assert not any(secret in data or bytes.fromhex(secret.decode()) in data for secret in secrets)
