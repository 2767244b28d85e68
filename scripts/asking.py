"""Asks a server on this machine many things at once, and times each: what load_test and latency share."""

from __future__ import annotations

import http.client
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_SECONDS = 30
START_SECONDS = 60

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to ask; `kind` is what its time is counted under. With a body it is posted."""

    kind: str
    path: str
    body: bytes | None = None
    content_type: str = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request. `error` is empty for an answer: a success that came whole and has something in it."""

    request: Request
    milliseconds: float
    body: bytes = b""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long some answers took, in milliseconds."""

    answers: int
    errors: int
    p50: float
    p95: float
    max: float


def ask(connection: http.client.HTTPConnection, request: Request) -> Reply:
    """Asks once, on a connection that is kept for the next."""
    headers = {} if request.body is None else {"Content-Type": request.content_type}
    started = time.perf_counter()
    try:
        connection.request("GET" if request.body is None else "POST", request.path, request.body, headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return Reply(request, 0.0, error=repr(error))
    took = (time.perf_counter() - started) * 1e3
    if response.status != 200 or not body:
        return Reply(request, took, body, f"{response.status}, {len(body)} bytes")
    return Reply(request, took, body)


def ask_together(address: Address, requests: Iterable[Request], clients: int, seconds: float = math.inf) -> list[Reply]:
    """Asks all of them, or as many as there is time for: each client takes the next and waits for its answer."""
    waiting = iter(requests)
    lock = threading.Lock()
    replies: list[Reply] = []
    ends = time.perf_counter() + seconds

    def client() -> None:
        connection = http.client.HTTPConnection(*address, timeout=TIMEOUT_SECONDS)
        while time.perf_counter() < ends:
            with lock:
                request = next(waiting, None)
            if request is None:
                break
            replies.append(ask(connection, request))
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that `share` of them do not exceed (nearest rank); 0 for none."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


def timing(replies: Iterable[Reply]) -> Timing:
    every = list(replies)
    times = [reply.milliseconds for reply in every if not reply.error]
    return Timing(
        len(times), len(every) - len(times), percentile(times, 0.5), percentile(times, 0.95), max(times, default=0.0)
    )


def judged_questions(name: str) -> list[str]:
    """The questions of a set of tests/questions."""
    lines = (ROOT / "tests" / "questions" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines]


@contextmanager
def server(url: str = "") -> Iterator[Address]:
    """The address of the running server that `url` names, or of one that is started for this and stopped again.

    Raises SystemExit for a server on another machine: a load is only for a server of one's own.
    """
    if url:
        parts = urlsplit(url)
        if parts.hostname not in LOOPBACK:
            raise SystemExit(f"{url} is not on this machine; a load is only for a server of your own")
        yield parts.hostname, parts.port or 80
        return
    process, address = _start()
    try:
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def _start() -> tuple[subprocess.Popen[bytes], Address]:
    """A server of its own on a free port, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(ROOT / ".venv" / "bin" / "kb"), "serve", "--load", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        if not ask(connection, Request("", "/healthz")).error:
            connection.close()
            return process, ("127.0.0.1", port)
        time.sleep(0.1)
    process.kill()
    raise SystemExit(f"the server did not come up within {START_SECONDS} seconds")


def print_table(rows: Sequence[Sequence[object]]) -> None:
    """Rows of equal length, the first being the heads, in columns: words to the left, figures to the right."""
    cells = [[f"{cell:,.1f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        first, *rest = (
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        sys.stdout.write("  ".join((first, *rest)).rstrip() + "\n")
