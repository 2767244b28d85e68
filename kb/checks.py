"""The rules that look across a record's parts: sources and marks, dates, measures, and what a lesson may not say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kb.record_file import Fault, Parsed, Place
from kb.records import Case, Lesson, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.councils import CouncilNames

_MARK: Final = re.compile(r"\[(s\d+)\]")
_MONTHS: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_TELLING: Final = {
    "URL": (
        re.compile(r"\b(?:https?://|www\.)\S+|\b[\w-]+\.(?:gov|nhs|police|co|org|ac)\.uk\b", re.IGNORECASE),
        "take it out",
    ),
    "email address": (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b"), "take it out"),
    "postcode": (re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"), "take it out"),
    "exact date": (
        re.compile(
            rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTHS}\b(?: \d{{4}})?|\b{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?\b"
            rf"|\b{_MONTHS} (?:19|20)\d\d\b|\b(?:19|20)\d\d-\d\d(?:-\d\d)?\b|\b\d{{1,2}}/\d{{1,2}}/(?:\d\d){{1,2}}\b"
            r"|\b(?:19|20)\d\d/\d\d\b|\b(?:19|20)\d\d\b(?!s)"
        ),
        "give a band, such as 'in the late 2010s'",
    ),
    "sum of money": (
        re.compile(
            r"[£$€]\s?\d[\d,.]*(?:\s?(?:k|m|bn|million|billion|thousand)\b)?"
            r"|\b\d[\d,.]*\s?(?:pounds|(?:k|m|bn|million|billion)\b(?: pounds)?|p\b)(?=\W|$)",
            re.IGNORECASE,
        ),
        "give a band, or say how it compared ('a tenth of its budget')",
    ),
    "exact figure": (re.compile(r"\b\d+(?:\.\d+)?\s?(?:%|per ?cent\b)"), "say 'about a third', 'most'"),
}  # fmt: skip
# Events so rare that they name the place to anybody who knows the sector (shared design, De-identification, test 5).
_RARE: Final = re.compile(
    r"\b(?:section 114|s\.?\s?114|commissioners?\b(?! of| for)|public interest report|report in the public interest"
    r"|statutory recommendation|prosecut(?:ed|ion)s?|coroner|inquest|serious case review)\b",
    re.IGNORECASE,
)  # fmt: skip


def check(parsed: Parsed, names: CouncilNames | None) -> list[Fault]:
    """All faults of a record that could be read, by line. Without `names`, councils in lessons are not looked for."""
    record = parsed.record
    if record is None:
        return []
    found = _check_case(record) if isinstance(record, Case) else _check_lesson(record, names)
    faults = [Fault(_line(parsed, record, place), message) for place, message in (*found, *_check_dates(record))]
    return sorted(set(faults), key=lambda fault: (fault.line, fault.message))


# A place with an offset in a section's text: ("sections", 2, offset).
_Finding = tuple[Place, str]


def _line(parsed: Parsed, record: Record, place: Place) -> int:
    if len(place) == 3 and place[0] == "sections":
        number, offset = int(place[1]), int(place[2])
        text = record.sections[number].text
        return parsed.text_line(number) + text.count("\n", 0, offset)
    return parsed.line_of(place)


def _check_case(case: Case) -> Iterator[_Finding]:
    yield from _check_sources(case)
    yield from _check_measures(case)
    history = case.outcome_history
    for number in range(1, len(history)):
        if history[number - 1].as_at[:7] > history[number].as_at[:7]:
            yield (
                ("outcome_history", number),
                f"outcome_history: {history[number].as_at} stands after {history[number - 1].as_at}; oldest first",
            )
    if history and history[-1].outcome != case.outcome:
        yield (
            ("outcome",),
            f"outcome {case.outcome!r} is not the latest of outcome_history, {history[-1].outcome!r}; make them agree",
        )
    if (
        len({source.independent for source in case.sources}) == 1
        and not case.contested
        and not case.sources[0].independent
    ):
        yield (
            ("sources",),
            "no source is independent of the body; add one, or say in 'contested' that only one side is told",
        )


def _check_sources(case: Case) -> Iterator[_Finding]:
    known: dict[str, int] = {}
    for number, source in enumerate(case.sources):
        if source.id in known:
            yield ("sources", number), f"source {source.id} is listed twice; give each its own id"
        known.setdefault(source.id, number)
    cited = set()
    for number, section in enumerate(case.sections):
        for match in _MARK.finditer(section.text):
            cited.add(match[1])
            if match[1] not in known:
                yield (
                    ("sections", number, match.start()),
                    f"[{match[1]}] has no source; the sources are {', '.join(known)}",
                )
    cited |= {measure.source for measure in case.measures}
    for one in (case.cost, case.time_to_effect):
        cited |= set(_MARK.findall(one or ""))
    for name, number in known.items():
        if name not in cited:
            yield ("sources", number), f"source {name} is never cited; cite it as [{name}] or take it out"


def _check_measures(case: Case) -> Iterator[_Finding]:
    known = {source.id for source in case.sources}
    for number, measure in enumerate(case.measures):
        if measure.source not in known:
            yield (
                ("measures", number, "source"),
                f"measure {measure.what!r}: {measure.source} is not one of the sources",
            )
        if not measure.before and not measure.after:
            yield ("measures", number), f"measure {measure.what!r} has no figure; give 'before' or 'after'"


def _check_dates(record: Record) -> Iterator[_Finding]:
    def backwards(first: str, last: str) -> bool:
        length = min(len(first), len(last))
        return first[:length] > last[:length]

    if backwards(record.checked_on, record.review_due):
        yield ("review_due",), f"review_due {record.review_due} comes before checked_on {record.checked_on}"
    if not isinstance(record, Case):
        return
    if record.period.start > record.period.end:
        yield ("period",), f"the period runs backwards, {record.period.start} to {record.period.end}"
    if backwards(str(record.period.start), record.outcome_as_at):
        yield (
            ("outcome_as_at",),
            f"outcome_as_at {record.outcome_as_at} comes before the period, which starts in {record.period.start}",
        )
    if backwards(record.outcome_as_at, record.checked_on):
        yield ("outcome_as_at",), f"outcome_as_at {record.outcome_as_at} comes after checked_on {record.checked_on}"
    for number, source in enumerate(record.sources):
        if backwards(source.date, source.accessed):
            yield (
                ("sources", number, "date"),
                f"source {source.id} is dated {source.date}, after it was read on {source.accessed}",
            )


def _check_lesson(lesson: Lesson, names: CouncilNames | None) -> Iterator[_Finding]:
    for place, text in _texts(lesson):
        for what, (pattern, remedy) in _TELLING.items():
            for match in pattern.finditer(text):
                yield _at(place, match.start()), f"a lesson has no {what}: {match[0]!r}; {remedy}"
        for match in _RARE.finditer(text):
            yield _at(place, match.start()), f"{match[0]!r} is so rare that it can name the place; generalise it"
        for match in _MARK.finditer(text):
            yield _at(place, match.start()), f"a lesson cites no source: {match[0]!r}; take it out"
        for mention in names.find(text) if names else ():
            yield _at(place, mention.start), f"{mention.text!r} is a council ({mention.name}); a lesson names none"


def _at(place: Place, offset: int) -> Place:
    return (*place, offset) if place[0] == "sections" else place


def _texts(lesson: Lesson) -> Iterator[tuple[Place, str]]:
    yield ("title",), lesson.title
    yield ("summary",), lesson.summary
    for number, answer in enumerate(lesson.answers):
        yield ("answers", number), answer
    for number, withheld in enumerate(lesson.withheld):
        yield ("withheld", number), withheld
    for number, section in enumerate(lesson.sections):
        yield ("sections", number), section.text
