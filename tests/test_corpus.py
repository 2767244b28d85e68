"""A folder of files: every fault of every file in one run, and the repository's own library without any."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up import line_of, make_case, make_lesson, make_library, write_corpus

import kb.corpus
from kb.corpus import FOLDERS, Corpus, FileFault, NoTable, council_names, find_files, read_corpus
from kb.councils import CouncilNames
from kb.errors import KbError
from kb.record_file import parse, render
from kb.records import Case, Lesson
from kb.store import content_hash
from kb.vocabulary import FAILURES

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "corpus"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def told(corpus: Corpus) -> list[str]:
    return [str(fault) for fault in corpus.faults]


# --- what is read ----------------------------------------------------------------------------------------------------


def test_records_are_read_with_their_files_to_the_letter(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, make_library())
    text = render(make_case(id="bins-again")).replace("## What was done", "\n\n##  What was done")
    path = write(folder, "cases/bins-again.md", text)
    corpus = read_corpus([folder], None)
    assert corpus.faults == ()
    assert {file.record for file in corpus.files} == {*make_library(), make_case(id="bins-again")}
    assert next(file.markdown for file in corpus.files if file.path == path) == text


def test_files_come_in_the_order_of_their_paths_whatever_is_asked_for(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, make_library())
    case, lesson = folder / "cases" / "anytown-bins.md", folder / "lessons" / "l-2b7xq4.md"
    assert find_files([lesson, case, lesson, folder / "lessons"])[0] == case
    assert [file.path for file in read_corpus([lesson, case], None).files] == [case, lesson]


def test_a_folder_gives_its_records_and_nothing_else(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, make_library())
    for name in ("README.md", "councils.README.md", "councils.csv", "cases/notes.txt", "lessons/README.md"):
        write(folder, name, "not a record\n")
    assert len(find_files([folder])) == len(make_library())
    assert read_corpus([folder], None).faults == ()


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KbError, match=r"nowhere\.md: no such file or folder"):
        read_corpus([tmp_path / "nowhere.md"], None)


def test_an_empty_folder_is_an_empty_library(tmp_path: Path) -> None:
    assert read_corpus([tmp_path], None) == Corpus((), ())


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, make_library())
    known = {file.record.id: content_hash(file.markdown) for file in read_corpus([folder], None).files}
    write(folder, "cases/anytown-bins.md", render(make_case(title="Bins, once more")))
    corpus = read_corpus([folder], None, known)
    assert [file.record.title for file in corpus.files] == ["Bins, once more"]
    assert set(corpus.unchanged) == {record.id for record in make_library()} - {"anytown-bins"}


# --- files that cannot be read ---------------------------------------------------------------------------------------


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_bytes(b"---\ntitle: caf\xe9\n---\n")
    assert told(read_corpus([tmp_path], None)) == [f"{path}:1: is not UTF-8 (byte 14); save it as UTF-8"]


def test_a_file_without_end(tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", "a" * 1_000_001)
    assert told(read_corpus([tmp_path], None)) == [f"{path}:1: is 1000001 bytes long; a record has at most 1000000"]


@pytest.mark.parametrize("text", ["", "\n", "# Notes\n", "---\n"])
def test_a_file_that_is_no_record(tmp_path: Path, text: str) -> None:
    write(tmp_path, "x.md", text)
    corpus = read_corpus([tmp_path], None)
    assert corpus.files == ()
    assert len(corpus.faults) == 1


# --- ids -------------------------------------------------------------------------------------------------------------


def test_an_id_is_used_once_and_the_second_file_says_where_the_first_is(tmp_path: Path) -> None:
    first = write(tmp_path, "a/anytown-bins.md", render(make_case()))
    text = render(make_case(title="Another")).replace(
        "id: anytown-bins\nkind: case\n", "kind: case\nid: anytown-bins\n"
    )
    second = write(tmp_path, "b/anytown-bins.md", text)
    corpus = read_corpus([tmp_path], None)
    assert told(corpus) == [
        f"{second}:{line_of(text, 'id: anytown-bins')}: id 'anytown-bins' is taken by {first}; give each record its own"
    ]
    assert [file.path for file in corpus.files] == [first]


def test_an_id_is_the_name_of_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, "bins.md", render(make_case()))
    assert told(read_corpus([tmp_path], None)) == [
        f"{path}:2: id 'anytown-bins' is not the file's name; rename the file to anytown-bins.md"
    ]


@pytest.mark.parametrize("name", ["anytown-homes", "l-2b7xq", "l-2b7xq4x", "x-2b7xq4"])
def test_the_id_of_a_lesson_means_nothing(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, f"{name}.md", render(make_lesson(id=name)))
    assert told(read_corpus([tmp_path], None)) == [
        f"{path}:2: id {name!r} is not 'l-' and six random letters or digits, such as l-7q2m9x; rename the lesson"
    ]


def test_a_doubled_id_is_found_though_the_first_file_has_not_changed(tmp_path: Path) -> None:
    text = render(make_case())
    first = write(tmp_path, "a/anytown-bins.md", text)
    second = write(tmp_path, "b/anytown-bins.md", render(make_case(title="Another")))
    corpus = read_corpus([tmp_path], None, {"anytown-bins": content_hash(text)})
    assert told(corpus) == [f"{second}:2: id 'anytown-bins' is taken by {first}; give each record its own"]
    second.write_text(text, "utf-8")
    corpus = read_corpus([tmp_path], None, {"anytown-bins": content_hash(text)})
    assert told(corpus) == [f"{second}:2: id 'anytown-bins' is taken by {first}; give each record its own"]


# --- several faults in several files ---------------------------------------------------------------------------------


def test_every_fault_of_every_file_comes_in_one_run(tmp_path: Path, uk_council_names: CouncilNames) -> None:
    """The list of the issue, spread over four files; a fifth is clean and is read all the same."""
    words = render(make_case(id="words"))
    words = words.replace("outcome: worked", "outcome: good").replace(
        "services: [environment", "services: [magic, environment"
    )
    words = words.replace("## What was done", "## What we did") + "\n## Situation\n\nOnce more [s1].\n"

    proofs = make_case(id="proofs").sources[0].model_dump()
    sources = render(
        make_case(
            id="sources",
            sources=[proofs, {**proofs, "id": "s2", "title": "Never read"}],
            measures=[{"what": "vans", "after": "3", "source": "s7"}],
            period={"start": 2017, "end": 2014},
            review_due="2025",
        )
    ).replace("same day [s1].", "same day [s3].")

    lesson = render(make_lesson(id="l-aaaaaa", summary="Kent wrote of it at www.example.org."))
    lesson = lesson.replace("The team bought a dashboard", "On 3 May the team paid £40,000 in Reading for a dashboard")

    texts = {
        tmp_path / "cases" / "words.md": words,
        tmp_path / "cases" / "sources.md": sources,
        tmp_path / "lessons" / "l-aaaaaa.md": lesson,
        tmp_path / "lessons" / "words.md": render(make_lesson(id="words")),
    }
    for path, text in texts.items():
        write(tmp_path, str(path.relative_to(tmp_path)), text)
    write_corpus(tmp_path, [make_case()])

    corpus = read_corpus([tmp_path], uk_council_names)
    found = [(fault.path.relative_to(tmp_path).as_posix(), fault.line) for fault in corpus.faults]
    first, again = (number for number, line in enumerate(words.split("\n"), 1) if line == "## Situation")
    assert first < again
    assert sorted(found) == sorted(
        [
            ("cases/sources.md", line_of(sources, "period:")),
            ("cases/sources.md", line_of(sources, "review_due:")),
            ("cases/sources.md", line_of(sources, "what: vans")),
            ("cases/sources.md", line_of(sources, "title: Never read")),
            ("cases/sources.md", line_of(sources, "[s3]")),
            ("cases/words.md", line_of(words, "outcome: good")),
            ("cases/words.md", line_of(words, "services:")),
            ("cases/words.md", line_of(words, "## What we did")),
            ("cases/words.md", again),
            ("cases/words.md", len(words.splitlines())),
            ("lessons/l-aaaaaa.md", line_of(lesson, "summary:")),
            ("lessons/l-aaaaaa.md", line_of(lesson, "summary:")),
            ("lessons/l-aaaaaa.md", line_of(lesson, "£40,000")),
            ("lessons/l-aaaaaa.md", line_of(lesson, "£40,000")),
            ("lessons/l-aaaaaa.md", line_of(lesson, "£40,000")),
            ("lessons/words.md", 2),  # taken
            ("lessons/words.md", 2),  # not the id of a lesson
        ]
    )
    assert [file.record.id for file in corpus.files] == ["anytown-bins"]


def test_a_fault_in_one_part_does_not_hide_those_in_others(tmp_path: Path, uk_council_names: CouncilNames) -> None:
    proof = make_case().sources[0].model_dump()
    case = render(
        make_case(sources=[proof, {**proof, "id": "s2", "title": "Never read"}], period={"start": 2017, "end": 2014})
    )
    case = case.replace("nation: England", "nation: Wessex").replace("same day [s1]", "same day [s3]")
    lesson = render(make_lesson(summary="Kent lost £3m.")).replace("corroboration: 2-4", "corroboration: many")
    write(tmp_path, "anytown-bins.md", case)
    write(tmp_path, "l-2b7xq4.md", lesson)
    found = [(fault.path.name, fault.line) for fault in read_corpus([tmp_path], uk_council_names).faults]
    assert sorted(found) == sorted(
        [
            ("anytown-bins.md", line_of(case, "Wessex")),
            ("anytown-bins.md", line_of(case, "period:")),
            ("anytown-bins.md", line_of(case, "Never read")),
            ("anytown-bins.md", line_of(case, "[s3]")),
            ("l-2b7xq4.md", line_of(lesson, "summary:")),
            ("l-2b7xq4.md", line_of(lesson, "summary:")),
            ("l-2b7xq4.md", line_of(lesson, "corroboration:")),
        ]
    )


def test_faults_come_file_by_file_and_line_by_line(tmp_path: Path) -> None:
    for name in ("b", "a"):
        text = render(make_case(id=name, period={"start": 2017, "end": 2014}, outcome_as_at="2013"))
        write(tmp_path, f"{name}.md", text.replace("## What worked", "## What went well"))
    faults = read_corpus([tmp_path], None).faults
    places = [(fault.path, fault.line) for fault in faults]
    assert places == sorted(places)
    assert len(places) == 2 * 3


def test_a_fault_reads_as_place_and_remedy() -> None:
    fault = FileFault(Path("corpus/cases/x.md"), 14, "outcome 'good' is not one of worked, mixed")
    assert str(fault) == "corpus/cases/x.md:14: outcome 'good' is not one of worked, mixed"


# --- councils --------------------------------------------------------------------------------------------------------


def test_a_corpus_without_a_council_table_has_the_one_beside_the_package(tmp_path: Path) -> None:
    names = council_names(tmp_path)
    assert isinstance(names, CouncilNames)
    assert [mention.text for mention in names.find("Staff came from Nottingham.")] == ["Nottingham"]


def test_without_any_council_table_no_lesson_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kb.corpus, "_SHIPPED", tmp_path / "nowhere")
    folder = write_corpus(tmp_path, [make_case(), make_lesson()])
    names = council_names(folder)
    assert isinstance(names, NoTable)
    corpus = read_corpus([folder], names)
    assert told(corpus) == [
        f"{folder / 'lessons' / 'l-2b7xq4.md'}:1: {folder / 'councils.csv'} is missing; "
        "a lesson cannot be checked without it; set KB_CORPUS"
    ]
    assert [file.record.id for file in corpus.files] == ["anytown-bins"]


def test_a_comment_is_a_fault_of_a_lesson_and_not_of_a_case(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, [make_case(), make_lesson()])
    for path in find_files([folder]):
        path.write_text(path.read_text("utf-8").replace("\nkind:", "\n# Anytown\nkind:", 1), "utf-8")
    assert told(read_corpus([folder], None)) == [
        f"{folder / 'lessons' / 'l-2b7xq4.md'}:3: "
        "a lesson has no comments in its front matter: they are stored and published; take it out"
    ]


# --- links -----------------------------------------------------------------------------------------------------------


def test_in_the_whole_corpus_a_link_leads_to_a_record_that_is_there(tmp_path: Path) -> None:
    there, gone = ({"record": name, "how": "see also"} for name in ("otherham-library-trust", "nowhere"))
    folder = write_corpus(tmp_path, [*make_library(), make_case(linked=[there, gone])])
    path = folder / "cases" / "anytown-bins.md"
    line = line_of(path.read_text("utf-8"), "record: nowhere")
    corpus = read_corpus([folder], None, whole=True)
    assert told(corpus) == [f"{path}:{line}: linked: there is no record 'nowhere'; take the link out"]
    assert path not in [file.path for file in corpus.files]
    assert read_corpus([folder], None).faults == ()


def test_a_link_to_the_record_itself(tmp_path: Path) -> None:
    path = write(tmp_path, "anytown-bins.md", render(make_case(linked=[{"record": "anytown-bins", "how": "see also"}])))
    line = line_of(path.read_text("utf-8"), "record: anytown-bins")
    for whole in (False, True):
        assert told(read_corpus([tmp_path], None, whole=whole)) == [
            f"{path}:{line}: linked: 'anytown-bins' is this record itself; take the link out"
        ]


def test_a_link_that_could_not_be_read_is_told_once(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path, [make_case(linked=[{"record": "nowhere", "how": "see also"}])])
    path = folder / "cases" / "anytown-bins.md"
    path.write_text(path.read_text("utf-8").replace("record: nowhere", "record: No Where"), "utf-8")
    assert len(read_corpus([folder], None, whole=True).faults) == 1


def test_a_damaged_council_table_is_named_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "councils.csv", "name,short_name\nAnytown Council,Anytown\n")
    with pytest.raises(KbError, match=r"councils\.csv:1: no column"):
        council_names(tmp_path)


# --- the repository's own library ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def library(uk_council_names: CouncilNames) -> Corpus:
    return read_corpus([CORPUS], uk_council_names, whole=True)


def test_the_library_has_no_fault(library: Corpus) -> None:
    assert told(library) == []
    assert len(library.files) == len(find_files([CORPUS]))


def test_the_library_is_as_large_and_as_balanced_as_it_says(library: Corpus) -> None:
    records = [file.record for file in library.files]
    assert sum(isinstance(record, Case) for record in records) >= 16
    assert sum(isinstance(record, Lesson) for record in records) >= 8
    assert sum(record.outcome in FAILURES for record in records) >= len(records) / 3


def test_each_record_stands_in_the_folder_of_its_kind(library: Corpus) -> None:
    for file in library.files:
        assert file.path.parent == CORPUS / FOLDERS[file.record.kind]


def test_each_record_links_to_records_that_there_are(library: Corpus) -> None:
    ids = {file.record.id for file in library.files}
    for file in library.files:
        if isinstance(file.record, Case):
            assert {link.record for link in file.record.linked} <= ids - {file.record.id}, file.path


def test_each_record_says_in_three_to_six_questions_what_it_answers(library: Corpus) -> None:
    for file in library.files:
        assert 3 <= len(file.record.answers) <= 6, file.path


def test_each_record_survives_being_written_and_read(library: Corpus) -> None:
    for file in library.files:
        written = render(file.record)
        assert parse(written).record == file.record, file.path
        assert render(file.record) == written
