"""Dispute packs: what holds is said to hold, what was altered is refused, forgeries are found."""

from __future__ import annotations

import copy
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import canonical_json, sha256
from evidence.inspection import digest_of
from golden import archive
from hallmark.dispute import DisputeError, Pack, open_case, read_pack, recompute, verify
from hallmark.dispute.pack import JOURNAL, LIMITS, MANIFEST
from quality.neutral_draw import commitment
from tests import builders
from tests.hallmark.disputes import command, forged, rebuilt, verified

CHECKS = (
    "golden sample", "seal", "journal lines", "journal chain", "records", "frames", "results", "lot",
    "findings", "first article", "draw", "severity of inspection", "outgoing decision",
)  # fmt: skip


def holds(data: bytes) -> dict[str, bool | None]:
    return {check.name: check.holds for check in verify(open_case(read_pack(data)), builders.trust())}


def said(data: bytes, name: str) -> str:
    return next(c.said for c in verify(open_case(read_pack(data)), builders.trust()) if c.name == name)


def test_an_honest_pack_holds(packs: dict[str, Any], tmp_path: Path) -> None:
    trust = tmp_path / "trust"
    trust.mkdir()
    for key in (builders.SUPPLIER, builders.BUYER):
        key.save(trust)
    code, found = verified(tmp_path, packs["plain"], "--trust", str(trust))
    told = {check["name"]: check["holds"] for check in found["checks"]}
    assert tuple(told) == CHECKS
    assert code == 0
    assert {name for name, told_ in told.items() if told_ is None} == {"journal chain"}
    assert False not in told.values()
    assert found["recomputed"] is None
    by_name = {check["name"]: check["said"] for check in found["checks"]}
    assert "Shenzhen Boards (supplier)" in by_name["seal"]
    assert "3 of 12 units" in by_name["draw"]
    assert "Shenzhen Boards and Nordic Instruments committed, then revealed" in by_name["draw"]
    assert by_name["outgoing decision"].startswith("accept")
    assert "major 0 in 3, Ac 0, Re 1" in by_name["outgoing decision"]
    assert by_name["frames"] == "all 17 frames, each as recorded"


def test_without_keys_the_seal_is_not_told(packs: dict[str, Any], tmp_path: Path) -> None:
    code, found = verified(tmp_path, packs["plain"])
    seal = next(check for check in found["checks"] if check["name"] == "seal")
    assert (code, seal["holds"]) == (0, None)
    assert "give --trust" in seal["said"]


def test_the_whole_journal_is_checked_from_end_to_end(packs: dict[str, Any]) -> None:
    assert holds(packs["whole"])["journal chain"] is True
    whole = read_pack(packs["whole"])
    assert [line.sequence for line in whole.lines] == list(range(1, whole.manifest.head.lines + 1))
    cut = rebuilt(whole, lines=[line for line in whole.lines if line.kind != "apikey.created"])
    assert holds(cut)["journal chain"] is False
    shorter = rebuilt(whole, lines=whole.lines[:-1])
    assert holds(shorter)["journal chain"] is False
    assert "the head is" in said(shorter, "journal chain")


def test_without_frames_the_rest_holds(packs: dict[str, Any]) -> None:
    told = holds(packs["bare"])
    assert told["frames"] is None
    assert False not in told.values()
    assert said(packs["bare"], "frames").startswith("0 of 17 frames")
    assert len(packs["bare"]) < len(packs["plain"])


@settings(max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_pack_altered_in_any_byte_is_refused(packs: dict[str, Any], place: float, flip: int) -> None:
    data = bytearray(packs["bare"])
    data[int(place * len(data))] ^= flip
    with pytest.raises(DisputeError, match="refused"):
        read_pack(bytes(data))


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 1000, -1])
def test_a_pack_that_is_cut_or_longer_is_refused(packs: dict[str, Any], cut: int) -> None:
    for data in (packs["bare"][:cut], packs["bare"] + b"\0", b"\0" + packs["bare"]):
        with pytest.raises(DisputeError, match="refused"):
            read_pack(data)


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"PK", b"x" * 100, archive.write({"a.json": b"{}"}), builders.sealed_tiny()[0]):
        file = tmp_path / "x"
        file.write_bytes(data)
        result = command("verify", str(file))
        assert isinstance(result.exception, DisputeError)
        assert "refused" in str(result.exception)


def test_a_general_zip_a_bomb_or_a_path_that_leads_out_is_refused(pack: Pack) -> None:
    for name, content, method in (
        ("../../etc/passwd", b"x", zipfile.ZIP_STORED),
        ("/abs", b"x", zipfile.ZIP_STORED),
        (MANIFEST, b"0" * 10_000_000, zipfile.ZIP_DEFLATED),
    ):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as written:
            written.writestr(name, content)
        with pytest.raises(DisputeError, match="refused"):
            read_pack(file.getvalue())
    claims = bytearray(archive.write({"a": b"x"}, LIMITS))
    struct.pack_into("<H", claims, len(claims) - 12, 60_000)  # the number of entries
    with pytest.raises(DisputeError, match=r"claims|damaged|cut short"):
        read_pack(bytes(claims))


def files_of(data: bytes) -> dict[str, bytes]:
    return archive.read(data, LIMITS)


@pytest.mark.parametrize("path", ["lot.json", "golden.golden", JOURNAL])
def test_a_file_changed_under_the_old_manifest_is_refused(packs: dict[str, Any], path: str) -> None:
    files = files_of(packs["bare"])
    with pytest.raises(DisputeError, match="not the file that the manifest names"):
        read_pack(archive.write({**files, path: files[path] + b" "}, LIMITS))
    with pytest.raises(DisputeError, match="not the file that the manifest names"):
        read_pack(archive.write({**files, path: files[path][:-1] + b" "}, LIMITS))
    with pytest.raises(DisputeError, match="missing"):
        read_pack(archive.write({p: d for p, d in files.items() if p != path}, LIMITS))
    with pytest.raises(DisputeError, match="not in the manifest"):
        read_pack(archive.write({**files, "more": b""}, LIMITS))


def relisted(files: dict[str, bytes]) -> bytes:
    """Return the archive with a manifest that names these files as they are."""
    manifest = json.loads(files[MANIFEST])
    rest = {path: data for path, data in files.items() if path != MANIFEST}
    manifest["files"] = [{"path": p, "size": len(rest[p]), "sha256": sha256(rest[p])} for p in sorted(rest)]
    return archive.write({**rest, MANIFEST: canonical_json(manifest)}, LIMITS)


@pytest.mark.parametrize(
    ("path", "data", "words"),
    [
        (JOURNAL, b"{}\n", "not a journal line"),
        ("lot.json", b"[]", "holds no lot"),
        ("lot.json", b"{", "not JSON"),
        ("lot.json", b"[" * 100_000, "not JSON"),
        ("golden.golden", b"x", "golden sample"),
        (JOURNAL, b"", "no journal line of lot"),
    ],
)
def test_content_that_cannot_be_read_is_refused(
    packs: dict[str, Any], path: str, data: bytes, words: str
) -> None:
    with pytest.raises(DisputeError, match=words):
        open_case(read_pack(relisted({**files_of(packs["bare"]), path: data})))


def test_a_line_in_other_bytes_is_refused(packs: dict[str, Any]) -> None:
    files = files_of(packs["bare"])
    with pytest.raises(DisputeError, match="not written as this program writes it"):
        read_pack(relisted({**files, JOURNAL: files[JOURNAL].replace(b'"actor":', b'"actor": ', 1)}))


def body_of(pack: Pack, kind: str) -> tuple[int, dict[str, Any]]:
    line = next(line for line in pack.lines if line.kind == kind)
    return line.sequence, copy.deepcopy(line.body)


def swap_drawn(body: dict[str, Any]) -> None:
    body["draw"]["serials"] = body["draw"]["serials"][::-1]


def other_seed(body: dict[str, Any]) -> None:
    body["draw"]["seed"] = "ab" * 32


def other_outcome(body: dict[str, Any]) -> None:
    body["decision"]["outcome"] = "reject"


def other_approver(body: dict[str, Any]) -> None:
    body["person"]["party"] = builders.SUPPLIER.party


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("oqc.drawn", swap_drawn),
        ("oqc.drawn", other_seed),
        ("oqc.decided", other_outcome),
        ("fai.approved", other_approver),
        ("lot.released", other_approver),
    ],
)
def test_a_forged_line_does_not_follow(
    pack: Pack, kind: str, change: Callable[[dict[str, Any]], None]
) -> None:
    sequence, body = body_of(pack, kind)
    change(body)
    data = rebuilt(pack, lines=forged(pack.lines, {sequence: body}))
    told = holds(data)
    assert told["journal lines"] is True  # every hash was made again
    assert told["lot"] is False


def test_a_line_with_an_old_hash_is_found(pack: Pack) -> None:
    sequence, body = body_of(pack, "lot.released")
    lines = [
        line.model_copy(update={"body": {**body, "x": 1}}) if line.sequence == sequence else line
        for line in pack.lines
    ]
    assert "does not match its hash" in said(rebuilt(pack, lines=lines), "journal lines")
    assert holds(rebuilt(pack, lines=pack.lines[::-1]))["journal lines"] is False
    twice = [pack.lines[0], *pack.lines]
    assert "comes after line" in said(rebuilt(pack, lines=twice), "journal lines")


def test_a_lot_told_otherwise_than_its_lines_is_found(pack: Pack) -> None:
    assert holds(rebuilt(pack, lot={**pack.lot, "phase": "oqc_rejected"}))["lot"] is False


def first_record(pack: Pack, serial: str = "T-0005") -> dict[str, Any]:
    found = (json.loads(data) for data in pack.records.values())
    return next(r for r in found if r["serial"] == serial and r["station"] == "cell-3")


def with_record(pack: Pack, record: dict[str, Any], *relined: str) -> bytes:
    """Return a forgery with another record in place of one, its lines of these kinds made to agree."""
    old = next(json.loads(data) for data in pack.records.values() if json.loads(data)["id"] == record["id"])
    record["digest"] = digest_of(record)
    kept = {d: json.loads(data) for d, data in pack.records.items() if d != old["digest"]}
    change: dict[int, dict[str, Any]] = {}
    for line in pack.lines:
        body = copy.deepcopy(line.body)
        if "stored" in relined and line.kind == "inspection.stored" and line.subject == record["id"]:
            change[line.sequence] = {
                **body,
                "digest": record["digest"],
                "record": sha256(canonical_json(record)),
            }
        if "counted" in relined and line.kind == "inspection.recorded" and body["inspection"] == record["id"]:
            change[line.sequence] = {**body, "digest": record["digest"]}
    lines = forged(pack.lines, change)
    return rebuilt(pack, records={**kept, record["digest"]: record}, lines=lines)


def test_another_record_is_found_by_its_journal_line(pack: Pack) -> None:
    record = first_record(pack)
    record["characteristics"][0]["value"] = 0.8
    for relined in ((), ("stored",), ("counted",)):
        assert holds(with_record(pack, record, *relined))["records"] is False


def test_a_decision_that_its_number_does_not_bear_is_found(pack: Pack) -> None:
    record = first_record(pack)
    record["characteristics"][0]["value"] = 0.9  # still called conform
    told = holds(with_record(pack, record, "stored", "counted"))
    assert told["records"] is True
    assert told["results"] is False


def test_a_line_that_says_other_than_its_record_is_found(pack: Pack) -> None:
    sequence, body = next(
        (line.sequence, copy.deepcopy(line.body))
        for line in pack.lines
        if line.kind == "inspection.recorded" and line.body["verdict"] == "REJECT"
    )
    body["findings"]["nonconformities"] = []
    assert holds(rebuilt(pack, lines=forged(pack.lines, {sequence: body})))["findings"] is False


def test_a_record_that_is_missing_is_found(pack: Pack) -> None:
    left = {d: json.loads(data) for d, data in pack.records.items() if json.loads(data)["serial"] != "T-0005"}
    assert "is not in the pack" in said(rebuilt(pack, records=left), "records")


def test_a_first_article_decided_otherwise_is_found(pack: Pack) -> None:
    sequence, body = body_of(pack, "fai.decided")
    body["decision"]["items"][0]["value"] = 0.81
    assert holds(rebuilt(pack, lines=forged(pack.lines, {sequence: body})))["first article"] is False


def test_another_picture_is_found(pack: Pack) -> None:
    assert "belongs to no record" in said(rebuilt(pack, frames=[b"another"]), "frames")


def test_another_golden_sample_is_found(pack: Pack) -> None:
    assert holds(rebuilt(pack, golden=builders.sealed_tiny()[0]))["golden sample"] is False


def test_a_golden_sample_that_one_side_signed_does_not_hold(pack: Pack) -> None:
    from golden import bundle, seal

    one = seal.sign(bundle.read(pack.golden).with_signatures({}), builders.BUYER)
    told = holds(rebuilt(pack, golden=one))
    assert (told["golden sample"], told["seal"]) == (True, False)
    assert "not signed by Shenzhen Boards" in said(rebuilt(pack, golden=one), "seal")


def test_a_severity_that_the_series_does_not_give_is_found(pack: Pack) -> None:
    lines = [line for line in pack.lines if not line.kind.startswith("switching.")]
    assert holds(rebuilt(pack, lines=lines))["severity of inspection"] is False


def test_secrets_that_are_not_in_the_journal_are_found(pack: Pack) -> None:
    lines = [line for line in pack.lines if not line.subject.startswith("draw:")]
    assert holds(rebuilt(pack, lines=lines))["draw"] is False


def test_other_secrets_than_those_of_the_draw_are_found(pack: Pack) -> None:
    change: dict[int, dict[str, Any]] = {}
    for line in pack.lines:
        body = copy.deepcopy(line.body)
        if line.kind == "draw.committed":
            secret = sha256(body["person"]["party"].encode())[7:39]
            made = commitment("L1", body["manifest"], body["person"]["party"], secret)
            change[line.sequence] = {**body, "commitment": made}
        if line.kind == "draw.revealed":
            change[line.sequence] = {**body, "secret": sha256(body["person"]["party"].encode())[7:39]}
    assert len(change) == 4
    data = rebuilt(pack, lines=forged(pack.lines, change))
    assert "are not those that the draw names" in said(data, "draw")


def test_exit_code_1_where_something_does_not_hold(pack: Pack, tmp_path: Path) -> None:
    code, _ = verified(tmp_path, rebuilt(pack, lot={**pack.lot, "phase": "frozen"}))
    assert code == 1
    result = command("verify", str(tmp_path / "it.dispute"))
    assert "DOES NOT HOLD  lot:" in result.output


def test_nothing_is_decided_again_on_lines_that_do_not_follow(pack: Pack) -> None:
    case = open_case(read_pack(rebuilt(pack, lines=[x for x in pack.lines if x.kind != "lot.opened"])))
    assert case.state is None
    with pytest.raises(DisputeError, match="do not follow"):
        recompute(case, {"hole": (0.76, 0.84)}, {})
    assert {c.name for c in verify(case, None) if c.holds is False} >= {"lot"}


def test_a_pack_that_would_be_too_large_names_the_remedy(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hallmark.dispute.pack.LIMITS", archive.Limits(what="dispute pack", files=3))
    with pytest.raises(DisputeError, match="--without-frames"):
        rebuilt(pack)


def test_the_same_pack_is_the_same_bytes(pack: Pack) -> None:
    assert rebuilt(pack) == rebuilt(pack)
