"""Documentation without its marks."""

from __future__ import annotations

import pytest

from indexer.stages.parse.comments import clean_comment, clean_docstring, fold


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        ("/** One line. */", "One line."),
        ("/**\n     * First.\n     *\n     *   - item\n     */", "First.\n\n  - item"),
        ("/* Not\n   starred. */", "Not\nstarred."),
        ("/*! Qt */", "Qt"),
        ("/// Rust", "Rust"),
        ("/// <summary>C# <c>x</c></summary>", "C# <c>x</c>"),
        ("//! Inner", "Inner"),
        ("//no blank", "no blank"),
        ("# Shell\n# again", "Shell\nagain"),
        ("#' Roxygen", "Roxygen"),
        ("-- | Haddock", "Haddock"),
        ("{- | Block\n   haddock -}", "Block\nhaddock"),
        ("--- LuaDoc", "LuaDoc"),
        ("--[[ Lua\nblock ]]", "Lua\nblock"),
        ("--[==[ deep ]==]", "deep"),
        ("(** OCaml *)", "OCaml"),
        ("#= Julia =#", "Julia"),
        (";; Clojure", "Clojure"),
        ("%% Erlang", "Erlang"),
        ("<!-- HTML -->", "HTML"),
        ("=head2 run( C<$x> )\n\nRuns B<it> if C<< $x->y >>.\n\n=cut", "run( $x )\n\nRuns it if $x->y."),
        ("/*", ""),
        ("//", ""),
        ("", ""),
    ],
)
def test_marks_of_comments_go(comment: str, text: str) -> None:
    assert clean_comment(comment) == text


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ('"""One.\n\n    Two.\n    """', "One.\n\nTwo."),
        ("r'''raw \\d'''", "raw \\d"),
        ('"short"', "short"),
        ("'single'", "single"),
        ('~S"""\nSigil\n"""', "Sigil"),
        ("/// a comment", "a comment"),
        ('"', ""),
    ],
)
def test_marks_of_docstrings_go(literal: str, text: str) -> None:
    assert clean_docstring(literal) == text


def test_fold_puts_text_on_one_line_and_cuts_between_characters() -> None:
    assert fold(b" a\n\t b\r\n", 10) == "a b"
    assert fold("ééé".encode(), 3) == "é …"
