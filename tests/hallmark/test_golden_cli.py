"""`hallmark golden` as people use it: two sides, files by mail, and mistakes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from golden import bundle
from golden.authoring import load_spec
from hallmark import __main__ as command
from tests import builders


@pytest.fixture
def hallmark(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command as `main` does; return exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hallmark", "golden", *map(str, arguments)])
        with pytest.raises(SystemExit) as raised:
            sys.exit(command.main())
        out, err = capsys.readouterr()
        return int(raised.value.code or 0), out, err

    return run


@pytest.fixture
def desk(tmp_path: Path, hallmark: Any) -> Path:
    """Return a folder with both sides' keys, a picture and a first specification."""
    for party, role in (("Shenzhen Boards", "supplier"), ("Nordic", "buyer")):
        assert hallmark("keygen", "--party", party, "--role", role, "--out", tmp_path / "keys")[0] == 0
    (tmp_path / "scan.png").write_bytes(builders.png(40, 30))
    code, _, err = hallmark(
        "init", tmp_path / "t1", "--part", "0042", "--revision", "A", "--image",
        f"top={tmp_path / 'scan.png'}",
        "--mm-per-px", "0.0211667", "--supplier", "Shenzhen Boards", "--buyer", "Nordic",
    )  # fmt: skip
    assert (code, err) == (0, "")
    return tmp_path


def key(desk: Path, role: str) -> Path:
    return next((desk / "keys").glob(f"{role}-*.key.json"))


def test_a_first_specification_is_good_and_says_what_was_asked(desk: Path, hallmark: Any) -> None:
    code, out, _ = hallmark("check", desk / "t1/golden.yaml", "--json")
    assert code == 0
    assert json.loads(out)["part"] == "0042"
    assert json.loads(out)["classes_without_model"] == []
    spec = load_spec(desk / "t1/golden.yaml")
    assert (spec.views[0].width_px, spec.views[0].height_px, spec.views[0].mm_per_px) == (40, 30, 0.0211667)
    assert (desk / "t1" / spec.views[0].image).read_bytes() == (desk / "scan.png").read_bytes()


def test_a_class_that_no_released_model_names_is_pointed_out(desk: Path, hallmark: Any) -> None:
    path = desk / "t1/golden.yaml"
    assert "note:" not in hallmark("check", path)[1]
    rule = "    - {id: speck, defect_class: any"
    named = "".join(f"    - {{id: {c}, defect_class: {c}, severity: minor}}\n" for c in ("scrach", "short"))
    path.write_text(path.read_text().replace(rule, named + rule))
    code, out, _ = hallmark("check", path)
    assert code == 0
    assert "note: no released model names scrach; the models name missing_material," in out
    assert json.loads(hallmark("check", path, "--json")[1])["classes_without_model"] == ["scrach"]


def test_the_commented_examples_are_good_too(desk: Path, hallmark: Any) -> None:
    """Every example in the template, uncommented, passes (on a picture that is large enough)."""
    path = desk / "t1/golden.yaml"
    text = re.sub(r"(width|height)_px: (40|30)$", r"\1_px: 200", path.read_text(), flags=re.MULTILINE)
    path.write_text(re.sub(r"^  # (-|  )", r"  \1", text, flags=re.MULTILINE))
    (desk / "t1/images/top.png").write_bytes(builders.png(200, 200))
    code, out, err = hallmark("check", path)
    assert (code, err) == (0, "")
    assert "characteristics 8" in out


def test_both_sides_sign_one_file_by_mail(desk: Path, hallmark: Any) -> None:
    file = desk / "t1.golden"
    code, out, _ = hallmark("sign", desk / "t1/golden.yaml", "--key", key(desk, "supplier"), "-o", file)
    assert code == 0
    assert "signatures: 1" in out
    code, out, err = hallmark("verify", file, "--trust", desk / "keys", "--json")
    assert (code, json.loads(out)["error"]) == (2, "BelowThresholdError")
    assert err.startswith(f"hallmark: {file}: not signed by Nordic (buyer)")
    assert hallmark("sign", file, "--key", key(desk, "buyer"))[0] == 0
    code, out, _ = hallmark("verify", file, "--trust", desk / "keys", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["verified"]
    assert answer["digest"] == bundle.read(file.read_bytes()).digest
    assert {s["role"] for s in answer["signatures"]} == {"supplier", "buyer"}
    code, out, _ = hallmark("verify", file, "--trust", desk / "keys")
    assert "signed by Nordic (buyer)" in out


def test_copies_signed_apart_are_merged(desk: Path, hallmark: Any) -> None:
    first, ours, theirs = desk / "first.golden", desk / "ours.golden", desk / "theirs.golden"
    assert hallmark("sign", desk / "t1/golden.yaml", "--key", key(desk, "supplier"), "-o", first)[0] == 0
    opened = bundle.read(first.read_bytes())
    theirs.write_bytes(opened.with_signatures({}))
    assert hallmark("sign", theirs, "--key", key(desk, "buyer"))[0] == 0
    assert hallmark("sign", first, "--merge", theirs, "-o", ours)[0] == 0
    assert hallmark("verify", ours, "--trust", desk / "keys")[0] == 0


def test_a_new_version_follows_its_predecessor(desk: Path, hallmark: Any) -> None:
    yaml, supplier, trust = desk / "t1/golden.yaml", key(desk, "supplier"), desk / "keys"
    old, new = desk / "v1.golden", desk / "v2.golden"
    assert hallmark("sign", yaml, "--key", supplier, "-o", old)[0] == 0
    assert (
        hallmark("sign", yaml, "--key", supplier, "-o", new, "--predecessor", old, "--expires", "2999-12-31")[
            0
        ]
        == 0
    )
    manifest = bundle.read(new.read_bytes()).manifest
    assert (manifest.version, manifest.predecessor) == (2, bundle.read(old.read_bytes()).digest)
    assert manifest.expires == "3000-01-01T00:00:00Z"
    for file in (old, new):
        assert hallmark("sign", file, "--key", key(desk, "buyer"))[0] == 0
    assert hallmark("verify", new, "--trust", trust, "--newest-seen", 2)[0] == 0
    code, _, err = hallmark("verify", old, "--trust", trust, "--newest-seen", 2)
    assert (code, err.count("\n")) == (2, 1)
    assert "this is version 1, but version 2 was already in use" in err


def test_show_says_whether_it_was_verified(desk: Path, hallmark: Any) -> None:
    file = desk / "t1.golden"
    hallmark("sign", desk / "t1/golden.yaml", "--key", key(desk, "supplier"), "-o", file)
    hallmark("sign", file, "--key", key(desk, "buyer"))
    code, out, _ = hallmark("show", file)
    assert code == 0
    assert out.startswith("NOT VERIFIED")
    for words in ("0042", "face", "blemish", ">= 0.3 mm", "AQL 1.0", "every unit"):
        assert words in out
    assert hallmark("show", file, "--trust", desk / "keys")[1].startswith("VERIFIED: signed by")
    assert json.loads(hallmark("show", file, "--json")[1])["verified"] is False
    shown = json.loads(hallmark("show", file, "--trust", desk / "keys", "--json")[1])
    assert shown["verified"] is True
    assert shown["spec"]["part"]["number"] == "0042"


def test_show_refuses_what_it_was_asked_to_verify_and_cannot(desk: Path, hallmark: Any) -> None:
    file = desk / "t1.golden"
    hallmark("sign", desk / "t1/golden.yaml", "--key", key(desk, "supplier"), "-o", file)
    code, out, err = hallmark("show", file, "--trust", desk / "keys")
    assert (code, out) == (2, "")
    assert "not signed by Nordic" in err


def test_show_prints_every_kind_of_characteristic(tmp_path: Path, hallmark: Any) -> None:
    (tmp_path / "t.golden").write_bytes(builders.unsigned_tiny())
    _, out, _ = hallmark("show", tmp_path / "t.golden")
    for words in ("0.75 to", "up to 2", "continui"):
        assert words in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("check", "absent.yaml"), "absent.yaml: no such file"),
        (("check", "t1"), "t1 is a folder, not a file"),
        (("verify", "t1/golden.yaml", "--trust", "keys"), "t1/golden.yaml: not a golden bundle"),
        (("verify", "absent.golden", "--trust", "keys"), "absent.golden: No such file"),
        (("show", "scan.png"), "scan.png: not a golden bundle"),
        (("sign", "scan.png", "--key", "KEY"), "scan.png: not a golden bundle"),
        (
            ("sign", "t1/golden.yaml", "--key", "KEY", "-o", "new.golden", "--predecessor", "scan.png"),
            "scan.png: not a golden bundle",
        ),
        (
            ("sign", "t1/golden.yaml", "--key", "KEY", "-o", "new.golden", "--expires", "2001-01-01"),
            "the bundle cannot be made: expires 2001-01-02T00:00:00Z must be after issued",
        ),
        (("sign", "t1/golden.yaml", "--key", "scan.png"), "scan.png is not a hallmark.private-key/1 file"),
        (("sign", "t1/golden.yaml"), "give --key, --merge or both"),
        (("sign", "t1/golden.yaml", "--key", "k", "--expires", "soon"), "write a date such as 2027-12-31"),
        (
            ("init", "x", "--part", "a b", "--revision", "A", "--image", "top=scan.png", "--mm-per-px", "1"),
            "'a b' as part number: write 1 to 64 letters",
        ),
        (
            ("init", "x", "--part", "a", "--revision", "A", "--image", "scan.png", "--mm-per-px", "1"),
            "VIEW=FILE",
        ),
        (
            ("init", "x", "--part", "a", "--revision", "A", "--image", "t=no.png", "--mm-per-px", "1"),
            "no.png",
        ),
        (
            ("init", "x", "--part", "a", "--revision", "A", "--image", "t=scan.png", "--mm-per-px", "0"),
            "a scale of 0 mm per pixel: give --mm-per-px above 0",
        ),
        (
            ("init", "x", "--part", "a", "--revision", "A", "--image", "to p=scan.png", "--mm-per-px", "1"),
            "'to p' as name of a view",
        ),
        (
            ("init", "t1", "--part", "a", "--revision", "A", "--image", "t=scan.png", "--mm-per-px", "1"),
            "exists",
        ),
        (("keygen", "--party", "Nordic", "--role", "buyer", "--out", "keys"), "not overwritten"),
        (("keygen", "--party", "N", "--role", "buyer", "--out", "scan.png/keys"), "Not a directory"),
        (("sign", "t1/golden.yaml", "--key", "KEY", "-o", "absent/a.golden"), "choose a folder"),
        (("keygen", "--party", "", "--role", "buyer", "--out", "new"), "a party needs a name"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing_behind(
    desk: Path, hallmark: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(desk)
    before = sorted(desk.rglob("*"))
    code, out, err = hallmark(*(key(desk, "supplier") if a == "KEY" else a for a in arguments))
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err
    assert sorted(desk.rglob("*")) == before


def test_signing_a_yaml_again_does_not_replace_what_others_signed(desk: Path, hallmark: Any) -> None:
    arguments = ("sign", desk / "t1/golden.yaml", "--key", key(desk, "supplier"))
    assert hallmark(*arguments)[0] == 0
    before = (desk / "t1/golden.golden").read_bytes()
    code, _, err = hallmark(*arguments)
    assert code == 2
    assert "sign that file" in err
    assert (desk / "t1/golden.golden").read_bytes() == before
    code, _, err = hallmark("sign", desk / "t1/golden.golden", "--key", key(desk, "buyer"), "--version", 3)
    assert code == 2
    assert "sealed already" in err


def test_show_tells_a_limiting_quality(desk: Path, hallmark: Any) -> None:
    path = desk / "t1/golden.yaml"
    agreed = "lots: isolated\n    major: {limiting_quality: {fraction: 0.05, consumer_risk: 0.1, Ac: 1}}"
    path.write_text(path.read_text().replace('major: {aql: "1.0"}', agreed))
    hallmark("sign", path, "--key", key(desk, "supplier"), "-o", desk / "t1.golden")
    out = " ".join(hallmark("show", desk / "t1.golden")[1].split())
    for words in ("limiting quality 0.05, consumer's risk 0.1, Ac 1", "AQL 2.5, level II", "every unit ("):
        assert words in out


@pytest.mark.parametrize("name", ["keygen", "init", "check", "sign", "verify", "show"])
def test_every_command_explains_itself_with_an_example(hallmark: Any, name: str) -> None:
    code, out, _ = hallmark(name, "--help")
    assert code == 0
    assert f"hallmark golden {name}" in out
    assert "Example" in out
