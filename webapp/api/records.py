"""Records of the library as JSON: the whole of one, and the lines of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kb.records import FRONT_MATTER, place, years

if TYPE_CHECKING:
    from kb.browse import Entry
    from kb.records import Record

# Of a lesson no day is told on which it came (design, de-identification); the year is enough to see how fresh it is.
_YEAR_ALONE: Final = ("checked_on", "review_due")


def entry_as_json(entry: Entry) -> dict[str, Any]:
    """A record as a list shows it."""
    return {
        "id": entry.record,
        "kind": entry.kind,
        "title": entry.title,
        "summary": entry.summary,
        "place": entry.place,
        "years": list(entry.years),
        "outcome": entry.outcome,
        "outcome_as_at": entry.outcome_as_at,
        "services": list(entry.services),
        "themes": list(entry.themes),
        "url": f"/records/{entry.record}",
    }


def whole_as_json(record: Record) -> dict[str, Any]:
    """All of a record: its front matter in the order of its file, then what follows from it, then its sections.

    A lesson has only the fields that a lesson may have (`kb.records.Lesson`): nothing that could name its place.
    """
    known = record.model_dump(mode="json")
    if record.kind == "lesson":
        known |= {name: known[name][:4] for name in _YEAR_ALONE}
    return {
        **{name: known[name] for name in FRONT_MATTER[record.kind]},
        "place": place(record),
        "years": list(years(record)),
        "url": f"/records/{record.id}",
        "sections": [
            {"heading": one.heading, "anchor": one.anchor, "stance": one.stance, "text": one.text}
            for one in record.sections
        ],
    }
