"""The server itself: what it takes, and where it cannot listen."""

from __future__ import annotations

import errno
import http.client
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from kb.errors import SettingError
from webapp.serve import listen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

SERVER = Path(__file__).parent / "serve_made_up.py"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        with process.stdout:
            yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("letter", ["x", "\u0645", "\u0939", "\U0001f9ef"], ids=["latin", "arabic", "hindi", "emoji"])
def test_an_overlong_question_meets_our_own_page_in_any_script(port: int, letter: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", f"/search?q={quote(letter * 20_000)}&outcome=failed")
    response = connection.getresponse()
    page = response.read().decode()
    connection.close()
    assert response.status == 422
    assert "Your question has 20,000 characters" in page


@pytest.mark.parametrize(
    ("path", "kind"), [("/signs", "text/html"), ("/api/v1/signs", "application/problem+json"), ("/nope", "text/html")]
)
def test_a_paste_of_a_megabyte_meets_our_own_words(port: int, path: str, kind: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", path, b"text=" + b"x" * 1_000_000, {"Content-Type": "application/x-www-form-urlencoded"})
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status in (404, 413, 415)
    assert response.headers.get_content_type() == kind


def test_beyond_all_sense_is_not_read(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", "/signs")
    connection.putheader("Content-Length", "3000000")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_no_body_is_ever_written_to_a_file(app: Flask) -> None:
    """waitress spools a body into a file beyond `inbuf_overflow`; none that it takes may be so long."""
    server = listen(app, "127.0.0.1", 0, 1)
    try:
        assert server.adj.inbuf_overflow > server.adj.max_request_body_size
    finally:
        server.close()
        server.task_dispatcher.shutdown()


def test_a_host_that_does_not_exist_is_a_wrong_setting(app: Flask) -> None:
    with pytest.raises(
        SettingError, match=r"http://nohost\.invalid:8000 cannot be listened on: there is no such host;"
    ):
        listen(app, "nohost.invalid", 8000, 1)


def test_a_port_that_is_taken_is_a_wrong_setting(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr("webapp.serve.waitress.create_server", taken)  # waitress's own leaves its socket behind
    with pytest.raises(SettingError, match=r"127.0.0.1:8000 cannot be listened on: Address already in use; .*KB_PORT"):
        listen(app, "127.0.0.1", 8000, 1)
