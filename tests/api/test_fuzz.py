"""Whatever a client posts, the answer is a 4xx problem and nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api import records
from tests.api.conftest import Plant, open_plant

RECORD, FRAMES = records.inspection(1)
_REQUEST = httpx.Request("POST", "http://x", files=records.parts(RECORD, FRAMES))
WHOLE, CONTENT_TYPE = _REQUEST.read(), _REQUEST.headers["content-type"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("fuzz")) as plant:
        yield plant


def refused(plant: Plant, body: bytes, content_type: str) -> None:
    lines = plant.lines()
    answer = plant.ask(
        "station", "POST", "/inspections", content=body, headers={"Content-Type": content_type}
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].startswith("urn:hallmark:problem:")
    assert plant.count() == 0
    assert len(plant.files()) == 1
    assert plant.lines() == lines


def test_the_whole_body_would_have_been_taken(plant: Plant) -> None:
    answer = plant.ask(
        "station", "POST", "/inspections", content=WHOLE, headers={"Content-Type": CONTENT_TYPE}
    )
    assert answer.status_code == 201


@settings(max_examples=60)
@given(cut=st.integers(0, len(WHOLE) - 60))
def test_truncated(shared: Plant, cut: int) -> None:
    refused(shared, WHOLE[:cut], CONTENT_TYPE)


@pytest.fixture(scope="module")
def taking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("damaged")) as plant:
        yield plant


@settings(max_examples=80)
@given(at=st.integers(0, len(WHOLE) - 60), insert=st.binary(min_size=1, max_size=8), replace=st.booleans())
def test_damage_is_refused_or_lies_outside_record_and_frame(
    taking: Plant, at: int, insert: bytes, *, replace: bool
) -> None:
    body = WHOLE[:at] + insert + WHOLE[at + (len(insert) if replace else 0) :]
    answer = taking.ask(
        "station", "POST", "/inspections", content=body, headers={"Content-Type": CONTENT_TYPE}
    )
    if answer.status_code in (200, 201):  # a part's file name, or a timing
        taken = answer.json()["inspection"]
        assert {**taken, "timing_ms": {}} == {**RECORD.record(), "timing_ms": {}}
        assert taking.client.get(
            answer.json()["frames"]["top"], headers={"Authorization": f"Bearer {taking.tokens['qc']}"}
        ).content == FRAMES["top"]  # fmt: skip
    else:
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"


CONTENT_TYPES = (
    CONTENT_TYPE, "multipart/form-data", "multipart/form-data; boundary=", "application/json", "",
    "text/plain", "multipart/form-data; boundary=x; charset=nonsense",
)  # fmt: skip


@settings(max_examples=40)
@given(body=st.binary(max_size=300), content_type=st.sampled_from(CONTENT_TYPES))
def test_noise(shared: Plant, body: bytes, content_type: str) -> None:
    refused(shared, body, content_type)


def post_record(plant: Plant, text: bytes) -> None:
    request = httpx.Request(
        "POST", "http://x", files=[("inspection", (None, text)), ("top", ("t", FRAMES["top"]))]
    )
    refused(plant, request.read(), request.headers["content-type"])


@settings(max_examples=60)
@given(cut=st.integers(0, len(RECORD.to_json()) - 1))
def test_truncated_json(shared: Plant, cut: int) -> None:
    post_record(shared, RECORD.to_json()[:cut])


@settings(max_examples=100)
@given(field=st.sampled_from(sorted(RECORD.record())), value=json_values)
def test_another_value_in_any_field(shared: Plant, field: str, value: Any) -> None:
    import json

    fields = RECORD.record()
    if fields[field] == value or field == "timing_ms":
        return
    post_record(shared, json.dumps({**fields, field: value}).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000, b'{"a":' * 30_000, b"", b"null", b"NaN", b'"\xff\xfe"', b'{"id":"\\ud800"}',
        RECORD.to_json().replace(b'"T-0001"', b'"\\ud800"'), RECORD.to_json().replace(b"0.8,", b"NaN,"),
        RECORD.to_json().replace(b"0.8,", b"1e999,"), RECORD.to_json().replace(b"0.8,", b"9" * 5000 + b","),
        RECORD.to_json()[:-1] + b',"extra":1}', b"\xef\xbb\xbf" + RECORD.to_json()[:-1],
    ],
)  # fmt: skip
def test_hostile_json(shared: Plant, text: bytes) -> None:
    post_record(shared, text)


@pytest.mark.parametrize("path", ["/lots", "/lots/x/fai"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 15_000, b"null", b"\xff", b'{"lot":NaN}', b'{"lot":"\\ud800"}']
)
def test_hostile_json_elsewhere(shared: Plant, path: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = shared.ask("qc", "POST", path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_hostile_golden_sample_is_refused(shared: Plant) -> None:
    for data in (b"", b"PK\x03\x04", b"\0" * 1000):
        answer = shared.ask("engineer", "POST", "/goldens", content=data)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:hallmark:problem:golden-refused")
    assert len(shared.files()) == 1
