"""Codes and dates -> the words that a page shows. Values in, values out; the templates only place them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kb import vocabulary
from kb.filters import FIELDS
from kb.records import Case, place
from kb.vocabulary import band_years
from webapp.rendering import passage_html

if TYPE_CHECKING:
    from flask import Flask
    from markupsafe import Markup

    from kb.answer import Answer, Extract, Hit
    from kb.records import Record

# One look-up in a dict for each label: a page of results shows hundreds.
LABELS: Final = {name: {term.code: term.label for term in words.terms} for name, words in vocabulary.ALL.items()}
_NOTES: Final = {name: {term.code: term.note for term in words.terms} for name, words in vocabulary.ALL.items()}
_BANDS_BY_YEARS: Final = {band_years(band): band for band in vocabulary.PERIOD_BAND.codes}
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MATCHES: Final = {"strong": "Strong", "fair": "Fair", "weak": "Weak"}
# The facets that the page of results offers, in this order; an address may carry the others as well.
FACETS: Final = ("outcome", "kind", "service", "theme")
# More values than this of one facet are folded away.
_OPTIONS_SHOWN: Final = 7


def label(name: str, code: str | None) -> str:
    """The label of a vocabulary's code; an unknown code is its own label, so that no page fails on it."""
    return LABELS[name].get(code or "", code or "")


def note(name: str, code: str | None) -> str:
    """The explanation of a vocabulary's code, or an empty string."""
    return _NOTES[name].get(code or "", "")


def date_words(date: str | None) -> str:
    """A whole or partial ISO date in words: `2020-09-14` -> `14 September 2020`, `2020-09` -> `September 2020`."""
    parts = (date or "").split("-")
    words = [parts[0]]
    if len(parts) > 1:
        words.insert(0, _MONTHS[int(parts[1]) - 1])
    if len(parts) > 2:
        words.insert(0, str(int(parts[2])))
    return " ".join(words)


def period_words(kind: str, years: tuple[int, int]) -> str:
    """The years of a record in words. A lesson has a band of years on purpose, and is not given sharper ones."""
    band = _BANDS_BY_YEARS.get(years) if kind == "lesson" else None
    if band:
        return band[0].upper() + band[1:]
    first, last = years
    return str(first) if first == last else f"{first} to {last}"


def number_words(count: int, noun: str) -> str:
    """`1 record`, `12 records`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Quote:
    """One passage as shown."""

    section: str
    stance: str
    anchor: str
    html: Markup


@dataclass(frozen=True, slots=True)
class Card:
    """One hit as shown: every code already turned into words."""

    record: str
    title: str
    outcome: str
    outcome_label: str
    as_at: str
    place: str
    period: str
    kind_label: str
    evidence: tuple[tuple[str, str], ...]
    band: str
    band_label: str
    passage: Quote
    further: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a facet; `count` is None where nobody has counted (another value of the facet is chosen)."""

    value: str
    label: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One facet as shown; `more` are the options that are folded away."""

    field: str
    label: str
    options: tuple[Option, ...]
    more: tuple[Option, ...]


def make_card(hit: Hit) -> Card:
    return Card(
        record=hit.record,
        title=hit.title,
        outcome=hit.outcome,
        outcome_label=label("outcome", hit.outcome),
        as_at=date_words(hit.outcome_as_at),
        place=hit.place,
        period=period_words(hit.kind, hit.years),
        kind_label=label("kind", hit.kind),
        evidence=_evidence(hit),
        band=hit.band,
        band_label=MATCHES.get(hit.band, hit.band),
        passage=_quote(hit.passage, hit.record),
        further=tuple(_quote(extract, hit.record) for extract in hit.further),
    )


def _quote(extract: Extract, record: str) -> Quote:
    html = passage_html(extract.text, extract.highlight, record)
    return Quote(extract.section, extract.stance, extract.anchor, html)


def _evidence(hit: Hit) -> tuple[tuple[str, str], ...]:
    """Who found it, and how the effect was measured (a case) or how many accounts agree (a lesson)."""
    facts = [("Found by", label("finding_basis", hit.finding_basis))]
    if hit.effect_evidence is not None:
        facts.append(("Effect", label("effect_evidence", hit.effect_evidence)))
    if hit.corroboration is not None:
        facts.append(("Told in", label("corroboration", hit.corroboration)))
    return tuple(facts)


def make_facets(answer: Answer, chosen: dict[str, tuple[str, ...]], library: dict[str, dict[str, int]]) -> list[Facet]:
    """The facets of an answer. A facet that is filtered offers the library's other values too, to widen the choice."""
    facets: list[Facet] = []
    for field in FACETS:
        picked = chosen.get(field, ())
        counts = answer.counts.get(field, {})
        order = FIELDS[field].codes
        found = [code for code in order if counts.get(code)]
        if len(order) > len(vocabulary.OUTCOME.codes):
            found.sort(key=lambda code: -counts[code])
        others = [code for code in order if picked and library.get(field, {}).get(code) and code not in found]
        values = [*picked, *(code for code in (*found, *others) if code not in picked)]
        options = tuple(
            Option(
                code, label(FIELDS[field].name, code), None if code in others else counts.get(code, 0), code in picked
            )
            for code in values
        )
        shown = max(_OPTIONS_SHOWN, len(picked))
        if len(options) == shown + 1:  # folding away a single line saves nothing
            shown += 1
        if options:
            facets.append(Facet(field, FIELDS[field].label, options[:shown], options[shown:]))
    return facets


def where(record: Record) -> str:
    """Where a record's story took place: bodies and region of a case, the family of councils of a lesson."""
    if isinstance(record, Case):
        region = label("region", record.region)
        nation = label("nation", record.nation)
        return f"{place(record)}, {region}" if region == nation else f"{place(record)}, {region}, {nation}"
    return place(record)


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(label=label, number_words=number_words)
    app.jinja_env.filters.update(date_words=date_words)
