"""The `kb` command: each subcommand parses, calls one method, and formats. Progress and faults of running go to stderr.

Exit codes: 0 done; 1 done, and something is wrong (faults, conflicts, no usable index in `kb status`);
2 wrong use; 3 it could not be done, and stderr says why and what to do.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from kb import peers_check
from kb.errors import KbError, TextRefused
from kb.filters import FIELDS, FilterError, make_filters
from kb.pasted import BYTES_MAX, decode_text
from kb.peers import FACTOR_CODES, UnknownFactor
from kb.settings import Settings
from kb.telling import (
    Bar,
    counted,
    gaps_text,
    signs_text,
    similar_json,
    similar_text,
    status_json,
    status_text,
    tell,
    to_json,
)

if TYPE_CHECKING:
    from kb.councils import Council
    from kb.knowledge import KnowledgeBase

EXIT_FAULTS: Final = 1
EXIT_FAILED: Final = 3
_EXIT_CODES: Final = "Exit codes: 0 done, 1 done but something is wrong, 2 wrong use, 3 could not be done."


class _Command(click.Command):
    """A command whose failures are one clear line, and exit code 3."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KbError as error:
            click.echo(f"kb {ctx.info_name}: {error}", err=True)
            ctx.exit(EXIT_FAILED)


class _Group(click.Group):
    command_class = _Command


def _example(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


_json_option: Final = click.option("--json", "as_json", is_flag=True, help="Give JSON, for a machine to read.")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXIT_CODES)
@click.version_option(package_name="critical-friend")
def main() -> None:
    """Critical Friend: ask what works, get ranked passages from case studies and anonymised lessons.

    Settings are environment variables: KB_CORPUS, KB_INSTANCE, KB_INDEX, KB_MODEL and the rest (README, Settings).
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)


def _settings() -> Settings:
    return Settings.from_environment()


def _knowledge() -> KnowledgeBase:
    from kb.knowledge import KnowledgeBase  # noqa: PLC0415  `kb check` and `--help` need no search engine

    return KnowledgeBase(_settings())


def _council(knowledge: KnowledgeBase, name: str) -> Council:
    found = knowledge.peers.council(name)
    if found is None:
        raise KbError(f"{name!r} is no council of today; give a name such as 'North Yorkshire', or a GSS code")
    return found


@main.command(epilog=_example("kb check", "kb check corpus/cases/new.md", "kb check --json drafts/"))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@_json_option
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check records: every fault of every file, each as file:line: what is wrong and what would be right.

    Without PATH it checks the corpus. Exit code 1 when there is any fault.
    """
    from kb.corpus import council_names, read_corpus  # noqa: PLC0415

    settings = _settings()
    names = council_names(settings.corpus)
    corpus = read_corpus(paths or (settings.corpus,), names, whole=not paths)
    if as_json:
        faults = [{"file": str(one.path), "line": one.line, "message": one.message} for one in corpus.faults]
        click.echo(to_json({"files": len(corpus.files), "faults": faults}))
    else:
        for fault in corpus.faults:
            click.echo(str(fault))
        fine, faulty = counted(len(corpus.files), "record"), counted(len(corpus.faults), "fault")
        click.echo(f"{fine} without fault, {faulty}", err=True)
    if corpus.faults:
        raise click.exceptions.Exit(EXIT_FAULTS)


@main.command(epilog=_example("kb load", "kb load corpus/cases", "kb load --prune", "kb load --json"))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--prune", is_flag=True, help="Remove records whose file is gone, if they were never edited here.")
@_json_option
def load(paths: tuple[Path, ...], prune: bool, as_json: bool) -> None:
    """Load records into the system of record, by what has changed.

    A record that was edited here since it was loaded is never overwritten: when its file changed too, it is reported as
    a conflict, with exit code 1. Files with faults are reported and left out, with exit code 1.
    """
    with _knowledge() as knowledge:
        report, faults = knowledge.load(paths, prune=prune)
    for fault in faults:
        click.echo(str(fault), err=True)
    parts = {name: list(getattr(report, name)) for name in report.__slots__}
    if as_json:
        click.echo(to_json({**parts, "faults": len(faults)}))
    else:
        for name in ("added", "updated", "removed"):
            for record in parts[name]:
                click.echo(f"{name} {record}")
        for record in parts["conflicts"]:
            click.echo(f"conflict {record}: edited here and changed in its file; nothing was overwritten")
        for record in parts["absent"]:
            # With --prune, only what was edited here is left.
            why = "as it was edited here" if prune else "`kb load --prune` removes it"
            click.echo(f"absent {record}: it has no file any more and was kept{',' if prune else ';'} {why}")
        click.echo(", ".join(f"{len(ids)} {name}" for name, ids in parts.items()), err=True)
    if prune and (paths or faults):
        why = "only some PATHs were read; leave them out" if paths else "a file has a fault; mend it first"
        click.echo(f"nothing was pruned: {why}", err=True)
    if faults or report.conflicts:
        raise click.exceptions.Exit(EXIT_FAULTS)


@main.command(epilog=_example("kb index", "kb index --full", "kb index --json"))
@click.option("--full", is_flag=True, help="Embed everything again instead of reusing what has not changed.")
@_json_option
def index(full: bool, as_json: bool) -> None:
    """Build and publish an index generation of what was loaded; only changed passages are embedded."""
    with _knowledge() as knowledge, Bar() as bar:
        report = knowledge.build(full=full, progress=bar.step)
    if as_json:
        click.echo(to_json({name: getattr(report, name) for name in report.__slots__}))
        return
    done = "published" if report.published else "nothing has changed since"
    click.echo(
        f"{done} {report.generation}: {counted(report.records, 'record')}, {counted(report.passages, 'passage')}, "
        f"{report.embedded} embedded, {report.reused} reused, {report.seconds:.1f} s"
    )


@main.command(
    epilog=_example(
        'kb ask "how did others get out of a section 114 notice?"',
        'kb ask "agency social workers" --outcome failed --outcome relapsed',
        'kb ask "housing repairs backlog" --kind lesson --limit 3 --json',
        'kb ask "why did nobody see the overspend?" --council Slough --places like --sort newest',
    )
)
@click.argument("question")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="How many records.")
@click.option("--outcome", multiple=True, help="Only records with this outcome; may be given several times.")
@click.option("--service", multiple=True, help="Only records on this service.")
@click.option("--theme", multiple=True, help="Only records on this theme.")
@click.option("--kind", multiple=True, help="Only named cases (case) or anonymised lessons (lesson).")
@click.option("--filter", "others", multiple=True, metavar="FIELD=VALUE", help=f"Any filter: {', '.join(FIELDS)}.")
@click.option("--from", "first_year", type=int, help="Only records about this year or later ones.")
@click.option("--to", "last_year", type=int, help="Only records about this year or earlier ones.")
@click.option("--balanced", is_flag=True, help="Have what did not work told among the first five.")
@click.option(
    "--sort",
    type=click.Choice(["relevance", "evidence", "newest"]),
    default="relevance",
    show_default=True,
    help="The order of the records that bear on the question.",
)
@click.option("--council", "council_name", help="A council, by name or GSS code, for --places.")
@click.option("--places", type=click.Choice(["first", "like"]), help="Places like that council first, or only those.")
@_json_option
def ask(
    question: str,
    limit: int,
    others: tuple[str, ...],
    first_year: int | None,
    last_year: int | None,
    balanced: bool,
    sort: str,
    council_name: str | None,
    places: str | None,
    as_json: bool,
    **chosen: tuple[str, ...],
) -> None:
    """Ask QUESTION in plain English and get ranked passages."""
    if (council_name is None) != (places is None):
        raise click.UsageError("--council and --places go together: whose places, and whether first or only")
    wanted = {field: list(values) for field, values in chosen.items()}
    for other in others:
        field, equals, value = other.partition("=")
        if not equals:
            raise click.UsageError(f"--filter {other!r} is not FIELD=VALUE")
        wanted.setdefault(field, []).append(value)
    try:
        filters = make_filters(wanted, first_year=first_year, last_year=last_year)
    except FilterError as error:
        raise click.UsageError(str(error)) from error
    with _knowledge() as knowledge:
        council = _council(knowledge, council_name) if council_name else None
        answer = knowledge.ask(
            question, filters, limit=limit, balanced=balanced, order=sort, council=council, places=places or "all"
        )
    if as_json:
        click.echo(to_json(answer.as_json()))
    else:
        click.echo(tell(answer))


@main.command(
    epilog=_example(
        "kb similar Barnsley", 'kb similar "North Yorkshire" --factor rural_urban --factor tier', "kb similar --check"
    )
)
@click.argument("council", required=False)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many councils.")
@click.option("--factor", "factors", multiple=True, help=f"Count this alone, or several: {', '.join(FACTOR_CODES)}.")
@click.option("--check", "against", is_flag=True, help="Instead, hold likeness against published neighbours.")
@_json_option
def similar(council: str | None, limit: int, factors: tuple[str, ...], against: bool, as_json: bool) -> None:
    """List the councils whose places are most like that of COUNCIL (a name or a GSS code), and say how."""
    if against == (council is not None):
        raise click.UsageError("give either COUNCIL or --check")
    with _knowledge() as knowledge:
        peers = knowledge.peers
    if council is None:
        rows = peers_check.check(peers)
        click.echo(to_json([asdict(row) for row in rows]) if as_json else peers_check.as_text(rows))
        return
    mine = _council(knowledge, council)
    try:
        found = peers.similar(mine.gss, limit, factors)
    except UnknownFactor as error:
        raise click.UsageError(str(error)) from error
    click.echo(to_json([similar_json(one) for one in found]) if as_json else similar_text(mine, found))


@main.command(
    epilog=_example(
        "kb evaluate tests/questions/library.jsonl --half test", "kb evaluate --beir ../shared/eval/scifact --json"
    )
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--half", help="Only the questions of FILE that are of this half: tune or test.")
@click.option("--beir", type=click.Path(path_type=Path, file_okay=False), help="A test set in BEIR layout.")
@_json_option
def evaluate(file: Path | None, half: str | None, beir: Path | None, as_json: bool) -> None:
    """Score the search on judged questions.

    FILE is JSON lines {"question": ..., "relevant": {"record-id": 1 to 3}}: nDCG@10, recall@10 and MRR, by leg and
    fused, with bootstrap 95% intervals. --beir builds a throw-away index over DIR/corpus.jsonl, through the same
    passages, encoder, legs and fusion, and scores DIR/queries.jsonl against DIR/qrels/test.tsv.
    """
    from kb import evaluate as evaluation  # noqa: PLC0415

    if (file is None) == (beir is None):
        raise click.UsageError("give either FILE or --beir DIR")
    with _knowledge() as knowledge, Bar() as bar:
        if beir is not None:
            result = evaluation.evaluate_beir(knowledge, beir, bar.step)
        else:
            questions = evaluation.read_questions(file or Path())
            chosen = [one for one in questions if half in (None, one.half)]
            if not chosen:
                raise click.UsageError(f"--half {half}: {file} has no question of that half")
            result = evaluation.evaluate_questions(knowledge, chosen)
    click.echo(to_json(result) if as_json else evaluation.as_text(result))


@main.command(epilog=_example("kb signs report.txt", "kb signs report.txt --json", "kb signs -"))
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@_json_option
def signs(file: Path, as_json: bool) -> None:
    """Check a text in FILE (- for standard input) against the library's warning signs; nothing of it is kept."""
    try:
        with click.open_file(str(file), "rb") as opened:
            text = decode_text(opened.read(BYTES_MAX + 1), "standard input" if str(file) == "-" else str(file))
    except OSError as error:
        raise TextRefused(f"{file}: cannot be read: {error.strerror}; give a file of plain text") from error
    with _knowledge() as knowledge:
        found = knowledge.signs(text)
    click.echo(to_json(found.as_json()) if as_json else signs_text(found))


@main.command(epilog=_example("kb gaps", "kb gaps --json"))
@_json_option
def gaps(as_json: bool) -> None:
    """List the questions that people asked to have recorded as gaps, the most often recorded first."""
    with _knowledge() as knowledge:
        found = knowledge.gaps()
    click.echo(to_json([one.as_json() for one in found]) if as_json else gaps_text(found))


@main.command(epilog=_example("kb bench", "kb bench --passages 100000 --json"))
@click.option("--passages", type=click.IntRange(100, 5_000_000), help="Measure on a synthetic library of this size.")
@_json_option
def bench(passages: int | None, as_json: bool) -> None:
    """Measure speed and memory, on the current index or on a synthetic library."""
    from kb import bench as benchmark  # noqa: PLC0415

    with _knowledge() as knowledge, Bar() as bar:
        result = benchmark.measure(knowledge, passages, bar.step)
    click.echo(to_json(result) if as_json else benchmark.as_text(result))


@main.command(epilog=_example("kb status", "kb status --verify", "kb status --json"))
@click.option("--verify", is_flag=True, help="Check every byte of the index against its manifest.")
@_json_option
def status(verify: bool, as_json: bool) -> None:
    """Say what is built, from what, how big and how old. Exit code 1 when there is no usable index."""
    with _knowledge() as knowledge:
        state = knowledge.status(hashes=verify)
    click.echo(to_json(status_json(state)) if as_json else status_text(state))
    if not state.health.ok:
        raise click.exceptions.Exit(EXIT_FAULTS)


@main.command(epilog=_example("kb serve", "kb serve --load", "kb serve --host 0.0.0.0 --port 8080"))
@click.option("--host", help="Address to listen on (KB_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (KB_PORT).")
@click.option("--load", "load_first", is_flag=True, help="First load the corpus, and index what has changed.")
def serve(host: str | None, port: int | None, load_first: bool) -> None:
    """Serve the pages and the API, as scripts/server does."""
    from webapp.serve import serve as run  # noqa: PLC0415  the only command that needs the web app

    settings = _settings()
    with _knowledge() as knowledge:
        if load_first:
            _prepare(knowledge)
        run(knowledge, host or settings.host, port or settings.port)


def _prepare(knowledge: KnowledgeBase) -> None:
    """Loads what has changed in the corpus and indexes it; whatever fails is told and leaves the rest to be served."""
    try:
        report, faults = knowledge.load()
        for fault in faults:
            click.echo(str(fault), err=True)
        for record in report.conflicts:
            click.echo(f"conflict {record}: edited here and changed in its file; nothing was overwritten", err=True)
        for record in report.absent:
            click.echo(f"absent {record}: it has no file any more and is still served", err=True)
        with Bar() as bar:
            built = knowledge.build(progress=bar.step)
    except KbError as error:
        click.echo(f"kb serve: {error}; serving goes on with the last good index", err=True)
        return
    if built.published:
        click.echo(f"indexed {counted(built.records, 'record')}, {counted(built.passages, 'passage')}", err=True)
