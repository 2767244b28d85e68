"""The table of the sector's abbreviations, and questions read with it."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.abbreviations import (
    COLUMNS,
    Abbreviation,
    Abbreviations,
    AbbreviationTableError,
    find_abbreviations,
    load_abbreviations,
)
from kb.evaluate import evaluate_questions, read_questions
from kb.search import Searcher

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "corpus" / "abbreviations.csv"
QUESTIONS = ROOT / "tests" / "questions" / "abbreviations.jsonl"
OURS = load_abbreviations(TABLE)
# Ten times what it takes on a quiet machine, so that only a change of its order fails on a busy one.
SPEED_LIMIT_SECONDS = 0.005
# A question of nothing but abbreviations, which nobody asks.
WORST_LIMIT_SECONDS = 0.05


def made_up(short: str, long: str, letters: str = "any", *context: str) -> Abbreviation:
    return Abbreviation(short, long, letters, frozenset(context), "A council, Glossary", "https://example.org")


PLAN = made_up("EHCP", "education, health and care plan")
NEEDS = made_up("SEND", "special educational needs and disabilities", "capitals")
NOTICE = made_up("s114", "section 114")
ADULTS = made_up("SAR", "safeguarding adults review", "capitals")
ACCESS = made_up("SAR", "subject access request", "capitals", "data", "request")
ASSISTANT = made_up("TA", "teaching assistant", "capitals", "school")
EMERGENCY = made_up("A&E", "accident and emergency", "capitals")
STRATEGY = made_up("MTFS", "medium term financial strategy")
SMALL = Abbreviations([PLAN, NEEDS, NOTICE, STRATEGY, ADULTS, ACCESS, ASSISTANT, EMERGENCY])


def expanded(question: str, abbreviations: Abbreviations = SMALL) -> list[tuple[str, str]]:
    return [(question[one.start : one.end], one.long) for one in abbreviations.read(question).expansions]


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_short_form_is_spelt_out() -> None:
    wording = SMALL.read("EHCP backlog, twenty weeks")
    assert wording.question == "EHCP backlog, twenty weeks"
    assert wording.meaning == "education, health and care plan backlog, twenty weeks"
    assert wording.words == "EHCP backlog, twenty weeks education, health and care plan"
    assert wording.readings == (wording.question, wording.meaning)
    assert [(one.short, one.long, one.given) for one in wording.expansions] == [("EHCP", PLAN.long, "short")]


def test_a_long_form_brings_its_short_one_and_leaves_the_meaning_alone() -> None:
    question = "Education health & care plans are late"
    wording = SMALL.read(question)
    assert wording.meaning == question
    assert wording.words == f"{question} EHCP"
    assert wording.readings == (question, "EHCP are late")
    assert [one.given for one in wording.expansions] == ["long"]


def test_a_question_without_any_stays_as_it_is() -> None:
    wording = SMALL.read("Who turned a library round?")
    assert (wording.meaning, wording.words, wording.readings) == (wording.question,) * 2 + ((wording.question,),)
    assert wording.expansions == ()


def test_one_that_is_given_in_both_forms_needs_nothing() -> None:
    assert expanded("Education, health and care plans (EHCPs) are late") == []


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("EHCPs late", "EHCPs"),
        ("our MTFS slips", "MTFS"),
        ("TAs at school", "TAs"),
        ("the EHCP's quality", "EHCP's"),
        ("the EHCP\u2019s quality", "EHCP\u2019s"),
        ("ehcps late", "ehcps"),
        ("E.H.C.P. late", "E.H.C.P."),
        ("(EHCP)", "EHCP"),
        ("SEND/EHCP-style", "EHCP"),
        ("s114 notice", "s114"),
        ("S114", "S114"),
        ("s.114 notice", "s.114"),
        ("a s 114 notice", "s 114"),
        ("sec. 114", "sec. 114"),
        ("A&E waits", "A&E"),
    ],
)
def test_forms_are_read_as_people_write_them(question: str, read: str) -> None:
    assert read in [text for text, _ in expanded(question)]


@pytest.mark.parametrize(
    "question",
    [
        "where do we send the bill",
        "Send help",
        "HOW DO WE SEND THE BILL",
        "section 1145",
        "what is s 12",
        "a saree for the mayor",
        "the tas of Devonport",
        "an EHCPX",
    ],
)
def test_plain_words_are_left_alone(question: str) -> None:
    assert expanded(question) == []


def test_capitals_alone_are_no_shout() -> None:
    assert expanded("SEND DEFICIT") == [("SEND", NEEDS.long)]


def test_what_is_meant_is_told_by_the_words_beside_it() -> None:
    assert expanded("SAR learning") == [("SAR", ADULTS.long)]
    assert expanded("SAR backlog of data requests") == [("SAR", ACCESS.long)]
    assert expanded("TAs are leaving") == []
    assert expanded("TAs are leaving our schools") == [("TAs", ASSISTANT.long)]


def test_the_longest_form_is_meant() -> None:
    both = Abbreviations([made_up("CP", "child protection"), made_up("CPP", "child protection plan")])
    assert expanded("child protection plans", both) == [("child protection plans", "child protection plan")]


def test_whether_a_word_is_a_short_form() -> None:
    assert "EHCP" in SMALL
    assert "ehcps" in SMALL
    assert "plan" not in SMALL


@given(st.text(max_size=200))
def test_any_text_is_read_and_kept(text: str) -> None:
    wording = OURS.read(text)
    assert wording.question == wording.readings[0] == text
    assert wording.words.startswith(text)
    for one in wording.expansions:
        assert text[one.start : one.end].strip()


@given(st.lists(st.sampled_from([one.short for one in OURS.table] + ["the", "and", "backlog", "school"]), max_size=12))
def test_every_reading_is_in_the_words_to_search(shorts: list[str]) -> None:
    """So that what a reading asks for can be found among the words that were looked up."""
    wording = OURS.read(" ".join(shorts))
    searched = set(re.findall(r"\w+", wording.words))
    assert all(set(re.findall(r"\w+", reading)) <= searched for reading in wording.readings)


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        (
            "what did a council of plain words do about the way it spends on special schools and care ",
            SPEED_LIMIT_SECONDS,
        ),
        ("EHCP SEND CQC s 114 looked after children ", WORST_LIMIT_SECONDS),
        ("e.h.c.p.", WORST_LIMIT_SECONDS),
        ("s s s s ", WORST_LIMIT_SECONDS),
    ],
)
def test_a_long_question_is_read_at_once(words: str, limit: float) -> None:
    question = (words * 500)[:2000]
    times = []
    for _ in range(5):  # the quickest: on a busy machine any one of them may have to wait its turn
        started = time.perf_counter()
        OURS.read(question)
        times.append(time.perf_counter() - started)
    assert min(times) < limit


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_table_is_read_from_a_corpus_or_from_beside_the_package(tmp_path: Path) -> None:
    assert find_abbreviations(tmp_path).table == OURS.table
    (tmp_path / "abbreviations.csv").write_text(f"{','.join(COLUMNS)}\nXYZ,x y z,any,,A glossary,https://x.test\n")
    assert [one.short for one in find_abbreviations(tmp_path).table] == ["XYZ"]


def test_the_table_is_large_enough_and_in_order() -> None:
    assert len(OURS.table) >= 200
    names = [one.short.lower() for one in OURS.table]
    assert names == sorted(names)


def test_each_has_a_source_that_can_be_looked_up() -> None:
    for one in OURS.table:
        assert re.fullmatch(r"https?://[\w.-]+/\S*", one.url), one
        assert ", " in one.source, f"{one.short}: a source is a publisher and a title"


def test_one_that_is_also_a_plain_word_wants_capitals() -> None:
    """A word that the library itself has in small letters would be read as an abbreviation in any question."""
    text = " ".join(path.read_text("utf-8") for path in (ROOT / "corpus").rglob("*.md"))
    plain = set(re.findall(r"(?<![\w/.-])[a-z]+(?![\w/.@-])", re.sub(r"https?://\S+", "", text)))
    assert [one.short for one in OURS.table if one.letters == "any" and one.short.lower() in plain] == []


def test_long_forms_hold_no_other_short_form() -> None:
    """Or a record that has the long form could not be found by it."""
    assert [one.short for one in OURS.table if any(word in OURS for word in re.findall(r"\w+", one.long))] == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("EHCP,plan,any,,A glossary", "cells"),
        ("E HCP,plan,any,,A glossary,https://x.test", "'E HCP' is letters and digits without spaces"),
        ("EHCP,,any,,A glossary,https://x.test", "long is words"),
        ("EHCP,plan,small,,A glossary,https://x.test", "letters 'small' is not one of any, capitals"),
        ("EHCP,plan,any,,,https://x.test", "no source with its address"),
        ("EHCP,plan,any,,A glossary,x.test", "no source with its address"),
        ("AB,one,any,,A glossary,https://x.test\nAB,one,any,,A glossary,https://x.test", "is there already"),
        ("AB,one,any,,A glossary,https://x.test\nAB,two,any,,A glossary,https://x.test", "nothing tells them apart"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, row: str, fault: str) -> None:
    path = tmp_path / "abbreviations.csv"
    path.write_text(f"{','.join(COLUMNS)}\n{row}\n")
    line = row.count("\n") + 2
    with pytest.raises(AbbreviationTableError, match=f"{re.escape(str(path))}:{line}: .*{fault}"):
        load_abbreviations(path)


def test_a_table_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(AbbreviationTableError, match=r"none\.csv:1: cannot be read"):
        load_abbreviations(tmp_path / "none.csv")
    path = tmp_path / "abbreviations.csv"
    path.write_text("short,long\n")
    with pytest.raises(AbbreviationTableError, match="no column letters, context, source, url"):
        load_abbreviations(path)


def test_the_file_is_sorted_csv_without_carriage_returns() -> None:
    content = TABLE.read_bytes().decode("utf-8")
    assert "\r" not in content
    with TABLE.open(encoding="utf-8", newline="") as stream:
        assert csv.DictReader(stream).fieldnames == list(COLUMNS)


# --- the whole library, with the real model --------------------------------------------------------------------------


@pytest.mark.model
def test_questions_of_abbreviations_are_answered_far_better_with_the_table(whole_library: KnowledgeBase) -> None:
    """On the half that nothing was tuned on; figures of the day in docs/relevance.md."""
    questions = [one for one in read_questions(QUESTIONS) if one.half == "test"]
    searcher = whole_library.searcher()
    bare = SimpleNamespace(searcher=lambda: Searcher(searcher.generation, whole_library.encoder()))
    without = evaluate_questions(cast("KnowledgeBase", bare), questions)
    result = evaluate_questions(whole_library, questions)
    assert result["fused"]["ndcg@10"]["mean"] >= 0.85
    assert result["fused"]["ndcg@10"]["mean"] >= without["fused"]["ndcg@10"]["mean"] + 0.1
    assert result["answered"]["mean"] >= without["answered"]["mean"] + 0.3
    assert result["unanswerable"]["close"] <= 0.4 * result["unanswerable"]["questions"]
