"""Builds an index generation from records, reusing from the last one whatever has not changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kb.dense import build_dense
from kb.drafts import Draft, facets_of, make_draft, place_row, searched_text
from kb.errors import DamagedGeneration, KbError, NoIndex
from kb.generation import (
    BUILDING_PREFIX,
    FORMAT_VERSION,
    Generation,
    IndexFolder,
    Layout,
    open_current,
    publish,
    reached,
    remove_old,
    seal,
)
from kb.lexical import Posting, build_lexical, record_facet
from kb.lock import builder_lock
from kb.passages import CHUNKER_VERSION
from kb.store import PassageRow, RecordRow, StoredRecord, write_passages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy.typing as npt

    from kb.encoder import Encoder

    Progress = Callable[[str, int, int], None]
    MakeDraft = Callable[[StoredRecord, Callable[[Sequence[str]], list[int]]], Draft]

_VERIFIED_PASSAGES: Final = 16
_EMBED_AT_ONCE: Final = 512  # texts between two steps of the progress bar, and the most that are held as word pieces


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. `reused` passages kept their vectors; `published` is False when nothing had changed."""

    generation: str
    records: int
    passages: int
    embedded: int
    reused: int
    seconds: float
    embed_seconds: float
    published: bool


@dataclass(slots=True)
class _Work:
    """What a build gathers: the rows of both tables, and for each passage its vectors once they are known."""

    records: list[RecordRow] = field(default_factory=list)
    passages: list[PassageRow] = field(default_factory=list)
    vectors: list[Any] = field(default_factory=list)
    sentences: list[Any] = field(default_factory=list)


def content_of(hashes: Iterable[tuple[str, str]], model: str) -> str:
    """One hash over everything that a generation depends on: the records' content, the model, the way of building."""
    digest = hashlib.sha256(f"{FORMAT_VERSION} {CHUNKER_VERSION} {model}\n".encode())
    for record, content in sorted(hashes):
        digest.update(f"{record} {content}\n".encode())
    return digest.hexdigest()


def build(
    index: IndexFolder,
    records: Sequence[StoredRecord],
    encoder: Encoder,
    *,
    draft: MakeDraft = make_draft,
    full: bool = False,
    progress: Progress = lambda *_: None,
) -> BuildReport:
    """Builds and publishes a generation of these records; with `full`, nothing of an earlier one is reused.

    `draft` makes the rows of one record (another one serves what is no record's Markdown, such as a test set).
    `progress` is called with a stage, how much of it is done, and how much there is. Raises BuilderBusy when another
    process is building, and KbError for a record that cannot be read or a disk that cannot be written.
    """
    started = time.perf_counter()
    content = content_of(((record.id, record.content_hash) for record in records), encoder.id)
    try:
        with builder_lock(index):
            previous = None if full else _previous(index)
            if previous is not None and previous.manifest.content == content:
                manifest = previous.manifest
                previous.close()
                count, seconds = manifest.passages, time.perf_counter() - started
                return BuildReport(previous.name, manifest.records, count, 0, count, seconds, 0.0, False)
            folder = Path(tempfile.mkdtemp(prefix=BUILDING_PREFIX, dir=index.folder))
            try:
                folder.chmod(0o755)
                work = _gather(records, encoder, _Kept(previous, encoder), draft, progress)
                report = _build_into(folder, index, work, encoder, content, started, progress)
                remove_old(index, previous.name if previous is not None else "")
                return report
            finally:
                if previous is not None:
                    previous.close()
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise KbError(f"{index.folder}: the index could not be written: {error}; the last one still answers") from error
    except (RuntimeError, ValueError) as error:  # what faiss and tantivy raise when the disk is full
        raise KbError(f"{index.folder}: the index could not be built: {error}; the last one still answers") from error


def _build_into(
    folder: Path,
    index: IndexFolder,
    work: _Work,
    encoder: Encoder,
    content: str,
    started: float,
    progress: Progress,
) -> BuildReport:
    layout = Layout(folder)
    reached("before-embedding")
    embedded, embed_seconds = _embed(work, encoder, progress)
    vectors = np.asarray(work.vectors, dtype=np.float16).reshape(-1, encoder.dimension)
    _point_ways_in(work, vectors)
    reached("before-writing")
    _write(layout, work, vectors, encoder.dimension, progress)
    reached("before-seal")
    seal(
        layout,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=encoder.id,
        dimension=encoder.dimension,
        chunker=CHUNKER_VERSION,
        content=content,
        records=len(work.records),
        passages=len(work.passages),
        embedded=embedded,
        seconds=round(time.perf_counter() - started, 3),
    )
    reached("before-verify")
    progress("verify", 0, 1)
    verify(layout)
    progress("verify", 1, 1)
    published = publish(index, folder, content)
    count = len(work.passages)
    seconds = time.perf_counter() - started
    return BuildReport(
        published.name, len(work.records), count, embedded, count - embedded, seconds, embed_seconds, True
    )


def _previous(index: IndexFolder) -> Generation | None:
    try:
        return open_current(index, hashes=True)  # what is copied forward must be what was built
    except NoIndex:
        return None


# --- gathering --------------------------------------------------------------------------------------------------------


def _gather(
    records: Sequence[StoredRecord], encoder: Encoder, kept: _Kept, draft: MakeDraft, progress: Progress
) -> _Work:
    """All rows, with the vectors of those that the previous generation has already; None for the others."""
    work = _Work()
    for number, record in enumerate(records):
        drafted = kept.record(record) or draft(record, encoder.count_tokens)
        first, ordinal = len(work.passages), len(work.records)
        work.records.append(drafted.row)
        for row in drafted.passages:
            vector, sentences = kept.vectors(row)
            work.passages.append(place_row(row, ordinal, first))
            work.vectors.append(vector)
            work.sentences.append(sentences)
        if number % 100 == 0:
            progress("read", number, len(records))
    progress("read", len(records), len(records))
    return work


class _Kept:
    """What the previous generation can give again: whole records by content hash, vectors by the words embedded."""

    def __init__(self, previous: Generation | None, encoder: Encoder) -> None:
        self._generation = previous
        self._drafts: dict[tuple[str, str], Draft] = {}
        self._ordinals: dict[str, int] = {}
        if previous is None or previous.manifest.model != encoder.id or previous.manifest.chunker != CHUNKER_VERSION:
            return
        of_record: dict[int, list[tuple[int, PassageRow]]] = {}
        for ordinal, row in previous.rows.passage_rows().items():
            of_record.setdefault(row.record, []).append((ordinal, row))
            self._ordinals[_searched_key(row)] = ordinal
        for number, record in enumerate(previous.rows.record_rows()):
            rows = of_record.get(number, [])
            passages = tuple(place_row(row, 0, -rows[0][0]) for _, row in rows)
            self._drafts[record.id, record.hash] = Draft(record, passages)

    def record(self, record: StoredRecord) -> Draft | None:
        return self._drafts.get((record.id, record.content_hash))

    def vectors(self, row: PassageRow) -> tuple[Any, Any]:
        ordinal = self._ordinals.get(_searched_key(row))
        if ordinal is None or self._generation is None:
            return None, None
        return self._generation.vectors[ordinal], self._generation.sentences_of(ordinal)


def _searched_key(row: PassageRow) -> str:
    return f"{row.prefix}\n{row.sentences}"


# --- embedding and writing --------------------------------------------------------------------------------------------


def _embed(work: _Work, encoder: Encoder, progress: Progress) -> tuple[int, float]:
    """Embeds the passages that have no vectors yet; how many there were, and the seconds it took."""
    missing = [ordinal for ordinal, vector in enumerate(work.vectors) if vector is None]
    # Neighbours in length go together, so that little is spent on padding.
    missing.sort(key=lambda ordinal: len(work.passages[ordinal].sentences))
    started = time.perf_counter()
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress("embed", done, len(missing))

    for begin in range(0, len(missing), _EMBED_AT_ONCE):
        some = missing[begin : begin + _EMBED_AT_ONCE]
        texts, spans = zip(*(searched_text(work.passages[ordinal]) for ordinal in some), strict=True)
        vectors, sentences = encoder.encode_passages(texts, spans, step)
        for row, ordinal in enumerate(some):
            work.vectors[ordinal] = vectors[row].astype(np.float16)
            work.sentences[ordinal] = sentences[row].astype(np.float16)
        reached("while-embedding")
    return len(missing), time.perf_counter() - started


def _point_ways_in(work: _Work, vectors: npt.NDArray[np.float16]) -> None:
    """Has each way in show the passage of its record that is nearest to it."""
    passages_of: dict[int, list[int]] = {}
    for ordinal, row in enumerate(work.passages):
        if not row.way_in:
            passages_of.setdefault(row.record, []).append(ordinal)
    for ordinal, row in enumerate(work.passages):
        if row.way_in:
            own = passages_of[row.record]
            cosines = vectors[own].astype(np.float32) @ vectors[ordinal].astype(np.float32)
            work.passages[ordinal] = place_row(row, row.record, own[int(cosines.argmax())] - row.target)


def _write(layout: Layout, work: _Work, vectors: npt.NDArray[np.float16], dimension: int, progress: Progress) -> None:
    steps = 4
    progress("write", 0, steps)
    write_passages(layout.passages, work.records, work.passages)
    reached("after-passages")
    progress("write", 1, steps)
    lengths = [len(sentences) for sentences in work.sentences]
    first = np.concatenate([[0], np.cumsum(lengths)])[:-1] if lengths else np.zeros(0)
    columns = [[row.record for row in work.passages], [row.target for row in work.passages], first]
    np.save(layout.columns, np.asarray(columns, dtype=np.int32).reshape(3, -1))
    np.save(layout.vectors, vectors)
    empty = np.zeros((0, dimension), dtype=np.float16)
    np.save(layout.sentence_vectors, np.concatenate([empty, *work.sentences]))
    progress("write", 2, steps)
    reached("after-vectors")
    build_dense(layout.dense, vectors.astype(np.float32))
    progress("write", 3, steps)
    reached("after-dense")
    build_lexical(layout.lexical, _postings(work))
    progress("write", 4, steps)


def _postings(work: _Work) -> Iterator[Posting]:
    facets = [facets_of(json.loads(record.card)["terms"]) for record in work.records]
    for ordinal, row in enumerate(work.passages):
        shown = work.passages[row.target]
        text, _ = searched_text(row)
        yield Posting(ordinal, text, (*facets[row.record], f"stance={shown.stance}", record_facet(row.record)))


def verify(layout: Layout) -> None:
    """Reopens a generation and asks it: counts equal in all parts, and both legs know a sample of passages as it is.

    Raises DamagedGeneration when it does not.
    """
    with Generation(layout.folder) as generation:
        count = generation.manifest.passages
        step = max(1, count // _VERIFIED_PASSAGES)
        rows = generation.rows.passage_rows(range(0, count, step))
        for ordinal, row in rows.items():
            vector = generation.vectors[ordinal].astype(np.float32)
            found = generation.dense.search(vector, 1)
            same = vector @ generation.vectors[found.ordinals[0]].astype(np.float32) if len(found.ordinals) else 0.0
            if not (len(found.ordinals) and (found.ordinals[0] == ordinal or same > 0.999 or not vector.any())):
                raise DamagedGeneration(f"{layout.folder}: passage {ordinal} does not find itself in the dense index")
            if not generation.lexical.holds(ordinal, generation.lexical.words(searched_text(row)[0])):
                raise DamagedGeneration(f"{layout.folder}: passage {ordinal} is not in the lexical index")
