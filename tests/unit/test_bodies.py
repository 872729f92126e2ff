"""Leaving out bodies moves nothing, and leaves out no more than bodies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.stages.parse.bodies import are_cut_well, without_bodies

SEEN = {
    "go": "package p\n\nfunc f(a int) {\n\t%s\n}\n\nfunc g() {\n\ttype t int\n}\n",
    "c": "\nint f(int a)\n{\n  %s\n}\n\nint g(void) {\n  struct s { int a; } x;\n}\n",
    "java": "class A {\n  int f(int a)\n    throws B {\n    %s\n  }\n\n  D g() {\n    return new C() {};\n  }\n}\n",
    "python": '\ndef f(a):\n    """Doc."""\n    %s\n\ndef g():\n    class C: ...\n',
}
BODIES = {"go": "x := a + 1", "c": "return a + 1;", "java": "return a + 1;", "python": "return a + 1"}

pieces = st.sampled_from(
    (
        "func f() {",
        "def f():",
        "int f(void) {",
        "int f(int a) throws B",
        "new f(",
        "\n",
        "\r\n",
        "}",
        "{",
        "\t",
        "    ",
        "x",
        ")",
        "(",
        '"""',
        "/*",
        "*/",
        "#",
    )
)


@pytest.mark.parametrize("language", SEEN)
def test_a_body_is_blank_and_all_else_stays(language: str) -> None:
    source = SEEN[language] % BODIES[language]
    blank = " " * len(BODIES[language])
    if language == "python":
        blank = f"({blank[2:]})"
    seen = without_bodies(language, source.encode())
    assert seen.decode() == SEEN[language] % blank
    assert are_cut_well(language, seen)


def test_no_line_is_needed_between_methods_of_python() -> None:
    source = "class A:\n" + "    def f(self):\n        return 1\n" * 3
    assert without_bodies("python", source.encode()).count(b"return") == 0


def test_other_languages_are_seen_whole() -> None:
    assert without_bodies("cpp", b"void f() {\n  x();\n}\n") == b"void f() {\n  x();\n}\n"


def test_what_is_no_end_shows_in_the_rest() -> None:
    seen = without_bodies("c", b"\nint f(int a)\n{\n  if(a) {\n}\n  return 1;\n}\n")
    assert not are_cut_well("c", seen)


@given(st.sampled_from(sorted(SEEN)), st.lists(pieces).map("".join))
def test_lengths_and_lines_stay(language: str, text: str) -> None:
    data = text.encode()
    seen = without_bodies(language, data)
    assert len(seen) == len(data)
    assert [place for place, byte in enumerate(seen) if byte == 10] == [
        place for place, byte in enumerate(data) if byte == 10
    ]
