"""From a YAML file that people write to a `GoldenSpec`, with sentences they can act on.

The YAML is the plain part of YAML 1.2 (core schema): mappings, lists, strings, numbers, true, false, null.
Anchors and aliases (bombs, and meanings at a distance), tags, double keys and non-text keys are refused, and
no word turns into a date, a boolean or an octal number behind the author's back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from golden import catalogue_check, images
from golden.archive import MAX_FILE_BYTES
from golden.errors import ImageError, SpecError, SpecInvalidError, SpecSyntaxError, SpecTooLargeError
from golden.spec import GoldenSpec

MAX_SPEC_BYTES = 1024 * 1024
_MAX_DEPTH = 32

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}

# What to do about the kinds of problem that pydantic names; others say it themselves.
_REMEDIES = {
    "missing": "this field is required: add it",
    "extra_forbidden": "unknown field: remove it, or correct its spelling",
    "string_type": "must be text: put the value in quotes",
    "float_type": "must be a number: write it without quotes or units",
    "int_type": "must be a whole number: write it without quotes, point or units",
    "int_from_float": "must be a whole number: write it without a fraction",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list: write [a, b] or one '- item' a line",
    "model_type": "must hold fields: write them indented, one 'name: value' a line",
    "finite_number": "must be a finite number: NaN and infinity are no agreement",
}


def load_spec(path: Path) -> GoldenSpec:
    """Read and validate a specification file.

    Raises:
        SpecError: the file cannot be read, is too large, is not YAML as allowed here, or does not validate;
            the message names file, line, field and remedy.
    """
    data = _read(path, MAX_SPEC_BYTES, SpecTooLargeError)
    try:
        return parse_spec(data.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise SpecSyntaxError(f"{path}: not UTF-8 text (byte {error.start}): save it as UTF-8") from error


def load_images(spec: GoldenSpec, folder: Path) -> dict[str, bytes]:
    """Read and check every image that the specification names, beside its file.

    Raises:
        ImageError: an image is missing, unreadable, too large, or of another size than declared.
    """
    found = {
        path: _read(folder / path, MAX_FILE_BYTES, ImageError) for path in sorted(images.named_images(spec))
    }
    images.check(spec, found)
    return found


def parse_spec(text: str, source: str) -> GoldenSpec:
    """Parse and validate the text of a specification; `source` names it in messages.

    Lines of the catalogue that decide nothing or contradict each other are refused here, where they can be
    mended; a sealed specification is read as it was signed.

    Raises: as `load_spec`.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_SPEC_BYTES:
        raise SpecTooLargeError(f"{source}: {size} bytes; {MAX_SPEC_BYTES} are allowed")
    root = _compose(text, source)
    value = _value(root, "", source)
    try:
        spec = GoldenSpec.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        problems = [_problem(e, value, root) for e in errors if not _follows(e, errors)]
        raise SpecInvalidError(source, problems) from error
    found = catalogue_check.faults(spec.catalogue, [z.id for z in spec.zones])
    if found:
        raise SpecInvalidError(
            source, [_at(("catalogue", "rules", f.line), f.sentence, value, root) for f in found]
        )
    return spec


def _read(path: Path, limit: int, too_large: type[SpecError]) -> bytes:
    try:
        if path.is_dir():
            raise SpecError(f"{path} is a folder, not a file: correct the path")
        if not path.is_file():
            raise SpecError(f"{path}: no such file: correct the path, or put the file there")
        size = path.stat().st_size
        if size > limit:
            raise too_large(
                f"{path}: {size} bytes; {limit} are allowed: give a smaller file, or the right one"
            )
        return path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}: make the file readable") from error


def _compose(text: str, source: str) -> Node:
    """Return the document's node tree, once its events are known to be plain and shallow."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            _refuse_fancy(event, source)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise SpecTooLargeError(f"{source}: nested deeper than {_MAX_DEPTH} levels")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f":{error.problem_mark.line + 1}"
        raise SpecSyntaxError(
            f"{source}{line}: not YAML: {error.problem}: check indentation and quotes"
        ) from error
    except yaml.YAMLError as error:
        raise SpecSyntaxError(f"{source}: not YAML text: {error}") from error
    if root is None:
        raise SpecSyntaxError(f"{source}: the file is empty: start from `hallmark golden init`")
    return root


def _refuse_fancy(event: yaml.Event, source: str) -> None:
    mark = cast("yaml.Mark | None", event.start_mark)
    where = source if mark is None else f"{source}:{mark.line + 1}"
    anchor = cast("str | None", getattr(event, "anchor", None))
    if anchor is not None:
        raise SpecSyntaxError(f"{where}: anchors and aliases (&{anchor}, *{anchor}) are refused: repeat it")
    tag = cast("str | None", getattr(event, "tag", None))
    if tag is not None:
        raise SpecSyntaxError(f"{where}: tags ({tag}) are refused: write plain text or numbers")
    if _SURROGATE.search(cast("str", getattr(event, "value", ""))):
        raise SpecSyntaxError(f"{where}: half a character (\\ud800 to \\udfff): write the character itself")


def _value(node: Node, path: str, source: str) -> Any:  # noqa: ANN401 (any JSON value)
    if isinstance(node, SequenceNode):
        return [_value(item, f"{path}[{i}]", source) for i, item in enumerate(_items(node))]
    if isinstance(node, MappingNode):
        fields: dict[str, Any] = {}
        for key_node, item in _pairs(node):
            where = f"{source}:{key_node.start_mark.line + 1}: {path or 'document'}"
            key = cast("object", key_node.value)
            if not isinstance(key_node, ScalarNode) or not isinstance(key, str):
                raise SpecSyntaxError(f"{where}: a field's name must be text: put quotes around braces")
            if key in fields:
                raise SpecSyntaxError(f"{where}: field {key!r} occurs twice: remove one")
            fields[key] = _value(item, f"{path}.{key}" if path else key, source)
        return fields
    return _scalar(cast("ScalarNode", node), path, source)


def _scalar(node: ScalarNode, path: str, source: str) -> str | float | bool | None:
    text = cast("str", node.value)
    if node.style is not None:  # quoted, literal or folded
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    if len(text) > 40 and _FLOAT.fullmatch(text):
        where = f"{source}:{node.start_mark.line + 1}: {path}"
        raise SpecSyntaxError(f"{where}: a number of {len(text)} characters: shorten it, or put it in quotes")
    if _INT.fullmatch(text):
        return int(text)
    # A whole number with leading zeros is a name, such as drawing 0042.
    if _FLOAT.fullmatch(text) and not text.lstrip("+-").isdigit():
        return float(text)
    return text


def _follows(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """Return whether a list has too few items only since those that it has are wrong."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(e["loc"][: len(loc)] == loc != e["loc"] for e in errors)


def _problem(error: ErrorDetails, value: object, root: Node) -> str:
    """Return `line N: field: what is wrong and what to do` of one validation error."""
    return _at(error["loc"], _sentence(error), value, root, error["type"])


def _at(loc: Sequence[int | str], sentence: str, value: object, root: Node, kind: str = "") -> str:
    path, node = _locate(loc, kind, value, root)
    return f"line {node.start_mark.line + 1}: {path}: {sentence}" if path else sentence


def _sentence(error: ErrorDetails) -> str:
    kind, message, context = error["type"], error["msg"], error.get("ctx", {})
    if kind in _REMEDIES:
        return _REMEDIES[kind]
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "union_tag_invalid":
        return f"{context['discriminator']} must be one of {context['expected_tags']}, not {context['tag']!r}"
    if kind == "union_tag_not_found":
        return f"field {context['discriminator']} is required: add it"
    shown = repr(error["input"])
    shown = shown if len(shown) <= 60 else shown[:60] + "..."
    if kind == "string_pattern_mismatch":
        return f"{shown} is not allowed here: write it as {context['pattern']}"
    return f"{message[0].lower()}{message[1:].replace('Input', 'it')}, not {shown}: correct it"


def _locate(loc: Sequence[int | str], kind: str, value: object, root: Node) -> tuple[str, Node]:
    """Return the field path and node of a location; names of union members are no fields and left out."""
    path, node, here = "", root, value
    for item in loc:
        items = cast("list[object]", here) if isinstance(here, list) else []
        if isinstance(item, int) and item < len(items):
            here = items[item]
            node = _items(cast("SequenceNode", node))[item]
            path += f"[{item}]"
        elif isinstance(here, Mapping) and item in here:
            here = cast("Mapping[int | str, object]", here)[item]
            node = next(n for k, n in _pairs(cast("MappingNode", node)) if k.value == item)
            path += f".{item}" if path else str(item)
        elif kind == "missing" and item == loc[-1]:
            path += f"[{item}]" if isinstance(item, int) else f".{item}" if path else item
    return path, node


def _items(node: SequenceNode) -> list[Node]:
    return cast("list[Node]", node.value)


def _pairs(node: MappingNode) -> list[tuple[Node, Node]]:
    return cast("list[tuple[Node, Node]]", node.value)
