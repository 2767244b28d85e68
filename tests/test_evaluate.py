"""Judged questions -> measures, and every fault of a question file or a test set named with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUpEncoder, make_library

from kb.errors import QuestionSetError
from kb.evaluate import Judged, as_text, evaluate_beir, evaluate_questions, rank_by_leg, read_questions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kb.knowledge import KnowledgeBase


def quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


# --- reading questions -----------------------------------------------------------------------------------------------


def write_lines(path: Path, *lines: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    return path


def test_questions_are_read_with_their_judgements(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "questions.jsonl",
        {"question": "Who helps?", "relevant": {"a": 3, "b": 1}},
        "",
        {"question": "Beth nesaf?", "relevant": {}, "half": "tune", "tags": ["welsh", 2], "id": "q9"},
    )
    assert read_questions(path) == [
        Judged("Who helps?", {"a": 3.0, "b": 1.0}),
        Judged("Beth nesaf?", {}, "tune", ("welsh", "2")),
    ]


def test_records_that_were_read_and_do_not_bear_on_it_are_kept_apart(tmp_path: Path) -> None:
    line = {"question": "Who helps?", "relevant": {"a": 3}, "irrelevant": ["b", "c"]}
    (judged,) = read_questions(write_lines(tmp_path / "questions.jsonl", line))
    assert (judged.relevant, judged.irrelevant) == ({"a": 3.0}, {"b", "c"})
    (odd,) = read_questions(write_lines(tmp_path / "odd.jsonl", {**line, "id": 7, "irrelevant": [["b"], 5]}))
    assert (odd.id, odd.irrelevant) == ("7", {"['b']", "5"}), "the library will say that it has no such record"
    path = write_lines(tmp_path / "twice.jsonl", {"question": "Who?", "relevant": {"a": 3}, "irrelevant": ["a"]})
    with pytest.raises(QuestionSetError, match=r"twice\.jsonl:1: a is both relevant and irrelevant; keep one"):
        read_questions(path)


@pytest.mark.parametrize("strange", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c"])
def test_a_line_ends_at_a_line_feed_alone(tmp_path: Path, strange: str) -> None:
    """Public test sets hold such letters inside their texts."""
    line = json.dumps({"question": f"one{strange}two", "relevant": {"a": 1}}, ensure_ascii=strange < " ")
    path = write_lines(tmp_path / "questions.jsonl", line)
    assert read_questions(path) == [Judged(f"one{strange}two", {"a": 1.0})]


GOOD_LINE = {"question": "Who?", "relevant": {"a": 1}}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "is not JSON"),
        ("nonsense", "is not JSON"),
        ("[]", "is not a JSON object"),
        ('"text"', "is not a JSON object"),
        ({"relevant": {"a": 1}}, 'a line has "question" (text) and "relevant" (record-id: 1 to 3)'),
        ({"question": "Who?"}, 'a line has "question" (text) and "relevant" (record-id: 1 to 3)'),
        ({"question": 5, "relevant": {}}, 'a line has "question" (text) and "relevant" (record-id: 1 to 3)'),
        ({"question": "Who?", "relevant": ["a"]}, 'a line has "question" (text) and "relevant" (record-id: 1 to 3)'),
        ({"question": "Who?", "relevant": {"a": 0}}, "a grade is 1, 2 or 3"),
        ({"question": "Who?", "relevant": {"a": 4}}, "a grade is 1, 2 or 3"),
        ({"question": "Who?", "relevant": {"a": 1.5}}, "a grade is 1, 2 or 3"),
        ({"question": "Who?", "relevant": {"a": "1"}}, "a grade is 1, 2 or 3"),
        ({"question": "Who?", "relevant": {"a": None}}, "a grade is 1, 2 or 3"),
        ({"question": "Who?", "relevant": {"a": [1]}}, "a grade is 1, 2 or 3"),
        ({"question": "Who?", "relevant": {"a": 1}, "tags": None}, "tags is a list"),
        ({"question": "Who?", "relevant": {"a": 1}, "tags": 5}, "tags is a list"),
    ],
)
def test_a_fault_has_its_line(tmp_path: Path, line: Any, says: str) -> None:
    path = write_lines(tmp_path / "questions.jsonl", GOOD_LINE, "", line)
    with pytest.raises(QuestionSetError) as caught:
        read_questions(path)
    assert str(caught.value).startswith(f"{path}:3: {says}")


def test_a_file_without_questions(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "questions.jsonl", "", " ")
    with pytest.raises(QuestionSetError, match="holds no question"):
        read_questions(path)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match=r"nowhere\.jsonl: cannot be read"):
        read_questions(tmp_path / "nowhere.jsonl")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(QuestionSetError, match="bytes: cannot be read"):
        read_questions(tmp_path / "bytes")


# --- over the library ------------------------------------------------------------------------------------------------


def own_questions() -> list[Judged]:
    return [Judged(record.answers[0], {record.id: 3.0}) for record in make_library()]


def test_a_library_answers_its_own_questions(knowledge: KnowledgeBase) -> None:
    result = evaluate_questions(knowledge, own_questions())
    whole = {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert result["questions"] == result["answerable"] == 6
    assert result["fused"] == {"ndcg@10": whole, "recall@10": whole, "mrr": whole}
    assert result["best_in_first_three"] == result["answered"] == whole
    assert result["unanswerable"] == {"questions": 0, "close": 0}
    assert set(result) >= {"lexical", "dense", "fused"}


def test_the_fusion_is_compared_with_each_leg_question_by_question(knowledge: KnowledgeBase) -> None:
    result = evaluate_questions(knowledge, own_questions())
    for leg in ("lexical", "dense"):
        least = 1.0 - result[leg]["ndcg@10"]["mean"]
        assert result["fused_over"][leg]["mean"] == pytest.approx(least, abs=1e-3)
    first = evaluate_questions(knowledge, [Judged("payroll", {"anytown-bins": 3.0})])
    assert first["fused_over"]["dense"]["low"] == first["fused_over"]["dense"]["high"], "one question has no spread"


def test_what_nobody_has_judged_is_counted(knowledge: KnowledgeBase) -> None:
    records = {record.id for record in make_library()}
    judged = Judged("payroll", {"l-9kd3ws": 3.0}, irrelevant=frozenset(records - {"l-9kd3ws", "anytown-bins"}))
    share = evaluate_questions(knowledge, [judged])["judged_in_first_ten"]["mean"]
    assert share == pytest.approx(5 / 6, abs=1e-4)
    with pytest.raises(QuestionSetError, match="the library has no record nobody"):
        evaluate_questions(knowledge, [Judged("payroll", {"l-9kd3ws": 3.0}, irrelevant=frozenset({"nobody"}))])


def test_judgements_that_say_the_opposite_give_low_measures(knowledge: KnowledgeBase) -> None:
    records = make_library()
    pairs = zip(records, records[1:] + records[:1], strict=True)
    wrong = [Judged(record.answers[0], {other.id: 1.0}) for record, other in pairs]
    result = evaluate_questions(knowledge, wrong)
    assert result["fused"]["mrr"]["mean"] <= 0.5
    assert result["fused"]["recall@10"]["mean"] == 1.0, "there are but six records"


def test_a_question_without_an_answer_counts_apart(knowledge: KnowledgeBase) -> None:
    questions = [*own_questions(), Judged("payroll system go live", {}), Judged("", {})]
    result = evaluate_questions(knowledge, questions)
    assert result["answerable"] == 6
    assert result["unanswerable"] == {"questions": 2, "close": 1}
    assert result["fused"]["mrr"]["mean"] == 1.0


@pytest.mark.parametrize("question", ["", "?!", "\x00", "x" * 20_000])
def test_a_question_of_any_kind_can_be_judged(knowledge: KnowledgeBase, question: str) -> None:
    result = evaluate_questions(knowledge, [Judged(question, {"anytown-bins": 1.0})])
    assert 0.0 <= result["fused"]["ndcg@10"]["mean"] <= 1.0


def test_a_record_that_is_not_in_the_library_is_named(knowledge: KnowledgeBase) -> None:
    with pytest.raises(QuestionSetError, match="'Who\\?': the library has no record nobody, nothing"):
        evaluate_questions(knowledge, [Judged("Who?", {"nothing": 1.0, "anytown-bins": 1.0, "nobody": 2.0})])


def test_a_leg_ranks_what_it_found_and_the_fused_order_all(knowledge: KnowledgeBase) -> None:
    searcher = knowledge.searcher()
    orders = rank_by_leg(searcher, searcher.rank("payroll"))
    assert orders["lexical"] == ["l-9kd3ws"]
    assert orders["fused"][0] == orders["dense"][0] == "l-9kd3ws"
    assert set(orders["fused"]) == {record.id for record in make_library()}


def test_the_result_reads_as_a_line_a_figure(knowledge: KnowledgeBase) -> None:
    lines = as_text(evaluate_questions(knowledge, own_questions())).split("\n")
    assert "questions              6" in lines
    assert "fused ndcg@10          1.000  (1.000 to 1.000)" in lines
    assert "unanswerable close     0" in lines


# --- a public test set -----------------------------------------------------------------------------------------------

DOCUMENTS = [
    {"_id": "d1", "title": "Refuse", "text": "Crews report missed bins from the street."},
    {"_id": "d2", "title": "", "text": "Foster carers recruit\u2028other foster carers."},
    {"_id": "d3", "title": "Payroll and pensions", "text": ""},
    {"_id": "d4", "title": "Libraries", "text": "A charity took over branch libraries. " * 40},
    {"_id": "d5", "text": "Nothing of interest here."},
]
QUERIES = [
    {"_id": "q1", "text": "missed bins crews"},
    {"_id": "q2", "text": "foster carers"},
    {"_id": "q3", "text": "payroll pensions"},
    {"_id": "q4", "text": "nobody judged this"},
]
JUDGEMENTS = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t2\nq3\td3\t1\nq3\td5\t1\nq9\td1\t1\n"


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    write_lines(folder / "corpus.jsonl", *DOCUMENTS)
    write_lines(folder / "queries.jsonl", *QUERIES)
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text(JUDGEMENTS, "utf-8")
    return folder


def test_a_test_set_is_scored_by_leg_and_fused(knowledge: KnowledgeBase, beir: Path) -> None:
    result = evaluate_beir(knowledge, beir, quiet)
    missed = 1 / (1 + 0.6309298)  # q3: the second relevant document shares no word with it
    assert result["queries"] == 3
    assert result["documents"] == 5
    assert result["recall@100"] == 1.0
    assert result["legs"]["lexical"] == pytest.approx((1 + 1 + missed) / 3, abs=1e-4)
    assert (1 + 1 + missed) / 3 <= result["ndcg@10"] <= 1.0
    assert 0.5 < result["legs"]["dense"] <= 1.0
    assert result["ask_ms_p50"] > 0
    assert json.loads(json.dumps(result)) == result


def test_a_second_run_embeds_nothing_and_scores_the_same(
    knowledge: KnowledgeBase, made_up_encoder: MadeUpEncoder, beir: Path
) -> None:
    first = evaluate_beir(knowledge, beir, quiet)
    made_up_encoder.embedded.clear()
    second = evaluate_beir(knowledge, beir, quiet)
    assert made_up_encoder.embedded == []
    assert {**second, "ask_ms_p50": 0} == {**first, "ask_ms_p50": 0}


def test_the_library_itself_is_left_as_it_was(knowledge: KnowledgeBase, beir: Path) -> None:
    before = knowledge.index.pointed_at()
    evaluate_beir(knowledge, beir, quiet)
    assert knowledge.index.pointed_at() == before
    assert knowledge.ask("payroll").hits[0].record == "l-9kd3ws"


def test_progress_is_told_stage_by_stage(knowledge: KnowledgeBase, beir: Path) -> None:
    told: list[tuple[str, int, int]] = []
    evaluate_beir(knowledge, beir, lambda *step: told.append(step))
    assert told[-1] == ("ask", 3, 3)
    assert {stage for stage, _, _ in told} >= {"read", "embed", "ask"}


def test_long_documents_are_cut_and_count_once(
    knowledge: KnowledgeBase, made_up_encoder: MadeUpEncoder, beir: Path
) -> None:
    made_up_encoder.embedded.clear()
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td4\t1\n", "utf-8")
    assert evaluate_beir(knowledge, beir, quiet)["documents"] == 5
    assert sum(text.startswith("Libraries\n") for text in made_up_encoder.embedded) > 1


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "qrels" / "test.tsv").unlink(), r"test\.tsv: not a BEIR judgement file"),
        (lambda folder: (folder / "qrels" / "test.tsv").write_text("q1\td1\t1\nq2\td2\t1\n"),
         r"test\.tsv: not a BEIR judgement file"),
        (lambda folder: (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\tgood\n"),
         r"test\.tsv: not a BEIR judgement file"),
        (lambda folder: (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\n"),
         r"test\.tsv: not a BEIR judgement file"),
        (lambda folder: (folder / "qrels" / "test.tsv").write_bytes(b"\xff"), r"test\.tsv: not a BEIR judgement file"),
        (lambda folder: (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq9\td1\t1\n"),
         r"no query of queries\.jsonl has a judgement"),
        (lambda folder: (folder / "queries.jsonl").unlink(), r"queries\.jsonl: cannot be read"),
        (lambda folder: (folder / "queries.jsonl").write_text("{\n"), r"queries\.jsonl:1: is not JSON"),
        (lambda folder: (folder / "corpus.jsonl").unlink(), r"corpus\.jsonl: cannot be read"),
        (lambda folder: (folder / "corpus.jsonl").write_text("[]\n"), r"corpus\.jsonl:1: is not a JSON object"),
        (lambda folder: (folder / "corpus.jsonl").write_text("\n"), r"corpus\.jsonl: holds no document"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_test_set_is_refused(
    knowledge: KnowledgeBase, beir: Path, spoil: Callable[[Path], Any], says: str
) -> None:
    spoil(beir)
    with pytest.raises(QuestionSetError, match=says):
        evaluate_beir(knowledge, beir, quiet)


def test_a_document_without_title_and_text_is_no_failure(knowledge: KnowledgeBase, beir: Path) -> None:
    write_lines(beir / "corpus.jsonl", *DOCUMENTS, {"_id": "d6"}, {"_id": "d7", "title": None, "text": None})
    result = evaluate_beir(knowledge, beir, quiet)
    assert result["documents"] == 7
    assert result["recall@100"] == 1.0


def test_a_folder_that_is_not_there_is_refused(knowledge: KnowledgeBase, tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match="nowhere"):
        evaluate_beir(knowledge, tmp_path / "nowhere", quiet)
