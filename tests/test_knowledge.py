"""The one object that the command and the web app talk to: opening, refreshing while others ask, building, status."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from typing import TYPE_CHECKING

import pytest
from made_up import MadeUpEncoder, make_case, make_library, write_corpus

import kb.knowledge
from kb.errors import DamagedGeneration, KbError, NoIndex, StoreError
from kb.filters import make_filters
from kb.generation import Layout
from kb.history import Version
from kb.knowledge import KnowledgeBase
from kb.record_file import render
from kb.records import Case
from kb.related_records import Related
from kb.store import RecordStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.settings import Settings

LIBRARY = {record.id: record for record in make_library()}
BINS = "crews with tablets and missed streets"
NO_INDEX = r"no index that can answer; run `kb load` and then `kb index`"


@pytest.fixture
def empty(kb_settings: Settings, made_up_encoder: MadeUpEncoder) -> Iterator[KnowledgeBase]:
    """A knowledge base of which nothing is loaded or built."""
    with KnowledgeBase(kb_settings, encoder=made_up_encoder) as opened:
        yield opened


@pytest.fixture
def beside(knowledge: KnowledgeBase) -> Iterator[KnowledgeBase]:
    """Another process's view of the same folders, such as `kb index` beside a running server."""
    with KnowledgeBase(knowledge.settings, encoder=MadeUpEncoder()) as other:
        yield other


def retitle(knowledge: KnowledgeBase, title: str) -> None:
    with RecordStore(knowledge.store_path) as store:
        store.edit("anytown-bins", render(make_case(title=title)), "curator")


# --- opening ----------------------------------------------------------------------------------------------------------


def test_a_new_installation_says_what_to_do_first(empty: KnowledgeBase) -> None:
    for ask in (
        lambda: empty.ask("bins"),
        lambda: empty.record("anytown-bins"),
        lambda: empty.similar("anytown-bins"),
        empty.example_questions,
        empty.facet_counts,
        empty.refresh,
        empty.searcher,
    ):
        with pytest.raises(NoIndex, match=NO_INDEX):
            ask()
    with pytest.raises(StoreError, match=r"kb\.sqlite: no such database; run `kb load`"):
        empty.build()


def test_a_store_without_records_cannot_be_indexed(empty: KnowledgeBase) -> None:
    RecordStore(empty.store_path, migrate=True).__exit__()
    with pytest.raises(KbError, match=r"kb\.sqlite: holds no record; run `kb load` first"):
        empty.build()


def test_open_never_fails_and_logs_what_is_missing(kb_settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """A server starts without an index, and its pages say so."""
    with KnowledgeBase.open(kb_settings) as opened:
        assert not opened.health().ok
    assert [(record.levelno, record.name) for record in caplog.records] == [(logging.WARNING, "kb.knowledge")]
    assert "no index that can answer" in caplog.text


def test_what_was_built_later_is_found_without_opening_anew(empty: KnowledgeBase) -> None:
    with pytest.raises(NoIndex):
        empty.ask("bins")
    empty.load()
    empty.build()
    assert empty.ask(BINS).hits[0].record == "anytown-bins"


def test_a_closed_knowledge_base_opens_again_when_it_is_asked(knowledge: KnowledgeBase) -> None:
    knowledge.ask(BINS)
    knowledge.close()
    assert knowledge.ask(BINS).close


def test_a_fault_in_the_table_of_abbreviations_is_told_and_shuts_nobody_out(
    knowledge: KnowledgeBase, caplog: pytest.LogCaptureFixture
) -> None:
    table = knowledge.settings.corpus / "abbreviations.csv"
    table.write_text("short,long\n", "utf-8")
    assert knowledge.ask(BINS).hits[0].record == "anytown-bins"
    assert knowledge.health().ok
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"{table}:1: no column letters, context, source, url")


# --- loading and building ---------------------------------------------------------------------------------------------


def test_the_whole_corpus_is_loaded_and_then_only_what_changed(empty: KnowledgeBase) -> None:
    report, faults = empty.load()
    assert (sorted(report.added), faults) == (sorted(LIBRARY), ())

    changed = make_case(title="Bins, and who empties them")
    write_corpus(empty.settings.corpus, [changed])
    report, faults = empty.load()
    assert report.updated == ("anytown-bins",)
    assert sorted(report.unchanged) == sorted(set(LIBRARY) - {"anytown-bins"})


def test_a_file_with_a_fault_is_left_out_and_nothing_is_taken_for_absent(empty: KnowledgeBase) -> None:
    empty.load()
    faulty, gone = (empty.settings.corpus / "cases" / f"{name}.md" for name in ("anytown-bins", "glen-foster-carers"))
    faulty.write_text(faulty.read_text("utf-8").replace("outcome: worked", "outcome: splendid"), "utf-8")
    gone.unlink()

    report, faults = empty.load(prune=True)

    assert [(fault.path, "'splendid' is not one of" in fault.message) for fault in faults] == [(faulty, True)]
    assert (report.absent, report.removed, report.updated) == ((), (), ())
    with RecordStore(empty.store_path) as store:
        assert set(store.hashes()) == set(LIBRARY)


def test_a_record_whose_file_is_gone_is_pruned_from_store_and_index(knowledge: KnowledgeBase) -> None:
    (knowledge.settings.corpus / "cases" / "anytown-bins.md").unlink()
    report, _ = knowledge.load(prune=True)
    assert report.removed == ("anytown-bins",)
    knowledge.build()
    knowledge.refresh()
    assert knowledge.record("anytown-bins") is None
    assert "anytown-bins" not in [hit.record for hit in knowledge.ask(BINS, limit=100).hits]


def test_a_build_takes_what_the_store_holds_edits_included(knowledge: KnowledgeBase) -> None:
    retitle(knowledge, "Edited by a curator")
    assert knowledge.build().published
    knowledge.refresh()
    assert knowledge.ask(BINS).hits[0].title == "Edited by a curator"


# --- refreshing -------------------------------------------------------------------------------------------------------


def test_refresh_swaps_to_a_newly_published_generation(knowledge: KnowledgeBase, beside: KnowledgeBase) -> None:
    first = knowledge.ask(BINS)
    retitle(beside, "Bins again")
    published = beside.build().generation

    assert knowledge.ask(BINS).generation == first.generation, "until it is refreshed, the snapshot stays"
    knowledge.refresh()
    answer = knowledge.ask(BINS)
    assert (answer.generation, answer.hits[0].title) == (published, "Bins again")


def test_refresh_keeps_the_snapshot_while_nothing_new_is_published(
    knowledge: KnowledgeBase, beside: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = knowledge.searcher()
    assert not beside.build().published

    def open_again(*_: object, **__: object) -> None:
        pytest.fail("a server refreshes before every question: it must not open the index each time")

    monkeypatch.setattr(kb.knowledge, "open_current", open_again)
    knowledge.refresh()
    assert knowledge.searcher() is snapshot


def test_a_question_that_is_under_way_keeps_the_snapshot_it_began_with(
    knowledge: KnowledgeBase, beside: KnowledgeBase
) -> None:
    snapshot = knowledge.searcher()
    wanted = snapshot.ask(BINS).hits
    for number in range(3):
        retitle(beside, f"Bins {number}")
        beside.build()
        knowledge.refresh()
    assert not snapshot.generation.layout.folder.exists(), "its files are gone"
    assert snapshot.ask(BINS).hits == wanted


def test_nothing_of_a_generation_that_was_replaced_is_kept(knowledge: KnowledgeBase, beside: KnowledgeBase) -> None:
    """A record that is withdrawn leaves every cache, and not only once somebody reads or checks again."""
    knowledge.similar("anytown-bins")
    knowledge.catalogue()
    knowledge.signs("The dashboard stayed green while homes were damp.")
    before = weakref.ref(knowledge.searcher())
    retitle(beside, "Bins again")
    beside.build()
    knowledge.refresh()
    gc.collect()
    assert before() is None


def test_a_generation_that_turns_out_damaged_while_it_is_browsed_gives_way_to_the_last_good_one(
    knowledge: KnowledgeBase, beside: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = knowledge.ask(BINS).generation
    retitle(beside, "Bins again")
    second = beside.build().generation
    knowledge.refresh()
    Layout(knowledge.index.folder / second).dense.write_bytes(b"")
    rows = knowledge.searcher().generation.rows

    def fail() -> list[str]:
        raise DamagedGeneration(f"{second}: passages.sqlite: database disk image is malformed")

    monkeypatch.setattr(rows, "stances", fail)
    assert len(knowledge.catalogue().select().entries) == len(LIBRARY)
    assert knowledge.ask(BINS).generation == first


def test_no_question_fails_while_the_index_is_published_anew_ten_times(
    knowledge: KnowledgeBase, beside: KnowledgeBase, caplog: pytest.LogCaptureFixture
) -> None:
    """Four threads refresh and ask, as a server does; each answer is of one generation and of no two."""
    titles = {knowledge.ask(BINS).generation: LIBRARY["anytown-bins"].title}
    told: list[tuple[str, str]] = []
    faults: list[BaseException] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                knowledge.refresh()
                answer = knowledge.ask(BINS, make_filters({"service": ["environment-and-waste"]}))
                told.append((answer.generation, answer.hits[0].title))
                assert knowledge.record("anytown-bins") is not None
                assert knowledge.health().ok
        except BaseException as fault:  # told below: a thread cannot fail a test
            faults.append(fault)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(10):
            title = f"Bins, edition {number}"
            retitle(beside, title)
            titles[beside.build().generation] = title
    finally:
        done.set()
        for thread in threads:
            thread.join()

    assert faults == []
    assert all(titles[generation] == title for generation, title in told)
    assert len({generation for generation, _ in told}) > 1, "the threads saw it change"
    knowledge.refresh()
    assert knowledge.ask(BINS).hits[0].title == "Bins, edition 9"
    assert caplog.text == ""
    assert not list(knowledge.index.folder.glob("damaged-*"))


def test_refresh_after_the_index_was_damaged_answers_from_the_last_good_one(
    knowledge: KnowledgeBase, beside: KnowledgeBase, caplog: pytest.LogCaptureFixture
) -> None:
    first = knowledge.ask(BINS).generation
    retitle(beside, "Bins again")
    second = beside.build().generation
    Layout(knowledge.index.folder / second).dense.write_bytes(b"")

    knowledge.refresh()

    assert knowledge.ask(BINS).generation == first
    assert f"index generation {second} is damaged and set aside" in caplog.text


# --- another model ----------------------------------------------------------------------------------------------------


def test_an_index_of_another_model_is_not_misread_and_the_error_says_what_to_do(knowledge: KnowledgeBase) -> None:
    with KnowledgeBase(knowledge.settings, encoder=MadeUpEncoder("made-up@2")) as other:
        for _ in range(2):
            with pytest.raises(
                NoIndex, match=r"was built with made-up@1, and the model is now made-up@2; run `kb index`"
            ):
                other.ask(BINS)
        assert other.health().message.endswith(
            "run `kb index`, or start again with the KB_MODEL that it was built with"
        )
        other.build()
        assert other.ask(BINS).hits[0].record == "anytown-bins"


def test_a_running_reader_goes_on_when_the_index_is_built_anew_with_another_model(knowledge: KnowledgeBase) -> None:
    wanted = knowledge.ask(BINS).hits
    with KnowledgeBase(knowledge.settings, encoder=MadeUpEncoder("made-up@2")) as other:
        other.build()
    with pytest.raises(NoIndex, match="was built with made-up@2"):
        knowledge.refresh()
    assert knowledge.ask(BINS).hits == wanted


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_says_what_is_built_from_what_and_how_big(knowledge: KnowledgeBase) -> None:
    status = knowledge.status(hashes=True)
    files = [path for path in status.folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert status.health.ok
    assert (status.health.records, status.stored) == (6, 6)
    assert status.health.passages == sum(len(record.sections) + 2 + len(record.answers) for record in LIBRARY.values())
    assert status.health.generation == status.folder.name == knowledge.index.pointed_at()
    assert status.bytes == sum(path.stat().st_size for path in files)
    assert status.manifest is not None
    assert status.manifest.model == "made-up@1"
    assert not status.stale


def test_status_is_stale_once_the_records_have_changed_and_until_they_are_indexed(knowledge: KnowledgeBase) -> None:
    retitle(knowledge, "Bins again")
    assert knowledge.status().stale
    knowledge.build()
    knowledge.refresh()
    assert not knowledge.status().stale


def test_an_edit_that_is_taken_back_is_not_stale(knowledge: KnowledgeBase) -> None:
    retitle(knowledge, "Bins again")
    retitle(knowledge, LIBRARY["anytown-bins"].title)
    assert not knowledge.status().stale


def test_status_of_nothing_says_what_to_do_and_raises_nothing(empty: KnowledgeBase) -> None:
    status = empty.status()
    assert not status.health.ok
    assert "run `kb load` and then `kb index`" in status.health.message
    assert (status.manifest, status.stored, status.stale, status.bytes) == (None, 0, True, 0)


def test_status_counts_what_is_loaded_and_not_yet_built(empty: KnowledgeBase) -> None:
    empty.load()
    assert (empty.status().stored, empty.status().stale) == (6, True)


def test_status_finds_damage_beneath_a_reader_when_every_byte_is_checked(knowledge: KnowledgeBase) -> None:
    knowledge.ask(BINS)
    vectors = Layout(knowledge.index.folder / knowledge.index.pointed_at()).sentence_vectors
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)

    assert knowledge.status().health.ok, "a size is all that a quick look compares"
    status = knowledge.status(hashes=True)
    assert not status.health.ok
    assert "sentence-vectors.npy: its content is not what its manifest says" in status.health.message


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_record_is_read_as_it_was_published(knowledge: KnowledgeBase) -> None:
    assert {name: knowledge.record(name) for name in LIBRARY} == LIBRARY
    retitle(knowledge, "Not yet published")
    record = knowledge.record("anytown-bins")
    assert record is not None
    assert record.title == LIBRARY["anytown-bins"].title


@pytest.mark.parametrize("name", ["nowhere", "", "../kb", "anytown-bins'; drop table records; --", "\x00"])
def test_a_record_that_is_not_there_is_none(knowledge: KnowledgeBase, name: str) -> None:
    assert knowledge.record(name) is None
    assert knowledge.similar(name) == ()


def test_similar_records_begin_with_those_that_are_linked(knowledge: KnowledgeBase) -> None:
    first, *others = knowledge.similar("otherham-library-trust")
    assert first == Related(
        "anytown-bins",
        "case",
        LIBRARY["anytown-bins"].title,
        "worked",
        "2018-05",
        "Anytown Council",
        "See also",
    )
    assert [related.how for related in others] == ["", ""]
    assert {related.record for related in others} == {"glen-foster-carers", "valley-care-rota"}


def test_similar_records_come_nearest_first_and_never_the_record_itself(knowledge: KnowledgeBase) -> None:
    write_corpus(knowledge.settings.corpus, [make_case(id="othertown-bins", organisations=[{"name": "Othertown"}])])
    knowledge.load()
    knowledge.build()
    knowledge.refresh()
    for name in LIBRARY:
        assert name not in [related.record for related in knowledge.similar(name, limit=100)]
    assert next(one.record for one in knowledge.similar("anytown-bins", limit=2) if not one.how) == "othertown-bins"


@pytest.mark.parametrize("limit", [0, 1, 2, 5, 100])
def test_similar_records_are_as_many_as_asked_for(knowledge: KnowledgeBase, limit: int) -> None:
    """The link from the library's record is always there; of its own kind there are two others."""
    assert len(knowledge.similar("anytown-bins", limit)) == max(1, min(limit, 3))


def test_a_link_to_a_record_that_the_library_does_not_have_is_left_out(knowledge: KnowledgeBase) -> None:
    (knowledge.settings.corpus / "cases" / "anytown-bins.md").unlink()
    knowledge.load(prune=True)
    knowledge.build()
    knowledge.refresh()
    assert "anytown-bins" not in [related.record for related in knowledge.similar("otherham-library-trust")]


def test_a_lesson_is_never_shown_beside_a_case(knowledge: KnowledgeBase) -> None:
    for name, record in LIBRARY.items():
        related = knowledge.similar(name, limit=100)
        assert related
        assert {one.kind for one in related} == {record.kind}


def test_versions_are_those_up_to_the_one_that_is_published(knowledge: KnowledgeBase) -> None:
    (first,) = knowledge.versions("anytown-bins")
    assert first.what == "from the library's files"
    assert first.date.startswith("20")
    retitle(knowledge, "Not yet published")
    assert knowledge.versions("anytown-bins") == (first,)
    with RecordStore(knowledge.store_path) as store:
        store._db.execute("update revisions set at = '2026-01-02T03:04:05+00:00' where number = 1")
    knowledge.build()
    knowledge.refresh()
    edited, before = knowledge.versions("anytown-bins")
    assert (edited.what, edited.date) == ("edited here", first.date)
    assert before == Version("2026-01-02", "from the library's files")


def test_a_lesson_has_no_versions_and_so_no_date_of_upload(knowledge: KnowledgeBase) -> None:
    for name, record in LIBRARY.items():
        assert bool(knowledge.versions(name)) == (record.kind == "case")
    assert knowledge.versions("nowhere") == ()


def test_without_a_database_there_are_no_versions_until_it_is_back(knowledge: KnowledgeBase) -> None:
    aside = knowledge.settings.instance.with_name("aside")
    knowledge.settings.instance.rename(aside)
    assert knowledge.versions("anytown-bins") == ()
    assert not knowledge.settings.instance.exists()
    aside.rename(knowledge.settings.instance)
    assert knowledge.versions("anytown-bins")


def test_reading_versions_waits_for_no_writer(knowledge: KnowledgeBase) -> None:
    with RecordStore(knowledge.store_path) as store, store._writing():
        store._db.execute("update records set changed_at = ''")
        assert knowledge.versions("anytown-bins")


def test_the_catalogue_is_made_once_a_generation(knowledge: KnowledgeBase) -> None:
    first = knowledge.catalogue()
    assert knowledge.catalogue() is first
    assert {entry.record for entry in first.select().entries} == set(LIBRARY)
    assert first.select().counts["stance"]["warning"] == 2
    retitle(knowledge, "Zebra crossings")
    knowledge.build()
    knowledge.refresh()
    assert knowledge.catalogue().select().entries[-1].title == "Zebra crossings"


def test_example_questions_are_of_different_records_which_answer_them(knowledge: KnowledgeBase) -> None:
    questions = knowledge.example_questions(4)
    assert len(questions) == 4
    owners = {answer: record.id for record in LIBRARY.values() for answer in record.answers}
    assert len({owners[question] for question in questions}) == 4
    for question in questions:
        assert knowledge.ask(question).hits[0].record == owners[question]


@pytest.mark.parametrize("count", [0, 1, 6, 50])
def test_example_questions_are_as_many_as_there_are_records_to_ask_of(knowledge: KnowledgeBase, count: int) -> None:
    assert len(knowledge.example_questions(count)) == min(count, len(LIBRARY))


def test_facet_counts_are_of_the_whole_library(knowledge: KnowledgeBase) -> None:
    counts = knowledge.facet_counts()
    assert counts["outcome"] == {"failed": 2, "worked": 2, "mixed": 1, "relapsed": 1}
    assert counts["kind"] == {"case": 4, "lesson": 2}
    assert counts["nation"] == {"England": 2, "Scotland": 1, "Wales": 1}
    assert sum(counts["council_type"].values()) == sum(isinstance(record, Case) for record in LIBRARY.values())


def test_damage_met_while_reading_is_answered_from_the_last_good_generation(
    knowledge: KnowledgeBase, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of passages go bad under an open generation: the question is asked again of what is still good."""
    first = knowledge.searcher().generation.name
    knowledge.build(full=True)
    with RecordStore(knowledge.store_path) as store:
        record = next(iter(store.records()))
        store.edit(record.id, record.markdown + "\n", "test")
    knowledge.build()
    knowledge.refresh()
    second = knowledge.searcher().generation
    assert second.name != first
    passages = second.layout.passages
    passages.write_bytes(b"\0" * passages.stat().st_size)

    def fail(*_: object) -> None:
        raise DamagedGeneration(f"{passages}: cannot be read")

    monkeypatch.setattr(second.rows, "passage_rows", fail)
    answer = knowledge.ask("bins")
    assert answer.hits
    assert answer.generation != second.name
    assert "failed while it was read" in caplog.text
