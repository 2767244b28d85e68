"""One index generation: immutable, complete, published whole, opened read only.

`index/CURRENT` names the generation that answers. It is replaced atomically after a new one has been written aside,
synced and verified, so a killed builder or a full disk leaves the last good one answering. A generation that turns out
damaged is set aside with a clear message, and the newest good one takes its place.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from kb.dense import DenseIndex
from kb.errors import DamagedGeneration, NoIndex, OtherFormat
from kb.lexical import LexicalIndex
from kb.model import file_hash
from kb.store import PassageFile

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_LOG: Final = logging.getLogger(__name__)

# Counted in the manifest: a generation of another version is rebuilt, never misread.
FORMAT_VERSION: Final = 5
KEPT_GENERATIONS: Final = 2
BUILDING_PREFIX: Final = ".building-"
DAMAGED_PREFIX: Final = "damaged-"
# The names that `publish` gives. Nothing else in the folder is ever opened, set aside or removed.
_GENERATION: Final = re.compile(r"\d{8}T\d{6}[.\d]*Z?-[0-9a-z]+")
# Arrays up to this size are read into memory: a file that is cut short while it is mapped would end the process.
_MAPPED_FROM_BYTES: Final = 64_000_000
_POINTER_PREFIX: Final = ".CURRENT-"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything of one generation lies: the one place that names its files."""

    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def passages(self) -> Path:
        return self.folder / "passages.sqlite"

    @property
    def dense(self) -> Path:
        return self.folder / "dense.faiss"

    @property
    def vectors(self) -> Path:
        return self.folder / "vectors.npy"

    @property
    def sentence_vectors(self) -> Path:
        return self.folder / "sentence-vectors.npy"

    @property
    def columns(self) -> Path:
        return self.folder / "columns.npy"

    @property
    def lexical(self) -> Path:
        return self.folder / "lexical"

    def files(self) -> list[Path]:
        """Every file but the manifest, in a fixed order."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and path != self.manifest)


@dataclass(frozen=True, slots=True)
class IndexFolder:
    """The folder that holds the generations, the pointer to the current one, and the builder's lock."""

    folder: Path

    @property
    def current(self) -> Path:
        return self.folder / "CURRENT"

    @property
    def lock(self) -> Path:
        return self.folder / ".lock"

    @property
    def lock_holder(self) -> Path:
        return self.folder / ".lock-holder"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    def throw_away(self, name: str) -> IndexFolder:
        """An index beside this one, for measuring; nothing of it is ever served."""
        return IndexFolder(self.folder / "throw-away" / name)

    def generations(self) -> list[Path]:
        """The generations that were finished, newest first."""
        if not self.folder.is_dir():
            return []
        finished = [path for path in self.folder.iterdir() if _GENERATION.fullmatch(path.name) and path.is_dir()]
        return sorted(finished, key=lambda path: path.name, reverse=True)

    def pointed_at(self) -> str:
        """The name in CURRENT, or an empty string."""
        try:
            return self.current.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation was built from, and the size and SHA-256 of each of its files."""

    format: int
    created: str
    model: str
    dimension: int
    chunker: int
    content: str
    records: int
    passages: int
    embedded: int
    seconds: float
    files: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, layout: Layout) -> Manifest:
        """Raises DamagedGeneration when there is none, or it cannot be read."""
        try:
            data = json.loads(layout.manifest.read_text("utf-8"))
            if data["format"] != FORMAT_VERSION:
                raise OtherFormat(f"{layout.manifest}: format {data['format']}; this version reads {FORMAT_VERSION}")
            return cls(**data)
        except (FileNotFoundError, ValueError, TypeError, KeyError) as error:
            raise DamagedGeneration(f"{layout.manifest}: cannot be read: {error}") from error


def check_files(layout: Layout, *, hashes: bool = False) -> Manifest:
    """Compares the files with the manifest: always their sizes, with `hashes` every byte.

    Raises DamagedGeneration that names the first file that differs, and OSError when a file cannot be read for another
    reason than its content (too many open files, no right to read it).
    """
    manifest = Manifest.read(layout)
    for name, wanted in manifest.files.items():
        path = layout.folder / name
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise DamagedGeneration(f"{path}: is missing") from error
        if size != wanted["bytes"]:
            raise DamagedGeneration(f"{path}: has {size} bytes, its manifest says {wanted['bytes']}")
        if hashes and file_hash(path) != wanted["sha256"]:
            raise DamagedGeneration(f"{path}: its content is not what its manifest says; run `kb index --full`")
    return manifest


class Generation:
    """An open generation: one immutable snapshot that any number of threads may search at once."""

    def __init__(self, folder: Path, *, hashes: bool = False) -> None:
        """Opens and checks. Raises DamagedGeneration when anything is missing, cut short or does not fit together."""
        self.layout = Layout(folder)
        self.manifest = check_files(self.layout, hashes=hashes)
        self.rows = PassageFile(self.layout.passages)
        self.dense = DenseIndex(self.layout.dense)
        self.lexical = LexicalIndex(self.layout.lexical)
        try:
            self.vectors: npt.NDArray[np.float16] = _load(self.layout.vectors)
            self.sentence_vectors: npt.NDArray[np.float16] = _load(self.layout.sentence_vectors)
            # Of each passage: its record, the passage its hit shows, and where its sentences begin in sentence_vectors.
            self.record_of, self.target_of, self.first_sentence = np.load(self.layout.columns)
        except (FileNotFoundError, ValueError) as error:
            raise DamagedGeneration(f"{folder}: its arrays cannot be read: {error}") from error
        self._check_counts()

    @property
    def name(self) -> str:
        return self.layout.folder.name

    def close(self) -> None:
        self.rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sentences_of(self, passage: int) -> npt.NDArray[np.float16]:
        """The vectors of a passage's sentences, shape (sentences, dimension)."""
        start = int(self.first_sentence[passage])
        last = passage + 1 == len(self.first_sentence)
        end = len(self.sentence_vectors) if last else int(self.first_sentence[passage + 1])
        return self.sentence_vectors[start:end]

    def _check_counts(self) -> None:
        wanted = self.manifest.passages
        found = {
            self.layout.passages.name: self.rows.passages,
            self.layout.dense.name: self.dense.count,
            self.layout.lexical.name: self.lexical.count,
            self.layout.vectors.name: len(self.vectors),
            self.layout.columns.name: len(self.record_of),
        }
        for part, count in found.items():
            if count != wanted:
                raise DamagedGeneration(f"{self.layout.folder}: {part} has {count} passages, the manifest {wanted}")
        ends = (
            (self.record_of, self.rows.records - 1),
            (self.target_of, wanted - 1),
            (self.first_sentence, len(self.sentence_vectors)),
        )
        if wanted and any(column.min() < 0 or column.max() > last for column, last in ends):
            raise DamagedGeneration(f"{self.layout.columns}: points at what the other parts do not have")


def _load(path: Path) -> Any:
    return np.load(path, mmap_mode="r" if path.stat().st_size >= _MAPPED_FROM_BYTES else None)


# --- publishing -------------------------------------------------------------------------------------------------------


def reached(point: str) -> None:
    """Named points of building and publishing. Does nothing; the crash tests put here what kills the process."""


def seal(layout: Layout, **known: Any) -> Manifest:
    """Writes the manifest, last, when every other file is on the disk; `known` are its fields but for the files."""
    files = {}
    for path in layout.files():
        _sync(path)
        files[path.relative_to(layout.folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": file_hash(path)}
    manifest = Manifest(format=FORMAT_VERSION, files=files, **known)
    reached("before-manifest")
    _write_synced(layout.manifest, json.dumps(asdict(manifest), indent=1))
    for folder in {path.parent for path in layout.files()} | {layout.folder}:
        _sync(folder)
    return manifest


def publish(index: IndexFolder, built: Path, content: str) -> Path:
    """Moves a finished generation into place and points CURRENT at it; the last step is one atomic rename."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = index.folder / f"{stamp}-{content[:8]}"
    reached("before-rename")
    built.rename(folder)
    _sync(index.folder)
    reached("before-pointer")
    point_at(index, folder.name)
    reached("after-pointer")
    return folder


def point_at(index: IndexFolder, name: str) -> None:
    """Makes CURRENT name a generation, atomically."""
    aside = index.folder / f"{_POINTER_PREFIX}{os.getpid()}"
    try:
        _write_synced(aside, f"{name}\n")
        aside.replace(index.current)
    finally:
        aside.unlink(missing_ok=True)
    _sync(index.folder)


def remove_old(index: IndexFolder, previous: str = "") -> list[str]:
    """Removes all generations but the current one and the one before it, and what was set aside or left by the killed.

    `previous` names the one that answered before; without it, the newest of the others is kept.
    """
    removed = []
    current = index.pointed_at()
    older = [path for path in index.generations() if path.name != current]
    older.sort(key=lambda path: path.name != previous)
    leftovers = [path for path in index.folder.iterdir() if _is_left_over(path)]
    for path in (*older[KEPT_GENERATIONS - 1 :], *leftovers):
        shutil.rmtree(path, ignore_errors=True)
        removed.append(path.name)
    for path in index.folder.glob(f"{_POINTER_PREFIX}*"):
        path.unlink(missing_ok=True)
        removed.append(path.name)
    return removed


def _is_left_over(path: Path) -> bool:
    set_aside = path.name.startswith(DAMAGED_PREFIX) and _GENERATION.fullmatch(path.name.removeprefix(DAMAGED_PREFIX))
    return path.name.startswith(BUILDING_PREFIX) or bool(set_aside)


# --- opening the last good one ----------------------------------------------------------------------------------------


def open_current(index: IndexFolder, *, hashes: bool = False) -> Generation:
    """The generation that CURRENT names or, when that one is damaged, the newest good one, with a warning in the log.

    Raises NoIndex when there is none that can answer.
    """
    pointed = index.pointed_at()
    finished = [path.name for path in index.generations()]
    out_of_reach = ""
    for name in sorted(finished, key=lambda one: one != pointed):  # the one pointed at, then the newest first
        generation, fault = _try(index.folder / name, hashes=hashes)
        if generation is not None and name == pointed:
            return generation
        if index.pointed_at() != pointed:  # a builder has published meanwhile, and may have removed this one
            if generation is not None:
                generation.close()
            return open_current(index, hashes=hashes)
        if generation is not None:
            if pointed and pointed not in finished:
                _LOG.warning("%s names %r, which is not there", index.current, pointed)
            _LOG.warning("answering from generation %s, the last good one; run `kb index` for a fresh one", name)
            _repoint(index, pointed, name)
            return generation
        out_of_reach = _deal_with(index.folder / name, fault) or out_of_reach
    if out_of_reach:
        raise NoIndex(f"{index.folder}: the index is whole and cannot be opened now: {out_of_reach}; put that right")
    raise NoIndex(f"{index.folder}: no index that can answer; run `kb load` and then `kb index` (or scripts/server)")


def _try(folder: Path, *, hashes: bool) -> tuple[Generation | None, Exception | None]:
    try:
        return Generation(folder, hashes=hashes), None
    except (DamagedGeneration, OSError) as error:
        return None, error


def _deal_with(folder: Path, fault: Exception | None) -> str:
    """Sets a damaged generation aside. One that is only out of reach stays, and what keeps it so is given back."""
    if isinstance(fault, OtherFormat):
        _LOG.warning("index generation %s was made by another version and is passed over: %s", folder.name, fault)
        return ""
    if not _is_damaged(folder):
        return str(fault)
    _LOG.warning("index generation %s is damaged and set aside: %s", folder.name, fault)
    _quarantine(folder)
    return ""


def _is_damaged(folder: Path) -> bool:
    """Whether its files are really not what they should be, and not merely out of reach (too many files open, say)."""
    try:
        check_files(Layout(folder), hashes=True)
    except DamagedGeneration:
        return True
    except OSError:
        return False
    return False


def _quarantine(folder: Path) -> None:
    try:
        folder.rename(folder.with_name(f"{DAMAGED_PREFIX}{folder.name}"))
    except OSError as error:  # a read-only disk: the next start will find it damaged again
        _LOG.warning("%s could not be set aside: %s", folder, error)


def _repoint(index: IndexFolder, pointed: str, name: str) -> None:
    """Points at the last good one, unless what is pointed at is whole, and only another version's."""
    if pointed in (path.name for path in index.generations()):
        return
    try:
        point_at(index, name)
    except OSError as error:
        _LOG.warning("%s could not be rewritten: %s", index.current, error)


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    """Has a file, or a folder's list of names, written to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
