"""Which passages may answer a question: the filters as masks over one generation's records and passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kb.drafts import facets_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from kb.filters import Filters
    from kb.generation import Generation

    Ordinals = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


class Admission:
    """Masks of one generation, made once: which records have a term, which passages have a stance."""

    def __init__(self, generation: Generation, cards: Sequence[Mapping[str, Any]]) -> None:
        self._records = len(cards)
        self._passages = generation.manifest.passages
        self._record_of = generation.record_of
        self._with: dict[str, Mask] = {}
        for number, card in enumerate(cards):
            for facet in facets_of(card["terms"]):
                self._with.setdefault(facet, np.zeros(len(cards), dtype=bool))[number] = True
        names = generation.rows.stances()
        self._names = sorted(set(names))
        codes = {name: code for code, name in enumerate(self._names)}
        own = np.array([codes[name] for name in names], dtype=np.uint8)
        # A way in tells what the passage tells that its hit shows.
        self._stances = own[generation.target_of] if len(own) else own

    def passages(self, filters: Filters, only: Mask | None = None) -> Mask | None:
        """Which passages the filters let through, shape (passages,), of the records in `only`; None when all are."""
        if not filters and only is None:
            return None
        records = np.ones(self._records, dtype=bool) if only is None else only.copy()
        passages = np.ones(self._passages, dtype=bool)
        for field, facets in filters.facets():
            if field == "stance":
                passages &= self.telling(filters.values("stance"))
            else:
                some = [self._with[facet] for facet in facets if facet in self._with]
                records &= np.logical_or.reduce(some) if some else False
        allowed: Mask = passages & records[self._record_of]
        return allowed

    def telling(self, stances: Sequence[str]) -> Mask:
        """Which passages, ways in included, show one of these stances; shape (passages,)."""
        wanted = [code for code, name in enumerate(self._names) if name in stances]
        mask: Mask = np.isin(self._stances, wanted)
        return mask

    def stances_of(self, passages: Ordinals) -> list[str]:
        return [self._names[code] for code in self._stances[passages].tolist()] if len(passages) else []
