"""KnowledgeBase: the one object that the command line and the web app talk to."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self, TypeVar

from kb.abbreviations import Abbreviations, AbbreviationTableError, find_abbreviations
from kb.builder import BuildReport, build, content_of
from kb.corpus import FileFault, council_names, council_tables, read_corpus
from kb.encoder import Encoder, open_encoder
from kb.errors import DamagedGeneration, KbError, NoIndex
from kb.export import ensure_export
from kb.gaps import Gap, clean_gap
from kb.generation import Generation, IndexFolder, Manifest, check_files, open_current
from kb.peers import Peers
from kb.places import Places, places_like, tell_likeness
from kb.reading import Reading
from kb.search import Searcher, Wanted
from kb.sign_checker import SignChecker
from kb.store import LoadReport, RecordStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from kb.answer import Answer
    from kb.browse import Catalogue
    from kb.councils import Council
    from kb.filters import Filters
    from kb.history import Version
    from kb.records import Record
    from kb.related_records import Related
    from kb.settings import Settings
    from kb.signs import Signs

# Readers' preferences for places like theirs that are kept ready; some 700 bytes each at this library's size.
_KEPT_PREFERENCES: Final = 256
_LOG: Final = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Health:
    """Whether questions can be answered, and from what; `message` says what to do when they cannot."""

    ok: bool
    generation: str
    records: int
    passages: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What is built, from what, how big and how old. `stale` is True when the store has changed since."""

    health: Health
    manifest: Manifest | None
    stored: int
    stale: bool
    bytes: int
    folder: Path


class KnowledgeBase:
    """The library: asks, reads, builds. Safe for several threads to read at once.

    What answers is one immutable snapshot; `refresh` swaps it for a newly published one between questions, and a
    question that is under way keeps the one it began with.
    """

    def __init__(self, settings: Settings, *, encoder: Encoder | None = None) -> None:
        """Opens nothing yet. `encoder` takes the place of the model, in tests."""
        self.settings = settings
        self.index = IndexFolder(settings.index)
        self._encoder = encoder
        self._snapshot: Searcher | None = None
        self._read_from: Reading | None = None
        self._checker: SignChecker | None = None
        self._lock = threading.Lock()
        self._preferences: dict[tuple[str, str, bool], Places] = {}

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """A knowledge base that is ready to answer, or that says why not when it is first asked."""
        knowledge = cls(settings)
        try:
            knowledge.refresh()
        except KbError as error:
            _LOG.warning("%s", error)
        return knowledge

    def close(self) -> None:
        with self._lock:
            if self._snapshot is not None:
                self._snapshot.generation.close()
            self._snapshot = None
            self._forget()

    def _forget(self) -> None:
        """Lets go of all that was derived from a snapshot: with it, a record that is withdrawn leaves the memory."""
        self._read_from = None
        self._checker = None
        self._preferences = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- asking and reading -------------------------------------------------------------------------------------------

    def ask(
        self,
        question: str,
        filters: Filters | None = None,
        *,
        limit: int = 10,
        offset: int = 0,
        balanced: bool = False,
        order: str = "relevance",
        view: str = "best",
        council: Council | None = None,
        places: str = "all",
    ) -> Answer:
        """Answers a question of any kind. Raises NoIndex when there is nothing to answer from.

        `limit` and `offset` choose a page of the records; `order` is one of kb.search.ORDERS, `view` of kb.views.VIEWS.
        With a council, `places` lifts records about similar places (`first`) or leaves out the others (`like`).
        """
        wanted = Wanted(limit, offset, balanced, order, view)

        def answer(searcher: Searcher) -> Answer:
            preferred = self._places(searcher, council, only=places == "like") if council and places != "all" else None
            return searcher.ask(question, filters, wanted, preferred)

        return self._read(answer)

    def _places(self, searcher: Searcher, council: Council, *, only: bool) -> Places:
        key = (searcher.generation.name, council.gss, only)
        known = self._preferences.get(key)
        if known is None:
            if len(self._preferences) >= _KEPT_PREFERENCES:
                self._preferences.clear()
            known = self._preferences[key] = places_like(searcher.cards, self.peers, council, only=only)
        return known

    def signs(self, text: str) -> Signs:
        """Which of the library's warning signs a pasted text shows. Keeps nothing of it. Raises NoIndex."""
        return self._read(lambda searcher: self._checker_of(searcher).check(text))

    def _checker_of(self, searcher: Searcher) -> SignChecker:
        checker = self._checker
        if checker is None or checker.searcher is not searcher:
            checker = self._checker = SignChecker(searcher, self.encoder())
        return checker

    def likeness_of(self, records: Iterable[str], council: Council) -> dict[str, str]:
        """How alike the places of these records are to this council's, in words, where anything can be said."""
        wanted = set(records)
        return tell_likeness([card for card in self.searcher().cards if card["id"] in wanted], self.peers, council)

    def record(self, record_id: str) -> Record | None:
        """A record as published, or None when there is none of that id. Raises NoIndex."""
        return self._read(lambda searcher: searcher.record(record_id))

    def similar(self, record_id: str, limit: int = 6) -> tuple[Related, ...]:
        """Records that belong with this one, all of its own kind: linked, of another outcome, alike. Raises NoIndex."""
        return self._read(lambda searcher: self._reading_of(searcher).similar(record_id, limit))

    def versions(self, record_id: str) -> tuple[Version, ...]:
        """When this case's text and those before it were taken in, newest first; none of a lesson. Raises NoIndex."""
        return self._read(lambda searcher: self._reading_of(searcher).versions(record_id, self.store_path))

    def catalogue(self) -> Catalogue:
        """The records without a question: an index to filter and to count. Raises NoIndex."""
        return self._read(lambda searcher: self._reading_of(searcher).catalogue)

    def _reading_of(self, searcher: Searcher) -> Reading:
        known = self._read_from
        if known is None or known.searcher is not searcher:
            known = self._read_from = Reading(searcher)
        return known

    def example_questions(self, count: int = 4) -> tuple[str, ...]:
        """Questions that the library answers, from as many different records as can be. Raises NoIndex."""
        cards = [card for card in self.searcher().cards if card["answers"]]
        step = max(1, len(cards) // count) if count else 1
        return tuple(min(card["answers"], key=len) for card in cards[::step][:count])

    def facet_counts(self) -> dict[str, dict[str, int]]:
        """How many records have each value of each facet, over the whole library. Raises NoIndex."""
        return self.searcher().library_counts()

    @cached_property
    def peers(self) -> Peers:
        """The councils and how alike their places are, read once. Raises KbError when there is no usable table."""
        tables = council_tables(self.settings.corpus)
        if tables is None:
            raise KbError(f"{self.settings.corpus / 'councils.csv'}: no such file; run scripts/council_table.py")
        return Peers(*tables)

    def health(self) -> Health:
        """Never raises: what is wrong stands in the message."""
        try:
            generation = self.searcher().generation
        except KbError as error:
            return Health(False, "", 0, 0, str(error))
        return Health(True, generation.name, generation.manifest.records, generation.manifest.passages)

    def _read(self, read: Callable[[Searcher], T]) -> T:
        """Reads from the snapshot; when it turns out damaged while it is open, once more from the last good one."""
        searcher = self.searcher()
        try:
            return read(searcher)
        except DamagedGeneration as error:
            _LOG.warning("generation %s failed while it was read: %s", searcher.generation.name, error)
            with self._lock:
                if self._snapshot is searcher:
                    self._snapshot = None
            self.refresh(hashes=True)
            return read(self.searcher())

    def searcher(self) -> Searcher:
        """The snapshot that answers now, opened on first use. Raises NoIndex."""
        if self._snapshot is None:
            self.refresh()
        snapshot = self._snapshot
        if snapshot is None:
            raise NoIndex(f"{self.index.folder}: no index that can answer; run `kb load` and then `kb index`")
        return snapshot

    def refresh(self, *, hashes: bool = False) -> None:
        """Swaps to the generation that CURRENT names, if it is another one. Raises NoIndex when there is none.

        A generation that is replaced closes when the last question that uses it has ended. `hashes` checks every byte.
        """
        with self._lock:
            now = self._snapshot
            if now is not None and self.index.pointed_at() == now.generation.name:
                return
            generation = open_current(self.index, hashes=hashes)
            if now is not None and generation.name == now.generation.name:
                generation.close()
                return
            encoder, abbreviations = self._encoder_for(generation), self._abbreviations()
            self._snapshot = Searcher(generation, encoder, abbreviations, self._council_names())
            self._forget()

    def _abbreviations(self) -> Abbreviations:
        """The table of abbreviations; none, with a warning, when there is a fault in it."""
        try:
            return find_abbreviations(self.settings.corpus)
        except AbbreviationTableError as error:
            _LOG.warning("%s; until then questions are taken as they stand", error)
            return Abbreviations()

    def _council_names(self) -> list[str]:
        try:
            return [name for one in self.peers.councils for name in (one.name, *one.alternative_names)]
        except KbError:  # a library without a table of councils
            return []

    def _encoder_for(self, generation: Generation) -> Encoder:
        encoder = self.encoder()
        if encoder.id != generation.manifest.model:
            generation.close()
            raise NoIndex(
                f"{generation.layout.folder}: was built with {generation.manifest.model}, and the model is now "
                f"{encoder.id}; run `kb index`, or start again with the KB_MODEL that it was built with"
            )
        return encoder

    def encoder(self) -> Encoder:
        """The embedding model, exported on first use. Raises ModelError."""
        if self._encoder is None:
            files = ensure_export(self.settings.model, self.index.models)
            self._encoder = open_encoder(files, self.settings.threads)
        return self._encoder

    # --- building -----------------------------------------------------------------------------------------------------

    @property
    def store_path(self) -> Path:
        return self.settings.instance / "kb.sqlite"

    def load(self, paths: Sequence[Path] = (), *, prune: bool = False) -> tuple[LoadReport, tuple[FileFault, ...]]:
        """Loads records from these paths, or from the whole corpus, into the store; files with faults are left out.

        `prune` removes records whose file is gone, but only when the whole corpus could be read. Raises KbError.
        """
        with RecordStore(self.store_path, migrate=True) as store:
            names = council_names(self.settings.corpus)
            corpus = read_corpus(paths or (self.settings.corpus,), names, store.loaded(), whole=not paths)
            files = {file.record.id: (file.record.kind, file.markdown) for file in corpus.files}
            # A file with a fault is still there: nothing may be taken for absent while any file could not be read.
            whole = not paths and not corpus.faults
            return store.load(files, unchanged=corpus.unchanged, whole=whole, prune=prune), corpus.faults

    def build(self, *, full: bool = False, progress: Callable[[str, int, int], None] = lambda *_: None) -> BuildReport:
        """Builds and publishes a generation of what the store holds. Raises KbError."""
        with RecordStore(self.store_path) as store:
            records = list(store.records())
        if not records:
            raise KbError(f"{self.store_path}: holds no record; run `kb load` first")
        return build(self.index, records, self.encoder(), full=full, progress=progress)

    # --- gaps ---------------------------------------------------------------------------------------------------------

    def record_gap(self, question: str) -> Gap:
        """Records a question that has no answer here, because whoever asked it said so; nothing of who or when.

        Raises GapRefused for one that is empty or too long or when the list is full, StoreError when the store cannot
        be written or has an older shape.
        """
        text = clean_gap(question)
        with RecordStore(self.store_path) as store:
            return store.add_gap(text)

    def gaps(self) -> tuple[Gap, ...]:
        """The questions recorded, those most often recorded first. Raises StoreError."""
        with RecordStore(self.store_path) as store:
            return tuple(store.gaps())

    def status(self, *, hashes: bool = False) -> Status:
        """What is built, from what, how big and how old; `hashes` checks every byte of it. Never raises for a lack."""
        health = self.health()
        stored, content = self._stored(health)
        if not health.ok:
            return Status(health, None, stored, True, 0, self.index.folder)
        generation = self.searcher().generation
        try:
            manifest = check_files(generation.layout, hashes=hashes)
        except KbError as error:
            damaged = Health(False, health.generation, health.records, health.passages, str(error))
            return Status(damaged, None, stored, True, 0, generation.layout.folder)
        size = sum(entry["bytes"] for entry in manifest.files.values())
        return Status(health, manifest, stored, content != manifest.content, size, generation.layout.folder)

    def _stored(self, health: Health) -> tuple[int, str]:
        try:
            with RecordStore(self.store_path) as store:
                hashes = store.hashes()
        except KbError:
            return 0, ""
        model = self.searcher().generation.manifest.model if health.ok else ""
        return len(hashes), content_of(hashes.items(), model)
