"""Headers: security, caching, compression."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from webapp import assets

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

PATHS = ["/", "/search?q=loan", "/records/l-7q2m9x", "/about", "/nope", "/search", "/api/v1/search?q=loan", "/healthz"]


@pytest.mark.parametrize("path", PATHS)
def test_every_response_is_protected(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'nonce-")
    for part in ("img-src 'self' data:", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Set-Cookie" not in headers


def test_the_nonce_is_fresh_and_is_the_scripts(client: FlaskClient) -> None:
    nonces = set()
    for _ in range(3):
        response = client.get("/")
        nonce = re.search(r"'nonce-([\w-]{20,})'", response.headers["Content-Security-Policy"])
        assert nonce
        assert f'nonce="{nonce[1]}"' in response.text
        nonces.add(nonce[1])
    assert len(nonces) == 3


@pytest.mark.parametrize("path", PATHS[:6])
def test_pages_have_no_inline_script_style_or_foreign_resource(client: FlaskClient, path: str) -> None:
    page = client.get(path).text
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    assert re.findall(r"<script[^>]*>", page) == re.findall(
        r'<script src="/static/app-\w+\.js" nonce="[^"]+" defer>', page
    )
    for address in re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', page):
        assert address.startswith("/static/")


def test_a_question_is_never_cached(client: FlaskClient) -> None:
    for path in (
        "/search?q=loan",
        "/search?q=" + "x" * 3000,
        "/search?q=x&outcome=good",
        "/api/v1/search?q=loan",
        "/?q=x",
    ):
        assert client.get(path).headers["Cache-Control"] == "private, no-store"


def test_built_assets_are_kept_for_good(client: FlaskClient) -> None:
    page = client.get("/").text
    names = re.findall(r"/static/[\w.-]+", page)
    assert len(names) == 3
    for name in names:
        response = client.get(name)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["Vary"] == "Accept-Encoding"
        packed = client.get(name, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == response.data
    assert client.get("/favicon.ico").mimetype == "image/svg+xml"


def test_the_styles_are_small() -> None:
    built = assets.read_build()
    sizes = {name: len(built.served[served].content) for name, served in built.names.items()}
    assert sizes["app.css"] < 80_000
    assert sizes["app.js"] < 2_000


def test_no_page_names_a_class_whose_styles_are_left_out() -> None:
    webapp = Path(assets.__file__).parent
    begin = json.loads((webapp / "assets" / "unused.json").read_text())
    named = re.compile(rf"\b(?:{'|'.join(begin)})[\w-]*")
    assert named.search('<p class="govuk-body govuk-body-lead">')
    for source in (*webapp.rglob("*.html"), *webapp.rglob("*.py"), *(webapp / "assets").glob("*.js")):
        found = named.search(source.read_text())
        assert not found, f"{source}: take what begins {found[0]} out of webapp/assets/unused.json"


def test_a_missing_build_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(assets.AssetsNotBuilt, match="npm run build"):
        assets.read_build(tmp_path)


@pytest.mark.parametrize("accepted", ["gzip", "br;q=1.0, gzip;q=0.8", "*"])
def test_pages_are_compressed_where_the_client_takes_it(client: FlaskClient, accepted: str) -> None:
    response = client.get("/about", headers={"Accept-Encoding": accepted})
    assert response.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers["Vary"]
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert b"About Critical Friend" in gzip.decompress(response.data)


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0, identity"])
def test_and_only_there(client: FlaskClient, accepted: str) -> None:
    response = client.get("/about", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in response.headers
    assert "Accept-Encoding" in response.headers["Vary"]
    assert "About Critical Friend" in response.text


def test_head_has_no_body(client: FlaskClient) -> None:
    response = client.head("/about", headers={"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert response.data == b""


def test_templates_are_compiled_once(app: Flask) -> None:
    assert app.jinja_env.auto_reload is False
    assert app.jinja_env.bytecode_cache is not None
