"""Every route against every role: what is not written here is denied."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute

from api import routes_lots, routes_records
from api.store.keys import ROLES
from tests.api.conftest import Plant

READERS = {"reader", "qc", "engineer", "approver", "auditor"}
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
    ("POST", "/lots/{id}/fai"): {"qc"},
    ("POST", "/lots/{id}/fai/approval"): {"approver"},
    ("POST", "/lots/{id}/freeze"): {"qc"},
    ("POST", "/lots/{id}/draw"): {"qc"},
    ("POST", "/lots/{id}/oqc"): {"qc"},
    ("POST", "/lots/{id}/oqc/resolutions"): {"approver"},
    ("POST", "/lots/{id}/release"): {"approver"},
    ("GET", "/nonconformances"): READERS,
}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/lots"): {"lot": "L1", "golden": "sha256:" + "0" * 64},
    ("POST", "/lots/{id}/fai"): {"inspections": ["insp-0"]},
    ("POST", "/lots/{id}/oqc/resolutions"): {"serial": "S", "reason": "r"},
}
PUBLIC = {("GET", "/health")}


def test_every_route_denies_every_role_that_is_not_listed_and_anonymous(plant: Plant) -> None:
    served = {
        (method, route.path)
        for route in [*routes_records.router.routes, *routes_lots.router.routes]
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert served == ALLOWED.keys() | PUBLIC
    for (method, path), roles in ALLOWED.items():
        concrete = path.replace("{id}", "x").replace("{view}", "top").replace("{digest}", "x")
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
