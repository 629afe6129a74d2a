"""Attacks on a sealed bundle. Each has its own error; nothing but a GoldenError ever comes out."""

from __future__ import annotations

import base64
import io
import json
import shutil
import stat
import struct
import subprocess
import warnings
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import archive, bundle, errors
from golden.digests import canonical_json, sha256
from golden.errors import GoldenError
from golden.keys import TrustStore
from golden.sample import GoldenSample
from tests import builders

SEALED, TRUST = builders.sealed_tiny()
FILES = archive.read(SEALED)


def open_sample(data: bytes) -> GoldenSample:
    return GoldenSample.from_bytes(data, trust=TRUST, now=builders.NOW)


def repacked(change: Callable[[zipfile.ZipInfo], None]) -> bytes:
    """Return the sealed files, packed by the standard library, with one property of spec.json changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in sorted(FILES.items()):
            info = zipfile.ZipInfo(name)
            if name == "spec.json":
                change(info)
            target.writestr(info, data)
    return buffer.getvalue()


def with_manifest(**changes: object) -> bytes:
    """Return a bundle whose manifest is altered and correctly packed, by someone without a key."""
    manifest = canonical_json({**json.loads(FILES["manifest.json"]), **changes})
    seal = json.loads(FILES["seal.json"])
    seal["payload"] = base64.b64encode(manifest).decode()
    return archive.write({**FILES, "manifest.json": manifest, "seal.json": canonical_json(seal)})


def central_entry(data: bytes, name: str) -> int:
    """Return the offset of a file's entry in the central directory."""
    at = data.index(b"PK\1\2")
    while (found := data.index(b"PK\1\2", at)) >= 0:
        if data[found + 46 :].startswith(name.encode()):
            return found
        at = found + 4
    raise AssertionError(name)


def patched(name: str, offset: int, layout: str, value: int) -> bytes:
    data = bytearray(SEALED)
    struct.pack_into(layout, data, central_entry(SEALED, name) + offset, value)
    return bytes(data)


def test_a_sealed_bundle_opens_and_holds_what_was_agreed() -> None:
    sample = open_sample(SEALED)
    assert sample.spec == builders.tiny_spec()
    assert sample.images == builders.tiny_images()
    assert sample.digest == sha256(FILES["manifest.json"])
    assert (sample.version, sample.issued, sample.expires) == (1, builders.ISSUED, builders.EXPIRES)
    assert {(s.party, s.role) for s in sample.signatures} == {
        ("Shenzhen Boards", "supplier"),
        ("Nordic Instruments", "buyer"),
    }


def test_other_programs_read_the_bundle(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(SEALED)) as archive_file:
        assert archive_file.testzip() is None
        assert archive_file.namelist() == ["images/top.png", "manifest.json", "seal.json", "spec.json"]
        for info in archive_file.infolist():
            assert (info.date_time, info.compress_type, info.extra) == ((1980, 1, 1, 0, 0, 0), 0, b"")
            assert archive_file.read(info) == FILES[info.filename]
    if unzip := shutil.which("unzip"):
        path = tmp_path / "part.golden"
        path.write_bytes(SEALED)
        subprocess.run([unzip, "-tqq", str(path)], check=True)


def test_the_same_arguments_give_the_same_bytes() -> None:
    here = builders.unsigned_tiny()
    assert here == builders.unsigned_tiny()
    elsewhere = builders.ISSUED.astimezone(timezone(timedelta(hours=8))) + timedelta(microseconds=999_999)
    assert here == bundle.build(
        builders.tiny_spec(), builders.tiny_images(), version=1, issued=elsewhere, expires=builders.EXPIRES
    )


def test_every_single_bit_flip_is_refused() -> None:
    for at in range(len(SEALED)):
        for bit in range(8):
            data = bytearray(SEALED)
            data[at] ^= 1 << bit
            with pytest.raises(GoldenError):
                open_sample(bytes(data))


def test_every_single_bit_flip_in_a_file_is_refused_even_when_packed_correctly() -> None:
    """The archive's checks do not help here: documents, digests and signatures must refuse."""
    for name, content in FILES.items():
        for at in range(len(content)):
            for bit in range(8):
                data = bytearray(content)
                data[at] ^= 1 << bit
                with pytest.raises(GoldenError):
                    open_sample(archive.write({**FILES, name: bytes(data)}))


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 500, len(SEALED) - 22, len(SEALED) - 1])
def test_a_truncated_file_is_not_a_bundle(cut: int) -> None:
    with pytest.raises(errors.NotABundleError, match="cut short"):
        open_sample(SEALED[:cut])


@pytest.mark.parametrize(
    "data",
    [b"#!/bin/sh\n" + SEALED, SEALED + b"\n", SEALED + SEALED, b"PK\5\6" + bytes(18)],
    ids=["prefix", "suffix", "twice", "empty archive"],
)
def test_anything_around_the_archive_is_refused(data: bytes) -> None:
    with pytest.raises((errors.NotABundleError, errors.MissingFileError)):
        open_sample(data)


def test_re_packing_the_same_content_is_refused() -> None:
    with pytest.raises(errors.NotCanonicalError, match="archive program"):
        open_sample(repacked(lambda _: None))


def test_compression_is_refused() -> None:
    def deflate(info: zipfile.ZipInfo) -> None:
        info.compress_type = zipfile.ZIP_DEFLATED

    with pytest.raises(errors.CompressedEntryError, match=r"spec\.json is compressed"):
        open_sample(repacked(deflate))


def test_encryption_is_refused() -> None:
    with pytest.raises(errors.EncryptedEntryError, match=r"spec\.json is encrypted"):
        open_sample(patched("spec.json", 8, "<H", 1))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_links_folders_and_devices_are_refused(kind: int) -> None:
    def special(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o777) << 16

    with pytest.raises(errors.LinkEntryError, match=r"spec\.json is a link or a special file"):
        open_sample(repacked(special))


@pytest.mark.parametrize(
    "name",
    [
        "../spec.json",
        "images/../../x.png",
        "/etc/passwd",
        "C:x",
        "a\\b",
        "images/..",
        "./a",
        "a//b",
        "a\n",
        "é",
    ],
)
def test_paths_that_lead_out_are_refused(name: str) -> None:
    def rename(info: zipfile.ZipInfo) -> None:
        info.filename = name

    with pytest.raises(errors.UnsafePathError, match="could leave the bundle"):
        open_sample(repacked(rename))
    with pytest.raises(errors.UnsafePathError):
        archive.write({name: b""})


def test_a_path_that_occurs_twice_is_refused() -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as target:
        warnings.simplefilter("ignore", UserWarning)
        for name, data in [*FILES.items(), ("spec.json", b"{}")]:
            target.writestr(zipfile.ZipInfo(name), data)
    with pytest.raises(errors.DuplicateFileError, match=r"spec\.json occurs twice"):
        open_sample(buffer.getvalue())


def test_two_names_for_one_file_in_the_two_headers_are_refused() -> None:
    at = SEALED.index(b"spec.json", SEALED.index(b"PK\3\4", SEALED.index(b"seal.json")))
    with pytest.raises(errors.NotCanonicalError):
        open_sample(SEALED[:at] + b"spec_json" + SEALED[at + 9 :])


@pytest.mark.parametrize("name", ["manifest.json", "spec.json", "seal.json", "images/top.png"])
def test_a_missing_file_is_named(name: str) -> None:
    with pytest.raises(errors.MissingFileError, match=name):
        open_sample(archive.write({k: v for k, v in FILES.items() if k != name}))


def test_an_extra_file_is_named() -> None:
    with pytest.raises(
        errors.ExtraFileError, match=r"images/other\.png is in the bundle but nobody signed it"
    ):
        open_sample(archive.write({**FILES, "images/other.png": b"x"}))


@pytest.mark.parametrize("name", ["spec.json", "images/top.png"])
def test_an_altered_file_is_named(name: str) -> None:
    old, new = (b'"upper":0.85', b'"upper":0.95') if name == "spec.json" else (b"IEND", b"iEND")
    same_size = FILES[name].replace(old, new)
    assert same_size != FILES[name]
    for altered in (FILES[name] + b" ", same_size):
        with pytest.raises(errors.AlteredFileError, match=name):
            open_sample(archive.write({**FILES, name: altered}))


def test_swapping_the_manifest_alone_is_refused() -> None:
    manifest = canonical_json({**json.loads(FILES["manifest.json"]), "version": 2})
    with pytest.raises(errors.AlteredFileError, match="seals another manifest"):
        open_sample(archive.write({**FILES, "manifest.json": manifest}))


@pytest.mark.parametrize("changes", [{"version": 2}, {"expires": None}, {"issued": "2026-01-05T08:00:01Z"}])
def test_a_manifest_that_nobody_signed_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(errors.InvalidSignatureError, match="not genuine"):
        open_sample(with_manifest(**changes))


def test_an_altered_specification_with_matching_digests_is_refused() -> None:
    """The strongest alteration without a key: everything agrees but the signatures."""
    spec = FILES["spec.json"].replace(b'"upper":0.85', b'"upper":0.95')
    assert spec != FILES["spec.json"]
    listed = json.loads(FILES["manifest.json"])["files"]
    for entry in listed:
        if entry["path"] == "spec.json":
            entry.update(size=len(spec), sha256=sha256(spec))
    files = archive.read(with_manifest(files=listed))
    with pytest.raises(errors.InvalidSignatureError):
        open_sample(archive.write({**files, "spec.json": spec}))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("manifest.json", b"hallmark.bundle/1", b"hallmark.bundle/2"),
        ("seal.json", b"vnd.hallmark.manifest", b"vnd.in-toto"),
    ],
)
def test_an_unknown_format_is_refused(name: str, old: bytes, new: bytes) -> None:
    with pytest.raises(errors.UnknownFormatError):
        open_sample(archive.write({**FILES, name: FILES[name].replace(old, new)}))


def test_a_newer_manifest_is_called_newer_and_not_damaged() -> None:
    with pytest.raises(errors.UnknownFormatError, match=r"'hallmark\.bundle/2'.*install a release"):
        open_sample(with_manifest(format="hallmark.bundle/2", surprise=1))


def test_a_manifest_of_another_part_than_its_specification_is_refused() -> None:
    with pytest.raises(errors.NotCanonicalError, match="different parts or parties"):
        open_sample(with_manifest(part="T2"))


def test_a_manifest_that_asks_for_fewer_signatures_is_refused() -> None:
    supplier_only = [{"name": builders.SUPPLIER.party, "role": "supplier"}]
    with pytest.raises(errors.NotCanonicalError, match="different parts or parties"):
        open_sample(with_manifest(signatories=supplier_only))


def test_a_path_listed_twice_in_the_manifest_is_refused() -> None:
    listed = json.loads(FILES["manifest.json"])["files"]
    with pytest.raises(errors.DuplicateFileError):
        open_sample(with_manifest(files=[*listed, listed[0]]))


def test_a_manifest_that_lists_its_files_out_of_order_is_refused() -> None:
    listed = json.loads(FILES["manifest.json"])["files"]
    with pytest.raises(errors.NotCanonicalError, match="out of order"):
        open_sample(with_manifest(files=listed[::-1]))


@pytest.mark.parametrize("name", ["manifest.json", "spec.json", "seal.json"])
@pytest.mark.parametrize(
    "rewrite",
    [
        lambda data: json.dumps(json.loads(data)).encode(),
        lambda data: data + b"\n",
        lambda data: data[:-1] + b',"a":1,"a":1}',
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data[:-1],
        lambda _: b"[" * 100_000,
        lambda _: b"",
    ],
    ids=["spaces", "newline", "double key", "byte order mark", "truncated", "nested", "empty"],
)
def test_other_bytes_for_a_document_are_refused(name: str, rewrite: Callable[[bytes], bytes]) -> None:
    with pytest.raises((errors.NotCanonicalError, errors.AlteredFileError)):
        open_sample(archive.write({**FILES, name: rewrite(FILES[name])}))


def test_slack_bits_of_base64_are_refused() -> None:
    """Python decodes `QQ==` and `QR==` to the same byte; the second is not what we wrote."""
    seal = json.loads(FILES["seal.json"])
    signature = seal["signatures"][0]["sig"]
    twin = signature[:-3] + chr(ord(signature[-3]) + 1) + "=="
    assert base64.b64decode(twin) == base64.b64decode(signature)
    seal["signatures"][0]["sig"] = twin
    with pytest.raises(errors.NotCanonicalError, match="not the bytes of a seal"):
        open_sample(archive.write({**FILES, "seal.json": canonical_json(seal)}))


def test_a_claimed_size_that_cannot_be_true_is_refused() -> None:
    with pytest.raises(errors.BundleTooLargeError, match="are allowed"):
        open_sample(patched("spec.json", 24, "<I", 0xFFFF_FFFF))


def test_files_that_overlap_are_refused() -> None:
    """The overlapping kind of archive bomb: many directory entries over the same bytes."""
    body = archive.write({"a0": bytes(10_000)})
    entry = body[body.index(b"PK\1\2") : -22]
    directory = b"".join(entry.replace(b"a0", b"%02d" % i) for i in range(50))
    start = body.index(b"PK\1\2")
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 50, 50, len(directory), start, 0)
    with pytest.raises(errors.BundleTooLargeError, match="overlap"):
        open_sample(body[:start] + directory + end)


def test_too_many_files_are_refused_before_they_are_read() -> None:
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 60_000, 60_000, 0, 0, 0)
    with pytest.raises(errors.BundleTooLargeError, match="60000 files"):
        open_sample(end)
    with pytest.raises(errors.BundleTooLargeError):
        archive.write({f"f{i}": b"" for i in range(archive.MAX_FILES + 1)})


def test_a_bundle_beyond_the_size_limit_is_refused() -> None:
    assert archive.BUNDLE.all_bytes == archive.MAX_BUNDLE_BYTES
    assert archive.read(SEALED, archive.Limits(all_bytes=len(SEALED)))
    with pytest.raises(errors.BundleTooLargeError, match=f"{len(SEALED) - 1} are allowed"):
        archive.read(SEALED, archive.Limits(all_bytes=len(SEALED) - 1))


def test_a_file_beyond_the_size_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "sparse.golden"
    with path.open("wb") as file:
        file.truncate(archive.MAX_BUNDLE_BYTES + 1)
    with pytest.raises(errors.BundleTooLargeError, match=r"sparse\.golden"):
        GoldenSample.open(path, TRUST, builders.NOW)


@pytest.mark.parametrize("name", ["absent.golden", "folder"])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(errors.NotABundleError, match=name):
        GoldenSample.open(tmp_path / name, TRUST, builders.NOW)


def test_open_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "part.golden"
    path.write_bytes(SEALED)
    assert GoldenSample.open(path, TRUST, builders.NOW) == open_sample(SEALED)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"version": 0}, "version"),
        ({"expires": builders.ISSUED}, "must be after issued"),
        ({"predecessor": "sha256:" + "0" * 64}, "version 1 has no predecessor"),
        ({"version": 2, "predecessor": "abc"}, "predecessor"),
    ],
)
def test_a_bundle_that_makes_no_sense_is_not_built(arguments: dict[str, object], problem: str) -> None:
    fields: dict[str, object] = {"version": 1, "issued": builders.ISSUED, **arguments}
    with pytest.raises(errors.BundleError, match=problem):
        bundle.build(builders.tiny_spec(), builders.tiny_images(), **fields)  # type: ignore[arg-type]


def test_naive_times_are_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 (this is the mistake)
    with pytest.raises(ValueError, match="no time zone"):
        bundle.build(builders.tiny_spec(), builders.tiny_images(), version=1, issued=naive)
    with pytest.raises(ValueError, match="no time zone"):
        GoldenSample.from_bytes(SEALED, trust=TRUST, now=naive)


def test_an_image_of_another_size_is_refused_when_building_and_when_reading() -> None:
    images = {"images/top.png": builders.png(16, 24)}
    with pytest.raises(errors.ImageError, match="16 x 24 px, but view 'top' declares 24 x 16 px"):
        bundle.build(builders.tiny_spec(), images, version=1, issued=builders.ISSUED)


@given(st.binary(max_size=400))
def test_random_bytes_never_raise_anything_else(data: bytes) -> None:
    with pytest.raises(GoldenError):
        bundle.read(data)


@settings(max_examples=300)
@given(st.data())
def test_mutated_bundles_never_raise_anything_else(data: st.DataObject) -> None:
    """Splices of random bytes, at random places, through each layer: archive, documents, envelope."""
    name = data.draw(st.sampled_from(["", *FILES]))
    original = FILES[name] if name else SEALED
    start = data.draw(st.integers(0, len(original)))
    stop = data.draw(st.integers(start, min(len(original), start + 30)))
    spliced = original[:start] + data.draw(st.binary(max_size=30)) + original[stop:]
    altered = archive.write({**FILES, name: spliced}) if name else spliced
    if altered == SEALED:
        return
    with pytest.raises(GoldenError):
        open_sample(altered)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200)
@given(st.sampled_from(sorted(json.loads(FILES["manifest.json"]))), _JSON)
def test_any_json_in_any_field_of_the_manifest_is_refused(field: str, value: object) -> None:
    if json.loads(FILES["manifest.json"])[field] == value:
        return
    with pytest.raises(GoldenError):
        open_sample(with_manifest(**{field: value}))


@given(st.dictionaries(st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9.]{1,8})?", fullmatch=True).filter(
    lambda name: "/." not in name), st.binary(max_size=50), max_size=5))  # fmt: skip
def test_the_archive_gives_back_what_it_was_given(files: dict[str, bytes]) -> None:
    data = archive.write(files)
    assert archive.read(data) == files
    with zipfile.ZipFile(io.BytesIO(data)) as reader:
        assert {name: reader.read(name) for name in reader.namelist()} == files


def test_an_empty_trust_store_refuses_everything() -> None:
    with pytest.raises(errors.UnknownSignerError):
        GoldenSample.from_bytes(SEALED, trust=TrustStore([]), now=datetime(2026, 7, 1, tzinfo=UTC))
