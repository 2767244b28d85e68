"""Somebody checks a text against the warning signs of others. Nothing of it is kept, logged or in an address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, render_template
from markupsafe import Markup, escape

from kb.passages import plain_text, split_sentences
from kb.pasted import TEXT_MAX_CHARACTERS
from webapp import presenting
from webapp.forms import NotUtf8, TooLarge, text_field
from webapp.library import knowledge
from webapp.rendering import passage_html
from webapp.security import refuse_foreign_posts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Response
    from flask.typing import ResponseReturnValue

    from kb.signs import CheckedParagraph, Match, Recovery, Sign, Signs, Told, Whose

blueprint = Blueprint("signs", __name__)
blueprint.before_request(refuse_foreign_posts)

_BAND_WORDS: Final = {"strong": "Close to it", "fair": "Something like it"}
# What happened next is told in a sentence or two, with the way to the rest of it.
_TOLD_CHARACTERS: Final = 340
_WORD: Final = re.compile(r"\w+(?:['\u2019]\w+)*")


@dataclass(frozen=True, slots=True)
class Yours:
    """One paragraph of the reader's as shown, with the sentence that matches marked."""

    number: int
    html: Markup


@dataclass(frozen=True, slots=True)
class Theirs:
    """A record as shown beside a paragraph."""

    title: str
    url: str
    place: str
    period: str
    kind: str
    outcome: str
    outcome_label: str
    as_at: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """A passage of a record as shown: some of its words, and where the rest of it stands."""

    section: str
    url: str
    html: Markup


@dataclass(frozen=True, slots=True)
class Pair:
    """A sign beside the paragraphs of the reader's that it is the nearest to; `further` are less near to them."""

    words: str
    band: str
    band_label: str
    yours: tuple[Yours, ...]
    theirs: Theirs
    then: Extracted | None
    further: tuple[tuple[str, Theirs], ...]


@dataclass(frozen=True, slots=True)
class NearSign:
    """A sign on the same subject as the reader's words, what came next in a sentence, and what else it is near."""

    words: str
    theirs: Theirs
    then: str
    also: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One paragraph of the reader's, its sentences that are near to a sign, and those signs, nearest first."""

    paragraph: int
    excerpt: str
    signs: tuple[NearSign, ...]


@dataclass(frozen=True, slots=True)
class Better:
    """A place that got better, and how."""

    theirs: Theirs
    how: Extracted
    paragraph: int


@blueprint.after_request
def keep_nothing(response: Response) -> Response:
    """What was pasted may stand on any of these pages."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.get("/signs")
def form() -> ResponseReturnValue:
    return _form()


@blueprint.post("/signs")
def check() -> ResponseReturnValue:
    try:
        text = text_field("text", TEXT_MAX_CHARACTERS)
    except TooLarge:
        return _form(error="large"), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    except NotUtf8:
        return _form(error="bytes"), HTTPStatus.BAD_REQUEST
    if not text.strip():
        return _form(error="empty"), HTTPStatus.UNPROCESSABLE_ENTITY
    if len(text) > TEXT_MAX_CHARACTERS:
        return _form(text=text, error="long"), HTTPStatus.UNPROCESSABLE_ENTITY
    answer = knowledge().signs(text)
    if not answer.paragraphs:
        return _form(error="empty"), HTTPStatus.UNPROCESSABLE_ENTITY
    pairs = make_pairs(answer)
    matched = {one.number for one in answer.paragraphs if one.signs}
    return render_template(
        "signs_found.html",
        answer=answer,
        pairs=pairs,
        matched=matched,
        near=make_near(answer),
        worth=answer.paragraphs_near(),
        better=[_better(one) for one in answer.recovered],
        text=text,
        most=TEXT_MAX_CHARACTERS,
    )


def _form(text: str = "", error: str = "") -> str:
    return render_template("signs.html", text=text, error=error, most=TEXT_MAX_CHARACTERS)


def make_pairs(answer: Signs) -> list[Pair]:
    """Each sign that some paragraph is nearest to, strongest first, with every such paragraph once."""
    by_number = {sign.number: sign for sign in answer.found}
    led: dict[int, list[CheckedParagraph]] = {}
    for paragraph in answer.paragraphs:
        if paragraph.signs:
            led.setdefault(paragraph.signs[0], []).append(paragraph)
    return [_pair(sign, led[sign.number], by_number) for sign in answer.found if sign.number in led]


def _pair(sign: Sign, paragraphs: Sequence[CheckedParagraph], by_number: Mapping[int, Sign]) -> Pair:
    matches = {match.paragraph: match for match in sign.matches}
    order = sorted(paragraphs, key=lambda one: -matches[one.number].score)
    further = list(dict.fromkeys(number for one in order for number in one.signs[1:]))
    return Pair(
        words=sign.words,
        band=sign.band,
        band_label=_BAND_WORDS[sign.band],
        yours=tuple(Yours(one.number, mark_yours(one.text, matches[one.number])) for one in order),
        theirs=_theirs(sign.whose, sign.url),
        then=_told(sign.then, sign.whose.record) if sign.then else None,
        further=tuple(
            (other.words, _theirs(other.whose, other.url)) for other in (by_number[number] for number in further)
        ),
    )


def make_near(answer: Signs) -> list[Compared]:
    """What is worth comparing, each sign once, with the paragraph that it is nearest to."""
    texts = {one.number: one.text for one in answer.paragraphs}
    led: dict[int, list[Sign]] = {}
    for sign in answer.near:
        led.setdefault(sign.matches[0].paragraph, []).append(sign)
    return [
        Compared(
            number,
            excerpt(texts[number], [sign.matches[0].sentence for sign in signs]),
            tuple(_near(sign) for sign in signs),
        )
        for number, signs in led.items()
    ]


def excerpt(text: str, sentences: Sequence[str]) -> str:
    """These sentences of a text in their order, each once, with an ellipsis where something lies between two."""
    told, end = "", 0
    for start, sentence in sorted({text.find(one): one for one in sentences}.items()):
        apart = " \u2026 " if text[end:start].strip() else " "
        told = f"{told}{apart}{sentence}" if told else sentence
        end = start + len(sentence)
    return told


def _near(sign: Sign) -> NearSign:
    then = plain_text(sign.then.highlight) if sign.then else ""
    return NearSign(
        sign.words, _theirs(sign.whose, sign.url), then, tuple(match.paragraph for match in sign.matches[1:])
    )


def _better(one: Recovery) -> Better:
    return Better(_theirs(one.whose, one.url), _told(one.how, one.whose.record), one.paragraph)


def _theirs(whose: Whose, url: str) -> Theirs:
    facts = [presenting.label("finding_basis", whose.finding_basis)]
    if whose.corroboration is not None:
        facts.append(presenting.label("corroboration", whose.corroboration))
    return Theirs(
        title=whose.title,
        url=url,
        place=whose.place,
        period=presenting.period_words(whose.kind, whose.years),
        kind=presenting.label("kind", whose.kind),
        outcome=whose.outcome,
        outcome_label=presenting.label("outcome", whose.outcome),
        as_at=presenting.date_words(whose.outcome_as_at),
        evidence=", ".join(facts),
    )


def _told(told: Told, record: str) -> Extracted:
    text = _around(told.text, told.highlight)
    return Extracted(told.section, f"/records/{record}#{told.anchor}", passage_html(text, told.highlight, record))


def _around(text: str, highlight: str) -> str:
    """The highlight with as many of the sentences after it, then before it, as there is room for."""
    spans = split_sentences(text)
    at = next((number for number, (start, end) in enumerate(spans) if text[start:end] == highlight), None)
    if at is None:
        return highlight
    first = last = at
    while last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= _TOLD_CHARACTERS:
        last += 1
    while first and spans[last][1] - spans[first - 1][0] <= _TOLD_CHARACTERS:
        first -= 1
    return text[spans[first][0] : spans[last][1]]


def mark_yours(text: str, match: Match) -> Markup:
    """The reader's paragraph, escaped, with the matching sentence marked and the words in common set off."""
    start = text.find(match.sentence)
    before, marked, after = text[:start], text[start : start + len(match.sentence)], text[start + len(match.sentence) :]
    words = frozenset(match.words)
    html = f"{_set_off(before, words)}<mark>{_set_off(marked, words)}</mark>{_set_off(after, words)}"
    return Markup(html)  # noqa: S704  every word in it was escaped


def _set_off(text: str, words: frozenset[str]) -> str:
    parts: list[str] = []
    begin = 0
    for found in _WORD.finditer(text):
        if found[0].lower() in words:
            parts += (str(escape(text[begin : found.start()])), f"<b>{escape(found[0])}</b>")
            begin = found.end()
    return "".join((*parts, str(escape(text[begin:]))))
