"""Who answers for a release: every file is listed, and the list is signed."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest

from golden.keys import SigningKey, TrustStore
from models.card import CARD, MODEL, read_card
from models.errors import ModelAlteredError, ModelFormatError, ModelUnsignedError
from models.kinds import card_of, open_release, verify_release
from models.release import RELEASE, SEAL, check_release, open_model, packaged, seal, verify
from models.release.report import flip_rate_upper, read_report
from tests.models import tiny

BUYER = SigningKey.generate("Nordic Instruments", "buyer")
SUPPLIER = SigningKey.generate("Shenzhen Boards", "supplier")
TRUST = TrustStore([BUYER.trusted])
PACKAGED = packaged().parent


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    folder = tiny.release(tmp_path / "tiny")
    seal(folder, read_card(folder), BUYER)
    return folder


def test_a_signed_release_tells_who_signed_and_is_the_same_model(signed: Path) -> None:
    (signer,) = check_release(signed, read_card(signed), TRUST)
    assert (signer.party, signer.role, signer.keyid) == ("Nordic Instruments", "buyer", BUYER.keyid)
    assert open_model(signed, TRUST).reference == read_card(signed).reference
    assert verify(signed, TRUST).holds


def test_the_signature_is_plain_ed25519_over_the_bytes_of_the_list(signed: Path) -> None:
    envelope = json.loads((signed / SEAL).read_bytes())
    payload = (signed / RELEASE).read_bytes()
    assert base64.b64decode(envelope["payload"]) == payload
    kind = envelope["payloadType"].encode()
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    public = BUYER.private.public_key()
    public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), message)
    listed = {entry["path"]: entry["sha256"] for entry in json.loads(payload)["files"]}
    assert listed == {
        p.name: tiny.digest(p.read_bytes()) for p in signed.iterdir() if p.name not in (RELEASE, SEAL)
    }


def test_several_sign_one_list_and_one_who_is_trusted_is_enough(signed: Path) -> None:
    first = (signed / RELEASE).read_bytes()
    seal(signed, read_card(signed), SUPPLIER)
    assert (signed / RELEASE).read_bytes() == first
    both = TrustStore([BUYER.trusted, SUPPLIER.trusted])
    assert {s.party for s in check_release(signed, read_card(signed), both)} == {BUYER.party, SUPPLIER.party}
    assert [s.party for s in check_release(signed, read_card(signed), TRUST)] == [BUYER.party]


def test_what_nobody_trusted_has_signed_is_refused_where_trust_is_asked_for(signed: Path) -> None:
    stranger = TrustStore([SUPPLIER.trusted])
    with pytest.raises(ModelUnsignedError, match="not by a key that is trusted here"):
        open_model(signed, stranger)
    assert open_model(signed).classes == tiny.CLASSES, "without trust nothing is asked of signers"
    (signed / RELEASE).unlink()
    with pytest.raises(ModelUnsignedError, match="not released"):
        open_model(signed, TRUST)


def test_a_signature_over_something_else_is_refused(signed: Path) -> None:
    envelope = json.loads((signed / SEAL).read_bytes())
    envelope["signatures"][0]["sig"] = base64.b64encode(BUYER.sign(b"another message")).decode()
    (signed / SEAL).write_bytes(json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode())
    with pytest.raises(ModelUnsignedError, match="not genuine"):
        open_model(signed, TRUST)
    open_model(signed)


@pytest.mark.parametrize("trust", [None, TRUST])
def test_a_file_more_or_less_or_other_is_named(
    signed: Path, tmp_path: Path, trust: TrustStore | None
) -> None:
    for change, named in ((b"more", "notes.txt"), (None, "weights.npz")):
        copy = shutil.copytree(signed, tmp_path / named)
        if change is None:
            (copy / named).unlink()
        else:
            (copy / named).write_bytes(change)
        with pytest.raises(ModelAlteredError, match=named):
            check_release(copy, read_card(copy), trust)
    tiny.replace(signed, MODEL, (signed / MODEL).read_bytes() + b"\0")
    with pytest.raises(ModelAlteredError, match=CARD):
        check_release(signed, read_card(signed), trust)


@pytest.mark.parametrize(
    ("name", "data"),
    [(RELEASE, b"{}"), (RELEASE, b"no json"), (SEAL, b"{}"), (SEAL, None), (SEAL, b"\xff")],
)
def test_what_is_no_list_or_no_seal_is_refused(signed: Path, name: str, data: bytes | None) -> None:
    if data is None:
        (signed / name).unlink()
    else:
        (signed / name).write_bytes(data)
    with pytest.raises(ModelFormatError, match=r"json"):
        open_model(signed)


def test_a_seal_of_another_list_is_refused(signed: Path, tmp_path: Path) -> None:
    other = tiny.release(tmp_path / "other", created="2026-03-05")
    seal(other, read_card(other), BUYER)
    shutil.copy(other / SEAL, signed / SEAL)
    with pytest.raises(ModelAlteredError, match="another list"):
        open_model(signed, TRUST)


def test_a_release_holds_plain_files_alone(tmp_path: Path) -> None:
    folder = tiny.release(tmp_path / "tiny")
    (folder / "more").mkdir()
    with pytest.raises(ModelFormatError, match="plain files"):
        seal(folder, read_card(folder), BUYER)
    assert not (folder / RELEASE).exists()


@pytest.mark.parametrize("folder", [p for p in sorted(PACKAGED.iterdir()) if (p / CARD).exists()],
                         ids=lambda p: p.name)  # fmt: skip
def test_every_packaged_model_is_signed_small_and_reported(folder: Path) -> None:
    store = TrustStore.open(PACKAGED / "trust")
    assert check_release(folder, card_of(folder), store)
    assert open_release(folder, store).reference == card_of(folder).reference
    report = read_report(folder)
    assert report.inputs == tiny.digest((folder / "parity.npz").read_bytes())
    assert report.flip_rate_upper == flip_rate_upper(report.crops)
    found = verify_release(folder)
    assert [p.runtime for p in found] == [r.runtime for r in report.runtimes]
    assert {p.crops for p in found} == {report.crops}
    assert not list(PACKAGED.rglob("*.key.json")), "no private key"
