"""The dense leg: inner product over normalised vectors, in FAISS. Exact for small libraries, HNSW beyond."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import faiss
import numpy as np

from kb.errors import DamagedGeneration
from kb.ranking import Ranking

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

EXACT_UP_TO_PASSAGES: Final = 200_000
_HNSW_NEIGHBOURS: Final = 32
_HNSW_BUILD_BREADTH: Final = 200
_HNSW_SEARCH_BREADTH: Final = 128


def build_dense(path: Path, vectors: Floats) -> None:
    """Writes the index of normalised vectors, shape (passages, dimension)."""
    dimension = vectors.shape[1]
    if len(vectors) <= EXACT_UP_TO_PASSAGES:
        index = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexHNSWSQ(
            dimension, faiss.ScalarQuantizer.QT_8bit, _HNSW_NEIGHBOURS, faiss.METRIC_INNER_PRODUCT
        )
        index.hnsw.efConstruction = _HNSW_BUILD_BREADTH
        faiss.omp_set_num_threads(os.cpu_count() or 1)
    if len(vectors):
        index.train(vectors)
        index.add(vectors)
    faiss.write_index(index, str(path))


class DenseIndex:
    """An open dense index. Safe to use from several threads at once."""

    def __init__(self, path: Path) -> None:
        try:
            self._index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise DamagedGeneration(f"{path}: the dense index cannot be read: {error}") from error
        self._exact = isinstance(self._index, faiss.IndexScalarQuantizer)

    @property
    def count(self) -> int:
        return int(self._index.ntotal)

    def search(self, vector: Floats, limit: int, allowed: npt.NDArray[np.bool_] | None = None) -> Ranking:
        """The nearest passages by cosine, among those that `allowed` (shape (passages,)) lets through, if given."""
        wanted = min(limit, self.count if allowed is None else int(allowed.sum()))
        if wanted < 1:
            return Ranking.empty()
        index, parameters = self._index, None
        if allowed is not None:
            # Through a graph, a filter is applied to the few passages on the way to the nearest, and whatever lies
            # farther is never met (tested); so all that it lets through are compared, one by one.
            index = self._index if self._exact else faiss.downcast_index(self._index.storage)
            selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
            parameters = faiss.SearchParameters(sel=selector)
        elif not self._exact:
            parameters = faiss.SearchParametersHNSW(efSearch=max(_HNSW_SEARCH_BREADTH, wanted))
        # One question is one thread's work: waking others for it costs more than they save, and takes them from others.
        # OpenMP keeps the number for each thread that asks, so the one that opened the index cannot say it for all.
        faiss.omp_set_num_threads(1)
        scores, ordinals = index.search(vector[None, :], wanted, params=parameters)
        found = ordinals[0] >= 0
        return Ranking.of(ordinals[0][found], scores[0][found])
