"""Related questions: near, of different records, none twice, and none for what the library knows nothing of."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from made_up import vector_of

from kb import related_questions
from kb.evaluate import read_questions
from kb.related_questions import RelatedQuestions

if TYPE_CHECKING:
    from kb.knowledge import KnowledgeBase

QUESTIONS = Path(__file__).resolve().parent / "questions"
# Ten times what it takes on a quiet machine.
ASK_LIMIT_SECONDS = 0.01


@pytest.fixture
def questions(knowledge: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> RelatedQuestions:
    """Those of the made-up library, whose vectors know words only: any is near enough."""
    monkeypatch.setattr(related_questions, "NEAR_FROM", 0.0)
    monkeypatch.setattr(related_questions, "NEAR_BESIDE_NEAREST", 0.0)
    return RelatedQuestions(knowledge.searcher().generation)


def answers_of(knowledge: KnowledgeBase) -> dict[str, list[str]]:
    return {card["id"]: card["answers"] for card in knowledge.searcher().cards}


def test_questions_are_the_records_own_with_the_record_that_answers(
    knowledge: KnowledgeBase, questions: RelatedQuestions
) -> None:
    answers = answers_of(knowledge)
    for record, texts in answers.items():
        for text in texts:
            found = questions.near(vector_of(text), limit=3)
            assert found
            assert all(one.text in answers[one.record] for one in found), record


def test_there_is_at_most_one_of_a_record_and_no_more_than_asked_for(
    knowledge: KnowledgeBase, questions: RelatedQuestions
) -> None:
    vector = vector_of("how did a council mend its bins, libraries, care, payroll and homes")
    for limit in range(8):
        found = questions.near(vector, limit)
        assert len(found) == len({one.record for one in found}) <= limit
    assert len(questions.near(vector, 3)) == 3


def test_what_was_asked_is_not_offered_again(knowledge: KnowledgeBase, questions: RelatedQuestions) -> None:
    text = next(iter(answers_of(knowledge).values()))[0]
    vector = vector_of(text)
    assert text not in [one.text for one in questions.near(vector, 6)], "by its meaning"
    other = vector_of(text + " and a few more words that lead away from it entirely")
    assert text in [one.text for one in questions.near(other, 6)]
    assert text not in [one.text for one in questions.near(other, 6, asked=text.upper())], "by its words"


def test_records_that_are_shown_come_last(questions: RelatedQuestions) -> None:
    vector = vector_of("how did a council mend its bins, libraries, care, payroll and homes")
    everything = questions.near(vector, 10)
    number = [card["id"] for card in questions._generation.rows.cards()].index(everything[0].record)
    without = questions.near(vector, 10, without={number})
    assert without[-1] == everything[0]
    assert without[:-1] == everything[1:]


def test_two_that_say_the_same_are_not_both_offered(
    questions: RelatedQuestions, monkeypatch: pytest.MonkeyPatch
) -> None:
    vector = vector_of("how did a council mend its bins, libraries, care, payroll and homes")
    assert len(questions.near(vector, 6)) > 1
    monkeypatch.setattr(related_questions, "SAME_AS_ANOTHER", -1.0)
    assert len(questions.near(vector, 6)) == 1


def test_what_is_not_near_is_not_offered(knowledge: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = RelatedQuestions(knowledge.searcher().generation)
    monkeypatch.setattr(related_questions, "NEAR_FROM", 1.1)
    assert questions.near(vector_of("bins")) == ()
    monkeypatch.undo()
    assert questions.near(np.zeros(16, dtype=np.float32)) == ()


def test_a_record_without_questions_is_offered_by_its_title(
    knowledge: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = knowledge.searcher().generation
    cards = generation.rows.cards()
    bare = [{**card, "answers": []} for card in cards]
    monkeypatch.setattr(generation.rows, "cards", lambda: bare)
    monkeypatch.setattr(related_questions, "NEAR_FROM", -1.0)
    monkeypatch.setattr(related_questions, "NEAR_BESIDE_NEAREST", -1.0)
    found = RelatedQuestions(generation).near(vector_of("bins"), limit=20)
    titles = {card["id"]: card["title"] for card in cards}
    assert {one.record: one.text for one in found}.items() <= titles.items()
    assert len(found) > 1


def test_beside_a_near_one_the_far_ones_are_left_out(knowledge: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = RelatedQuestions(knowledge.searcher().generation)
    monkeypatch.setattr(related_questions, "NEAR_FROM", 0.0)
    vector = vector_of("how did a council mend its bins, libraries, care, payroll and homes")
    monkeypatch.setattr(related_questions, "NEAR_BESIDE_NEAREST", 0.0)
    everything = questions.near(vector, 10)
    monkeypatch.setattr(related_questions, "NEAR_BESIDE_NEAREST", 1.0)
    assert questions.near(vector, 10) == everything[:1]


# --- the whole library, with the real model --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(whole_library: KnowledgeBase) -> RelatedQuestions:
    return RelatedQuestions(whole_library.searcher().generation)


@pytest.mark.model
def test_questions_with_an_answer_have_related_ones(whole_library: KnowledgeBase, real: RelatedQuestions) -> None:
    encoder = whole_library.encoder()
    asked = [one.question for one in read_questions(QUESTIONS / "library.jsonl") if one.relevant]
    having = [question for question in asked if real.near(encoder.encode_query(question))]
    assert len(having) >= 0.9 * len(asked)


@pytest.mark.model
def test_questions_on_other_subjects_have_none(whole_library: KnowledgeBase, real: RelatedQuestions) -> None:
    encoder = whole_library.encoder()
    asked = (QUESTIONS / "off-subject.txt").read_text("utf-8").splitlines()
    having = [question for question in asked if real.near(encoder.encode_query(question))]
    assert len(having) <= 2, having


@pytest.mark.model
def test_they_are_found_at_once(whole_library: KnowledgeBase, real: RelatedQuestions) -> None:
    vector = whole_library.encoder().encode_query("how did a council recover after its children's services failed?")
    assert len(real.near(vector)) == related_questions.RELATED_QUESTIONS
    times = []
    for _ in range(5):  # the quickest: on a busy machine any one of them may have to wait its turn
        started = time.perf_counter()
        real.near(vector)
        times.append(time.perf_counter() - started)
    assert min(times) < ASK_LIMIT_SECONDS
