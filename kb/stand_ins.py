"""Stand-ins for what could not be read of a record, so that a fault in one part does not hide those in others.

A record with stand-ins is for `kb.checks` alone, which leaves out what leans on them; it is never stored or shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from kb.records import KINDS, Place, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


_COMMON: Final[dict[str, Any]] = {
    "id": "x",
    "title": "-",
    "summary": "-",
    "sectors": ("private",),
    "services": ("economy",),
    "themes": ("culture",),
    "outcome": "mixed",
    "finding_basis": "press",
    "answers": (),
    "checked_on": "2000",
    "review_due": "2000",
    "sections": ({"heading": "Situation", "text": "-"},),
}
# For each kind a record without fault that has every key, and one item in each list of mappings.
_COMPLETE: Final[dict[str, dict[str, Any]]] = {
    "case": {
        **_COMMON,
        "kind": "case",
        "organisations": ({"name": "-", "gss": "E00000000"},),
        "nation": "UK",
        "region": "UK",
        "council_type": "other",
        "period": {"start": 2000, "end": 2000},
        "outcome_as_at": "2000",
        "outcome_history": ({"as_at": "2000", "outcome": "mixed", "note": "-"},),
        "effect_evidence": "0",
        "contested": "-",
        "cost": "-",
        "time_to_effect": "-",
        "measures": ({"what": "-", "before": "-", "after": "-", "source": "s999"},),
        "sources": (
            {
                "id": "s999",
                "title": "-",
                "publisher": "-",
                "url": "https://example.org",
                "date": "2000",
                "accessed": "2000",
                "independent": True,
            },
        ),
        "linked": ({"record": "x", "how": "see also"},),
    },
    "lesson": {
        **_COMMON,
        "kind": "lesson",
        "council_family": "any",
        "period_band": "2010s",
        "corroboration": "1",
        "withheld": (),
    },
}


def with_stand_ins(kind: str, data: Mapping[str, Any], faulty: Collection[Place]) -> Record | None:
    """The record of these values, with stand-ins at the faulty places; unknown keys are left out.

    None when even that cannot be made.
    """
    try:
        return KINDS[kind].model_validate(_replaced(data, _COMPLETE[kind], faulty))
    except ValidationError:
        return None


def _replaced(value: Any, complete: Any, places: Collection[Place]) -> Any:
    if () in places:
        return complete
    inside: dict[str | int, list[Place]] = {}
    for first, *rest in places:
        inside.setdefault(first, []).append(tuple(rest))
    if isinstance(value, dict):
        known = {key: inner for key, inner in value.items() if key in complete}
        for key in complete.keys() & inside.keys():
            known[key] = _replaced(known.get(key), complete[key], inside[key])
        return known
    if not (complete and isinstance(complete[0], dict)):  # a list of words, to which one more word might be a double
        return complete
    return tuple(
        _replaced(item, complete[0], inside[number]) if number in inside else item for number, item in enumerate(value)
    )
