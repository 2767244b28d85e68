#!/usr/bin/env -S .venv/bin/python
"""How balanced the library is: counts of its records, and every minimum that it does not meet.

    scripts/balance.py                  the corpus of this repository
    scripts/balance.py FOLDER --json    another one, for a script

Counts by outcome, service, theme, sector, nation and decade, cases and lessons apart. Exit code 1 when a minimum is
not met, with a line for each on stderr; 2 when the corpus has faults (`kb check` lists them)
or cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kb import vocabulary
from kb.corpus import council_names, read_corpus
from kb.errors import KbError
from kb.records import Case, Lesson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kb.records import Record

ROOT = Path(__file__).resolve().parent.parent

LEAST_CASES = 90
LEAST_LESSONS = 60
LEAST_SETBACKS = 0.40  # the share of cases that failed, relapsed or were mixed
LEAST_BEYOND_ENGLAND = 10
LEAST_OTHER_SECTORS = 15  # cases led by or shared with one of OTHER_SECTORS
LEAST_OF_A_TERM = 3  # cases of each service and each theme
OTHER_SECTORS = frozenset({"health", "police", "fire", "education", "voluntary"})
BEYOND_ENGLAND = frozenset({"Scotland", "Wales", "Northern Ireland"})
CASE_WORDS = (450, 1_100)
LESSON_WORDS = (150, 450)


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts by facet and code, of the cases and of the lessons; a record counts under each of its codes."""

    cases: dict[str, dict[str, int]]
    lessons: dict[str, dict[str, int]]
    misses: tuple[str, ...]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "corpus", help="a corpus; this repository's")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    options = parser.parse_args()
    corpus = read_corpus([options.folder], council_names(options.folder), whole=True)
    if corpus.faults:
        print(f"{len(corpus.faults)} faults, the first: {corpus.faults[0]}; run `kb check`", file=sys.stderr)
        return 2
    balance = weigh([file.record for file in corpus.files])
    if options.json:
        print(json.dumps({"cases": balance.cases, "lessons": balance.lessons, "misses": balance.misses}, indent=1))
    else:
        print(as_text(balance))
    for miss in balance.misses:
        print(f"not met: {miss}", file=sys.stderr)
    return 1 if balance.misses else 0


def weigh(records: Sequence[Record]) -> Balance:
    """Counts these records and compares the counts with the minimums."""
    cases = [record for record in records if isinstance(record, Case)]
    lessons = [record for record in records if isinstance(record, Lesson)]
    counts = _count(cases)
    return Balance(counts, _count(lessons), tuple(_misses(cases, lessons, counts)))


def _count(records: Sequence[Record]) -> dict[str, dict[str, int]]:
    return {
        "records": {"all": len(records)},
        "outcome": _tally([[record.outcome] for record in records], vocabulary.OUTCOME.codes),
        "service": _tally([record.services for record in records], vocabulary.SERVICE.codes),
        "theme": _tally([record.themes for record in records], vocabulary.THEME.codes),
        "sector": _tally([record.sectors for record in records], vocabulary.SECTOR.codes),
        "nation": _tally([[record.nation] for record in records if isinstance(record, Case)], ()),
        "decade": _tally([[_decade_of(record)] for record in records], ()),
    }


def _tally(codes: Sequence[Sequence[str]], expected: Sequence[str]) -> dict[str, int]:
    counts = Counter(code for some in codes for code in some)
    order = expected or sorted(counts)
    return {code: counts[code] for code in order}


def _decade_of(record: Record) -> str:
    """The decade in which it began."""
    start = record.period.start if isinstance(record, Case) else vocabulary.band_years(record.period_band)[0]
    return f"{start // 10 * 10}s"


def _setbacks(counts: dict[str, dict[str, int]]) -> int:
    return sum(counts["outcome"][code] for code in vocabulary.FAILURES)


def _misses(cases: Sequence[Case], lessons: Sequence[Lesson], counts: dict[str, dict[str, int]]) -> Iterator[str]:
    setbacks = _setbacks(counts)
    yield from _too_few("named cases", len(cases), LEAST_CASES)
    yield from _too_few("anonymised lessons", len(lessons), LEAST_LESSONS)
    if setbacks < LEAST_SETBACKS * len(cases):
        yield f"{setbacks} of {len(cases)} cases failed, relapsed or were mixed; at least {LEAST_SETBACKS:.0%} should"
    beyond = sum(case.nation in BEYOND_ENGLAND for case in cases)
    yield from _too_few("cases from Scotland, Wales and Northern Ireland", beyond, LEAST_BEYOND_ENGLAND)
    shared = sum(not OTHER_SECTORS.isdisjoint(case.sectors) for case in cases)
    yield from _too_few("cases of another sector", shared, LEAST_OTHER_SECTORS)
    for facet in ("service", "theme"):
        for code, count in counts[facet].items():
            yield from _too_few(f"cases of {facet} {code}", count, LEAST_OF_A_TERM)
    for records, (least, most) in ((cases, CASE_WORDS), (lessons, LESSON_WORDS)):
        for record in records:
            words = sum(len(section.text.split()) for section in record.sections)
            if not least <= words <= most:
                yield f"{record.id} has {words} words of body; write {least} to {most}"


def _too_few(what: str, count: int, least: int) -> Iterator[str]:
    if count < least:
        yield f"{count} {what}; at least {least}"


def as_text(balance: Balance) -> str:
    """A table a facet: each code with its count of cases and of lessons."""
    lines = []
    for facet, counts in balance.cases.items():
        others = balance.lessons[facet]
        lines.append(f"\n{facet:34} cases  lessons")
        for code in {**counts, **others}:
            shown = "" if facet == "nation" else f"{others.get(code, 0):9}"
            lines.append(f"  {code:32} {counts.get(code, 0):5}{shown}")
    setbacks = _setbacks(balance.cases)
    share = setbacks / max(1, balance.cases["records"]["all"])
    lines.append(f"\nfailed, relapsed or mixed: {setbacks} cases ({share:.0%})")
    return "\n".join(lines).lstrip()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KbError as error:
        print(f"balance.py: {error}", file=sys.stderr)
        sys.exit(2)
