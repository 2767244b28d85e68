"""The shapes of the API's answers as JSON Schema, with every closed list taken from the vocabularies."""

from __future__ import annotations

from typing import Final

from kb import vocabulary
from kb.answer import BANDS
from kb.peers import FACTOR_CODES
from kb.records import FRONT_MATTER, ID_PATTERN
from kb.signs import BANDS as SIGN_BANDS
from webapp.api.parameters import GSS_PATTERN
from webapp.api.problems import KINDS
from webapp.api.shapes import Schema, date, flag, number, or_null, ref, several, term, terms, text, thing, whole

_YEARS: Final = several(
    {"type": "integer"}, "First and last year that the record is about, both included", minItems=2, maxItems=2
)


RECORD_ID: Final = text("The record's id", pattern=ID_PATTERN, maxLength=80)
_KIND: Final = term(vocabulary.KIND)
_URL: Final = text("The address, relative to the site", format="uri-reference")
_NULL: Final = {"type": "null"}
_MILLISECONDS: Final = {
    "type": "object",
    "description": "Time by stage, and `total`",
    "additionalProperties": {"type": "number"},
}
_OUTCOME_AS_AT: Final = or_null(date("When it stood so; null for a lesson, which has no date"))


def _extract_members() -> dict[str, Schema]:
    return {
        "section": text("Heading of the section that the passage comes from", enum=list(vocabulary.HEADINGS)),
        "stance": term(vocabulary.STANCE),
        "anchor": text("Where the passage begins in the record's page"),
        "text": text("The passage, Markdown"),
        "highlight": text("The sentence of it that answers best, a part of `text` to the letter"),
        "score": number("How well it answers, from 0 to about 1; the same scale for every question"),
        "semantic": number("Nearness in meaning: the cosine"),
        "lexical": number("Nearness in words: BM25, saturated, from 0 to 1"),
        "band": text("How sure the match is", enum=list(BANDS)),
        "matched_words": several({"type": "string"}, "Words of the question that the passage or its titles have"),
    }


def _hit() -> Schema:
    members = {
        "rank": whole("Place in the whole answer, from 1", 1),
        "record": RECORD_ID,
        "kind": _KIND,
        "title": text("Title"),
        "summary": text("Summary"),
        "place": text("The bodies of a case; the family of councils of a lesson"),
        "years": _YEARS,
        "outcome": term(vocabulary.OUTCOME),
        "outcome_as_at": _OUTCOME_AS_AT,
        "finding_basis": term(vocabulary.FINDING_BASIS),
        "effect_evidence": or_null(term(vocabulary.EFFECT_EVIDENCE, "How the effect was measured; null for a lesson")),
        "corroboration": or_null(term(vocabulary.CORROBORATION, "How many accounts agree; null for a case")),
        "services": terms(vocabulary.SERVICE),
        **_extract_members(),
        "further": several(ref("Extract"), "Further passages of the same record"),
        "url": _URL,
        "likeness": or_null(
            text("With `council` alone: how alike the places are, in words; null where nothing can be said")
        ),
    }
    about = "A record that answers, led by its best passage, whose members stand beside those of the record"
    return thing(about, members, optional=("likeness",))


def _entry() -> Schema:
    members = {
        "id": RECORD_ID,
        "kind": _KIND,
        "title": text("Title"),
        "summary": text("Summary"),
        "place": text("The bodies of a case; the family of councils of a lesson"),
        "years": _YEARS,
        "outcome": term(vocabulary.OUTCOME),
        "outcome_as_at": _OUTCOME_AS_AT,
        "services": terms(vocabulary.SERVICE),
        "themes": terms(vocabulary.THEME),
        "url": _URL,
    }
    return thing("A record as a list shows it", members)


def page_members(of: str, items: Schema) -> dict[str, Schema]:
    """The members of a list that has pages."""
    link = {"type": ["string", "null"], "format": "uri-reference"}
    return {
        "total": whole(f"How many {of} there are in all"),
        "page": whole("This page, from 1", 1),
        "pages": whole("How many pages there are; one even where the list is empty", 1),
        "limit": whole("Entries on a page", 1),
        "previous": {**link, "description": "Address of the page before, relative to the site; null on the first"},
        "next": {**link, "description": "Address of the page after, relative to the site; null on the last"},
        of: items,
    }


def _front_matter() -> dict[str, Schema]:
    """Every member that the front matter of either kind of record has."""
    organisation = thing(
        "A body that the case is about",
        {"name": text("Name"), "gss": or_null(text("GSS code of a council", pattern=f"^{GSS_PATTERN}$"))},
    )
    history = thing(
        "How it stood on a date",
        {"as_at": date("When"), "outcome": term(vocabulary.OUTCOME), "note": text("What happened; may be empty")},
    )
    measure = thing(
        "One figure",
        {
            "what": text("What was measured"),
            "before": text("Before; empty where it is not known"),
            "after": text("After; empty where it is not known"),
            "source": text("Id of the source"),
        },
    )
    source = thing(
        "Where a claim was seen",
        {
            "id": text("The mark that claims end with, such as s2"),
            "title": text("Title"),
            "publisher": text("Publisher"),
            "url": text("Address", format="uri"),
            "date": date("Published"),
            "accessed": date("Seen"),
            "independent": flag("Whether neither the body nor a partner of it published this"),
        },
    )
    link = thing("A record that belongs with this one", {"record": RECORD_ID, "how": term(vocabulary.LINK)})
    period = thing("The years that it is about", {"start": whole("First", 1900), "end": whole("Last", 1900)})
    return {
        "id": RECORD_ID,
        "title": text("Title"),
        "summary": text("Summary"),
        "organisations": several(organisation, "The bodies it is about"),
        "nation": term(vocabulary.NATION),
        "region": term(vocabulary.REGION),
        "council_type": term(vocabulary.COUNCIL_TYPE),
        "council_family": term(vocabulary.COUNCIL_FAMILY),
        "sectors": terms(vocabulary.SECTOR),
        "services": terms(vocabulary.SERVICE),
        "themes": terms(vocabulary.THEME),
        "period": period,
        "period_band": term(vocabulary.PERIOD_BAND),
        "outcome": term(vocabulary.OUTCOME),
        "outcome_as_at": date("When it stood so"),
        "outcome_history": several(history, "How it stood before"),
        "finding_basis": term(vocabulary.FINDING_BASIS),
        "effect_evidence": term(vocabulary.EFFECT_EVIDENCE),
        "corroboration": term(vocabulary.CORROBORATION),
        "withheld": several({"type": "string"}, "What is kept back on purpose, so that nobody can be traced"),
        "contested": or_null(text("What the sources disagree about")),
        "cost": or_null(text("What it cost")),
        "time_to_effect": or_null(text("How long it took to show")),
        "measures": several(measure, "Figures before and after"),
        "sources": several(source, "Sources"),
        "linked": several(link, "Records that belong with this one"),
        "answers": several({"type": "string"}, "Questions that the record answers"),
        "checked_on": date("Checked against its sources"),
        "review_due": date("To be looked at again"),
    }


def _record(kind: str, about: str) -> Schema:
    known = _front_matter()
    section = thing(
        "One part of the account",
        {
            "heading": text("Heading", enum=list(vocabulary.HEADINGS)),
            "anchor": text("Where it begins in the record's page; its second paragraph is at this and `-2`"),
            "stance": term(vocabulary.STANCE),
            "text": text("Markdown; in a case a claim ends with the mark of its source, such as [s2]"),
        },
    )
    own = {"kind": {"type": "string", "const": kind, "description": "Kind of record"}}
    followed = {
        "place": text("The bodies of a case; the family of councils of a lesson"),
        "years": _YEARS,
        "url": _URL,
        "sections": several(section, "The account, in the order in which it stands"),
    }
    return thing(about, {**{name: own.get(name) or known[name] for name in FRONT_MATTER[kind]}, **followed})


def _answer() -> Schema:
    column = thing(
        "The records that tell something of one stance, best first",
        {
            "stance": term(vocabulary.STANCE),
            "total": whole("How many there are in all"),
            "hits": several(ref("Hit"), "Those of this page"),
        },
    )
    paged = page_members("hits", several(ref("Hit"), "Records, in the order that `sort` asks for"))
    span = several({"type": "integer"}, "First and last year of the records that bear on the question; null for none")
    members = {
        "question": text("The question as it was understood: on one line, without control characters"),
        "close": flag("Whether anything in the library is close; where it is not, the hits are the nearest, all weak"),
        "setbacks": flag("Whether any passage close enough tells what did not work"),
        "years": {**span, "type": ["array", "null"], "minItems": 2, "maxItems": 2},
        **paged,
        "total": whole(
            "How many records bear on the question; where they fill no page, the nearest others follow, all weak"
        ),
        "expansions": several(
            thing("An abbreviation", {"short": text("In short"), "long": text("In full")}),
            "Abbreviations of the question that were searched for in both forms",
        ),
        "spelling": text("The question as it was perhaps meant, where it has words that the library lacks; or empty"),
        "related": several(
            thing("A question that a record answers", {"text": text("The question"), "record": RECORD_ID}),
            "Questions near this one that the library answers",
        ),
        "columns": several(column, "The columns of the view; none for `best`"),
        "counts": ref("Counts"),
        "milliseconds": _MILLISECONDS,
        "generation": text("Name of the index that answered"),
    }
    return thing("An answer to a question", members)


def _council() -> Schema:
    members = {
        "gss": text("GSS code", pattern=f"^{GSS_PATTERN}$"),
        "name": text("Full name"),
        "short_name": text("Name as people say it"),
        "type": term(vocabulary.COUNCIL_TYPE),
        "nation": term(vocabulary.NATION),
        "region": term(vocabulary.REGION),
    }
    return thing("A council", members)


def _similar() -> Schema:
    codes = {"type": "string", "enum": list(FACTOR_CODES)}
    match = thing(
        "How two places compare in one factor",
        {
            "code": {**codes, "description": "The factor"},
            "label": text("The factor in words"),
            "agrees": flag("Whether the two are alike in it"),
            "strength": number("How alike, from 0 to 1", minimum=0, maximum=1),
            "mine": text("What the council asked about is"),
            "theirs": text("What the other council is"),
            "words": text("The other seen from the one asked about; empty where there is nothing worth saying"),
        },
    )
    rank = whole("Place among the published statistical neighbours, from 1; null for none of them", 1)
    likeness = thing(
        "A council whose place is alike",
        {
            "council": ref("Council"),
            "score": number("How alike the places are, from 0 to 1", minimum=0, maximum=1),
            "words": text("The same in words"),
            "neighbour_rank": or_null(rank),
            "factors": several(match, "Each factor that was counted"),
        },
    )
    members = {
        "council": ref("Council"),
        "factors": several(codes, "What likeness was judged by"),
        "similar": several(likeness, "The most alike first"),
    }
    return thing("Councils whose places are alike. It says nothing of how well any of them does", members)


def _whose() -> dict[str, Schema]:
    """What is said of the record that a sign or a recovery is told in."""
    return {
        "record": RECORD_ID,
        "kind": _KIND,
        "title": text("Title"),
        "place": text("The bodies of a case; the family of councils of a lesson"),
        "years": _YEARS,
        "outcome": term(vocabulary.OUTCOME),
        "outcome_as_at": _OUTCOME_AS_AT,
        "finding_basis": term(vocabulary.FINDING_BASIS),
        "effect_evidence": or_null(term(vocabulary.EFFECT_EVIDENCE, "How the effect was measured; null for a lesson")),
        "corroboration": or_null(term(vocabulary.CORROBORATION, "How many accounts agree; null for a case")),
        "url": _URL,
    }


_SIGN_BAND: Final = "How sure the match is; `near` is on the same subject and no more"


def _signs() -> dict[str, Schema]:
    told = thing(
        "A passage of a record",
        {
            "section": text("Heading of the section that it comes from", enum=list(vocabulary.HEADINGS)),
            "stance": term(vocabulary.STANCE),
            "anchor": text("Where it begins in the record's page"),
            "text": text("The passage, Markdown"),
            "highlight": text("The sentence of it that is nearest, a part of `text` to the letter"),
        },
    )
    match = thing(
        "Where your text shows the sign",
        {
            "paragraph": whole("Number of your paragraph", 1),
            "sentence": text("Its nearest sentence"),
            "words": several({"type": "string"}, "Words in common"),
            "score": number("How near"),
            "band": text(_SIGN_BAND, enum=list(SIGN_BANDS)),
        },
    )
    sign = {
        "number": whole("Number of the sign in this answer", 1),
        "words": text("The sign in the words of its record"),
        "warning": ref("Told"),
        "then": {"description": "What happened next there; null where nothing is told", "oneOf": [ref("Told"), _NULL]},
        "matches": several(match, "Your paragraphs that show it, nearest first"),
        "band": text("That of the nearest match", enum=list(SIGN_BANDS)),
    }
    paragraph = thing(
        "One paragraph of your text",
        {
            "number": whole("Its number, from 1", 1),
            "text": text("Its text"),
            "signs": several({"type": "integer"}, "Numbers of the signs that it shows, nearest first"),
        },
    )
    recovery = {"how": ref("Told"), "paragraph": whole("Number of your paragraph that showed the sign", 1)}
    signs = {
        "paragraphs": several(paragraph, "Your text as it was read"),
        "found": several(ref("Sign"), "The signs that it shows, strongest first"),
        "near": several(
            ref("Sign"),
            "Signs worth comparing with the paragraphs for which none was found, best first, one of a record: on the "
            "same subject, and your text may say the opposite",
        ),
        "recovered": several(ref("Recovery"), "Records that showed one of all these and got better, of `found` first"),
        "left_out": whole("How many weaker signs are left out"),
        "milliseconds": _MILLISECONDS,
        "generation": text("Name of the index that answered"),
    }
    return {
        "Told": told,
        "Sign": thing("A warning sign of the library that your text shows or is near", {**_whose(), **sign}),
        "Recovery": thing("A record that showed one of the signs, and how it got better", {**_whose(), **recovery}),
        "Signs": thing("The warning signs that a text shows", signs),
    }


def _problem() -> Schema:
    fault = thing("One fault", {"parameter": text("The parameter, or member of the body"), "detail": text("The fault")})
    members = {
        "type": text("Kind of problem", format="uri-reference", enum=list(dict.fromkeys(kind.type for kind in KINDS))),
        "title": text("The kind in words, always the same"),
        "status": whole("The status of the response", 400, maximum=599),
        "detail": text("What went wrong this time, and what would be right"),
        "instance": text("The path that was asked for, without its query", format="uri-reference"),
        "errors": several(fault, "Each fault, where there can be more than one"),
        "total": whole("How many entries the list has, where a page of it does not exist"),
        "pages": whole("How many pages the list has, where a page of it does not exist", 1),
    }
    return thing("A problem detail (RFC 9457)", members, optional=("errors", "total", "pages"))


def make_schemas() -> dict[str, Schema]:
    """Every named shape, by name."""
    counts = {
        "type": "object",
        "description": "How many records of the whole answer have each value, by facet and value",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
    }
    return {
        "Extract": thing("A passage", _extract_members()),
        "Hit": _hit(),
        "Counts": counts,
        "Entry": _entry(),
        "Records": thing("A page of the list of records", page_members("records", several(ref("Entry"), "Records"))),
        "Case": _record("case", "A named case, from public sources"),
        "Lesson": _record("lesson", "An anonymised lesson: only what cannot be traced"),
        "Record": {
            "description": "A case or a lesson, told apart by `kind`",
            "oneOf": [ref("Case"), ref("Lesson")],
            "discriminator": {
                "propertyName": "kind",
                "mapping": {"case": ref("Case")["$ref"], "lesson": ref("Lesson")["$ref"]},
            },
        },
        "Answer": _answer(),
        "Council": _council(),
        "Councils": thing(
            "Every council",
            {"total": whole("How many there are"), "councils": several(ref("Council"), "Councils, by name")},
        ),
        "Similar": _similar(),
        **_signs(),
        "Problem": _problem(),
    }
