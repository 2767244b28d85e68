"""The controlled terms that a record may use, each with a label in plain English.

A vocabulary is closed on purpose: filters, counts and balance checks only mean something when everybody uses the
same words. The seven themes are those of the Best Value standards and intervention guidance (MHCLG, 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Term:
    """One controlled term: `code` as a record writes it, `label` as a person sees it, `note` where that needs one."""

    code: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A named, closed and ordered list of terms."""

    name: str
    label: str
    terms: tuple[Term, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(term.code for term in self.terms)

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    def label_of(self, code: str) -> str:
        """The plain-English label of a code; an unknown code is its own label, so that no page can fail on it."""
        return next((term.label for term in self.terms if term.code == code), code)

    def note_of(self, code: str) -> str:
        """The explanation of a code, or an empty string."""
        return next((term.note for term in self.terms if term.code == code), "")


def _vocabulary(name: str, label: str, *terms: tuple[str, ...]) -> Vocabulary:
    return Vocabulary(name, label, tuple(Term(*term) for term in terms))


KIND: Final = _vocabulary(
    "kind",
    "Kind of record",
    ("case", "Named case", "A named place, from public sources that are listed."),
    ("lesson", "Anonymised lesson", "Drawn from reviews and candid accounts; nobody who confided can be traced."),
)

NATION: Final = _vocabulary(
    "nation",
    "Nation",
    ("England", "England"),
    ("Scotland", "Scotland"),
    ("Wales", "Wales"),
    ("Northern Ireland", "Northern Ireland"),
    ("UK", "United Kingdom"),
)

REGION: Final = _vocabulary(
    "region",
    "Region",
    ("East Midlands", "East Midlands"),
    ("East of England", "East of England"),
    ("London", "London"),
    ("North East", "North East"),
    ("North West", "North West"),
    ("South East", "South East"),
    ("South West", "South West"),
    ("West Midlands", "West Midlands"),
    ("Yorkshire and The Humber", "Yorkshire and The Humber"),
    ("England", "Across England"),
    ("Scotland", "Scotland"),
    ("Wales", "Wales"),
    ("Northern Ireland", "Northern Ireland"),
    ("UK", "Across the United Kingdom"),
)

COUNCIL_TYPE: Final = _vocabulary(
    "council_type",
    "Type of body",
    ("county", "County council"),
    ("district", "District council"),
    ("unitary", "Unitary council"),
    ("metropolitan", "Metropolitan borough"),
    ("london-borough", "London borough"),
    ("combined-authority", "Combined authority"),
    ("scottish", "Scottish council"),
    ("welsh", "Welsh council"),
    ("northern-irish", "Northern Irish council"),
    ("fire", "Fire and rescue service"),
    ("police", "Police force"),
    ("health", "Health body"),
    ("other", "Another kind of body"),
)

COUNCIL_FAMILY: Final = _vocabulary(
    "council_family",
    "Family of councils",
    ("upper-tier-or-unitary", "An upper-tier or unitary council"),
    ("district", "A district council"),
    ("combined", "A combined authority"),
    ("any", "Any kind of council"),
)

# One choice for both kinds of record: the type of a case's body, the family of councils that a lesson is about.
PLACE_TYPE: Final = Vocabulary(
    "place_type",
    "Type of place",
    (
        *COUNCIL_TYPE.terms,
        Term("upper-tier-or-unitary", "Upper-tier or unitary (lessons)"),
        Term("any", "Any kind of council (lessons)"),
    ),
)

DECADE: Final = _vocabulary(
    "decade",
    "Period",
    *((f"{year}s", f"{year}s") for year in range(1960, 2030, 10)),
)

THEME: Final = _vocabulary(
    "themes",
    "Theme",
    ("continuous-improvement", "Continuous improvement"),
    ("leadership", "Leadership"),
    ("governance", "Governance"),
    ("culture", "Culture"),
    ("use-of-resources", "Use of resources"),
    ("service-delivery", "Service delivery"),
    ("partnerships-and-engagement", "Partnerships and community engagement"),
)

SERVICE: Final = _vocabulary(
    "services",
    "Service",
    ("finance", "Finance"),
    ("children", "Children's social care"),
    ("send", "Special educational needs and disabilities"),
    ("education", "Education and schools"),
    ("adults", "Adult social care"),
    ("public-health", "Public health"),
    ("housing", "Housing"),
    ("homelessness", "Homelessness"),
    ("planning-and-regeneration", "Planning and regeneration"),
    ("transport", "Transport and highways"),
    ("environment-and-waste", "Environment and waste"),
    ("digital", "Digital and IT"),
    ("cyber", "Cyber security"),
    ("commercial", "Council companies and investment"),
    ("workforce", "Workforce"),
    ("procurement", "Procurement and contracts"),
    ("community-safety", "Community safety"),
    ("emergency", "Emergency planning and response"),
    ("reorganisation-and-devolution", "Reorganisation and devolution"),
    ("customer-services", "Customer services"),
    ("culture-and-leisure", "Culture, libraries and leisure"),
    ("economy", "Economy and skills"),
)

SECTOR: Final = _vocabulary(
    "sectors",
    "Sector",
    ("local-government", "Local government"),
    ("health", "Health"),
    ("police", "Police"),
    ("fire", "Fire and rescue"),
    ("education", "Education"),
    ("voluntary", "Voluntary and community"),
    ("central-government", "Central government"),
    ("private", "Private"),
)

OUTCOME: Final = _vocabulary(
    "outcome",
    "Outcome",
    ("worked", "Worked", "It did what it set out to do, as far as the sources say."),
    ("recovered", "Recovered", "It failed, and was put right."),
    ("recovering", "Recovering", "It failed, and is being put right."),
    ("mixed", "Mixed", "Some of it worked and some did not, or the sources disagree."),
    ("too-early", "Too early to say", "Under way; nothing firm is known of its results."),
    ("relapsed", "Relapsed", "It was put right, and then went wrong again."),
    ("failed", "Failed", "It did not do what it set out to do, or did harm."),
)

FINDING_BASIS: Final = _vocabulary(
    "finding_basis",
    "Who found it",
    ("statutory-inspection", "Statutory inspection", "An inspectorate with powers in law, such as Ofsted or the CQC."),
    ("auditor", "External auditor", "The body's external auditor, or a national audit office."),
    (
        "public-inquiry",
        "Public inquiry",
        "An inquiry or independent review that took evidence and published its findings.",
    ),
    ("regulator", "Regulator or ombudsman", "A regulator, an ombudsman or a court."),
    ("independent-evaluation", "Independent evaluation", "Evaluators from outside the body that ran it."),
    ("peer-team", "Peer team", "Colleagues from other bodies, in a peer review or challenge."),
    ("self-report", "The body's own account", "Told by those who did it; nobody from outside has confirmed it."),
    ("press", "Press reports", "Reported by journalists."),
)

EFFECT_EVIDENCE: Final = _vocabulary(
    "effect_evidence",
    "How the effect was measured",
    ("0", "Not measured", "Nobody has published a measure of the effect."),
    ("1", "Self-reported", "The body says that it had this effect."),
    ("2", "Before and after", "A figure from before and one from after, with nothing to compare them with."),
    ("3", "Comparison group", "Compared with people or places that did not have it."),
    ("4", "Replicated", "Found again somewhere else, or in a further study."),
)

CORROBORATION: Final = _vocabulary(
    "corroboration",
    "How many accounts agree",
    ("1", "One account"),
    ("2-4", "Two to four accounts"),
    ("5+", "Five accounts or more"),
)

PERIOD_BAND: Final = _vocabulary(
    "period_band",
    "Period",
    ("early 2000s", "early 2000s"),
    ("late 2000s", "late 2000s"),
    ("2000s", "2000s"),
    ("early 2010s", "early 2010s"),
    ("late 2010s", "late 2010s"),
    ("2010s", "2010s"),
    ("early 2020s", "early 2020s"),
    ("mid 2020s", "mid 2020s"),
    ("late 2020s", "late 2020s"),
    ("2020s", "2020s"),
)

_BAND_YEARS: Final = {"early": (0, 4), "mid": (4, 6), "late": (5, 9), "": (0, 9)}

LINK: Final = _vocabulary(
    "how",
    "How two records belong together",
    ("same failure elsewhere", "The same failure elsewhere"),
    ("lesson applied later", "The lesson applied later"),
    ("relapse of", "A relapse of"),
    ("same service other outcome", "The same service, another outcome"),
    ("same place", "The same place"),
    ("see also", "See also"),
)

STANCE: Final = _vocabulary(
    "stance",
    "What the passage tells",
    ("context", "The situation"),
    ("action", "What was done"),
    ("result", "What happened"),
    ("worked", "What worked"),
    ("did-not-work", "What did not work"),
    ("warning", "Warning signs"),
    ("advice", "What they would do differently"),
    ("transfer", "Would it transfer?"),
    ("update", "Updates"),
)

# The headings of a record's body, in the order in which they stand, each with the stance it gives to its passages.
HEADINGS: Final[dict[str, str]] = {
    "Situation": "context",
    "What was done": "action",
    "What happened": "result",
    "What worked": "worked",
    "What did not work": "did-not-work",
    "Warning signs": "warning",
    "What they would do differently": "advice",
    "Would it transfer?": "transfer",
    "Updates": "update",
}
REQUIRED_HEADINGS: Final = ("Situation", "What was done", "What happened")
REQUIRED_ONE_OF: Final = ("What worked", "What did not work")

# Outcomes that tell of a failure: counted for balance, and never hidden from an answer.
FAILURES: Final = frozenset({"failed", "relapsed", "mixed"})

ALL: Final[dict[str, Vocabulary]] = {
    vocabulary.name: vocabulary
    for vocabulary in (
        KIND,
        NATION,
        REGION,
        COUNCIL_TYPE,
        COUNCIL_FAMILY,
        PLACE_TYPE,
        DECADE,
        THEME,
        SERVICE,
        SECTOR,
        OUTCOME,
        FINDING_BASIS,
        EFFECT_EVIDENCE,
        CORROBORATION,
        PERIOD_BAND,
        LINK,
        STANCE,
    )
}


def band_years(band: str) -> tuple[int, int]:
    """First and last year of a period band such as `late 2010s`, both included.

    Raises KeyError for a band that is not of the vocabulary.
    """
    if band not in PERIOD_BAND:
        raise KeyError(band)
    part, _, decade = band.rpartition(" ")
    first, last = _BAND_YEARS[part]
    start = int(decade.removesuffix("s"))
    return start + first, start + last
