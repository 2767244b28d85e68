"""One builder at a time: a file lock that says who holds it."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from kb.errors import BuilderBusy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.generation import IndexFolder


@contextmanager
def builder_lock(index: IndexFolder) -> Iterator[None]:
    """Holds the index's lock, which the system lets go when the process ends, however it ends.

    Raises BuilderBusy, which says who holds it, when another process does.
    """
    index.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(index.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BuilderBusy(
            f"{index.folder}: another build is under way ({_holder(index)}); try again when it is done"
        ) from error
    try:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        index.lock_holder.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {now}", "utf-8")
        yield
    finally:
        index.lock_holder.unlink(missing_ok=True)
        lock.release()


def _holder(index: IndexFolder) -> str:
    try:
        return index.lock_holder.read_text("utf-8")
    except OSError:
        return "its process did not say which it is"
