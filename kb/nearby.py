"""The library's records about a council's place, and about places like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kb.councils import Council
    from kb.peers import Likeness, Peers


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """A record by the facts of its card, and how alike the most alike of its bodies is."""

    record: str
    title: str
    outcome: str
    outcome_as_at: str | None
    place: str
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Nearby:
    """The records about a council itself, and those about other places, the most alike first."""

    own: tuple[PlaceRecord, ...]
    alike: tuple[PlaceRecord, ...]


def records_near(
    cards: Iterable[Mapping[str, Any]], peers: Peers, mine: Council, *, limit: int, factors: Collection[str] = ()
) -> Nearby:
    """Finds the records whose bodies are this council or most like it; `limit` bounds those of other places.

    `cards` are a generation's (kb.drafts.make_card). Records of equal likeness stand in the order of their ids.
    Raises UnknownFactor.
    """
    own: list[PlaceRecord] = []
    alike: list[PlaceRecord] = []
    for card in cards:
        likeness = peers.of_bodies(card["bodies"], mine, factors)
        if likeness is not None:
            one = PlaceRecord(
                card["id"], card["title"], card["outcome"], card["outcome_as_at"], card["place"], likeness
            )
            (own if likeness.council.gss == mine.gss else alike).append(one)
    own.sort(key=lambda one: one.record)
    alike.sort(key=lambda one: (-one.likeness.score, one.record))
    return Nearby(tuple(own), tuple(alike[:limit]))
