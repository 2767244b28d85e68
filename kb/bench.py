"""Speed and memory: the search beside the bare encoder in the same run, since machines are noisy and ratios are not."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb.builder import BuildReport, build
from kb.drafts import Draft, draft_text, searched_text
from kb.encoder import normalise
from kb.generation import IndexFolder, open_current
from kb.search import Searcher
from kb.store import PassageRow, StoredRecord, content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from kb.encoder import Encoder
    from kb.knowledge import KnowledgeBase

    Floats = npt.NDArray[np.float32]
    Progress = Callable[[str, int, int], None]

QUESTIONS: Final = 300
_WARM_UP: Final = 20
_EMBEDDED_PASSAGES: Final = 500  # enough that what a build does besides embedding shows as it would in a large one
_EMBEDDING_ROUNDS: Final = 3
_COLD_STARTS: Final = 5
_PASSAGES_A_RECORD: Final = 12
_SENTENCES_A_PASSAGE: Final = 6
_SEED: Final = 7


def measure(knowledge: KnowledgeBase, passages: int | None, progress: Progress) -> dict[str, Any]:
    """Measures on the current index or, with `passages`, on a synthetic library of that many.

    Gives milliseconds (`encoder_ms`, `ask_ms`, `stages_ms`), passages a second of a full build and of the bare
    encoder on the same texts, the memory of a serving process in MB, and the seconds from the start of `kb ask` to
    its answer.
    """
    encoder = knowledge.encoder()
    material = _Material(knowledge)
    index = knowledge.index if passages is None else _synthetic(knowledge, material, passages, progress)
    with open_current(index) as generation:
        searcher = Searcher(generation, encoder)
        times = _time_questions(searcher, encoder, material.questions(QUESTIONS), progress)
        count = generation.manifest.passages
        size = sum(entry["bytes"] for entry in generation.manifest.files.values())
    rates = _time_embedding(knowledge, encoder, material, progress)
    rebuilt = _time_one_edit(knowledge, material, passages or count, progress)
    progress("start", 0, 1)
    cold, memory = _cold_start(index), _serving_memory(index)
    if passages is not None:
        shutil.rmtree(index.folder, ignore_errors=True)
    progress("start", 1, 1)
    return {
        "passages": count,
        "index_mb": round(size / 1e6, 1),
        **times,
        **rates,
        **rebuilt,
        "cold_start_s": cold,
        "memory_mb": memory,
    }


def as_text(result: dict[str, Any]) -> str:
    """The result for a person: a line a figure."""
    return "\n".join(
        f"{name:24} " + (", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value))
        for name, value in result.items()
    )


class _Material:
    """Sentences and questions of the library, to make synthetic passages and questions of."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        searcher = knowledge.searcher()
        rows = searcher.generation.rows.passage_rows()
        self.records = [row for row in rows.values() if not row.way_in]
        self.sentences: list[str] = []
        self.vectors: list[Floats] = []
        for ordinal, row in rows.items():
            if not row.way_in:
                self.sentences += json.loads(row.sentences)
                self.vectors += list(searcher.generation.sentences_of(ordinal).astype(np.float32))
        self.titles = [card["title"] for card in searcher.cards]
        self._asked = [answer for card in searcher.cards for answer in card["answers"]] or self.titles
        self._random = random.Random(_SEED)  # noqa: S311  made-up texts, not secrets

    def questions(self, count: int) -> list[str]:
        """Distinct questions: the library's own, then pairs of them cut together."""
        asked = list(dict.fromkeys(self._asked))
        pairs = itertools.permutations(asked, 2)
        joined = (f"{' '.join(a.split()[:6])} {' '.join(b.split()[-6:])}" for a, b in pairs)
        mixed = [*asked, *itertools.islice(joined, max(0, count * 3 - len(asked)))]
        self._random.shuffle(mixed)
        return list(dict.fromkeys(mixed))[:count]

    def passage(self) -> tuple[str, Floats]:
        """A made-up passage of whole sentences of the library, and the vector that such a passage would have."""
        chosen = self._random.choices(range(len(self.sentences)), k=_SENTENCES_A_PASSAGE)
        noise = np.random.default_rng(chosen).normal(0, 0.02, self.vectors[0].shape).astype(np.float32)
        return " ".join(self.sentences[one] for one in chosen), np.mean(
            [self.vectors[one] for one in chosen], 0
        ) + noise


@dataclass(slots=True)
class _Composed:
    """An encoder for synthetic passages: their vectors are composed, not computed; everything else is the real one's.

    Embedding 100,000 passages takes the better part of an hour; how fast that goes is measured on real ones.
    """

    real: Encoder
    vectors: dict[str, Floats]

    @property
    def id(self) -> str:
        return self.real.id

    @property
    def dimension(self) -> int:
        return self.real.dimension

    def encode_query(self, question: str) -> Floats:
        return self.real.encode_query(question)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self.real.count_tokens(texts)

    def encode_passages(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]], progress: Callable[[int], None]
    ) -> tuple[Floats, list[Floats]]:
        vectors = normalise(np.stack([self.vectors[text.partition("\n")[2]] for text in texts]))
        progress(len(texts))
        return vectors, [np.repeat(vectors[row : row + 1], len(inner), axis=0) for row, inner in enumerate(spans)]


def _make_library(material: _Material, passages: int) -> tuple[list[StoredRecord], dict[str, Draft], dict[str, Floats]]:
    """A synthetic library: records of twelve passages, each cut exactly as it is."""
    stored, drafts, vectors = [], {}, {}
    for number in range(-(-passages // _PASSAGES_A_RECORD)):
        name, title = f"synthetic-{number}", material.titles[number % len(material.titles)]
        rows: list[PassageRow] = []
        for _ in range(min(_PASSAGES_A_RECORD, passages - number * _PASSAGES_A_RECORD)):
            text, vector = material.passage()
            vectors[text] = vector
            rows += draft_text(name, title, text, lambda texts: [1] * len(texts)).passages
        row = replace(draft_text(name, title, name, lambda texts: [1] * len(texts)).row, hash=content_hash(name))
        drafts[name] = Draft(row, tuple(replace(one, target=place) for place, one in enumerate(rows)))
        stored.append(StoredRecord(name, content_hash(name), ""))
    return stored, drafts, vectors


def _synthetic(knowledge: KnowledgeBase, material: _Material, passages: int, progress: Progress) -> IndexFolder:
    index = knowledge.index.throw_away(f"synthetic-{passages}")
    shutil.rmtree(index.folder, ignore_errors=True)
    index.folder.mkdir(parents=True)
    index.models.symlink_to(knowledge.index.models.resolve())
    stored, drafts, vectors = _make_library(material, passages)
    encoder = _Composed(knowledge.encoder(), vectors)
    build(index, stored, encoder, draft=lambda record, _: drafts[record.id], progress=progress)
    return index


def _time_questions(
    searcher: Searcher, encoder: Encoder, questions: Sequence[str], progress: Progress
) -> dict[str, Any]:
    """The bare encoder and the whole answer in turn, question by question, so that both meet the same noise."""
    for question in questions[:_WARM_UP]:
        searcher.ask(question)
    bare, whole, stages = [], [], []
    for number, question in enumerate(questions):
        started = time.perf_counter()
        encoder.encode_query(question)
        between = time.perf_counter()
        answer = searcher.ask(question)
        ended = time.perf_counter()
        bare.append((between - started) * 1e3)
        whole.append((ended - between) * 1e3)
        stages.append(answer.milliseconds)
        progress("ask", number + 1, len(questions))
    names = [name for name in stages[0] if name != "total"]
    return {
        "encoder_ms": _percentiles(bare),
        "ask_ms": _percentiles(whole),
        "ask_over_encoder": round(float(np.median(whole) / np.median(bare)), 2),
        "stages_ms": {name: round(float(np.median([one[name] for one in stages])), 3) for name in names},
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {f"p{part}": round(float(np.percentile(values, part)), 3) for part in (50, 95)}


def _time_embedding(
    knowledge: KnowledgeBase, encoder: Encoder, material: _Material, progress: Progress
) -> dict[str, float]:
    """Passages a second: full builds of real passages, and the encoder alone on the same texts, in turn.

    The ratio is the median over the rounds: within one round both meet about the same noise.
    """
    rows = list(itertools.islice(itertools.cycle(material.records), _EMBEDDED_PASSAGES))
    records = {f"embedded-{number}": (f"{row.prefix} {number}", row) for number, row in enumerate(rows)}
    texts = [f"{title}\n{searched_text(row)[0].partition(chr(10))[2]}" for title, row in records.values()]
    stored = [StoredRecord(name, content_hash(name), "") for name in records]
    index = knowledge.index.throw_away("embedding")

    def draft(record: StoredRecord, count: Callable[[Sequence[str]], list[int]]) -> Draft:
        title, row = records[record.id]
        return draft_text(record.id, title, " ".join(json.loads(row.sentences)), lambda some: [1] * len(some))

    def embed() -> float:
        started = time.perf_counter()
        encoder.encode_passages(texts, [()] * len(texts), lambda _: None)
        return len(texts) / (time.perf_counter() - started)

    bare, built = [embed()], []
    for _ in range(_EMBEDDING_ROUNDS):
        report = build(index, stored, encoder, draft=draft, full=True, progress=progress)
        built.append(report.embedded / report.seconds)
        bare.append(embed())
    shutil.rmtree(index.folder, ignore_errors=True)
    around = [(before + after) / 2 for before, after in itertools.pairwise(bare)]
    return {
        "build_passages_per_s": round(float(np.median(built)), 1),
        "encoder_passages_per_s": round(float(np.median(bare)), 1),
        "build_over_encoder": round(float(np.median([one / two for one, two in zip(built, around, strict=True)])), 3),
    }


def _time_one_edit(
    knowledge: KnowledgeBase, material: _Material, passages: int, progress: Progress
) -> dict[str, float]:
    """Seconds to index again after one record of a library of this size was edited, its new passages embedded."""
    index = knowledge.index.throw_away("edit")
    shutil.rmtree(index.folder, ignore_errors=True)
    stored, drafts, vectors = _make_library(material, passages)
    encoder = knowledge.encoder()
    build(index, stored, _Composed(encoder, vectors), draft=lambda record, _: drafts[record.id], progress=progress)
    name = stored[0].id
    texts = " ".join(" ".join(json.loads(row.sentences)) for row in drafts[name].passages)
    edited = draft_text(name, "An edited record", texts, encoder.count_tokens)
    changed = Draft(type(edited.row)(name, content_hash(texts), "", drafts[name].row.card), edited.passages)
    again = [StoredRecord(name, content_hash(texts), ""), *stored[1:]]
    report: BuildReport = build(index, again, encoder, draft=lambda record, _: changed, progress=progress)
    shutil.rmtree(index.folder, ignore_errors=True)
    return {"reindex_one_edit_s": round(report.seconds, 3), "reindex_embedded": report.embedded}


def _cold_start(index: IndexFolder) -> float:
    """Median seconds from the start of `kb ask` to its answer, in processes of their own."""
    command = [sys.executable, "-m", "kb", "ask", "how did others recover from this?", "--json"]
    times = []
    for _ in range(_COLD_STARTS):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=_environment(index))  # noqa: S603  our own command
        times.append(time.perf_counter() - started)
    return round(float(np.median(times)), 3)


_SERVING: Final = """
import re
from webapp import create_app
client = create_app().test_client()
for number in range(40):
    assert client.get("/api/v1/search", query_string={"q": f"what went wrong {number}"}).status_code == 200
    assert client.get("/search", query_string={"q": f"how did others recover {number}"}).status_code == 200
with open("/proc/self/status") as status:
    print(int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) / 1024)
"""


def _serving_memory(index: IndexFolder) -> float:
    """The most memory that a process serving the pages has held after 80 answers, in MB."""
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-c", _SERVING], check=True, capture_output=True, text=True, env=_environment(index)
    )
    return round(float(done.stdout.strip().splitlines()[-1]), 1)


def _environment(index: IndexFolder) -> dict[str, str]:
    return {**os.environ, "KB_INDEX": str(index.folder)}
