"""Which records stand beside a record: linked, of another outcome, alike; never a lesson beside a case."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kb.encoder import normalise
from kb.related_records import Related, relate


def card(name: str, outcome: str = "mixed", kind: str = "case", **more: Any) -> dict[str, Any]:
    plain = {"title": name, "outcome_as_at": None, "place": "", "services": ["finance"], "linked": []}
    return {**plain, "id": name, "kind": kind, "outcome": outcome, **more}


def at(*degrees: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Directions in a plane: the cosine of two is that of the angle between them."""
    radians = np.radians(np.array(degrees))
    return normalise(np.stack([np.cos(radians), np.sin(radians)], axis=1))


def names(related: tuple[Related, ...]) -> list[str]:
    return [one.record for one in related]


def test_the_same_problem_with_another_outcome_comes_before_what_is_nearer() -> None:
    cards = [card("a", "failed"), card("near", "failed"), card("mended", "recovered"), card("far", "failed")]
    related = relate(cards, 0, at(0, 5, 20, 80), 6)
    assert names(related) == ["mended", "near", "far"]
    assert [one.other_outcome for one in related] == [True, False, False]


@pytest.mark.parametrize(
    ("other", "degrees", "why_not"),
    [
        (card("b", "failed"), 10, "the same side"),
        (card("b", "too-early"), 10, "on neither side"),
        (card("b", "worked"), 75, "too far"),
        (card("b", "worked", services=["housing"]), 10, "another main service"),
        (card("b", "worked", services=["housing", "finance"]), 10, "finance is not what it is mainly about"),
    ],
)
def test_what_is_not_the_same_problem_is_only_alike(other: dict[str, Any], degrees: float, why_not: str) -> None:
    (related,) = relate([card("a", "failed"), other], 0, at(0, degrees), 6)
    assert not related.other_outcome, why_not


def test_the_same_problem_is_told_from_both_ends() -> None:
    """`hub` is the nearest of all to `a`, and `a` is far down among the nearest of `hub`."""
    cards = [card("a", "failed"), card("hub", "worked"), *(card(f"n{number}", "worked") for number in range(5))]
    related = relate(cards, 0, at(0, 30, 31, 32, 33, 34, 35), 1)
    assert names(related) == ["hub"]
    assert not related[0].other_outcome


def test_links_come_first_and_are_seen_from_both_ends() -> None:
    cards = [
        card("a", linked=[("c", "same place"), ("nowhere", "see also"), ("a", "see also")]),
        card("b", linked=[("a", "relapse of")]),
        card("c", linked=[("a", "see also")]),
        card("d"),
    ]
    related = relate(cards, 0, at(0, 90, 80, 1), 6)
    assert [(one.record, one.how) for one in related] == [
        ("c", "The same place"),
        ("b", "It relapsed later"),
        ("d", ""),
    ]


def test_every_link_is_shown_and_the_limit_is_for_the_rest() -> None:
    cards = [card("a", linked=[(name, "see also") for name in "bcd"]), *map(card, "bcdef")]
    assert names(relate(cards, 0, at(0, 1, 2, 3, 4, 5), 2)) == ["b", "c", "d"]
    assert names(relate(cards, 0, at(0, 1, 2, 3, 4, 5), 4)) == ["b", "c", "d", "e"]


def test_a_link_can_itself_be_of_another_outcome() -> None:
    cards = [card("a", "failed", linked=[("b", "same service other outcome")]), card("b", "failed")]
    (related,) = relate(cards, 0, at(0, 90), 6)
    assert related.other_outcome
    cards = [card("a", "failed", linked=[("b", "see also")]), card("b", "worked")]
    (related,) = relate(cards, 0, at(0, 10), 6)
    assert related.other_outcome
    assert related.how == "See also"


@pytest.mark.parametrize("kind", ["case", "lesson"])
def test_a_lesson_and_a_case_are_never_related_even_by_a_link(kind: str) -> None:
    other = "lesson" if kind == "case" else "case"
    cards = [card("a", "failed", kind, linked=[("b", "see also")]), card("b", "worked", other), card("c", kind=kind)]
    assert names(relate(cards, 0, at(0, 0, 90), 6)) == ["c"]
