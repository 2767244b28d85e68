"""Settings: one table, read from the environment, each value checked and each fault named."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from kb.errors import SettingError
from kb.settings import SETTINGS, Settings, settings_table


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    assert [setting.name for setting in SETTINGS] == [field.name for field in fields(Settings)]


def test_every_setting_says_what_it_is_for() -> None:
    assert all(setting.help.endswith(".") for setting in SETTINGS)
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.variable.startswith("KB_") for setting in SETTINGS)


def test_nothing_set_gives_the_defaults() -> None:
    settings = Settings.from_environment({})
    assert settings.corpus == Path.cwd() / "corpus"
    assert settings.instance == Path.cwd() / "instance"
    assert settings.index == Path.cwd() / "index"
    assert settings.model == ""
    assert settings.host == "127.0.0.1"
    assert settings.port == 8000
    assert settings.threads >= 1
    assert settings.server_threads >= 1
    assert settings.question_max == 2000


def test_each_setting_is_read_from_its_variable(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "KB_CORPUS": str(tmp_path / "corpus"),
            "KB_INSTANCE": str(tmp_path / "instance"),
            "KB_INDEX": str(tmp_path / "index"),
            "KB_MODEL": "some/model",
            "KB_THREADS": "3",
            "KB_HOST": "0.0.0.0",
            "KB_PORT": "8080",
            "KB_SERVER_THREADS": "9",
            "KB_QUESTION_MAX": "500",
            "PORT": "1",
        }
    )
    assert settings == Settings(
        tmp_path / "corpus", tmp_path / "instance", tmp_path / "index", "some/model", 3, "0.0.0.0", 8080, 9, 500
    )


def test_the_environment_itself_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_PORT", "8123")
    assert Settings.from_environment().port == 8123


def test_a_folder_is_absolute_from_then_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"KB_INDEX": "elsewhere/index"})
    assert settings.index == tmp_path / "elsewhere" / "index"


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_counts_as_none(empty: str) -> None:
    assert Settings.from_environment({"KB_PORT": empty, "KB_CORPUS": empty}) == Settings.from_environment({})


@pytest.mark.parametrize("number", ["many", "-1", "1.5", "8 000", "0x10", "²", "٨٠٠٠"])
@pytest.mark.parametrize("name", ["threads", "port", "server_threads", "question_max"])
def test_what_is_no_number_is_refused_by_name(name: str, number: str) -> None:
    variable = f"KB_{name.upper()}"
    with pytest.raises(SettingError, match=rf"{variable} is .* it takes a whole number from \d+ to \d+, such as \d+"):
        Settings.from_environment({variable: number})


@pytest.mark.parametrize("number", ["65536", "99999999999", "9" * 5_000])
def test_a_port_that_there_is_not_is_refused(number: str) -> None:
    with pytest.raises(SettingError, match="KB_PORT"):
        Settings.from_environment({"KB_PORT": number})


@pytest.mark.parametrize("variable", ["KB_SERVER_THREADS", "KB_QUESTION_MAX"])
def test_nought_is_refused_where_nothing_could_work_with_it(variable: str) -> None:
    with pytest.raises(SettingError, match=variable):
        Settings.from_environment({variable: "0"})


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings.from_environment({}).port = 1  # type: ignore[misc]


def test_the_table_of_the_readme_has_a_row_for_each() -> None:
    rows = settings_table().split("\n")
    assert rows[:2] == ["| variable | default | what it is for |", "| --- | --- | --- |"]
    assert len(rows) == 2 + len(SETTINGS)
    for setting, row in zip(SETTINGS, rows[2:], strict=True):
        assert row.startswith(f"| `{setting.variable}` | ")
        assert setting.help in row
        assert row.count("|") == 4
