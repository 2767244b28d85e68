"""Would it transfer here? A record's place and conditions beside mine: what agrees, what differs, what cannot be told.

There is no score and no verdict. Whether something would work elsewhere hangs on much that no table holds; this only
lays the known conditions side by side, for somebody who knows one of the two places to judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kb import vocabulary
from kb.peers import FACTORS
from kb.records import Case

if TYPE_CHECKING:
    from kb.councils import Council
    from kb.peers import Likeness, Peers
    from kb.records import Lesson, Record

_LABELS: Final = {factor.code: factor.label for factor in FACTORS}
_NEIGHBOURS_LABEL: Final = "Statistical neighbours"
# The facts that only a council's own area has.
_OF_AN_AREA: Final = "Size, rural or urban, deprivation and borders"
# The types of body that are no council, as a sentence names them.
_NO_COUNCILS: Final = {
    "fire": "a fire and rescue service",
    "police": "a police force",
    "health": "a health body",
    "other": "a body that is no council",
}


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One condition: what it is there, what it is here, and whether they agree (None: that cannot be told)."""

    code: str
    label: str
    theirs: str
    mine: str
    agrees: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """The conditions of a record's place beside those of `mine`.

    `place` is the council that stands for the record's place, None where no council does; `agreeing` and `differing`
    are labels of rows; `notes` say in sentences what was compared and what cannot be.
    """

    mine: Council
    place: Council | None
    rows: tuple[TransferRow, ...]
    agreeing: tuple[str, ...]
    differing: tuple[str, ...]
    notes: tuple[str, ...]


def compare(record: Record, peers: Peers, mine: Council) -> Transfer:
    """Lays a record's place beside mine.

    A case with several councils is compared through the one most like mine, an abolished council through its
    successors, and the notes say so. A case without a council, and an anonymised lesson, have few rows, and the notes
    say why.
    """
    if not isinstance(record, Case):
        return _transfer(mine, None, [_family_row(record, peers, mine)], _lesson_notes(mine))
    likeness = peers.of_bodies([body.gss for body in record.organisations if body.gss], mine)
    if likeness is None:
        return _transfer(mine, None, [_body_row(record, mine), _place_row(record, mine)], _no_council_notes(record))
    rows = [
        TransferRow(match.code, match.label, match.theirs, match.mine, match.agrees, match.words or "not next door")
        for match in likeness.factors
    ]
    if likeness.council.gss == mine.gss:
        return _transfer(mine, mine, [], (_own_note(record, mine),))
    if mine.statistical_neighbours:
        rows.append(_neighbours_row(likeness, mine))
    return _transfer(mine, likeness.council, rows, _case_notes(record, peers, mine, likeness))


def _transfer(mine: Council, place: Council | None, rows: list[TransferRow], notes: tuple[str, ...]) -> Transfer:
    agreeing = tuple(row.label for row in rows if row.agrees is True)
    # That two places are not neighbours is true of nearly all pairs, and no difference worth a sentence.
    differing = tuple(row.label for row in rows if row.agrees is False and row.code not in ("bordering", "neighbours"))
    return Transfer(mine, place, tuple(rows), agreeing, differing, notes)


# --- a case with a council -------------------------------------------------------------------------------------------


def _neighbours_row(likeness: Likeness, mine: Council) -> TransferRow:
    rank = likeness.neighbour_rank
    theirs = f"Number {rank} of the ten published for {mine.short_name}" if rank else "Not among them"
    own = "Ten are published, for children\u2019s services"
    words = "a statistical neighbour" if rank else "not a statistical neighbour"
    return TransferRow("neighbours", _NEIGHBOURS_LABEL, theirs, own, rank is not None, words)


def _own_note(case: Case, mine: Council) -> str:
    if any(body.gss in (mine.gss, *mine.former_gss) for body in case.organisations):
        return "This record is about your own council."
    return f"This record is about a council that is no more, whose place {mine.name} took."


def _case_notes(case: Case, peers: Peers, mine: Council, likeness: Likeness) -> tuple[str, ...]:
    """Which council was taken, what it stands for, and what was left out."""
    place = likeness.council
    notes = []
    others: dict[str, str] = {}
    for body in case.organisations:
        councils = peers.today(body.gss or "")
        if place not in councils:
            others |= {council.gss: council.short_name for council in councils}
        elif body.gss not in (place.gss, *place.former_gss):
            successor = "its successor" if len(councils) == 1 else "one of its successors"
            notes.append(f"{body.name} is no more; {place.name}, {successor}, is compared instead.")
    if others:
        notes.append(
            f"Of the record\u2019s councils {place.short_name} is compared, the most like {mine.short_name}; "
            f"not {_listed(list(others.values()))}."
        )
    unknown = [body.name for body in case.organisations if not peers.today(body.gss or "")]
    if unknown:
        notes.append(f"Also named, and not compared: {_listed(unknown)}.")
    if not mine.statistical_neighbours:
        notes.append(f"No statistical neighbours are published for {mine.short_name}.")
    notes.append("The facts are of today\u2019s areas, and may have been otherwise when it happened.")
    return tuple(notes)


# --- a case without a council ----------------------------------------------------------------------------------------


def _body_row(case: Case, mine: Council) -> TransferRow:
    theirs = vocabulary.COUNCIL_TYPE.label_of(case.council_type)
    own = vocabulary.COUNCIL_TYPE.label_of(mine.type)
    agrees = None if case.council_type in _NO_COUNCILS else case.council_type == mine.type
    words = {True: "same type", False: "another type", None: "not a council"}[agrees]
    return TransferRow("tier", _LABELS["tier"], theirs, own, agrees, words)


def _place_row(case: Case, mine: Council) -> TransferRow:
    """Region and nation; what happened across a nation or the whole country happened at home as well."""
    theirs = vocabulary.REGION.label_of(case.region)
    own = mine.region if mine.region == mine.nation else f"{mine.region}, {mine.nation}"
    if case.region in ("UK", mine.nation) and case.region != mine.region:
        return TransferRow("region", _LABELS["region"], theirs, own, True, "takes in your area")
    agrees = case.region == mine.region
    same_nation = case.nation in ("UK", mine.nation)
    words = "same region" if agrees else "another region" if same_nation else "another nation"
    return TransferRow("region", _LABELS["region"], theirs, own, agrees, words)


def _no_council_notes(case: Case) -> tuple[str, ...]:
    about = _NO_COUNCILS.get(case.council_type, "no one council of the table")
    return (f"This record is about {about}. {_OF_AN_AREA} are known of councils\u2019 areas alone, and not compared.",)


# --- a lesson --------------------------------------------------------------------------------------------------------


def _family_row(lesson: Lesson, peers: Peers, mine: Council) -> TransferRow:
    theirs = vocabulary.COUNCIL_FAMILY.label_of(lesson.council_family)
    fits = peers.fits_family(lesson.council_family, mine)
    words = "takes in your council" if fits else "another kind of council"
    return TransferRow("tier", _LABELS["tier"], theirs, vocabulary.COUNCIL_TYPE.label_of(mine.type), fits, words)


def _lesson_notes(mine: Council) -> tuple[str, ...]:
    return (
        "The place is kept back on purpose, so that nobody who confided can be traced. "
        f"{_OF_AN_AREA}, and the region, cannot be compared with those of {mine.short_name}.",
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
