"""An index generation: opened whole or not at all, published by one rename, set aside when it is damaged.

Every test works on two published generations: `old`, of five records, and `new`, of all six, which CURRENT names.
"""

from __future__ import annotations

import json
import logging
import shutil
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest
from made_up import MadeUpEncoder, make_library, stored

from kb import generation as generation_module
from kb.builder import build
from kb.errors import DamagedGeneration, NoIndex, OtherFormat
from kb.generation import Generation, IndexFolder, Layout, Manifest, check_files, open_current, point_at, remove_old
from kb.search import Searcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUESTIONS: Final = ("missed bins", "foster carers", "damp homes and a green dashboard", "payroll went live", "roofs")

# Every file of a generation but the manifest: what the test writes instead of the name that tantivy makes up -> how
# many there are. The two empty ones are tantivy's locks, in which there is nothing to damage.
PARTS: Final = (
    "manifest.json",
    "passages.sqlite",
    "dense.faiss",
    "vectors.npy",
    "sentence-vectors.npy",
    "columns.npy",
    "lexical/meta.json",
    "lexical/.managed.json",
    "lexical/*.fast",
    "lexical/*.fieldnorm",
    "lexical/*.idx",
    "lexical/*.pos",
    "lexical/*.store",
    "lexical/*.term",
)
EMPTY_PARTS: Final = ("lexical/.tantivy-meta.lock", "lexical/.tantivy-writer.lock")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def overwrite(path: Path) -> None:
    """Other bytes, as many of them as there were."""
    path.write_bytes(bytes(byte ^ 0x55 for byte in path.read_bytes()))


def change_one_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.write_bytes(content)


def delete(path: Path) -> None:
    path.unlink()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generations, built once; every test has a copy of its own."""
    folder = tmp_path_factory.mktemp("built") / "index"
    for count in (5, 6):
        build(IndexFolder(folder), stored(make_library()[:count]), MadeUpEncoder())
    return folder


@pytest.fixture
def index(built: Path, tmp_path: Path) -> IndexFolder:
    return IndexFolder(shutil.copytree(built, tmp_path / "index"))


@pytest.fixture
def new(index: IndexFolder) -> Path:
    return index.generations()[0]


@pytest.fixture
def old(index: IndexFolder) -> Path:
    return index.generations()[1]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, "kb")
    return lambda: [record.getMessage() for record in caplog.records]


def part(generation: Path, pattern: str) -> Path:
    (found,) = generation.glob(pattern)
    return found


def answers(generation: Generation) -> list[list[tuple[str, str, str, float]]]:
    searcher = Searcher(generation, MadeUpEncoder())
    return [
        [(hit.record, hit.passage.text, hit.passage.highlight, hit.score) for hit in searcher.ask(question).hits]
        for question in QUESTIONS
    ]


def answers_of(folder: Path) -> list[list[tuple[str, str, str, float]]]:
    with Generation(folder) as generation:
        return answers(generation)


# --- a sound generation -----------------------------------------------------------------------------------------------


def test_current_names_the_generation_that_answers(index: IndexFolder, new: Path, log: Callable[[], list[str]]) -> None:
    assert index.pointed_at() == new.name
    with open_current(index, hashes=True) as generation:
        assert generation.name == new.name
        assert generation.manifest.records == 6
    assert log() == [], "nothing to complain of"


def test_the_manifest_has_the_size_and_hash_of_every_other_file(new: Path) -> None:
    manifest = check_files(Layout(new), hashes=True)
    found = {path.relative_to(new).as_posix(): path.stat().st_size for path in new.rglob("*") if path.is_file()}
    assert {name: entry["bytes"] for name, entry in manifest.files.items()} == {
        name: size for name, size in found.items() if name != "manifest.json"
    }


def test_each_passage_has_the_vectors_of_its_own_sentences(new: Path) -> None:
    with Generation(new) as generation:
        rows = generation.rows.passage_rows()
        counts = [len(generation.sentences_of(ordinal)) for ordinal in rows]
        assert counts == [len(json.loads(row.spans)) for row in rows.values()]
        assert sum(counts) == len(generation.sentence_vectors)


def test_names_of_generations_rise_with_time(index: IndexFolder, new: Path, old: Path) -> None:
    assert index.generations() == [new, old]
    assert old.name < new.name


def test_a_folder_without_generations_has_none(tmp_path: Path) -> None:
    assert IndexFolder(tmp_path / "nowhere").generations() == []
    assert IndexFolder(tmp_path / "nowhere").pointed_at() == ""


# --- a damaged generation ---------------------------------------------------------------------------------------------


def test_the_damages_below_are_done_to_every_file(new: Path) -> None:
    files = {path for path in new.rglob("*") if path.is_file()}
    assert {part(new, pattern) for pattern in (*PARTS, *EMPTY_PARTS)} == files


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        *((pattern, damage) for pattern in PARTS for damage in (cut_short, empty, overwrite, delete)),
        *((pattern, delete) for pattern in EMPTY_PARTS),
    ],
)
def test_a_damaged_file_has_its_generation_set_aside_and_the_last_good_one_answers(
    index: IndexFolder, new: Path, old: Path, log: Callable[[], list[str]], pattern: str, damage: Callable[[Path], None]
) -> None:
    wanted = answers_of(old)
    damaged = part(new, pattern)
    damage(damaged)

    with open_current(index, hashes=True) as generation:
        assert generation.name == old.name
        assert answers(generation) == wanted

    assert not new.exists()
    assert new.with_name(f"damaged-{new.name}").is_dir(), "kept, for somebody to look at"
    assert index.pointed_at() == old.name
    said, consequence = log()
    assert said.startswith(f"index generation {new.name} is damaged and set aside: {damaged}: ")
    assert consequence == f"answering from generation {old.name}, the last good one; run `kb index` for a fresh one"


@pytest.mark.parametrize("pattern", [pattern for pattern in PARTS if pattern != "manifest.json"])
def test_one_changed_byte_is_found_when_every_byte_is_checked(index: IndexFolder, new: Path, pattern: str) -> None:
    change_one_byte(part(new, pattern))
    with pytest.raises(DamagedGeneration, match="its content is not what its manifest says"):
        Generation(new, hashes=True)


@pytest.mark.parametrize("pattern", PARTS)
@pytest.mark.parametrize("damage", [cut_short, empty, delete])
def test_a_file_that_is_cut_short_or_gone_is_found_without_reading_every_byte(
    index: IndexFolder, new: Path, old: Path, pattern: str, damage: Callable[[Path], None]
) -> None:
    """As `kb ask` opens it, in a few milliseconds."""
    damage(part(new, pattern))
    with open_current(index) as generation:
        assert generation.name == old.name


@pytest.mark.parametrize("pattern", PARTS)
@pytest.mark.parametrize("damage", [overwrite, change_one_byte])
def test_a_file_of_other_bytes_never_breaks_the_reader(
    index: IndexFolder, new: Path, old: Path, pattern: str, damage: Callable[[Path], None]
) -> None:
    """Not every changed byte can be seen without reading them all: what is opened then answers, or says that it is
    damaged, and the knowledge base asks the last good one.
    """
    damage(part(new, pattern))
    with open_current(index) as generation:
        assert generation.name in (new.name, old.name)
        try:
            assert len(answers(generation)) == len(QUESTIONS)
        except DamagedGeneration as error:
            assert generation.name == new.name
            assert new.name in str(error)


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"format": 1}', '"a text"', "\ud800"])
def test_a_manifest_of_another_kind_is_damage(new: Path, text: str) -> None:
    Layout(new).manifest.write_text(text, "utf-8", "surrogatepass")
    with pytest.raises(DamagedGeneration, match=r"manifest\.json: "):
        Generation(new)


def test_a_generation_of_another_format_is_never_misread(new: Path) -> None:
    manifest = Layout(new).manifest
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 999}))
    with pytest.raises(OtherFormat, match=r"manifest\.json: format 999; this version reads \d+"):
        Manifest.read(Layout(new))


def test_a_generation_of_another_format_is_passed_over_and_left_for_the_version_that_made_it(
    index: IndexFolder, new: Path, old: Path, log: Callable[[], list[str]]
) -> None:
    manifest = Layout(new).manifest
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 999}))

    with open_current(index, hashes=True) as generation:
        assert generation.name == old.name

    assert new.is_dir()
    assert index.pointed_at() == new.name, "what another version answers from is its own business"
    assert log()[0].startswith(f"index generation {new.name} was made by another version and is passed over: ")
    assert log()[1].startswith(f"answering from generation {old.name}")


@pytest.mark.parametrize("name", ["passages.sqlite", "dense.faiss", "lexical", "vectors.npy", "columns.npy"])
def test_parts_that_do_not_belong_together_are_damage(new: Path, old: Path, name: str) -> None:
    """Each part is sound, and its hash is right, but it is another generation's."""
    taken, place = old / name, new / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    shutil.copytree(taken, place) if taken.is_dir() else shutil.copy(taken, place)
    manifest = json.loads(Layout(new).manifest.read_text())
    known = {key: value for key, value in manifest.items() if key not in ("format", "files")}
    generation_module.seal(Layout(new), **known)

    with pytest.raises(DamagedGeneration, match=rf"{name} has \d+ passages, the manifest {manifest['passages']}"):
        Generation(new, hashes=True)


def test_when_no_generation_is_sound_the_error_says_what_to_do(
    index: IndexFolder, new: Path, old: Path, log: Callable[[], list[str]]
) -> None:
    for generation in (new, old):
        empty(Layout(generation).dense)

    with pytest.raises(NoIndex, match=r"no index that can answer; run `kb load` and then `kb index`"):
        open_current(index)
    assert [new.name in log()[0], old.name in log()[1]] == [True, True]


def test_when_there_is_no_index_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match=r"index: no index that can answer; run `kb load` and then `kb index`"):
        open_current(IndexFolder(tmp_path / "index"))
    assert not (tmp_path / "index").exists(), "asking for it makes nothing"


def test_a_disk_that_cannot_be_written_still_answers(
    index: IndexFolder, new: Path, old: Path, log: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty(Layout(new).dense)

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.rename", refuse)
    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with open_current(index) as generation:
        assert generation.name == old.name
    assert [f"{new} could not be set aside: [Errno 30] Read-only file system"] == log()[1:2]


# --- a damaged pointer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\n",
        b"\xff\xfe\x00garbage\x00",
        b"20990101T000000.000000Z-00000000\n",
        b"../index",
        b"..",
        b".",
        b"/",
        b"models",
        b".building-x",
        b"a\x00b",
        b"x" * 5000,
    ],
)
def test_without_a_usable_pointer_the_newest_good_generation_answers_and_the_pointer_is_mended(
    index: IndexFolder, new: Path, old: Path, log: Callable[[], list[str]], content: bytes | None
) -> None:
    index.models.mkdir()
    (index.folder / ".building-x").mkdir()
    if content is None:
        index.current.unlink()
    else:
        index.current.write_bytes(content)
    before = {path.name for path in index.folder.iterdir()} | {"CURRENT"}

    with open_current(index) as generation:
        assert generation.name == new.name

    assert index.pointed_at() == new.name
    assert {path.name for path in index.folder.iterdir()} == before, "nothing else was moved"
    assert log()[-1].startswith(f"answering from generation {new.name}")


def test_a_pointer_that_leads_nowhere_is_named_in_the_log(index: IndexFolder, log: Callable[[], list[str]]) -> None:
    index.current.write_text("20990101T000000.000000Z-00000000\n")
    open_current(index).close()
    assert log()[0] == f"{index.current} names '20990101T000000.000000Z-00000000', which is not there"


def test_a_folder_in_the_pointers_place_does_not_keep_the_index_from_answering(
    index: IndexFolder, new: Path, log: Callable[[], list[str]]
) -> None:
    index.current.unlink()
    index.current.mkdir()
    with open_current(index) as generation:
        assert generation.name == new.name
    assert f"{index.current} could not be rewritten" in log()[-1]


def test_the_pointer_is_replaced_in_one_step(
    index: IndexFolder, old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads it meets the old name or the new one, whole; a write that fails leaves nothing behind."""
    before = {path.name for path in index.folder.iterdir()}

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        point_at(index, old.name)
    assert index.pointed_at() == new.name
    assert {path.name for path in index.folder.iterdir()} == before


def test_a_reader_that_is_overtaken_by_two_publications_opens_the_newest_without_a_word(
    index: IndexFolder, new: Path, log: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading CURRENT and opening what it names, that generation was replaced twice, and so removed."""
    published: list[str] = []

    class Overtaken(Generation):
        def __init__(self, folder: Path, *, hashes: bool = False) -> None:
            if not published:
                published.append("")  # the builder opens the generation before it, too
                for count in (4, 3):
                    records = stored(make_library()[:count])
                    published.append(build(index, records, MadeUpEncoder()).generation)
            super().__init__(folder, hashes=hashes)

    monkeypatch.setattr(generation_module, "Generation", Overtaken)
    with open_current(index) as generation:
        assert generation.name == published[-1]
    assert not new.exists()
    assert log() == []
    assert not list(index.folder.glob("damaged-*"))


def test_a_reader_never_turns_the_pointer_back_from_what_was_published_meanwhile(
    index: IndexFolder, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CURRENT's generation is damaged; while the reader falls back, a builder publishes a sound one."""
    empty(Layout(new).dense)
    published: list[str] = []

    class Beaten(Generation):
        def __init__(self, folder: Path, *, hashes: bool = False) -> None:
            super().__init__(folder, hashes=hashes)
            if not published:
                published.append("")
                published.append(build(index, stored(make_library()[:4]), MadeUpEncoder()).generation)

    monkeypatch.setattr(generation_module, "Generation", Beaten)
    with open_current(index) as generation:
        assert generation.name == published[-1]
    assert index.pointed_at() == published[-1]


# --- removing old ones ------------------------------------------------------------------------------------------------


def test_the_generation_before_the_current_one_is_kept_and_older_ones_are_removed(
    index: IndexFolder, new: Path, old: Path
) -> None:
    report = build(index, stored(make_library()[:4]), MadeUpEncoder())
    assert [path.name for path in index.generations()] == [report.generation, new.name]
    assert not old.exists()


def test_what_killed_builders_left_is_removed(index: IndexFolder, new: Path, old: Path) -> None:
    (index.folder / ".building-abc" / "lexical").mkdir(parents=True)
    (index.folder / ".CURRENT-123").write_text("20")

    removed = remove_old(index)

    assert sorted(removed) == [".CURRENT-123", ".building-abc"]
    assert index.generations() == [new, old]


def test_the_current_generation_is_kept_even_when_it_is_not_the_newest(
    index: IndexFolder, new: Path, old: Path
) -> None:
    """As after falling back to the one before."""
    point_at(index, old.name)
    remove_old(index)
    assert index.generations() == [new, old]


def test_a_generation_that_is_open_goes_on_answering_after_it_was_removed(index: IndexFolder, new: Path) -> None:
    with open_current(index) as generation:
        wanted = answers(generation)
        shutil.rmtree(new)
        assert answers(generation) == wanted


def test_large_vectors_are_mapped_and_small_ones_read_whole(new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is cut short while it is mapped ends the process, so only what is too large to keep is mapped."""
    with Generation(new) as generation:
        assert not isinstance(generation.vectors, np.memmap)
        assert not isinstance(generation.sentence_vectors, np.memmap)
    monkeypatch.setattr("kb.generation._MAPPED_FROM_BYTES", 0)
    with Generation(new) as generation:
        assert isinstance(generation.vectors, np.memmap)
        assert isinstance(generation.sentence_vectors, np.memmap)


def test_only_generations_are_ever_touched(new: Path) -> None:
    """KB_INDEX may be set to a folder that holds other things, whose names may begin with digits."""
    index = IndexFolder(new.parent)
    kept = [new.parent / name for name in ("2024 accounts", "2024", "damaged-goods", "20240101-minutes")]
    for folder in kept:
        folder.mkdir()
        (folder / "ledger.txt").write_text("precious")
    open_current(index).close()
    remove_old(index)
    assert all((folder / "ledger.txt").read_text() == "precious" for folder in kept)


def test_a_generation_that_is_only_out_of_reach_is_not_set_aside(new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many open files, say: nothing is damaged, and the next try finds everything as it was."""

    def too_many(*_: object) -> None:
        raise OSError(24, "Too many open files")

    index = IndexFolder(new.parent)
    with monkeypatch.context() as patched:
        patched.setattr("kb.generation.PassageFile", too_many)
        with pytest.raises(NoIndex, match="Too many open files"):
            open_current(index)
    with open_current(index) as generation:
        assert generation.name == new.name


def test_the_generation_that_answered_before_is_the_one_kept(tmp_path: Path) -> None:
    """A builder killed before it moved the pointer leaves a newer, whole generation that never answered."""
    index = IndexFolder(tmp_path)
    for name in (
        "20260101T000000-answered",
        "20260102T000000-never",
        "20260103T000000-now",
        "damaged-20250101T000000-x",
    ):
        (tmp_path / name).mkdir()
    point_at(index, "20260103T000000-now")
    removed = remove_old(index, "20260101T000000-answered")
    assert set(removed) == {"20260102T000000-never", "damaged-20250101T000000-x"}
    assert (tmp_path / "20260101T000000-answered").is_dir()
