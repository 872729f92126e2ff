"""Engines that are fine alone must also live in one process, whichever comes first."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations

import pytest

ENGINES = ("usearch.index", "onnxruntime", "tantivy")


@pytest.mark.parametrize("order", list(permutations(ENGINES)), ids=" ".join)
def test_engines_load_in_any_order(order: tuple[str, ...]) -> None:
    script = "; ".join(f"import {engine}" for engine in order)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
