"""How a case stood over time, and the versions of its text."""

from __future__ import annotations

from made_up import make_case

from kb.history import Version, timeline, versions_of
from kb.store import Revision


def test_the_current_outcome_ends_the_timeline_once() -> None:
    history = [
        {"as_at": "2022-11", "outcome": "relapsed"},
        {"as_at": "2018", "outcome": "worked", "note": "missed visits down by half"},
    ]
    told = make_case(outcome="relapsed", outcome_as_at="2022-11", outcome_history=history)
    assert [(one.as_at, one.outcome) for one in timeline(told)] == [("2018", "worked"), ("2022-11", "relapsed")]
    later = make_case(outcome="recovering", outcome_as_at="2024", outcome_history=history)
    assert [one.as_at for one in timeline(later)] == ["2018", "2022-11", "2024"]
    assert timeline(later)[-1].outcome == "recovering"


def test_without_a_history_the_current_outcome_is_all_there_is() -> None:
    (only,) = timeline(make_case())
    assert (only.as_at, only.outcome, only.note) == ("2018-05", "worked", "")


def revision(name: str, at: str, origin: str = "corpus") -> Revision:
    return Revision(name, origin, f"{at}T10:00:00+00:00")


def test_versions_are_newest_first_and_one_a_day() -> None:
    revisions = [
        revision("a", "2026-01-01"),
        revision("b", "2026-01-01"),
        revision("c", "2026-02-01", "curator"),
        revision("d", "2026-02-03"),
    ]
    assert versions_of(revisions, "d") == (
        Version("2026-02-03", "from the library's files"),
        Version("2026-02-01", "edited here"),
        Version("2026-01-01", "from the library's files"),
    )


def test_what_came_after_the_published_text_is_not_told() -> None:
    revisions = [revision("a", "2026-01-01"), revision("b", "2026-02-01")]
    assert [one.date for one in versions_of(revisions, "a")] == ["2026-01-01"]


def test_a_text_that_came_back_counts_as_its_latest() -> None:
    revisions = [revision("a", "2026-01-01"), revision("b", "2026-02-01"), revision("a", "2026-03-01")]
    assert [one.date for one in versions_of(revisions, "a")] == ["2026-03-01", "2026-02-01", "2026-01-01"]


def test_revisions_that_do_not_have_the_published_text_tell_nothing() -> None:
    assert versions_of([revision("a", "2026-01-01")], "z") == ()
    assert versions_of([], "z") == ()
