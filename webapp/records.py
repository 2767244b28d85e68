"""One whole record, as somebody reads it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from flask import Blueprint, abort, render_template, url_for
from markupsafe import Markup

from kb.citation import citations
from kb.history import timeline
from kb.records import Case, Record, years
from webapp import presenting
from webapp.councils import chosen_council, transfer_for
from webapp.library import knowledge
from webapp.rendering import line_html, section_blocks
from webapp.revalidation import revalidated

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("records", __name__)

_NOTE: Final = Markup('<span class="cf-note">{}</span>')
# Earlier versions of a text that are told of; a record that was mended every week is no longer list than that.
_VERSIONS_SHOWN: Final = 6


@blueprint.get("/records/<record_id>")
def record(record_id: str) -> ResponseReturnValue:
    found = knowledge().record(record_id)
    if found is None:
        abort(404)
    sources = frozenset(source.id for source in found.sources) if isinstance(found, Case) else frozenset()
    related = knowledge().similar(record_id)
    address = url_for("records.record", record_id=record_id, _external=True)
    page = render_template(
        "record.html",
        record=found,
        is_case=isinstance(found, Case),
        address=address,
        where=presenting.where(found),
        period=presenting.period_words(found.kind, years(found)),
        sections=[(section, section_blocks(section, sources)) for section in found.sections],
        facts=_facts(found, sources),
        marks=partial(line_html, sources=sources),
        timeline=timeline(found) if isinstance(found, Case) else (),
        citations=citations(found, address),
        other_outcome=[one for one in related if one.other_outcome],
        linked=[one for one in related if one.how and not one.other_outcome],
        similar=[one for one in related if not one.how and not one.other_outcome],
        transfer=transfer_for(found),
        council=chosen_council(),
        versions=knowledge().versions(record_id)[: 1 + _VERSIONS_SHOWN],
    )
    return revalidated(page)


def _facts(found: Record, sources: frozenset[str]) -> list[dict[str, dict[str, object]]]:
    """The rows of the summary list: what kind of record it is and how far it can be trusted."""
    rows = [("Kind", presenting.label("kind", found.kind), presenting.note("kind", found.kind))]
    if isinstance(found, Case):
        rows.append(("Type of body", presenting.label("council_type", found.council_type), ""))
    rows += [
        ("Services", _listed("services", found.services), ""),
        ("Themes", _listed("themes", found.themes), ""),
        ("Sectors", _listed("sectors", found.sectors), ""),
        ("Who found it", *_explained("finding_basis", found.finding_basis)),
    ]
    if isinstance(found, Case):
        rows.append(("How the effect was measured", *_explained("effect_evidence", found.effect_evidence)))
        rows += [
            (name, value, "")
            for name, value in (("Cost", found.cost), ("Time to effect", found.time_to_effect))
            if value
        ]
    else:
        rows.append(("How many accounts agree", presenting.label("corroboration", found.corroboration), ""))
        if found.withheld:
            rows.append(
                (
                    "Kept back on purpose",
                    ", ".join(one.replace("_", " ") for one in found.withheld).capitalize(),
                    "So that nobody who confided can be traced.",
                )
            )
    return [
        {"key": {"text": key}, "value": {"html": line_html(value, sources) + (_NOTE.format(note) if note else "")}}
        for key, value, note in rows
    ]


def _explained(name: str, code: str) -> tuple[str, str]:
    return presenting.label(name, code), presenting.note(name, code)


def _listed(name: str, codes: tuple[str, ...]) -> str:
    return "; ".join(presenting.label(name, code) for code in codes)
