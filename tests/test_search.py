"""Question -> answer, over a real index, with the made-up encoder: what is found, shown, counted and filtered.

Whether the right records come first is measured elsewhere, with the real model (test_relevance.py); here it is enough
that texts that share words lie close.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from made_up import MadeUpEncoder, make_case, make_lesson, make_library, stored, vector_of

from kb import ranker as ranker_module
from kb import ranking
from kb.answer import BANDS
from kb.builder import build
from kb.counting import COUNTED
from kb.evidence import strength_of
from kb.filters import FIELDS, Filters, composed_terms, make_filters, record_terms
from kb.generation import Generation, IndexFolder, open_current
from kb.lexical import QUERY_MAX_WORDS
from kb.places import LIFT, Places
from kb.ranker import band, fair_score, is_close
from kb.search import FURTHER_PASSAGES, ORDERS, Searcher, Wanted
from kb.views import VIEWS
from kb.vocabulary import HEADINGS, STANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kb.answer import Answer, Extract, Hit
    from kb.encoder import Encoder
    from kb.records import Record

LIBRARY = {record.id: record for record in make_library()}
# A question for each of the records, in words of its own text.
OWN_QUESTIONS = {
    "anytown-bins": "crews with tablets and missed streets",
    "otherham-library-trust": "a charity took over branch libraries and their roofs",
    "glen-foster-carers": "experienced foster carers who recruit families",
    "valley-care-rota": "home carers writing their own rotas",
    "l-2b7xq4": "a dashboard that stayed green while homes were damp",
    "l-9kd3ws": "a payroll system switched on before testing",
}
ODD_QUESTIONS = (
    "",
    " ",
    "a",
    "?",
    "bins " * 4000,
    "x" * 20_000,
    "?!,.;:'\"()[]{}<>/\\|@#$%^&*_+-=~`",
    '"missed bins" AND (title:crews OR NOT summary:"tablets")',
    "AND OR NOT",
    "words:bins^2 +crews -tablets [a TO z] {1 TO *} /b.*s/ bin~2",
    "bins*",
    "'; drop table records; --",
    "🗑️ bins 👷🏽‍♀️ 🏴󠁧󠁢󠁷󠁬󠁳󠁿",
    "Sut mae gwella'r gwasanaeth casglu sbwriel yn Ynys Môn a Llŷn?",
    "מה עובד בפינוי אשפה? 😀 ما الذي ينجح",
    "如何改进垃圾收集",
    "bins\x00crews",
    "\x00",
    "bins \ud800 crews \udfff",
    "\ud83d",
    "line\nbreaks\r\nand\ttabs\u2028and\u202eright to left marks",
    "the of and to",
    "1234567890 £5m 50%",
    "\u200b\ufeff\u00ad",
)


def make_searcher(folder: Path, records: Iterable[Record], encoder: Encoder | None = None) -> Searcher:
    index = IndexFolder(folder)
    encoder = encoder or MadeUpEncoder()
    build(index, stored(records), encoder)
    return Searcher(open_current(index), encoder)


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    made = make_searcher(tmp_path_factory.mktemp("library") / "index", LIBRARY.values())
    yield made
    made.generation.close()


def terms_of(record: Record) -> dict[str, tuple[str, ...]]:
    terms = record_terms(record)
    return {**terms, **composed_terms(terms)}


def records_of(answer: Answer) -> list[str]:
    return [hit.record for hit in answer.hits]


def extracts_of(hit: Hit) -> tuple[Extract, ...]:
    return (hit.passage, *hit.further)


def assert_sound(answer: Answer, limit: int) -> None:
    """What holds for every answer to every question."""
    assert len(answer.hits) <= limit
    assert [hit.rank for hit in answer.hits] == list(range(1, len(answer.hits) + 1))
    assert len(set(records_of(answer))) == len(answer.hits), "a record stands once"
    for hit in answer.hits:
        for extract in extracts_of(hit):
            assert extract.highlight
            assert extract.highlight in extract.text
            assert extract.band in BANDS
            assert 0 <= extract.score <= 1.001
            assert -1.001 <= extract.semantic <= 1.001
            assert 0 <= extract.lexical < 1
            assert extract.stance == HEADINGS[extract.section]
        texts = [extract.text for extract in extracts_of(hit)]
        assert len(set(texts)) == len(texts), "a passage is shown once"
        assert all(extract.band != "weak" for extract in hit.further)
    assert answer.close == bool(answer.total)
    if limit >= len(LIBRARY):
        assert answer.total == sum(hit.band != "weak" for hit in answer.hits)
    json.dumps(answer.as_json()).encode()


# --- what a hit shows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("record", "question"), OWN_QUESTIONS.items())
def test_a_question_in_a_records_own_words_finds_it_first(searcher: Searcher, record: str, question: str) -> None:
    answer = searcher.ask(question)
    assert answer.close
    assert answer.hits[0].record == record
    assert_sound(answer, 10)


def test_a_hit_on_a_case_shows_what_the_record_says_of_itself(searcher: Searcher) -> None:
    hit = searcher.ask(OWN_QUESTIONS["glen-foster-carers"]).hits[0]
    case = LIBRARY["glen-foster-carers"]
    assert (hit.kind, hit.title, hit.summary) == ("case", case.title, case.summary)
    assert (hit.place, hit.years) == ("Glen Council", (2018, 2021))
    assert (hit.outcome, hit.outcome_as_at) == ("worked", "2022-03")
    assert (hit.finding_basis, hit.effect_evidence, hit.corroboration) == ("independent-evaluation", "3", None)
    assert hit.services == ("children",)
    assert hit.url == f"/records/glen-foster-carers#{hit.passage.anchor}"


def test_a_hit_on_a_lesson_has_no_place_and_no_date(searcher: Searcher) -> None:
    hit = searcher.ask(OWN_QUESTIONS["l-2b7xq4"]).hits[0]
    assert hit.kind == "lesson"
    assert (hit.place, hit.years) == ("An upper-tier or unitary council", (2015, 2019))
    assert (hit.outcome_as_at, hit.effect_evidence, hit.corroboration) == (None, None, "2-4")


def test_a_passage_is_shown_as_the_record_has_it_and_the_sentence_that_answers_is_marked(searcher: Searcher) -> None:
    passage = searcher.ask("who chose the tablets, and who rode with each crew?").hits[0].passage
    assert (passage.section, passage.stance, passage.anchor) == ("What worked", "worked", "what-worked")
    assert passage.text == "Crews chose the tablets themselves. Supervisors rode with each crew once a month [s1]."
    assert searcher.ask("Crews chose the tablets").hits[0].passage.highlight == "Crews chose the tablets themselves."
    assert "Supervisors rode" in searcher.ask("supervisors rode once a month").hits[0].passage.highlight


def test_the_parts_of_a_score_are_what_they_are_said_to_be(searcher: Searcher) -> None:
    question = OWN_QUESTIONS["l-9kd3ws"]
    rows = searcher.generation.rows.passage_rows()
    for hit in searcher.ask(question).hits:
        for extract in extracts_of(hit):
            # A passage or a way in that leads to it: one of them has this cosine.
            leading = [rows[row.target].text == extract.text for row in rows.values()]
            cosines = searcher.generation.vectors[leading].astype(np.float32) @ vector_of(question)
            assert np.isclose(cosines, extract.semantic, atol=1e-3).any()
            fused = ranking.fuse(floats(extract.semantic), floats(extract.lexical))
            assert extract.score == pytest.approx(float(fused[0]), abs=1e-6)


def test_matched_words_are_the_questions_own_that_the_passage_has_in_any_form(searcher: Searcher) -> None:
    question = "Did anybody give CREWS a tablet to call in a street that had been missing?"
    what_was_done = make_filters({"service": ["environment-and-waste"], "stance": ["action"]})
    passage = searcher.ask(question, what_was_done).hits[0].passage
    assert passage.matched_words == ("crews", "tablet", "call", "street", "missing"), "without words of asking"


def test_a_question_without_words_in_common_has_none_matched(searcher: Searcher) -> None:
    for hit in searcher.ask("zygote quasar").hits:
        assert hit.passage.matched_words == ()
        assert hit.passage.lexical == 0


def test_further_passages_are_of_the_same_record_and_also_good(searcher: Searcher) -> None:
    answer = searcher.ask("bins streets crews tablets complaints software")
    hit = answer.hits[0]
    sections = {section.text for section in LIBRARY[hit.record].sections}
    assert hit.further
    assert {extract.text for extract in extracts_of(hit)} <= sections
    assert len(hit.further) <= FURTHER_PASSAGES


def test_hits_come_in_the_order_of_their_scores(searcher: Searcher) -> None:
    for question in OWN_QUESTIONS.values():
        scores = [hit.score for hit in searcher.ask(question).hits]
        assert scores == sorted(scores, reverse=True)


def test_the_limit_cuts_the_hits_and_changes_neither_their_order_nor_the_counts(searcher: Searcher) -> None:
    whole, first = searcher.ask("carers"), searcher.ask("carers", wanted=Wanted(limit=2))
    assert records_of(first) == records_of(whole)[:2]
    assert (first.total, first.counts, first.close) == (whole.total, whole.counts, whole.close)


def test_an_answer_says_where_it_comes_from_and_how_long_each_stage_took(searcher: Searcher) -> None:
    answer = searcher.ask("bins")
    assert answer.generation == searcher.generation.name
    stages = {name: value for name, value in answer.milliseconds.items() if name != "total"}
    assert {"encode", "lexical", "dense", "fuse"} <= set(stages)
    assert all(value >= 0 for value in stages.values())
    assert sum(stages.values()) <= answer.milliseconds["total"]


# --- ways in ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", LIBRARY.values(), ids=lambda record: record.id)
def test_a_question_that_a_record_says_it_answers_shows_a_passage_of_that_record(
    searcher: Searcher, record: Record
) -> None:
    for entry in (*record.answers, record.summary):
        answer = searcher.ask(entry)
        assert answer.hits[0].record == record.id
        for extract in extracts_of(answer.hits[0]):
            assert extract.text in {section.text for section in record.sections}, "never the way in itself"


# --- counts, bands, closeness -----------------------------------------------------------------------------------------


def test_counts_are_of_the_records_that_bear_on_the_question_whatever_is_shown(searcher: Searcher) -> None:
    for question in OWN_QUESTIONS.values():
        bearing = [LIBRARY[hit.record] for hit in searcher.ask(question).hits if hit.band != "weak"]
        answer = searcher.ask(question, wanted=Wanted(limit=1))
        assert answer.total == len(bearing)
        for field in COUNTED:
            wanted = Counter(value for record in bearing for value in terms_of(record).get(field, ()))
            assert answer.counts[field] == dict(wanted)
            assert list(answer.counts[field].values()) == sorted(wanted.values(), reverse=True), "the most first"


@pytest.mark.usefixtures("everything_bears")
def test_stances_are_counted_as_many_as_their_filter_leaves(searcher: Searcher) -> None:
    answer = searcher.ask(BROAD)
    assert len(answer.counts["stance"]) > 3
    assert max(answer.counts["stance"].values()) <= answer.total
    for stance in STANCE.codes:
        narrowed = searcher.ask(BROAD, make_filters({"stance": [stance]}))
        assert narrowed.total == answer.counts["stance"].get(stance, 0)
        assert narrowed.open_counts["stance"] == answer.counts["stance"], "the others can still be chosen as well"


def floats(*values: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def bands_of(score: Any, rank_score: Any, semantic: Any, covered: float) -> list[str]:
    fair_from = fair_score(score, rank_score, semantic, covered)
    return [band(one, fair_from) for one in score.tolist()]


def test_bands_follow_the_fused_score_once_anything_is_close() -> None:
    strong, fair = ranker_module.STRONG_FROM, ranker_module.FAIR_FROM
    scores = floats(strong + 0.01, strong - 0.01, fair + 0.01, fair - 0.01, 0)
    bands = bands_of(scores, scores, floats(0.9, 0.5, 0.3, 0.1, 0), 0.5)
    assert bands == ["strong", "fair", "fair", "weak", "weak"]


def test_when_something_is_close_the_first_passage_is_at_least_fair() -> None:
    low = ranker_module.FAIR_FROM / 2
    assert bands_of(floats(low, low / 2), floats(0.2, 0.1), floats(0.9, 0.1), 0.9) == ["fair", "weak"]
    assert bands_of(floats(low, low / 2), floats(0.1, 0.2), floats(0.9, 0.1), 0.9) == ["fair", "fair"]
    near, far = 0.91 * low, 0.89 * low
    assert bands_of(floats(low, near, far), floats(0.3, 0.2, 0.1), floats(0.9, 0.1, 0.1), 0.9) == [
        "fair",
        "fair",
        "weak",
    ]


def test_when_nothing_is_close_every_passage_is_weak_however_many_words_match() -> None:
    assert bands_of(floats(0.9, 0.5), floats(0.9, 0.5), floats(0, 0), 0.0) == ["weak", "weak"]
    assert bands_of(floats(), floats(), floats(), 1.0) == []


def test_closeness_grows_with_the_nearest_passage_and_with_the_words_that_a_record_has() -> None:
    assert is_close(0.9, 0.5)
    assert not is_close(0.0, 1.0)
    edge = ranker_module.CLOSE_FROM
    assert is_close(edge, 0.0)
    assert not is_close(edge - 0.01, 0.0)
    assert is_close(edge - 0.01, 0.1)


def test_a_record_that_has_more_of_the_question_in_other_passages_comes_first(tmp_path: Path) -> None:
    """Two records that tell of the ferry in the same words; one of them, elsewhere, has the harbour as well."""
    told = {
        "Situation": "The winter ferry was late again [s1].",
        "What was done": "The timetable was printed anew [s1].",
        "What happened": "The islanders stayed at home [s1].",
        "What worked": "Asking at the pier [s1].",
    }
    more = {**told, "What was done": "The harbour was dredged of its silt [s1]."}
    records: list[Record] = [
        make_case(id=name, title="A boat", summary="About a boat.", sections=sections, answers=[])
        for name, sections in (("a-boat", told), ("b-boat", more))
    ]
    searcher = make_searcher(tmp_path / "index", records)
    hits = searcher.ask("why was the winter ferry late again, was it silt?").hits
    assert [hit.record for hit in hits] == ["b-boat", "a-boat"]
    assert hits[0].score > hits[1].score
    assert {hit.passage.section for hit in hits} == {"Situation"}, "their best passages are the same"
    searcher.generation.close()


def test_when_nothing_is_close_the_nearest_are_given_as_weak(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranker_module, "CLOSE_FROM", 9.0)
    answer = searcher.ask(OWN_QUESTIONS["anytown-bins"], wanted=Wanted(balanced=True))
    assert (answer.close, answer.total, answer.setbacks) == (False, 0, False)
    assert {hit.band for hit in answer.hits} == {"weak"}
    assert answer.hits[0].record == "anytown-bins"
    assert not any(hit.further for hit in answer.hits)
    assert not any(answer.counts.values())


# --- balance: what did not work ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_sided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    """Eight councils whose ferry worked, and a ninth whose account shares fewer words and tells what did not."""
    sections = {
        "Situation": "Islanders wanted a ferry that sails in winter [s1].",
        "What was done": "The council bought a winter ferry for the islanders [s1].",
        "What happened": "The winter ferry sails and the islanders sail with it [s1].",
        "What worked": "A winter ferry that islanders had asked for [s1].",
    }
    records: list[Record] = [
        make_case(
            id=f"isle-{number}", title=f"A winter ferry for islanders, number {number}", sections=sections, answers=[]
        )
        for number in range(8)
    ]
    told = {
        "Situation": "A boat was late, year upon year [s1].",
        "What was done": "Money went to a yard without a drawing of the hull [s1].",
        "What happened": "Two hulls rusted on the slipway [s1].",
        "What did not work": "Islanders wanted a winter ferry and nobody asked islanders [s1].",
    }
    records.append(make_case(id="isle-late", title="Hulls on a slipway", sections=told, answers=[], outcome="failed"))
    made = make_searcher(tmp_path_factory.mktemp("ferries") / "index", records)
    yield made
    made.generation.close()


@pytest.fixture
def nine_record_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a library of nine records that share their words no word is rare, and scores are low."""
    monkeypatch.setattr(ranker_module, "FAIR_FROM", 0.3)


FERRY = "a winter ferry for islanders"


@pytest.mark.usefixtures("nine_record_bands")
def test_a_setback_is_shown_among_the_first_five_when_any_good_passage_tells_one(one_sided: Searcher) -> None:
    plain, balanced = one_sided.ask(FERRY), one_sided.ask(FERRY, wanted=Wanted(balanced=True))

    assert plain.setbacks
    assert "isle-late" not in records_of(plain)[:5], "the balance has something to do"
    assert records_of(balanced)[4] == "isle-late"
    hit = balanced.hits[4]
    assert (hit.passage.stance, hit.passage.section) == ("did-not-work", "What did not work")
    assert hit.band != "weak"
    assert [name for name in records_of(balanced) if name != "isle-late"] == [
        name for name in records_of(plain) if name != "isle-late"
    ], "the others keep their order"


@pytest.mark.usefixtures("nine_record_bands")
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_a_setback_is_shown_however_few_are_asked_for(one_sided: Searcher, limit: int) -> None:
    answer = one_sided.ask(FERRY, wanted=Wanted(limit=limit, balanced=True))
    assert len(answer.hits) == limit
    assert any(hit.passage.stance == "did-not-work" for hit in answer.hits)


def test_an_answer_says_when_no_setback_is_recorded(one_sided: Searcher) -> None:
    successes = make_filters({"outcome": ["worked"]})
    plain, balanced = one_sided.ask(FERRY, successes), one_sided.ask(FERRY, successes, wanted=Wanted(balanced=True))
    assert balanced.close
    assert not balanced.setbacks
    assert records_of(balanced) == records_of(plain)


def test_what_did_not_work_is_no_setback_for_a_question_that_it_is_far_from(
    one_sided: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranker_module, "FAIR_FROM", 0.99)
    monkeypatch.setattr(ranker_module, "STRONG_FROM", 0.99)
    answer = one_sided.ask(FERRY, wanted=Wanted(balanced=True))
    assert answer.close
    assert not answer.setbacks
    assert "isle-late" not in records_of(answer)[:5]


# --- filters ----------------------------------------------------------------------------------------------------------


def records_with(field: str, *values: str) -> set[str]:
    """The records that a filter should leave, found without an index."""
    if field == "stance":
        return {name for name, one in LIBRARY.items() if {section.stance for section in one.sections} & set(values)}
    return {name for name, one in LIBRARY.items() if set(terms_of(one).get(field, ())) & set(values)}


@pytest.mark.parametrize(("field", "value"), [(field, code) for field in FIELDS for code in FIELDS[field].codes])
def test_a_filter_leaves_exactly_the_records_that_have_its_value(searcher: Searcher, field: str, value: str) -> None:
    answer = searcher.ask("what helps, and what went wrong with bins?", make_filters({field: [value]}))
    assert set(records_of(answer)) == records_with(field, value)
    assert_sound(answer, 10)


def test_every_filter_tells_records_of_this_library_apart() -> None:
    for field in FIELDS:
        assert any(0 < len(records_with(field, code)) < len(LIBRARY) for code in FIELDS[field].codes), field


@pytest.mark.parametrize("stance", STANCE.codes)
def test_a_filter_by_stance_shows_only_such_passages(searcher: Searcher, stance: str) -> None:
    for question in OWN_QUESTIONS.values():
        for hit in searcher.ask(question, make_filters({"stance": [stance]})).hits:
            assert {extract.stance for extract in extracts_of(hit)} == {stance}


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [
        (2014, 2014, {"anytown-bins"}),
        (None, 2009, {"otherham-library-trust"}),
        (2022, None, {"valley-care-rota", "l-9kd3ws"}),
        (2013, 2015, {"otherham-library-trust", "anytown-bins", "l-2b7xq4"}),
        (None, 1999, set()),
    ],
)
def test_years_leave_the_records_whose_period_overlaps(
    searcher: Searcher, first: int | None, last: int | None, wanted: set[str]
) -> None:
    answer = searcher.ask("what helps?", make_filters({}, first_year=first, last_year=last))
    assert set(records_of(answer)) == wanted


def test_values_of_one_field_are_alternatives_and_fields_are_combined(searcher: Searcher) -> None:
    both = make_filters({"outcome": ["worked", "failed"]})
    assert set(records_of(searcher.ask("what helps?", both))) == records_with("outcome", "worked", "failed")
    narrowed = make_filters({"outcome": ["worked", "failed"], "kind": ["lesson"]})
    assert records_of(searcher.ask("what helps?", narrowed)) == ["l-9kd3ws"]


def test_a_filter_that_leaves_nothing_gives_an_empty_answer(searcher: Searcher) -> None:
    answer = searcher.ask(
        "bins", make_filters({"outcome": ["worked"], "kind": ["lesson"]}), wanted=Wanted(balanced=True)
    )
    assert (answer.hits, answer.close, answer.total, answer.setbacks) == ((), False, 0, False)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    """Three Welsh records on other things, in a crowd of English ones on bins that fills the pools of both legs."""
    crowd: list[Record] = [
        make_case(id=f"bins-{number}", title=f"Missed bins, number {number}") for number in range(40)
    ]
    welsh: list[Record] = [
        make_case(id=f"welsh-{number}", title=f"Footpaths, number {number}", nation="Wales", region="Wales", answers=[],
                  summary="A path was mended.",
                  sections={"Situation": "Stiles were rotten [s1].", "What was done": "Rangers mended stiles [s1].",
                            "What happened": "Walkers came back [s1].", "What worked": "Oak, and not pine [s1]."})
        for number in range(3)
    ]  # fmt: skip
    made = make_searcher(tmp_path_factory.mktemp("crowd") / "index", [*crowd, *welsh])
    yield made
    made.generation.close()


BINS = "missed bins, crews, tablets, streets and complaints"


def test_a_filter_that_leaves_three_records_ranks_those_three(crowded: Searcher) -> None:
    """It is applied before the best are chosen: afterwards, none of the three would be left."""
    assert crowded.generation.manifest.passages > 2 * ranking.POOL
    assert not any(name.startswith("welsh") for name in records_of(crowded.ask(BINS, wanted=Wanted(limit=100))))

    answer = crowded.ask(BINS, make_filters({"nation": ["Wales"]}), wanted=Wanted(limit=100))
    assert sorted(records_of(answer)) == ["welsh-0", "welsh-1", "welsh-2"]


def test_each_leg_by_itself_filters_before_it_chooses(crowded: Searcher) -> None:
    welsh = make_filters({"nation": ["Wales"]})
    generation = crowded.generation
    allowed = np.array([crowded.cards[record]["terms"]["nation"] == ["Wales"] for record in generation.record_of])
    dense = generation.dense.search(vector_of(BINS), 5, allowed)
    words = generation.lexical.words(f"{BINS} stiles")
    lexical = generation.lexical.search(words, 5, welsh)
    for leg in (dense, lexical):
        assert len(leg.ordinals) == 5
        assert allowed[leg.ordinals].all()


def test_a_filter_does_not_change_the_scores_of_what_it_leaves(searcher: Searcher) -> None:
    """The score means the same for every question; counting a filter's own terms would raise it."""
    question = OWN_QUESTIONS["glen-foster-carers"]
    free = searcher.ask(question).hits[0]
    filtered = searcher.ask(question, make_filters({"nation": ["Scotland"], "outcome": ["worked"]})).hits[0]
    assert filtered.passage == free.passage


# --- questions of any kind --------------------------------------------------------------------------------------------


def filters() -> st.SearchStrategy[Filters]:
    one_field = st.sampled_from(list(FIELDS)).flatmap(
        lambda field: st.tuples(st.just(field), st.lists(st.sampled_from(FIELDS[field].codes), max_size=3))
    )
    years = st.tuples(st.integers(1990, 2010), st.integers(2010, 2030)) | st.just((None, None))
    return st.builds(
        lambda chosen, span: make_filters(dict(chosen), first_year=span[0], last_year=span[1]),
        st.lists(one_field, max_size=2),
        years,
    )


def questions() -> st.SearchStrategy[str]:
    anything = st.text(st.characters(), max_size=200)  # surrogates and control characters included
    words = st.lists(st.sampled_from([*" ".join(OWN_QUESTIONS.values()).split(), "AND", "NOT", '"', "(", "*", "~1"]))
    return st.sampled_from(ODD_QUESTIONS) | anything | words.map(" ".join)


@hypothesis_settings(max_examples=500, deadline=None)
@given(question=questions(), filters=filters(), limit=st.integers(1, 12), balanced=st.booleans())
@example("bins AND crews", Filters(), 10, True)
def test_no_question_ever_fails(
    searcher: Searcher, question: str, filters: Filters, limit: int, balanced: bool
) -> None:
    answer = searcher.ask(question, filters, wanted=Wanted(limit=limit, balanced=balanced))
    assert answer.question == question
    assert_sound(answer, limit)
    for field, values in filters.terms:
        assert set(records_of(answer)) <= records_with(field, *values)
    told = answer.counts["stance"].get("did-not-work", 0) if answer.counts else 0
    assert answer.setbacks == bool(told)
    if balanced and answer.setbacks:
        assert any(hit.passage.stance == "did-not-work" for hit in answer.hits[:5])


@pytest.mark.parametrize("question", ["", " ", "\x00", "\n\t", "\ud800", "\u200b\ufeff"])
def test_a_question_that_says_nothing_has_no_hits(searcher: Searcher, question: str) -> None:
    answer = searcher.ask(question, wanted=Wanted(balanced=True))
    assert (answer.hits, answer.close, answer.total) == ((), False, 0)
    assert answer.generation == searcher.generation.name


def test_query_syntax_is_words_like_any_others(searcher: Searcher) -> None:
    plain = searcher.ask("missed bins crews tablets")
    for written in ('"missed bins" crews tablets', "missed (bins crews) tablets", "+missed -bins crews^9 tablets~"):
        found = searcher.ask(written).hits[0]
        assert found.record == plain.hits[0].record
        assert found.passage.lexical == pytest.approx(plain.hits[0].passage.lexical, abs=0.2)


def test_accents_and_capitals_make_no_difference_to_words(searcher: Searcher) -> None:
    assert searcher.generation.lexical.words("CRÈWS Missed") == searcher.generation.lexical.words("crews missed")


def test_a_very_long_question_is_read_by_its_first_words(searcher: Searcher) -> None:
    words = searcher.rank(f"crews {' '.join(f'nonsense{number}' for number in range(1000))} tablets").words
    assert words[:2] == ("crew", "nonsense0")
    assert len(words) == QUERY_MAX_WORDS


@pytest.mark.model
def test_no_odd_question_fails_with_the_real_model(tmp_path: Path, real_encoder: Encoder) -> None:
    """The tokenizer has its own opinions on lone surrogates, NUL and length."""
    searcher = make_searcher(tmp_path / "index", LIBRARY.values(), real_encoder)
    for question in ODD_QUESTIONS:
        assert_sound(searcher.ask(question, wanted=Wanted(balanced=True)), 10)
    for record, question in OWN_QUESTIONS.items():
        assert searcher.ask(question).hits[0].record == record
    searcher.generation.close()


# --- the same question, the same answer -------------------------------------------------------------------------------


def without_times(answer: Answer) -> dict[str, Any]:
    return {**dataclasses.asdict(answer), "milliseconds": None, "generation": None}


def test_the_same_question_has_the_same_answer_again_and_from_another_build(searcher: Searcher, tmp_path: Path) -> None:
    again = make_searcher(tmp_path / "index", LIBRARY.values())
    for question in (*OWN_QUESTIONS.values(), *ODD_QUESTIONS):
        first = without_times(searcher.ask(question, wanted=Wanted(balanced=True)))
        assert without_times(searcher.ask(question, wanted=Wanted(balanced=True))) == first
        assert without_times(again.ask(question, wanted=Wanted(balanced=True))) == first
    again.generation.close()


def test_records_that_answer_equally_well_come_in_a_fixed_order(tmp_path: Path) -> None:
    twins = [make_lesson(id=f"twin-{letter}") for letter in "dacb"]
    made = make_searcher(tmp_path / "index", twins)
    assert records_of(made.ask(OWN_QUESTIONS["l-2b7xq4"])) == ["twin-a", "twin-b", "twin-c", "twin-d"]
    made.generation.close()


def test_any_number_of_threads_may_ask_at_once(searcher: Searcher) -> None:
    asked = [*OWN_QUESTIONS.values()] * 20
    alone = {question: without_times(searcher.ask(question)) for question in set(asked)}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(searcher.ask, asked))
    assert [without_times(answer) for answer in answers] == [alone[question] for question in asked]


def test_an_empty_library_answers_nothing(tmp_path: Path) -> None:
    made = make_searcher(tmp_path / "index", [])
    answer = made.ask("bins", make_filters({"kind": ["case"]}), wanted=Wanted(balanced=True))
    assert (answer.hits, answer.close, answer.total) == ((), False, 0)
    assert made.ask("bins").hits == ()
    made.generation.close()


def test_a_searcher_leaves_its_generation_as_it_was(searcher: Searcher) -> None:
    for question in OWN_QUESTIONS.values():
        searcher.ask(question)
    Generation(searcher.generation.layout.folder, hashes=True).close()


# --- pages, orders, views ---------------------------------------------------------------------------------------------


@pytest.fixture
def everything_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six made-up records are too few for one question to bear on several of them by the real thresholds."""
    monkeypatch.setattr(ranker_module, "CLOSE_FROM", 0.0)
    monkeypatch.setattr(ranker_module, "FAIR_FROM", 0.02)


BROAD = "bins streets crews tablets complaints software carers payroll"


def test_pages_follow_on_from_one_another(searcher: Searcher) -> None:
    whole = searcher.ask(BROAD, wanted=Wanted(limit=6))
    pages = [searcher.ask(BROAD, wanted=Wanted(limit=2, offset=offset)) for offset in (0, 2, 4)]
    assert len(whole.hits) > 4
    assert [hit for page in pages for hit in page.hits] == list(whole.hits)
    assert searcher.ask(BROAD, wanted=Wanted(offset=1000)).hits == ()


@pytest.mark.usefixtures("everything_bears")
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_that_are_balanced_show_each_record_once(searcher: Searcher, limit: int) -> None:
    for question in (BROAD, *OWN_QUESTIONS.values()):
        total = searcher.ask(question).total
        pages = [searcher.ask(question, wanted=Wanted(limit, offset, True)) for offset in range(0, total, limit)]
        names = [name for page in pages for name in records_of(page)][:total]
        assert len(set(names)) == len(names) == total > 1


@pytest.mark.usefixtures("everything_bears")
@pytest.mark.parametrize("order", [order for order in ORDERS if order != "relevance"])
def test_another_order_is_of_the_same_records(searcher: Searcher, order: str) -> None:
    best = searcher.ask(BROAD)
    answer = searcher.ask(BROAD, wanted=Wanted(order=order))
    bearing = {hit.record for hit in best.hits if hit.band != "weak"}
    assert len(bearing) > 2
    assert set(records_of(answer)) == bearing
    assert (answer.total, answer.counts) == (best.total, best.counts)
    keys = [
        hit.outcome_as_at or str(hit.years[1]) if order == "newest" else strength_of(dataclasses.asdict(hit)).order
        for hit in answer.hits
    ]
    assert keys == sorted(keys, reverse=True)
    assert len(set(keys)) > 1


@pytest.mark.usefixtures("everything_bears")
def test_a_view_tells_of_the_same_records_by_stance(searcher: Searcher) -> None:
    best = searcher.ask(BROAD)
    bearing = {hit.record for hit in best.hits if hit.band != "weak"}
    for view, stances in VIEWS.items():
        answer = searcher.ask(BROAD, wanted=Wanted(view=view))
        assert tuple(column.stance for column in answer.columns) == stances
        for column in answer.columns:
            having = {name for name in bearing if any(one.stance == column.stance for one in LIBRARY[name].sections)}
            assert {hit.record for hit in column.hits} == having
            assert column.total == len(having)
            assert {extract.stance for hit in column.hits for extract in extracts_of(hit)} <= {column.stance}
            for hit in column.hits:
                assert all(extract.highlight in extract.text for extract in extracts_of(hit))
        json.dumps(answer.as_json())
    assert searcher.ask("", wanted=Wanted(view="outcomes")).columns == ()


@pytest.mark.usefixtures("everything_bears")
def test_a_stance_that_is_filtered_away_leaves_its_column_empty(searcher: Searcher) -> None:
    answer = searcher.ask(BROAD, make_filters({"stance": ["worked"]}), wanted=Wanted(view="outcomes"))
    worked, did_not = answer.columns
    assert worked.hits
    assert did_not.hits == ()


@pytest.mark.usefixtures("everything_bears")
def test_a_facet_that_is_chosen_from_is_also_counted_as_if_it_were_open(searcher: Searcher) -> None:
    free = searcher.ask(BROAD)
    some = searcher.ask(BROAD, make_filters({"outcome": ["worked"], "kind": ["case"]}))
    assert set(some.open_counts) == {"outcome", "kind"}
    cases = searcher.ask(BROAD, make_filters({"kind": ["case"]}))
    assert some.open_counts["outcome"] == cases.counts["outcome"]
    assert len(some.open_counts["outcome"]) > len(some.counts["outcome"])
    assert free.open_counts == {}


@pytest.mark.usefixtures("everything_bears")
def test_the_years_span_all_records_that_bear_on_the_question(searcher: Searcher) -> None:
    answer = searcher.ask(BROAD, wanted=Wanted(limit=1))
    bearing = [hit.years for hit in searcher.ask(BROAD).hits if hit.band != "weak"]
    assert answer.years == (min(first for first, _ in bearing), max(last for _, last in bearing))
    assert searcher.ask("").years is None


# --- places -----------------------------------------------------------------------------------------------------------


def test_only_similar_places_are_searched_when_so_asked(searcher: Searcher) -> None:
    similar = np.array([number % 2 == 0 for number in range(len(searcher.cards))])
    places = Places(similar.astype(np.float32), only=True)
    wanted = {card["id"] for card, like in zip(searcher.cards, similar, strict=True) if like}
    found = records_of(searcher.ask(BROAD, places=places))
    assert found
    assert set(found) <= wanted
    assert set(records_of(searcher.ask(BROAD))) - wanted, "it takes something away"


def test_similar_places_come_before_others_that_answer_hardly_better(searcher: Searcher) -> None:
    free = searcher.ask(BROAD)
    last = [card["id"] for card in searcher.cards].index(free.hits[1].record)
    alike = np.zeros(len(searcher.cards), dtype=np.float32)
    alike[last] = 1.0
    lifted = searcher.ask(BROAD, places=Places(alike, only=False))
    assert set(records_of(lifted)) == set(records_of(free))
    score = {hit.record: hit.score for hit in free.hits}
    for hit in lifted.hits:
        assert hit.score == pytest.approx(score[hit.record] + LIFT * (hit.record == free.hits[1].record), abs=1e-5)
    scores = [hit.score for hit in lifted.hits]
    assert scores == sorted(scores, reverse=True)
