"""Answers for agents keep within their tokens, name each path once, and lose no hit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.types import Hit, SymbolKind
from pipelines.serve.text import TOKENS_A_LINE, count_tokens, hits_text, is_named


def hit(
    path: str = "a.py",
    *,
    name: str = "f",
    start: int = 1,
    snippet: str = "def f():\n    return 1",
    snippet_line: int | None = None,
) -> Hit:
    """Return a hit of a function."""
    first = snippet_line or start
    return Hit(
        id=1,
        path=path,
        language="python",
        kind=SymbolKind.FUNCTION,
        name=name,
        qualified_name=name,
        signature=f"def {name}()",
        doc="",
        parent="",
        part=0,
        start_line=start,
        end_line=start + snippet.count("\n"),
        start_byte=0,
        end_byte=1,
        snippet=snippet,
        snippet_lines=tuple(range(first, first + snippet.count("\n") + 1)),
        line=start,
        matched=(),
        score=1.0,
        ranks={},
        contributions={},
    )


CODE = st.lists(st.text(alphabet="abc_()[]{}=.,: éβ中", max_size=120), min_size=1, max_size=8).map("\n".join)


@given(st.lists(st.tuples(st.sampled_from(["a.py", "b/c.py"]), CODE), min_size=1, max_size=8), st.integers(0, 12))
def test_code_is_shown_while_the_tokens_last(found: list[tuple[str, str]], lines: int) -> None:
    places = [("", hit(path, start=10 * n + 1, snippet=code)) for n, (path, code) in enumerate(found)]
    text = hits_text(places, lines=lines)
    bare = hits_text(places, lines=0)
    assert count_tokens(text) <= max(TOKENS_A_LINE * lines * len(places), count_tokens(bare))
    for _, own in places:
        assert f"{own.start_line}-{own.end_line} function f" in text
    assert [text.splitlines().count(path) for path in {own.path for _, own in places}] == [1] * len(
        {own.path for _, own in places}
    )


def test_a_line_number_is_told_where_the_code_does_not_begin_with_the_hit() -> None:
    moved = hit(snippet="    x = 1\n    y = 2", snippet_line=7)
    assert hits_text([("", moved)], lines=10) == "a.py\n1-2 function f @7\n  x = 1\n  y = 2"


def test_the_best_hit_shows_the_most() -> None:
    long = "\n".join(f"value_{n} = compute(argument_{n})" for n in range(8))
    blocks = hits_text([("", hit(f"{n}.py", snippet=long)) for n in range(5)], lines=10).split(".py\n")[1:]
    shown = [block.count("compute") for block in blocks]
    assert shown == sorted(shown, reverse=True) and shown[0] > 2


def test_a_name_is_that_of_a_definition_and_of_what_it_lies_in() -> None:
    own = hit(name="Flask.dispatch_request")
    assert is_named(own, "dispatch_request") and is_named(own, "Flask.dispatch_request")
    assert not is_named(own, "request") and not is_named(own, "Other.dispatch_request") and not is_named(own, "")
    assert is_named(hit(name="a::b::c"), "b.c")
