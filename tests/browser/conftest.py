"""A real Chromium against real servers: the app over the made-up library, over none, and over the whole corpus."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from kb.knowledge import KnowledgeBase

ROOT = Path(__file__).parents[2]
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
MANIFEST = ROOT / "webapp" / "static" / "build" / "manifest.json"
ARTEFACTS = ROOT / "tests" / "artefacts"
MADE_UP = ROOT / "tests" / "webapp" / "serve_made_up.py"
START_SECONDS = 300  # the first time, the model is exported
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    for needed, remedy in (
        (CHROMIUM, "install Chromium, or set CHROMIUM to where it is"),
        (AXE, "run `npm ci`"),
        (MANIFEST, "run `npm run build`"),
    ):
        if not needed.exists():
            pytest.fail(f"{needed} is missing: {remedy} (scripts/test does all of it)", pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()


@contextmanager
def serving_made_up(*arguments: str) -> Iterator[str]:
    command = [sys.executable, str(MADE_UP), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        with process.stdout:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def made_up_site() -> Iterator[str]:
    """The address of a server over two records, whose answers never change."""
    with serving_made_up() as address:
        yield address


@pytest.fixture(scope="session")
def empty_site() -> Iterator[str]:
    """The address of a server that has no index."""
    with serving_made_up("--without-index") as address:
        yield address


@pytest.fixture(scope="session")
def failing_site() -> Iterator[str]:
    """The address of a server on which every question fails."""
    with serving_made_up("--failing", "no such luck") as address:
        yield address


@pytest.fixture(scope="session")
def site(library_folder: Path, whole_library: KnowledgeBase) -> Iterator[str]:
    """The address of the product itself: the repository's whole corpus, served by `kb serve`."""
    assert whole_library.health().ok
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "KB_CORPUS": str(ROOT / "corpus"),
        "KB_INSTANCE": str(library_folder / "instance"),
        "KB_INDEX": str(library_folder / "index"),
        "KB_PORT": str(port),
    }
    command = str(Path(sys.executable).with_name("kb"))
    log = (library_folder / "server.log").open("w")
    process = subprocess.Popen([command, "serve"], env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/healthz", process)
        yield address
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                if json.load(response)["ok"]:
                    return
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"nothing answered at {address}", pytrace=False)


class Watch:
    """What a page asked for and complained of while it was used."""

    def __init__(self, page: Page) -> None:
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._request(request.url))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _request(self, address: str) -> None:
        if not address.startswith(("http://127.0.0.1:", "data:")):
            self.foreign.append(address)

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "the server responded with a status of" not in text:
            self.complaints.append(text)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of some width; afterwards, that no other host was asked and nothing complained of is checked."""
    contexts = []
    watches = []

    def open_one(width: int = 1280, *, scripts: bool = True, bypass_csp: bool = False, **more: object) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            bypass_csp=bypass_csp,
            **more,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        watches.append(Watch(page))
        return page

    yield open_one
    for context in contexts:
        try:
            context.close()
        except Error as error:  # pragma: no cover
            pytest.fail(f"the browser is gone: {error}", pytrace=False)
    for watch in watches:
        assert watch.foreign == []
        assert watch.complaints == []


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], None]:
    """Checks the page by the rules of WCAG 2.2 AA; the page's context must bypass the content security policy."""
    script = AXE.read_text("utf-8")
    run = """async () => {
        const found = await axe.run(document, {
            runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]},
        });
        const places = (one) => one.nodes.map((node) => node.html).join(" | ");
        return found.violations.map((one) => `${one.id}: ${one.help}: ${places(one)}`);
    }"""

    def check(page: Page) -> None:
        page.evaluate(script)
        assert page.evaluate(run) == []

    return check


@pytest.fixture(scope="session")
def keep() -> Callable[[Page, str], None]:
    """Keeps a picture of the whole page in tests/artefacts, for somebody to look at."""
    ARTEFACTS.mkdir(exist_ok=True)

    def picture(page: Page, name: str) -> None:
        page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    return picture
