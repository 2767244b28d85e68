"""What a record is: a `Case` is named and from public sources, a `Lesson` is anonymised.

Records are immutable values. `kb.record_file` turns a file into a record and back; `kb.checks` holds the rules that
look across a record's fields; this module holds the fields themselves and the rules of one field alone.
"""

from __future__ import annotations

import calendar
import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from kb import vocabulary
from kb.vocabulary import Vocabulary

# Where something stands in a record: `("sources", 0, "url")`, `("sections", 2)`.
Place = tuple[str | int, ...]

ID_PATTERN: Final = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_PARTIAL_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_EARLIEST_YEAR: Final = 1900
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def _term_of(words: Vocabulary) -> AfterValidator:
    def check(code: str) -> str:
        if code not in words:
            raise ValueError(f"{code!r} is not one of {', '.join(words.codes)}")
        return code

    return AfterValidator(check)


def _partial_date(value: str) -> str:
    match = _PARTIAL_DATE.fullmatch(value)
    if match:
        year, month, day = (int(part) if part else 0 for part in match.groups())
        month_fits = match[2] is None or 1 <= month <= 12
        day_fits = match[3] is None or (month_fits and 1 <= day <= calendar.monthrange(year, month)[1])
        if year >= _EARLIEST_YEAR and month_fits and day_fits:
            return value
    raise ValueError(f"{value!r} is not a date; write 2020, 2020-08 or 2020-08-14")


def _printable(value: str) -> str:
    match = _UNPRINTABLE.search(value)
    if match:
        raise ValueError(f"has the control character U+{ord(match[0]):04X}; remove it")
    return value


def _one_line(value: str) -> str:
    if "\n" in value or "\t" in value:
        raise ValueError("must stand on one line (in YAML, fold a long text with '>-')")
    return value


def _different(values: tuple[str, ...]) -> tuple[str, ...]:
    doubled = sorted({value for value in values if values.count(value) > 1})
    if doubled:
        raise ValueError(f"says {', '.join(map(repr, doubled))} twice; say it once")
    return values


def _body_text(value: str) -> str:
    if value != value.strip() or not value:
        raise ValueError("a section's text must not be empty, nor begin or end with white space")
    if re.search(r"^#{1,2} ", value, re.MULTILINE):
        raise ValueError("a section's text must not hold a heading of the first or second level")
    return value


def _text_of(value: Any) -> Any:
    """Effect evidence is a code (`0` to `4`), whether a caller has it as text or as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_printable), AfterValidator(_one_line)
]
OptionalLine = Annotated[
    str, StringConstraints(strip_whitespace=True), AfterValidator(_printable), AfterValidator(_one_line)
]
PartialDate = Annotated[str, BeforeValidator(_text_of), AfterValidator(_partial_date)]
RecordId = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=80)]
SourceId = Annotated[str, StringConstraints(pattern=r"^s[1-9][0-9]{0,2}$")]
Gss = Annotated[str, StringConstraints(pattern=r"^[EWSN][0-9]{8}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"]+$", max_length=600), AfterValidator(_printable)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Section(_Model):
    """One part of a record's body: a heading of the vocabulary, and Markdown text in which `[s2]` marks a source."""

    heading: Annotated[
        str,
        _term_of(
            Vocabulary(
                "heading", "Heading", tuple(vocabulary.Term(heading, heading) for heading in vocabulary.HEADINGS)
            )
        ),
    ]
    text: Annotated[str, AfterValidator(_printable), AfterValidator(_body_text)]

    @property
    def stance(self) -> str:
        return vocabulary.HEADINGS[self.heading]

    @property
    def anchor(self) -> str:
        """The section's name in an address: `What was done` -> `what-was-done`."""
        return re.sub(r"[^a-z]+", "-", self.heading.lower()).strip("-")


class Organisation(_Model):
    """A body that the case is about. `gss` is the ONS code of a council, None for a body that has none."""

    name: Line
    gss: Gss | None = None


class Source(_Model):
    """Where a claim was seen. `independent` is true when neither the body nor its partners published it."""

    id: SourceId
    title: Line
    publisher: Line
    url: Url
    date: PartialDate
    accessed: PartialDate
    independent: bool


class Measure(_Model):
    """One figure before and after; either may be unknown (empty), not both. `source` is the id of one source."""

    what: Line
    before: OptionalLine = ""
    after: OptionalLine = ""
    source: SourceId


class OutcomeAt(_Model):
    """How it stood on a date, since what worked in 2013 may have relapsed by 2021."""

    as_at: PartialDate
    outcome: Annotated[str, _term_of(vocabulary.OUTCOME)]
    note: OptionalLine = ""


class Link(_Model):
    """Another record that belongs with this one, and how."""

    record: RecordId
    how: Annotated[str, _term_of(vocabulary.LINK)]


class Period(_Model):
    """First and last year that the record is about, both included."""

    start: Annotated[int, Field(ge=_EARLIEST_YEAR, le=2100)]
    end: Annotated[int, Field(ge=_EARLIEST_YEAR, le=2100)]


_Some = Field(min_length=1)
Sectors = Annotated[tuple[Annotated[str, _term_of(vocabulary.SECTOR)], ...], _Some, AfterValidator(_different)]
Services = Annotated[tuple[Annotated[str, _term_of(vocabulary.SERVICE)], ...], _Some, AfterValidator(_different)]
Themes = Annotated[tuple[Annotated[str, _term_of(vocabulary.THEME)], ...], _Some, AfterValidator(_different)]


class _Record(_Model):
    id: RecordId
    title: Annotated[Line, Field(max_length=160)]
    summary: Annotated[Line, Field(max_length=600)]
    sectors: Sectors
    services: Services
    themes: Themes
    outcome: Annotated[str, _term_of(vocabulary.OUTCOME)]
    finding_basis: Annotated[str, _term_of(vocabulary.FINDING_BASIS)]
    answers: Annotated[tuple[Line, ...], AfterValidator(_different)] = ()
    checked_on: PartialDate
    review_due: PartialDate
    sections: tuple[Section, ...]

    def section(self, heading: str) -> Section | None:
        """The section of that heading, or None when the record does not have it."""
        return next((section for section in self.sections if section.heading == heading), None)


class Case(_Record):
    """A named case study, from public sources that are listed."""

    kind: Literal["case"] = "case"
    organisations: Annotated[tuple[Organisation, ...], Field(min_length=1)]
    nation: Annotated[str, _term_of(vocabulary.NATION)]
    region: Annotated[str, _term_of(vocabulary.REGION)]
    council_type: Annotated[str, _term_of(vocabulary.COUNCIL_TYPE)]
    period: Period
    outcome_as_at: PartialDate
    outcome_history: tuple[OutcomeAt, ...] = ()
    effect_evidence: Annotated[str, BeforeValidator(_text_of), _term_of(vocabulary.EFFECT_EVIDENCE)]
    contested: Line | None = None
    cost: Line | None = None
    time_to_effect: Line | None = None
    measures: tuple[Measure, ...] = ()
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    linked: tuple[Link, ...] = ()


class Lesson(_Record):
    """An anonymised lesson. Its identity never enters this object; `withheld` names what is kept back on purpose."""

    kind: Literal["lesson"] = "lesson"
    council_family: Annotated[str, _term_of(vocabulary.COUNCIL_FAMILY)]
    period_band: Annotated[str, _term_of(vocabulary.PERIOD_BAND)]
    corroboration: Annotated[str, BeforeValidator(_text_of), _term_of(vocabulary.CORROBORATION)]
    withheld: Annotated[tuple[Line, ...], AfterValidator(_different)] = ()


Record = Case | Lesson
KINDS: Final[dict[str, type[Case] | type[Lesson]]] = {"case": Case, "lesson": Lesson}

# The order in which a record's front matter is written; each key of the models stands here once (tested).
FRONT_MATTER: Final[dict[str, tuple[str, ...]]] = {
    "case": (
        "id", "kind", "title", "summary", "organisations", "nation", "region", "council_type", "sectors", "services",
        "themes", "period", "outcome", "outcome_as_at", "outcome_history", "finding_basis", "effect_evidence",
        "contested", "cost", "time_to_effect", "measures", "sources", "linked", "answers", "checked_on", "review_due",
    ),
    "lesson": (
        "id", "kind", "title", "summary", "answers", "council_family", "period_band", "sectors", "services", "themes",
        "outcome", "finding_basis", "corroboration", "withheld", "checked_on", "review_due",
    ),
}  # fmt: skip


def years(record: Record) -> tuple[int, int]:
    """First and last year that a record is about, both included."""
    if isinstance(record, Case):
        return record.period.start, record.period.end
    return vocabulary.band_years(record.period_band)


def place(record: Record) -> str:
    """Where it happened, in words: the bodies of a case, the family of councils of a lesson."""
    if isinstance(record, Case):
        return ", ".join(body.name for body in record.organisations)
    return vocabulary.COUNCIL_FAMILY.label_of(record.council_family)
