"""The dense leg on real FAISS: exact for small libraries, HNSW beyond, and filters before the best are chosen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import faiss
import numpy as np
import pytest

from kb import dense
from kb.dense import DenseIndex, build_dense
from kb.encoder import normalise
from kb.errors import DamagedGeneration

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

COUNT, DIMENSION = 3_000, 32


@pytest.fixture(scope="module")
def vectors() -> Floats:
    """Vectors in loose clusters, as passages of one library are."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(30, DIMENSION))
    return normalise(centres[np.arange(COUNT) % 30] + 0.7 * random.normal(size=(COUNT, DIMENSION)))


@pytest.fixture(params=["exact", "hnsw"])
def index(
    request: pytest.FixtureRequest, vectors: Floats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DenseIndex:
    """The same vectors in an exact index and, as if there were many of them, in an HNSW one."""
    if request.param == "hnsw":
        monkeypatch.setattr(dense, "EXACT_UP_TO_PASSAGES", COUNT - 1)
    build_dense(tmp_path / "dense.faiss", vectors)
    return DenseIndex(tmp_path / "dense.faiss")


def nearest(vectors: Floats, question: Floats, allowed: npt.NDArray[np.bool_] | None = None) -> list[int]:
    """What is nearest, by numpy."""
    order = np.argsort(-(vectors @ question), kind="stable")
    return [int(one) for one in order if allowed is None or allowed[one]]


def test_the_two_kinds_are_what_they_are_called(
    vectors: Floats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_dense(tmp_path / "small", vectors)
    monkeypatch.setattr(dense, "EXACT_UP_TO_PASSAGES", COUNT - 1)
    build_dense(tmp_path / "large", vectors)
    assert DenseIndex(tmp_path / "small")._exact
    assert not DenseIndex(tmp_path / "large")._exact


def test_whichever_thread_asks_searches_alone(index: DenseIndex, vectors: Floats) -> None:
    def threads_after_asking() -> int:
        faiss.omp_set_num_threads(2)
        index.search(vectors[0], 5)
        return int(faiss.omp_get_max_threads())

    with ThreadPoolExecutor(2) as pool:
        assert [pool.submit(threads_after_asking).result() for _ in range(4)] == [1] * 4


def test_every_passage_is_there(index: DenseIndex) -> None:
    assert index.count == COUNT


def test_a_passage_finds_itself_first(index: DenseIndex, vectors: Floats) -> None:
    for number in range(0, COUNT, 97):
        found = index.search(vectors[number], 3)
        assert found.ordinals[0] == number
        assert found.scores[0] == pytest.approx(1.0, abs=0.02)


def test_the_nearest_are_found_best_first(index: DenseIndex, vectors: Floats) -> None:
    shares = []
    for number in range(50):
        question = normalise(vectors[number] + vectors[number + 1])
        found = index.search(question, 20)
        assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
        assert len(set(found.ordinals.tolist())) == 20
        shares.append(len(set(found.ordinals.tolist()) & set(nearest(vectors, question)[:20])) / 20)
    assert np.mean(shares) > 0.95


def test_the_exact_index_is_exact(vectors: Floats, tmp_path: Path) -> None:
    build_dense(tmp_path / "dense.faiss", vectors)
    index = DenseIndex(tmp_path / "dense.faiss")
    for number in range(20):
        question = normalise(vectors[number] - vectors[number + 7])
        found = index.search(question, 10)
        cosines = vectors[found.ordinals] @ question
        assert found.scores.tolist() == pytest.approx(cosines.tolist(), abs=0.002)
        assert cosines.min() >= np.sort(vectors @ question)[-10] - 0.002


@pytest.mark.parametrize("kept", [1, 3, 40, 1_500, COUNT])
def test_filters_come_before_the_best_are_chosen(index: DenseIndex, vectors: Floats, kept: int) -> None:
    """However few passages a filter lets through, and however far away they are, they are what is ranked."""
    question = vectors[0]
    allowed = np.zeros(COUNT, dtype=bool)
    allowed[nearest(vectors, question)[-kept:]] = True  # the farthest of all
    found = index.search(question, 100, allowed)
    wanted = nearest(vectors, question, allowed)[:100]
    assert allowed[found.ordinals].all()
    assert len(found.ordinals) == len(wanted)
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    if kept <= 40:
        assert set(found.ordinals.tolist()) == set(wanted)
    else:
        assert len(set(found.ordinals.tolist()) & set(wanted)) >= 0.9 * len(wanted)


def test_three_records_far_apart_are_ranked_by_how_near_they_are(index: DenseIndex, vectors: Floats) -> None:
    question = vectors[5]
    order = nearest(vectors, question)
    three = [order[10], order[COUNT // 2], order[-1]]
    allowed = np.zeros(COUNT, dtype=bool)
    allowed[three] = True
    assert index.search(question, 100, allowed).ordinals.tolist() == three


def test_every_number_of_passages_can_be_filtered(vectors: Floats, tmp_path: Path) -> None:
    """FAISS takes the filter as bits, eight to a byte; no passage falls off the end."""
    for count in range(1, 20):
        build_dense(tmp_path / "dense.faiss", vectors[:count])
        index = DenseIndex(tmp_path / "dense.faiss")
        for number in range(count):
            allowed = np.zeros(count, dtype=bool)
            allowed[number] = True
            assert index.search(vectors[0], 5, allowed).ordinals.tolist() == [number]


def test_a_filter_that_lets_nothing_through_finds_nothing(index: DenseIndex, vectors: Floats) -> None:
    assert index.search(vectors[0], 10, np.zeros(COUNT, dtype=bool)).ordinals.tolist() == []


def test_no_more_are_found_than_are_asked_for_or_are_there(index: DenseIndex, vectors: Floats) -> None:
    assert len(index.search(vectors[0], 7).ordinals) == 7
    assert len(index.search(vectors[0], 0).ordinals) == 0
    everything = index.search(vectors[0], 2 * COUNT)
    assert 0.9 * COUNT < len(everything.ordinals) == len(set(everything.ordinals.tolist()))
    assert everything.ordinals.min() >= 0


def test_a_graph_that_reaches_fewer_than_are_asked_for_gives_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAISS fills up with the ordinal -1, which is no passage."""
    monkeypatch.setattr(dense, "EXACT_UP_TO_PASSAGES", 1)
    monkeypatch.setattr(dense, "_HNSW_SEARCH_BREADTH", 1)
    same = np.tile(normalise(np.ones((1, DIMENSION))), (400, 1))
    build_dense(tmp_path / "dense.faiss", same)
    found = DenseIndex(tmp_path / "dense.faiss").search(same[0], 400)
    assert len(found.ordinals) == len(set(found.ordinals.tolist())) == len(found.scores)
    assert found.ordinals.min() >= 0


def test_a_question_without_meaning_is_no_failure(index: DenseIndex) -> None:
    found = index.search(np.zeros(DIMENSION, dtype=np.float32), 5)
    assert np.isfinite(found.scores).all()


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    build_dense(tmp_path / "dense.faiss", np.zeros((0, DIMENSION), dtype=np.float32))
    index = DenseIndex(tmp_path / "dense.faiss")
    assert index.count == 0
    assert index.search(np.ones(DIMENSION, dtype=np.float32), 5).ordinals.tolist() == []


@pytest.mark.parametrize("content", [b"", b"not an index", b"\x00" * 100])
def test_what_is_no_index_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dense.faiss"
    path.write_bytes(content)
    with pytest.raises(DamagedGeneration, match=r"dense\.faiss: the dense index cannot be read"):
        DenseIndex(path)


def test_an_index_that_is_cut_short_is_damaged(vectors: Floats, tmp_path: Path) -> None:
    path = tmp_path / "dense.faiss"
    build_dense(path, vectors)
    path.write_bytes(path.read_bytes()[:-1_000])
    with pytest.raises(DamagedGeneration):
        DenseIndex(path)


def test_an_index_that_is_not_there_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedGeneration):
        DenseIndex(tmp_path / "nowhere.faiss")
