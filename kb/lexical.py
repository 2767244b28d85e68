"""The lexical leg: BM25 over stemmed English words, in tantivy.

A question becomes an OR of its words, each a term: no query syntax reaches the user, so no punctuation can break it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import tantivy

from kb.errors import DamagedGeneration
from kb.ranking import Ranking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from kb.filters import Filters

    Floats = npt.NDArray[np.float32]

# Words of a question that say nothing of its subject. The index library's own list holds articles and prepositions
# only; these are the words by which questions are asked, and pronouns and auxiliaries, which would otherwise match
# "what", "how" and "do" in any record.
_QUESTION_WORDS_TEXT: Final = """
    a about after again all also am an and any anyone anything are as at be because been before being best between
    both but by can cannot could did do does doing don done down each else ever every few for from get gets
    getting give go goes going good got had has have having he her here hers him his how i if in into is it its
    itself just keep keeps know let like ll look make makes many may me might more most much must my need no nor
    not now of off on once one only or other others our ours out over own please put really s same say says shall
    she should so some somebody someone something still such t take tell than that the their theirs them then
    there these they thing things this those through to too try trying under until up us use ve very want was way
    we well went were what when where which while who whom whose why will with without won would you your yours
"""
QUESTION_WORDS: Final = _QUESTION_WORDS_TEXT.split()
# A question of more distinct words than this is a document; its first words say what it asks.
QUERY_MAX_WORDS: Final = 128
_LONGEST_WORD_CHARACTERS: Final = 60
_REMEMBERED_WORDS: Final = 50_000
_ANALYZER: Final = "english"
_HEAP_BYTES: Final = 64_000_000


@dataclass(frozen=True, slots=True)
class Posting:
    """One passage as it is indexed: its ordinal, its words, and the terms of its filters (`outcome=failed`)."""

    ordinal: int
    words: str
    facets: tuple[str, ...]


def record_facet(number: int) -> str:
    """The facet that all passages of a generation's record of that number have."""
    return f"record={number}"


def make_analyzer() -> tantivy.TextAnalyzer:
    """Text -> stemmed English words, without stop words, accents folded."""
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(_LONGEST_WORD_CHARACTERS))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.custom_stopword(QUESTION_WORDS))
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


def _make_schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("words", tokenizer_name=_ANALYZER)
    builder.add_text_field("facet", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("ordinal", indexed=True, fast=True)
    return builder.build()


def build_lexical(folder: Path, postings: Iterable[Posting]) -> None:
    """Writes the lexical index of all postings into an empty folder, as one segment."""
    folder.mkdir(parents=True)
    index = tantivy.Index(_make_schema(), path=str(folder))
    index.register_tokenizer(_ANALYZER, make_analyzer())
    # One thread writes one segment: scores do not depend on how passages fell on threads, and searching is faster.
    with index.writer(heap_size=_HEAP_BYTES, num_threads=1) as writer:
        for posting in postings:
            document = tantivy.Document()
            document.add_text("words", posting.words)
            for facet in posting.facets:
                document.add_text("facet", facet)
            document.add_unsigned("ordinal", posting.ordinal)
            writer.add_document(document)


class LexicalIndex:
    """An open lexical index. Safe to use from several threads at once."""

    def __init__(self, folder: Path) -> None:
        try:
            self._index = tantivy.Index.open(str(folder))
        except ValueError as error:
            raise DamagedGeneration(f"{folder}: the lexical index cannot be opened: {error}") from error
        self._analyzer = make_analyzer()
        self._index.register_tokenizer(_ANALYZER, self._analyzer)
        self._schema = self._index.schema
        self._searcher = self._index.searcher()
        self._stems: dict[str, tuple[str, ...]] = {}

    @property
    def count(self) -> int:
        return int(self._searcher.num_docs)

    def words(self, text: str) -> list[str]:
        """The distinct stems of a text in the order in which they come, as the index knows them.

        Single letters and digits are left out: they are what apostrophes leave, and say nothing.
        """
        stems = (stem for stem in self._analyzer.analyze(text) if len(stem) > 1)
        return list(dict.fromkeys(stems))[:QUERY_MAX_WORDS]

    def stems(self, word: str) -> tuple[str, ...]:
        """The stems of one word as a text has it; remembered, since a page asks for the same words again and again."""
        known = self._stems.get(word)
        if known is None:
            if len(self._stems) >= _REMEMBERED_WORDS:
                self._stems.clear()
            known = self._stems[word] = tuple(self._analyzer.analyze(word))
        return known

    def search(
        self, words: Sequence[str], limit: int, filters: Filters | None = None, records: Iterable[int] | None = None
    ) -> Ranking:
        """The best passages for these stems (BM25, k1 1.2, b 0.75), chosen from those that the filters let through.

        With `records`, only from the records of these numbers.
        """
        if not words or limit < 1 or not self.count:
            return Ranking.empty()
        clauses = [(tantivy.Occur.Should, self._term("words", word)) for word in words]
        query = tantivy.Query.boolean_query(clauses)
        only = [self._any_of(facets) for _, facets in filters.facets()] if filters else []
        if records is not None:
            only.append(self._any_of(map(record_facet, records)))
        if only:
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), *only])
        return self._run(query, limit)

    def has(self, stem: str) -> bool:
        """Whether any passage has this stem."""
        return bool(self._searcher.doc_freq("words", stem))

    def rarity(self, words: Sequence[str]) -> Floats:
        """How much each stem tells passages apart: BM25's inverse document frequency, shape (words,).

        Highest for a stem that no passage has.
        """
        having = np.array([self._searcher.doc_freq("words", word) for word in words], dtype=np.float32)
        rarity: Floats = np.log1p((self.count - having + 0.5) / (having + 0.5))
        return rarity

    def within(self, words: Sequence[str], groups: Mapping[str, range]) -> Floats:
        """The BM25 score of each stem by itself in each passage of these groups.

        A group is the facet that its passages have, and their ordinals. Shape (words, passages), the groups one after
        the other; 0 where a passage does not have the stem.
        """
        ordinals = np.concatenate(
            [np.zeros(0, dtype=np.int64), *(np.arange(one.start, one.stop) for one in groups.values())]
        )
        scores = np.zeros((len(words), len(ordinals)), dtype=np.float32)
        if not len(ordinals):
            return scores
        order = np.argsort(ordinals)
        rising = ordinals[order]
        only = self._any_of(groups)
        for row, word in enumerate(words):
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, self._term("words", word)), only])
            found = self._run(query, len(ordinals))
            scores[row, order[np.searchsorted(rising, found.ordinals)]] = found.scores
        return scores

    def holds(self, ordinal: int, words: Sequence[str]) -> bool:
        """Whether the passage of that ordinal is here, with all of these stems."""
        terms = [self._term("words", word) for word in words]
        own = tantivy.Query.term_query(self._schema, "ordinal", ordinal, "basic")
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, term) for term in (own, *terms)])
        return bool(self._searcher.search(query, limit=1, count=False).hits)

    def close(self) -> None:
        """Lets go of the index; tantivy has no close of its own, its files go with the last reference."""
        del self._searcher, self._index

    def _term(self, field: str, value: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, value, "freq" if field == "words" else "basic")

    def _any_of(self, facets: Iterable[str]) -> tuple[tantivy.Occur, tantivy.Query]:
        """Only passages that have one of these facets; it adds nothing to a score."""
        terms = [(tantivy.Occur.Should, self._term("facet", facet)) for facet in facets]
        return tantivy.Occur.Must, tantivy.Query.const_score_query(tantivy.Query.boolean_query(terms), 0.0)

    def _run(self, query: tantivy.Query, limit: int) -> Ranking:
        hits = self._searcher.search(query, limit=limit, count=False).hits
        addresses = [address for _, address in hits]
        ordinals: Sequence[Any] = self._searcher.fast_field_values("ordinal", addresses) if addresses else ()
        return Ranking.of(ordinals, [score for score, _ in hits])
