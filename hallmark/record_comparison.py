"""Whether a stored record and its recomputation are the same, and where they first differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evidence import Inspection

Outcome = Literal["agrees", "agrees_otherwise_versioned", "disagrees", "not_compared"]

TOLD_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "defects": (
        "length_mm", "area_mm2", "contrast", "delta_e", "zones", "limits", "named_by", "score",
        "second_class", "second_confidence",
    ),
    "counts": ("at_least", "within_mm", "within_area_mm2", "closer_than_mm"),
}  # fmt: skip
"""What later releases tell beside what decides: not class, severity, rule, zone, size, place or number."""


@dataclass(frozen=True)
class Replayed:
    """What the recomputation of one unit came to.

    Attributes:
        sequence: the unit.
        outcome: `agrees` where the digests are equal; `agrees_otherwise_versioned` where everything is equal
            but the versions of the software that computed and what an older release did not write, see
            `compare`; `disagrees`; `not_compared`.
        field: the first field that differs, such as `characteristics[2].value`, or None.
        stored, recomputed: its two values.
        why: why a unit was not compared, or None.
    """

    sequence: int
    outcome: Outcome
    field: str | None = None
    stored: Any = None
    recomputed: Any = None
    why: str | None = None


def compare(sequence: int, stored: Inspection, recomputed: Inspection) -> Replayed:
    """Compare two records; where they differ, name the first field, results before versions.

    A field that the stored record does not write has its default. One of TOLD_BESIDE that no defect, or no
    counting rule, of the stored record writes is not compared: an older release made the record. Where some
    write it, it is compared for all.
    """
    from evidence import verify_digest

    if not verify_digest(stored):
        return Replayed(
            sequence, "disagrees", "digest", stored.digest, "not the digest of the record's content"
        )
    if stored.digest == recomputed.digest:
        return Replayed(sequence, "agrees")
    left, right = _content(stored), _content(recomputed)
    versions = {"versions": left.pop("versions")}, {"versions": right.pop("versions")}
    found = first_difference(left, _as_far_as_told(left, right))
    if found is not None:
        return Replayed(sequence, "disagrees", *found)
    otherwise = first_difference(*versions) or first_difference(left, right) or ()
    return Replayed(sequence, "agrees_otherwise_versioned", *otherwise)


def first_difference(left: Any, right: Any, path: str = "") -> tuple[str, Any, Any] | None:  # noqa: ANN401 (JSON)
    """Return path and both values of the first place where two JSON values differ, or None."""
    if isinstance(left, dict) and isinstance(right, dict):
        a, b = cast("dict[str, Any]", left), cast("dict[str, Any]", right)
        places = [(f"{path}.{key}".lstrip("."), a.get(key), b.get(key)) for key in {**a, **b}]
    elif isinstance(left, list) and isinstance(right, list):
        a, b = cast("list[Any]", left), cast("list[Any]", right)
        if len(a) != len(b):
            return path, f"{len(a)} items", f"{len(b)} items"
        places = [(f"{path}[{i}]", *pair) for i, pair in enumerate(zip(a, b, strict=True))]
    else:
        a, b = cast("object", left), cast("object", right)
        return None if a == b and type(a) is type(b) else (path, a, b)
    found = (first_difference(before, after, place) for place, before, after in places)
    return next((difference for difference in found if difference is not None), None)


def _content(inspection: Inspection) -> dict[str, Any]:
    """Return a record's JSON object without digest and timings, defaults written, its id last."""
    record = inspection.model_dump(mode="json", by_alias=True)
    del record["digest"], record["timing_ms"]
    record["id"] = record.pop("id")  # it follows from the others, so it differs last
    return record


def _as_far_as_told(stored: dict[str, Any], recomputed: dict[str, Any]) -> dict[str, Any]:
    """Return a recomputed record without what is told beside and no item of the stored one writes."""
    told = dict(recomputed)
    for part, names in TOLD_BESIDE.items():
        written = {name for item in stored[part] for name in item}
        told[part] = [
            {name: value for name, value in item.items() if name in written or name not in names}
            for item in recomputed[part]
        ]
    return told
