"""Councils and the likeness of their places as JSON."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from webapp.api.parameters import GSS_PATTERN

if TYPE_CHECKING:
    from kb.councils import Council
    from kb.peers import Likeness


def is_gss(text: str) -> bool:
    """Whether a text looks like a GSS code; the library would take a name as well, which an address does not."""
    return re.fullmatch(GSS_PATTERN, text) is not None


def council_as_json(council: Council) -> dict[str, Any]:
    return {name: getattr(council, name) for name in ("gss", "name", "short_name", "type", "nation", "region")}


def likeness_as_json(one: Likeness) -> dict[str, Any]:
    return {
        "council": council_as_json(one.council),
        "score": round(one.score, 4),
        "words": one.words,
        "neighbour_rank": one.neighbour_rank,
        "factors": [{**asdict(match), "strength": round(match.strength, 4)} for match in one.factors],
    }
