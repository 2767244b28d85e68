"""The web app: pages and an API over `kb.knowledge.KnowledgeBase`. It parses, calls and formats; it ranks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Flask
from jinja2 import ChoiceLoader, FileSystemBytecodeCache, PackageLoader, PrefixLoader

from kb.settings import Settings
from webapp import (
    about,
    addresses,
    ask,
    assets,
    browse,
    compare,
    compression,
    councils,
    errors,
    feeds,
    gaps,
    health,
    library,
    presenting,
    records,
    security,
    signs,
)
from webapp.api import page as api_page
from webapp.api import routes as api_routes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response

_TEMPLATES: Final = "templates"
# What any address takes; those that take a longer text say so themselves (webapp.forms, webapp.api.signs).
_BODY_MAX_BYTES: Final = 64 * 1024


class _App(Flask):
    """Flask, with a log of failures that holds no word of what was asked."""

    def handle_exception(self, e: Exception) -> Response:
        return errors.handle_exception(self, e)

    def log_exception(self, exc_info: Any) -> None:
        errors.log_failure(self, exc_info[1])


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Makes the app. `config` may carry `KNOWLEDGE_BASE` (the caller closes it) and `QUESTION_MAX`, in characters.

    Without a knowledge base one is opened from the environment's settings. A missing index is no reason to fail: the
    pages then say what to do, and answer as soon as there is one. Raises `assets.AssetsNotBuilt` when the styles were
    never compiled.
    """
    app = _App(__name__, static_folder=None, template_folder=_TEMPLATES)
    app.config.from_mapping(MAX_CONTENT_LENGTH=_BODY_MAX_BYTES)
    app.config.from_mapping(config or {})
    settings = None
    if "QUESTION_MAX" not in app.config or "KNOWLEDGE_BASE" not in app.config:
        settings = Settings.from_environment()
        app.config.setdefault("QUESTION_MAX", settings.question_max)
    _set_up_templates(app)
    addresses.init_app(app)
    library.init_app(app, settings)
    security.init_app(app)
    compression.init_app(app)
    assets.init_app(app)
    presenting.init_app(app)
    councils.init_app(app)
    errors.init_app(app)
    for blueprint in (
        ask.blueprint,
        records.blueprint,
        compare.blueprint,
        browse.blueprint,
        feeds.blueprint,
        about.blueprint,
        api_routes.blueprint,
        api_page.blueprint,
        councils.blueprint,
        signs.blueprint,
        gaps.blueprint,
        health.blueprint,
    ):
        app.register_blueprint(blueprint)
    return app


def _set_up_templates(app: Flask) -> None:
    """Our own templates, GOV.UK Frontend's macros beside them; compiled once and kept, never looked at again."""
    app.jinja_options = {
        "loader": ChoiceLoader(
            [
                PackageLoader(__name__, _TEMPLATES),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        "auto_reload": False,
        "bytecode_cache": FileSystemBytecodeCache(),
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    app.config["TEMPLATES_AUTO_RELOAD"] = False
