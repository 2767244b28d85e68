"""Styles, script and icon under names that hold their fingerprint, so that a browser may keep them for good."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import Response, abort, current_app, request, url_for

from kb.errors import KbError
from webapp.compression import pack

if TYPE_CHECKING:
    from flask import Flask

BUILD: Final = Path(__file__).parent / "static" / "build"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOREVER: Final = "public, max-age=31536000, immutable"


class AssetsNotBuilt(KbError):  # noqa: N818  it reads as what happened
    """The styles were never compiled, or the build is incomplete."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One built file, held in memory plain and packed: they are few and small."""

    content: bytes
    packed: bytes
    mimetype: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All built files by the name they are served under, and that name by the one that templates use."""

    served: dict[str, Asset]
    names: dict[str, str]


def read_build(folder: Path = BUILD) -> Assets:
    """Reads what `npm run build` made. Raises AssetsNotBuilt when it, or a part of it, is missing."""
    try:
        names = json.loads((folder / "manifest.json").read_text("utf-8"))
        contents = {name: (folder / name).read_bytes() for name in names.values()}
    except (OSError, ValueError) as error:
        raise AssetsNotBuilt(f"{folder} has no complete build: run scripts/setup, or `npm run build`") from error
    served = {name: Asset(data, pack(data), _TYPES[Path(name).suffix]) for name, data in contents.items()}
    return Assets(served, names)


def init_app(app: Flask) -> None:
    app.config["ASSETS"] = read_build()
    app.add_url_rule("/static/<name>", "static", _serve)
    app.add_url_rule("/favicon.ico", "favicon", _favicon)
    app.jinja_env.globals["asset"] = _address


def _address(name: str) -> str:
    """The address of an asset by the name it has in the source, such as `app.css`."""
    return url_for("static", name=current_app.config["ASSETS"].names[name])


def _serve(name: str) -> Response:
    assets: Assets = current_app.config["ASSETS"]
    asset = assets.served.get(name)
    if asset is None:
        abort(404)
    packed = bool(request.accept_encodings.quality("gzip"))
    response = Response(asset.packed if packed else asset.content, mimetype=asset.mimetype)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = _FOREVER
    return response


def _favicon() -> Response:
    """Browsers ask for this name whatever the page says."""
    response = _serve(current_app.config["ASSETS"].names["favicon.svg"])
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
