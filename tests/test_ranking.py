"""Ranking, with made-up scores: what goes in and what comes out stands side by side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kb.ranking import (
    FEEDBACK_WEIGHT,
    LEXICAL_HALF_SCORE,
    SEMANTIC_WEIGHT,
    SUPPORT_WEIGHT,
    Ranking,
    balance,
    best_first,
    best_of,
    coverage,
    feed_back,
    fuse,
    group,
    pool,
    saturate,
    support,
)


def floats(*values: float) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)


def integers(*values: int) -> np.ndarray:
    return np.asarray(values, dtype=np.int64)


# --- scales ----------------------------------------------------------------------------------------------------------


def test_bm25_is_brought_to_a_scale_from_nothing_to_one() -> None:
    half = LEXICAL_HALF_SCORE
    assert saturate(floats(0, half, 3 * half, 9 * half)).tolist() == pytest.approx([0, 0.5, 0.75, 0.9])


def test_the_fused_score_is_a_weighted_mean() -> None:
    weight = SEMANTIC_WEIGHT
    fused = fuse(floats(1, 0, 0.5, 0.8), floats(0, 1, 0.5, 0.2))
    assert fused.tolist() == pytest.approx([weight, 1 - weight, 0.5, 0.8 * weight + 0.2 * (1 - weight)])


def test_opposite_meaning_counts_as_none() -> None:
    assert fuse(floats(-1, -0.2), floats(0, 0.5)).tolist() == pytest.approx([0, 0.5 * (1 - SEMANTIC_WEIGHT)])


@given(
    arrays.arrays(np.float32, 5, elements=st.floats(-1, 1, width=32)),
    arrays.arrays(np.float32, 5, elements=st.floats(0, 1000, width=32)),
)
def test_the_fused_score_lies_between_nothing_and_one(semantic: np.ndarray, bm25: np.ndarray) -> None:
    fused = fuse(semantic, saturate(bm25))
    assert fused.dtype == np.float32
    assert ((fused >= 0) & (fused <= 1.000001)).all()


@given(st.floats(0, 1, width=32), st.floats(0, 1, width=32), st.floats(0, 100, width=32), st.floats(0, 100, width=32))
def test_a_passage_that_is_better_in_both_legs_is_better(a: float, b: float, x: float, y: float) -> None:
    worse, better = fuse(floats(min(a, b), max(a, b)), saturate(floats(min(x, y), max(x, y))))
    assert worse <= better


# --- the pool --------------------------------------------------------------------------------------------------------


def test_the_pool_is_the_union_of_both_legs_in_rising_order() -> None:
    dense = Ranking.of([7, 2, 5], [0.9, 0.8, 0.7])
    lexical = Ranking.of([9, 2], [0.75, 0.5])
    ordinals, words = pool(dense, lexical)
    assert ordinals.tolist() == [2, 5, 7, 9]
    assert words.tolist() == pytest.approx([0.5, 0, 0, 0.75])


@pytest.mark.parametrize(
    ("dense", "lexical", "ordinals", "words"),
    [
        ([], [], [], []),
        ([3], [], [3], [0]),
        ([], [3], [3], [0.5]),
        ([1, 0], [0, 1], [0, 1], [0.5, 0.5]),
    ],
)
def test_a_leg_may_propose_nothing(dense: list[int], lexical: list[int], ordinals: list[int], words: list[int]) -> None:
    found, scores = pool(Ranking.of(dense, [0.5] * len(dense)), Ranking.of(lexical, [0.5] * len(lexical)))
    assert found.tolist() == ordinals
    assert scores.tolist() == pytest.approx(words)


@given(st.lists(st.integers(0, 30), unique=True), st.lists(st.integers(0, 30), unique=True))
def test_each_candidate_stands_in_the_pool_once_with_its_own_words(dense: list[int], lexical: list[int]) -> None:
    ordinals, words = pool(
        Ranking.of(dense, np.linspace(1, 0, len(dense))), Ranking.of(lexical, [ordinal + 1.0 for ordinal in lexical])
    )
    assert ordinals.tolist() == sorted({*dense, *lexical})
    for ordinal, score in zip(ordinals.tolist(), words.tolist(), strict=True):
        assert score == pytest.approx(ordinal + 1.0 if ordinal in lexical else 0.0)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40), st.integers(1, 45), st.data())
def test_the_best_of_all_scores_are_those_that_sorting_finds(
    scores: list[float], limit: int, data: st.DataObject
) -> None:
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores))))
    for mask in (None, allowed):
        found = best_of(floats(*scores), limit, mask)
        wanted = sorted((s for i, s in enumerate(scores) if s > 0 and (mask is None or mask[i])), reverse=True)
        assert found.scores.tolist() == pytest.approx(wanted[:limit])
        assert [scores[ordinal] for ordinal in found.ordinals] == pytest.approx(found.scores.tolist())


# --- feedback --------------------------------------------------------------------------------------------------------


def test_the_question_moves_towards_the_best_passages() -> None:
    moved = feed_back(floats(1, 0), np.stack([floats(0, 1), floats(0, 1)]))
    length = np.hypot(1, FEEDBACK_WEIGHT)
    assert moved.tolist() == pytest.approx([1 / length, FEEDBACK_WEIGHT / length])


def test_a_question_that_is_its_own_best_passage_stays() -> None:
    assert feed_back(floats(0.6, 0.8), np.stack([floats(0.6, 0.8)])).tolist() == pytest.approx([0.6, 0.8])


def test_a_question_without_meaning_stays_without() -> None:
    assert feed_back(floats(0, 0), np.stack([floats(0, 0)])).tolist() == [0, 0]


# --- order and grouping ----------------------------------------------------------------------------------------------


def test_equal_scores_keep_the_order_of_the_passages() -> None:
    assert best_first(floats(0.2, 0.9, 0.2, 0.9, 0.5)).tolist() == [1, 3, 4, 0, 2]
    many = np.tile(floats(0.1, 0.7), 500)
    assert best_first(many).tolist() == [*range(1, 1000, 2), *range(0, 1000, 2)]


def test_records_come_by_their_best_passage_with_all_of_theirs() -> None:
    records = integers(8, 4, 8, 4, 6)
    passages = integers(0, 1, 2, 3, 4)
    assert group(records, passages, floats(0.1, 0.3, 0.9, 0.8, 0.5)) == [(8, [2, 0]), (4, [3, 1]), (6, [4])]


def test_a_way_in_and_the_passage_that_it_shows_count_once_by_the_better() -> None:
    records, shown = integers(1, 1, 2), integers(10, 10, 20)
    assert group(records, shown, floats(0.4, 0.7, 0.6)) == [(1, [1]), (2, [2])]


def test_nothing_found_is_no_record() -> None:
    assert group(integers(), integers(), floats()) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 4)), max_size=20))
def test_groups_hold_every_shown_passage_once_and_fall_in_score(candidates: list[tuple[int, int, int]]) -> None:
    records = integers(*(passage % 3 for _, passage, _ in candidates))
    passages = integers(*(passage for _, passage, _ in candidates))
    scores = floats(*(score for _, _, score in candidates))
    groups = group(records, passages, scores)
    shown = [int(passages[index]) for _, indices in groups for index in indices]
    assert sorted(shown) == sorted(set(passages.tolist()))
    assert all(records[index] == record for record, indices in groups for index in indices)
    leading = [float(scores[indices[0]]) for _, indices in groups]
    assert leading == sorted(leading, reverse=True)
    for _, indices in groups:
        assert [float(scores[i]) for i in indices] == sorted((float(scores[i]) for i in indices), reverse=True)


# --- records, by all their passages ----------------------------------------------------------------------------------

# Words down, passages across: the first record has three passages, the second one, the third two.
BY_WORD = np.array([[4, 0, 0, 6, 0, 0], [0, 5, 0, 0, 2, 2], [0, 0, 3, 0, 0, 1]], dtype=np.float32)
STARTS = integers(0, 3, 4)


def test_words_that_other_passages_have_support_a_record() -> None:
    first, single, third = support(BY_WORD, STARTS).tolist()
    assert first == pytest.approx(SUPPORT_WEIGHT * (12 / 32 - 5 / 25))
    assert single == 0.0, "one passage has nobody to support it"
    assert third == 0.0, "its best passage has every word that it has"


def test_more_of_the_question_elsewhere_supports_more() -> None:
    with_more = BY_WORD.copy()
    with_more[0, 1] = 9
    assert support(with_more, STARTS)[0] < support(np.maximum(BY_WORD, np.float32(0)), STARTS)[0], "it is in one place"
    assert support(BY_WORD * 2, STARTS)[0] > support(BY_WORD, STARTS)[0]


@given(arrays.arrays(np.float32, (4, 6), elements=st.floats(0, 50, width=32)))
def test_support_is_bounded_and_never_takes_away(by_word: np.ndarray) -> None:
    found = support(by_word, STARTS)
    assert ((found >= 0) & (found < SUPPORT_WEIGHT)).all()
    assert found[1] == pytest.approx(0, abs=1e-6)


def test_coverage_is_the_share_of_the_words_by_their_rarity() -> None:
    assert coverage(BY_WORD, STARTS, floats(1, 1, 2)).tolist() == pytest.approx([1.0, 0.25, 0.75])
    assert coverage(BY_WORD, STARTS, floats(0, 0, 0)).tolist() == [0, 0, 0]


# --- balance ---------------------------------------------------------------------------------------------------------

GOOD, BAD = "worked", "did-not-work"


@pytest.mark.parametrize(
    ("stances", "good", "moved"),
    [
        pytest.param([[GOOD], [BAD], [GOOD]], "yyy", None, id="a setback is shown already"),
        pytest.param([[GOOD], [GOOD], [GOOD]], "yyy", None, id="nobody can tell one"),
        pytest.param([[GOOD], [GOOD, "result", BAD], [GOOD, BAD]], "yyy", 1, id="the first who can tell one tells it"),
        pytest.param([[GOOD, BAD], [GOOD], [GOOD, BAD]], "yyy", 2, id="the first hit keeps its best passage"),
        pytest.param([[GOOD, BAD], [GOOD], [GOOD]], "yyy", 0, id="unless only the first can tell one"),
        pytest.param([[GOOD], [GOOD], [GOOD], [BAD]], "yyyy", 3, id="a setback further down is brought up"),
        pytest.param([[GOOD], [BAD]], "yn", None, id="a weak hit is brought up by nothing"),
        pytest.param([[GOOD], [BAD], [GOOD, BAD]], "yny", 2, id="nor does a weak setback count as shown"),
        pytest.param([], "", None, id="no hits"),
        pytest.param([[]], "y", None, id="a hit without stance"),
    ],
)
def test_what_did_not_work_is_told_among_the_first(stances: list[list[str]], good: str, moved: int | None) -> None:
    assert balance(stances, [letter == "y" for letter in good], within=3) == moved
