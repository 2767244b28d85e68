"""A question can be sensitive: whatever happens, its words are in no log."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from made_up_library import MadeUpLibrary

CANARY = "zanzibarmarmalade"
SERVER = Path(__file__).parent / "serve_made_up.py"
PATHS = [
    f"/search?q={CANARY}",
    f"/search?q={CANARY}&outcome={CANARY}",
    f"/search?q={CANARY * 200}",
    f"/api/v1/search?q={CANARY}",
    f"/api/v1/search?q={CANARY}&limit={CANARY}",
    f"/records/{CANARY}",
    f"/{CANARY}",
]


# The ways in that came later: what is chosen or compared, followed, posted.
OTHERS = [
    *(f"/search?q={CANARY}&view={CANARY}", f"/search?q={CANARY}&page={CANARY}", f"/search?q={CANARY}&council={CANARY}"),
    *(f"/search.atom?q={CANARY}", f"/browse?service={CANARY}", f"/browse.atom?q={CANARY}", f"/compare?id={CANARY}"),
    *(f"/council?next=/search%3Fq%3D{CANARY}", f"/councils/{CANARY}", f"/signs?text={CANARY}", f"/gaps?q={CANARY}"),
    *(f"/api/v1/records?q={CANARY}", f"/api/v1/councils/{CANARY}/similar", f"/%ff{CANARY}"),
]
POSTED = ("/signs", "/gaps", "/council", "/api/v1/signs", "/search", f"/{CANARY}")


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("path", [*PATHS, *OTHERS])
def test_no_log_record_holds_the_question(
    client: FlaskClient, library: MadeUpLibrary, caplog: pytest.LogCaptureFixture, path: str, failing: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    if failing:
        library.failure = ValueError(f"cannot encode {CANARY}")
    response = client.get(path)
    assert response.status_code < 500 or failing
    for record in caplog.records:
        assert record.exc_info is None
        assert CANARY not in record.getMessage() + str(record.args)
    assert CANARY not in caplog.text


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("path", POSTED)
def test_no_log_record_holds_what_is_posted(
    client: FlaskClient, library: MadeUpLibrary, caplog: pytest.LogCaptureFixture, path: str, failing: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    if failing:
        library.failure = ValueError(f"cannot encode {CANARY}")
    form = {"text": CANARY, "q": CANARY, "council": CANARY, "typed": CANARY, "next": f"/search?q={CANARY}"}
    for response in (client.post(path, data=form), client.post(path, data=CANARY, content_type="text/plain")):
        assert response.status_code < 500 or failing
        assert CANARY not in str(response.headers), "no address leads on with it"
    assert CANARY not in caplog.text
    assert all(CANARY not in record.getMessage() + str(record.args) for record in caplog.records)


def test_a_failure_is_logged_with_its_place(
    client: FlaskClient, library: MadeUpLibrary, caplog: pytest.LogCaptureFixture
) -> None:
    library.failure = ValueError(CANARY)
    library.failure.__cause__ = KeyError(CANARY)
    client.get(f"/search?q={CANARY}")
    assert "GET /search failed: builtins.ValueError" in caplog.text
    assert "made_up_library.py" in caplog.text
    assert "caused by builtins.KeyError" in caplog.text


def test_the_server_process_writes_nothing_of_a_question() -> None:
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", SERVER, "--failing", f"could not search for {CANARY}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        statuses = []
        for path in PATHS:
            with contextlib.suppress(urllib.error.HTTPError) as _:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as response:
                        statuses.append(response.status)
                except urllib.error.HTTPError as error:
                    statuses.append(error.code)
                    error.close()
        assert statuses == [500, 400, 422, 500, 400, 500, 404]
    finally:
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert "failed: builtins.ValueError" in err
    assert CANARY not in out + err
