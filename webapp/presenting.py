"""Codes and dates -> the words that a page shows. Values in, values out; the templates only place them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from kb import vocabulary
from kb.evidence import FOUND_MOST, strength_of
from kb.records import Case, place
from kb.vocabulary import band_years
from webapp.rendering import passage_html

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask
    from markupsafe import Markup

    from kb.answer import Column, Extract, Hit
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
# From this cosine on a passage is near in meaning whatever its words; most that are shown lie between .4 and .7.
_CLOSE_IN_MEANING: Final = 0.45
_WORDS_TOLD: Final = 4


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


def span_words(years: tuple[int, int] | None) -> str:
    """The years of several records in words. A lesson's band may reach into years to come, and is cut at this one."""
    if years is None:
        return ""
    first, last = years[0], max(years[0], min(years[1], datetime.now(UTC).year))
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
class Axis:
    """One axis of the evidence: its name, its value in words with an explanation, and its level of `most`."""

    name: str
    value: str
    note: str
    level: int
    most: int


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
    evidence: tuple[Axis, ...]
    like: str
    why: str
    band: str
    band_label: str
    passage: Quote
    further: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """One column of a view as shown: what its passages tell, how many records tell it, and those of this page."""

    stance: str
    label: str
    total: int
    cards: tuple[Card, ...]


def make_card(hit: Hit, like: str = "") -> Card:
    """A hit as shown; `like` says in words how alike its place is to the reader's own."""
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
        like=like,
        why=_why(hit.passage),
        band=hit.band,
        band_label=MATCHES.get(hit.band, hit.band),
        passage=_quote(hit.passage, hit.record),
        further=tuple(_quote(extract, hit.record) for extract in hit.further),
    )


def make_shelf(column: Column, likes: Mapping[str, str]) -> Shelf:
    cards = tuple(make_card(hit, likes.get(hit.record, "")) for hit in column.hits)
    return Shelf(column.stance, label("stance", column.stance), column.total, cards)


def _quote(extract: Extract, record: str) -> Quote:
    html = passage_html(extract.text, extract.highlight, record)
    return Quote(extract.section, extract.stance, extract.anchor, html)


def _why(passage: Extract) -> str:
    """Why a passage is here: near in meaning, or by which words of the question, in it or above it, or both."""
    words = [f"\u201c{word}\u201d" for word in passage.matched_words[:_WORDS_TOLD]]
    shared = f"it, or its title, has {', '.join(words)}" if words else ""
    near = "close in meaning" if passage.semantic >= _CLOSE_IN_MEANING or not words else ""
    return "; ".join(filter(None, [near, shared]))


def _evidence(hit: Hit) -> tuple[Axis, ...]:
    """Who found it, and how the effect was measured (a case) or how many accounts agree (a lesson)."""
    strength = strength_of(hit.as_card())
    second = ("Effect", "effect_evidence", hit.effect_evidence) if strength.measured else None
    name, vocabulary_name, code = second or ("Told in", "corroboration", hit.corroboration)
    found = ("Found by", "finding_basis", hit.finding_basis)
    return tuple(
        Axis(axis, label(words, one), note(words, one), level, most)
        for (axis, words, one), level, most in (
            (found, strength.found, FOUND_MOST),
            ((name, vocabulary_name, code), strength.effect, strength.effect_most),
        )
    )


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
