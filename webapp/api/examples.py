"""Answers of the API, cut short, as its description shows them. Each was an answer of the library once."""

from __future__ import annotations

from typing import Any, Final

# What the examples ask.
ASKED: Final = (("q", "What told members that a council was running out of money?"), ("kind", "case"), ("limit", "1"))
LISTED: Final = (("service", "commercial"), ("limit", "1"))
LIKENED: Final = (("limit", "1"), ("factor", "population"), ("factor", "deprivation"))
TEXT: Final = "The company has asked for a third loan this year, and its accounts are late again."

ANSWER: Final[dict[str, Any]] = {
    "question": "What told members that a council was running out of money?",
    "close": True,
    "total": 17,
    "setbacks": True,
    "generation": "20261123T022948-51b9873c",
    "hits": [
        {
            "rank": 1,
            "record": "thurrock-investments",
            "kind": "case",
            "title": "A council borrowed a billion to invest it, and did not welcome questions",
            "summary": "Thurrock borrowed from other councils to invest about £1bn, most of all in solar "
            "farms. It reported surpluses. In 2022 the government stepped in and a gap of nearly "
            "...",
            "place": "Thurrock Council, Essex County Council",
            "years": [2014, 2026],
            "outcome": "recovering",
            "outcome_as_at": "2026-01",
            "finding_basis": "statutory-inspection",
            "effect_evidence": "1",
            "corroboration": None,
            "services": ["finance", "commercial"],
            "score": 0.5885,
            "section": "Warning signs",
            "stance": "warning",
            "anchor": "warning-signs",
            "text": "- Members who ask are told how well the council is run.",
            "highlight": "- Members who ask are told how well the council is run.",
            "semantic": 0.6685,
            "lexical": 0.3913,
            "band": "strong",
            "matched_words": ["told", "members", "council", "running"],
            "further": [],
            "url": "/records/thurrock-investments#warning-signs",
        }
    ],
    "columns": [],
    "counts": {
        "outcome": {"mixed": 5, "recovering": 5},
        "kind": {"case": 14, "lesson": 5},
        "service": {"workforce": 9, "finance": 8},
    },
    "years": [2009, 2026],
    "expansions": [],
    "spelling": "",
    "related": [],
    "milliseconds": {"encode": 6.1, "total": 19.4},
    "page": 1,
    "pages": 17,
    "limit": 1,
    "previous": None,
    "next": "/api/v1/search?q=What+told+members+that+a+council+was+running+out+of+money?&kind=case&limit=1&page=2",
}
RECORDS: Final[dict[str, Any]] = {
    "total": 18,
    "page": 1,
    "pages": 18,
    "limit": 1,
    "previous": None,
    "next": "/api/v1/records?service=commercial&limit=1&page=2",
    "records": [
        {
            "id": "spelthorne-property-investment",
            "kind": "case",
            "title": "£1bn of offices bought to save services, and the long argument that it was fine",
            "summary": "Spelthorne borrowed about £1bn between 2016 and 2018 to live on rents. Auditors "
            "objected for years and the council disagreed. By 2025 the offices had lost nearly "
            "half ...",
            "place": "Spelthorne Borough Council",
            "years": [2016, 2026],
            "outcome": "failed",
            "outcome_as_at": "2025-11",
            "services": ["finance", "commercial", "housing"],
            "themes": ["governance", "use-of-resources", "leadership"],
            "url": "/records/spelthorne-property-investment",
        }
    ],
}
RECORD: Final[dict[str, Any]] = {
    "id": "nottingham-robin-hood-energy",
    "kind": "case",
    "title": "A city's own energy supplier, and why nobody stopped lending to it",
    "summary": "Nottingham set up a not-for-profit energy company to fight fuel poverty. It lost money every "
    "year, the council kept lending, and five years later its customers were ...",
    "organisations": [
        {"name": "Nottingham City Council", "gss": "E06000018"},
        {"name": "Robin Hood Energy", "gss": None},
    ],
    "nation": "England",
    "region": "East Midlands",
    "council_type": "unitary",
    "sectors": ["local-government", "private"],
    "services": ["commercial", "finance"],
    "themes": ["governance", "leadership", "use-of-resources", "culture"],
    "period": {"start": 2015, "end": 2026},
    "outcome": "failed",
    "outcome_as_at": "2025-02",
    "outcome_history": [{"as_at": "2020-09", "outcome": "failed", "note": "customer base sold, company to close [s9]"}],
    "finding_basis": "auditor",
    "effect_evidence": "2",
    "contested": "The council accepted the report and stressed its aim; its leader says that the company did "
    "bring prices down at first [s20]. Counts of the jobs lost differ: 230 in one ...",
    "cost": "The council expected to lose about £38m in all [s12]",
    "time_to_effect": "Five years from setting up the company to the sale of its customers [s9]",
    "measures": [{"what": "cumulative loss, 31 March 2019", "before": "", "after": "£34.4m", "source": "s1"}],
    "sources": [
        {
            "id": "s1",
            "title": "Lack of adequate governance arrangements and institutional blindness led to ...",
            "publisher": "Local Government Lawyer",
            "url": "https://localgovernmentlawyer.co.uk/governance/396-governance-news/44598-lack-of-adequate-governance-arrangements-and-institutional-blindness-led-to-council-energy-company-losing-over-34-million-report-finds",
            "date": "2020-08",
            "accessed": "2026-11-22",
            "independent": True,
        }
    ],
    "linked": [{"record": "bristol-energy", "how": "same failure elsewhere"}],
    "answers": ["Our trading company keeps asking for another loan. When do we stop?"],
    "checked_on": "2026-11-22",
    "review_due": "2028-11",
    "place": "Nottingham City Council, Robin Hood Energy",
    "years": [2015, 2026],
    "url": "/records/nottingham-robin-hood-energy",
    "sections": [
        {
            "heading": "Warning signs",
            "anchor": "warning-signs",
            "stance": "warning",
            "text": "- The company asks for its next loan weeks after the last one [s10]. - Last year's "
            "profit is restated as a loss [s10]. - Levies owed through the regulator go unpaid "
            "until it sends a final demand. - A ...",
        }
    ],
}
COUNCILS: Final[dict[str, Any]] = {
    "total": 398,
    "councils": [
        {
            "gss": "S12000033",
            "name": "Aberdeen City Council",
            "short_name": "Aberdeen",
            "type": "scottish",
            "nation": "Scotland",
            "region": "Scotland",
        }
    ],
}
SIMILAR: Final[dict[str, Any]] = {
    "council": {
        "gss": "E06000018",
        "name": "Nottingham City Council",
        "short_name": "Nottingham",
        "type": "unitary",
        "nation": "England",
        "region": "East Midlands",
    },
    "factors": ["population", "deprivation"],
    "similar": [
        {
            "council": {
                "gss": "E08000028",
                "name": "Sandwell Metropolitan Borough Council",
                "short_name": "Sandwell",
                "type": "metropolitan",
                "nation": "England",
                "region": "West Midlands",
            },
            "score": 0.979,
            "words": "similar size, similarly deprived",
            "neighbour_rank": 6,
            "factors": [
                {
                    "code": "population",
                    "label": "Population",
                    "agrees": True,
                    "strength": 0.9761,
                    "mine": "337,000 people",
                    "theirs": "329,000 people",
                    "words": "similar size",
                },
                {
                    "code": "deprivation",
                    "label": "Deprivation",
                    "agrees": True,
                    "strength": 0.9802,
                    "mine": "Most deprived fifth of the UK, score 35",
                    "theirs": "Most deprived fifth of the UK, score 35",
                    "words": "similarly deprived",
                },
            ],
        }
    ],
}
SIGNS: Final[dict[str, Any]] = {
    "generation": "20261123T022948-51b9873c",
    "paragraphs": [
        {
            "number": 1,
            "text": "The company has asked for a third loan this year, and its accounts are late again.",
            "signs": [1],
        }
    ],
    "found": [
        {
            "record": "nottingham-robin-hood-energy",
            "kind": "case",
            "title": "A city's own energy supplier, and why nobody stopped lending to it",
            "place": "Nottingham City Council, Robin Hood Energy",
            "years": [2015, 2026],
            "outcome": "failed",
            "outcome_as_at": "2025-02",
            "finding_basis": "auditor",
            "effect_evidence": "2",
            "corroboration": None,
            "number": 1,
            "words": "The company asks for its next loan weeks after the last one.",
            "warning": {
                "section": "Warning signs",
                "stance": "warning",
                "anchor": "warning-signs",
                "text": "- The company asks for its next loan weeks after the last one [s10].",
                "highlight": "- The company asks for its next loan weeks after the last one [s10].",
            },
            "then": {
                "section": "What happened",
                "stance": "result",
                "anchor": "what-happened",
                "text": "Three weeks later the company asked for £4.5m more [s10].",
                "highlight": "Three weeks later the company asked for £4.5m more [s10].",
            },
            "matches": [
                {
                    "paragraph": 1,
                    "sentence": "The company has asked for a third loan this year, and its accounts are late again.",
                    "words": ["company", "asked", "loan"],
                    "score": 0.7797,
                    "band": "strong",
                }
            ],
            "band": "strong",
            "url": "/records/nottingham-robin-hood-energy#warning-signs",
        }
    ],
    "near": [],
    "recovered": [],
    "left_out": 0,
    "milliseconds": {"encode": 4.2, "total": 9.8},
}
