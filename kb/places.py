"""Which records are about places like the reader's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from kb.councils import Council
    from kb.peers import Peers

    Floats = npt.NDArray[np.float32]
    Mask = npt.NDArray[np.bool_]

# What being as alike as can be adds to a record's score when like places are to come first: enough to pass a record
# that answers a little better, and not one that answers well.
LIFT: Final = 0.08
# How many of the councils, the most alike first, count as similar: about a tenth of all there are.
SIMILAR_COUNCILS: Final = 40
# An anonymised lesson names a family of councils and no place: it can be said to fit, and not how well.
FAMILY_LIKENESS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Places:
    """The reader's preference for places like their own.

    `alike` has, for each record, how alike its place is (0 to 1; 0 also where it is not similar or nothing can be
    said), shape (records,). With `only`, records that are not similar are left out; without, the similar are lifted.
    """

    alike: Floats
    only: bool

    @property
    def records(self) -> Mask | None:
        """The records that may answer, or None when all may."""
        return self.alike > 0 if self.only else None


def places_like(cards: Sequence[Mapping[str, Any]], peers: Peers, mine: Council, *, only: bool) -> Places:
    """The preference for places like this council's, over the records of a generation, by their cards."""
    near = {one.council.gss: one.score for one in peers.similar(mine.gss, SIMILAR_COUNCILS)}
    near[mine.gss] = 1.0
    alike = np.array([_likeness(card, peers, mine, near) for card in cards], dtype=np.float32)
    return Places(alike, only)


def tell_likeness(cards: Iterable[Mapping[str, Any]], peers: Peers, mine: Council) -> dict[str, str]:
    """How alike the places of these records are to a council's, in words, by record id.

    Records about no council, and lessons of another family of councils, are left out.
    """
    words = {}
    for card in cards:
        if card["kind"] == "lesson":
            if peers.fits_family(card["terms"]["council_family"][0], mine):
                words[card["id"]] = "about a council of your kind"
        elif like := peers.of_bodies(card["bodies"], mine):
            words[card["id"]] = like.words
    return words


def _likeness(card: Mapping[str, Any], peers: Peers, mine: Council, near: Mapping[str, float]) -> float:
    if card["kind"] == "lesson":
        family = card["terms"]["council_family"][0]
        return FAMILY_LIKENESS if peers.fits_family(family, mine) else 0.0
    councils = (council.gss for body in card["bodies"] for council in peers.today(body))
    return max((near.get(gss, 0.0) for gss in councils), default=0.0)
