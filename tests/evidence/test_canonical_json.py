"""Canonical JSON: one byte string for one meaning. Truth: bytes written by hand, and the json module."""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import canonical_json, sha256

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "x"]}, '{"a":[true,null,"x"],"b":1}'),
        ({"ä": 1, "z": 2, "": 3}, '{"":3,"z":2,"ä":1}'),
        ('\u20ac "\\\n\x01', '"€ \\"\\\\\\n\\u0001"'),
        ([0.1, 1.0, 1e300, 5e-324, 100000.0, 1], "[0.1,1.0,1e+300,5e-324,100000.0,1]"),
        ((1, 2), "[1,2]"),
        ({}, "{}"),
    ],
)
def test_the_bytes_are_these(value: Any, text: str) -> None:
    assert canonical_json(value) == text.encode()


@given(VALUES)
def test_it_reads_back_as_the_same_value(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), VALUES, min_size=2), st.randoms())
def test_the_order_of_insertion_does_not_matter(value: dict[str, Any], order: random.Random) -> None:
    items = list(value.items())
    order.shuffle(items)
    assert canonical_json(dict(items)) == canonical_json(value)


@given(VALUES, VALUES)
def test_different_values_have_different_bytes(a: Any, b: Any) -> None:
    if a != b:
        assert canonical_json(a) != canonical_json(b)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, [-math.inf], {"a": {1, 2}}, b"bytes", "\ud800", {1: 2, "a": 3}, object()]
)
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"JSON"):
        canonical_json(value)


def test_the_digest_is_that_of_fips_180() -> None:
    """FIPS 180-2, appendix B.1."""
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(b"abc") == f"sha256:{digest}"
    assert sha256(memoryview(b"abc")) == "sha256:" + hashlib.sha256(b"abc").hexdigest()


def test_another_process_with_other_hashes_writes_the_same_bytes() -> None:
    program = (
        "from golden.digests import canonical_json, sha256;"
        "print(sha256(canonical_json({k: [0.1, k] for k in {'x', 'yy', 'zzz', 'ä'}})))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(answers) == 1
