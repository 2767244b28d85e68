"""What Critical Friend is, how it ranks, and what its words mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, render_template

from kb import vocabulary

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("about", __name__)

_EXPLAINED: Final = (vocabulary.FINDING_BASIS, vocabulary.EFFECT_EVIDENCE)


@blueprint.get("/about")
def about() -> ResponseReturnValue:
    return render_template("about.html", outcomes=vocabulary.OUTCOME.terms, explained=_EXPLAINED)
