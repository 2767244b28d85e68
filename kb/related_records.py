"""Which records stand beside a record: those that are linked with it, the same problem with another outcome, the like.

A lesson and a case are never shown as related. Nobody outside may learn which place a lesson came from, the library
itself does not know, and no level of nearness is safe (docs/relevance.md). So a record is only ever shown with records
of its own kind, by a link or by likeness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb import vocabulary
from kb.encoder import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from kb.generation import Generation

    Floats = npt.NDArray[np.float32]
    Card = Mapping[str, Any]

# What turned out well, or is turning: the other side of vocabulary.FAILURES. `too-early` is on neither.
TURNED_OUT_WELL: Final = frozenset({"worked", "recovered", "recovering"})

# Two records are taken to be about one problem when each is among the nearest few of the other and they are this near.
# Of the 20 pairs of the whole library that this gives with different outcomes, 17 are, read one by one; by nearness
# alone every record on children is near every other.
SAME_PROBLEM_WITHIN: Final = 4
SAME_PROBLEM_FROM: Final = 0.35
_ANOTHER_OUTCOME: Final = vocabulary.LINK.label_of("same service other outcome")
# Links that read differently from the other end; all others say the same from both.
_FROM_THE_OTHER_END: Final = {
    "lesson applied later": "Where the lesson comes from",
    "relapse of": "It relapsed later",
}


@dataclass(frozen=True, slots=True)
class Related:
    """A record beside another.

    `how` is the link's label, empty for a record that is only like it; `other_outcome` marks the same problem with
    another outcome.
    """

    record: str
    kind: str
    title: str
    outcome: str
    outcome_as_at: str | None
    place: str
    how: str
    other_outcome: bool = False


def relate(cards: Sequence[Card], number: int, vectors: Floats, limit: int) -> tuple[Related, ...]:
    """The records that belong with the card of that number, all of its kind.

    First all that it is linked with, from either end. Then, up to `limit` in all: those of the same problem with
    another outcome (no more than half of the places left), and the others that are like it, nearest first. `vectors`
    are the records' directions.
    """
    near = _kin(cards, vectors, number)
    links = {other: label for other, label in _links(cards, number).items() if other in near}
    opposed = [
        other
        for other in near[:SAME_PROBLEM_WITHIN]
        if _opposed(cards[number], cards[other])
        and number in _kin(cards, vectors, other)[:SAME_PROBLEM_WITHIN]
        and float(vectors[number] @ vectors[other]) >= SAME_PROBLEM_FROM
    ]
    left = max(0, limit - len(links))
    others = [other for other in opposed if other not in links][: (left + 1) // 2]
    alike = [other for other in near if other not in links and other not in others][: left - len(others)]
    return (
        *(
            _related(cards[other], label, other_outcome=other in opposed or label == _ANOTHER_OUTCOME)
            for other, label in links.items()
        ),
        *(_related(cards[other], "", other_outcome=True) for other in others),
        *(_related(cards[other], "") for other in alike),
    )


def directions(generation: Generation, cards: Sequence[Card]) -> Floats:
    """What each record is about, beside the others of its kind: vectors of length 1, shape (records, dimension).

    The mean of its passages' vectors less the mean of its kind: without that all records are near each other, since all
    tell of councils, money and inspectors.
    """
    means = np.zeros((generation.manifest.records, generation.manifest.dimension), dtype=np.float32)
    np.add.at(means, generation.record_of, generation.vectors.astype(np.float32))
    means = normalise(means)
    for kind in {card["kind"] for card in cards}:
        own = np.array([card["kind"] == kind for card in cards])
        means[own] -= means[own].mean(axis=0)
    return normalise(means)


def _kin(cards: Sequence[Card], vectors: Floats, number: int) -> list[int]:
    """The other records of its kind, nearest first."""
    order = np.argsort(-(vectors @ vectors[number]), kind="stable").tolist()
    return [other for other in order if other != number and cards[other]["kind"] == cards[number]["kind"]]


def _links(cards: Sequence[Card], number: int) -> dict[int, str]:
    """The records that this one is linked with, by number, and how: its own links first, then those from others."""
    numbers = {card["id"]: other for other, card in enumerate(cards)}
    own = {numbers[other]: vocabulary.LINK.label_of(how) for other, how in cards[number]["linked"] if other in numbers}
    for other, card in enumerate(cards):
        for name, how in card["linked"]:
            if name == cards[number]["id"]:
                own.setdefault(other, _FROM_THE_OTHER_END.get(how) or vocabulary.LINK.label_of(how))
    own.pop(number, None)
    return own


def _opposed(one: Card, other: Card) -> bool:
    """The same problem by what each is mainly about, and an outcome on the other side."""
    sides = {card["outcome"] in vocabulary.FAILURES for card in (one, other)}
    told = all(card["outcome"] in vocabulary.FAILURES | TURNED_OUT_WELL for card in (one, other))
    mainly = one["services"][:1] and other["services"][:1]
    shared = mainly and one["services"][0] in other["services"] and other["services"][0] in one["services"]
    return bool(told and len(sides) == 2 and shared)


def _related(card: Card, how: str, *, other_outcome: bool = False) -> Related:
    return Related(
        record=card["id"],
        kind=card["kind"],
        title=card["title"],
        outcome=card["outcome"],
        outcome_as_at=card["outcome_as_at"],
        place=card["place"],
        how=how,
        other_outcome=other_outcome,
    )
