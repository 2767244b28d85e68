"""What the README says is what the program does: settings, commands, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kb.cli import main
from kb.settings import SETTINGS, settings_table

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_readme_has_the_settings_table_as_the_program_knows_it() -> None:
    assert settings_table() in README, "README.md, Settings: paste the output of kb.settings.settings_table()"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_every_setting_is_explained(setting: object) -> None:
    assert len(getattr(setting, "help")) > 20  # noqa: B009  the parameter is typed for its id only


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_is_documented_and_has_examples(name: str) -> None:
    assert f"`kb {name}" in README
    assert f"kb {name}" in (main.commands[name].epilog or "")


def test_every_command_and_option_that_the_readme_shows_exists() -> None:
    shown = re.findall(r"^kb (\w+)(.*)$", README, re.MULTILINE) + re.findall(r"`kb (\w+)([^`]*)`", README)
    assert len(shown) > 10
    for name, rest in shown:
        if name == "COMMAND":
            continue
        known = {option for parameter in main.commands[name].params for option in parameter.opts}
        for option in re.findall(r"(?<=\s)(--[a-z-]+)", rest):
            assert option in known, f"README.md: kb {name} has no {option}"


def test_every_file_that_the_documents_link_to_is_there() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "corpus").glob("*.md")]
    assert len(documents) >= 5
    for document in documents:
        for link in re.findall(r"\]\(([^)#\s]+)", document.read_text("utf-8")):
            if not link.startswith("http"):
                assert (document.parent / link).exists(), f"{document.name} links to {link}, which is not there"


def test_no_package_registry_is_named_anywhere() -> None:
    """Machines differ in where their packages come from; the project names none."""
    hosts = re.compile(
        "|".join(["registry" + r"\.npmjs", "py" + r"pi\.org", "python" + "hosted", "deb" + r"\.debian\.org"])
    )
    for name in ("pyproject.toml", "constraints.txt", "package.json", "package-lock.json", ".npmrc", "README.md"):
        assert not hosts.search((ROOT / name).read_text("utf-8")), name
