"""Two to four records side by side, section by section; and the page on which somebody chooses them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import Blueprint, make_response, render_template, request
from markupsafe import Markup

from kb import vocabulary
from kb.records import Case, years
from webapp import presenting
from webapp.library import knowledge
from webapp.questions import clean_question
from webapp.rendering import block_html, line_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response
    from flask.typing import ResponseReturnValue

    from kb.browse import Entry
    from kb.records import Record

blueprint = Blueprint("compare", __name__, url_prefix="/compare")

FEWEST: Final = 2
MOST: Final = 4  # more columns than these are too narrow to read, on paper as well
_ID_CHARACTERS: Final = 80
# An address can hold thousands of ids; no more than these are looked up and told of.
_LOOKED_AT: Final = 20
_UNTOLD: Final = "Not told in this record."
_ACCOUNTS: Final = "How many accounts agree"
_FACTS: Final = (
    *("Place", "Years", "Kind", "Services", "Who found it", "How the effect was measured", _ACCOUNTS),
    *("Cost", "Time to effect"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One record of a comparison. `name` is short and no other column's; `others` is the comparison's query without
    it, empty when too few would be left.
    """

    record: Record
    name: str
    others: str

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(source.id for source in self.record.sources) if isinstance(self.record, Case) else frozenset()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a choice of records, in words, and the status that tells it."""

    text: str
    status: HTTPStatus


@blueprint.get("")
def compare() -> ResponseReturnValue:
    """The comparison; without any id, the page that says how to make one."""
    asked = _asked()
    if not asked:
        return _choice((), ())
    found, faults = _read(asked)
    if faults:
        return _choice(found, faults)
    return _comparison(found)


@blueprint.get("/choose")
def choose() -> ResponseReturnValue:
    """The records to choose from, with those of the address chosen already."""
    found, _ = _read(_asked())
    return _choice(found, ())


def _asked() -> list[str]:
    return [name for value in request.args.getlist("id") if (name := clean_question(value)[:_ID_CHARACTERS])]


def _read(asked: Sequence[str]) -> tuple[list[Record], list[Fault]]:
    """The records that are there, each once, and all that is wrong with the choice."""
    times = Counter(asked[:_LOOKED_AT])
    read = {name: knowledge().record(name) for name in times}
    found = [record for record in read.values() if record is not None]
    faults = [
        Fault(f"There is no record \u201c{name}\u201d. It may have been renamed or withdrawn.", HTTPStatus.NOT_FOUND)
        for name, record in read.items()
        if record is None
    ]
    faults += [
        Fault(
            f"\u201c{record.title}\u201d is chosen {_times(times[record.id])}. Choose it once.", HTTPStatus.BAD_REQUEST
        )
        for record in found
        if times[record.id] > 1
    ]
    if len(set(asked)) > MOST:
        few = f"Choose no more than {MOST} records; {len(set(asked))} are chosen."
        faults.append(Fault(few, HTTPStatus.BAD_REQUEST))
    if len(found) < FEWEST and all(fault.status == HTTPStatus.NOT_FOUND for fault in faults):
        more = "Choose at least two records; one is chosen." if found else "Choose two to four records."
        faults.append(Fault(more, HTTPStatus.BAD_REQUEST))
    return found, faults


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


# --- choosing --------------------------------------------------------------------------------------------------------


def _choice(found: Sequence[Record], faults: Sequence[Fault]) -> Response:
    chosen = {record.id for record in found}
    page = render_template(
        "compare_choose.html",
        faults=faults,
        chosen=chosen,
        groups=_by_service(knowledge().catalogue().select().entries),
        instead=_query(found) if faults and FEWEST <= len(found) <= MOST else "",
        count=len(found),
        most=MOST,
    )
    status = max((fault.status for fault in faults), default=HTTPStatus.OK)
    return make_response(page, status)


def _by_service(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """The entries under the service that each is mainly about, so that each stands once."""
    return [
        (term.label, some)
        for term in vocabulary.SERVICE.terms
        if (some := [entry for entry in entries if entry.services[:1] == (term.code,)])
    ]


def _query(records: Sequence[Record]) -> str:
    return urlencode([("id", record.id) for record in records])


# --- side by side ----------------------------------------------------------------------------------------------------


def _comparison(found: Sequence[Record]) -> ResponseReturnValue:
    columns = _columns(found)
    sections = [
        (heading, stance, [_cell(column, heading) for column in columns])
        for heading, stance in vocabulary.HEADINGS.items()
        if any(record.section(heading) for record in found)
    ]
    return render_template(
        "compare.html",
        columns=columns,
        facts=_facts(columns),
        sections=sections,
        untold=_UNTOLD,
        query=_query(found),
        most=MOST,
    )


def _columns(found: Sequence[Record]) -> list[Column]:
    return [
        Column(
            record,
            name,
            _query([other for other in found if other is not record]) if len(found) > FEWEST else "",
        )
        for record, name in zip(found, _names(found), strict=True)
    ]


def _names(found: Sequence[Record]) -> list[str]:
    """A short name for each: the body that a case is about, if it is about no other's; else the record's title."""
    bodies = [record.organisations[0].name if isinstance(record, Case) else "" for record in found]
    return [
        body if body and bodies.count(body) == 1 else record.title for body, record in zip(bodies, found, strict=True)
    ]


def _facts(columns: Sequence[Column]) -> list[tuple[str, list[Markup]]]:
    """The rows on top: name, and the fact of each record; `Outcome` stands before them, with its own mark."""
    told = [_facts_of(column) for column in columns]
    return [
        (name, [facts.get(name, _untold(name, column)) for facts, column in zip(told, columns, strict=True)])
        for name in _FACTS
        if any(name in facts for facts in told)
    ]


def _untold(name: str, column: Column) -> Markup:
    """What stands where a record has no such fact: whether it could have had one at all."""
    if column.record.kind == "case" and name == _ACCOUNTS:
        return Markup("Recorded for lessons only")
    if column.record.kind == "lesson":
        return Markup("Recorded for named cases only")
    return Markup("Not recorded")


def _facts_of(column: Column) -> dict[str, Markup]:
    record = column.record
    facts = {
        "Place": presenting.where(record),
        "Years": presenting.period_words(record.kind, years(record)),
        "Kind": presenting.label("kind", record.kind),
        "Services": "; ".join(presenting.label("services", code) for code in record.services),
        "Who found it": presenting.label("finding_basis", record.finding_basis),
    }
    if isinstance(record, Case):
        facts["How the effect was measured"] = presenting.label("effect_evidence", record.effect_evidence)
        facts |= {"Cost": record.cost or "", "Time to effect": record.time_to_effect or ""}
    else:
        facts[_ACCOUNTS] = presenting.label("corroboration", record.corroboration)
    return {
        name: _led_home(line_html(text[0].upper() + text[1:], column.sources), record.id)
        for name, text in facts.items()
        if text
    }


def _cell(column: Column, heading: str) -> tuple[Column, str, Markup | None]:
    """A section of one record: the column, where it stands in the record's own page, and its text if it has any."""
    section = column.record.section(heading)
    if section is None:
        return column, "", None
    return column, section.anchor, _led_home(block_html(section.text, column.sources), column.record.id)


def _led_home(html: Markup, record: str) -> Markup:
    """The source marks of a record's text, leading to the sources on the record's own page."""
    led = str(html).replace('href="#source-', f'href="/records/{record}#source-')
    return Markup(led)  # noqa: S704  it was safe before, and a record's id is letters, digits and hyphens
