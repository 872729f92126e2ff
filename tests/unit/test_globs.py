"""Path globs as regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import ConfigError
from indexer.globs import MAX_GLOB_CHARS, compile_glob, path_pattern


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
        ("tests/", "src/tests", False),
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
        ("src/**", "src", False),
        ("**", "a/b", True),
        ("a**b", "a/b", False),
        ("a**b", "axxb", True),
        ("[a&&b].c", "&.c", True),
        ("[a&&b].c", "b.c", True),
        ("[a~~b-].c", "-.c", True),
        ("[]x].c", "].c", True),
        ("[!]x].c", "].c", False),
        ("[+-9]a", "/a", False),
        ("[+-9]a", ".a", True),
        (r"[\]a", r"\a", True),
        (r"\*.c", "*.c", True),
        (r"\*.c", "a.c", False),
        ("*.{ts,{c,h}pp}", "a.hpp", True),
        ("a{,b}", "a", True),
        ("*.py", "odd\nname/a.py", True),
        ("a,b", "a,b", True),
        ("caf\udce9", "caf\udce9", True),
        ("a*?*?b", "axyb", True),
        ("a*?*?b", "axb", False),
    ],
)
def test_globs(glob: str, path: str, matches: bool) -> None:
    assert (re.fullmatch(path_pattern(glob), path) is not None) is matches
    assert (compile_glob(glob).fullmatch(path) is not None) is matches


pieces = st.sampled_from(("a", "b", "*", "?", "**", "/", "/**/", "{", ",", "}", "{a,}", "{b*,a/*}", "[!a]", "[ab]"))


@settings(max_examples=500)
@given(st.lists(pieces, min_size=1, max_size=9), st.lists(st.text("ab/", max_size=12), min_size=1, max_size=9))
def test_both_forms_of_a_glob_match_the_same_paths(glob: list[str], paths: list[str]) -> None:
    try:
        expected, found = re.compile(path_pattern("".join(glob))), compile_glob("".join(glob))
    except ConfigError:  # one refuses long globs, the other many alternatives
        return
    for path in paths:
        assert bool(found.fullmatch(path)) is bool(expected.fullmatch(path)), path


@pytest.mark.parametrize("glob", ["*a" * 127 + "b", "**/a*/" * 42 + "b", "{*a*a*a,*a*a*a*a}" * 6 + "*b"])
def test_no_glob_takes_long(glob: str) -> None:
    """Tried in all ways, each of these would take longer than the universe is old."""
    for path in ("a" * 255, "a/" * 2000, "aa/" * 1000):
        assert compile_glob(glob).fullmatch(path) is None


def test_wildcards_in_turns_are_brought_in_order() -> None:
    """An automaton of `*?*?…` has a state for each set of places that it may be at; of `??…*` one for each place."""
    assert path_pattern("*?*?**?a") == path_pattern("???*a")


def test_wildcards_of_alternatives_do_not_follow_one_another() -> None:
    path_pattern("{" + ",".join(f"**/{name}/**" for name in "abcdefghijklmnopq") + "}/*.py")


def test_braces_that_make_too_many_alternatives_are_refused() -> None:
    for glob in ("{a,b}" * 7, "{" + "a," * 100 + "}", "{" * 3 + "a," * 40 + "}" + "," * 40 + "}" + "," * 40 + "}"):
        with pytest.raises(ConfigError, match="more than 100 alternatives; give several globs"):
            compile_glob(glob)


@pytest.mark.parametrize(
    ("glob", "said"),
    [
        ("", "matches nothing"),
        ("/", "matches nothing"),
        ("[ab", "'[' is never closed"),
        ("*.{ts,tsx", "'{' is never closed"),
        ("a}", "'}' was never opened"),
        ("a\\", "is never followed"),
        ("[z-a]", "the range 'z-a' is empty"),
        ("[/]", "no name holds a slash"),
        ("[\udce9]", "can't be in brackets"),
        ("\ud800", "half a character"),
        ("{" * 200 + "}" * 50, "nested more than"),
        ("a" * (MAX_GLOB_CHARS + 1), "is longer than"),
        ("*a" * 17, "wildcards follow one another"),
        ("{a,*a{*b*,c}}" * 6, "wildcards follow one another"),
    ],
)
def test_a_glob_that_cannot_be_meant_is_refused_with_the_reason(glob: str, said: str) -> None:
    with pytest.raises(ConfigError, match="glob") as caught:
        path_pattern(glob)
    assert said in str(caught.value)
