"""Views of one answer: the same records, by what their passages tell instead of by how well they match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb import ranking
from kb.lexical import record_facet

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from kb.admission import Admission
    from kb.generation import Generation
    from kb.ranker import Question

    Floats = npt.NDArray[np.float32]
    Ordinals = npt.NDArray[np.int64]

# View -> the stances of its columns, in order. `best` has none: it is the ranking itself.
VIEWS: Final[dict[str, tuple[str, ...]]] = {
    "best": (),
    "outcomes": ("worked", "did-not-work"),
    "signs": ("warning",),
}
# Records of an answer, best first, whose passages a view looks at.
VIEWED: Final = 60
# A column is ordered by how well the passage answers and by how well its record does, in equal parts: what came before
# a failure is seldom told in the words of the question.
PASSAGE_WEIGHT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Told:
    """What one record tells in one stance: its passages by score, best first, with cosine and saturated BM25."""

    record: int
    score: float
    passages: tuple[tuple[int, float, float, float], ...]


class Views:
    """Reads the passages of one stance in given records, scored against a question."""

    def __init__(self, generation: Generation, admission: Admission, vectors: npt.NDArray[np.floating[Any]]) -> None:
        self._generation = generation
        self._admission = admission
        self._vectors = vectors
        records = int(generation.record_of.max()) + 1 if len(generation.record_of) else 0
        # The ordinals of a record's passages follow one another.
        self._first_of = np.searchsorted(generation.record_of, np.arange(records + 1))
        self._own = generation.target_of == np.arange(len(generation.target_of))

    def column(self, stance: str, records: Sequence[tuple[int, float]], question: Question) -> list[Told]:
        """What these records (number, score) tell in this stance, best first; those that tell nothing are left out."""
        telling = self._admission.telling((stance,)) & self._own
        groups = {record: range(*self._first_of[record : record + 2].tolist()) for record, _ in records[:VIEWED]}
        if not groups:
            return []
        ordinals = np.concatenate([np.arange(one.start, one.stop) for one in groups.values()])
        by_word = self._generation.lexical.within(
            question.words, {record_facet(record): ordinals for record, ordinals in groups.items()}
        )
        wanted = telling[ordinals]
        ordinals = ordinals[wanted]
        lexical = ranking.saturate(by_word.sum(axis=0)[wanted].astype(np.float32))
        semantic = self._vectors[ordinals].astype(np.float32, copy=False) @ question.vector
        scores = ranking.fuse(semantic, lexical)
        score_of = dict(records)
        told = []
        record_of = self._generation.record_of[ordinals]
        grouped = ranking.group(record_of, ordinals, scores)
        for record, indices in grouped:
            passages = tuple(
                (int(ordinals[i]), float(scores[i]), float(semantic[i]), float(lexical[i])) for i in indices
            )
            blend = PASSAGE_WEIGHT * passages[0][1] + (1 - PASSAGE_WEIGHT) * score_of[record]
            told.append(Told(record, blend, passages))
        return sorted(told, key=lambda one: -one.score)
