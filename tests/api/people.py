"""People with keys, a golden sample with a bill of materials, and lots of it, over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from api import Limits, Store, create_app
from golden import bundle
from golden.spec import GoldenSpec
from tests import builders
from tests.api import records
from tests.api.conftest import Plant, serving
from tests.quality.materials import deliveries

SUPPLIER, BUYER = builders.SUPPLIER.party, builders.BUYER.party
STRANGER = "Third Laboratory"


def spec_fields() -> dict[str, Any]:
    """Return the tiny part with a laminate and its checks; the outgoing sample is small."""
    return {
        **builders.tiny_fields(), "materials": [deliveries.MATERIAL], "plans": {"iqc": deliveries.CHECKS},
    }  # fmt: skip


class Staff:
    """A plant with a person for each role of both parties; a token is made where it is first asked for."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self._tokens: dict[tuple[str, ...], str] = {}

    def token(self, party: str, *signs: str, name: str | None = None) -> str:
        """Return the token of a person of a party who signs for these roles."""
        named = name or f"{party[0]} {'-'.join(signs) or 'nobody'}"
        known = (party, named, *signs)
        if known not in self._tokens:
            self._tokens[known] = self.plant.key("approver", named, party=party, signs=signs)
        return self._tokens[known]

    def post(self, party: str, role: str, path: str, body: Any = None, *, name: str | None = None) -> Any:
        """Post as a person of a party who signs for one role."""
        more = {} if body is None else {"json": body}
        return self.plant.ask(self.token(party, role, name=name), "POST", path, **more)

    def get(self, path: str, **query: Any) -> Any:
        """Read as a reader; fails where the answer is no success."""
        answer = self.plant.ask("reader", "GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def told(self) -> int:
        """Return how many journal lines there are beside those of keys."""
        return sum(not line["kind"].startswith("apikey.") for line in self.lines())

    def lines(self, **query: Any) -> list[dict[str, Any]]:
        """Return journal lines."""
        answer = self.plant.ask("auditor", "GET", "/journal", params={"limit": 1000, **query})
        found: list[dict[str, Any]] = answer.json()["items"]
        return found


def register(plant: Plant, version: int = 2, **changes: Any) -> dict[str, Any]:
    """Register a sealed golden sample with materials; return its digest and version."""
    spec = GoldenSpec.model_validate({**spec_fields(), **changes})
    data = builders.sealed(
        bundle.build(
            spec, builders.tiny_images(), version=version, issued=builders.ISSUED, expires=builders.EXPIRES,
            predecessor=None,
        )
    )  # fmt: skip
    answer = plant.ask("engineer", "POST", "/goldens", content=data)
    assert answer.status_code == 201, answer.text
    return {"digest": answer.json()["digest"], "version": version}


@contextmanager
def reopened(plant: Plant) -> Iterator[Plant]:
    """Serve the plant's data folder anew, after the first server has let it go: nothing is in memory."""
    with Store.open(plant.data, serve=True) as store:
        again = Plant(None, None, store, plant.tokens, plant.data, plant.now)  # type: ignore[arg-type]
        again.app = create_app(
            store, builders.trust(), clock=again.tick, entropy=os.urandom, limits=Limits(200_000, 20_000)
        )
        with serving(again.app) as url, httpx.Client(base_url=url, timeout=30) as client:
            again.client = client
            yield again


class Factory:
    """Makes lots of a registered golden sample; each station numbers its records without gaps."""

    def __init__(self, plant: Plant, golden: dict[str, Any]) -> None:
        self.plant, self.golden = plant, golden
        self.second = plant.key("station", "the second station", station=records.OTHER_STATION)
        self._made = {records.STATION: 0, records.OTHER_STATION: 0}

    def inspect(
        self, lot: str, serial: str, *, second: bool = False, expect: int = 201, **more: Any
    ) -> dict[str, Any]:
        """Post a unit's record; the second station also has the entered result."""
        station = records.OTHER_STATION if second else records.STATION
        self._made[station] += 1
        fields = {"characteristics": measured(), **more} if second else more
        answer = self.plant.post(
            self._made[station], role=self.second if second else "station", station=station, serial=serial,
            lot=lot, golden=self.golden, **fields,
        )  # fmt: skip
        assert answer.status_code == expect, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, role: str, path: str, body: Any = None) -> dict[str, Any]:
        """Post as a key of a role; fails where the answer is no success."""
        answer = self.plant.ask(role, "POST", path, **({} if body is None else {"json": body}))
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = answer.json()
        return found

    def in_production(self, lot: str) -> None:
        """Open a lot, and have its first article accepted and approved."""
        self.ask("qc", "/lots", {"lot": lot, "golden": self.golden["digest"]})
        first = self.inspect(lot, f"{lot}-F")
        entered = {
            "serial": f"{lot}-F", "characteristic": "continuity", "value": 0.1, "standard_uncertainty": 0.01,
            "evidence": "report 17",
        }  # fmt: skip
        self.ask("qc", f"/lots/{lot}/fai", {"inspections": [first["id"]], "entered": [entered]})
        self.ask("approver", f"/lots/{lot}/fai/approval")

    def frozen(self, lot: str, units: int) -> list[str]:
        """Make a lot of so many accepted units; return their serials."""
        self.in_production(lot)
        serials = [f"{lot}-{i:03d}" for i in range(units)]
        for serial in serials:
            self.inspect(lot, serial)
        self.ask("qc", f"/lots/{lot}/freeze")
        return serials

    def judged(self, lot: str, *bad: dict[str, Any]) -> dict[str, Any]:
        """Draw and judge a frozen lot; the first drawn units are as `bad` says."""
        drawn = self.ask("qc", f"/lots/{lot}/draw")["draw"]["serials"]
        for place, serial in enumerate(drawn):
            self.inspect(lot, serial, second=True, **(bad[place] if place < len(bad) else {}))
        return self.ask("qc", f"/lots/{lot}/oqc")

    def released(self, lot: str, units: int = 3) -> list[str]:
        """Make, judge and release a lot; return its serials."""
        serials = self.frozen(lot, units)
        decided = self.judged(lot)
        assert decided["phase"] == "oqc_accepted", decided["oqc"]
        self.ask("approver", f"/lots/{lot}/release")
        return serials


def measured() -> list[dict[str, Any]]:
    """Return a conforming unit's results, the entered one too."""
    base = [c.model_dump(mode="json") for c in records.inspection(1)[0].characteristics]
    entered = {
        **base[0], "id": "continuity", "name": "continuity", "source": "manual", "value": 0.1, "unit": "ohm",
        "nominal": None, "lower": None, "upper": 0.5, "standard_uncertainty": 0.01,
    }  # fmt: skip
    return [*base, entered]


def ok(answer: Any, status: int = 200) -> dict[str, Any]:
    """Return what an answer of that status says."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refused(answer: Any, status: int, name: str) -> str:
    """Return why it is refused, with a problem of that name."""
    told = answer.json()
    assert (answer.status_code, told["type"]) == (status, f"urn:hallmark:problem:{name}"), answer.text
    detail: str = told["detail"]
    return detail
