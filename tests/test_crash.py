"""Killed builders, full disks, two builders at once: the last good generation goes on answering.

A builder of its own process builds with the made-up encoder and is killed, or meets a full disk, at every named point
of `kb.generation.reached`. The points are read from the source, so that a new one is tested without another word here.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from made_up import MadeUpEncoder, make_library, stored

import kb
from kb import builder as builder_module
from kb import generation as generation_module
from kb.builder import build
from kb.errors import BuilderBusy, KbError
from kb.generation import Generation, IndexFolder, open_current
from kb.search import Searcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIBRARY = make_library()
BEFORE, AFTER = stored(LIBRARY[:4]), stored(LIBRARY)
QUESTIONS: Final = ("missed bins", "foster carers", "damp homes and a green dashboard", "payroll went live", "roofs")
PACKAGE = Path(kb.__path__[0])
POINTS: Final = tuple(
    dict.fromkeys(
        point
        for module in sorted(PACKAGE.glob("*.py"))
        for point in re.findall(r'\breached\("([^"]+)"\)', module.read_text("utf-8"))
    )
)
# At and after this point CURRENT names the new generation.
PUBLISHED_AT: Final = "after-pointer"
CHILD_SECONDS: Final = 120

# Builds the whole library into the index folder argv[1]. At the point argv[2] it does argv[3]: `die` by SIGKILL, which
# no handler and no `finally` sees, or `wait`, saying so, until its standard input is closed.
CHILD: Final = """
import os, signal, sys
from pathlib import Path
from made_up import MadeUpEncoder, make_library, stored
from kb import builder, generation

def reached(point):
    if point != sys.argv[2]:
        return
    if sys.argv[3] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    print("waiting", flush=True)
    sys.stdin.read()

generation.reached = builder.reached = reached
builder.build(generation.IndexFolder(Path(sys.argv[1])), stored(make_library()), MadeUpEncoder())
"""


def child(index: IndexFolder, point: str, deed: str) -> subprocess.Popen[str]:
    folders = os.pathsep.join((str(Path(__file__).parent), str(PACKAGE.parent)))
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(index.folder), point, deed],
        env={**os.environ, "PYTHONPATH": folders},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_builder_at(index: IndexFolder, point: str) -> None:
    with child(index, point, "die") as process:
        _, told = process.communicate(timeout=CHILD_SECONDS)
    assert process.returncode == -signal.SIGKILL, f"it was not killed at {point}: {told}"


@pytest.fixture
def index(tmp_path: Path) -> IndexFolder:
    """An index with one published generation, of four records."""
    index = IndexFolder(tmp_path / "index")
    build(index, BEFORE, MadeUpEncoder())
    return index


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    return lambda: [record.getMessage() for record in caplog.records]


def answers(index: IndexFolder) -> list[list[tuple[str, str, str, float]]]:
    """What the index answers now, every byte of it checked."""
    with open_current(index, hashes=True) as generation:
        searcher = Searcher(generation, MadeUpEncoder())
        return [
            [(hit.record, hit.passage.text, hit.passage.highlight, hit.score) for hit in searcher.ask(question).hits]
            for question in QUESTIONS
        ]


def answers_when_nothing_happens(folder: Path) -> list[list[tuple[str, str, str, float]]]:
    """What an index of the whole library answers that was built in peace."""
    peaceful = IndexFolder(folder / "peaceful")
    build(peaceful, AFTER, MadeUpEncoder())
    return answers(peaceful)


def assert_clean(index: IndexFolder) -> None:
    """Only whole generations, two at most, and the pointer."""
    left = {path.name for path in index.folder.iterdir()} - {path.name for path in index.generations()}
    assert left - {".lock"} == {"CURRENT"}
    assert len(index.generations()) <= generation_module.KEPT_GENERATIONS
    for folder in index.generations():
        Generation(folder, hashes=True).close()


# --- killed -----------------------------------------------------------------------------------------------------------


def test_the_named_points_cover_building_and_publishing() -> None:
    assert {"before-embedding", "after-passages", "before-manifest", "before-rename", "before-pointer"} <= set(POINTS)
    assert len(POINTS) >= 12


@pytest.mark.parametrize("point", POINTS)
def test_a_builder_killed_at_any_point_leaves_the_last_good_generation_answering(
    index: IndexFolder, point: str, tmp_path: Path, log: Callable[[], list[str]]
) -> None:
    before, after = answers(index), answers_when_nothing_happens(tmp_path)
    assert before != after

    kill_builder_at(index, point)

    assert answers(index) == (after if point == PUBLISHED_AT else before)
    assert log() == [], "nothing is damaged"

    report = build(index, AFTER, MadeUpEncoder())
    assert report.published == (point != PUBLISHED_AT)
    assert answers(index) == after
    build(index, BEFORE, MadeUpEncoder())
    assert answers(index) == before
    assert_clean(index)


@pytest.mark.parametrize("point", ["while-embedding", "before-manifest", "before-pointer", "after-pointer"])
def test_a_first_builder_killed_at_any_point_leaves_nothing_that_stops_the_next(tmp_path: Path, point: str) -> None:
    index = IndexFolder(tmp_path / "index")
    kill_builder_at(index, point)
    build(index, AFTER, MadeUpEncoder())
    assert answers(index) == answers_when_nothing_happens(tmp_path)
    build(index, BEFORE, MadeUpEncoder())
    assert_clean(index)


def test_builders_killed_one_after_another_leave_no_growing_heap(index: IndexFolder) -> None:
    for point in ("while-embedding", "before-pointer", "before-pointer"):
        kill_builder_at(index, point)
    build(index, AFTER, MadeUpEncoder())
    assert_clean(index)


# --- full disks -------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A disk of its own, in memory. Only root can mount one."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk to fill takes root")
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"this machine does not let a test mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        # Lazily: a generation that a failed test still holds open must not keep the disk mounted for good.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Takes the last byte of the disk; gives back the file that holds it."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC
    return filler


@pytest.mark.parametrize("point", ["the-start", *POINTS])
def test_a_disk_that_is_full_from_any_point_on_stops_the_builder_and_not_the_answers(
    tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch, log: Callable[[], list[str]]
) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        index = IndexFolder(disk / "index")
        build(index, BEFORE, MadeUpEncoder())
        before, after = answers(index), answers_when_nothing_happens(tmp_path)

        filled: list[Path] = []

        def fill_at(reached: str) -> None:
            if reached == point and not filled:
                filled.append(fill(disk))

        for module in (generation_module, builder_module):
            monkeypatch.setattr(module, "reached", fill_at)
        fill_at("the-start")
        if point == PUBLISHED_AT:
            build(index, AFTER, MadeUpEncoder())
        else:
            with pytest.raises(
                KbError, match=r"index.*: .*(could not be (written|built)|cannot be written): .+answers"
            ):
                build(index, AFTER, MadeUpEncoder())

        assert answers(index) == (after if point == PUBLISHED_AT else before)
        assert log() == []
        filled[0].unlink()
        build(index, AFTER, MadeUpEncoder())
        assert answers(index) == after
        build(index, BEFORE, MadeUpEncoder())
        assert_clean(index)


@pytest.mark.parametrize("free_kilobytes", [8, 16, 32, 44, 56, 68])
def test_a_disk_too_small_for_a_second_generation_keeps_the_first(tmp_path: Path, free_kilobytes: int) -> None:
    """As a disk fills of its own accord, in the middle of writing a file."""
    with small_disk(tmp_path / "disk", 4096) as disk:
        index = IndexFolder(disk / "index")
        build(index, BEFORE, MadeUpEncoder())
        before = answers(index)
        filler = fill(disk)
        os.truncate(filler, filler.stat().st_size - free_kilobytes * 1024)

        with pytest.raises(KbError, match=r"answers$"):
            build(index, AFTER, MadeUpEncoder())

        assert answers(index) == before
        assert not list(index.folder.glob(".building-*")), "what was half written takes no more room"


def test_a_full_disk_keeps_records_that_cannot_be_loaded_out_and_those_that_were_in(tmp_path: Path) -> None:
    """The system of record, too: a load that does not fit changes nothing, and says so."""
    from kb.errors import StoreError
    from kb.store import RecordStore

    with small_disk(tmp_path / "disk", 2048) as disk:
        path = disk / "kb.sqlite"
        with RecordStore(path, migrate=True) as store:
            store.load({"bins": ("case", "Bins.")})
            fill(disk)
            with pytest.raises(StoreError, match=r"kb\.sqlite: cannot be written: .*full; nothing was changed"):
                store.load({f"record-{number}": ("case", "Text. " * 500) for number in range(100)})
        with RecordStore(path) as store:
            assert set(store.hashes()) == {"bins"}


# --- two at once ------------------------------------------------------------------------------------------------------


def test_a_second_builder_is_told_which_process_is_building(index: IndexFolder) -> None:
    before = answers(index)
    with child(index, "while-embedding", "wait") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "waiting\n"

        with pytest.raises(BuilderBusy) as refused:
            build(index, AFTER, MadeUpEncoder())
        assert answers(index) == before, "whoever asks does not wait for the builder"
        _, told = first.communicate(timeout=CHILD_SECONDS)

    holder = re.escape(f"process {first.pid} on {socket.gethostname()}")
    wanted = rf"another build is under way \({holder}, since [\d:T+-]+\); try again when it is done"
    assert re.fullmatch(f"{re.escape(str(index.folder))}: {wanted}", str(refused.value))
    assert (first.returncode, told) == (0, ""), "the first one goes on undisturbed"
    assert answers(index) != before


def test_a_killed_builders_lock_is_free_again(index: IndexFolder) -> None:
    kill_builder_at(index, "while-embedding")
    assert index.lock_holder.exists(), "it had no time to take its name away"
    assert build(index, AFTER, MadeUpEncoder()).published
    assert not index.lock_holder.exists()


def test_a_reader_needs_no_lock(index: IndexFolder) -> None:
    with child(index, "before-pointer", "wait") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "waiting\n"
        pointed = index.pointed_at()
        with open_current(index, hashes=True) as generation:
            assert generation.name == pointed
        first.communicate(timeout=CHILD_SECONDS)
    assert index.pointed_at() != pointed
