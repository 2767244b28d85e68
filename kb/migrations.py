"""The shape of kb.sqlite, as numbered steps. Steps are only ever appended: a database that has taken one keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database


def _m001_records(db: Database) -> None:
    db.table("records").create(
        {
            "id": str,
            "kind": str,
            "content_hash": str,  # of `markdown` as it is now
            "loaded_hash": str,  # of the file when it was last loaded; differs once the record has been edited here
            "markdown": str,
            "changed_at": str,
        },
        pk="id",
        not_null={"kind", "content_hash", "loaded_hash", "markdown", "changed_at"},
    )


def _m002_revisions(db: Database) -> None:
    db.table("revisions").create(
        {"record": str, "number": int, "content_hash": str, "markdown": str, "origin": str, "at": str},
        pk=("record", "number"),
        not_null={"content_hash", "markdown", "origin", "at"},
    )


def _m003_gaps(db: Database) -> None:
    db.table("gaps").create(
        {
            "folded": str,  # the question's words, by which the same one is known again
            "question": str,
            "first_asked": str,  # the month, YYYY-MM: never a day, and never who
            "times": int,
        },
        pk="folded",
        not_null={"question", "first_asked", "times"},
    )


MIGRATIONS: Final[tuple[tuple[str, Callable[[Database], None]], ...]] = (
    ("001-records", _m001_records),
    ("002-revisions", _m002_revisions),
    ("003-gaps", _m003_gaps),
)
