"""The rules that look across a record's parts: sources and marks, dates, measures, and what a lesson may not say."""

from __future__ import annotations

import re
from operator import eq
from typing import TYPE_CHECKING, Final, NamedTuple

import yaml

from kb.record_file import Fault, Parsed
from kb.records import Case, Lesson, Place, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.councils import CouncilNames

LESSON_ID: Final = re.compile(r"l-[a-z0-9]{6}")
_MARK: Final = re.compile(r"\[(s\d+)\]")
_MONTHS: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_NUMBER: Final = (
    r"(?:a|half|quarter|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety)"
)
_CURRENCY: Final = "(?:pounds|euros|dollars|GBP|EUR|USD)"
_TELLING: Final = {
    "URL": (
        re.compile(
            r"\b(?:https?://|www\.)\S+"
            r"|\b(?<!@)(?:[\w-]+\.)+(?:uk|com|org|net|eu|info|scot|wales|cymru|london)\b(?:/\S*)?",
            re.IGNORECASE,
        ),
        "take it out",
    ),
    "email address": (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b"), "take it out"),
    "postcode": (re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"), "take it out"),
    "exact date": (
        re.compile(
            rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTHS}\b(?: \d{{4}})?|\b{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?\b"
            rf"|\b{_MONTHS} (?:19|20)\d\d\b|\b(?:19|20)\d\d-\d\d(?:-\d\d)?\b"
            r"|\b\d{1,2}([/.])\d{1,2}\1(?:\d\d){1,2}\b|\b(?:19|20)\d\d/\d\d\b|\b(?:19|20)\d\d\b(?!s)"
        ),
        "give a band, such as 'in the late 2010s'",
    ),
    "sum of money": (
        re.compile(
            r"[£$€]\s?\d[\d,.]*(?:\s?(?:k|m|bn|million|billion|thousand)\b)?"
            rf"|\b\d[\d,.]*\s?(?:{_CURRENCY}|(?:k|m|bn|million|billion)\b(?: {_CURRENCY})?|p\b)(?=\W|$)"
            rf"|\b{_CURRENCY}\s?\d[\d,.]*"
            rf"|\b{_NUMBER}(?:[\s-]+(?:{_NUMBER}|and|hundred|thousand|million|billion))*\s+{_CURRENCY}\b",
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


class _Finding(NamedTuple):
    """What a rule found, and the places that it leans on: if one of those could not be read, it is not told.

    A place in a section's text ends with an offset: ("sections", 2, 140).
    """

    place: Place
    message: str
    leans_on: tuple[Place, ...] = ()


def check(parsed: Parsed, names: CouncilNames | None) -> list[Fault]:
    """All faults of a record that can be told from what could be read of it, by line.

    Without `names`, councils in lessons are not looked for.
    """
    record = parsed.partial
    if record is None:
        return []
    found = _check_case(record) if isinstance(record, Case) else _check_lesson(record, names)
    told = [finding for finding in (*found, *_check_dates(record)) if not _doubtful(finding, parsed)]
    faults = {Fault(_line(parsed, record, finding.place), finding.message) for finding in told}
    return sorted(faults, key=lambda fault: (fault.line, fault.message))


def check_hidden(markdown: str) -> list[Fault]:
    """What a lesson's front matter holds besides its values: comments, tags and anchors, which nobody checks."""
    lines = markdown.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").split("\n")
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), 1)
    text = "\n".join(lines[1:end])
    faults: dict[int, Fault] = {}

    def tell(index: int, what: str) -> None:
        line = text.count("\n", 0, index) + 2
        faults.setdefault(
            line, Fault(line, f"a lesson has no {what} in its front matter: they are stored and published; take it out")
        )

    covered = bytearray(len(text) + 1)
    try:
        for token in yaml.scan(text, Loader=yaml.BaseLoader):
            start, stop = token.start_mark.index, token.end_mark.index
            if isinstance(token, yaml.AnchorToken | yaml.TagToken):
                tell(start, "tags or anchors")
            if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
                # Behind the sign of a block, on its line, nothing but a comment can stand.
                first = text.find("\n", start)
                start = stop if first == -1 else min(first, stop)
            covered[start:stop] = b"\1" * (stop - start)
    except yaml.YAMLError:
        return []  # it is no YAML of a record, and that has been told
    for index, character in enumerate(text):
        if character == "#" and not covered[index]:
            tell(index, "comments")
    return list(faults.values())


def _doubtful(finding: _Finding, parsed: Parsed) -> bool:
    """Whether it leans on what could not be read, or on a part of that, or on something that holds it."""
    return any(all(map(eq, leant, doubtful)) for leant in finding.leans_on for doubtful in parsed.doubtful)


def _line(parsed: Parsed, record: Record, place: Place) -> int:
    if len(place) == 3 and place[0] == "sections":
        number, offset = int(place[1]), int(place[2])
        text = record.sections[number].text
        return parsed.text_line(number) + text.count("\n", 0, offset)
    return parsed.line_of(place)


def _check_case(case: Case) -> Iterator[_Finding]:
    yield from _check_sources(case)
    yield from _check_measures(case)
    yield from _check_outcome(case)
    for number, link in enumerate(case.linked):
        place = ("linked", number, "record")
        if LESSON_ID.fullmatch(link.record):
            message = f"linked: {link.record!r} is a lesson; a link could tell where it comes from; take it out"
            yield _Finding(place, message, (place,))
    if not case.contested and not any(source.independent for source in case.sources):
        yield _Finding(
            ("sources",),
            "no source is independent of the body; add one, or say in 'contested' that only one side is told",
            (("contested",), *(("sources", number, "independent") for number in range(len(case.sources)))),
        )


def _check_outcome(case: Case) -> Iterator[_Finding]:
    history = case.outcome_history
    for number in range(1, len(history)):
        if _backwards(history[number - 1].as_at, history[number].as_at):
            yield _Finding(
                ("outcome_history", number),
                f"outcome_history: {history[number].as_at} stands after {history[number - 1].as_at}; oldest first",
                (("outcome_history", number - 1, "as_at"), ("outcome_history", number, "as_at")),
            )
    for number, entry in enumerate(history):
        place = ("outcome_history", number)
        if _backwards(entry.as_at, case.checked_on):
            message = f"outcome_history: {entry.as_at} comes after checked_on {case.checked_on}"
            yield _Finding(place, message, ((*place, "as_at"), ("checked_on",)))
        start = min(case.period.start, case.period.end)
        if _backwards(str(start), entry.as_at):
            message = f"outcome_history: {entry.as_at} comes before the period, which starts in {start}"
            yield _Finding(place, message, ((*place, "as_at"), ("period", "start"), ("period", "end")))
    if history and not _may_be_same(history[-1].as_at, case.outcome_as_at):
        yield _Finding(
            ("outcome_as_at",),
            f"outcome_as_at {case.outcome_as_at} is not the latest of outcome_history, {history[-1].as_at}; "
            "make them agree",
            (("outcome_as_at",), ("outcome_history", len(history) - 1, "as_at")),
        )
    if history and history[-1].outcome != case.outcome:
        yield _Finding(
            ("outcome",),
            f"outcome {case.outcome!r} is not the latest of outcome_history, {history[-1].outcome!r}; make them agree",
            (("outcome",), ("outcome_history", len(history) - 1, "outcome")),
        )


def _ids(case: Case) -> tuple[Place, ...]:
    return tuple(("sources", number, "id") for number in range(len(case.sources)))


def _check_sources(case: Case) -> Iterator[_Finding]:
    known: dict[str, int] = {}
    for number, source in enumerate(case.sources):
        if source.id in known:
            message = f"source {source.id} is listed twice; give each its own id"
            yield _Finding(("sources", number), message, _ids(case))
        known.setdefault(source.id, number)
    cited = {measure.source for measure in case.measures}
    for place, text in _texts(case):
        for match in _MARK.finditer(text):
            cited.add(match[1])
            if match[1] not in known:
                message = f"[{match[1]}] has no source; the sources are {', '.join(known)}"
                yield _Finding(_at(place, match.start()), message, _ids(case))
    anywhere = (*_ids(case), *((name,) for name in _WITH_TEXT))
    for name, number in known.items():
        if name not in cited:
            message = f"source {name} is never cited; cite it as [{name}] or take it out"
            yield _Finding(("sources", number), message, anywhere)


def _check_measures(case: Case) -> Iterator[_Finding]:
    known = {source.id for source in case.sources}
    for number, measure in enumerate(case.measures):
        place = ("measures", number)
        if measure.source not in known:
            message = f"measure {measure.what!r}: {measure.source} is not one of the sources"
            yield _Finding((*place, "source"), message, (*_ids(case), (*place, "source")))
        if not measure.before and not measure.after:
            message = f"measure {measure.what!r} has no figure; give 'before' or 'after'"
            yield _Finding(place, message, ((*place, "before"), (*place, "after")))


def _backwards(first: str, last: str) -> bool:
    """Whether one date comes after another, as far as both say: 2018 and 2018-05 may be the same."""
    length = min(len(first), len(last))
    return first[:length] > last[:length]


def _may_be_same(one: str, other: str) -> bool:
    return not _backwards(one, other) and not _backwards(other, one)


def _check_dates(record: Record) -> Iterator[_Finding]:
    checked: Place = ("checked_on",)
    if _backwards(record.checked_on, record.review_due):
        message = f"review_due {record.review_due} comes before checked_on {record.checked_on}"
        yield _Finding(("review_due",), message, (("review_due",), checked))
    if not isinstance(record, Case):
        return
    start, end, as_at = record.period.start, record.period.end, record.outcome_as_at
    if start > end:
        message = f"the period runs backwards, {start} to {end}"
        yield _Finding(("period",), message, (("period", "start"), ("period", "end")))
    if _backwards(str(start), as_at):
        message = f"outcome_as_at {as_at} comes before the period, which starts in {start}"
        yield _Finding(("outcome_as_at",), message, (("outcome_as_at",), ("period", "start")))
    if _backwards(as_at, record.checked_on):
        message = f"outcome_as_at {as_at} comes after checked_on {record.checked_on}"
        yield _Finding(("outcome_as_at",), message, (("outcome_as_at",), checked))
    for number, source in enumerate(record.sources):
        dated, read = ("sources", number, "date"), ("sources", number, "accessed")
        if _backwards(source.date, source.accessed):
            message = f"source {source.id} is dated {source.date}, after it was read on {source.accessed}"
            yield _Finding(dated, message, (dated, read))
        if _backwards(source.accessed, record.checked_on):
            message = f"source {source.id} was read on {source.accessed}, after checked_on {record.checked_on}"
            yield _Finding(read, message, (read, checked))


def _check_lesson(lesson: Lesson, names: CouncilNames | None) -> Iterator[_Finding]:
    for place, text in _texts(lesson):
        for what, (pattern, remedy) in _TELLING.items():
            for match in pattern.finditer(text):
                yield _Finding(_at(place, match.start()), f"a lesson has no {what}: {match[0]!r}; {remedy}")
        for match in _RARE.finditer(text):
            yield _Finding(
                _at(place, match.start()), f"{match[0]!r} is so rare that it can name the place; generalise it"
            )
        for match in _MARK.finditer(text):
            yield _Finding(_at(place, match.start()), f"a lesson cites no source: {match[0]!r}; take it out")
        for mention in names.find(text) if names else ():
            yield _Finding(
                _at(place, mention.start), f"{mention.text!r} is a council ({mention.name}); a lesson names none"
            )


def _at(place: Place, offset: int) -> Place:
    return (*place, offset) if place[0] == "sections" else place


# The fields of a case in which a source can be cited.
_WITH_TEXT: Final = (
    "title", "summary", "contested", "cost", "time_to_effect", "answers", "outcome_history", "measures", "sections",
)  # fmt: skip


def _texts(record: Record) -> Iterator[tuple[Place, str]]:
    """Every text that somebody wrote, with its place."""
    lines = ((name, getattr(record, name, None)) for name in _WITH_TEXT)
    yield from (((name,), line) for name, line in lines if isinstance(line, str))
    yield from ((("answers", number), answer) for number, answer in enumerate(record.answers))
    if isinstance(record, Lesson):
        yield from ((("withheld", number), withheld) for number, withheld in enumerate(record.withheld))
    else:
        yield from ((("outcome_history", number), entry.note) for number, entry in enumerate(record.outcome_history))
        for number, measure in enumerate(record.measures):
            yield ("measures", number), f"{measure.what} {measure.before} {measure.after}"
    yield from ((("sections", number), section.text) for number, section in enumerate(record.sections))
