"""Path globs as regular expressions."""

from __future__ import annotations

import re

import pytest

from indexer.errors import ConfigError
from indexer.search.filters import glob_pattern


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.py", "a.py", True),
        ("*.py", "src/deep/a.py", True),
        ("*.py", "a.pyi", False),
        ("tests", "tests/unit/test_a.py", True),
        ("tests", "src/tests/a.py", True),
        ("tests", "src/mytests/a.py", False),
        ("tests/", "src/tests/a.py", True),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/*.py", "lib/src/a.py", False),
        ("/src", "src/a.py", True),
        ("./src/a.py", "src/a.py", True),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/x/y/a.py", True),
        ("src/**", "src/x/y/a.py", True),
        ("**/core/*.go", "core/a.go", True),
        ("**/core/*.go", "x/core/a.go", True),
        ("a?.c", "ab.c", True),
        ("a?.c", "abc.c", False),
        ("[ab].c", "b.c", True),
        ("[!ab].c", "b.c", False),
        ("[!ab].c", "c.c", True),
        ("*.{ts,tsx}", "x/a.tsx", True),
        ("*.{ts,tsx}", "x/a.js", False),
        ("a+b(c).c", "a+b(c).c", True),
        ("a.c", "abc", False),
    ],
)
def test_globs(glob: str, path: str, matches: bool) -> None:
    assert (re.fullmatch(glob_pattern(glob), path) is not None) is matches


@pytest.mark.parametrize("glob", ["", "/", "[ab", "*.{ts,tsx"])
def test_a_glob_that_cannot_be_meant_is_refused(glob: str) -> None:
    with pytest.raises(ConfigError, match="--path"):
        glob_pattern(glob)
