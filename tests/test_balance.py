"""The library's balance: the repository's own meets every minimum, and a miss of each kind is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from made_up import make_case, make_lesson, make_library, write_corpus

from scripts.balance import weigh

if TYPE_CHECKING:
    from kb.records import Record

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "balance.py"


def test_the_library_of_this_repository_meets_every_minimum() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    for facet in ("outcome", "service", "theme", "sector", "nation", "decade"):
        assert f"\n{facet} " in done.stdout


def test_a_small_library_misses_them_and_each_is_named(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "corpus", make_library())
    done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert "named cases; at least 90" in done.stderr
    assert "cases of service homelessness; at least 3" in done.stderr


def test_a_library_with_faults_is_not_weighed(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "corpus", make_library())
    (folder / "cases" / "broken.md").write_text("no record\n", "utf-8")
    done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert "broken.md:1" in done.stderr


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    arguments = [sys.executable, SCRIPT, tmp_path / "nowhere"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == f"balance.py: {tmp_path / 'nowhere'}: no such file or folder\n"


def misses_of(*records: Record) -> str:
    return "\n".join(weigh(records).misses)


def many(count: int, **fields: Any) -> list[Record]:
    return [make_case(id=f"case-{number}", **fields) for number in range(count)]


def test_setbacks_are_a_share_of_the_cases() -> None:
    worked = many(6, outcome="worked", outcome_history=())
    assert "4 of 10 cases" not in misses_of(*worked, *many(4, outcome="failed", outcome_history=()))
    assert "3 of 10 cases failed" in misses_of(*worked, *many(1, outcome="worked"), *many(3, outcome="mixed"))


@pytest.mark.parametrize(
    ("fields", "miss"),
    [
        ({"nation": "Wales", "region": "Wales"}, "cases from Scotland, Wales and Northern Ireland"),
        ({"sectors": ("local-government", "fire")}, "cases of another sector"),
        ({"services": ("cyber",)}, "cases of service cyber"),
        ({"themes": ("culture",)}, "cases of theme culture"),
    ],
)
def test_enough_of_a_kind_is_no_miss(fields: dict[str, Any], miss: str) -> None:
    assert miss in misses_of(*many(2, **fields))
    assert miss not in misses_of(*many(15, **fields))


def test_a_lesson_does_not_count_as_a_case() -> None:
    assert "0 cases of service workforce" in misses_of(make_lesson(services=("workforce",)))


def test_bodies_too_short_or_too_long_are_named() -> None:
    case = make_case()
    words = sum(len(section.text.split()) for section in case.sections)
    assert words < 450
    assert f"{case.id} has {words} words of body; write 450 to 1100" in misses_of(case)
