"""The card says everything about a model, and every word of it is in the digest that records name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from models.card import CARD, Metric, read_card, write_card
from models.errors import ModelFormatError
from tests.models import tiny

METRIC = Metric(name="recall", defect_class="short", value=0.97, lower=0.94, upper=0.99, n=200, unit="1")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    card = tiny.card(metrics=(METRIC,))
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card
    assert json.loads((tmp_path / CARD).read_text("utf-8"))["metrics"][0]["class"] == "short"


def test_its_digest_is_that_of_its_content_however_it_is_laid_out(tmp_path: Path) -> None:
    write_card(tmp_path, tiny.card(metrics=(METRIC,)))
    fields = json.loads((tmp_path / CARD).read_text("utf-8"))
    content = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    reference = read_card(tmp_path).reference
    assert (reference.name, reference.digest) == ("tiny", "sha256:" + hashlib.sha256(content).hexdigest())
    (tmp_path / CARD).write_text(json.dumps(fields), "utf-8")
    assert read_card(tmp_path).reference == reference


@pytest.mark.parametrize(
    "changes",
    [
        {"limits": ("It knows something.",)},
        {"thresholds": tiny.card().thresholds.model_copy(update={"temperature": 1.61})},
        {"metrics": (METRIC,)},
    ],
)
def test_any_other_word_is_another_model(changes: dict[str, Any]) -> None:
    assert tiny.card(**changes).reference.digest != tiny.card().reference.digest


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("schema",), "hallmark.model/2", "schema"),
        (("classes",), ["short", "not_a_defect"], "first class"),
        (("classes",), ["not_a_defect", "short", "short"], "once each"),
        (("classes",), ["not_a_defect", "unclassified"], "once each"),
        (("metrics",), [METRIC.model_dump() | {"value": 1.2}], "outside"),
        (("metrics",), [METRIC.model_dump() | {"defect_class": "stain"}], "stain"),
        (("thresholds", "temperature"), 0, "temperature"),
        (("thresholds", "hold_below"), 1.5, "hold_below"),
        (("thresholds", "dismiss_from"), "nan", "dismiss_from"),
        (("input", "cell_px"), 8, "cell_px"),
        (("files", "onnx"), "sha256:5", "onnx"),
        (("created",), "yesterday", "created"),
        (("limits",), [], "limits"),
        (("accuracy",), 0.99, "accuracy"),
    ],
)
def test_a_card_that_does_not_hold_together_is_refused_by_field(
    tmp_path: Path, path: tuple[str, ...], value: object, said: str
) -> None:
    fields = json.loads(tiny.card().model_dump_json(by_alias=True))
    place = fields
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (tmp_path / CARD).write_text(json.dumps(fields), "utf-8")
    with pytest.raises(ModelFormatError, match=said):
        read_card(tmp_path)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b'{"name": NaN}'])
def test_a_file_that_is_no_card_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / CARD).write_bytes(data)
    with pytest.raises(ModelFormatError, match=r"card\.json"):
        read_card(tmp_path)


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFormatError, match="give the folder of a released model"):
        read_card(tmp_path / "nothing")
