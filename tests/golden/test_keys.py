"""Key files and the trust store."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.errors import KeyFileError
from golden.keys import SigningKey, TrustStore
from tests.builders import BUYER, SUPPLIER


def test_a_saved_key_signs_as_before_and_its_public_half_is_trusted(tmp_path: Path) -> None:
    private, public = SUPPLIER.save(tmp_path / "keys")
    assert (private.name, public.name) == (
        "supplier-shenzhen-boards.key.json",
        "supplier-shenzhen-boards.pub.json",
    )
    assert SigningKey.load(private).sign(b"x") == SUPPLIER.sign(b"x")
    assert TrustStore.open(tmp_path / "keys").keys == {SUPPLIER.keyid: SUPPLIER.trusted}


def test_only_the_owner_reads_the_private_file_and_the_public_one_holds_no_secret(tmp_path: Path) -> None:
    private, public = SUPPLIER.save(tmp_path)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert json.loads(private.read_text())["private"] not in public.read_text()
    assert json.loads(private.read_text())["private"] not in repr(SigningKey.load(private))


@pytest.mark.parametrize("which", [0, 1])
def test_a_key_is_never_overwritten(tmp_path: Path, which: int) -> None:
    paths = SUPPLIER.save(tmp_path)
    paths[1 - which].unlink()
    before = paths[which].read_bytes()
    with pytest.raises(KeyFileError, match="not overwritten"):
        SigningKey.generate(SUPPLIER.party, "supplier").save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [paths[which].name]
    assert paths[which].read_bytes() == before


def test_generated_keys_differ() -> None:
    assert SigningKey.generate("A", "buyer").keyid != SigningKey.generate("A", "buyer").keyid


def test_a_party_without_latin_letters_has_a_file_name(tmp_path: Path) -> None:
    key = SigningKey("深圳电路", "supplier", SUPPLIER.private)
    private, _ = key.save(tmp_path)
    assert private.name == f"supplier-{SUPPLIER.keyid[7:15]}.key.json"
    assert SigningKey.load(private).party == "深圳电路"


def test_one_key_for_two_parties_is_refused() -> None:
    borrowed = SigningKey(BUYER.party, "buyer", SUPPLIER.private)
    with pytest.raises(KeyFileError, match="a key of its own"):
        TrustStore([SUPPLIER.trusted, borrowed.trusted])
    assert len(TrustStore([SUPPLIER.trusted, SUPPLIER.trusted]).keys) == 1


def test_a_public_key_under_another_id_is_refused(tmp_path: Path) -> None:
    _, public = SUPPLIER.save(tmp_path)
    public.write_text(json.dumps({**json.loads(public.read_text()), "keyid": BUYER.keyid}))
    with pytest.raises(KeyFileError, match="keyid does not belong"):
        TrustStore.open(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"private": "AAAA"},
        {"private": "??"},
        {"role": "boss"},
        {"format": "x"},
        {"surprise": 1},
        {"party": ""},
    ],
)
def test_a_damaged_private_key_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    private, _ = SUPPLIER.save(tmp_path)
    private.write_text(json.dumps({**json.loads(private.read_text()), **change}))
    with pytest.raises(KeyFileError, match=private.name):
        SigningKey.load(private)


def test_a_public_key_is_no_private_key(tmp_path: Path) -> None:
    _, public = SUPPLIER.save(tmp_path)
    with pytest.raises(KeyFileError, match=r"not a hallmark\.private-key/1 file"):
        SigningKey.load(public)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="No such file"):
        SigningKey.load(tmp_path / "absent.key.json")
    with pytest.raises(KeyFileError, match="is not a folder"):
        TrustStore.open(tmp_path / "absent")
    with pytest.raises(KeyFileError, match=r"holds no \*\.pub\.json"):
        TrustStore.open(tmp_path)


@given(data=st.binary(max_size=200))
def test_random_bytes_are_no_key(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "random.pub.json"
    path.write_bytes(data)
    with pytest.raises(KeyFileError):
        SigningKey.load(path)
    with pytest.raises(KeyFileError):
        TrustStore.open(path.parent)
