"""Every setting in one table: its name, default and meaning. The README's table is made from it (tested).

A setting is an environment variable, `KB_` and the name in capitals. Nothing else in `kb/` reads settings from it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kb.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: the field of `Settings` that holds it, its default as text, and what it is for.

    A number lies between `least` and `most`.
    """

    name: str
    default: str
    help: str
    least: int = 0
    most: int = 1_000_000

    @property
    def variable(self) -> str:
        return f"KB_{self.name.upper()}"


SETTINGS: Final = (
    Setting("corpus", "corpus", "Folder of the records' Markdown files and of the council table."),
    Setting("instance", "instance", "Folder of what must be kept: the system of record, `kb.sqlite`."),
    Setting("index", "index", "Folder of what can be made again: index generations and exported models."),
    Setting(
        "model",
        "",
        "Any sentence-transformers model, by folder, or by name if it is in the local cache. Empty: all-MiniLM-L6-v2.",
    ),
    Setting("threads", "0", "Threads for embedding. 0: one per core."),
    Setting("host", "127.0.0.1", "Address that `kb serve` listens on."),
    Setting("port", "8000", "Port that `kb serve` listens on.", most=65_535),
    Setting("server_threads", "4", "Requests that the server works on at once.", least=1),
    Setting("question_max", "2000", "Longest question that the pages and the API take, in characters.", least=1),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, checked. Folders are absolute; `threads` is at least 1."""

    corpus: Path
    instance: Path
    index: Path
    model: str
    threads: int
    host: str
    port: int
    server_threads: int
    question_max: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Reads the settings. Raises SettingError, naming the variable, for a value that cannot be used."""
        given = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        kinds = {field.name: str(field.type) for field in fields(cls)}
        for setting in SETTINGS:
            text = given.get(setting.variable, "").strip() or setting.default
            kind = kinds[setting.name]
            values[setting.name] = (
                Path(text).absolute() if kind == "Path" else _number(setting, text) if kind == "int" else text
            )
        values["threads"] = values["threads"] or _cores()
        return cls(**values)


def _number(setting: Setting, text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1
    if not setting.least <= number <= setting.most:
        raise SettingError(
            f"{setting.variable} is {text!r}; it takes a whole number from {setting.least} to {setting.most}, "
            f"such as {setting.default}"
        )
    return number


def _cores() -> int:
    """The processors that this process may use, which in a container can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def settings_table() -> str:
    """The README's table of settings, in Markdown."""
    rows = [f"| `{one.variable}` | {f'`{one.default}`' if one.default else 'empty'} | {one.help} |" for one in SETTINGS]
    return "\n".join(["| variable | default | what it is for |", "| --- | --- | --- |", *rows])
