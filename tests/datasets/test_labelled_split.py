"""Whole groups are held out, evenly and always the same; nothing of a picture is on both sides."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets import DatasetError
from datasets.labelled import (
    LabelledBox,
    LabelledPair,
    LabelledSet,
    folds,
    hold_out,
    read,
    read_groups,
    split_document,
    with_groups,
)
from golden.digests import canonical_json, sha256
from tests.datasets import labelled_folders as kit


def labelled(sizes: dict[str | None, int]) -> LabelledSet:
    """A set of groups of these sizes; each pair has one box, of class a in the first group, else b."""
    first = next(iter(sizes))
    pairs = [
        LabelledPair(
            f"{group}/{n}.png", group, None, Path(f"{group}/{n}.png"), sha256(f"{group} {n}".encode()),
            (LabelledBox(0, 0, 9, 9, "a" if group == first else "b"),),
        )
        for group, size in sizes.items() for n in range(size)
    ]  # fmt: skip
    pairs.sort(key=lambda pair: pair.name)
    return LabelledSet("yolo", Path("set"), ("a", "b"), tuple(pairs), (), sha256(b"set"))


GROUPS = st.dictionaries(st.text("abcdé", min_size=1, max_size=3), st.integers(1, 30), min_size=2, max_size=7)


@given(GROUPS, st.data())
def test_each_group_is_in_one_fold_and_folds_are_even(
    sizes: dict[str | None, int], data: st.DataObject
) -> None:
    count = data.draw(st.integers(2, min(len(sizes), 3)))
    one = labelled(sizes)
    split = folds(one, count)
    assert sorted(name for fold in split.folds for name in fold) == sorted(sizes, key=str)
    assert split == folds(one, count)
    loads = [sum(sizes[name] for name in fold) for fold in split.folds]
    best = min(
        max(sum(n for n, at in zip(sizes.values(), deal, strict=True) if at == f) for f in range(count))
        for deal in product(range(count), repeat=len(sizes))
    )
    assert max(loads) <= best * (4 / 3 - 1 / (3 * count)) + 1e-9, "Graham 1969, theorem 2"
    assert max(loads) - min(loads) <= max(sizes.values())
    for fold in split.folds:
        kept, held = hold_out(one, fold)
        assert {pair.group for pair in held} == set(fold)
        assert not {pair.group for pair in kept} & set(fold)
        assert sorted(pair.name for pair in (*kept, *held)) == [pair.name for pair in one.pairs]


def test_the_order_of_pictures_decides_nothing_and_ties_go_by_name() -> None:
    one = labelled({"c": 2, "a": 2, "b": 2, "d": 1})
    assert folds(one, 2).folds == (("a", "c"), ("b", "d"))
    turned = LabelledSet(one.layout, one.root, one.classes, one.pairs[::-1], (), one.digest)
    assert folds(turned, 2) == folds(one, 2)


def test_too_few_groups_or_folds_are_refused() -> None:
    with pytest.raises(DatasetError, match="2 groups cannot be dealt to 3 folds"):
        folds(labelled({"a": 5, "b": 5}), 3)
    with pytest.raises(DatasetError, match="1 folds: at least 2"):
        folds(labelled({"a": 5, "b": 5}), 1)
    with pytest.raises(DatasetError, match="nothing says which pictures show the same board"):
        folds(labelled({None: 5, "b": 5}), 2)


def test_what_is_held_out_must_exist_and_leave_something() -> None:
    one = labelled({"a": 2, "b": 1})
    assert hold_out(one, [])[0] == one.pairs
    with pytest.raises(DatasetError, match="no group is called 'c': its groups are a, b"):
        hold_out(one, ["a", "c"])
    with pytest.raises(DatasetError, match="every group is held out"):
        hold_out(one, ["a", "b"])


def test_the_same_picture_in_two_groups_would_leak(tmp_path: Path) -> None:
    root = kit.yolo(tmp_path)
    (root / "images/b/copy.png").write_bytes((root / "images/a/one.png").read_bytes())
    (root / "labels/b/copy.txt").write_text("")
    told = read(root, "yolo")
    for attempt in (lambda: folds(told, 2), lambda: hold_out(told, ["images/a"])):
        with pytest.raises(DatasetError, match=r"a/one\.png and images/b/copy\.png are the same pict"):
            attempt()
    together = {pair.name: "x" if "o" in Path(pair.name).stem else "y" for pair in told.pairs}
    assert len(folds(with_groups(told, together), 2).folds) == 2


def test_a_split_is_written_with_what_each_fold_has() -> None:
    one = labelled({"a": 3, "b": 2, "c": 1})
    document = json.loads(json.dumps(split_document(folds(one, 2), one)))
    assert document["source_digest"] == one.digest
    assert document["folds"] == [
        {"groups": ["a"], "pairs": 3, "boxes": {"a": 3, "b": 0}},
        {"groups": ["b", "c"], "pairs": 3, "boxes": {"a": 0, "b": 3}},
    ]
    assert Counter(document["group_of"].values()) == {"a": 3, "b": 2, "c": 1}
    digest = document.pop("digest")
    assert digest == sha256(canonical_json(document))
    assert split_document(folds(one, 3), one)["digest"] != digest


# --- a table of groups


def table(folder: Path, text: str) -> Path:
    (folder / "groups.csv").write_text(text, "utf-8")
    return folder / "groups.csv"


def test_a_table_groups_what_folders_do_not(tmp_path: Path) -> None:
    told = read(kit.anomalib(tmp_path), "anomalib")
    with pytest.raises(DatasetError, match="name groups in a table"):
        folds(told, 2)
    rows = (
        'picture,group\r\ntrain/good/000.png,"lot 1, left"\r\n\r\n'
        "test/good/000.png,B\ntest/scratch/000.png, B \n"
    )
    grouped = with_groups(told, read_groups(table(tmp_path, rows)))
    assert {pair.name: pair.group for pair in grouped.pairs} == {
        "train/good/000.png": "lot 1, left", "test/good/000.png": "B", "test/scratch/000.png": "B",
    }  # fmt: skip
    assert grouped.digest == told.digest
    assert folds(grouped, 2).folds == (("B",), ("lot 1, left",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"groups\.csv line 1: the header must be 'picture,group'"),
        ("group,picture\n", "line 1: the header"),
        ("picture,group\n", "names no picture"),
        ("picture,group\na.png\n", "line 2: 1 fields"),
        ("picture,group\na.png,b,c\n", "line 2: 3 fields"),
        ("picture,group\na.png, \n", "line 2: .*fill in both"),
        ("picture,group\n,b\n", "line 2: .*fill in both"),
        ("picture,group\na.png,b\x07\n", "line 2: .*printable"),
        (f"picture,group\na.png,{'b' * 201}\n", "line 2"),
        ("picture,group\na.png,b\n\na.png,c\n", "line 4: a.png was listed before"),
        ('picture,group\n"a.png,b\n', "line 2: .*quote fields"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        read_groups(table(tmp_path, text))


def test_a_table_names_every_picture_and_no_other(tmp_path: Path) -> None:
    one = labelled({"a": 2})
    with pytest.raises(DatasetError, match=r"a/1\.png is in no group: add a line 'a/1\.png,GROUP'"):
        with_groups(one, {"a/0.png": "x"})
    with pytest.raises(DatasetError, match=r"has no picture 'b\.png'"):
        with_groups(one, {"a/0.png": "x", "a/1.png": "x", "b.png": "x"})
    with pytest.raises(DatasetError, match="No such file"):
        read_groups(tmp_path / "absent.csv")
