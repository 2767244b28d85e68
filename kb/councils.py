"""The councils of the United Kingdom: the table of them, and the finding of their names in text.

The tables are corpus/councils.csv and corpus/councils-abolished.csv; corpus/councils.README.md names their sources.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from kb.errors import KbError
from kb.vocabulary import COUNCIL_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


class CouncilTableError(KbError):
    """A council table cannot be used; the message says at which file and line, and what to do."""


@dataclass(frozen=True, slots=True)
class Council:
    """A current principal authority. `statistical_neighbours` (best first), `bordering`, `former_gss` are GSS codes.

    `population` counts people in mid-2020, `density` those to a square kilometre. `deprivation_quintile` runs from 1,
    the most deprived fifth of the United Kingdom's population, to 5; a higher `deprivation_score` is more deprived.
    """

    name: str
    short_name: str
    alternative_names: tuple[str, ...]
    gss: str
    type: str
    nation: str
    region: str
    population: int
    density: float
    rural_urban: str
    deprivation_quintile: int
    deprivation_score: float
    statistical_neighbours: tuple[str, ...]
    bordering: tuple[str, ...]
    former_gss: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AbolishedCouncil:
    """A former one. `gss` is empty if it never had a code; `replaced_by` holds the codes of today's successors."""

    name: str
    short_name: str
    gss: str
    end_date: str
    replaced_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """A council named in a text, at `text[start:end]`. `name` is its full name, which tells those without a code."""

    start: int
    end: int
    text: str
    gss: str
    name: str


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with its line number, checked to have the columns, a name and a short name."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise CouncilTableError(f"{path}:1: no column {', '.join(missing)}; run scripts/council_table.py")
            for row in reader:
                if None in row or None in row.values() or not (row["name"] and row["short_name"]):
                    raise CouncilTableError(f"{path}:{reader.line_num}: too few or too many cells, or no name")
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise CouncilTableError(f"{path}:1: cannot be read ({fault}); run scripts/council_table.py") from fault


def _list(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split(";") if part)


def load_councils(path: Path) -> tuple[Council, ...]:
    """Read councils.csv, in its order. Raises CouncilTableError with file and line."""
    councils: list[Council] = []
    lines: dict[str, int] = {}
    for line, row in _rows(path, Council.__slots__):
        gss, kind, quintile = row["gss"], row["type"], row["deprivation_quintile"]
        if not re.fullmatch(r"[ENSW]\d{8}", gss) or gss in lines:
            raise CouncilTableError(f"{path}:{line}: gss {gss!r} is malformed or is used twice; give each its own")
        if kind not in COUNCIL_TYPE:
            raise CouncilTableError(f"{path}:{line}: type {kind!r} is not one of {', '.join(COUNCIL_TYPE.codes)}")
        if not re.fullmatch(r"[0-9]+", row["population"]) or quintile not in tuple("12345"):
            raise CouncilTableError(f"{path}:{line}: population must be a whole number, deprivation_quintile 1 to 5")
        for column in ("density", "deprivation_score"):
            if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", row[column]):
                raise CouncilTableError(f"{path}:{line}: {column} must be a number such as 12.5")
        lines[gss] = line
        councils.append(
            Council(
                name=row["name"], short_name=row["short_name"], alternative_names=_list(row["alternative_names"]),
                gss=gss, type=kind, nation=row["nation"], region=row["region"], population=int(row["population"]),
                density=float(row["density"]), rural_urban=row["rural_urban"], deprivation_quintile=int(quintile),
                deprivation_score=float(row["deprivation_score"]),
                statistical_neighbours=_list(row["statistical_neighbours"]), bordering=_list(row["bordering"]),
                former_gss=_list(row["former_gss"]),
            )
        )  # fmt: skip
    for council in councils:
        for other in (*council.statistical_neighbours, *council.bordering):
            if other not in lines:
                raise CouncilTableError(f"{path}:{lines[council.gss]}: {other} is no council of this table; remove it")
    return tuple(councils)


def load_abolished(path: Path) -> tuple[AbolishedCouncil, ...]:
    """Read councils-abolished.csv, in its order. Raises CouncilTableError with file and line."""
    councils: list[AbolishedCouncil] = []
    for line, row in _rows(path, AbolishedCouncil.__slots__):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", row["end_date"]) or not row["replaced_by"]:
            raise CouncilTableError(f"{path}:{line}: end_date must be YYYY-MM-DD and replaced_by not empty")
        successors = _list(row["replaced_by"])
        councils.append(AbolishedCouncil(row["name"], row["short_name"], row["gss"], row["end_date"], successors))
    return tuple(councils)


def by_gss(councils: Iterable[Council]) -> dict[str, Council]:
    """Look-up by GSS code; a code that the same council had before (Sheffield's until 2025) finds it too."""
    found: dict[str, Council] = {}
    for council in councils:
        for code in (council.gss, *council.former_gss):
            found[code] = council
    return found


# Names of one word that mean something else so often that the words around them must say that the place is meant.
# Not among them where the other meaning is rare in writing about public services (Slough, Wigan, Newham, Sandwell,
# Torridge, Bolton, Derby, Kent): to miss a council in an anonymised lesson is worse than to catch a surname.
_WORDS: Final = frozenset({"Reading", "Bury", "Bath", "Barking", "Rugby", "Borders", "Eden", "Hart"})
_PERSONS_OR_ABROAD: Final = frozenset({
    "Angus", "Arun", "Boston", "Brent", "Chester", "Christchurch", "Cleveland", "Copeland", "Craven", "Dudley",
    "Hastings", "Kingston", "Lancaster", "Lincoln", "Preston", "Richmond", "Stafford", "Stoke", "Sutton", "Warwick",
    "Windsor",
})  # fmt: skip
_PARLIAMENT: Final = "Westminster"  # even "in Westminster" is seldom the council
_FULL_NAME_ONLY: Final = frozenset({"Avon", "Central", "Down"})

_SMALL_WORDS: Final = frozenset({"and", "of", "upon", "on", "in", "the", "under", "with"})
_TOKEN: Final = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f]|['\u2019](?=[^\W_]))*|[&,]")
# Between two words of one name: a hyphen, or space with at most one new line. Bounded, so that no text is slow.
_GAP: Final = re.compile(r"[^\S\n]{0,20}\n?[^\S\n]{0,20}|[-\u2010\u2011]")
_BODIES: Final = "Metropolitan|Borough|City|District|County|Town|Unitary|Council|Councillors?|Corporation|MBC|MDC|BC|DC"
_BODY_AFTER: Final = re.compile(rf"\s+(?:{_BODIES}|{_BODIES.upper()})\b")
_LOWER_BODY_AFTER: Final = re.compile(r"\s+(?:borough|city|district|county|council|councillors?|town)\b")
_PLACE_BEFORE: Final = re.compile(
    r"\b(?:in|at|near|across|around|outside|within|throughout|from|(?:borough|city|town|district|county|people|residents"
    r"|council|university) of)\s+\Z",
    re.IGNORECASE,
)
_BORDERS_BEFORE: Final = re.compile(r"\b(?:[Tt]he|NHS)\s+\Z")
_INSIDE_SENTENCE: Final = re.compile(r"[\w,;)]\s+\Z")
_TITLE_BEFORE: Final = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Sir|Dame|Lord|Lady|Baroness|Cllr|Councillor|Professor)\.?\s+\Z")
# "Jane Sutton", but not "But Sutton"; "from Dudley Moore", "in Stoke Newington", but not "in Lincoln Castle".
_NAME_BEFORE: Final = re.compile(
    r"\b(?!(?:But|And|So|The|When|While|As|For|With|Since|That|Both|If|Although|Unlike|Like)\b)[A-Z][\w'.-]*\s+\Z"
)
_NAME_AFTER: Final = re.compile(
    r"\s+(?!(?:University|College|Hospital|School|Castle|Cathedral|Station|Road|Street|Prison|High)\b)[A-Z][a-z]"
)
_POSSESSIVE_AFTER: Final = re.compile(r"['\u2019]s\b|(?<=s)['\u2019](?!\w)", re.IGNORECASE)
_LISTED: Final = re.compile(r"\s*(?:,(?:\s*(?:and|or))?|/|&|and|or)\s+|/")
# Never the council, whatever the rest says: towns abroad, towns with a longer name, set phrases.
_ELSEWHERE_AFTER: Final = re.compile(
    r",?\s+(?:Massachusetts|Alabama|Ohio|Ontario|Canada|Australia|New (?:Zealand|Jersey|Hampshire)|North Carolina"
    r"|Virginia|Connecticut|Nebraska|Jamaica|USA?\b)|-(?:in|on|upon|under|le|by|cum|next|super)-"
)
_PHRASE: Final = re.compile(
    r"(?<=New )(?:York|Hampshire|Plymouth|Bedford|Brighton)\b|Hackney (?:carriage|cab)|Brent (?:crude|oil)"
    r"|Stirling Prize|Rugby (?:Football|League|Union|World|Club)|Lincoln['\u2019]s Inn"
    r"|Reading,? (?:(?:and|&) )?(?:writing|math|spelling|phonics|ages?\b|test)",
    re.IGNORECASE,
)


class _Token(NamedTuple):
    """A word of the text as it is compared; `bare` is `key` without a possessive ending, or empty."""

    start: int
    end: int
    key: str
    bare: str


def _key(word: str) -> str:
    """A word as it is compared: case kept except in small words, '&' as 'and', no apostrophes, accents composed."""
    plain = word if word.isalnum() and word.isascii() else re.sub("['\u2019]", "", unicodedata.normalize("NFC", word))
    return "and" if word == "&" else plain.lower() if plain.lower() in _SMALL_WORDS else plain


def _tokens(text: str) -> list[_Token]:
    tokens = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        possessive = word[-2:].lower() in {"'s", "\u2019s"}
        tokens.append(_Token(match.start(), match.end(), _key(word), _key(word[:-2]) if possessive else ""))
    return tokens


class CouncilNames:
    """Finds the names of councils in text.

    Counts full, alternative and short names, as written in the table or wholly in capitals, with '&' for 'and' and
    with or without hyphens, commas and apostrophes. Where one name begins another, the longest is taken. A name shared
    by a current and an abolished council is the current one's. An ambiguous name of one word counts where a body
    follows ("Reading Borough", "Bury council"), a preposition of place comes before ("in Reading"), it is a possessive
    ("Reading's finances"), or it stands in a list beside a council that is certain ("Slough, Reading and Wokingham").
    """

    def __init__(self, councils: Iterable[Council], abolished: Iterable[AbolishedCouncil] = ()) -> None:
        self._forms: dict[tuple[str, ...], tuple[str, str]] = {}
        self._longest: dict[str, int] = {}
        known = [(c.gss, c.name, (c.name, c.short_name, *c.alternative_names)) for c in councils]
        known += [(c.gss, c.name, (c.name, c.short_name)) for c in abolished]
        for gss, full_name, names in known:
            for name in set(names) - _FULL_NAME_ONLY:
                self._add(name.removeprefix("The "), gss, full_name)

    def _add(self, name: str, gss: str, full_name: str) -> None:
        keys = [token.key for token in _tokens(name)]
        for words in (keys, [key for key in keys if key != ","]):
            for form in (tuple(words), tuple(key if key in _SMALL_WORDS else key.upper() for key in words)):
                self._forms.setdefault(form, (gss, full_name))
                self._longest[form[0]] = max(len(form), self._longest.get(form[0], 0))

    def find(self, text: str) -> list[Mention]:
        """The mentions in the text, in order and without overlap; offsets count characters."""
        tokens = _tokens(text)
        mentions: list[Mention] = []
        position = 0
        while position < len(tokens):
            count, mention = self._longest_at(text, tokens, position)
            if mention is not None and not _elsewhere(text, mention):
                mentions.append(mention)
            position += count
        sure = [_is_certain(text, mention) for mention in mentions]
        neighbours = [(i, i - 1) for i in range(1, len(sure))]
        for i, beside in neighbours + [(i, j) for j, i in reversed(neighbours)]:  # a list is followed from either end
            if sure[beside] and not sure[i]:
                left, right = sorted((mentions[i], mentions[beside]), key=lambda mention: mention.start)
                listed = _LISTED.fullmatch(text, left.end, right.start)
                sure[i] = bool(listed) and not _NAME_BEFORE.search(_before(text, mentions[i]))
        return [mention for mention, certain in zip(mentions, sure, strict=True) if certain]

    def _longest_at(self, text: str, tokens: list[_Token], first: int) -> tuple[int, Mention | None]:
        """The longest name that begins at a token, and the number of tokens to go on by."""
        start = tokens[first].start
        limit = max(self._longest.get(tokens[first].key, 0), self._longest.get(tokens[first].bare, 0))
        run = tokens[first : first + 1]
        while len(run) < limit and first + len(run) < len(tokens) and _joined(text, run[-1], tokens[first + len(run)]):
            run.append(tokens[first + len(run)])
        for count in range(len(run) if limit else 0, 0, -1):
            lead, last = [token.key for token in run[: count - 1]], run[count - 1]
            for ending, end in ((last.key, last.end), (last.bare, last.end - 2)):
                known = self._forms.get((*lead, ending))
                if known is not None:
                    return count, Mention(start, end, text[start:end], *known)
        return 1, None


def _joined(text: str, left: _Token, right: _Token) -> bool:
    """Whether two words may belong to one name, by what stands between them; "St." may have its full stop."""
    start = left.end + (left.key in {"St", "ST"} and text.startswith(".", left.end))
    return _GAP.fullmatch(text, start, right.start) is not None


def _before(text: str, mention: Mention) -> str:
    return text[max(0, mention.start - 30) : mention.start]


def _elsewhere(text: str, mention: Mention) -> bool:
    """Whether a name of one word is part of another place's or a person's name, or of a set phrase."""
    if not mention.text.isalpha():
        return False
    after = _ELSEWHERE_AFTER.match(text, mention.end) or _PHRASE.match(text, mention.start)
    return bool(after or _TITLE_BEFORE.search(_before(text, mention)))


def _is_certain(text: str, mention: Mention) -> bool:
    """Whether the name is unambiguous, or the words beside it say that the place is meant."""
    word = mention.text.capitalize() if mention.text.isupper() else mention.text
    ambiguous = word in _WORDS or word in _PERSONS_OR_ABROAD or word == _PARLIAMENT
    if not ambiguous or _BODY_AFTER.match(text, mention.end):
        return True
    before = _before(text, mention)
    if _LOWER_BODY_AFTER.match(text, mention.end):
        # "Reading council papers takes time": for this one the capital is a sign only inside a sentence.
        return word != "Reading" or bool(_INSIDE_SENTENCE.search(before))
    if word == _PARLIAMENT:
        return False
    if _PLACE_BEFORE.search(before):
        return word in _WORDS or not _NAME_AFTER.match(text, mention.end)
    if _POSSESSIVE_AFTER.match(text, mention.end):
        return not _NAME_BEFORE.search(before)
    return word == "Borders" and bool(_BORDERS_BEFORE.search(before))
