"""A folder of files -> Records, with every fault of every file in one run."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kb.checks import check
from kb.councils import CouncilNames, load_abolished, load_councils
from kb.errors import KbError
from kb.record_file import Fault, Parsed, parse
from kb.store import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from kb.records import Record

_LARGEST_FILE_BYTES: Final = 1_000_000
FOLDERS: Final = {"case": "cases", "lesson": "lessons"}


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


def council_names(folder: Path) -> CouncilNames | None:
    """The names of all UK councils, from the table in the corpus folder; None when the folder has no table."""
    table, abolished = folder / "councils.csv", folder / "councils-abolished.csv"
    if not table.exists():
        return None
    return CouncilNames(load_councils(table), load_abolished(abolished) if abolished.exists() else ())


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
    paths: Sequence[Path], names: CouncilNames | None, known: Mapping[str, str] = MappingProxyType({})
) -> Corpus:
    """Reads and checks every record under these paths. Raises KbError only for a path that does not exist.

    `known` has the content hash of records that were found without fault before, by id; files that have not changed
    since are not parsed again.
    """
    files: list[CheckedFile] = []
    unchanged: list[str] = []
    faults: list[FileFault] = []
    taken: dict[str, Path] = {}
    for path in find_files(paths):
        markdown, unreadable = _read(path)
        if markdown is None:
            faults.append(FileFault(path, 1, unreadable))
            continue
        if known.get(path.stem) == content_hash(markdown) and path.stem not in taken:
            taken[path.stem] = path
            unchanged.append(path.stem)
            continue
        parsed = parse(markdown)
        here = [*parsed.faults, *check(parsed, names), *_check_id(path, parsed, taken)]
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
    taken.setdefault(record.id, path)
