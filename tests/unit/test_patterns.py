"""Patterns of ignore files: no line takes long, and lists of names need no regular expression."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.sources.patterns import MAX_GLOB, MAX_WILDCARDS, Pattern, PatternList, compile_pattern


def compiled(*lines: str) -> PatternList:
    patterns = [compile_pattern(line, number) for number, line in enumerate(lines, 1)]
    return PatternList(pattern for pattern in patterns if pattern is not None)


def matched(patterns: PatternList, path: str, *, is_dir: bool = False) -> int | None:
    found = patterns.match(path, path.rpartition("/")[2], is_dir=is_dir)
    return None if found is None else found.line


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("*a" * 100 + "b", "a" * 255),
        ("**/a*" * 100 + "b", "/".join(["a" * 20] * 190)),
        ("**/" * 500 + "b", "a/" * 2000 + "a"),
        ("?*" * 120 + "b", "a" * 255),
        ("[ab]*" * 120 + "c", "ab" * 127),
        ("**/*a*/" * 60 + "b", "aaaa/" * 800 + "a"),
    ],
)
def test_no_pattern_tries_all_ways_to_match(line: str, path: str) -> None:
    """A backtracking search of these would not end within the life of a machine."""
    assert matched(compiled(line), path) is None


WORDS = st.lists(st.sampled_from(["a", "b", "ab", "*", "**", "/", "?", "[ab]"]), min_size=1, max_size=6).map("".join)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab"]), min_size=1, max_size=4).map("/".join)


@given(lines=st.lists(WORDS, max_size=6), path=PATHS, is_dir=st.booleans())
@settings(max_examples=300)
def test_a_list_finds_the_last_pattern_that_matches(lines: list[str], path: str, is_dir: bool) -> None:
    patterns = [pattern for number, line in enumerate(lines, 1) if (pattern := compile_pattern(line, number))]
    expected: list[Pattern] = [pattern for pattern in patterns if pattern.matches(path, is_dir=is_dir)]
    assert matched(PatternList(patterns), path, is_dir=is_dir) == (expected[-1].line if expected else None)


def test_many_names_are_no_wildcards_but_many_wildcards_are_refused() -> None:
    names = compiled(*(f"name{number}" for number in range(50_000)), "*.pyc", "build/", "/top/level")
    assert matched(names, "deep/name77") == 78
    assert (matched(names, "x.pyc"), matched(names, "build"), matched(names, "build", is_dir=True)) == (
        50001,
        None,
        50002,
    )
    assert matched(names, "top/level") == 50003
    with pytest.raises(ValueError, match="2,001 patterns with wildcards, limit 2,000"):
        compiled(*(f"a?{number}" for number in range(MAX_WILDCARDS + 1)))


def test_a_pattern_longer_than_any_path_is_none() -> None:
    assert compile_pattern("a" * MAX_GLOB, 1) is not None
    assert compile_pattern("a" * (MAX_GLOB + 1), 1) is None
