"""Who signed, and whether the seal holds now."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from golden import archive, bundle, dsse, errors, seal
from golden.keys import SigningKey, TrustStore
from golden.sample import GoldenSample
from golden.spec import GoldenSpec, PartyRole
from tests import builders
from tests.builders import BUYER, ISSUED, NOW, SUPPLIER

UNSIGNED = builders.unsigned_tiny()
SEALED, TRUST = builders.sealed_tiny()


def key(seed: int, party: str, role: PartyRole) -> SigningKey:
    return SigningKey(party, role, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def trusting(*keys: SigningKey) -> TrustStore:
    return TrustStore([k.trusted for k in keys])


def check(
    data: bytes, trust: TrustStore = TRUST, now: datetime = NOW, newest_seen: int | None = None
) -> None:
    GoldenSample.from_bytes(data, trust=trust, now=now, newest_seen=newest_seen)


def signed_by_hand(data: bytes, *keys: SigningKey) -> bytes:
    """Sign without the checks of `seal.sign`, as an attacker would."""
    opened = bundle.read(data)
    message = dsse.pae(opened.envelope.payload)
    return opened.with_signatures({k.keyid: k.sign(message) for k in keys})


def test_pae_is_the_published_example() -> None:
    """DSSE 1.0, protocol.md: the example of the pre-authentication encoding."""
    encoded = dsse.pae(b"hello world", "http://example.com/HelloWorld")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_signature_verifies_by_hand_from_the_bytes_of_the_file() -> None:
    """Independent of `seal`: envelope read as plain JSON, PAE spelled out, RFC 8032 by the library."""
    files = archive.read(SEALED)
    envelope = json.loads(files["seal.json"])
    kind, payload = envelope["payloadType"], files["manifest.json"]
    message = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    keys = {k.keyid: k.trusted.public for k in (SUPPLIER, BUYER)}
    assert [s["keyid"] for s in envelope["signatures"]] == sorted(keys)
    for signature in envelope["signatures"]:
        public = Ed25519PublicKey.from_public_bytes(keys[signature["keyid"]])
        public.verify(base64.b64decode(signature["sig"]), message)


def test_ed25519_is_the_one_of_rfc_8032() -> None:
    """RFC 8032, 7.1, test 2."""
    secret = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    rfc = SigningKey("A", "supplier", Ed25519PrivateKey.from_private_bytes(secret))
    assert rfc.trusted.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert rfc.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_signing_in_any_order_gives_the_same_bytes_and_twice_changes_nothing() -> None:
    assert seal.sign(seal.sign(UNSIGNED, BUYER), SUPPLIER) == SEALED
    assert seal.sign(SEALED, SUPPLIER) == SEALED


def test_copies_signed_apart_merge_in_any_order() -> None:
    copies = [seal.sign(UNSIGNED, SUPPLIER), seal.sign(UNSIGNED, BUYER), UNSIGNED]
    for first, second, third in itertools.permutations(copies):
        assert seal.merge(seal.merge(first, second), third) == SEALED


def test_signing_does_not_change_the_identity() -> None:
    digests = {bundle.read(data).digest for data in (UNSIGNED, seal.sign(UNSIGNED, BUYER), SEALED)}
    assert len(digests) == 1
    assert bundle.read(builders.unsigned_tiny(version=2)).digest not in digests


def test_two_agreements_do_not_merge() -> None:
    with pytest.raises(errors.DifferentManifestError, match="one and the same file"):
        seal.merge(SEALED, builders.unsigned_tiny(version=2))


def test_a_copy_with_another_signature_of_the_same_key_does_not_merge() -> None:
    opened = bundle.read(SEALED)
    forged = opened.with_signatures({**opened.envelope.signatures, BUYER.keyid: bytes(64)})
    with pytest.raises(errors.InvalidSignatureError, match="one is false"):
        seal.merge(SEALED, forged)


def test_unsigned_is_refused() -> None:
    with pytest.raises(errors.UnsignedError, match="nobody has signed"):
        check(UNSIGNED)


@pytest.mark.parametrize(("signer", "absent"), [(SUPPLIER, BUYER), (BUYER, SUPPLIER)])
def test_one_signature_is_below_the_threshold(signer: SigningKey, absent: SigningKey) -> None:
    with pytest.raises(errors.BelowThresholdError) as raised:
        check(seal.sign(UNSIGNED, signer))
    assert absent.party in str(raised.value)
    assert signer.party not in str(raised.value)


def test_two_keys_of_one_party_do_not_count_twice() -> None:
    second = key(3, SUPPLIER.party, "supplier")
    data = seal.sign(seal.sign(UNSIGNED, SUPPLIER), second)
    with pytest.raises(errors.BelowThresholdError, match="Nordic Instruments"):
        check(data, trusting(SUPPLIER, second, BUYER))
    check(seal.sign(data, BUYER), trusting(SUPPLIER, second, BUYER))


def spec_with(*extra: dict[str, str]) -> GoldenSpec:
    fields = builders.tiny_fields()
    return GoldenSpec.model_validate({**fields, "parties": [*fields["parties"], *extra]})


def built(spec: GoldenSpec) -> bytes:
    return bundle.build(spec, builders.tiny_images(), version=1, issued=ISSUED)


def test_every_supplier_and_buyer_of_the_specification_must_sign() -> None:
    data = builders.sealed(built(spec_with({"name": "Brand AG", "role": "buyer"})))
    with pytest.raises(errors.BelowThresholdError, match=r"Brand AG \(buyer\)"):
        check(data)
    brand = key(4, "Brand AG", "buyer")
    check(seal.sign(data, brand), trusting(SUPPLIER, BUYER, brand))


def test_a_laboratory_may_sign_and_need_not() -> None:
    data = builders.sealed(built(spec_with({"name": "Lab", "role": "laboratory"})))
    check(data)
    lab = key(5, "Lab", "laboratory")
    check(seal.sign(data, lab), trusting(SUPPLIER, BUYER, lab))
    with pytest.raises(errors.UnknownSignerError):
        check(seal.sign(data, lab))


def test_a_key_that_is_not_trusted_is_refused_even_above_the_threshold() -> None:
    stranger = key(6, BUYER.party, "buyer")
    with pytest.raises(errors.UnknownSignerError, match=stranger.keyid):
        check(seal.sign(SEALED, stranger))


@pytest.mark.parametrize(
    "other",
    [key(7, "Rival Ltd", "buyer"), key(7, BUYER.party, "supplier"), key(7, SUPPLIER.party, "laboratory")],
)
def test_a_trusted_key_of_no_party_is_refused_even_above_the_threshold(other: SigningKey) -> None:
    with pytest.raises(errors.WrongSignerError, match="no party to this specification"):
        seal.sign(UNSIGNED, other)
    with pytest.raises(errors.WrongSignerError, match="no party to this specification"):
        check(signed_by_hand(UNSIGNED, SUPPLIER, BUYER, other), trusting(SUPPLIER, BUYER, other))


def test_a_stranger_who_names_himself_buyer_is_unknown() -> None:
    impostor = key(8, BUYER.party, "buyer")
    with pytest.raises(errors.UnknownSignerError):
        check(signed_by_hand(UNSIGNED, SUPPLIER, impostor))


@pytest.mark.parametrize(
    "false", [bytes(64), b"", b"\xff" * 64, SUPPLIER.sign(b"something else"), bytes(1000)]
)
def test_an_invalid_signature_is_refused_even_above_the_threshold(false: bytes) -> None:
    second = key(9, SUPPLIER.party, "supplier")
    opened = bundle.read(SEALED)
    data = opened.with_signatures({**opened.envelope.signatures, second.keyid: false})
    with pytest.raises(errors.InvalidSignatureError, match=r"Shenzhen Boards \(supplier\) is not genuine"):
        check(data, trusting(SUPPLIER, BUYER, second))


def test_signatures_of_another_version_do_not_carry_over() -> None:
    old = bundle.read(SEALED).envelope.signatures
    with pytest.raises(errors.InvalidSignatureError):
        check(bundle.read(builders.unsigned_tiny(version=2)).with_signatures(old))


def test_exchanged_signatures_are_refused() -> None:
    opened = bundle.read(SEALED)
    (a, sa), (b, sb) = opened.envelope.signatures.items()
    with pytest.raises(errors.InvalidSignatureError):
        check(opened.with_signatures({a: sb, b: sa}))


def test_validity_begins_with_issue_and_ends_with_expiry() -> None:
    second = timedelta(seconds=1)
    check(SEALED, now=ISSUED)
    check(SEALED, now=builders.EXPIRES - second)
    with pytest.raises(errors.NotYetValidError, match="clock"):
        check(SEALED, now=ISSUED - second)
    with pytest.raises(errors.ExpiredError, match="2028-01-05T08:00:00Z"):
        check(SEALED, now=builders.EXPIRES)


def test_without_expiry_it_holds_on() -> None:
    check(builders.sealed(built(builders.tiny_spec())), now=datetime(2999, 1, 1, tzinfo=UTC))


def test_an_older_version_than_seen_is_rolled_back() -> None:
    old, _ = builders.sealed_tiny(version=2)
    check(old, newest_seen=None)
    check(old, newest_seen=1)
    check(old, newest_seen=2)
    with pytest.raises(errors.RolledBackError, match="this is version 2, but version 3"):
        check(old, newest_seen=3)


def test_the_predecessor_is_kept() -> None:
    first = bundle.read(SEALED).digest
    data = builders.sealed(builders.unsigned_tiny(version=2, predecessor=first))
    assert GoldenSample.from_bytes(data, trust=TRUST, now=NOW).predecessor == first


def test_every_error_is_a_golden_error_with_a_place_in_the_tree() -> None:
    """The tree in the docstring is the tree in the code."""
    lines = (errors.__doc__ or "").splitlines()
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in lines:
        name = next((word for word in line.split() if word.endswith("Error")), None)
        if name is None:
            continue
        depth = line.index(name) // 4
        path[depth:] = [name]
        if depth:
            drawn[name] = path[depth - 1]
    classes = {
        c.__name__: c
        for c in vars(errors).values()
        if isinstance(c, type) and c.__module__ == errors.__name__
    }
    assert drawn == {name: c.__bases__[0].__name__ for name, c in classes.items() if name != "GoldenError"}
