"""The library itself: its lessons share no wording with a case, and the questions asked of it are fair ones."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from kb.corpus import Corpus, read_corpus
from kb.lexical import make_analyzer
from kb.records import Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.councils import CouncilNames
    from kb.encoder import Encoder

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ROOT / "tests" / "questions" / "library.jsonl"
LONGEST_RUN_WORDS = 7  # a lesson shares no run of eight words with a case
TOO_CLOSE_COSINE = 0.8


@pytest.fixture(scope="module")
def library(uk_council_names: CouncilNames) -> Corpus:
    return read_corpus([ROOT / "corpus"], uk_council_names, whole=True)


@pytest.fixture(scope="module")
def questions() -> list[dict[str, Any]]:
    return [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]


# --- records ---------------------------------------------------------------------------------------------------------


def runs_of(text: str, length: int) -> Iterator[str]:
    """Every run of that many words within a paragraph or a list's item, lower case and without punctuation."""
    for paragraph in re.split(r"\n\s*\n|\n- ", text):
        words = re.findall(r"[\w£%]+(?:[’'.-]\w+)*", re.sub(r"\[s\d+\]", "", paragraph).lower())
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])


def test_runs_are_counted_within_a_paragraph() -> None:
    assert list(runs_of("One two, three [s1].\n\nFour", 2)) == ["one two", "two three"]


def test_no_two_records_share_a_run_of_eight_words(library: Corpus) -> None:
    """Lessons least of all with a case; but no record is another's copy either."""
    owners: dict[str, set[str]] = {}
    for file in library.files:
        text = "\n\n".join([file.record.title, file.record.summary, *(one.text for one in file.record.sections)])
        for run in runs_of(text, LONGEST_RUN_WORDS + 1):
            owners.setdefault(run, set()).add(file.record.id)
    shared = {run: sorted(ids) for run, ids in owners.items() if len(ids) > 1}
    assert not shared


def test_every_case_rests_on_an_independent_source_and_dates_what_changed(library: Corpus) -> None:
    cases = [file.record for file in library.files if isinstance(file.record, Case)]
    for case in cases:
        assert len(case.sources) >= 2, case.id
        assert any(source.independent for source in case.sources), case.id
        assert {"Warning signs", "Would it transfer?"} & {section.heading for section in case.sections}, case.id
    relapsed = [case for case in cases if case.outcome in {"relapsed", "recovered"}]
    assert all(case.outcome_history for case in relapsed), [case.id for case in relapsed if not case.outcome_history]


def test_the_linked_ones_that_teach_most_are_there(library: Corpus) -> None:
    hows = Counter(link.how for file in library.files if isinstance(file.record, Case) for link in file.record.linked)
    for how in ("same failure elsewhere", "lesson applied later", "same service other outcome", "same place"):
        assert hows[how] >= 2, how
    assert any(file.record.outcome == "relapsed" for file in library.files)


# --- questions -------------------------------------------------------------------------------------------------------


def test_there_are_enough_questions_of_every_kind(questions: list[dict[str, Any]]) -> None:
    assert len({one["id"] for one in questions}) == len({one["question"] for one in questions}) == len(questions)
    halves = Counter(one["half"] for one in questions)
    assert set(halves) == {"tune", "test"}
    assert abs(halves["tune"] - halves["test"]) <= 2
    assert sum(bool(one["relevant"]) for one in questions) >= 150
    for half in halves:
        mine = [one for one in questions if one["half"] == half]
        assert sum("failure" in one["tags"] for one in mine) >= 12, half
        assert sum(not one["relevant"] for one in mine) >= 10, half
    assert sum("failure" in one["tags"] for one in questions) >= 25


def test_a_third_of_the_questions_share_no_word_with_the_best_title(
    questions: list[dict[str, Any]], library: Corpus
) -> None:
    """So that matching titles is not what is measured. Words are compared by their stems."""
    analyzer = make_analyzer()
    titles = {file.record.id: set(analyzer.analyze(file.record.title)) for file in library.files}
    answerable = [one for one in questions if one["relevant"]]
    apart = 0
    for one in answerable:
        words, best = set(analyzer.analyze(one["question"])), max(one["relevant"].values())
        apart += all(not words & titles[name] for name, grade in one["relevant"].items() if grade == best)
    assert apart >= len(answerable) / 3, f"{apart} of {len(answerable)}"


@pytest.mark.model
def test_no_question_repeats_what_a_record_says_it_answers(
    questions: list[dict[str, Any]], library: Corpus, real_encoder: Encoder
) -> None:
    """A record's `answers` are ways in to it: a paraphrase of one would mark our own homework."""
    answers = [answer for file in library.files for answer in file.record.answers]
    ways_in = np.stack([real_encoder.encode_query(answer) for answer in answers])
    for one in questions:
        cosines = ways_in @ real_encoder.encode_query(one["question"])
        nearest = int(cosines.argmax())
        assert cosines[nearest] < TOO_CLOSE_COSINE, f"{one['id']}: {one['question']!r} repeats {answers[nearest]!r}"
