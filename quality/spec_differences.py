"""What changes between two golden specifications, field by field, and what has to be proven again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from golden.spec import Code, Colour, Component, Dimension, GoldenSpec, Print, Surface

_ONE = {
    "characteristics": "characteristic", "views": "view", "zones": "zone", "materials": "material",
    "parties": "party", "physical_samples": "physical sample", "limit_samples": "limit sample",
    "catalogue.rules": "catalogue rule", "catalogue.counts": "counting rule", "plans.iqc": "incoming check",
}  # fmt: skip
# What may change without a new article: how it is called, counted and scheduled, not what it is.
_NOT_OF_THE_ARTICLE = ("number", "name", "severity", "every_unit", "required_at", "description")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, or one whole entry, that two specifications do not share.

    `section` is the entry's list (or object) in the specification, `entry` its id there and `field` its path
    below; entry and field are empty where they do not apply. `before` and `after` are JSON, null where the
    entry is added or removed. `delta_fai` names the characteristics of the new specification that it calls
    a first article for.
    """

    kind: Literal["added", "removed", "changed"]
    section: str
    entry: str
    field: str
    before: Any
    after: Any
    sentence: str
    delta_fai: tuple[str, ...] = ()


def differences(old: GoldenSpec, new: GoldenSpec) -> tuple[Difference, ...]:
    """Return what changes from `old` to `new`, in the order of the specification.

    A first article is called for (AS9102 Rev C 4.6: design, material, source, inspection method):
    of a characteristic that is added or changes otherwise than in name, number, severity or schedule; of all
    that look at a view that changes; of the surfaces of a zone that changes, of every surface where the
    catalogue does; and of every characteristic where a material is added, removed or changed (beyond fewer
    approved sources, its name or its evidence) or the supplier is another. Plans, deadlines and samples call
    for none.
    """
    before, after = (spec.model_dump(mode="json", by_alias=True) for spec in (old, new))
    found: list[Difference] = []
    for kind, section, entry, field, a, b in _walk(before, after, ""):
        what = Difference(kind, section, entry, field, a, b, _sentence(kind, section, entry, field, a, b))
        calls = tuple(dict.fromkeys((*_called(old, what), *_called(new, what))))
        present = tuple(c.id for c in new.characteristics if c.id in calls)
        found.append(Difference(kind, section, entry, field, a, b, what.sentence, present))
    return tuple(found)


def delta_fai(found: Iterable[Difference]) -> tuple[str, ...]:
    """Return the characteristics that differences call a delta first article for, each once."""
    return tuple(dict.fromkeys(c for difference in found for c in difference.delta_fai))


_Step = tuple[Literal["added", "removed", "changed"], str, str, str, Any, Any]


def _walk(a: dict[str, Any], b: dict[str, Any], section: str) -> Iterator[_Step]:
    for key in dict.fromkeys((*a, *b)):
        path = f"{section}.{key}" if section else key
        before, after = a.get(key), b.get(key)
        if before == after:
            continue
        if path in _ONE:
            yield from _entries(before or [], after or [], path)
        elif isinstance(before, dict) and isinstance(after, dict):
            yield from _walk(cast("dict[str, Any]", before), cast("dict[str, Any]", after), path)
        else:
            yield "changed", section or key, "", key if section else "", before, after


def _entries(a: list[dict[str, Any]], b: list[dict[str, Any]], section: str) -> Iterator[_Step]:
    old, new = _keyed(a), _keyed(b)
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield "removed", section, name, "", old[name], None
        elif name not in old:
            yield "added", section, name, "", None, new[name]
        else:
            for field in dict.fromkeys((*old[name], *new[name])):
                before, after = old[name].get(field), new[name].get(field)
                if before != after:
                    yield "changed", section, name, field, before, after
    kept = [name for name in old if name in new]
    if kept != [name for name in new if name in old]:
        yield "changed", section, "", "order", kept, [name for name in new if name in old]


def _keyed(entries: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return entries by id or name; an incoming check without id goes by its material and what it checks."""
    known: dict[str, dict[str, Any]] = {}
    for entry in entries:
        name = str(entry.get("id") or entry.get("name") or f"{entry.get('material')}: {entry.get('check')}")
        known[name if name not in known else f"{name} ({len(known) + 1})"] = entry
    return known


def _sentence(kind: str, section: str, entry: str, field: str, a: Any, b: Any) -> str:  # noqa: ANN401 (JSON)
    if section in _ONE and entry:
        what = f"{_ONE[section]} {entry}"
        if kind != "changed":
            return f"{what} is {kind}"
    else:
        what = section.replace(".", ", ")
    subject = f"{what}: {field}" if field else what
    return f"{subject} changes from {_plain(a)} to {_plain(b)}"


def _plain(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _called(spec: GoldenSpec, what: Difference) -> tuple[str, ...]:  # noqa: PLR0911 (one per section)
    """Return the characteristics of a specification that a difference asks to prove again."""
    if what.field in _NOT_OF_THE_ARTICLE:
        return ()
    everything = tuple(c.id for c in spec.characteristics)
    surfaces = [c for c in spec.characteristics if isinstance(c, Surface)]
    match what.section:
        case "characteristics":
            return (what.entry,)
        case "views":
            return _looking_at(spec, what.entry)
        case "zones":
            return tuple(c.id for c in surfaces if what.entry in c.zones)
        case "catalogue" | "catalogue.rules" | "catalogue.counts":
            return tuple(c.id for c in surfaces)
        case "materials":
            return everything if _another_material(what) else ()
        case "parties":
            entry = what.after if what.before is None else what.before
            supplier = what.field == "role" or (not what.field and entry["role"] == "supplier")
            return everything if supplier else ()
        case _:
            return ()


def _looking_at(spec: GoldenSpec, view: str) -> tuple[str, ...]:
    zones = {zone.id for zone in spec.zones if zone.view == view}
    return tuple(
        c.id
        for c in spec.characteristics
        if (isinstance(c, Dimension) and c.feature.view == view)
        or (isinstance(c, Colour | Component | Print | Code) and c.view == view)
        or (isinstance(c, Surface) and zones.intersection(c.zones))
    )


def _another_material(what: Difference) -> bool:
    if what.field == "approved_manufacturers":
        return not set(what.after) <= set(what.before)
    if what.field == "part_numbers":  # none means any
        return bool(what.before) and not (what.after and set(what.after) <= set(what.before))
    return what.field not in ("required_evidence", "order")
