"""A lot on a real server, from opening to release, and its dispute packs; for the tests of the packs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner, Result

from evidence.journal import JournalLine, line_hash
from golden import bundle
from golden.spec import GoldenSpec
from hallmark.__main__ import app
from hallmark.dispute import Pack, write_pack
from quality.neutral_draw import commitment
from tests import builders
from tests.api import records
from tests.api.conftest import Plant, open_plant
from tests.api.test_lots import ENTERED, measured, ok

AQL = {"aql": "4.0"}  # ISO 2859-1:1999, tables 1 and 2-A: lot of 9 to 15, level II, code B, n 3, Ac 0, Re 1
LARGE = 0.845  # mm: conforms to 0.85, not to 0.84


def spec() -> GoldenSpec:
    """The test plate, sampled by AQL 4.0, its sample drawn by both parties."""
    plans = {"oqc": {"major": AQL, "minor": AQL, "draw": "both_parties"}}
    return GoldenSpec.model_validate({**builders.tiny_fields(), "plans": plans})


GOLDEN = builders.sealed(
    bundle.build(spec(), builders.tiny_images(), version=2, issued=builders.ISSUED, expires=builders.EXPIRES)
)
REFERENCE = {"digest": bundle.read(GOLDEN).digest, "version": 2}


def values(hole: float, *, entered: bool = False) -> list[dict[str, Any]]:
    """Return a unit's results with that hole, in mm."""
    plain = [c.model_dump(mode="json") for c in records.inspection(1)[0].characteristics]
    results = [dict(r) for r in (measured() if entered else plain)]
    results[0]["value"] = hole
    return results


def run_lot(plant: Plant) -> list[str]:
    """Take lot L1 of 12 units to its release; return the drawn serials. The first drawn one is large."""
    assert plant.ask("engineer", "POST", "/goldens", content=GOLDEN).status_code == 201
    ok(plant.ask("qc", "POST", "/lots", json={"lot": "L1", "golden": REFERENCE["digest"]}), 201)
    first = ok(plant.post(1, serial="F-1", lot="L1", golden=REFERENCE), 201)["id"]
    ok(plant.ask("qc", "POST", "/lots/L1/fai", json={"inspections": [first], "entered": [ENTERED]}))
    ok(plant.ask("approver", "POST", "/lots/L1/fai/approval"))
    for number in range(2, 14):
        made = values(LARGE if number == 5 else 0.8)
        ok(plant.post(number, lot="L1", golden=REFERENCE, characteristics=made), 201)
    plant.post(14, lot="L1", golden=REFERENCE, verdict="REJECT")
    manifest = ok(plant.ask("qc", "POST", "/lots/L1/freeze"))["manifest"]
    keys = {
        builders.SUPPLIER.party: plant.key("approver", "Li Wei", party=builders.SUPPLIER.party),
        builders.BUYER.party: "approver",
    }
    secrets = {party: os.urandom(16).hex() for party in keys}
    for party, key in keys.items():
        body = {"commitment": commitment("L1", manifest, party, secrets[party])}
        ok(plant.ask(key, "POST", "/lots/L1/draw/commitments", json=body))
    for party, key in keys.items():
        ok(plant.ask(key, "POST", "/lots/L1/draw/reveals", json={"secret": secrets[party]}))
    drawn: list[str] = ok(plant.ask("qc", "POST", "/lots/L1/draw"))["draw"]["serials"]
    second = plant.key("station", "the second station", station=records.OTHER_STATION)
    for number, serial in enumerate(drawn, start=1):
        found = values(LARGE if number == 1 else 0.8, entered=True)
        ok(plant.post(number, role=second, station=records.OTHER_STATION, serial=serial, lot="L1",
                      golden=REFERENCE, characteristics=found), 201)  # fmt: skip
    assert ok(plant.ask("qc", "POST", "/lots/L1/oqc"))["phase"] == "oqc_accepted"
    ok(plant.ask("approver", "POST", "/lots/L1/release"))
    return drawn


def made_packs(folder: Path) -> dict[str, Any]:
    """Return the bytes of a pack, of one with the whole journal, of one without frames; the drawn serials."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with open_plant(folder) as plant:
        drawn = run_lot(plant)
        (folder / "auditor.key").write_text(plant.tokens["auditor"])
        server = ["--server", str(plant.client.base_url), "--api-key-file", str(folder / "auditor.key")]
        found: dict[str, Any] = {"drawn": drawn}
        for name, options in (("plain", []), ("whole", ["--whole-journal"]), ("bare", ["--without-frames"])):
            out = folder / f"{name}.dispute"
            result = command("pack", "L1", "-o", str(out), *options, *server)
            assert result.exit_code == 0, (result.output, result.exception)
            found[name] = out.read_bytes()
    return found


def command(*arguments: str) -> Result:
    """Run `hallmark dispute`."""
    return CliRunner().invoke(app, ["dispute", *arguments])


def verified(folder: Path, data: bytes, *options: str) -> tuple[int, dict[str, Any]]:
    """Return exit code and findings of `hallmark dispute verify`."""
    file = folder / "it.dispute"
    file.write_bytes(data)
    result = command("verify", str(file), "--json", *options)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.output)


def rebuilt(pack: Pack, **changes: Any) -> bytes:
    """Return a pack that says something else and whose digests are those of what it says: a forgery."""
    fields: dict[str, Any] = {
        "lot": dict(pack.lot), "golden": pack.golden, "lines": pack.lines,
        "records": {digest: json.loads(data) for digest, data in pack.records.items()},
        "frames": list(pack.frames.values()), "head": pack.manifest.head,
        "whole_journal": pack.manifest.whole_journal, "now": builders.NOW, **changes,
    }  # fmt: skip
    return write_pack(
        fields.pop("lot"), fields.pop("golden"), fields.pop("lines"), fields.pop("records"),
        fields.pop("frames"), **fields,
    )  # fmt: skip


def forged(lines: Sequence[JournalLine], change: Mapping[int, dict[str, Any]]) -> list[JournalLine]:
    """Return lines with other bodies by sequence, every hash made again."""
    done: list[JournalLine] = []
    for line in lines:
        fields = line.model_dump(mode="json")
        fields["body"] = change.get(line.sequence, fields["body"])
        if done and done[-1].sequence == line.sequence - 1:
            fields["previous"] = done[-1].hash
        fields["hash"] = line_hash(fields)
        done.append(JournalLine.model_validate(fields))
    return done
