"""Building a generation: complete, equal in all its parts, and embedding only what has changed."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from made_up import RESULT, MadeUpEncoder, make_case, make_lesson, make_library, stored

from kb import builder as builder_module
from kb import generation as generation_module
from kb.builder import BuildReport, build, content_of, verify
from kb.dense import build_dense
from kb.drafts import draft_text, make_draft, searched_text
from kb.errors import DamagedGeneration, KbError
from kb.generation import Generation, IndexFolder, Layout, open_current
from kb.lexical import Posting, build_lexical
from kb.passages import CHUNKER_VERSION
from kb.store import StoredRecord, content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kb.drafts import Draft

LIBRARY = make_library()


@pytest.fixture
def index(tmp_path: Path) -> IndexFolder:
    return IndexFolder(tmp_path / "index")


@pytest.fixture
def encoder() -> MadeUpEncoder:
    return MadeUpEncoder()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    return lambda: [record.getMessage() for record in caplog.records]


def names(index: IndexFolder) -> set[str]:
    """What lies in the index folder, but for the lock."""
    return {path.name for path in index.folder.iterdir()} - {".lock"}


def embedded_by(index: IndexFolder, records: Sequence[StoredRecord], **more: Any) -> tuple[list[str], BuildReport]:
    """Builds with an encoder that counts: the texts that were embedded, and the report."""
    encoder = MadeUpEncoder()
    report = build(index, records, encoder, **more)
    assert report.embedded == len(encoder.embedded)
    assert report.reused == report.passages - report.embedded
    return encoder.embedded, report


# --- all parts together -----------------------------------------------------------------------------------------------


def assert_all_parts_agree(folder: Path, records: Sequence[StoredRecord]) -> None:
    with Generation(folder, hashes=True) as generation:
        rows = generation.rows.passage_rows()
        count = len(rows)
        assert generation.manifest.records == generation.rows.records == len(records)
        assert list(rows) == list(range(count))
        assert [
            generation.manifest.passages,
            generation.rows.passages,
            generation.dense.count,
            generation.lexical.count,
            len(generation.vectors),
            len(generation.record_of),
            len(generation.target_of),
            len(generation.first_sentence),
        ] == [count] * 8
        assert len(generation.sentence_vectors) == sum(len(json.loads(row.sentences)) for row in rows.values())
        assert [row.record for row in rows.values()] == generation.record_of.tolist()
        assert [row.target for row in rows.values()] == generation.target_of.tolist()
        for row in rows.values():
            shown = rows[row.target]
            assert shown.record == row.record
            assert not shown.way_in
            assert row.way_in or shown == row
        verify(Layout(folder))


def test_all_parts_of_a_generation_have_the_same_passages(index: IndexFolder, encoder: MadeUpEncoder) -> None:
    report = build(index, stored(LIBRARY), encoder)

    assert_all_parts_agree(index.folder / report.generation, stored(LIBRARY))
    assert report.records == 6
    assert report.passages > 30


@st.composite
def libraries(draw: st.DrawFn) -> list[StoredRecord]:
    """Any of the records, some of them with another text, title or summary."""
    chosen = draw(st.lists(st.sampled_from(range(len(LIBRARY))), unique=True))
    records = []
    for number in chosen:
        change = draw(st.sampled_from(("none", "title", "summary", "answers", "sections")))
        record = LIBRARY[number]
        changes: dict[str, dict[str, Any]] = {
            "none": {},
            "title": {"title": f"{record.title}, again"},
            "summary": {"summary": f"{record.summary} Again."},
            "answers": {"answers": ()},
            "sections": {"sections": record.sections[:-1]},
        }
        records.append(record.model_copy(update=changes[change]))
    return stored(records)


@hypothesis_settings(max_examples=25, deadline=None)
@given(first=libraries(), second=libraries())
def test_counts_are_equal_in_all_parts_whatever_is_built_after_whatever(
    first: list[StoredRecord], second: list[StoredRecord]
) -> None:
    """And a build that reuses what it can is the same, to the bit, as one that embeds everything."""
    with tempfile.TemporaryDirectory() as folder:
        index, fresh = IndexFolder(Path(folder) / "index"), IndexFolder(Path(folder) / "fresh")
        for records in (first, second):
            report = build(index, records, MadeUpEncoder())
            assert_all_parts_agree(index.folder / report.generation, records)
        build(fresh, second, MadeUpEncoder())
        with open_current(index) as reusing, open_current(fresh) as whole:
            assert reusing.rows.passage_rows() == whole.rows.passage_rows()
            assert reusing.rows.record_rows() == whole.rows.record_rows()
            for part in ("vectors", "sentence_vectors", "record_of", "target_of", "first_sentence"):
                assert np.array_equal(getattr(reusing, part), getattr(whole, part)), part


def test_the_manifest_says_what_the_generation_was_built_from(index: IndexFolder, encoder: MadeUpEncoder) -> None:
    records = stored(LIBRARY)
    build(index, records, encoder)
    with open_current(index) as generation:
        manifest = generation.manifest
    assert (manifest.model, manifest.dimension, manifest.chunker) == ("made-up@1", 16, CHUNKER_VERSION)
    assert manifest.content == content_of(((one.id, one.content_hash) for one in records), "made-up@1")
    assert manifest.embedded == manifest.passages


def test_the_order_of_the_records_does_not_change_the_content() -> None:
    pairs = [("a", "1"), ("b", "2")]
    assert content_of(pairs, "m") == content_of(reversed(pairs), "m")
    different = {content_of(pairs, "m"), content_of(pairs, "n"), content_of([("a", "2"), ("b", "1")], "m")}
    assert len(different) == 3


def test_a_way_in_leads_to_the_passage_of_its_record_that_is_nearest_to_it(
    index: IndexFolder, encoder: MadeUpEncoder
) -> None:
    build(index, stored(LIBRARY), encoder)
    with open_current(index) as generation:
        rows = generation.rows.passage_rows()
        ways_in = {ordinal: row for ordinal, row in rows.items() if row.way_in}
        assert len(ways_in) == sum(2 + len(record.answers) for record in LIBRARY), "summary, answers, all in one"
        for ordinal, way_in in ways_in.items():
            own = [other for other, row in rows.items() if row.record == way_in.record and not row.way_in]
            cosines = generation.vectors[own].astype(np.float32) @ generation.vectors[ordinal].astype(np.float32)
            assert generation.target_of[ordinal] == own[int(cosines.argmax())]


def test_a_library_without_records_gives_an_empty_generation(index: IndexFolder, encoder: MadeUpEncoder) -> None:
    report = build(index, [], encoder)
    assert (report.records, report.passages, report.published) == (0, 0, True)
    assert_all_parts_agree(index.folder / report.generation, [])


def test_another_way_of_drafting_serves_what_is_no_record(index: IndexFolder, encoder: MadeUpEncoder) -> None:
    """As the evaluation on public test sets does."""
    texts = {"d1": "Wings and lift.", "d2": "Boundary layers. Heat."}
    records = [StoredRecord(name, content_hash(text), text) for name, text in texts.items()]

    def draft(record: StoredRecord, count: Callable[[Sequence[str]], list[int]]) -> Draft:
        return draft_text(record.id, f"Paper {record.id}", record.markdown, count)

    report = build(index, records, encoder, draft=draft)
    assert report.passages == 2
    assert sorted(encoder.embedded) == ["Paper d1\nWings and lift.", "Paper d2\nBoundary layers. Heat."]


# --- embedding only what has changed ----------------------------------------------------------------------------------


def test_the_first_build_embeds_every_passage_once(index: IndexFolder) -> None:
    embedded, report = embedded_by(index, stored(LIBRARY))
    with open_current(index) as generation:
        wanted = [searched_text(row)[0] for row in generation.rows.passage_rows().values()]
    assert sorted(embedded) == sorted(wanted)
    assert report.reused == 0


def test_when_nothing_has_changed_nothing_is_embedded_and_nothing_published(index: IndexFolder) -> None:
    _, first = embedded_by(index, stored(LIBRARY))
    before = names(index), index.current.stat().st_mtime_ns

    embedded, second = embedded_by(index, stored(LIBRARY))

    assert embedded == []
    assert (first.published, second.published) == (True, False)
    assert (second.generation, second.records, second.passages) == (first.generation, first.records, first.passages)
    assert (names(index), index.current.stat().st_mtime_ns) == before


def test_one_edited_section_has_one_passage_embedded(index: IndexFolder) -> None:
    embedded_by(index, stored(LIBRARY))
    sections = [{"heading": one.heading, "text": one.text.replace("four", "five")} for one in make_case().sections]
    edited = make_case(sections=sections)

    embedded, report = embedded_by(index, stored([edited, *LIBRARY[1:]]))

    assert embedded == [f"{edited.title} > What happened\n{RESULT.replace('four', 'five').replace(' [s1]', '')}"]
    assert report.published


def test_a_change_of_outcome_alone_is_published_and_embeds_nothing(index: IndexFolder) -> None:
    embedded_by(index, stored(LIBRARY))

    embedded, report = embedded_by(index, stored([make_case(outcome="relapsed"), *LIBRARY[1:]]))

    assert embedded == []
    assert report.published
    with open_current(index) as generation:
        assert {card["id"]: card["outcome"] for card in generation.rows.cards()}["anytown-bins"] == "relapsed"


def test_a_change_of_title_embeds_all_of_that_record_and_nothing_else(index: IndexFolder) -> None:
    """The title stands before each of its passages."""
    embedded_by(index, stored(LIBRARY))
    retitled = make_lesson(title="A green dashboard, and damp homes")

    embedded, _ = embedded_by(index, stored([retitled if one.id == retitled.id else one for one in LIBRARY]))

    assert len(embedded) == len(retitled.sections) + 2 + len(retitled.answers)
    assert all(text.startswith("A green dashboard, and damp homes") for text in embedded)


def test_a_new_record_has_its_own_passages_embedded(index: IndexFolder) -> None:
    embedded_by(index, stored(LIBRARY[:5]))
    embedded, _ = embedded_by(index, stored(LIBRARY))
    assert len(embedded) == len(LIBRARY[5].sections) + 2 + len(LIBRARY[5].answers)
    assert all(text.startswith(LIBRARY[5].title) for text in embedded)


def test_a_record_that_is_gone_leaves_nothing_behind_and_embeds_nothing(index: IndexFolder) -> None:
    embedded_by(index, stored(LIBRARY))
    embedded, report = embedded_by(index, stored(LIBRARY[1:]))
    assert embedded == []
    assert report.records == 5
    with open_current(index) as generation:
        assert generation.rows.markdown("anytown-bins") is None
        assert not any("bins" in row.prefix for row in generation.rows.passage_rows().values())
        ordinals = generation.lexical.search(generation.lexical.words("missed bins crews"), 100).ordinals
        assert all(ordinal < generation.manifest.passages for ordinal in ordinals)


def test_a_full_build_embeds_everything_again(index: IndexFolder) -> None:
    embedded_by(index, stored(LIBRARY))
    embedded, report = embedded_by(index, stored(LIBRARY), full=True)
    assert len(embedded) == report.passages
    assert report.published


def test_another_model_has_everything_embedded_again(index: IndexFolder) -> None:
    """Vectors of two models do not mix."""
    build(index, stored(LIBRARY), MadeUpEncoder("made-up@1"))
    other = MadeUpEncoder("made-up@2")

    report = build(index, stored(LIBRARY), other)

    assert (report.published, report.reused, len(other.embedded)) == (True, 0, report.passages)
    with open_current(index) as generation:
        assert generation.manifest.model == "made-up@2"


def test_another_way_of_cutting_passages_has_everything_cut_and_embedded_again(
    index: IndexFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded_by(index, stored(LIBRARY))
    monkeypatch.setattr(builder_module, "CHUNKER_VERSION", CHUNKER_VERSION + 1)
    drafted: list[str] = []

    def draft(record: StoredRecord, count: Callable[[Sequence[str]], list[int]]) -> Draft:
        drafted.append(record.id)
        return make_draft(record, count)

    embedded, report = embedded_by(index, stored(LIBRARY), draft=draft)

    assert (report.published, len(embedded)) == (True, report.passages)
    assert sorted(drafted) == sorted(record.id for record in LIBRARY)
    with open_current(index) as generation:
        assert generation.manifest.chunker == CHUNKER_VERSION + 1


def test_an_index_of_another_format_is_built_anew_and_not_misread(
    index: IndexFolder, monkeypatch: pytest.MonkeyPatch, log: Callable[[], list[str]]
) -> None:
    _, first = embedded_by(index, stored(LIBRARY))
    for module in (builder_module, generation_module):
        monkeypatch.setattr(module, "FORMAT_VERSION", 999)

    embedded, report = embedded_by(index, stored(LIBRARY))

    assert (report.published, len(embedded)) == (True, report.passages)
    assert index.pointed_at() == report.generation
    assert (index.folder / first.generation).is_dir(), "kept for a return to the version before"
    assert any("made by another version" in line for line in log())


def test_a_damaged_generation_is_not_built_upon(index: IndexFolder, log: Callable[[], list[str]]) -> None:
    _, first = embedded_by(index, stored(LIBRARY))
    Layout(index.folder / first.generation).vectors.write_bytes(b"")

    embedded, report = embedded_by(index, stored(LIBRARY))

    assert len(embedded) == report.passages
    assert_all_parts_agree(index.folder / report.generation, stored(LIBRARY))
    assert "vectors.npy: has 0 bytes" in log()[0]


def test_the_same_words_in_two_records_are_embedded_for_each(index: IndexFolder) -> None:
    twin = make_case(id="othertown-bins")
    _, report = embedded_by(index, stored([make_case(), twin]))
    with open_current(index) as generation:
        half = report.passages // 2
        assert np.array_equal(generation.vectors[:half], generation.vectors[half:])
    embedded, _ = embedded_by(index, stored([make_case(), twin, LIBRARY[1]]))
    assert not any("bins" in text.partition("\n")[0] for text in embedded)


# --- progress ---------------------------------------------------------------------------------------------------------


def test_progress_tells_each_stage_to_its_end(index: IndexFolder, encoder: MadeUpEncoder) -> None:
    steps: list[tuple[str, int, int]] = []
    report = build(index, stored(LIBRARY), encoder, progress=lambda *step: steps.append(step))

    assert list(dict.fromkeys(stage for stage, _, _ in steps)) == ["read", "embed", "write", "verify"]
    last = {stage: (done, total) for stage, done, total in steps}
    assert last["read"] == (6, 6)
    assert last["embed"] == (report.passages, report.passages)
    assert all(done == total for done, total in last.values())
    assert all(0 <= done <= total for _, done, total in steps)


# --- verifying before publishing --------------------------------------------------------------------------------------


def swap_vectors(path: Path, vectors: np.ndarray[Any, Any]) -> None:
    build_dense(path, vectors[::-1].copy())


def lose_vector(path: Path, vectors: np.ndarray[Any, Any]) -> None:
    build_dense(path, vectors[1:])


def lose_posting(folder: Path, postings: Iterable[Posting]) -> None:
    build_lexical(folder, list(postings)[1:])


def shift_postings(folder: Path, postings: Iterable[Posting]) -> None:
    rows = list(postings)
    build_lexical(
        folder,
        [Posting(row.ordinal, other.words, row.facets) for row, other in zip(rows, rows[1:] + rows[:1], strict=True)],
    )


def empty_postings(folder: Path, postings: Iterable[Posting]) -> None:
    build_lexical(folder, [Posting(row.ordinal, "", row.facets) for row in postings])


@pytest.mark.parametrize(
    ("name", "broken", "message"),
    [
        ("build_dense", swap_vectors, "does not find itself in the dense index"),
        ("build_dense", lose_vector, "dense.faiss has"),
        ("build_lexical", lose_posting, "lexical has"),
        ("build_lexical", shift_postings, "is not in the lexical index"),
        ("build_lexical", empty_postings, "is not in the lexical index"),
    ],
)
def test_a_generation_that_does_not_find_its_own_passages_is_not_published(
    index: IndexFolder,
    encoder: MadeUpEncoder,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    broken: Callable[..., None],
    message: str,
) -> None:
    first = build(index, stored(LIBRARY[:5]), encoder)
    before = names(index)
    monkeypatch.setattr(builder_module, name, broken)

    with pytest.raises(DamagedGeneration, match=message):
        build(index, stored(LIBRARY), encoder)

    assert index.pointed_at() == first.generation
    assert names(index) == before, "what was built is gone again"


def test_verify_finds_no_fault_in_what_was_built_well(index: IndexFolder, encoder: MadeUpEncoder) -> None:
    """Passages with the same words, and one without any, are no fault."""
    records = [
        make_case(),
        make_case(id="othertown-bins"),
        make_case(
            id="quiet",
            sections={
                "Situation": "It is what it is [s1].",
                "What was done": "…",
                "What happened": "And so on and so on.",
                "What worked": "—",
            },
        ),
    ]
    report = build(index, stored(records), encoder)
    verify(Layout(index.folder / report.generation))


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_record_that_cannot_be_read_is_named_with_its_line_and_nothing_is_published(
    index: IndexFolder, encoder: MadeUpEncoder
) -> None:
    first = build(index, stored(LIBRARY), encoder)
    before = names(index)
    text = stored([make_case()])[0].markdown.replace("outcome: worked", "outcome: splendid")
    line = text.splitlines().index("outcome: splendid") + 1

    with pytest.raises(
        KbError, match=rf"record anytown-bins, line {line}: .*'splendid' is not one of worked.*load it again"
    ):
        build(index, [StoredRecord("anytown-bins", content_hash(text), text)], encoder)
    assert index.pointed_at() == first.generation
    assert names(index) == before


def test_an_encoder_that_fails_leaves_the_last_generation_as_it_was(index: IndexFolder, encoder: MadeUpEncoder) -> None:
    class Failing(MadeUpEncoder):
        def encode_passages(self, *_: Any) -> Any:
            raise RuntimeError("out of memory")

    first = build(index, stored(LIBRARY[:5]), encoder)
    before = names(index)
    with pytest.raises(KbError, match=r"could not be built: out of memory; the last one still answers"):
        build(index, stored(LIBRARY), Failing())
    assert index.pointed_at() == first.generation
    assert names(index) == before


def test_an_index_folder_that_cannot_be_made_is_named(tmp_path: Path, encoder: MadeUpEncoder) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KbError, match=r"file/index: the index could not be written"):
        build(IndexFolder(tmp_path / "file" / "index"), stored(LIBRARY), encoder)


def test_an_index_that_was_deleted_is_made_again_from_the_records(index: IndexFolder, encoder: MadeUpEncoder) -> None:
    build(index, stored(LIBRARY), encoder)
    with open_current(index) as generation:
        wanted = generation.rows.passage_rows()
    shutil.rmtree(index.folder)
    build(index, stored(LIBRARY), encoder)
    with open_current(index) as generation:
        assert generation.rows.passage_rows() == wanted
