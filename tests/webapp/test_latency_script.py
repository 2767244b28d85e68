"""scripts/latency on a server of a few made-up pages: every request once, its arithmetic, what a page weighs."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

SCRIPTS = Path(__file__).parents[2] / "scripts"
PAGE = (
    b'<link rel="icon" href="/static/icon.svg"><link rel="stylesheet" href="/static/app-1.css">'
    b'<script src="/static/app-1.js" nonce="n" defer></script><script src="/static/app-1.js"></script><p>page</p>'
)
STATIC = {"/static/app-1.css": b"c" * 1000, "/static/app-1.js": b"j" * 100, "/static/icon.svg": b"s" * 10}


class MadeUp(BaseHTTPRequestHandler):
    """Answers as the app does, as far as the script looks: JSON with times, pages with assets, lists."""

    asked: list[str]

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def _answer(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        parts = urlsplit(self.path)
        if parts.path == "/records/broken":
            return self._send(500, b"no")
        return self._send(200, self._body(parts.path, parse_qs(parts.query)))

    def _body(self, path: str, query: dict[str, list[str]]) -> bytes:
        if path == "/api/v1/search":
            number = int(query["q"][0].removeprefix("question "))
            return json.dumps({"milliseconds": {"encode": float(number), "total": number + 0.5}}).encode()
        if path == "/api/v1/records":
            second = "page" in query
            found = [{"id": f"r{number}"} for number in (range(3, 6) if second else range(3))]
            return json.dumps({"records": found, "next": None if second else "/api/v1/records?page=2"}).encode()
        if path == "/api/v1/councils":
            return json.dumps({"councils": [{"gss": "E06000018"}, {"gss": "E08000039"}]}).encode()
        return STATIC.get(path, PAGE)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing: the tests look at `asked`."""


@pytest.fixture
def made_up() -> Iterator[tuple[tuple[str, int], list[str]]]:
    """The address of the server, and what it was asked."""
    asked: list[str] = []
    handler = type("Handler", (MadeUp,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield ("127.0.0.1", server.server_port), asked
        server.shutdown()
        thread.join()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return runpy.run_path(str(SCRIPTS / "latency"))


def test_percentiles_are_values_that_were_measured(script: dict[str, Any]) -> None:
    percentile = script["percentile"]
    hundred = [float(number) for number in range(100, 0, -1)]
    assert (percentile(hundred, 0.5), percentile(hundred, 0.95), percentile(hundred, 1.0)) == (50, 95, 100)
    assert percentile([7.0], 0.95) == 7
    assert percentile([1.0, 2.0], 0.95) == 2
    assert percentile([], 0.5) == 0


def test_each_question_is_asked_once_by_each_way_and_its_stages_are_read(
    script: dict[str, Any], made_up: tuple[tuple[str, int], list[str]]
) -> None:
    address, asked = made_up
    texts = [f"question {number}" for number in range(1, 101)]
    ways, stages = script["ask_questions"](address, texts, 4)
    assert [(name, one.answers, one.errors) for name, one in ways.items()] == [
        ("/search", 100, 0),
        ("/api/v1/search", 100, 0),
    ]
    # The first few are asked twice: once to warm, which does not count.
    assert len(set(asked)) == 200
    assert len(asked) == 200 + 2 * script["WARMING"]
    assert {name: (one.p50, one.p95, one.max) for name, one in stages.items()} == {
        "encode": (50.0, 95.0, 100.0),
        "total": (50.5, 95.5, 100.5),
    }


def test_a_page_weighs_what_it_loads_once(script: dict[str, Any], made_up: tuple[tuple[str, int], list[str]]) -> None:
    assert script["weigh"](made_up[0], PAGE) == len(PAGE) + 1000 + 100


def test_a_kind_of_page_is_visited_often_enough(
    script: dict[str, Any], made_up: tuple[tuple[str, int], list[str]]
) -> None:
    request = script["Request"]
    kind, failed = script["visit"](made_up[0], [request("about", "/about"), request("about", "/records/broken")], 4)
    assert (kind.timing.answers, kind.timing.errors) == (30, 30)
    assert kind.bytes == len(PAGE) + 1100
    assert {reply.error for reply in failed} == {"500, 2 bytes"}
    assert kind.over == ""


def test_what_is_slow_or_heavy_is_told(script: dict[str, Any]) -> None:
    timing = script["timing"]([script["Reply"](script["Request"]("x", "/x"), 201.0, b"x")])
    assert script["Kind"]("x", timing, 250_001).over == "over 200 ms and over 250 kB"
    assert script["Kind"]("x", timing, 250_000).over == "over 200 ms"


def test_every_kind_of_page_is_visited(script: dict[str, Any], made_up: tuple[tuple[str, int], list[str]]) -> None:
    address, asked = made_up
    kinds = script["every_kind"](address, ["question 1"])
    paths = {request.path.split("?")[0] for requests in kinds for request in requests}
    assert {f"/records/r{number}" for number in range(6)} <= paths
    assert {"/", "/search", "/search.atom", "/browse", "/browse.atom", "/compare", "/council", "/councils"} <= paths
    assert {"/councils/E06000018", "/signs", "/about", "/api"} <= paths
    assert asked == ["GET /api/v1/records?limit=100", "GET /api/v1/records?page=2", "GET /api/v1/councils"]
    longest = max(len(request.body or b"") for requests in kinds for request in requests)
    assert 20_000 <= longest < 60_000


def test_no_page_of_the_app_is_left_out(
    script: dict[str, Any], made_up: tuple[tuple[str, int], list[str]], app: Flask
) -> None:
    """A page that is added later is added to the script."""
    visited = set()
    urls = app.url_map.bind("localhost")
    for requests in script["every_kind"](made_up[0], ["question 1"]):
        for request in requests:
            endpoint, _ = urls.match(request.path.split("?")[0], method="GET" if request.body is None else "POST")
            visited.add(endpoint)
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert {one for one in pages if not one.startswith("api.")} - visited == {"static", "favicon", "health.healthz"}


def test_the_command_prints_a_table(made_up: tuple[tuple[str, int], list[str]]) -> None:
    address, _ = made_up
    command = [sys.executable, str(SCRIPTS / "latency"), "--pages", "--url", f"http://127.0.0.1:{address[1]}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    heads, *rows = done.stdout.splitlines()
    assert heads.split() == ["page,", "ms", "answers", "errors", "p50", "p95", "max", "kB"]
    assert len(rows) > 20
    assert all(" 0 " in row for row in rows)


def test_a_server_elsewhere_is_left_alone() -> None:
    command = [sys.executable, str(SCRIPTS / "latency"), "--url", "http://elsewhere.example"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "not on this machine" in done.stderr
