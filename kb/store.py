"""All SQL: the system of record (kb.sqlite) and the passages of an index generation (passages.sqlite).

Writes begin with BEGIN IMMEDIATE, one writer at a time; readers of a generation open it read only and immutable.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Self

from sqlite_utils import Database

from kb.errors import DamagedGeneration, GapRefused, StoreError
from kb.gaps import ALL_GAPS_MAX_CHARACTERS, GAPS_MAX, Gap, folded
from kb.migrations import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_BUSY_SECONDS: Final = 5.0
# SQLite's limit on variables in one statement, kept well below the lowest that is compiled in anywhere.
_MOST_VARIABLES: Final = 500


def content_hash(markdown: str) -> str:
    """SHA-256 of a record's file, in hexadecimal."""
    return hashlib.sha256(markdown.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as the system of record has it."""

    id: str
    content_hash: str
    markdown: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a record's text: its hash, where it came from, and when it was taken in (ISO, UTC)."""

    content_hash: str
    origin: str
    at: str


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did, by record id. `conflicts` were changed in the file and here; neither was overwritten."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    conflicts: tuple[str, ...]
    absent: tuple[str, ...]
    removed: tuple[str, ...]


class RecordStore:
    """The system of record. Use it with `with`; one thread at a time."""

    def __init__(self, path: Path, *, migrate: bool = False) -> None:
        """Opens kb.sqlite; `migrate` makes it and brings its shape up to date first.

        Raises StoreError when it cannot be opened, is no database, or has another shape than this version knows.
        """
        self._path = path
        if not migrate and not path.exists():
            raise StoreError(f"{path}: no such database; run `kb load`")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            try:
                self._db = Database(connection)
                self._refuse_others()
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA journal_mode = WAL")
                if migrate:
                    self._migrate()
                self._check_shape()
            except BaseException:
                connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: cannot be opened: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def records(self) -> Iterator[StoredRecord]:
        """All records, by id."""
        with self._reading():
            for row in self._db.query("select id, content_hash, markdown from records order by id"):
                yield StoredRecord(row["id"], row["content_hash"], row["markdown"])

    def hashes(self) -> dict[str, str]:
        """The content hash of each record, by id."""
        with self._reading():
            return {row["id"]: row["content_hash"] for row in self._db.query("select id, content_hash from records")}

    def loaded(self) -> dict[str, str]:
        """The hash of each record's file as it was last loaded, by id."""
        with self._reading():
            return {row["id"]: row["loaded_hash"] for row in self._db.query("select id, loaded_hash from records")}

    def load(
        self,
        files: Mapping[str, tuple[str, str]],
        *,
        unchanged: Sequence[str] = (),
        whole: bool = False,
        prune: bool = False,
    ) -> LoadReport:
        """Takes records from files, by id: (kind, Markdown). All of it or, on an error, none.

        `unchanged` are the ids of files that are there and need not be looked at.

        A record that was edited here since it was loaded is never overwritten: when its file changed too, it is a
        conflict. With `whole`, the files are all there are, and records without one are reported as absent; `prune`
        then removes those that were never edited here, with their revisions.
        """
        result: dict[str, list[str]] = {name: [] for name in LoadReport.__slots__}
        result["unchanged"] += unchanged
        with self._writing():
            known = {row["id"]: row for row in self._db.query("select id, content_hash, loaded_hash from records")}
            for record, (kind, markdown) in files.items():
                result[self._load_one(record, kind, markdown, known.get(record))].append(record)
            for record in sorted(set(known) - set(files) - set(unchanged)) if whole else ():
                edited = known[record]["content_hash"] != known[record]["loaded_hash"]
                if prune and not edited:
                    self._db.execute("delete from records where id = ?", [record])
                    self._db.execute("delete from revisions where record = ?", [record])
                result["removed" if prune and not edited else "absent"].append(record)
        return LoadReport(**{name: tuple(ids) for name, ids in result.items()})

    def edit(self, record: str, markdown: str, origin: str) -> None:
        """Replaces a record's text by an edit made here. Raises StoreError for an id that is not there."""
        with self._writing():
            found = self._db.execute("select kind from records where id = ?", [record]).fetchone()
            if found is None:
                raise StoreError(f"{self._path}: no record {record!r}")
            self._db.execute(
                "update records set markdown = ?, content_hash = ?, changed_at = ? where id = ?",
                [markdown, content_hash(markdown), _now(), record],
            )
            self._add_revision(record, markdown, origin)

    def revisions(self, record: str) -> list[tuple[int, str, str]]:
        """The revisions of a record, oldest first: number, origin, time."""
        with self._reading():
            rows = self._db.query("select number, origin, at from revisions where record = ? order by number", [record])
            return [(row["number"], row["origin"], row["at"]) for row in rows]

    def add_gap(self, question: str) -> Gap:
        """Records a question, or counts it once more. Raises GapRefused when the list is full."""
        with self._writing():
            known = self._db.execute("select 1 from gaps where folded = ?", [folded(question)]).fetchone()
            if known is None:
                count, characters = self._db.execute("select count(*), sum(length(question)) from gaps").fetchone()
                if count >= GAPS_MAX or (characters or 0) + len(question) > ALL_GAPS_MAX_CHARACTERS:
                    raise GapRefused("the list of gaps is full; whoever runs this service can read it with `kb gaps`")
            self._db.execute(
                "insert into gaps (folded, question, first_asked, times) values (?, ?, ?, 1) "
                "on conflict (folded) do update set times = times + 1",
                [folded(question), question, _now()[: len("2026-03")]],
            )
            row = self._db.execute(
                "select question, first_asked, times from gaps where folded = ?", [folded(question)]
            ).fetchone()
        return Gap(*row)

    def gaps(self) -> list[Gap]:
        """The questions recorded, those most often recorded first."""
        with self._reading():
            rows = self._db.query(
                "select question, first_asked, times from gaps order by times desc, first_asked, folded"
            )
            return [Gap(**row) for row in rows]

    def _load_one(self, record: str, kind: str, markdown: str, known: Mapping[str, Any] | None) -> str:
        fresh = content_hash(markdown)
        if known is not None:
            if fresh == known["content_hash"] != known["loaded_hash"]:
                # The file has caught up with the edit made here: from now on, only its own changes count.
                self._db.execute("update records set loaded_hash = ? where id = ?", [fresh, record])
            if fresh in (known["loaded_hash"], known["content_hash"]):
                return "unchanged"
            if known["content_hash"] != known["loaded_hash"]:
                return "conflicts"
        row = {
            "id": record,
            "kind": kind,
            "content_hash": fresh,
            "loaded_hash": fresh,
            "markdown": markdown,
            "changed_at": _now(),
        }
        self._db.table("records").upsert(row, pk="id")
        self._add_revision(record, markdown, "corpus")
        return "added" if known is None else "updated"

    def _add_revision(self, record: str, markdown: str, origin: str) -> None:
        self._db.execute(
            "insert into revisions (record, number, content_hash, markdown, origin, at) "
            "select ?, coalesce(max(number), 0) + 1, ?, ?, ?, ? from revisions where record = ?",
            [record, content_hash(markdown), markdown, origin, _now(), record],
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self._path}: cannot be read: {error}; put back a copy of it, or move it away and run `kb load` "
                "(edits made here are then lost)"
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: cannot be written: {error}; nothing was changed") from error

    def _refuse_others(self) -> None:
        """Raises StoreError for another program's database, before anything in it is changed."""
        tables = set(self._db.table_names())
        if tables and not ("migrations" in tables and {"name", "at"} <= set(self._db.table("migrations").columns_dict)):
            raise StoreError(f"{self._path}: is a database of another program; give KB_INSTANCE a folder of its own")

    def _migrate(self) -> None:
        self._db.execute("create table if not exists migrations (name text primary key, at text not null)")
        with self._writing():
            taken = {row[0] for row in self._db.execute("select name from migrations")}
            for name, step in MIGRATIONS:
                if name not in taken:
                    step(self._db)
                    self._db.execute("insert into migrations (name, at) values (?, ?)", [name, _now()])

    def _check_shape(self) -> None:
        names = {name for name, _ in MIGRATIONS}
        try:
            taken = {row[0] for row in self._db.execute("select name from migrations")}
        except sqlite3.OperationalError:
            taken = set()
        if taken - names:
            raise StoreError(f"{self._path}: made by a newer version of Critical Friend; update this one")
        if names - taken:
            raise StoreError(f"{self._path}: has an older shape; run `kb load`, which brings it up to date")


def read_revisions(path: Path, record: str) -> list[Revision]:
    """The revisions of a record, oldest first, read only and without waiting for anybody who writes.

    Raises StoreError when there is no database, or it cannot be read now.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
        try:
            rows = connection.execute(
                "select content_hash, origin, at from revisions where record = ? order by number", [record]
            ).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error
    return [Revision(*row) for row in rows]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


# --- the passages of a generation ------------------------------------------------------------------------------------

_PASSAGE_TABLES: Final = """
create table records (ordinal integer primary key, id text not null unique, hash text not null,
                      markdown text not null, card text not null);
create table passages (ordinal integer primary key, record integer not null, prefix text not null,
                       section text not null, stance text not null, anchor text not null, text text not null,
                       spans text not null, sentences text not null, way_in integer not null, target integer not null);
"""


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record in a generation; `card` is what a hit shows of it, as JSON."""

    id: str
    hash: str
    markdown: str
    card: str


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage in a generation. `target` is the ordinal of the passage that its hit shows: for most, its own."""

    record: int
    prefix: str
    section: str
    stance: str
    anchor: str
    text: str
    spans: str
    sentences: str
    way_in: bool
    target: int


# A tuple of a row's fields; dataclasses.astuple copies each value and takes twenty times as long.
_values_of = attrgetter(*PassageRow.__slots__)


def write_passages(path: Path, records: Iterable[RecordRow], passages: Iterable[PassageRow]) -> None:
    """Writes passages.sqlite; ordinals count from 0 in the order given."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("pragma journal_mode = off")
        connection.executescript(_PASSAGE_TABLES)
        connection.execute("begin")
        connection.executemany(
            "insert into records values (?, ?, ?, ?, ?)",
            ((ordinal, row.id, row.hash, row.markdown, row.card) for ordinal, row in enumerate(records)),
        )
        connection.executemany(
            "insert into passages values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((ordinal, *_values_of(row)) for ordinal, row in enumerate(passages)),
        )
        connection.execute("commit")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be written: {error}; the last index still answers") from error
    finally:
        connection.close()


class PassageFile:
    """The passages.sqlite of a generation, read only. Safe to use from several threads: it is never written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            self.records = self._one("select count(*) from records")
            self.passages = self._one("select count(*) from passages")
        except sqlite3.Error as error:
            raise DamagedGeneration(f"{path}: cannot be read: {error}") from error

    def close(self) -> None:
        self._connection.close()

    def __del__(self) -> None:
        # A generation that was replaced goes with the last question that used it, and nobody closes it by name.
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()

    def cards(self) -> list[dict[str, Any]]:
        """What hits show of each record, by ordinal."""
        return [json.loads(card) for (card,) in self._all("select card from records order by ordinal")]

    def record_rows(self) -> list[RecordRow]:
        """All records, by ordinal."""
        return [RecordRow(*row) for row in self._all("select id, hash, markdown, card from records order by ordinal")]

    def stances(self) -> list[str]:
        """The stance of each passage, by ordinal."""
        return [stance for (stance,) in self._all("select stance from passages order by ordinal")]

    def markdown(self, record: str) -> str | None:
        """The file of a record, or None for an id that the generation does not have."""
        found = self._all("select markdown from records where id = ?", [record])
        return str(found[0][0]) if found else None

    def passage_rows(self, ordinals: Sequence[int] | None = None) -> dict[int, PassageRow]:
        """Passages by ordinal: those asked for, or all of them."""
        columns = "ordinal, record, prefix, section, stance, anchor, text, spans, sentences, way_in, target"
        if ordinals is None:
            rows = self._all(f"select {columns} from passages order by ordinal")  # noqa: S608  constant text
        else:
            rows = []
            for start in range(0, len(ordinals), _MOST_VARIABLES):
                some = [int(ordinal) for ordinal in ordinals[start : start + _MOST_VARIABLES]]
                marks = ", ".join("?" * len(some))
                rows += self._all(f"select {columns} from passages where ordinal in ({marks})", some)  # noqa: S608
        return {row[0]: PassageRow(*row[1:]) for row in rows}

    def _one(self, sql: str) -> int:
        return int(self._connection.execute(sql).fetchone()[0])

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise DamagedGeneration(f"{self._path}: cannot be read: {error}") from error
