"""The system of record, kb.sqlite: loading files, edits made here, revisions, writers, and the shape of the file.

The passages of a generation, which `kb.store` writes too, are tested where they are used: test_builder.py and
test_generation.py.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kb import store as store_module
from kb.errors import StoreError
from kb.migrations import MIGRATIONS
from kb.store import LoadReport, RecordStore, content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlite_utils import Database

    Step = tuple[str, Callable[[Database], None]]

BINS = ("case", "Bins, as first written.\n")
BINS_CHANGED = ("case", "Bins, as rewritten in the file.\n")
BINS_EDITED = "Bins, as edited by a curator.\n"
TREES = ("lesson", "Trees, as first written.\n")

# The columns that each migration has made: name, type, whether it must have a value, place in the primary key. A
# database out there has taken these steps as they are here, and will not take them again: append a new step instead.
COLUMNS = {
    "001-records": [
        ("records", "id", "TEXT", 0, 1),
        ("records", "kind", "TEXT", 1, 0),
        ("records", "content_hash", "TEXT", 1, 0),
        ("records", "loaded_hash", "TEXT", 1, 0),
        ("records", "markdown", "TEXT", 1, 0),
        ("records", "changed_at", "TEXT", 1, 0),
    ],
    "002-revisions": [
        ("revisions", "record", "TEXT", 0, 1),
        ("revisions", "number", "INTEGER", 0, 2),
        ("revisions", "content_hash", "TEXT", 1, 0),
        ("revisions", "markdown", "TEXT", 1, 0),
        ("revisions", "origin", "TEXT", 1, 0),
        ("revisions", "at", "TEXT", 1, 0),
    ],
    "003-gaps": [
        ("gaps", "folded", "TEXT", 0, 1),
        ("gaps", "question", "TEXT", 1, 0),
        ("gaps", "first_asked", "TEXT", 1, 0),
        ("gaps", "times", "INTEGER", 1, 0),
    ],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "instance" / "kb.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[RecordStore]:
    with RecordStore(path, migrate=True) as opened:
        yield opened


def texts(store: RecordStore) -> dict[str, str]:
    return {record.id: record.markdown for record in store.records()}


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


# --- loading ----------------------------------------------------------------------------------------------------------


def test_a_load_says_what_was_added_updated_and_left_as_it_was(store: RecordStore) -> None:
    first = store.load({"bins": BINS, "trees": TREES})
    assert first == LoadReport(("bins", "trees"), (), (), (), (), ())

    second = store.load({"bins": BINS_CHANGED, "trees": TREES})
    assert second == LoadReport((), ("bins",), ("trees",), (), (), ())
    assert texts(store) == {"bins": BINS_CHANGED[1], "trees": TREES[1]}


def test_records_come_by_id_with_the_hash_of_their_text(store: RecordStore) -> None:
    store.load({"trees": TREES, "bins": BINS})

    assert [record.id for record in store.records()] == ["bins", "trees"]
    assert store.hashes() == {"bins": content_hash(BINS[1]), "trees": content_hash(TREES[1])}
    assert all(record.content_hash == content_hash(record.markdown) for record in store.records())


def test_the_content_hash_is_the_sha_256_of_the_file() -> None:
    assert content_hash("Llŷn £5m") == hashlib.sha256("Llŷn £5m".encode()).hexdigest()


def test_loading_the_same_files_again_writes_nothing(store: RecordStore, path: Path) -> None:
    store.load({"bins": BINS})
    before = rows(path, "select * from records"), rows(path, "select * from revisions")

    assert store.load({"bins": BINS}).unchanged == ("bins",)
    assert (rows(path, "select * from records"), rows(path, "select * from revisions")) == before


def test_a_store_outlives_the_process_that_wrote_it(path: Path) -> None:
    with RecordStore(path, migrate=True) as store:
        store.load({"bins": BINS})
    with RecordStore(path) as store:
        assert texts(store) == {"bins": BINS[1]}


def test_the_store_knows_the_hash_of_each_file_as_it_was_last_loaded(store: RecordStore) -> None:
    """By it, a file that has not changed since is not even parsed."""
    store.load({"bins": BINS})
    store.edit("bins", BINS_EDITED, "curator")
    assert store.loaded() == {"bins": content_hash(BINS[1])}
    assert store.hashes() == {"bins": content_hash(BINS_EDITED)}


def test_files_that_are_known_to_be_unchanged_need_no_text(store: RecordStore) -> None:
    store.load({"bins": BINS, "trees": TREES})

    report = store.load({"trees": ("lesson", "Trees, as rewritten.\n")}, unchanged=["bins"], whole=True, prune=True)

    assert report == LoadReport((), ("trees",), ("bins",), (), (), ())
    assert texts(store) == {"bins": BINS[1], "trees": "Trees, as rewritten.\n"}


# --- edits made here --------------------------------------------------------------------------------------------------


def test_a_record_that_was_edited_here_and_changed_in_its_file_is_a_conflict_and_stays_as_it_was(
    store: RecordStore, path: Path
) -> None:
    store.load({"bins": BINS, "trees": TREES})
    store.edit("bins", BINS_EDITED, "curator")
    before = rows(path, "select * from records where id = 'bins'"), store.revisions("bins")

    report = store.load({"bins": BINS_CHANGED, "trees": TREES})

    assert report == LoadReport((), (), ("trees",), ("bins",), (), ())
    assert (rows(path, "select * from records where id = 'bins'"), store.revisions("bins")) == before


def test_a_conflict_is_reported_at_every_load_until_it_is_settled(store: RecordStore) -> None:
    store.load({"bins": BINS})
    store.edit("bins", BINS_EDITED, "curator")

    assert store.load({"bins": BINS_CHANGED}).conflicts == ("bins",)
    assert store.load({"bins": BINS_CHANGED}).conflicts == ("bins",)
    assert texts(store) == {"bins": BINS_EDITED}


def test_a_conflict_does_not_keep_the_other_files_out(store: RecordStore) -> None:
    store.load({"bins": BINS})
    store.edit("bins", BINS_EDITED, "curator")

    report = store.load({"bins": BINS_CHANGED, "trees": TREES})

    assert (report.added, report.conflicts) == (("trees",), ("bins",))
    assert texts(store) == {"bins": BINS_EDITED, "trees": TREES[1]}


def test_a_record_that_was_edited_here_keeps_its_edit_while_its_file_is_as_it_was_loaded(store: RecordStore) -> None:
    store.load({"bins": BINS})
    store.edit("bins", BINS_EDITED, "curator")

    assert store.load({"bins": BINS}).unchanged == ("bins",)
    assert texts(store) == {"bins": BINS_EDITED}


def test_a_file_that_has_caught_up_with_the_edit_is_no_conflict(store: RecordStore) -> None:
    """An edit made here is exported to the corpus, and comes back with it."""
    store.load({"bins": BINS})
    store.edit("bins", BINS_EDITED, "curator")

    assert store.load({"bins": ("case", BINS_EDITED)}).unchanged == ("bins",)
    assert store.loaded() == store.hashes() == {"bins": content_hash(BINS_EDITED)}
    assert store.load({"bins": BINS_CHANGED}).updated == ("bins",), "what follows is a change like any other"


def test_an_edit_changes_the_hash_by_which_the_index_knows_that_it_is_stale(store: RecordStore) -> None:
    store.load({"bins": BINS})
    store.edit("bins", BINS_EDITED, "curator")
    assert store.hashes() == {"bins": content_hash(BINS_EDITED)}


def test_every_text_that_a_record_has_had_is_kept_as_a_revision(store: RecordStore, path: Path) -> None:
    store.load({"bins": BINS})
    store.load({"bins": BINS_CHANGED})
    store.edit("bins", BINS_EDITED, "curator anna")

    revisions = store.revisions("bins")
    assert [(number, origin) for number, origin, _ in revisions] == [(1, "corpus"), (2, "corpus"), (3, "curator anna")]
    assert rows(path, "select markdown, content_hash from revisions order by number") == [
        (text, content_hash(text)) for text in (BINS[1], BINS_CHANGED[1], BINS_EDITED)
    ]


def test_only_a_record_that_is_there_can_be_edited(store: RecordStore, path: Path) -> None:
    with pytest.raises(StoreError, match=r"kb\.sqlite: no record 'bins'"):
        store.edit("bins", BINS_EDITED, "curator")
    assert rows(path, "select * from revisions") == []


# --- records without a file -------------------------------------------------------------------------------------------


def test_a_record_whose_file_is_gone_is_reported_and_kept(store: RecordStore) -> None:
    store.load({"bins": BINS, "trees": TREES})

    report = store.load({"bins": BINS}, whole=True)

    assert (report.absent, report.removed) == (("trees",), ())
    assert set(texts(store)) == {"bins", "trees"}


def test_pruning_removes_a_record_whose_file_is_gone(store: RecordStore) -> None:
    store.load({"bins": BINS, "trees": TREES})

    report = store.load({"bins": BINS}, whole=True, prune=True)

    assert (report.absent, report.removed) == ((), ("trees",))
    assert set(texts(store)) == {"bins"}


def test_pruning_never_removes_a_record_that_was_edited_here(store: RecordStore) -> None:
    store.load({"bins": BINS, "trees": TREES})
    store.edit("trees", "Trees, as edited here.\n", "curator")

    report = store.load({"bins": BINS}, whole=True, prune=True)

    assert (report.absent, report.removed) == (("trees",), ())
    assert texts(store)["trees"] == "Trees, as edited here.\n"


def test_loading_some_files_says_nothing_of_the_others_and_removes_none(store: RecordStore) -> None:
    store.load({"bins": BINS, "trees": TREES})

    report = store.load({"bins": BINS}, prune=True)

    assert (report.absent, report.removed) == ((), ())
    assert set(texts(store)) == {"bins", "trees"}


def test_a_record_that_was_removed_can_be_loaded_again(store: RecordStore) -> None:
    store.load({"bins": BINS})
    store.load({}, whole=True, prune=True)

    assert store.load({"bins": BINS_CHANGED}).added == ("bins",)
    assert [(number, origin) for number, origin, _ in store.revisions("bins")] == [(1, "corpus")]


def test_removing_a_record_removes_its_revisions_and_no_others(store: RecordStore, path: Path) -> None:
    store.load({"bins": BINS, "trees": TREES})
    store.load({"trees": TREES}, whole=True, prune=True)

    assert rows(path, "select record from revisions") == [("trees",)]


# --- all or nothing ---------------------------------------------------------------------------------------------------


def test_a_load_that_fails_half_way_changes_nothing(store: RecordStore, path: Path) -> None:
    store.load({"bins": BINS})
    before = rows(path, "select * from records"), rows(path, "select * from revisions")
    no_text: Any = ("case", None)

    with pytest.raises(AttributeError):
        store.load({"bins": BINS_CHANGED, "trees": TREES, "zebra": no_text}, whole=True, prune=True)

    assert (rows(path, "select * from records"), rows(path, "select * from revisions")) == before


def test_a_load_that_the_database_refuses_changes_nothing_and_says_so(store: RecordStore, path: Path) -> None:
    """As when the disk is full: here a trigger refuses the last row."""
    store.load({"bins": BINS})
    before = rows(path, "select * from records"), rows(path, "select * from revisions")
    connection = sqlite3.connect(path)
    connection.execute(
        "create trigger full before insert on revisions when new.record = 'zebra' "
        "begin select raise(abort, 'database or disk is full'); end"
    )
    connection.close()

    with pytest.raises(StoreError, match=r"kb\.sqlite: cannot be written: .*disk is full; nothing was changed"):
        store.load({"bins": BINS_CHANGED, "trees": TREES, "zebra": TREES})

    assert (rows(path, "select * from records"), rows(path, "select * from revisions")) == before
    assert store.load({"trees": TREES}).added == ("trees",), "the store goes on working"


# --- writers and readers at once --------------------------------------------------------------------------------------


def test_two_writers_take_turns_and_nothing_is_lost(path: Path) -> None:
    RecordStore(path, migrate=True).__exit__()
    start = threading.Barrier(2)
    faults: list[Exception] = []

    def write(name: str) -> None:
        try:
            with RecordStore(path) as store:
                start.wait()
                for number in range(25):
                    store.load({f"{name}-{number}": BINS, "both": ("case", f"{name} {number}")})
        except Exception as error:  # told below: a thread cannot fail a test
            faults.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("anna", "bert")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    with RecordStore(path) as store:
        assert set(store.hashes()) == {"both", *(f"{name}-{n}" for name in ("anna", "bert") for n in range(25))}
        numbers = [number for number, _, _ in store.revisions("both")]
    assert numbers == list(range(1, 51)), "each of the fifty loads changed it, one after the other"


def test_a_writer_that_waits_too_long_says_that_nothing_was_changed(
    path: Path, store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    try:
        with (
            RecordStore(path) as waiting,
            pytest.raises(StoreError, match=r"kb\.sqlite: cannot be written: .*locked; nothing was changed"),
        ):
            waiting.load({"bins": BINS})
    finally:
        other.execute("rollback")
        other.close()
    assert store.hashes() == {}


def test_a_reader_and_a_writer_do_not_keep_each_other_waiting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has begun to read goes on with what there was; the writer is done meanwhile."""
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.05)
    with RecordStore(path, migrate=True) as writer, RecordStore(path) as reader:
        writer.load({"bins": BINS, "trees": TREES})
        reading = reader.records()
        first = next(reading)

        assert writer.load({"bins": BINS_CHANGED, "zebra": TREES}).updated == ("bins",)

        assert [(record.id, record.markdown) for record in (first, *reading)] == [
            ("bins", BINS[1]),
            ("trees", TREES[1]),
        ]
        assert texts(reader)["bins"] == BINS_CHANGED[1]


# --- the shape of the file --------------------------------------------------------------------------------------------


def test_a_store_that_is_not_there_names_the_command_that_makes_it(path: Path) -> None:
    with pytest.raises(StoreError, match=r"kb\.sqlite: no such database; run `kb load`"):
        RecordStore(path)
    assert not path.parent.exists(), "asking for it makes nothing"


def test_a_store_of_a_newer_version_is_refused(path: Path, store: RecordStore) -> None:
    connection = sqlite3.connect(path)
    connection.execute("insert into migrations values ('999-from-the-future', '2040-01-01')")
    connection.commit()
    connection.close()

    for migrate in (False, True):
        with pytest.raises(StoreError, match=r"kb\.sqlite: made by a newer version .*; update this one"):
            RecordStore(path, migrate=migrate)


@pytest.mark.parametrize("taken", range(len(MIGRATIONS)))
def test_a_store_of_an_older_shape_is_refused_until_it_is_brought_up_to_date(
    path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step that a database can have stopped at; what it holds is kept."""
    monkeypatch.setattr(store_module, "MIGRATIONS", MIGRATIONS[:taken])
    RecordStore(path, migrate=True).__exit__()
    if taken:
        connection = sqlite3.connect(path)
        connection.execute(
            "insert into records (id, kind, content_hash, loaded_hash, markdown, changed_at) values "
            "('bins', 'case', 'a', 'a', 'Bins.', '2020')"
        )
        connection.commit()
        connection.close()
    monkeypatch.setattr(store_module, "MIGRATIONS", MIGRATIONS)

    with pytest.raises(StoreError, match=r"kb\.sqlite: has an older shape; run `kb load`"):
        RecordStore(path)
    with RecordStore(path, migrate=True) as store:
        assert texts(store) == ({"bins": "Bins."} if taken else {})
        store.load({"trees": TREES})
    with RecordStore(path) as store:
        assert "trees" in store.hashes()


def test_a_migration_that_fails_leaves_the_store_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RecordStore(path, migrate=True) as store:
        store.load({"bins": BINS})
    before = rows(path, "select name, sql from sqlite_schema"), rows(path, "select name from migrations")

    def fail(db: Database) -> None:
        db.execute("create table half_made (id text)")
        db.execute("insert into nowhere values (1)")

    monkeypatch.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, ("998-fails", fail)))
    with pytest.raises(StoreError, match=r"cannot be written: no such table: nowhere; nothing was changed"):
        RecordStore(path, migrate=True)

    assert (rows(path, "select name, sql from sqlite_schema"), rows(path, "select name from migrations")) == before


def test_migrations_are_numbered_and_only_ever_appended(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name, _ in MIGRATIONS]
    assert [int(name[:3]) for name in names] == list(range(1, len(names) + 1))

    known: list[tuple[object, ...]] = []
    made = {}
    for count, name in enumerate(names, start=1):
        monkeypatch.setattr(store_module, "MIGRATIONS", MIGRATIONS[:count])
        RecordStore(path, migrate=True).__exit__()
        columns = rows(
            path,
            'select tables.name, columns.name, columns.type, columns."notnull", columns.pk '
            "from sqlite_schema tables, pragma_table_info(tables.name) columns "
            "where tables.type = 'table' and tables.name != 'migrations' order by tables.rowid, columns.cid",
        )
        made[name] = [column for column in columns if column not in known]
        known = columns
    assert made == COLUMNS, "a migration that is out there was changed; append a new one instead"


def test_each_migration_is_taken_once(path: Path) -> None:
    for _ in range(2):
        RecordStore(path, migrate=True).__exit__()
    assert rows(path, "select name from migrations") == [(name,) for name, _ in MIGRATIONS]


# --- files that cannot be used ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("migrate", [False, True])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, migrate: bool) -> None:
    path.parent.mkdir()
    path.write_text("Dear diary, this is no database. " * 200)
    before = path.read_bytes()

    with pytest.raises(StoreError, match=r"kb\.sqlite: cannot be opened: file is not a database"):
        RecordStore(path, migrate=migrate)
    assert path.read_bytes() == before


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match=r"kb\.sqlite: cannot be opened"):
        RecordStore(path, migrate=True)


def test_a_file_where_its_folder_should_be_is_refused(path: Path) -> None:
    path.parent.write_text("in the way")
    with pytest.raises(StoreError, match=r"kb\.sqlite: cannot be opened"):
        RecordStore(path, migrate=True)


def test_another_programs_database_is_not_taken_for_ours(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("create table recipes (name text)")
    connection.close()
    with pytest.raises(StoreError, match=r"kb\.sqlite: is a database of another program"):
        RecordStore(path)


@pytest.mark.parametrize("migrate", [False, True])
@pytest.mark.parametrize("table", ["recipes (title text)", "migrations (version int)"])
def test_another_program_s_database_is_left_alone(tmp_path: Path, table: str, migrate: bool) -> None:
    path = tmp_path / "kb.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"create table {table}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program; give KB_INSTANCE a folder of its own"):
        RecordStore(path, migrate=migrate)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "read",
    [
        lambda store: list(store.records()),
        lambda store: store.hashes(),
        lambda store: store.loaded(),
        lambda store: store.revisions("bins"),
    ],
    ids=["records", "hashes", "loaded", "revisions"],
)
def test_a_store_that_cannot_be_read_is_named_with_a_remedy(
    store: RecordStore, path: Path, read: Callable[[RecordStore], object]
) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("drop table records; drop table revisions")
    connection.close()
    with pytest.raises(StoreError, match=r"kb\.sqlite: cannot be read: no such table: .*put back a copy"):
        read(store)
