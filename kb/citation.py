"""Record -> how to cite it: APA (seventh edition) and plain, as text that somebody pastes into a paper or an e-mail.

A case is cited by its title, the bodies it is about and its years. A lesson is cited by its id alone: whoever passes it
on passes on no place, no date and no word more than the lesson itself states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kb.records import Case, years

if TYPE_CHECKING:
    from kb.records import Record

SITE: Final = "Critical Friend"
# More bodies than this are summed up: a citation names where it happened, the record names everybody.
_BODIES_NAMED: Final = 2


@dataclass(frozen=True, slots=True)
class Citation:
    """One way to cite a record. `title` is the part that a style may set in italics; `text` is all of it."""

    style: str
    before: str
    title: str
    after: str

    @property
    def text(self) -> str:
        return f"{self.before}{self.title}{self.after}"


def citations(record: Record, url: str) -> tuple[Citation, ...]:
    """All ways to cite a record; `url` is its page's absolute address."""
    return cite_apa(record, url), cite_plain(record, url)


def cite_apa(record: Record, url: str) -> Citation:
    """APA, seventh edition: author, year, title, kind of work in brackets, address.

    The site is the author, and so is not named again as the publisher (Publication Manual, 9.24 and 9.34).
    """
    about = f" [Case study: {_bodies(record)}, {_years(record)}]" if isinstance(record, Case) else ""
    return Citation("APA (7th edition)", f"{SITE}. ({_checked(record)}). ", _name(record), f"{about}. {url}")


def cite_plain(record: Record, url: str) -> Citation:
    """In plain words: title, bodies and years, site, year, address."""
    about = f". {_bodies(record)}, {_years(record)}" if isinstance(record, Case) else ""
    return Citation("Plain", "", _name(record), f"{about}. {SITE}, {_checked(record)}. {url}")


def _name(record: Record) -> str:
    return record.title if isinstance(record, Case) else f"Anonymised lesson {record.id}"


def _checked(record: Record) -> str:
    """The year in which the record was last checked, which is the year of the text that is cited."""
    return record.checked_on[:4]


def _years(record: Case) -> str:
    first, last = years(record)
    return str(first) if first == last else f"{first} to {last}"


def _bodies(record: Case) -> str:
    names = [body.name for body in record.organisations]
    if len(names) > _BODIES_NAMED:
        return f"{names[0]} and others"
    return " and ".join(names)
