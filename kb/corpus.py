"""A folder of files -> Records, with every fault of every file in one run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kb.checks import LESSON_ID, check, check_hidden
from kb.councils import CouncilNames, load_abolished, load_councils
from kb.errors import KbError
from kb.record_file import Fault, Parsed, parse
from kb.records import Case
from kb.store import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kb.councils import AbolishedCouncil, Council
    from kb.records import Record

_LARGEST_FILE_BYTES: Final = 1_000_000
FOLDERS: Final = {"case": "cases", "lesson": "lessons"}
# The corpus beside the package, whose council table serves a corpus that has none.
_SHIPPED: Final = Path(__file__).resolve().parent.parent / "corpus"


@dataclass(frozen=True, slots=True)
class FileFault:
    """A fault with its place: `corpus/cases/x.md:14: outcome 'good' is not one of worked, mixed, ...`."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file of the corpus that could be read: the record and its text, to the letter."""

    path: Path
    record: Record
    markdown: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was read, and every fault that was found. Files with faults in them have no place in `files`.

    `unchanged` has the ids of files that were skipped, as nothing in them has changed since they were last loaded.
    """

    files: tuple[CheckedFile, ...]
    faults: tuple[FileFault, ...]
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoTable:
    """Stands for the names of councils where their table is missing: no lesson can be checked."""

    path: Path


def council_tables(folder: Path) -> tuple[tuple[Council, ...], tuple[AbolishedCouncil, ...]] | None:
    """The councils and the abolished ones: from the corpus folder, else from beside the package, else None.

    Raises CouncilTableError for a table that cannot be used.
    """
    home = next((home for home in (folder, _SHIPPED) if (home / "councils.csv").exists()), None)
    if home is None:
        return None
    table, abolished = home / "councils.csv", home / "councils-abolished.csv"
    return load_councils(table), load_abolished(abolished) if abolished.exists() else ()


def council_names(folder: Path) -> CouncilNames | NoTable:
    """The names of all UK councils, from the table in the corpus folder or else from the one beside the package."""
    tables = council_tables(folder)
    return NoTable(folder / "councils.csv") if tables is None else CouncilNames(*tables)


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The record files under these paths, sorted: files as named, and of folders every .md but a README.

    Raises KbError for a path that does not exist.
    """
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found |= {file for file in path.rglob("*.md") if not file.name.endswith("README.md")}
        elif path.is_file():
            found.add(path)
        else:
            raise KbError(f"{path}: no such file or folder")
    return sorted(found)


def read_corpus(
    paths: Sequence[Path],
    names: CouncilNames | NoTable | None,
    known: Mapping[str, str] = MappingProxyType({}),
    *,
    whole: bool = False,
) -> Corpus:
    """Reads and checks every record under these paths. Raises KbError only for a path that does not exist.

    `known` has the content hash of records that were found without fault before, by id; files that have not changed
    since are not parsed again. With `whole`, the paths hold all records there are, and links between them are checked.
    With None for `names`, councils in lessons are not looked for.
    """
    files: list[CheckedFile] = []
    unchanged: list[str] = []
    faults: list[FileFault] = []
    taken: dict[str, Path] = {}
    found = find_files(paths)
    there = {path.stem for path in found} if whole else None
    for path in found:
        markdown, unreadable = _read(path)
        if markdown is None:
            faults.append(FileFault(path, 1, unreadable))
            continue
        if known.get(path.stem) == content_hash(markdown) and path.stem not in taken:
            taken[path.stem] = path
            unchanged.append(path.stem)
            continue
        parsed = parse(markdown)
        here = [
            *parsed.faults,
            *_check_content(parsed, markdown, names),
            *_check_id(path, parsed, taken),
            *_check_links(parsed, there),
        ]
        faults += [FileFault(path, fault.line, fault.message) for fault in sorted(here, key=lambda one: one.line)]
        if parsed.record is not None and not here:
            files.append(CheckedFile(path, parsed.record, markdown))
    return Corpus(tuple(files), tuple(faults), tuple(unchanged))


def _read(path: Path) -> tuple[str | None, str]:
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE_BYTES:
            return None, f"is {size} bytes long; a record has at most {_LARGEST_FILE_BYTES}"
        return path.read_bytes().decode("utf-8"), ""
    except UnicodeDecodeError as error:
        return None, f"is not UTF-8 (byte {error.start}); save it as UTF-8"
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"


def _check_content(parsed: Parsed, markdown: str, names: CouncilNames | NoTable | None) -> Iterator[Fault]:
    yield from check(parsed, None if isinstance(names, NoTable) else names)
    if parsed.partial is not None and parsed.partial.kind == "lesson":
        yield from check_hidden(markdown)
        if isinstance(names, NoTable):
            yield Fault(1, f"{names.path} is missing; a lesson cannot be checked without it; set KB_CORPUS")


def _check_links(parsed: Parsed, there: set[str] | None) -> Iterator[Fault]:
    """Links lead to other records and, where it is known which there are, to records that are there."""
    case = parsed.partial
    for number, link in enumerate(case.linked if isinstance(case, Case) else ()):
        place = ("linked", number, "record")
        if any(place[: len(doubtful)] == doubtful for doubtful in parsed.doubtful):
            continue
        if case is not None and link.record == case.id and ("id",) not in parsed.doubtful:
            yield Fault(parsed.line_of(place), f"linked: {link.record!r} is this record itself; take the link out")
        elif there is not None and link.record not in there:
            yield Fault(parsed.line_of(place), f"linked: there is no record {link.record!r}; take the link out")


def _check_id(path: Path, parsed: Parsed, taken: dict[str, Path]) -> Iterator[Fault]:
    """An id is used once, and is its file's name, so that a record is found by its file and the other way round."""
    record = parsed.partial
    if record is None or ("id",) in parsed.doubtful:
        return
    line = parsed.line_of(("id",))
    if record.id in taken:
        yield Fault(line, f"id {record.id!r} is taken by {taken[record.id]}; give each record its own")
    elif path.stem != record.id:
        yield Fault(line, f"id {record.id!r} is not the file's name; rename the file to {record.id}.md")
    if record.kind == "lesson" and not LESSON_ID.fullmatch(record.id):
        message = f"id {record.id!r} is not 'l-' and six random letters or digits, such as l-7q2m9x; rename the lesson"
        yield Fault(line, message)
    taken.setdefault(record.id, path)
