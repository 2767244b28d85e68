"""Judged questions -> measures, on the library itself or on a public test set in BEIR layout."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb import measures, ranking
from kb.builder import build
from kb.drafts import draft_text
from kb.errors import QuestionSetError
from kb.generation import open_current
from kb.search import Searcher
from kb.store import StoredRecord, content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kb.knowledge import KnowledgeBase
    from kb.ranker import Ranked

    Progress = Callable[[str, int, int], None]

LEGS: Final = ("lexical", "dense", "fused")


@dataclass(frozen=True, slots=True)
class Judged:
    """A question with the grade of each relevant record; empty when the library has no answer.

    `irrelevant` names records that were read for this question and do not bear on it.
    """

    question: str
    relevant: dict[str, float]
    half: str = ""
    tags: tuple[str, ...] = ()
    irrelevant: frozenset[str] = frozenset()
    id: str = field(default="", compare=False)


def read_questions(path: Path) -> list[Judged]:
    """Reads JSON lines {"question", "relevant": {"record-id": 1 to 3}}; "irrelevant", "half" and "tags" are optional.

    Raises QuestionSetError with file and line.
    """
    questions = []
    for number, data in _json_lines(path):
        question, relevant = data.get("question"), data.get("relevant")
        if not isinstance(question, str) or not isinstance(relevant, dict):
            raise QuestionSetError(f'{path}:{number}: a line has "question" (text) and "relevant" (record-id: 1 to 3)')
        if any(grade not in (1, 2, 3) for grade in relevant.values()):
            raise QuestionSetError(f"{path}:{number}: a grade is 1, 2 or 3")
        tags, irrelevant = data.get("tags", []), data.get("irrelevant", [])
        if not isinstance(tags, list) or not isinstance(irrelevant, list):
            raise QuestionSetError(f"{path}:{number}: tags is a list of words, irrelevant a list of record ids")
        others = frozenset(map(str, irrelevant))
        both = relevant.keys() & others
        if both:
            raise QuestionSetError(f"{path}:{number}: {min(both)} is both relevant and irrelevant; keep one")
        grades = {name: float(grade) for name, grade in relevant.items()}
        half, name = str(data.get("half", "")), str(data.get("id", ""))
        questions.append(Judged(question, grades, half, tuple(map(str, tags)), others, name))
    if not questions:
        raise QuestionSetError(f"{path}: holds no question")
    return questions


def rank_by_leg(searcher: Searcher, ranked: Ranked) -> dict[str, list[str]]:
    """The ids of the records in the order of each leg alone, and fused.

    The candidates are those that either leg proposed; a leg leaves out what it gives no score at all.
    """
    ids = [card["id"] for card in searcher.cards]
    records = searcher.generation.record_of[ranked.passages].astype(np.int64)
    fused = [ids[record] for record, _ in ranked.groups]
    orders = {}
    for leg, scores in (("lexical", ranked.lexical), ("dense", ranked.semantic)):
        found = scores > 0
        groups = ranking.group(records[found], ranked.passages[found], scores[found])
        orders[leg] = [ids[record] for record, _ in groups]
    return {**orders, "fused": fused}


def evaluate_questions(knowledge: KnowledgeBase, questions: Sequence[Judged]) -> dict[str, Any]:
    """nDCG@10, recall@10 and MRR over the answerable questions, by leg and fused, with bootstrap 95% intervals.

    `fused_over` is the mean difference of nDCG@10, question by question, between the fusion and each leg.
    `unanswerable` says how many questions without an answer there were, and how many of those something close was
    found for; `answered` is the share of the answerable ones for which something close was found; `judged_in_first_ten`
    the share of what was found first that somebody has judged for that question: an unjudged record counts as
    irrelevant. Raises QuestionSetError for a record id that the library does not have.
    """
    searcher = knowledge.searcher()
    known = {card["id"] for card in searcher.cards}
    scores: dict[str, dict[str, list[float]]] = {leg: {"ndcg@10": [], "recall@10": [], "mrr": []} for leg in LEGS}
    best_in_three, answered, seen, wrongly = [], [], [], 0
    for judged in questions:
        unknown = (judged.relevant.keys() | judged.irrelevant) - known
        if unknown:
            raise QuestionSetError(f"{judged.question!r}: the library has no record {', '.join(sorted(unknown))}")
        ranked = searcher.rank(judged.question)
        close = any(band != "weak" for band in ranked.bands)
        if not judged.relevant:
            wrongly += close
            continue
        answered.append(float(close))
        orders = rank_by_leg(searcher, ranked)
        for leg, order in orders.items():
            scores[leg]["ndcg@10"].append(measures.ndcg(order, judged.relevant))
            scores[leg]["recall@10"].append(measures.recall(order, judged.relevant, 10))
            scores[leg]["mrr"].append(measures.reciprocal_rank(order, judged.relevant))
        first = orders["fused"][:10]
        seen.append(sum(name in judged.relevant or name in judged.irrelevant for name in first) / max(1, len(first)))
        best = max(judged.relevant.values())
        best_in_three.append(float(any(judged.relevant.get(name) == best for name in orders["fused"][:3])))
    return {
        "questions": len(questions),
        "answerable": len(answered),
        **{leg: {name: measures.mean_with_interval(values) for name, values in scores[leg].items()} for leg in LEGS},
        "fused_over": {
            leg: measures.mean_with_interval(
                np.subtract(scores["fused"]["ndcg@10"], scores[leg]["ndcg@10"]).tolist(),
            )
            for leg in LEGS[:2]
        },
        "best_in_first_three": measures.mean_with_interval(best_in_three),
        "answered": measures.mean_with_interval(answered),
        "judged_in_first_ten": measures.mean_with_interval(seen),
        "unanswerable": {"questions": len(questions) - len(answered), "close": wrongly},
    }


def evaluate_beir(knowledge: KnowledgeBase, folder: Path, progress: Progress) -> dict[str, Any]:
    """Scores the search on a test set: {"ndcg@10", "recall@100", "legs", "queries", "documents", "ask_ms_p50"}.

    Builds a throw-away index over corpus.jsonl, through the same passages, encoder, legs and fusion as the product;
    its embeddings are kept beside the index, so that a second run embeds nothing. Raises QuestionSetError for a
    folder that is not in BEIR layout.
    """
    judged = _read_beir_questions(folder)
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    index = knowledge.index.throw_away(f"{folder.name}-{digest}")
    encoder = knowledge.encoder()
    documents = _read_documents(folder / "corpus.jsonl")
    stored = [StoredRecord(name, content_hash(f"{title}\n{text}"), text) for name, (title, text) in documents.items()]
    build(
        index,
        stored,
        encoder,
        draft=lambda record, count: draft_text(record.id, documents[record.id][0], record.markdown, count),
        progress=progress,
    )
    values: dict[str, list[float]] = {leg: [] for leg in LEGS}
    recalls, times = [], []
    with open_current(index) as generation:
        searcher = Searcher(generation, encoder)
        for number, one in enumerate(judged):
            started = time.perf_counter()
            searcher.ask(one.question)
            times.append((time.perf_counter() - started) * 1e3)
            orders = rank_by_leg(searcher, searcher.rank(one.question))
            for leg in LEGS:
                values[leg].append(measures.ndcg(orders[leg], one.relevant))
            recalls.append(measures.recall(orders["fused"], one.relevant, 100))
            progress("ask", number + 1, len(judged))
    means = {leg: round(float(np.mean(scores)), 4) for leg, scores in values.items()}
    return {
        "ndcg@10": means["fused"],
        "recall@100": round(float(np.mean(recalls)), 4),
        "legs": {"lexical": means["lexical"], "dense": means["dense"]},
        "queries": len(judged),
        "documents": len(documents),
        "ask_ms_p50": round(float(np.percentile(times, 50)), 3),
    }


def as_text(result: dict[str, Any]) -> str:
    """The result for a person: a line a figure."""
    lines = []
    for name, value in result.items():
        if isinstance(value, dict) and "mean" in value:
            lines.append(f"{name:22} {value['mean']:.3f}  ({value['low']:.3f} to {value['high']:.3f})")
        elif isinstance(value, dict):
            for inner, figure in value.items():
                told = (
                    figure if not isinstance(figure, dict) else "{mean:.3f}  ({low:.3f} to {high:.3f})".format(**figure)
                )
                lines.append(f"{name + ' ' + inner:22} {told}")
        else:
            lines.append(f"{name:22} {value}")
    return "\n".join(lines)


def _read_documents(path: Path) -> dict[str, tuple[str, str]]:
    """Title and text of each document, by id; a document without a text has its title for one."""
    documents = {}
    for number, data in _json_lines(path):
        title = str(data.get("title") or "").strip()
        documents[str(data.get("_id", number))] = (title, str(data.get("text") or "").strip() or title or "-")
    if not documents:
        raise QuestionSetError(f"{path}: holds no document")
    return documents


def _read_beir_questions(folder: Path) -> list[Judged]:
    """The queries that have judgements, in the order of queries.jsonl."""
    relevant: dict[str, dict[str, float]] = {}
    path = folder / "qrels" / "test.tsv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = float(row["score"])
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise QuestionSetError(f"{path}: not a BEIR judgement file (query-id, corpus-id, score): {error}") from error
    texts = {str(data.get("_id")): str(data.get("text", "")) for _, data in _json_lines(folder / "queries.jsonl")}
    judged = [Judged(text, relevant[name]) for name, text in texts.items() if name in relevant]
    if not judged:
        raise QuestionSetError(f"{folder}: no query of queries.jsonl has a judgement in qrels/test.tsv")
    return judged


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        # Texts may hold letters that `splitlines` would take for the end of a line, such as U+2028.
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionSetError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except ValueError as error:
            raise QuestionSetError(f"{path}:{number}: is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise QuestionSetError(f"{path}:{number}: is not a JSON object")
        yield number, data
