"""One question is one thread's work, whatever was imported first: in the program, and in these tests."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np  # noqa: F401  what it multiplies by is asked about
import pytest
from threadpoolctl import threadpool_info

ENTRIES = ("kb.cli", "kb.bench", "kb.evaluate", "webapp.serve")
# Told at the moment at which numpy is first looked for, which is when its library reads the number.
TELL = """
import os, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "numpy":
            print(os.environ.get("OPENBLAS_NUM_THREADS"))
sys.meta_path.insert(0, Finder())
import {entry}
import numpy
"""


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_number_is_said_before_numpy_is_imported(entry: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    told = subprocess.run(
        [sys.executable, "-c", TELL.format(entry=entry)], capture_output=True, text=True, check=True, env=environment
    )
    assert told.stdout.split() == ["1"]


def test_numpy_multiplies_here_as_it_does_in_the_program() -> None:
    # FAISS brings a library of its own, which goes by the number that each search says (kb.dense).
    own = [one for one in threadpool_info() if one["internal_api"] == "openblas" and "numpy" in one["filepath"]]
    threads = {one["num_threads"] for one in own}
    if not threads:
        pytest.skip("numpy multiplies by another library here")
    assert threads == {int(os.environ["OPENBLAS_NUM_THREADS"])}
