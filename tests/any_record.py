"""Records of every kind that there can be, for tests of what must hold for all of them (Hypothesis)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import assume
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from kb import vocabulary
from kb.records import Case, Lesson, Line, Section

if TYPE_CHECKING:
    from kb.vocabulary import Vocabulary

# What YAML, Markdown or the file's own form could take for something else.
AWKWARD = [
    "no", "Yes", "on", "null", "~", "true", "1.5", "1e3", "1_000", "0x1F", "012", "12:30:00", "2020", "-5",
    "2020-08-14", ".inf", "=", "<<", "-", "--", "---", "- item", "...", "--- x", "ends with -", "#", "# hash",
    "a # b", "a #b", ":", "a: b", "a:", ":a", "key: {a: b}", "'", '"', "''", '"quoted"', "it's", "'tis", "[s1]",
    "[", "]", "{", "}", "{a: b}", "a, b", ",", "&a", "*a", "*bold*", "!tag", "!!int 3", "%TAG", "@x", "`code`",
    "|", ">", ">-", "?", "? q", "\\", "\\n", "\\x41", "$", "£38.1m", "Ŵyl", "e\u0301", "\u0301", "日本語",
    "العربية", "😀", "👩\u200d👧", "\u200b", "\u202e", "\xa0x", "\x80", "\x9f", "\xad", "\ue000", "\ufffd",
    "\U0001fffe", "\U0010ffff", "\u2060", "## Situation", "# Title", "## x", "s1", "http://a.b/c?d=e#f",
]  # fmt: skip
_LINE: TypeAdapter[str] = TypeAdapter(Line)


def fits(value: str) -> bool:
    try:
        _LINE.validate_python(value)
    except ValidationError:
        return False
    return True


def one_line(most: int = 100) -> st.SearchStrategy[str]:
    """Texts of one line: awkward words, any letters at all, and long ones of many spaces that will be folded."""
    letters = st.characters(exclude_categories=["Cs"])
    word = st.sampled_from(AWKWARD) | st.text(letters, min_size=1, max_size=12)
    words = st.lists(word, min_size=1, max_size=60)
    joined = st.builds(str.join, st.sampled_from(["", " ", "  "]), words)
    return (word | joined).map(lambda text: text[:most]).filter(fits)


def terms(words: Vocabulary) -> st.SearchStrategy[str]:
    return st.sampled_from(words.codes)


def several(words: Vocabulary) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(terms(words), min_size=1, unique=True).map(tuple)


def a_few(strategy: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, min_size=least, max_size=3)


years = st.integers(1900, 2100)
dates = st.one_of(
    years.map(str),
    st.builds("{}-{:02}".format, years, st.integers(1, 12)),
    st.builds("{}-{:02}-{:02}".format, years, st.integers(1, 12), st.integers(1, 28)),
)
ids = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True)
source_ids = st.integers(1, 999).map("s{}".format)
urls = st.from_regex(r"https?://[^\s<>\"\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]{1,30}", fullmatch=True)


@st.composite
def bodies(draw: st.DrawFn) -> list[dict[str, str]]:
    """Sections in order, with what is required: running Markdown of several lines, lists, rules and awkward lines."""
    chosen = [
        heading for heading in vocabulary.HEADINGS if heading in vocabulary.REQUIRED_HEADINGS or draw(st.booleans())
    ]
    assume(set(chosen) & set(vocabulary.REQUIRED_ONE_OF))
    line = one_line() | st.just("") | st.sampled_from(["---", "  - nested", "\ttab", "### Third", "1. one", "    code"])
    text = st.lists(line, min_size=1, max_size=5).map("\n".join).filter(stands)
    return [{"heading": heading, "text": draw(text)} for heading in chosen]


def stands(text: str) -> bool:
    try:
        Section(heading="Situation", text=text)
    except ValidationError:
        return False
    return True


def common() -> dict[str, st.SearchStrategy[Any]]:
    return {
        "id": ids,
        "title": one_line(160),
        "summary": one_line(600),
        "sectors": several(vocabulary.SECTOR),
        "services": several(vocabulary.SERVICE),
        "themes": several(vocabulary.THEME),
        "outcome": terms(vocabulary.OUTCOME),
        "finding_basis": terms(vocabulary.FINDING_BASIS),
        "answers": st.lists(one_line(), max_size=4, unique_by=str.strip),
        "checked_on": dates,
        "review_due": dates,
        "sections": bodies(),
    }


def any_case() -> st.SearchStrategy[Case]:
    gss = st.from_regex(r"[EWSN][0-9]{8}", fullmatch=True)
    maybe = one_line() | st.just("")
    source = {"id": source_ids, "title": one_line(), "publisher": one_line(), "url": urls}
    source |= {"date": dates, "accessed": dates, "independent": st.booleans()}
    required = {
        "organisations": a_few(st.fixed_dictionaries({"name": one_line()}, optional={"gss": gss}), least=1),
        "nation": terms(vocabulary.NATION),
        "region": terms(vocabulary.REGION),
        "council_type": terms(vocabulary.COUNCIL_TYPE),
        "period": st.fixed_dictionaries({"start": years, "end": years}),
        "outcome_as_at": dates,
        "outcome_history": a_few(
            st.fixed_dictionaries({"as_at": dates, "outcome": terms(vocabulary.OUTCOME)}, optional={"note": maybe})
        ),
        "effect_evidence": terms(vocabulary.EFFECT_EVIDENCE),
        "measures": a_few(
            st.fixed_dictionaries(
                {"what": one_line(), "source": source_ids}, optional={"before": maybe, "after": maybe}
            )
        ),
        "sources": a_few(st.fixed_dictionaries(source), least=1),
        "linked": a_few(st.fixed_dictionaries({"record": ids, "how": terms(vocabulary.LINK)})),
    }
    optional = {"contested": one_line(400), "cost": one_line(), "time_to_effect": one_line()}
    return st.fixed_dictionaries({**common(), **required}, optional=optional).map(Case.model_validate)


def any_lesson() -> st.SearchStrategy[Lesson]:
    return st.fixed_dictionaries(
        {
            **common(),
            "council_family": terms(vocabulary.COUNCIL_FAMILY),
            "period_band": terms(vocabulary.PERIOD_BAND),
            "corroboration": terms(vocabulary.CORROBORATION),
            "withheld": st.lists(one_line(), max_size=4, unique_by=str.strip),
        }
    ).map(Lesson.model_validate)
