"""A person's council: chosen once, kept in one cookie; the places like it, and a record's place beside it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, request, url_for

from kb import nearby, peers, transfer
from kb.errors import KbError, NoIndex
from kb.vocabulary import COUNCIL_TYPE, NATION
from webapp.library import knowledge
from webapp.security import refuse_foreign_posts

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

    from kb.councils import Council
    from kb.peers import Peers
    from kb.records import Record
    from kb.transfer import Transfer

blueprint = Blueprint("councils", __name__)
blueprint.before_request(refuse_foreign_posts)

PARAMETER: Final = "council"
COOKIE: Final = "council"
_COOKIE_SECONDS: Final = 365 * 24 * 3600
_NEXT_MAX: Final = 8000
_GSS: Final = re.compile(r"[ENSW][0-9]{8}")
# How many like places a page shows, and how many when more are asked for.
_SHOWN: Final = 10
_SHOWN_MORE: Final = 20
_RECORDS: Final = 6
# What a page may repeat of an address that it cannot use.
_TOLD_CHARACTERS: Final = 60


class UnknownCouncil(ValueError):  # noqa: N818  it reads as what happened
    """The address names a council that is not in the table."""

    def __init__(self, value: str) -> None:
        super().__init__(f"council {value[:_TOLD_CHARACTERS]!r} is not the GSS code of a current council")
        self.value = value[:_TOLD_CHARACTERS]


# --- the choice ------------------------------------------------------------------------------------------------------


def table() -> Peers | None:
    """The councils, or None where the library has no table of them: pages then do without."""
    if "peers" not in g:
        try:
            g.peers = knowledge().peers
        except KbError as error:
            g.peers = None
            if current_app.extensions.get("councils") != str(error):  # once, and not with every page
                current_app.extensions["councils"] = str(error)
                current_app.logger.warning("There are no councils to choose from: %s", error)
    found: Peers | None = g.peers
    return found


def chosen_council() -> Council | None:
    """The council that this request is seen from: the parameter `council` wins over the cookie.

    Raises UnknownCouncil for a parameter that is none; an old or foreign cookie counts for nothing.
    """
    known = table()
    if known is None:
        return None
    given = request.args.get(PARAMETER, "")
    if given:
        council = known.council(given) if _GSS.fullmatch(given) else None
        if council is None:
            raise UnknownCouncil(given)
        return council
    kept = request.cookies.get(COOKIE, "")
    return known.council(kept) if _GSS.fullmatch(kept) else None


def transfer_for(record: Record) -> Transfer | None:
    """The record's place beside the chosen council's, or None where none is chosen. Raises UnknownCouncil."""
    mine, known = chosen_council(), table()
    return transfer.compare(record, known, mine) if mine is not None and known is not None else None


def _for_templates() -> dict[str, object]:
    """`council` for the masthead. A page that does not use the parameter must not fail on it."""
    try:
        return {"council": chosen_council()}
    except UnknownCouncil:
        return {"council": None}


def init_app(app: Flask) -> None:
    app.context_processor(_for_templates)
    app.register_error_handler(UnknownCouncil, _unknown_council)
    app.jinja_env.globals["here"] = _here


def _here() -> str:
    """This page's own address, for a way back to it."""
    return request.full_path if request.query_string else request.path


def _unknown_council(error: UnknownCouncil) -> ResponseReturnValue:
    rest = [(name, value) for name, value in request.args.items(multi=True) if name != PARAMETER]
    without = f"{request.path}?{urlencode(rest)}" if rest else request.path
    return render_template("council_unknown.html", error=error, without=without), HTTPStatus.BAD_REQUEST


# --- choosing --------------------------------------------------------------------------------------------------------


@blueprint.get("/council")
def choose() -> ResponseReturnValue:
    chosen_council()  # an address with a council that is none is told so here as well
    return _choosing()


def _choosing(*, typed: str | None = None) -> str:
    """The page to choose on; `typed` is what was sent and is no council."""
    known = table()
    options = sorted(known.councils, key=lambda council: council.short_name.casefold()) if known else []
    return render_template(
        "council.html",
        options=[(council.gss, option_words(council), ";".join(_aliases(council))) for council in options],
        following=local_address(request.values.get("next", "")),
        typed=typed,
    )


def option_words(council: Council) -> str:
    """How a council is called in the list that one chooses from: `Barnsley (metropolitan borough)`."""
    kind = "Greater London Authority" if council.type == "other" else COUNCIL_TYPE.label_of(council.type)
    return f"{council.short_name} ({kind[0].lower() + kind[1:] if council.type in _PLAIN_TYPES else kind})"


_PLAIN_TYPES: Final = frozenset({"county", "district", "unitary", "metropolitan", "combined-authority"})


def _aliases(council: Council) -> tuple[str, ...]:
    """The other names by which a council may be typed."""
    return (council.name, *council.alternative_names)


@blueprint.post("/council")
def chosen() -> ResponseReturnValue:
    following = local_address(request.form.get("next", ""))
    if "forget" in request.form:
        response = _see(following or url_for("councils.choose"))
        response.delete_cookie(COOKIE, secure=request.is_secure, httponly=True, samesite="Lax")
        return response
    given = request.form.get("council", "").strip() or request.form.get("typed", "").strip()
    known = table()
    council = known.council(given) if known and given else None
    if council is None:
        return _choosing(typed=given[:_TOLD_CHARACTERS]), HTTPStatus.UNPROCESSABLE_ENTITY
    response = _see(following or url_for("councils.place", gss=council.gss))
    response.set_cookie(
        COOKIE, council.gss, max_age=_COOKIE_SECONDS, secure=request.is_secure, httponly=True, samesite="Lax"
    )
    return response


def _see(address: str) -> Response:
    response = Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})
    response.headers["Cache-Control"] = "private, no-store"
    return response


def local_address(text: str) -> str:
    """A path of this site to go on to, without a choice of council in it; empty for anything else.

    Browsers take `//host`, `/\\host` and addresses with tabs or new lines in them for other sites.
    """
    if not re.fullmatch(r"/(?!/)[^\\\x00-\x20\x7f-\x9f\ud800-\udfff]*", text) or len(text) > _NEXT_MAX:
        return ""
    path, _, query = text.partition("?")
    query, hash_mark, fragment = query.partition("#")
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != PARAMETER]
    return path + (f"?{urlencode(kept)}" if kept else "") + hash_mark + fragment


# --- places ----------------------------------------------------------------------------------------------------------


@blueprint.get("/councils")
def every() -> ResponseReturnValue:
    known = table()
    groups = []
    for nation in NATION.codes:
        for kind in COUNCIL_TYPE.terms:
            found = [one for one in known.councils if (one.nation, one.type) == (nation, kind.code)] if known else []
            if found:
                found.sort(key=lambda council: council.short_name.casefold())
                groups.append((kind.code, _plural(kind.label), found))
    return render_template("councils.html", groups=groups)


def _plural(label: str) -> str:
    if label.endswith("authority"):
        return f"{label.removesuffix('y')}ies"
    return "Greater London" if label.startswith("Another") else f"{label}s"


@blueprint.get("/councils/<gss>")
def place(gss: str) -> ResponseReturnValue:
    known = table()
    council = known.council(gss) if known and _GSS.fullmatch(gss) else None
    if known is None:
        abort(HTTPStatus.NOT_FOUND)
    if council is None:
        return render_template("council_unknown.html", error=UnknownCouncil(gss), without=""), HTTPStatus.NOT_FOUND
    if council.gss != gss:  # a code that it had before
        query = request.query_string.decode("ascii", "replace")
        return redirect(url_for("councils.place", gss=council.gss) + (f"?{query}" if query else ""))
    wanted = list(dict.fromkeys(filter(None, request.args.getlist("factor"))))
    try:
        counted = peers.chosen_factors(wanted)
    except peers.UnknownFactor:
        wrong = next(code for code in wanted if code not in peers.FACTOR_CODES)
        page = render_template("council_factor.html", wrong=wrong[:_TOLD_CHARACTERS], factors=peers.FACTORS, gss=gss)
        return page, HTTPStatus.BAD_REQUEST
    codes = [factor.code for factor in counted]
    more = request.args.get("show") == str(_SHOWN_MORE)
    return render_template(
        "council_place.html",
        place=council,
        kind=option_words(council).removeprefix(council.short_name).strip(" ()"),
        facts={match.code: match.mine for match in known.likeness(council, council).factors},
        factors=peers.FACTORS,
        counted=codes,
        similar=known.similar(council.gss, _SHOWN_MORE if more else _SHOWN, codes),
        fewer_or_more=_with_show(codes, more=not more),
        more=more,
        neighbours=[
            known.likeness(council, other) for code in council.statistical_neighbours for other in known.today(code)
        ],
        bordering=[other for code in council.bordering for other in known.today(code)],
        records=_records(known, council, codes),
    )


def _with_show(codes: list[str], *, more: bool) -> str:
    """The query of the same page with more places, or with fewer."""
    chosen = [] if len(codes) == len(peers.FACTOR_CODES) else [("factor", code) for code in codes]
    return urlencode([*chosen, *([("show", str(_SHOWN_MORE))] if more else [])])


def _records(known: Peers, council: Council, codes: list[str]) -> nearby.Nearby | None:
    """The library's records about this place and those like it; None while there is no library to look in."""
    try:
        cards = knowledge().searcher().cards
    except NoIndex:
        return None
    return nearby.records_near(cards, known, council, limit=_RECORDS, factors=codes)
