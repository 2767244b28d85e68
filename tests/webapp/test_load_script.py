"""scripts/load_test: what counts as an answer, and what as an error."""

from __future__ import annotations

import runpy
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
FAILED = b"HTTP/1.1 500 Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
GARBAGE = b"what?\r\n\r\n"
CUT_SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nok"


@pytest.fixture
def saying() -> Iterator[Callable[[bytes], tuple[str, int]]]:
    """Starts a server that says the same to everybody."""
    over = threading.Event()
    started: list[threading.Thread] = []

    def say(words: bytes) -> tuple[str, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.05)

        def answer() -> None:
            with listener:
                while not over.is_set():
                    try:
                        connection, _ = listener.accept()
                    except TimeoutError:
                        continue
                    with connection:
                        connection.settimeout(1)
                        connection.recv(65536)
                        connection.sendall(words)

        started.append(threading.Thread(target=answer))
        started[-1].start()
        address: tuple[str, int] = listener.getsockname()
        return address

    yield say
    over.set()
    for thread in started:
        thread.join(5)


@pytest.mark.parametrize("words", [GOOD, FAILED, EMPTY, GARBAGE, CUT_SHORT])
def test_only_successes_are_answers(
    saying: Callable[[bytes], tuple[str, int]], words: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = Path(__file__).parents[2] / "scripts"
    monkeypatch.syspath_prepend(str(scripts))
    script: dict[str, Any] = runpy.run_path(str(scripts / "load_test"))
    result = script["run"](saying(words), "/search", 1, 0.2, ["a question", "another"])
    counted = ("answers", "errors") if words == GOOD else ("errors", "answers")
    assert result[counted[0]] > 0
    assert result[counted[1]] == 0
