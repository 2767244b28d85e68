"""The `kb` command: what each subcommand prints where, its JSON, its exit codes, and what it does not import.

Most tests run the command in this process, with the made-up encoder in the model's place. Those that need a process
of its own say so; those that need the real model are marked.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import click
import pytest
from click.testing import CliRunner, Result
from made_up import MadeUpEncoder, make_case, make_library, write_corpus

import kb.knowledge
import webapp.serve
from kb import vocabulary
from kb.cli import main
from kb.errors import KbError
from kb.generation import IndexFolder, Layout
from kb.knowledge import KnowledgeBase
from kb.record_file import render
from kb.settings import Settings
from kb.store import RecordStore

if TYPE_CHECKING:
    from kb.encoder import Encoder
    from kb.model import ModelFiles

ROOT: Final = Path(__file__).resolve().parent.parent
LIBRARY: Final = {record.id: record for record in make_library()}
COMMANDS: Final = sorted(main.commands)
BINS: Final = "crews with tablets and missed streets"
PROCESS_SECONDS: Final = 120

# The command in a process of its own, with the made-up encoder in the model's place.
MADE_UP_KB: Final = """
import kb.knowledge
from made_up import MadeUpEncoder
kb.knowledge.ensure_export = lambda *_: None
kb.knowledge.open_encoder = lambda *_: MadeUpEncoder()
from kb.cli import main
main(prog_name="kb")
"""


class Run(Protocol):
    """Runs `kb` with these arguments and checks its exit code."""

    def __call__(self, *arguments: str, exit_code: int = 0) -> Result: ...


@pytest.fixture
def variables(kb_settings: Settings) -> dict[str, str]:
    """The environment in which every folder is the test's own."""
    return {
        "KB_CORPUS": str(kb_settings.corpus),
        "KB_INSTANCE": str(kb_settings.instance),
        "KB_INDEX": str(kb_settings.index),
        "KB_THREADS": "1",
    }


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> Run:
    def ensure_export(name: str, models: Path) -> str:
        return name

    def open_encoder(files: str, threads: int) -> Encoder:
        return MadeUpEncoder()

    monkeypatch.setattr(kb.knowledge, "ensure_export", ensure_export)
    monkeypatch.setattr(kb.knowledge, "open_encoder", open_encoder)

    def run_kb(*arguments: str, exit_code: int = 0) -> Result:
        result = CliRunner(env=variables).invoke(main, arguments, prog_name="kb")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == exit_code, f"{result.stdout}\n{result.stderr}"
        return result

    return run_kb


@pytest.fixture
def indexed(run: Run) -> Run:
    """The command over six records, loaded and indexed."""
    run("load")
    run("index")
    return run


def process(variables: dict[str, str], *arguments: str | bytes, **more: Any) -> subprocess.CompletedProcess[str]:
    """`kb` with the made-up encoder, in a process of its own."""
    folders = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    return subprocess.run(
        [sys.executable, "-c", MADE_UP_KB, *arguments],
        env={**os.environ, **variables, "PYTHONPATH": folders, "PYTHONUTF8": "1"},
        check=False,
        encoding="utf-8",
        timeout=PROCESS_SECONDS,
        **(more or {"capture_output": True}),
    )


def corpus_file(variables: dict[str, str], record: str) -> Path:
    return Path(variables["KB_CORPUS"]) / f"{LIBRARY[record].kind}s" / f"{record}.md"


def spoil(path: Path) -> int:
    """Gives a record's file an outcome that does not exist; gives back its line."""
    text = path.read_text("utf-8")
    outcome = re.search(r"^outcome: .*$", text, re.MULTILINE)
    assert outcome
    path.write_text(text.replace(outcome[0], "outcome: splendid"), "utf-8")
    return text[: outcome.start()].count("\n") + 1


# --- help and use -----------------------------------------------------------------------------------------------------


def test_the_commands_are_those_that_are_promised() -> None:
    assert [
        *("ask", "bench", "check", "evaluate", "gaps", "index"),
        *("load", "serve", "signs", "similar", "status"),
    ] == COMMANDS


def examples_of(command: str) -> list[str]:
    shown = CliRunner().invoke(main, [command, "--help"], prog_name="kb", terminal_width=200).output
    _, found, examples = shown.partition("Examples:\n")
    assert found, shown
    return [line.strip() for line in examples.splitlines() if line.strip()]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_examples_that_it_understands(command: str) -> None:
    examples = examples_of(command)
    assert examples
    for example in examples:
        program, name, *arguments = shlex.split(example)
        assert (program, name) == ("kb", command)
        main.commands[command].make_context(command, arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_is_for_in_one_line_of_the_list(command: str) -> None:
    listed = CliRunner().invoke(main, ["--help"], prog_name="kb", terminal_width=200).output
    assert re.search(rf"^  {command}  +\S.*[^.]\.?$", listed, re.MULTILINE)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"serve"}))
def test_every_command_that_a_machine_may_read_has_json(command: str) -> None:
    assert "--json" in [option for parameter in main.commands[command].params for option in parameter.opts]


def test_help_documents_the_exit_codes_and_the_settings() -> None:
    shown = CliRunner().invoke(main, ["-h"], prog_name="kb", terminal_width=200).output
    assert "Exit codes: 0 done, 1 done but something is wrong, 2 wrong use, 3 could not be done." in shown
    for variable in ("KB_CORPUS", "KB_INSTANCE", "KB_INDEX", "KB_MODEL"):
        assert variable in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("ask",),
        ("ask", "bins", "--limit", "0"),
        ("ask", "bins", "--limit", "many"),
        ("ask", "bins", "--from", "2020", "--to", "2010"),
        ("ask", "bins", "--filter", "outcome"),
        ("evaluate",),
        ("evaluate", "questions.jsonl", "--beir", "folder"),
        ("bench", "--passages", "1"),
        ("serve", "--port", "0"),
        ("similar",),
        ("similar", "Leeds", "--check"),
        ("similar", "Leeds", "--factor", "wealth"),
        ("status", "--nonsense"),
    ],
)
def test_wrong_use_is_exit_code_2_and_tells_the_right_one(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, exit_code=2)
    assert result.stdout == ""
    assert "Usage: kb" in result.stderr
    assert "Error: " in result.stderr


def test_a_setting_that_cannot_be_used_is_named(run: Run, variables: dict[str, str]) -> None:
    variables["KB_THREADS"] = "many"
    result = run("status", exit_code=3)
    assert result.stdout == ""
    assert re.fullmatch(r"kb status: KB_THREADS is 'many'; it takes a whole number.*, such as 0\n", result.stderr)


@pytest.mark.parametrize("variable", ["KB_CORPUS", "KB_INSTANCE", "KB_INDEX"])
def test_folders_come_from_the_environment(run: Run, variables: dict[str, str], tmp_path: Path, variable: str) -> None:
    moved = tmp_path / "elsewhere" / variable
    if variable == "KB_CORPUS":
        write_corpus(moved, [make_case()])
    variables[variable] = str(moved)
    run("load")
    run("index")
    assert any(moved.iterdir())
    assert json.loads(run("status", "--json").stdout)["records"] == (1 if variable == "KB_CORPUS" else 6)


# --- kb check ---------------------------------------------------------------------------------------------------------


def test_check_of_faultless_records_prints_nothing_but_a_count_on_stderr(run: Run) -> None:
    result = run("check")
    assert result.stdout == ""
    assert result.stderr == "6 records without fault, 0 faults\n"


def test_check_tells_every_fault_of_every_file_with_its_line(run: Run, variables: dict[str, str]) -> None:
    places = [(path, spoil(path)) for path in (corpus_file(variables, name) for name in ("anytown-bins", "l-2b7xq4"))]

    result = run("check", exit_code=1)

    lines = result.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{path}:{line}" for path, line in places]
    assert all("'splendid' is not one of worked, recovered" in line for line in lines)
    assert result.stderr == "4 records without fault, 2 faults\n"


def test_check_takes_files_and_folders(run: Run, variables: dict[str, str]) -> None:
    spoil(corpus_file(variables, "anytown-bins"))
    assert run("check", str(Path(variables["KB_CORPUS"]) / "lessons")).stderr == "2 records without fault, 0 faults\n"
    assert run("check", str(corpus_file(variables, "glen-foster-carers"))).exit_code == 0


def test_check_of_the_whole_corpus_finds_links_that_lead_nowhere(run: Run, variables: dict[str, str]) -> None:
    corpus_file(variables, "anytown-bins").unlink()
    path = corpus_file(variables, "otherham-library-trust")
    told = run("check", exit_code=1).stdout
    assert re.fullmatch(rf"{re.escape(str(path))}:\d+: linked: there is no record 'anytown-bins'; .*\n", told)
    assert run("check", str(path)).stdout == ""


def test_check_as_json(run: Run, variables: dict[str, str]) -> None:
    path = corpus_file(variables, "anytown-bins")
    line = spoil(path)
    found = json.loads(run("check", "--json", exit_code=1).stdout)
    assert found["files"] == 5
    (fault,) = found["faults"]
    assert (fault["file"], fault["line"]) == (str(path), line)
    assert set(fault) == {"file", "line", "message"}


def test_a_path_that_does_not_exist_could_not_be_checked(run: Run, tmp_path: Path) -> None:
    result = run("check", str(tmp_path / "nowhere"), exit_code=3)
    assert (result.stdout, result.stderr) == ("", f"kb check: {tmp_path / 'nowhere'}: no such file or folder\n")


# --- kb load ----------------------------------------------------------------------------------------------------------


def test_load_prints_what_it_did_to_which_record(run: Run, variables: dict[str, str]) -> None:
    result = run("load")
    assert sorted(result.stdout.splitlines()) == sorted(f"added {name}" for name in LIBRARY)
    assert result.stderr == "6 added, 0 updated, 0 unchanged, 0 conflicts, 0 absent, 0 removed\n"

    write_corpus(Path(variables["KB_CORPUS"]), [make_case(title="Bins again")])
    result = run("load")
    assert result.stdout == "updated anytown-bins\n"
    assert result.stderr == "0 added, 1 updated, 5 unchanged, 0 conflicts, 0 absent, 0 removed\n"


def test_load_as_json(run: Run) -> None:
    found = json.loads(run("load", "--json").stdout)
    assert sorted(found.pop("added")) == sorted(LIBRARY)
    assert found == {"updated": [], "unchanged": [], "conflicts": [], "absent": [], "removed": [], "faults": 0}


def test_a_conflict_is_told_and_nothing_overwritten(run: Run, variables: dict[str, str]) -> None:
    run("load")
    path = Path(variables["KB_INSTANCE"]) / "kb.sqlite"
    edited = render(make_case(title="Edited here"))
    with RecordStore(path) as store:
        store.edit("anytown-bins", edited, "curator")
    write_corpus(Path(variables["KB_CORPUS"]), [make_case(title="Changed in the file")])

    result = run("load", exit_code=1)

    assert result.stdout == ("conflict anytown-bins: edited here and changed in its file; nothing was overwritten\n")
    with RecordStore(path) as store:
        assert {record.id: record.markdown for record in store.records()}["anytown-bins"] == edited


def test_a_record_without_a_file_is_kept_until_it_is_pruned(run: Run, variables: dict[str, str]) -> None:
    run("load")
    corpus_file(variables, "anytown-bins").unlink()
    assert run("load").stdout == (
        "absent anytown-bins: it has no file any more and was kept; `kb load --prune` removes it\n"
    )
    assert run("load", "--prune").stdout == "removed anytown-bins\n"
    assert json.loads(run("load", "--json").stdout)["absent"] == []


def test_an_edited_record_that_pruning_kept_is_told_apart(run: Run, variables: dict[str, str]) -> None:
    run("load")
    with RecordStore(Path(variables["KB_INSTANCE"]) / "kb.sqlite") as store:
        store.edit("anytown-bins", render(make_case(title="Edited here")), "curator")
    path = corpus_file(variables, "otherham-library-trust")
    path.unlink()
    corpus_file(variables, "anytown-bins").unlink()
    assert run("load", "--prune").stdout == (
        "removed otherham-library-trust\n"
        "absent anytown-bins: it has no file any more and was kept, as it was edited here\n"
    )


def test_pruning_that_cannot_be_done_says_why(run: Run, variables: dict[str, str]) -> None:
    run("load")
    corpus_file(variables, "otherham-library-trust").unlink()
    lessons = str(Path(variables["KB_CORPUS"]) / "lessons")
    assert "nothing was pruned: only some PATHs were read; leave them out\n" in run("load", "--prune", lessons).stderr
    spoil(corpus_file(variables, "anytown-bins"))
    told = run("load", "--prune", exit_code=1)
    assert "nothing was pruned: a file has a fault; mend it first\n" in told.stderr
    assert told.stdout == ""
    assert "pruned" not in run("load", exit_code=1).stderr


def test_files_with_faults_are_left_out_and_told_on_stderr(run: Run, variables: dict[str, str]) -> None:
    path = corpus_file(variables, "anytown-bins")
    line = spoil(path)
    result = run("load", exit_code=1)
    assert result.stderr.startswith(f"{path}:{line}: ")
    assert "added anytown-bins" not in result.stdout
    assert len(result.stdout.splitlines()) == 5


def test_some_paths_alone_can_be_loaded(run: Run, variables: dict[str, str]) -> None:
    run("load")
    result = run("load", str(Path(variables["KB_CORPUS"]) / "lessons"))
    assert result.stderr == "0 added, 0 updated, 2 unchanged, 0 conflicts, 0 absent, 0 removed\n"


# --- kb index ---------------------------------------------------------------------------------------------------------


def test_index_says_what_was_published_and_how_much_of_it_was_embedded(run: Run, variables: dict[str, str]) -> None:
    run("load")
    result = run("index")
    name = IndexFolder(Path(variables["KB_INDEX"])).pointed_at()
    assert re.fullmatch(
        rf"published {re.escape(name)}: 6 records, (\d+) passages, \1 embedded, 0 reused, \d+\.\d s\n", result.stdout
    )
    assert result.stderr == "", "no progress bar where nobody sees it"

    again = run("index")
    assert again.stdout.startswith(f"nothing has changed since {name}: 6 records, ")


def test_index_as_json(run: Run) -> None:
    run("load")
    found = json.loads(run("index", "--json").stdout)
    assert set(found) == {
        "generation", "records", "passages", "embedded", "reused", "seconds", "embed_seconds", "published",
    }  # fmt: skip
    assert (found["records"], found["embedded"], found["published"]) == (6, found["passages"], True)
    full = json.loads(run("index", "--full", "--json").stdout)
    assert (full["embedded"], full["published"]) == (found["passages"], True)


def test_index_before_anything_is_loaded_says_what_to_do(run: Run, variables: dict[str, str]) -> None:
    result = run("index", exit_code=3)
    path = Path(variables["KB_INSTANCE"]) / "kb.sqlite"
    assert (result.stdout, result.stderr) == ("", f"kb index: {path}: no such database; run `kb load`\n")


# --- kb ask -----------------------------------------------------------------------------------------------------------

# Other programs rely on these (issue 2, section 5): field -> its type.
ANSWER: Final[dict[str, Any]] = {"question": str, "close": bool, "hits": list, "counts": dict, "milliseconds": dict}
HIT: Final[dict[str, Any]] = {
    "rank": int, "record": str, "kind": str, "title": str, "outcome": str, "outcome_as_at": (str, type(None)),
    "section": str, "stance": str, "text": str, "highlight": str, "score": float, "semantic": float, "lexical": float,
    "band": str, "url": str,
}  # fmt: skip


def test_ask_as_json_has_the_fields_that_others_rely_on(indexed: Run) -> None:
    found = json.loads(indexed("ask", BINS, "--json").stdout)
    for name, kind in ANSWER.items():
        assert isinstance(found[name], kind), name
    assert len(found["hits"]) == 6
    for rank, hit in enumerate(found["hits"], start=1):
        assert hit["rank"] == rank
        for name, kind in HIT.items():
            assert isinstance(hit[name], kind), name
        assert hit["highlight"] in hit["text"]
        assert hit["url"].startswith(f"/records/{hit['record']}#")
        assert hit["band"] in ("strong", "fair", "weak")
    assert found["question"] == BINS
    assert found["close"] is True
    assert found["hits"][0]["record"] == "anytown-bins"
    assert all(isinstance(count, int) for counts in found["counts"].values() for count in counts.values())
    assert {"outcome", "stance"} <= set(found["counts"])
    assert all(isinstance(value, float) for value in found["milliseconds"].values())
    assert "total" in found["milliseconds"]


def test_ask_tells_a_person_where_it_is_from_how_it_ended_and_what_it_says(indexed: Run) -> None:
    told = indexed("ask", "crews chose the tablets", "--limit", "1").stdout
    assert "1. Missed bins, and the crews who put them right\n" in told
    assert "Anytown Council, 2014-2017. Worked as at 2018-05. External auditor. [" in told
    assert "> Crews chose the tablets themselves." in told
    assert "/records/anytown-bins#what-worked\n" in told
    assert re.match(r"(1 record bears|\d+ records bear) on this: ", told)
    alone = indexed("ask", "crews chose the tablets", "--outcome", "worked", "--service", "environment-and-waste")
    assert alone.stdout.startswith("1 record bears on this: 1 worked.\n")


def records_in(result: Result) -> list[str]:
    return [hit["record"] for hit in json.loads(result.stdout)["hits"]]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--outcome", "failed"), {"otherham-library-trust", "l-9kd3ws"}),
        (("--outcome", "failed", "--outcome", "relapsed"), {"otherham-library-trust", "l-9kd3ws", "valley-care-rota"}),
        (("--outcome", "failed", "--kind", "lesson"), {"l-9kd3ws"}),
        (("--service", "adults"), {"valley-care-rota"}),
        (("--theme", "governance"), {"otherham-library-trust", "l-9kd3ws"}),
        (("--filter", "nation=Scotland"), {"glen-foster-carers"}),
        (
            ("--filter", "council_type=welsh", "--filter", "council_type=scottish"),
            {"glen-foster-carers", "valley-care-rota"},
        ),
        (("--from", "2022"), {"valley-care-rota", "l-9kd3ws"}),
        (("--to", "2009"), {"otherham-library-trust"}),
    ],
)
def test_ask_with_filters(indexed: Run, options: tuple[str, ...], wanted: set[str]) -> None:
    assert set(records_in(indexed("ask", "what helps?", *options, "--json"))) == wanted


def test_ask_in_another_order(indexed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.ranker.CLOSE_FROM", 0.0)
    monkeypatch.setattr("kb.ranker.FAIR_FROM", 0.02)
    question = "bins streets crews tablets complaints software carers payroll"
    newest = json.loads(indexed("ask", question, "--sort", "newest", "--json").stdout)["hits"]
    dates = [hit["outcome_as_at"] or str(hit["years"][1]) for hit in newest]
    assert len(dates) > 2
    assert dates == sorted(dates, reverse=True)


def test_ask_about_places_like_a_council(indexed: Run) -> None:
    told = indexed("ask", "bins", "--council", "Slough", exit_code=2).stderr
    assert "--council and --places go together" in " ".join(told.split())
    told = indexed("ask", "bins", "--council", "Sloug", "--places", "like", exit_code=3).stderr
    assert "'Sloug' is no council of today" in told
    found = indexed("ask", "what helps?", "--council", "Slough", "--places", "like", "--json")
    assert "anytown-bins" not in records_in(found), "no council that is like Slough"


def test_ask_with_a_limit(indexed: Run) -> None:
    assert len(records_in(indexed("ask", BINS, "--limit", "2", "--json"))) == 2


@pytest.mark.parametrize("option", ["--outcome", "--service", "--theme", "--kind"])
def test_an_unknown_value_is_wrong_use_and_tells_the_known_ones(run: Run, option: str) -> None:
    result = run("ask", "bins", option, "splendid", exit_code=2)
    known = {
        "--outcome": vocabulary.OUTCOME, "--service": vocabulary.SERVICE, "--theme": vocabulary.THEME,
        "--kind": vocabulary.KIND,
    }[option]  # fmt: skip
    told = " ".join(result.stderr.split())
    assert f"{option[2:]} 'splendid' is not one of {', '.join(known.codes)}" in told


def test_an_unknown_filter_is_wrong_use_and_tells_the_known_ones(run: Run) -> None:
    result = run("ask", "bins", "--filter", "colour=blue", exit_code=2)
    assert "'colour' is not a filter; the filters are outcome, service," in " ".join(result.stderr.split())


def test_ask_says_when_nothing_comes_close(indexed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.ranker.CLOSE_FROM", 9.0)
    told = indexed("ask", BINS).stdout
    assert told.startswith("Nothing in the library comes close to this. The nearest, all weak:\n")
    assert "[strong]" not in told


def test_ask_says_when_nothing_is_recorded_on_what_did_not_work(indexed: Run) -> None:
    assert indexed("ask", "foster carers", "--service", "children").stdout.endswith(
        "Nothing is recorded on what did not work.\n"
    )
    told = indexed("ask", "a programme board that heard only from the people who sold the payroll system", "--balanced")
    assert "Nothing is recorded" not in told.stdout


@pytest.mark.parametrize("question", ["", "   "])
def test_an_empty_question_is_no_fault(indexed: Run, question: str) -> None:
    assert indexed("ask", question).stdout == "Nothing to search for: ask in a few words.\n"
    assert json.loads(indexed("ask", question, "--json").stdout)["hits"] == []


def test_a_filter_that_fits_no_record_is_no_fault(indexed: Run) -> None:
    assert indexed("ask", "bins", "--filter", "nation=Northern Ireland").stdout == "No record fits.\n"


@pytest.mark.parametrize(
    "question", ['"', "AND OR NOT", "title:bins", "bins\x00crews", "🗑️", "מה עובד", "Llŷn", "\ud800", "x" * 20_000]
)
def test_questions_of_any_kind_are_answered(indexed: Run, question: str) -> None:
    found = json.loads(indexed("ask", question, "--json").stdout)
    assert found["question"] == question


def test_ask_without_an_index_says_what_to_do(run: Run, variables: dict[str, str]) -> None:
    result = run("ask", "bins", exit_code=3)
    assert result.stdout == ""
    assert result.stderr == (
        f"kb ask: {variables['KB_INDEX']}: no index that can answer; run `kb load` and then `kb index` "
        "(or scripts/server)\n"
    )


# --- kb status --------------------------------------------------------------------------------------------------------


def test_status_as_json(indexed: Run, variables: dict[str, str]) -> None:
    found = json.loads(indexed("status", "--json").stdout)
    assert set(found) == {
        "ok", "message", "generation", "records", "passages", "stored_records", "stale", "bytes", "created", "model",
        "folder",
    }  # fmt: skip
    name = IndexFolder(Path(variables["KB_INDEX"])).pointed_at()
    assert (found["ok"], found["message"], found["generation"]) == (True, "", name)
    assert (found["records"], found["stored_records"], found["stale"]) == (6, 6, False)
    assert found["model"] == "made-up@1"
    assert found["folder"] == str(Path(variables["KB_INDEX"]) / name)


def test_status_tells_a_person_when_the_index_is_stale(indexed: Run, variables: dict[str, str]) -> None:
    assert "(up to date)" in indexed("status").stdout
    write_corpus(Path(variables["KB_CORPUS"]), [make_case(title="Bins again")])
    indexed("load")
    told = indexed("status").stdout
    assert "(stale: the records have changed since; run `kb index`)" in told
    assert "6 records of 6 in the store" in told


def test_status_without_an_index_is_exit_code_1(run: Run) -> None:
    result = run("status", exit_code=1)
    assert result.stdout.startswith("No usable index. ")
    assert json.loads(run("status", "--json", exit_code=1).stdout)["ok"] is False


def test_status_verifies_every_byte_when_it_is_asked_to(indexed: Run, variables: dict[str, str]) -> None:
    index = IndexFolder(Path(variables["KB_INDEX"]))
    vectors = Layout(index.folder / index.pointed_at()).sentence_vectors
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)
    told = indexed("status", "--verify", exit_code=1).stdout
    assert f"{vectors}: its content is not what its manifest says" in told


# --- kb evaluate ------------------------------------------------------------------------------------------------------


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return write_lines(
        tmp_path / "questions.jsonl",
        [
            {"question": BINS, "relevant": {"anytown-bins": 3}},
            {"question": "experienced foster carers", "relevant": {"glen-foster-carers": 3, "valley-care-rota": 1}},
            {"question": "how long to boil an egg", "relevant": {}},
        ],
    )


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "small-set"
    write_lines(
        folder / "corpus.jsonl",
        [
            {"_id": "d1", "title": "Wings", "text": "Lift grows with the angle of the wings."},
            {"_id": "d2", "title": "Heat", "text": "Boundary layers carry the heat away."},
            {"_id": "d3", "title": "Rivers", "text": ""},
        ],
    )
    write_lines(folder / "queries.jsonl", [{"_id": "q1", "text": "angle of the wings"}, {"_id": "q2", "text": "heat"}])
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n")
    return folder


def assert_measures(found: dict[str, Any]) -> None:
    assert set(found["lexical"]) == set(found["dense"]) == set(found["fused"]) == {"ndcg@10", "recall@10", "mrr"}
    for leg in ("lexical", "dense", "fused"):
        for interval in found[leg].values():
            assert 0 <= interval["low"] <= interval["mean"] <= interval["high"] <= 1


def test_evaluate_gives_measures_by_leg_and_fused_with_intervals(indexed: Run, questions: Path) -> None:
    found = json.loads(indexed("evaluate", str(questions), "--json").stdout)
    assert_measures(found)
    assert (found["questions"], found["answerable"]) == (3, 2)
    assert found["fused"]["mrr"]["mean"] == 1.0
    assert found["unanswerable"]["questions"] == 1

    told = indexed("evaluate", str(questions)).stdout
    assert re.search(r"^fused ndcg@10 +\d\.\d{3}  \(\d\.\d{3} to \d\.\d{3}\)$", told, re.MULTILINE)


def test_evaluate_takes_one_half_of_the_questions(indexed: Run, tmp_path: Path) -> None:
    lines = [
        {"question": "payroll", "relevant": {}, "half": "tune"},
        {"question": "experienced foster carers", "relevant": {"glen-foster-carers": 3}, "half": "test"},
    ]
    path = tmp_path / "halves.jsonl"
    write_lines(path, lines)
    found = json.loads(indexed("evaluate", str(path), "--half", "test", "--json").stdout)
    assert (found["questions"], found["answerable"]) == (1, 1)
    result = indexed("evaluate", str(path), "--half", "third", exit_code=2)
    assert "--half third" in result.stderr
    assert "has no question of that half" in result.stderr


def test_evaluate_of_a_public_test_set(indexed: Run, beir: Path, variables: dict[str, str]) -> None:
    before = IndexFolder(Path(variables["KB_INDEX"])).pointed_at()
    found = json.loads(indexed("evaluate", "--beir", str(beir), "--json").stdout)
    assert set(found) == {"ndcg@10", "recall@100", "legs", "queries", "documents", "ask_ms_p50"}
    assert set(found["legs"]) == {"lexical", "dense"}
    assert (found["queries"], found["documents"]) == (2, 3)
    assert (found["ndcg@10"], found["recall@100"]) == (1.0, 1.0)
    assert IndexFolder(Path(variables["KB_INDEX"])).pointed_at() == before, "the library's own index is left alone"


def test_evaluate_needs_no_index_for_a_public_test_set(run: Run, beir: Path) -> None:
    assert "ndcg@10" in run("evaluate", "--beir", str(beir)).stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ('{"question": "bins"}', '"relevant" (record-id: 1 to 3)'),
        ('{"question": "bins", "relevant": {"anytown-bins": 4}}', "a grade is 1, 2 or 3"),
        ("", "holds no question"),
    ],
)
def test_a_file_of_questions_that_cannot_be_used_is_told_with_its_line(
    indexed: Run, tmp_path: Path, line: str, message: str
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f"{line}\n")
    result = indexed("evaluate", str(path), exit_code=3)
    assert result.stdout == ""
    assert re.match(rf"kb evaluate: {re.escape(str(path))}(:1)?: ", result.stderr)
    assert message in result.stderr


def test_a_question_on_a_record_that_the_library_does_not_have_is_named(indexed: Run, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "questions.jsonl", [{"question": "bins", "relevant": {"nowhere": 1}}])
    assert "the library has no record nowhere" in indexed("evaluate", str(path), exit_code=3).stderr


def test_a_folder_that_is_no_test_set_is_named(run: Run, tmp_path: Path) -> None:
    assert str(tmp_path) in run("evaluate", "--beir", str(tmp_path), exit_code=3).stderr


# --- kb serve ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, str, int]]:
    """Each time that a server would have been started: whether it has an index, and where it listens."""
    calls: list[tuple[bool, str, int]] = []

    def serve(knowledge: KnowledgeBase, host: str, port: int) -> None:
        calls.append((knowledge.health().ok, host, port))

    monkeypatch.setattr(webapp.serve, "serve", serve)
    return calls


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), ("127.0.0.1", 8000)),
        (("--port", "8080"), ("127.0.0.1", 8080)),
        (("--host", "0.0.0.0", "--port", "1"), ("0.0.0.0", 1)),
    ],
)
def test_serve_listens_where_it_is_told_to(
    run: Run, served: list[tuple[bool, str, int]], arguments: tuple[str, ...], wanted: tuple[str, int]
) -> None:
    run("serve", *arguments)
    assert served == [(False, *wanted)], "without an index too: the pages then say what to do"


def test_serve_takes_its_address_from_the_environment(
    run: Run, served: list[tuple[bool, str, int]], variables: dict[str, str]
) -> None:
    variables.update(KB_HOST="10.0.0.1", KB_PORT="81")
    run("serve")
    assert served == [(False, "10.0.0.1", 81)]


def test_serve_can_load_and_index_first_and_serves_what_has_no_fault(
    run: Run, served: list[tuple[bool, str, int]], variables: dict[str, str]
) -> None:
    path = corpus_file(variables, "anytown-bins")
    line = spoil(path)

    first = run("serve", "--load")
    again = run("serve", "--load")

    assert served == [(True, "127.0.0.1", 8000)] * 2
    assert first.stdout == ""
    assert first.stderr.startswith(f"{path}:{line}: ")
    assert re.search(r"^indexed 5 records, \d+ passages$", first.stderr, re.MULTILINE)
    assert "indexed" not in again.stderr, "nothing had changed"
    assert json.loads(run("status", "--json").stdout)["records"] == 5


def test_serve_tells_of_records_whose_file_is_gone(
    run: Run, served: list[tuple[bool, str, int]], variables: dict[str, str]
) -> None:
    run("load")
    corpus_file(variables, "glen-foster-carers").unlink()
    told = run("serve", "--load").stderr
    assert "absent glen-foster-carers: it has no file any more and is still served\n" in told


@pytest.mark.parametrize("step", ["load", "build"])
def test_serve_goes_on_with_the_last_good_index_when_it_cannot_prepare_another(
    indexed: Run, served: list[tuple[bool, str, int]], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KbError("the disk is full")

    monkeypatch.setattr(KnowledgeBase, step, fail)
    result = indexed("serve", "--load")
    assert served == [(True, "127.0.0.1", 8000)]
    assert result.stderr == "kb serve: the disk is full; serving goes on with the last good index\n"


# --- as processes of their own ----------------------------------------------------------------------------------------


def test_the_installed_command_and_the_module_are_the_same() -> None:
    installed = [str(Path(sys.executable).with_name("kb"))]
    for command in (installed, [sys.executable, "-m", "kb"]):
        done = subprocess.run([*command, "--version"], check=True, capture_output=True, text=True, cwd=ROOT)
        assert re.fullmatch(r".*kb.*, version \d+\.\d+\.\d+\n", done.stdout)
        assert done.stderr == ""


def test_stdout_has_data_only_and_stderr_progress_only(variables: dict[str, str]) -> None:
    """Where stderr is a terminal the bar is drawn on it, and stdout can still be piped to another program."""
    assert process(variables, "load").returncode == 0
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (25, 80))
    try:
        done = process(variables, "index", "--json", stdout=subprocess.PIPE, stderr=end)
    finally:
        os.close(end)
    drawn = b""
    while True:
        try:
            drawn += os.read(terminal, 65536)
        except OSError:  # the other end is closed and everything was read
            break
    os.close(terminal)
    assert done.returncode == 0
    assert json.loads(done.stdout)["published"] is True
    assert b"embed: 100%" in drawn
    assert b"verify: 100%" in drawn


def test_warnings_go_to_stderr_and_leave_the_json_whole(variables: dict[str, str]) -> None:
    for _ in range(2):
        assert process(variables, "load").returncode == 0
        assert process(variables, "index", "--full").returncode == 0
    index = IndexFolder(Path(variables["KB_INDEX"]))
    damaged = index.pointed_at()
    Layout(index.folder / damaged).dense.write_bytes(b"")

    done = process(variables, "ask", BINS, "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["hits"][0]["record"] == "anytown-bins"
    first, second = done.stderr.splitlines()
    assert first.startswith(f"WARNING index generation {damaged} is damaged and set aside: ")
    assert second.startswith("WARNING answering from generation ")


def test_a_failure_is_one_line_and_no_traceback(variables: dict[str, str]) -> None:
    done = process(variables, "ask", "bins")
    assert (done.returncode, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1


def test_an_argument_that_is_no_text_is_a_question_like_any_other(variables: dict[str, str]) -> None:
    """A terminal hands over bytes; what is not UTF-8 arrives as lone surrogates, which no encoding can write."""
    assert process(variables, "load").returncode == 0
    assert process(variables, "index").returncode == 0
    done = process(variables, "ask", b"crews \xff tablets", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["question"] == "crews \udcff tablets"
    assert found["hits"][0]["record"] == "anytown-bins"
    assert process(variables, "ask", b"crews \xff tablets").returncode == 0


# --- with the real model ----------------------------------------------------------------------------------------------


@pytest.fixture
def real_variables(variables: dict[str, str], real_model: ModelFiles, real_encoder: Encoder) -> dict[str, str]:
    """The environment of a library that is loaded and indexed with the real model, exported already."""
    index = Path(variables["KB_INDEX"])
    index.mkdir(parents=True)
    (index / "models").symlink_to(real_model.folder.parent)
    with KnowledgeBase(Settings.from_environment(variables), encoder=real_encoder) as knowledge:
        knowledge.load()
        knowledge.build()
    return {**variables, "KB_THREADS": "2"}


def real(variables: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **variables, "HF_HUB_OFFLINE": "1"},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done


# --- similar ----------------------------------------------------------------------------------------------------------


def test_similar_lists_places_with_their_words(run: Run) -> None:
    lines = run("similar", "barnsley", "--limit", "2").stdout.splitlines()
    assert lines[0].startswith("Places like Barnsley Metropolitan Borough Council, the most alike first.")
    assert lines[1] == (
        "Rotherham (E08000018): same type, similar size, as urban, similarly deprived, same region, next door "
        "[published neighbour 1]"
    )
    assert len(lines) == 3


def test_similar_as_json_counts_the_chosen_factors(run: Run) -> None:
    (found,) = json.loads(run("similar", "E07000148", "--limit", "1", "--factor", "bordering", "--json").stdout)
    assert (found["gss"], found["words"], found["neighbour_rank"]) == ("E07000144", "next door", None)
    assert [match["code"] for match in found["factors"]] == ["bordering"]


def test_similar_of_no_council_could_not_be_done(run: Run) -> None:
    result = run("similar", "Atlantis", exit_code=3)
    assert "kb similar: 'Atlantis' is no council of today" in result.stderr


def test_similar_holds_itself_against_published_neighbours(run: Run) -> None:
    rows = json.loads(run("similar", "--check", "--json").stdout)
    assert {row["half"] for row in rows} == {"tune", "test"}


# What takes seconds to import, and what only other commands need.
HEAVY: Final = ("torch", "transformers", "sentence_transformers", "onnx", "onnxscript", "flask", "waitress", "tqdm")


@pytest.mark.model
def test_asking_imports_neither_torch_nor_transformers_nor_sentence_transformers(
    real_variables: dict[str, str],
) -> None:
    program = (
        "import json, sys\n"
        "from kb.cli import main\n"
        "main(sys.argv[1:], prog_name='kb', standalone_mode=False)\n"
        "json.dump(sorted(sys.modules), sys.stderr)\n"
    )
    done = real(real_variables, "-c", program, "ask", BINS, "--json")
    assert json.loads(done.stdout)["hits"][0]["record"] == "anytown-bins"
    imported = json.loads(done.stderr)
    assert "onnxruntime" in imported
    assert [name for name in imported if name.partition(".")[0] in HEAVY] == []


@pytest.mark.model
@pytest.mark.parametrize("command", ["--help", "check"])
def test_what_needs_no_search_engine_imports_none(real_variables: dict[str, str], command: str) -> None:
    program = (
        "import json, sys\n"
        "from kb.cli import main\n"
        "try:\n    main(sys.argv[1:], prog_name='kb', standalone_mode=False)\n"
        "finally:\n    print('\\n' + json.dumps(sorted(sys.modules)))\n"
    )
    done = real(real_variables, "-c", program, command)
    imported = json.loads(done.stdout.splitlines()[-1])
    assert [name for name in imported if name.partition(".")[0] in (*HEAVY, "onnxruntime", "faiss", "tantivy")] == []


@pytest.mark.model
def test_the_whole_way_with_the_real_model(real_variables: dict[str, str]) -> None:
    status = json.loads(real(real_variables, "-m", "kb", "status", "--verify", "--json").stdout)
    assert status["ok"]
    assert status["model"].startswith("all-MiniLM-L6-v2@")
    assert real(real_variables, "-m", "kb", "index").stdout.startswith("nothing has changed since ")
    found = json.loads(real(real_variables, "-m", "kb", "ask", "garbage collectors skipped our road", "--json").stdout)
    assert found["hits"][0]["record"] == "anytown-bins", "no word in common, the same meaning"


@pytest.mark.model
@pytest.mark.slow
def test_evaluate_with_the_real_model(real_variables: dict[str, str], questions: Path, beir: Path) -> None:
    found = json.loads(real(real_variables, "-m", "kb", "evaluate", str(questions), "--json").stdout)
    assert_measures(found)
    assert found["fused"]["mrr"]["mean"] == 1.0
    again = [
        json.loads(real(real_variables, "-m", "kb", "evaluate", "--beir", str(beir), "--json").stdout) for _ in "12"
    ]
    for one in again:
        assert (one["ndcg@10"], one["queries"], one["documents"]) == (1.0, 2, 3)
        assert one["ask_ms_p50"] > 0


@pytest.mark.model
@pytest.mark.slow
def test_bench_with_the_real_model(real_variables: dict[str, str]) -> None:
    found = json.loads(real(real_variables, "-m", "kb", "bench", "--passages", "240", "--json").stdout)
    for name in ("encoder_ms", "ask_ms"):
        assert 0 < found[name]["p50"] <= found[name]["p95"]
    assert all(value >= 0 for value in found["stages_ms"].values())
    for name in ("build_passages_per_s", "encoder_passages_per_s", "memory_mb", "cold_start_s"):
        assert found[name] > 0, name
    assert found["passages"] == 240
    left = [path.name for path in (Path(real_variables["KB_INDEX"]) / "throw-away").iterdir()]
    assert left == [], "what was made to measure is taken away"


# --- documentation ----------------------------------------------------------------------------------------------------


@pytest.fixture
def readme() -> str:
    path = ROOT / "README.md"
    if not path.exists():
        pytest.skip("there is no README.md yet")
    return path.read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(readme: str, command: str) -> None:
    assert f"kb {command}" in readme


def test_the_readme_shows_no_command_or_option_that_does_not_exist(readme: str) -> None:
    """In its blocks of commands, and in its table, in which a command's options stand beside it."""
    written = re.findall(r"^(?:\| `|\s*(?:\$ )?)kb ([a-z]+)(.*)$", readme, re.MULTILINE)
    assert written
    for name, rest in written:
        assert name in COMMANDS, f"kb {name}"
        known = {option for parameter in main.commands[name].params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S|\w)--[a-z]+", rest.replace("`", " ").replace("[", " "))) <= known, (
            f"kb {name}{rest}"
        )


def test_every_option_says_what_it_does() -> None:
    for name, command in main.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts}"
