"""What reading and browsing derive from one generation: made when it is first needed, then remembered with it."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from kb.browse import Catalogue
from kb.errors import StoreError
from kb.history import Version, versions_of
from kb.related_records import Related, directions, relate
from kb.store import content_hash, read_revisions

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from kb.search import Searcher


# As `kb.record_file.render` writes it.
_CHECKED_ON: Final = re.compile(r"^checked_on: (\d{4}(?:-\d{2}){0,2})$", re.MULTILINE)


class Reading:
    """One generation, for readers. Any number of threads may ask at once; what two make at once is the same."""

    def __init__(self, searcher: Searcher) -> None:
        self.searcher = searcher
        self._numbers = {card["id"]: number for number, card in enumerate(searcher.cards)}
        self._related: dict[tuple[str, int], tuple[Related, ...]] = {}
        self._versions: dict[str, tuple[Version, ...]] = {}

    def similar(self, record_id: str, limit: int) -> tuple[Related, ...]:
        """The records that belong with this one, as `kb.related_records.relate` orders them."""
        if record_id not in self._numbers:
            return ()
        known = self._related.get((record_id, limit))
        if known is None:
            known = relate(self.searcher.cards, self._numbers[record_id], self._directions, limit)
            self._related[record_id, limit] = known
        return known

    def versions(self, record_id: str, store: Path) -> tuple[Version, ...]:
        """The versions of a case's text, newest first; of a lesson none, since its dates could tell whose it is."""
        number = self._numbers.get(record_id)
        if number is None or self.searcher.cards[number]["kind"] != "case":
            return ()
        known = self._versions.get(record_id)
        if known is None:
            markdown = self.searcher.generation.rows.markdown(record_id) or ""
            try:
                revisions = read_revisions(store, record_id)
            except StoreError:
                return ()  # the dates are an extra: without the database a page still has all of its record
            known = self._versions[record_id] = versions_of(revisions, content_hash(markdown))
        return known

    @cached_property
    def catalogue(self) -> Catalogue:
        cards = self.searcher.cards
        stances: list[set[str]] = [set() for _ in cards]
        generation = self.searcher.generation
        for record, stance in zip(generation.record_of.tolist(), generation.rows.stances(), strict=True):
            stances[record].add(stance)
        return Catalogue(cards, stances, self._checked_on)

    def _checked_on(self, record_id: str) -> str:
        """When a record was checked, for a card that does not have it; reading whole records would take seconds."""
        line = _CHECKED_ON.search(self.searcher.generation.rows.markdown(record_id) or "")
        if line is not None:
            return line[1]
        record = self.searcher.record(record_id)
        return record.checked_on if record is not None else ""

    @cached_property
    def _directions(self) -> npt.NDArray[np.float32]:
        return directions(self.searcher.generation, self.searcher.cards)
