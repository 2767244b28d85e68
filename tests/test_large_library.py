"""A library too large to score every passage of: the same answers from the best of each leg alone.

What is large is a threshold; set to nothing, the made-up library is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from made_up import MadeUpEncoder, make_library, stored

from kb import ranker
from kb.builder import build
from kb.filters import make_filters
from kb.generation import IndexFolder, open_current
from kb.places import Places
from kb.search import ORDERS, Searcher, Wanted
from kb.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kb.answer import Answer

QUESTIONS = (
    "bins streets crews tablets complaints software carers payroll",
    "crews with tablets and missed streets",
    "a dashboard that stayed green while homes were damp",
    "nothing of the kind",
    "?!",
)
FILTERS = (
    make_filters({}),
    make_filters({"kind": ["case"]}),
    make_filters({"outcome": ["worked", "mixed"], "stance": ["worked", "action"]}),
    make_filters({"nation": ["Wales"], "kind": ["lesson"]}),
)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Searcher, Searcher]]:
    """The made-up library as a small one and as a large one."""
    monkeypatch.setattr(ranker, "CLOSE_FROM", 0.0)
    monkeypatch.setattr(ranker, "FAIR_FROM", 0.02)
    index = IndexFolder(tmp_path / "index")
    build(index, stored(make_library()), MadeUpEncoder())
    small = Searcher(open_current(index), MadeUpEncoder())
    monkeypatch.setattr(ranker, "_KEPT_IN_MEMORY_PASSAGES", 0)
    large = Searcher(open_current(index), MadeUpEncoder())
    yield small, large
    small.generation.close()
    large.generation.close()


def told(answer: Answer) -> object:
    """What an answer tells, scores to three places: the vectors of a large library are not as exact."""
    hits = [
        (hit.record, hit.band, hit.passage.text, round(hit.score, 3), [one.text for one in hit.further])
        for hit in answer.hits
    ]
    columns = [(one.stance, one.total, [hit.record for hit in one.hits]) for one in answer.columns]
    return answer.close, answer.total, answer.counts, answer.open_counts, answer.years, hits, columns


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_large_library_answers_as_a_small_one(both: tuple[Searcher, Searcher], question: str) -> None:
    small, large = both
    for filters in FILTERS:
        for wanted in (*(Wanted(order=order) for order in ORDERS), *(Wanted(view=view) for view in VIEWS)):
            assert told(large.ask(question, filters, wanted)) == told(small.ask(question, filters, wanted))


def test_places_are_preferred_in_a_large_library_too(both: tuple[Searcher, Searcher]) -> None:
    small, large = both
    some = np.zeros(len(small.cards), dtype=np.float32)
    some[1:3] = 0.5
    for places in (Places(some, only=True), Places(some, only=False)):
        assert told(large.ask(QUESTIONS[0], places=places)) == told(small.ask(QUESTIONS[0], places=places))
    nowhere = large.ask(QUESTIONS[0], places=Places(np.zeros_like(some), only=True))
    assert (nowhere.hits, nowhere.total, nowhere.close) == ((), 0, False)


def test_a_facet_of_a_large_library_counts_what_its_filter_leaves(both: tuple[Searcher, Searcher]) -> None:
    _, large = both
    answer = large.ask(QUESTIONS[0])
    assert answer.total > 3
    for field, values in answer.counts.items():
        for value, count in values.items():
            assert large.ask(QUESTIONS[0], make_filters({field: [value]})).total == count, (field, value)
