"""The lexical leg on real tantivy: no text breaks it, filters come first, and order does not depend on chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kb.errors import DamagedGeneration
from kb.filters import make_filters
from kb.lexical import QUERY_MAX_WORDS, QUESTION_WORDS, LexicalIndex, Posting, build_lexical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TEXTS = [
    ("Bins were missed for weeks", ("outcome=worked", "service=environment-and-waste", "year=2016")),
    ("The library trust closed six libraries", ("outcome=failed", "service=culture-and-leisure", "year=2010")),
    ("Foster carers recruit foster carers", ("outcome=worked", "service=children", "year=2019", "year=2020")),
    ("Home carers' rotas and missed visits", ("outcome=relapsed", "service=adults", "year=2018")),
    ("A payroll system that nobody tested", ("outcome=failed", "service=finance", "service=digital", "year=2021")),
    ("Café culture in Ynys Môn", ("outcome=mixed", "service=culture-and-leisure", "year=2020")),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LexicalIndex]:
    folder = tmp_path_factory.mktemp("lexical") / "index"
    build_lexical(folder, [Posting(10 * number, words, facets) for number, (words, facets) in enumerate(TEXTS)])
    opened = LexicalIndex(folder)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def ask(index: LexicalIndex) -> Callable[..., list[int]]:
    """The numbers of the texts that a question finds, best first; keywords are filters."""

    def one(
        question: str, limit: int = 10, years: tuple[int | None, int | None] = (None, None), **chosen: str
    ) -> list[int]:
        filters = make_filters(
            {field: value.split() for field, value in chosen.items()}, first_year=years[0], last_year=years[1]
        )
        return [ordinal // 10 for ordinal in index.search(index.words(question), limit, filters).ordinals.tolist()]

    return one


# --- within some passages ---------------------------------------------------------------------------------------------


def test_each_word_is_scored_by_itself_within_groups_of_passages(index: LexicalIndex) -> None:
    words = index.words("missed library carers quokka")
    groups = {"year=2016": range(0, 1), "year=2010": range(10, 11), "outcome=relapsed": range(30, 31)}
    within = index.within(words, groups)
    assert within.shape == (4, 3)
    told = {(words[row], column) for row, column in zip(*within.nonzero(), strict=True)}
    assert told == {("miss", 0), ("librari", 1), ("carer", 2), ("miss", 2)}
    whole = index.search(["librari"], 10)
    assert within[1, 1] == pytest.approx(float(whole.scores[whole.ordinals.tolist().index(10)]))


def test_nothing_is_within_no_group(index: LexicalIndex) -> None:
    assert index.within(["miss"], {}).shape == (1, 0)
    assert index.within([], {"year=2016": range(0, 1)}).shape == (0, 1)


def test_a_word_is_the_rarer_the_fewer_passages_have_it(index: LexicalIndex) -> None:
    carer, librari, unknown = index.rarity(["carer", "librari", "quokka"]).tolist()
    assert carer < librari < unknown
    assert index.rarity([]).shape == (0,)


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Missed bins, missing BINS!", ["miss", "bin"]),
        ("carers' rotas; the carer's rota", ["carer", "rota"]),
        ("Café Môn", ["cafe", "mon"]),
        ("state-of-the-art e-mail", ["state", "art", "mail"]),
        ("section 114 in 2018/19", ["section", "114", "2018", "19"]),
        ("What works for us, and how would you do it?", ["work"]),
        ("Why don't they, and what's to be done?", []),
        ("a b c 1 2 £ € %", []),
        ("", []),
        (" \t\n ", []),
        ("?!.,;:'\"()[]{}<>@#~`|\\/+-*=^&%$£", []),
        ("😀 👩\u200d👧", []),
        ("\x00bins\x00\ufeff", ["bin"]),
        ("title:bins AND (body:missed OR NOT +rotas~2)", ["titl", "bin", "bodi", "miss", "rota"]),
    ],
)
def test_a_text_gives_its_stems_in_order_and_once(index: LexicalIndex, text: str, words: list[str]) -> None:
    assert index.words(text) == words


@pytest.mark.parametrize("word", [word for word in QUESTION_WORDS if len(word) > 1])
def test_the_words_by_which_questions_are_asked_are_no_words_of_theirs(index: LexicalIndex, word: str) -> None:
    assert index.words(word.capitalize()) == []


@pytest.mark.parametrize("word", ["work", "works", "council", "failed", "warning", "recover", "children", "help"])
def test_the_words_of_the_subject_are_not_among_them(index: LexicalIndex, word: str) -> None:
    assert index.words(word)


def test_languages_without_spaces_and_from_right_to_left_have_words(index: LexicalIndex) -> None:
    assert index.words("子どもの福祉") == ["子どもの福祉"]
    assert len(index.words("خدمات الأطفال")) == 2
    assert len(index.words("Gwasanaethau plant Cymru")) == 3


def test_a_word_without_end_is_no_word(index: LexicalIndex) -> None:
    assert index.words("a" * 61) == []
    assert index.words("x " + "bins" * 5_000 + " rota") == ["rota"]


def test_a_question_has_a_greatest_number_of_words(index: LexicalIndex) -> None:
    text = " ".join(f"word{number}" for number in range(2 * QUERY_MAX_WORDS))
    assert index.words(text) == [f"word{number}" for number in range(QUERY_MAX_WORDS)]


def test_the_stems_of_a_word_are_those_of_its_text(index: LexicalIndex) -> None:
    assert index.stems("Carers’") == index.stems("carer") == ("carer",)
    assert index.stems("the") == ()
    assert index.stems("e-mail") == ("e", "mail")
    assert index.stems("Carers’") == ("carer",), "remembered as it was"


# --- asking ----------------------------------------------------------------------------------------------------------


def test_any_of_the_words_will_do_and_more_are_better(ask: Callable[..., list[int]]) -> None:
    assert ask("missed visits") == [3, 0]
    assert ask("payroll zebra") == [4]
    assert ask("zebra") == []


def test_a_word_is_found_in_every_form(ask: Callable[..., list[int]]) -> None:
    assert ask("testing") == ask("tested") == ask("TESTS") == [4]
    assert ask("cafe") == ask("CAFÉ") == [5]
    assert ask("ynys mon") == [5]


def test_a_word_that_stands_twice_counts_for_more(tmp_path: Path) -> None:
    texts = ["carers write rotas", "carers meet carers"]
    build_lexical(tmp_path / "index", [Posting(number, text, ()) for number, text in enumerate(texts)])
    assert LexicalIndex(tmp_path / "index").search(["carer"], 2).ordinals.tolist() == [1, 0]


def test_the_score_is_bm25(index: LexicalIndex) -> None:
    """A word that stands once in one of six texts, with k1 1.2 and b .75, in the form that Lucene made common."""
    words_in_each = [3, 5, 5, 5, 4, 4]
    idf = math.log(1 + (6 - 1 + 0.5) / (1 + 0.5))
    length = words_in_each[4] / (sum(words_in_each) / 6)
    wanted = idf * (1.2 + 1) / (1 + 1.2 * (1 - 0.75 + 0.75 * length))
    assert index.search(["payrol"], 5).scores.tolist() == pytest.approx([wanted], rel=1e-4)


def test_no_more_are_found_than_are_asked_for(ask: Callable[..., list[int]]) -> None:
    assert ask("carers missed", limit=1) == [3]
    assert ask("carers", limit=0) == []


def test_equal_texts_come_in_the_order_of_the_passages(tmp_path: Path) -> None:
    build_lexical(tmp_path / "index", [Posting(number, "the same words", ()) for number in range(50)])
    opened = LexicalIndex(tmp_path / "index")
    assert opened.search(["same", "word"], 20).ordinals.tolist() == list(range(20))
    assert len(set(opened.search(["word"], 50).scores.tolist())) == 1


def test_scores_fall_and_do_not_change_from_one_time_to_the_next(index: LexicalIndex) -> None:
    first, second = (index.search(index.words("missed carers culture libraries"), 10) for _ in range(2))
    assert first.scores.tolist() == sorted(first.scores.tolist(), reverse=True)
    assert first.ordinals.tolist() == second.ordinals.tolist()
    assert first.scores.tolist() == second.scores.tolist()


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"outcome": "worked"}, [2]),
        ({"outcome": "relapsed"}, [3]),
        ({"outcome": "worked relapsed"}, [2, 3]),
        ({"outcome": "worked", "service": "adults"}, []),
        ({"service": "children adults", "outcome": "relapsed"}, [3]),
        ({"years": (2020, 2022)}, [2]),
        ({"years": (2018, 2019)}, [2, 3]),
        ({"years": (1900, 1950)}, []),
    ],
)
def test_values_of_a_field_are_alternatives_and_fields_are_combined(
    ask: Callable[..., list[int]], chosen: dict[str, str], found: list[int]
) -> None:
    assert ask("carers", **chosen) == found


def test_filters_come_before_the_best_are_chosen(tmp_path: Path) -> None:
    """Three weak texts that the filter lets through are found behind five hundred better ones that it does not."""
    better = [Posting(number, "bins bins bins", ("outcome=worked",)) for number in range(500)]
    weak = [Posting(500 + number, f"bins {'and much else besides ' * 9}", ("outcome=failed",)) for number in range(3)]
    build_lexical(tmp_path / "index", better + weak)
    opened = LexicalIndex(tmp_path / "index")
    assert opened.search(["bin"], 10).ordinals.max() < 500
    assert opened.search(["bin"], 10, make_filters({"outcome": ["failed"]})).ordinals.tolist() == [500, 501, 502]


def test_a_filter_does_not_change_a_score(index: LexicalIndex) -> None:
    free = index.search(["carer"], 1)
    held = index.search(["carer"], 1, make_filters({"outcome": ["worked", "failed"], "service": ["children"]}))
    assert free.scores.tolist() == held.scores.tolist()


def test_a_facet_is_a_term_and_no_word(ask: Callable[..., list[int]]) -> None:
    assert ask("relapsed outcome=relapsed adults") == []


# --- what must always hold -------------------------------------------------------------------------------------------

HARD = [
    '"',
    "(((",
    "a AND",
    "NOT",
    "* OR ?",
    "title:",
    "[1 TO 5]",
    "\\",
    "^2",
    "~",
    "\x00",
    "\u202e",
    "é" * 70,
    "+-+",
    "İ",
    "ß",
]


@settings(max_examples=400, deadline=None)
@given(st.text() | st.lists(st.sampled_from([*HARD, "bins", "carers"])).map(" ".join))
@example("bins " * 4_000)
@example("word" * 5_000)
@example("İstanbul ǅ ﬁ Ⅷ ① ½")
def test_any_text_can_be_asked(index: LexicalIndex, text: str) -> None:
    words = index.words(text)
    assert len(words) == len(set(words)) <= QUERY_MAX_WORDS
    ranking = index.search(words, 10, make_filters({"outcome": ["worked"]}))
    assert len(ranking.ordinals) == len(ranking.scores) <= 2
    assert all(score > 0 for score in ranking.scores.tolist())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_any_text_can_be_indexed_and_finds_itself(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any") / "index"
    build_lexical(folder, [Posting(number, text, ()) for number, text in enumerate(texts)])
    opened = LexicalIndex(folder)
    assert opened.count == len(texts)
    for number, text in enumerate(texts):
        words = opened.words(text)
        assert not words or number in opened.search(words, len(texts)).ordinals.tolist()
        assert opened.holds(number, words)


def test_a_passage_is_held_with_its_own_words_alone(index: LexicalIndex) -> None:
    assert index.holds(20, ["foster", "carer"])
    assert not index.holds(20, ["foster", "payrol"])
    assert not index.holds(21, ["foster"])


# --- files -----------------------------------------------------------------------------------------------------------


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    build_lexical(tmp_path / "index", [])
    opened = LexicalIndex(tmp_path / "index")
    assert opened.count == 0
    assert opened.search(["bin"], 10).ordinals.tolist() == []


def test_what_is_no_index_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedGeneration, match="the lexical index cannot be opened"):
        LexicalIndex(tmp_path)


def test_a_large_index_is_one_segment(tmp_path: Path) -> None:
    """So that scores do not depend on how passages fell on threads."""
    build_lexical(tmp_path / "index", [Posting(number, f"text {number}", ()) for number in range(3_000)])
    assert len(list((tmp_path / "index").glob("*.store"))) == 1
    assert LexicalIndex(tmp_path / "index").count == 3_000
