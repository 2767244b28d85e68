"""The list of gaps: only what somebody asked to have recorded, without who or when, and with an end to it."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import kb.store
from kb.cli import main
from kb.errors import GapRefused, StoreError
from kb.gaps import GAP_MAX_CHARACTERS, clean_gap, folded

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase

QUESTION = "Who has moved a museum's collection?"


def test_a_gap_is_recorded_with_its_month_and_nothing_else(knowledge: KnowledgeBase) -> None:
    gap = knowledge.record_gap(f"  {QUESTION}\n")
    assert (gap.question, gap.times) == (QUESTION, 1)
    assert re.fullmatch(r"20\d\d-[01]\d", gap.first_asked)
    with sqlite3.connect(knowledge.store_path) as connection:
        columns = [row[1] for row in connection.execute("pragma table_info(gaps)")]
        assert columns == ["folded", "question", "first_asked", "times"]
    connection.close()


def test_the_same_question_again_only_counts_up(knowledge: KnowledgeBase) -> None:
    knowledge.record_gap("Another one")
    knowledge.record_gap(QUESTION)
    again = knowledge.record_gap("who has moved a MUSEUM'S collection")
    assert (again.question, again.times) == (QUESTION, 2)
    assert [(one.question, one.times) for one in knowledge.gaps()] == [(QUESTION, 2), ("Another one", 1)]


def test_asking_stores_nothing(knowledge: KnowledgeBase) -> None:
    before = _everything(knowledge)
    knowledge.ask(QUESTION)
    knowledge.signs(QUESTION)
    assert _everything(knowledge) == before
    assert knowledge.gaps() == ()


@pytest.mark.parametrize("question", ["", " \n ", "???", "\x00"])
def test_a_question_without_words_is_refused(question: str) -> None:
    with pytest.raises(GapRefused, match="no question to record"):
        clean_gap(question)


def test_an_overlong_question_is_refused() -> None:
    assert clean_gap("x" * GAP_MAX_CHARACTERS)
    with pytest.raises(GapRefused, match=r"2,001 characters; the most that is recorded is 2,000"):
        clean_gap("x" * (GAP_MAX_CHARACTERS + 1))


def test_questions_in_any_script_are_told_apart() -> None:
    assert folded("Pwy sydd wedi…?") != folded("Beth?")
    assert folded("\u5b57") != folded("\u8a9e")
    assert folded(QUESTION) == folded(f" {QUESTION.upper()}!! ")


@pytest.mark.parametrize(("name", "most"), [("GAPS_MAX", 2), ("ALL_GAPS_MAX_CHARACTERS", 12)])
def test_a_full_list_takes_no_other_question_and_still_counts(
    knowledge: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(kb.store, name, most)
    knowledge.record_gap("First")
    knowledge.record_gap("Second")
    with pytest.raises(GapRefused, match="the list of gaps is full"):
        knowledge.record_gap("Third")
    assert knowledge.record_gap("first?").times == 2
    assert len(knowledge.gaps()) == 2


def test_a_database_without_the_table_says_what_to_do(knowledge: KnowledgeBase) -> None:
    with sqlite3.connect(knowledge.store_path) as connection:
        connection.execute("drop table gaps")
        connection.execute("delete from migrations where name = '003-gaps'")
    connection.close()
    with pytest.raises(StoreError, match="older shape; run `kb load`"):
        knowledge.record_gap(QUESTION)
    knowledge.load()
    assert knowledge.record_gap(QUESTION).times == 1


def test_the_command_lists_them(knowledge: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.cli._knowledge", lambda: knowledge)
    assert CliRunner().invoke(main, ["gaps"]).stdout == "No gap is recorded.\n"
    gap = knowledge.record_gap(QUESTION)
    assert CliRunner().invoke(main, ["gaps"]).stdout == f"   1  since {gap.first_asked}  {QUESTION}\n"
    told = json.loads(CliRunner().invoke(main, ["gaps", "--json"]).stdout)
    assert told == [{"question": QUESTION, "first_asked": gap.first_asked, "times": 1}]


def _everything(knowledge: KnowledgeBase) -> dict[str, bytes]:
    folder = knowledge.settings.instance
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix == ".sqlite"}
