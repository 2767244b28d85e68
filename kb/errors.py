"""The failures that a caller can meet. Each message names the thing, the place and the remedy."""

from __future__ import annotations


class KbError(Exception):
    """The root of all failures of this library; its text may be shown to a person as it is."""


class SettingError(KbError):
    """A setting has a value that cannot be used."""


class NoIndex(KbError):  # noqa: N818  it reads as what happened
    """There is no index generation that can answer."""


class DamagedGeneration(KbError):  # noqa: N818
    """An index generation is incomplete, or one of its files is not what its manifest says."""


class OtherFormat(DamagedGeneration):
    """An index generation is whole, and made by a version of this program that wrote it in another form."""


class BuilderBusy(KbError):  # noqa: N818
    """Another process is building; the message says which."""


class ModelError(KbError):
    """The embedding model is missing, is not the one expected, or cannot be run."""


class StoreError(KbError):
    """The system of record cannot be read or written."""


class QuestionSetError(KbError):
    """A file of judged questions, or a test set, cannot be used."""


class GapRefused(KbError):  # noqa: N818
    """A question cannot be recorded as a gap: it is empty, too long, or the list is full."""


class TextRefused(KbError):  # noqa: N818
    """A text cannot be checked for signs: it is too long, or no text."""
