"""Spelling help: what is put right, what is left alone, and how often each is so with the real library."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.abbreviations import find_abbreviations
from kb.councils import load_councils
from kb.spelling import MOST_UNKNOWN_WORDS, Speller, known_to, words_of_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from kb.knowledge import KnowledgeBase

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ROOT / "tests" / "questions"
# Ten times what it takes on a quiet machine.
BUILD_LIMIT_SECONDS = 3.0
ASK_LIMIT_SECONDS = 0.05

WORDS = {
    "commissioners": 40,
    "commission": 60,
    "homelessness": 30,
    "safeguarding": 20,
    "receive": 5,
    "bullying": 3,
    "buying": 90,
    "repairs": 12,
    "reserves": 12,
    "children": 100,
    "once": 1,
    "oncology": 1,
}
ENGLISH = {"what", "about", "giraffe", "grit", "dare", "went", "wrong", "tip"}


def count_tokens(words: list[str]) -> list[int]:
    return [1 if word in ENGLISH else 3 for word in words]


KNOWN = known_to(count_tokens, {"bradford"})
SPELLER = Speller(WORDS, lambda word: word in WORDS or KNOWN(word))


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("what about comissioners", "what about commissioners"),
        ("homlessness", "homelessness"),
        ("homelesnes", "homelessness"),
        ("safegaurding went wrong", "safeguarding went wrong"),
        ("recieve", "receive"),
        ("Safegaurding, what about it?", "Safeguarding, what about it?"),
        ("What went wrong? Comissioners.", "What went wrong? Commissioners."),
        ("hcildren", "children"),
        ("the comissioners' homlessness", "the commissioners' homelessness"),
    ],
)
def test_misspelt_words_are_put_right(asked: str, meant: str) -> None:
    assert SPELLER.correct(asked) == meant


def test_doubled_letters_count_before_how_often_a_word_is_found() -> None:
    assert SPELLER.correct("bulying") == "bullying"


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "what about commissioners",
        "what about giraffe",
        "gritting dares",  # grit and dare are English
        "fly-tipping",
        "went to Comission",  # a name, as far as anybody can tell
        "what about COMISSION",
        "what about bradford",
        "comission2",
        "2comission",
        "repa",  # too short
        "qqqqqq",
        "onocology",  # the library has its like once, which proves little
    ],
)
def test_other_words_are_left_alone(asked: str) -> None:
    assert SPELLER.correct(asked) is None


def test_a_question_in_another_language_is_left_alone() -> None:
    unknown = " ".join(["comissioners"] + [f"zweifel{letter}" for letter in "abcdefgh"])
    assert len(unknown.split()) == MOST_UNKNOWN_WORDS + 1
    assert SPELLER.correct(unknown) is None
    assert SPELLER.correct(unknown.rpartition(" ")[0]) is not None


def test_a_library_without_words_suggests_nothing() -> None:
    assert Speller({}, lambda _: False).correct("comissioners") is None


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    assert SPELLER.correct(text) != text


def test_what_is_put_right_stays_right() -> None:
    asked = "what about comissioners and homlessness"
    meant = SPELLER.correct(asked)
    assert meant is not None
    assert SPELLER.correct(meant) is None


def test_a_made_up_library_is_read(knowledge: KnowledgeBase) -> None:
    generation = knowledge.searcher().generation
    speller = Speller.of(generation, lambda _: False)
    assert speller.correct("which strets were missed") == "which streets were missed"
    assert speller.correct("which street was missed") is None, "it is there, by its stem"
    assert Speller.of(generation, lambda _: True).correct("which strets were missed") is None


# --- the whole library, with the real model --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known(whole_library: KnowledgeBase) -> Callable[[str], bool]:
    names = (name for one in load_councils(ROOT / "corpus" / "councils.csv") for name in (one.name, one.short_name))
    return known_to(whole_library.encoder().count_tokens, find_abbreviations(ROOT / "corpus"), words_of_names(names))


@pytest.fixture(scope="module")
def speller(whole_library: KnowledgeBase, known: Callable[[str], bool]) -> Speller:
    return Speller.of(whole_library.searcher().generation, known)


@pytest.mark.model
def test_it_is_ready_and_answers_at_once(whole_library: KnowledgeBase, known: Callable[[str], bool]) -> None:
    started = time.perf_counter()
    speller = Speller.of(whole_library.searcher().generation, known)
    assert time.perf_counter() - started < BUILD_LIMIT_SECONDS
    question = ("zzgrbl homlessness comissioners " * 70)[:2000]
    times = []
    for _ in range(5):  # the quickest: on a busy machine any one of them may have to wait its turn
        started = time.perf_counter()
        speller.correct(question)
        times.append(time.perf_counter() - started)
    assert min(times) < ASK_LIMIT_SECONDS


@pytest.mark.model
def test_words_misspelt_as_people_do_are_put_right(speller: Speller) -> None:
    """Those that are not are mostly found by their stem as they are, or the library does not have what was meant."""
    pairs = [line.split() for line in (QUESTIONS / "misspelt.txt").read_text("utf-8").splitlines()]
    suggested = [(meant, speller.correct(f"what about {asked}")) for asked, meant in pairs]
    right = [meant for meant, correct in suggested if correct == f"what about {meant}"]
    wrong = [(meant, correct) for meant, correct in suggested if correct not in (None, f"what about {meant}")]
    assert len(right) >= 0.7 * len(pairs)
    assert len(wrong) <= 0.02 * len(pairs), wrong


@pytest.mark.model
def test_questions_that_are_well_spelt_get_no_suggestion(speller: Speller) -> None:
    lines = [line for path in QUESTIONS.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    questions = [data["question"] for line in lines if "question" in (data := json.loads(line))]
    assert len(questions) > 300
    suggested = [(asked, correct) for asked in questions if (correct := speller.correct(asked)) is not None]
    assert len(suggested) <= 0.02 * len(questions), suggested


@pytest.mark.model
def test_words_that_have_nothing_to_do_with_the_library_are_left_alone(speller: Speller) -> None:
    questions = (QUESTIONS / "off-subject.txt").read_text("utf-8").splitlines()
    suggested = [(asked, correct) for asked in questions if (correct := speller.correct(asked)) is not None]
    assert len(suggested) <= 0.1 * len(questions), suggested


@pytest.mark.model
def test_no_council_is_taken_for_a_misspelling(speller: Speller) -> None:
    names = [one.short_name.lower() for one in load_councils(ROOT / "corpus" / "councils.csv")]
    assert [name for name in names if speller.correct(f"what happened in {name}") is not None] == []
