"""Compile the council tables of the corpus from published reference tables. A developer's tool.

    python scripts/council_table.py [REFERENCE_FOLDER] [--out corpus]

Reads mySociety's UK local authority names and codes, classifications by deprivation and rurality, the Department for
Education's statistical neighbours and the ONS list of neighbours; writes councils.csv, councils-abolished.csv and
councils.README.md. Nothing in the product reads the reference folder: only these three files go into the repository.

Age of the source: the newest start date in the mySociety table is 2025-05-01, the newest end date 2023-04-01, and its
populations are mid-2020. It has missed later changes; CORRECTIONS below lists each with the instrument that made it,
and the written README lists what could not be corrected. Between April 2023 and November
2026 no council was abolished save the combined authorities named there; Surrey's are the next, in April 2027.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import textwrap
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

COLUMNS = (
    "name", "short_name", "alternative_names", "gss", "type", "nation", "region", "population", "density",
    "rural_urban", "deprivation_quintile", "deprivation_score", "statistical_neighbours", "bordering", "former_gss",
)  # fmt: skip
ABOLISHED_COLUMNS = ("name", "short_name", "gss", "end_date", "replaced_by")

# The source's type codes -> the vocabulary of the design. The Greater London Authority (SRA) is a strategic authority
# but in law neither a combined authority nor a borough, hence "other"; the City Corporation (CC) acts as a borough.
TYPES = {
    "CTY": "county", "NMD": "district", "UA": "unitary", "MD": "metropolitan", "LBO": "london-borough",
    "CC": "london-borough", "COMB": "combined-authority", "SCO": "scottish", "WPA": "welsh", "NID": "northern-irish",
    "SRA": "other",
}  # fmt: skip
UPPER_TIER_TYPES = {"county", "unitary", "metropolitan", "london-borough"}

# --- CORRECTIONS to the source ---------------------------------------------------------------------------------------
# Recoded by ONS when the Barnsley and Sheffield (Boundary Change) Order 2024 (SI 2024/1328) took effect in April 2025.
RECODED = {"E08000016": "E08000038", "E08000019": "E08000039", "E47000010": "E47000014"}
# North of Tyne and the older North East authority gave way to one for all seven councils on 7 May 2024 (the North East
# Mayoral Combined Authority (Establishment and Functions) Order 2024); the source still has both, and four members.
ENDED = {"NTCA": ("2024-05-06", ("NECA",))}
MOVED_MEMBERS = {"NTCA": "NECA"}
# Made by SI 2025/115 and SI 2025/118 in February 2025. Codes as in the ONS boundaries of December 2025.
ADDED = (
    ("DTCA", "Devon and Torbay Combined County Authority", "Devon and Torbay", "E47000015", "South West"),
    ("LCCA", "Lancashire Combined County Authority", "Lancashire CCA", "E47000018", "North West"),
)
ADDED_MEMBERS = {"DTCA": ("DEV", "TOB"), "LCCA": ("LAN", "BBD", "BPL")}
# Set up in 2026 or due to be, by orders found in legislation, but no source here gives a GSS code: named in the README.
WITHOUT_CODE = (
    "Cheshire and Warrington Combined Authority", "Cumbria Combined Authority",
    "Sussex and Brighton Combined County Authority", "Hampshire and the Solent Combined County Authority",
    "Norfolk and Suffolk Combined County Authority", "Greater Essex Combined County Authority",
)  # fmt: skip
# City status (2022) changed three councils' names; the rest are names that the source mangles.
RENAMED = {
    "SOS": "Southend-on-Sea City Council", "MIK": "Milton Keynes City Council", "COL": "Colchester City Council",
    "KIN": "Borough Council of King's Lynn and West Norfolk", "LCR": "Liverpool City Region Combined Authority",
}  # fmt: skip
# Short names that the source has with a suffix, a prefix or a typing error. Five strategic authorities keep a suffix
# because the bare name is a region or a county, and would be found wherever that is meant.
SHORT_NAMES = {
    "ABE": "Aberdeen", "BST": "Bristol", "DND": "Dundee", "DST": "Dorset", "EDH": "Edinburgh", "GLG": "Glasgow",
    "KHL": "Hull", "KIN": "King's Lynn and West Norfolk", "LIC": "Lincoln", "RCT": "Rhondda Cynon Taf",
    "SCB": "Scottish Borders", "SHN": "St Helens", "VGL": "Vale of Glamorgan", "WAF": "Westmorland and Furness",
    "EMCA": "East Midlands CCA", "GLA": "GLA", "GLCA": "Greater Lincolnshire", "HYCA": "Hull and East Yorkshire",
    "NECA": "North East CA", "SCR": "South Yorkshire", "WMCA": "West Midlands CA",
    "BKM": "Buckinghamshire", "DOR": "Dorset",
}  # fmt: skip
# Names in everyday use that the source lacks. A name that is also an ordinary word or a surname is safe here:
# kb/councils.py counts it only where the words around it say that the place is meant.
EVERYDAY_NAMES = {
    "BAS": "Bath;B&NES;BANES", "BAN": "Basingstoke", "BDG": "Barking;Dagenham", "BNH": "Brighton", "BPC": "BCP Council",
    "BST": "City of Bristol", "COL": "Colchester Borough Council", "CON": "Cornwall County Council",
    "CPCA": "CPCA", "EMCA": "EMCCA", "GMCA": "GMCA", "HMF": "Hammersmith;Fulham;LBHF", "HYCA": "HEYCA",
    "KEC": "Kensington;RBKC", "KHL": "Kingston upon Hull", "KIN": "King's Lynn;West Norfolk", "KTT": "Kingston",
    "LCR": "LCRCA", "MIK": "Milton Keynes Council", "NECA": "NECA;North East Mayoral Combined Authority",
    "NEL": "North East Lincs", "NLN": "North Lincs", "NET": "Newcastle", "NEC": "Newcastle Borough Council",
    "RCC": "Redcar", "RCT": "Rhondda;Rhondda Cynon Taff", "RIC": "Richmond", "SCB": "Borders", "SCR": "SYMCA",
    "SHE": "Folkestone", "SHR": "Shropshire County Council", "SOS": "Southend;Southend-on-Sea Borough Council",
    "STE": "Stoke", "STT": "Stockton", "TFW": "Telford", "TVCA": "TVCA", "WECA": "WECA",
    "WIL": "Wiltshire County Council", "WMCA": "WMCA", "WNM": "Windsor;Maidenhead;RBWM",
    "WSM": "Westminster City Council", "WYCA": "WYCA", "YNYC": "York and North Yorkshire Combined Authority",
    "HEF": "Herefordshire County Council", "AGY": "Ynys Môn", "SWA": "City and County of Swansea",
    "ELS": "Na h-Eileanan an Iar", "MTY": "Merthyr",
}  # fmt: skip
# Misspellings, inverted forms and the source's own abbreviations, which nobody writes; and, last, names of regions.
REJECTED_NAMES = set("""
aberdeen cuty|aberdeen c ity|ynys mn|ease dunbartonshire|east dunbaronshire|east dunnbartonshire|east dunbarton
glasgow city coucil|highands|south ayshire|eilean|comhairle nan eilean siar (western isles)|edinburgh (city of)
adur and worthing borough council|north west somerset|bournemouth, christchurch and poole borough council
east midlands cc|yorkshire and the humber ca|sheffield city ca|liverpool city ca|telford and the wrekin ua
the medway towns ua|rhondda, cynon, taff|rhondda,cynon,taff|merthyr tydfil ua|na h-eileanan an iar
greater lincolnshire ca|yorkshire and the humber mca|derby city ua|leicester city ua
west midlands|north east|greater london
""".strip().replace("\n", "|").split("|"))  # fmt: skip
# ---------------------------------------------------------------------------------------------------------------------

# The Department for Education's names that are not the table's short names.
DFE_NAMES = {
    "Bedford Borough": "Bedford", "Bristol, City of": "Bristol", "Durham": "County Durham",
    "Kingston Upon Hull, City of": "Hull", "St. Helens": "St Helens",
}  # fmt: skip
# Published with neighbours of their own although abolished; left out, and no current council has one as a neighbour.
DFE_ABOLISHED = {
    "835": "Dorset (Pre LG)", "836": "Poole (Pre LG)", "837": "Bournemouth (Pre LG)", "909": "Cumbria",
    "928": "Northamptonshire",
}  # fmt: skip

# The source ends these in 2015 but says neither code nor successor. Successors: the Local Government (Boundaries) Act
# (Northern Ireland) 2008; a few wards went elsewhere, which this leaves out.
NI_SUCCESSORS = {
    "Derry": "DRS", "Strabane": "DRS", "Limavady": "CCG", "Coleraine": "CCG", "Ballymoney": "CCG", "Moyle": "CCG",
    "Larne": "MEA", "Ballymena": "MEA", "Carrickfergus": "MEA", "Magherafelt": "MUL", "Cookstown": "MUL",
    "Dungannon and South Tyrone": "MUL", "Omagh": "FMO", "Fermanagh": "FMO", "Craigavon": "ABC", "Armagh City": "ABC",
    "Banbridge": "ABC", "Newry and Mourne": "NMD", "Down": "NMD", "Lisburn": "LBC", "Castlereagh": "LBC",
    "Antrim": "ANN", "Newtownabbey": "ANN", "North Down": "AND", "Ards": "AND",
}  # fmt: skip

# Earlier than the source goes. 2009: the structural changes orders of 2008, codes from the ONS Code History Database.
# 1996 and 1998: only the upper tier, which ended before GSS codes existed; successors by main area.
EARLIER = """
E10000001|Bedfordshire County Council|Bedfordshire|2009-03-31|E06000055;E06000056
E07000001|Mid Bedfordshire District Council|Mid Bedfordshire|2009-03-31|E06000056
E07000003|South Bedfordshire District Council|South Bedfordshire|2009-03-31|E06000056
E10000004|Cheshire County Council|Cheshire|2009-03-31|E06000049;E06000050
E07000013|Chester City Council|Chester|2009-03-31|E06000050
E07000014|Congleton Borough Council|Congleton|2009-03-31|E06000049
E07000015|Crewe and Nantwich Borough Council|Crewe and Nantwich|2009-03-31|E06000049
E07000016|Ellesmere Port and Neston Borough Council|Ellesmere Port and Neston|2009-03-31|E06000050
E07000017|Macclesfield Borough Council|Macclesfield|2009-03-31|E06000049
E07000018|Vale Royal Borough Council|Vale Royal|2009-03-31|E06000050
E07000019|Caradon District Council|Caradon|2009-03-31|E06000052
E07000020|Carrick District Council|Carrick|2009-03-31|E06000052
E07000021|Kerrier District Council|Kerrier|2009-03-31|E06000052
E07000022|North Cornwall District Council|North Cornwall|2009-03-31|E06000052
E07000023|Penwith District Council|Penwith|2009-03-31|E06000052
E07000024|Restormel Borough Council|Restormel|2009-03-31|E06000052
E07000054|Chester-le-Street District Council|Chester-le-Street|2009-03-31|E06000047
E07000055|Derwentside District Council|Derwentside|2009-03-31|E06000047
E07000056|Durham City Council|Durham City|2009-03-31|E06000047
E07000057|Easington District Council|Easington|2009-03-31|E06000047
E07000058|Sedgefield Borough Council|Sedgefield|2009-03-31|E06000047
E07000059|Teesdale District Council|Teesdale|2009-03-31|E06000047
E07000060|Wear Valley District Council|Wear Valley|2009-03-31|E06000047
E07000157|Alnwick District Council|Alnwick|2009-03-31|E06000057
E07000158|Berwick-upon-Tweed Borough Council|Berwick-upon-Tweed|2009-03-31|E06000057
E07000159|Blyth Valley Borough Council|Blyth Valley|2009-03-31|E06000057
E07000160|Castle Morpeth Borough Council|Castle Morpeth|2009-03-31|E06000057
E07000161|Tynedale District Council|Tynedale|2009-03-31|E06000057
E07000162|Wansbeck District Council|Wansbeck|2009-03-31|E06000057
E07000182|Bridgnorth District Council|Bridgnorth|2009-03-31|E06000051
E07000183|North Shropshire District Council|North Shropshire|2009-03-31|E06000051
E07000184|Oswestry Borough Council|Oswestry|2009-03-31|E06000051
E07000185|Shrewsbury and Atcham Borough Council|Shrewsbury and Atcham|2009-03-31|E06000051
E07000186|South Shropshire District Council|South Shropshire|2009-03-31|E06000051
E07000230|Kennet District Council|Kennet|2009-03-31|E06000054
E07000231|North Wiltshire District Council|North Wiltshire|2009-03-31|E06000054
E07000232|Salisbury District Council|Salisbury|2009-03-31|E06000054
E07000233|West Wiltshire District Council|West Wiltshire|2009-03-31|E06000054
|Avon County Council|Avon|1996-03-31|E06000022;E06000023;E06000024;E06000025
|Cleveland County Council|Cleveland|1996-03-31|E06000001;E06000002;E06000003;E06000004
|Humberside County Council|Humberside|1996-03-31|E06000010;E06000011;E06000012;E06000013
|Berkshire County Council|Berkshire|1998-03-31|E06000036;E06000037;E06000038;E06000039;E06000040;E06000041
|Hereford and Worcester County Council|Hereford and Worcester|1998-03-31|E06000019;E10000034
|Clwyd County Council|Clwyd|1996-03-31|W06000003;W06000004;W06000005;W06000006
|Dyfed County Council|Dyfed|1996-03-31|W06000008;W06000009;W06000010
|Gwent County Council|Gwent|1996-03-31|W06000018;W06000019;W06000020;W06000021;W06000022
|Mid Glamorgan County Council|Mid Glamorgan|1996-03-31|W06000013;W06000016;W06000018;W06000024
|South Glamorgan County Council|South Glamorgan|1996-03-31|W06000014;W06000015
|West Glamorgan County Council|West Glamorgan|1996-03-31|W06000011;W06000012
|Central Regional Council|Central|1996-03-31|S12000005;S12000014;S12000030
|Grampian Regional Council|Grampian|1996-03-31|S12000020;S12000033;S12000034
|Lothian Regional Council|Lothian|1996-03-31|S12000010;S12000019;S12000036;S12000040
|Strathclyde Regional Council|Strathclyde|1996-03-31|S12000008;S12000011;S12000018;S12000021;S12000028;S12000029;\
S12000035;S12000038;S12000039;S12000045;S12000049;S12000050
|Tayside Regional Council|Tayside|1996-03-31|S12000041;S12000042;S12000048
""".strip()


class SourceError(Exception):
    """A source table is not what this script was written for; the message says which row and what to do."""


@dataclass(frozen=True)
class Row:
    """One authority on its way to the table. `code` is mySociety's, `members` its councils if it is a strategic one."""

    code: str
    name: str
    short_name: str
    gss: str
    type: str
    nation: str
    region: str
    population: int = 0
    area: float = 0.0  # square kilometres
    county: str = ""
    members: tuple[str, ...] = ()
    alternative_names: tuple[str, ...] = ()
    former_gss: tuple[str, ...] = ()
    deprivation_score: float = 0.0  # mySociety's composite index; higher is more deprived
    quintile: int = 0
    rurality: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0))  # shares: highly rural, rural, urban
    rural_urban: str = ""
    neighbours: tuple[str, ...] = ()
    bordering: tuple[str, ...] = ()


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file. Raises SourceError if the file is missing."""
    if not path.is_file():
        raise SourceError(f"{path}: no such file; give the folder of reference tables as the argument")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def squash(name: str) -> str:
    """What is left of a name when spelling variants (case, '&', punctuation) are ignored."""
    return re.sub(r"[^a-zà-ÿ]", "", name.casefold().replace("&", "and"))


def proper_case(name: str) -> str:
    """'city of aberdeen' -> 'City of Aberdeen'. Names that have a capital already are returned as they are."""
    if name != name.lower():
        return name
    small = {"of", "and", "upon", "the", "with", "y", "ar", "an", "nan", "on", "under"}

    def capital(match: re.Match[str]) -> str:
        word = match.group()
        return word.upper() if word == "mdc" else word if word in small and match.start() else word.capitalize()

    return re.sub(r"[^\W\d_]+(?:'[a-z]+)?", capital, name)


def clean_names(raw: list[str], name: str, short_name: str, everyday: str) -> tuple[str, ...]:
    """The alternative names worth keeping, in the source's order, then the everyday ones, none twice."""
    seen = {squash(name), squash(short_name)}
    kept: list[str] = []
    for given in [*raw, *filter(None, everyday.split(";"))]:
        candidate = re.sub(r"\s+", " ", given).strip()
        if candidate.casefold() in REJECTED_NAMES or re.search(r"[,\s]\(?(?:city|county) of\)?$", candidate, re.I):
            continue
        if "ï" in candidate:  # a damaged encoding, twice in the source; the good form is in EVERYDAY_NAMES
            continue
        if candidate == candidate.lower():
            candidate = re.sub(r" (?:london boro|(?:county |metropolitan )?(?:borough|district)|city|county)$", "",
                               candidate)  # fmt: skip
        candidate = proper_case(re.sub(r"^The | UA$", "", candidate, flags=re.I))
        if squash(candidate) not in seen:
            seen.add(squash(candidate))
            kept.append(candidate)
    return tuple(kept)


def current_rows(reference: Path) -> list[Row]:
    """Every current authority with its own attributes; borders, neighbours and members' averages come later."""
    source = read(reference / "uk_local_authorities_current.csv")
    names: dict[str, list[str]] = {}
    for entry in read(reference / "lookup_name_to_registry.csv"):
        names.setdefault(entry["local-authority-code"], []).append(entry["la-name"])
    deprivation = {entry["local-authority-code"]: entry for entry in read(reference / "la_imd.csv")}
    rurality = {entry["local-authority-code"]: entry for entry in read(reference / "la_ruc.csv")}
    current = [s for s in source if s["current-authority"] == "True" and s["local-authority-code"] not in ENDED]
    for entry in current:
        if entry["end-date"] or entry["local-authority-type"] not in TYPES:
            raise SourceError(f"{entry['official-name']}: marked current, but has an end date or an unknown type")

    members: dict[str, list[str]] = {code: list(codes) for code, codes in ADDED_MEMBERS.items()}
    for entry in current:
        authority = MOVED_MEMBERS.get(entry["combined-authority"], entry["combined-authority"])
        # Cambridgeshire's districts are in the source as members beside their county: that counts people twice.
        if authority and TYPES[entry["local-authority-type"]] in UPPER_TIER_TYPES:
            members.setdefault(authority, []).append(entry["local-authority-code"])

    rows = []
    for entry in current:
        code, old_gss = entry["local-authority-code"], entry["gss-code"]
        name = re.sub(r"\s+", " ", RENAMED.get(code, entry["official-name"]))
        short = re.sub(r"\s+", " ", SHORT_NAMES.get(code, entry["nice-name"])).strip()
        gss = RECODED.get(old_gss, old_gss)
        former = {*filter(None, entry["former-gss-codes"].split(",")), old_gss} - {gss}
        imd, ruc = deprivation[code], rurality[code]
        rows.append(Row(
            code, name, short, gss, TYPES[entry["local-authority-type"]], entry["nation"], entry["region"],
            population=int(float(entry["pop-2020"] or 0)), area=float(entry["area"] or 0), county=entry["county-la"],
            members=tuple(members.get(code, ())), former_gss=tuple(sorted(former)),
            alternative_names=clean_names([*names[code], entry["nice-name"], entry["official-name"]], name, short,
                                          EVERYDAY_NAMES.get(code, "")),
            deprivation_score=float(imd["la-deprivation-score"]), quintile=int(imd["la-imd-pop-quintile"]),
            rurality=(float(ruc["highly-rural"]), float(ruc["rural"]), float(ruc["urban"])),
            rural_urban=ruc["ruc-cluster-label"],
        ))  # fmt: skip
    for code, name, short, gss, region in ADDED:
        rows.append(Row(code, name, short, gss, "combined-authority", "England", region, members=tuple(members[code])))
    unused = (set(EVERYDAY_NAMES) | set(RENAMED)) - {row.code for row in rows}
    if unused:
        raise SourceError(f"{sorted(unused)}: corrected in this script, but not a code of the source; mend the script")
    return rows


def with_members_averages(rows: list[Row]) -> list[Row]:
    """Give each combined authority its members' population and area, and their deprivation and rurality by population.

    The source does the same sum, and agrees wherever its list of members is complete; but it double counts
    Cambridgeshire and leaves the county councils out of the East Midlands and Greater Lincolnshire.
    """
    by_code = {row.code: row for row in rows}
    single = [row for row in rows if not row.members]
    least_score = {q: min(row.deprivation_score for row in single if row.quintile == q) for q in range(1, 6)}
    centres = {}
    for label in {row.rural_urban for row in single}:
        of_label = [row.rurality for row in single if row.rural_urban == label]
        centres[label] = tuple(sum(axis) / len(of_label) for axis in zip(*of_label, strict=True))

    def average(row: Row) -> Row:
        if row.type != "combined-authority":
            return row
        parts = [by_code[code] for code in row.members]
        people = sum(part.population for part in parts)
        score = sum(part.population * part.deprivation_score for part in parts) / people
        shares = [sum(part.population * part.rurality[axis] for part in parts) / people for axis in range(3)]
        quintile = next(q for q in range(1, 6) if score >= least_score[q] or q == 5)
        label = min(sorted(centres), key=lambda c: sum((a - b) ** 2 for a, b in zip(shares, centres[c], strict=True)))
        return replace(
            row, population=people, area=sum(part.area for part in parts), deprivation_score=score, quintile=quintile,
            rural_urban=label,
        )  # fmt: skip

    return [average(row) for row in rows]


def with_statistical_neighbours(rows: list[Row], reference: Path) -> list[Row]:
    """Add the Department for Education's ten, in rank order, as GSS codes. Every published council must be known."""
    gss_of = {row.short_name: row.gss for row in rows if row.type in UPPER_TIER_TYPES}

    def gss(number: str, name: str) -> str:
        known = gss_of.get(DFE_NAMES.get(name, name))
        if known is None:
            raise SourceError(f"DfE {number} {name!r}: no current council of that name; add it to DFE_NAMES")
        return known

    ranked: dict[str, dict[int, str]] = {}
    for entry in read(reference / "dfe_statistical_neighbours_2025.csv"):
        number, name = entry["dfe_la_number"], entry["la_name"]
        if DFE_ABOLISHED.get(number) == name:
            continue
        own = gss(number, name)
        ranked.setdefault(own, {})[int(entry["rank"])] = gss(entry["neighbour_dfe_la_number"], entry["neighbour_name"])
    for own, ranks in ranked.items():
        if sorted(ranks) != list(range(1, 11)) or len(set(ranks.values())) != 10:
            raise SourceError(f"DfE neighbours of {own}: not ten different councils ranked 1 to 10")
    silent = [row.name for row in rows if row.type in UPPER_TIER_TYPES and row.gss not in ranked]
    if silent:
        raise SourceError(f"DfE publishes no neighbours for {silent}; check DFE_NAMES")
    return [replace(row, neighbours=tuple(n for _, n in sorted(ranked.get(row.gss, {}).items()))) for row in rows]


def touching_districts(rows: list[Row], reference: Path, successor: dict[str, tuple[str, ...]]) -> dict[str, set[str]]:
    """Which lower-tier and single-tier councils touch, by GSS code, both ways.

    The ONS file gives, for each such council of 2021, a list whose first entry is itself a list, the councils that
    border on it (null for six island authorities), and whose other entries are merely near. An abolished code stands
    for its successor, and what one side says is taken for both: Powys lacks two of its neighbours.
    """
    touching: dict[str, set[str]] = {row.gss: set() for row in rows if row.type not in {"county", "other"}}

    def today(gss: str) -> str:
        (now,) = successor.get(gss, (RECODED.get(gss, gss),))
        if now not in touching:
            raise SourceError(f"ONS neighbours: {gss} is neither a current council nor one with a single successor")
        return now

    for gss, entries in json.loads((reference / "ons_lad2021_neighbours.json").read_text(encoding="utf-8")).items():
        for other in entries[0] or ():
            if today(gss) != today(other):
                touching[today(gss)].add(today(other))
                touching[today(other)].add(today(gss))
    return touching


def with_borders(rows: list[Row], touching: dict[str, set[str]]) -> list[Row]:
    """Add the authorities that touch each one, as GSS codes.

    A county borders what its districts border, one tier up: single-tier councils, and the counties of the districts
    beyond. A strategic authority borders another whose area touches its own. So a single-tier council lists both the
    districts and the counties beside it, a district no county, and every entry has its counterpart.
    """
    by_code = {row.code: row for row in rows}
    county_of = {row.gss: by_code[row.county].gss for row in rows if row.county}

    def area(row: Row) -> set[str]:
        if row.type == "county":
            return {district for district, county in county_of.items() if county == row.gss}
        return set().union(*(area(by_code[code]) for code in row.members)) if row.members else {row.gss}

    borders = {gss: set(others) for gss, others in touching.items()}
    for row in rows:
        if row.type == "county":
            beyond = set().union(*(touching[gss] for gss in area(row))) - area(row)
            borders[row.gss] = {county_of.get(gss, gss) for gss in beyond}
            for other in beyond - set(county_of):
                borders[other].add(row.gss)
    strategic = {row.gss: area(row) for row in rows if row.members}
    for gss, places in strategic.items():
        beyond = set().union(*(touching[place] for place in places)) - places
        borders[gss] = {other for other, others in strategic.items() if other != gss and others & beyond}
    return [replace(row, bordering=tuple(sorted(borders[row.gss]))) for row in rows]


def abolished_rows(reference: Path, rows: list[Row]) -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    """Former councils as (name, short_name, gss, last day, codes of today's successors)."""
    source = {s["local-authority-code"]: s for s in read(reference / "uk_local_authorities_current.csv")}
    gss_of = {row.code: row.gss for row in rows}

    def successors(codes: tuple[str, ...]) -> tuple[str, ...]:
        found: set[str] = set()
        for code in codes:
            found.update((gss_of[code],) if code in gss_of else
                         successors(tuple(source[code]["replaced-by"].split(","))))  # fmt: skip
        return tuple(sorted(found))

    result = []
    for code, entry in source.items():
        if code in gss_of:
            continue
        # The source gives the day of change in some years and the day before in others; here always the last day.
        end = re.sub(r"-04-01$", "-03-31", entry["end-date"])
        replaced_by = tuple(filter(None, entry["replaced-by"].split(",")))
        if code in ENDED:
            end, replaced_by = ENDED[code]
        if entry["local-authority-type"] == "NID":
            replaced_by = (NI_SUCCESSORS[entry["nice-name"]],)
        if not end or not replaced_by:
            raise SourceError(f"{entry['official-name']}: not current, but has no end date or no successor")
        short = re.sub(r" (?:County|City)$", "", entry["nice-name"])
        result.append((entry["official-name"], short, entry["gss-code"], end, successors(replaced_by)))
    for line in EARLIER.splitlines():
        gss, name, short, end, replaced = line.split("|")
        result.append((name, short, gss, end, tuple(replaced.split(";"))))
    return sorted(result, key=lambda item: (item[2] or "~", item[3], item[0]))


def check(rows: list[Row]) -> None:
    """Refuse a table in which a code or a name is shared, or a code leads nowhere."""
    codes = Counter(code for row in rows for code in (row.gss, *row.former_gss))
    names: dict[str, str] = {}
    for row in rows:
        if codes[row.gss] > 1 or not re.fullmatch(r"[ENSW]\d{8}", row.gss):
            raise SourceError(f"{row.name}: its code {row.gss!r} is shared or malformed")
        if not (row.population and row.area and row.deprivation_score):
            raise SourceError(f"{row.name}: it has no population, no area or no deprivation score")
        for name in (row.name, row.short_name, *row.alternative_names):
            if ";" in name or names.setdefault(squash(name), row.gss) != row.gss:
                raise SourceError(f"{row.name}: {name!r} also belongs to {names[squash(name)]}, or contains ';'")
        for other in (*row.neighbours, *row.bordering):
            if codes[other] != 1:
                raise SourceError(f"{row.name}: its neighbour {other} is not in the table")


def readme(rows: list[Row], abolished: list[tuple[str, str, str, str, tuple[str, ...]]]) -> str:
    """The note on sources, licences, what was derived and the known gaps, with counts taken from the tables."""
    by_type = Counter(row.type for row in rows)
    counts = "\n".join(f"| {kind} | {by_type[kind]} |" for kind in dict.fromkeys(TYPES.values()))
    alone = textwrap.fill(", ".join(row.short_name for row in rows if not row.bordering), 116, subsequent_indent="  ")
    recoded = ", ".join(f"{row.short_name} ({row.gss})" for row in rows if set(row.former_gss) & set(RECODED))
    return README.format(
        total=len(rows), counts=counts, gone=len(abolished), codeless=sum(not item[2] for item in abolished),
        neighbours=sum(bool(row.neighbours) for row in rows),
        without=sum(not row.neighbours for row in rows), alone=alone, alone_count=sum(not r.bordering for r in rows),
        unlisted="\n".join(f"- {name}" for name in WITHOUT_CODE), unlisted_count=len(WITHOUT_CODE), recoded=recoded,
    )  # fmt: skip


README = """\
# The council tables

Written by `scripts/council_table.py`; change that script, not these files.

- `councils.csv`: {total} current principal authorities of the United Kingdom, sorted by GSS code.
- `councils-abolished.csv`: {gone} former ones with their last day and today's successors.

| type | councils |
| --- | --- |
{counts}

`other` is the Greater London Authority. The City of London is a `london-borough`, the Isles of Scilly `unitary`.

## Sources and licences
| source | used for | licence |
| --- | --- | --- |
| mySociety, UK local authority names and codes | names, codes, type, place, population, area, end dates | CC BY 4.0 |
| mySociety, composite UK deprivation (`la_imd`) | `deprivation_quintile`, `deprivation_score` | CC BY 4.0 |
| mySociety, composite UK rural-urban class (`la_ruc`) | `rural_urban` | CC BY 4.0 |
| Department for Education, statistical neighbours, 2025 | `statistical_neighbours` | OGL v3.0 |
| Office for National Statistics, neighbours of local authority districts, 2021 | `bordering` | OGL v3.0 |

CC BY is the Creative Commons Attribution licence; OGL the Open Government Licence.
Contains data by mySociety, used under CC BY 4.0 and changed as said below. Contains public sector information licensed
under the Open Government Licence v3.0. The classes of deprivation and rurality are themselves derived from official
statistics of the four nations.

## What was derived or corrected
- `deprivation_quintile`: 1 is the most deprived fifth of the population, not of councils, so the classes are unequal.
- `deprivation_score`: mySociety's score of a council, from which it makes those classes, to one decimal; a
  higher one is more deprived. It is composed of four nations' indices, so a small difference says nothing.
- `density`: people to the square kilometre, from the source's population and area, to one decimal.
- `statistical_neighbours`: the published ten, in rank order, for {neighbours} English upper-tier and single-tier
  councils. Five that the Department still lists though abolished (Dorset, Poole and Bournemouth before 2019, Cumbria,
  Northamptonshire) are left out; no current council has one of them as a neighbour.
- `bordering`: from the ONS lists for 2021, with 17 abolished districts replaced by their successors (so Cumberland,
  Westmorland and Furness, North Yorkshire and Somerset have the outer borders of their predecessors), and made
  symmetric (Powys lacked Monmouthshire and Merthyr Tydfil). A county borders what its districts border, one tier up.
  A single-tier council therefore lists both the districts and the counties beside it; a district lists no county.
  A combined authority borders only other combined authorities. Across water it is as ONS has it: Gosport borders
  Portsmouth, Anglesey nothing.
- A combined authority's population and area are the sums of its upper-tier members', its deprivation and
  rurality their averages, weighted by population. The source does the same, but counts Cambridgeshire twice and leaves
  the county councils out of the East Midlands and Greater Lincolnshire.
- `former_gss`: codes that the same authority had before. New codes since the source was made:
  {recoded}.
- North of Tyne is abolished (May 2024); Devon and Torbay, and Lancashire, are added (February 2025).
- `alternative_names`: misspellings, inverted forms and forms that differ only in case or '&' are left out; names in
  everyday use are added.
- `councils-abolished.csv`: `end_date` is the last day; `replaced_by` names today's successors, through later changes.

## Known gaps
- Set up or due in 2026, without a GSS code in any source used here ({unlisted_count}); in text they are still caught,
  by the names of the councils in them:

{unlisted}

- Statistical neighbours: {without} authorities have none published (districts, combined authorities, the Greater
  London Authority, Scotland, Wales and Northern Ireland).
- No border in the list ({alone_count}):
  {alone}.
  For the combined authorities and the Greater London Authority this says that no other such authority touches them.
- Abolished councils without a code ({codeless}): those of Northern Ireland (2015) and those that ended in 1996 or 1998.
  Of the latter only counties and regions are listed; districts that ended then are missing.
- Populations are of mid-2020; the source does not say of which year the four nations' deprivation indices are.
"""


def write_csv(path: Path, header: tuple[str, ...], lines: list[tuple[object, ...]]) -> None:
    """Write the lines with Unix line ends, tuples joined by ';'."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([";".join(v) if isinstance(v, tuple) else v for v in line] for line in lines)


def main() -> int:
    """Compile and write the three files; returns the exit code."""
    parser = argparse.ArgumentParser(description="Compile corpus/councils.csv from published reference tables.")
    parser.add_argument("reference", nargs="?", type=Path, default=ROOT.parent / "shared" / "reference")
    parser.add_argument("--out", type=Path, default=ROOT / "corpus", help="folder to write to")
    options = parser.parse_args()
    try:
        rows = with_statistical_neighbours(with_members_averages(current_rows(options.reference)), options.reference)
        abolished = abolished_rows(options.reference, rows)
        successor = {gss: now for _, _, gss, _, now in abolished if gss}
        rows = with_borders(rows, touching_districts(rows, options.reference, successor))
        check(rows)
    except SourceError as fault:
        print(f"council_table: {fault}", file=sys.stderr)
        return 1
    rows.sort(key=lambda row: row.gss)
    write_csv(options.out / "councils.csv", COLUMNS, [(
        row.name, row.short_name, row.alternative_names, row.gss, row.type, row.nation, row.region, row.population,
        f"{row.population / row.area:.1f}", row.rural_urban, row.quintile, f"{row.deprivation_score:.1f}",
        row.neighbours, row.bordering, row.former_gss,
    ) for row in rows])  # fmt: skip
    write_csv(options.out / "councils-abolished.csv", ABOLISHED_COLUMNS, list(abolished))
    (options.out / "councils.README.md").write_text(readme(rows, abolished), encoding="utf-8")
    print(f"{len(rows)} councils, {len(abolished)} abolished ones -> {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
