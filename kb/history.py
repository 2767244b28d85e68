"""What time did: how a case stood on each date, and the versions of a record's text."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from kb.records import OutcomeAt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.records import Case
    from kb.store import Revision

_ORIGINS: Final = {"corpus": "from the library's files"}
_EDITED: Final = "edited here"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record's text: the day on which it was taken in (ISO, UTC), and how it came about."""

    date: str
    what: str


def timeline(case: Case) -> tuple[OutcomeAt, ...]:
    """How a case stood, oldest first and its current outcome last, each state of affairs once.

    A date that is known to the year only stands before those within that year.
    """
    points = list(case.outcome_history)
    if not any((one.as_at, one.outcome) == (case.outcome_as_at, case.outcome) for one in points):
        points.append(OutcomeAt(as_at=case.outcome_as_at, outcome=case.outcome))
    return tuple(sorted(points, key=lambda one: one.as_at))


def versions_of(revisions: Sequence[Revision], published: str) -> tuple[Version, ...]:
    """The version that is published (by its content hash) and those before it, newest first, one a day.

    Empty when the revisions do not have it. Later revisions wait for the next index and are not told of.
    """
    numbers = [number for number, one in enumerate(revisions) if one.content_hash == published]
    if not numbers:
        return ()
    newest_first = [
        Version(one.at[:10], _ORIGINS.get(one.origin, _EDITED)) for one in reversed(revisions[: numbers[-1] + 1])
    ]
    changed = [after for before, after in pairwise(newest_first) if after.date != before.date]
    return (newest_first[0], *changed)
