"""Bodies that the grammar doesn't see: the symbols are those of the whole text, and what is wrong in one hides none."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import ParseTimeoutError
from indexer.stages.parse import parser as module
from indexer.stages.parse.bodies import without_bodies
from indexer.stages.parse.parser import parse

GO = b"""package p

func plain(s []int /* how many */) {
	for range s {
		go func() { x := 1; _ = x }()
	}
}

func (t *T[K]) table(
	one struct {
		inner int
	},
) (out interface {
	Out()
}) {
	for _, c := range []struct{ name string }{{"x"}} {
		_ = c
	}
}

func local() {
	type deep struct{ leaf int }
}

// one is first.
var one = 1 // after it
"""


def test_bodies_without_definitions_cost_no_definition() -> None:
    found = {symbol.qualified_name: symbol for symbol in parse(GO, "go").symbols}
    assert found["plain"].signature == "func plain(s []int )"
    assert (found["plain"].start_line, found["plain"].end_line) == (3, 7)
    assert list(found) == [
        *("plain", "T.table", "T.table.inner", "T.table.Out", "T.table.name", "local", "local.deep", "local.deep.leaf"),
        "one",
    ]
    assert found["one"].doc == "one is first."


JAVA = b"""package p;

class A {
    // first is before f.
    @Test("x") private final B b =
        new B(1) {
            int inField() {
                return 1;
            }
        };

    A(int a) {
        enum Local { LEAF }
    }

    public <T extends C<T>> T f(
            T a) throws D,
            E {
        if (a != null) {
            return a;
        }
        return null;
    }

    record Point(int x, int y) {
        int sum() {
            return x + y;
        }
    }

    enum Kind {
        ONE(1) {
            int inConstant() {
                return 1;
            }
        }
    }

    Runnable g() {
        return new Runnable() {
            public void inMethod() {
                run(/* { */);
            }
        };
    }
}
"""


def test_what_a_method_of_java_holds_is_found_and_the_rest_of_it_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = without_bodies("java", JAVA)
    assert b"return null" not in seen
    assert b"return x + y" not in seen
    found = parse(JAVA, "java").symbols
    assert {"inField", "Local", "LEAF", "f", "Point", "sum", "ONE", "inConstant", "g", "inMethod"} <= {
        symbol.name for symbol in found
    }
    monkeypatch.setattr(module, "without_bodies", lambda _, text: text)
    assert parse(JAVA, "java").symbols == found


def test_an_error_in_a_body_hides_nothing_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "package p\n\nfunc f() {\n\tcase 1: func( {{{\n}\n\nfunc g() {}\n\ntype t int\n"
    assert parse(broken, "go").errors == 0
    assert [symbol.name for symbol in parse(broken, "go").symbols] == ["f", "g", "t"]
    monkeypatch.setattr(module, "without_bodies", lambda _, text: text)
    assert parse(broken, "go").errors > 0


MACROS = """int one(int a)
{
#ifdef A
  if(a) {
#else
  if(!a) {
#endif
    return 1;
  }
out:
  return 0;
}

static struct pair *two(int a) {
  FOREACH(a) X(
  return 0;
}

int three(void)
{
  enum { LEFT, RIGHT };
  struct local { int x; } y;
  return y.x;
}
"""


def test_the_preprocessor_in_a_body_hides_no_function(monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse(MACROS, "c")
    assert found.errors == 0
    assert [(symbol.qualified_name, symbol.start_line, symbol.end_line) for symbol in found.symbols] == [
        ("one", 1, 12),
        ("two", 14, 17),
        ("three", 19, 24),
        ("three.LEFT", 21, 21),
        ("three.RIGHT", 21, 21),
        ("three.local", 22, 22),
        ("three.local.x", 22, 22),
    ]
    monkeypatch.setattr(module, "without_bodies", lambda _, text: text)
    assert parse(MACROS, "c").errors > 0


def test_a_text_with_an_error_outside_bodies_is_parsed_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    # What looks like the body's end is that of the loop in it.
    source = "package p\n\nfunc f() {\n\tfor {\n}\n\tx := 1\n}\n\nfunc g() {}\n"
    found = parse(source, "go")
    monkeypatch.setattr(module, "without_bodies", lambda _, text: text)
    assert parse(source, "go") == found
    assert [(symbol.name, symbol.end_line) for symbol in found.symbols] == [("f", 7), ("g", 9)]
    assert found.errors == 0


def test_both_parses_of_a_file_share_one_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    filler = "".join(f"int f{number}(int a);\n" for number in range(2000))
    source = filler + "\nint f(int a)\n{\n  if(a) {\n}\n  return 1;\n}\n"
    clock = iter([0.0, 0.0])  # as the first parse begins; after it the limit has long passed
    monkeypatch.setattr(module.time, "thread_time", lambda: next(clock, 100.0))  # type: ignore[attr-defined]
    with pytest.raises(ParseTimeoutError):
        parse(source, "c", timeout_seconds=50.0)


class Pieces(NamedTuple):
    """What functions that lie about their ends are made of; `%d` is replaced by a number."""

    begin: str
    end: str
    headers: tuple[str, ...]
    lines: tuple[str, ...]
    between: tuple[str, ...]


PIECES = {
    "go": Pieces(
        "package p",
        "}",
        (
            "func f%d() {",
            "func (t T) f%d() {",
            "func f%d(\n\ta int,\n) error {",
            "func f%d[T any](s struct {\n\ta int\n}) {",
        ),
        (
            "\tx := 1",
            "",
            "\tif x > 0 {\n\t\tx--\n\t}",
            "\traw := `a\n}\nfunc inRaw() {\n\tx := 1\n}\n`",
            "\t/* {\n}\n\ntype inComment int */",
            "\t// a type of }",
            "\ttype local struct {\n\t\tfield int\n\t}",
            "\tvar y interface{ Do() }",
            "\tvar empty interface{}",
            "\tz := interface {\n\t\tRun()\n\t}(nil)",
            "\tfunc() {\n\t\tx++\n\t}()",
            '\tbrace := "}" + "{"',
            "\tr := '`'",
            "again:\n\tgoto again",
        ),
        (
            "type t%d struct{ a int }",
            "var v%d = `\nfunc hidden() {\n\tx := 1\n}\n`",
            "/*\nfunc old%d() {\n\tx := 1\n}\n*/",
        ),
    ),
    "c": Pieces(
        "#include <a.h>",
        "}",
        (
            "int f%d(int a)\n{",
            "static int *f%d(void) {",
            "struct s f%d(int a,\n    int b)\n{",
            "int f%d(a)\n  int a;\n{",
            "#ifdef A\nint f%d(int a) {\n#else\nint f%d(long a) {\n#endif",
        ),
        (
            "  int x = 1;",
            "",
            "  if (x) {\n    x--;\n  }",
            "  /* {\n}\n */",
            "  char *c = \"}{ /*\", d = '{';",
            "  struct local { int a; } y;",
            "  struct local *p;",
            "  enum {\n    A, B\n  };",
            "  typedef int t;",
            "#define M(x) { x",
            "#if A\n  x = 2;\n#else\n  x = 3;\n#endif",
            "out:\n  x = 4;",
        ),
        (
            "struct t%d { int a; };",
            "#define N%d do { \\\n  x(); \\\n} while (0)",
            "/*\nint old%d(void)\n{\n  int x;\n}\n*/",
            'static const char *v%d[] = {\n  "}",\n};',
            "#endif",
        ),
    ),
    "python": Pieces(
        "import a",
        "",
        (
            "def f%d(x):\n    x += 1",
            'def f%d(x: int) -> str:\n    """Return a text.\n\n    def example():\n        pass\n    """',
            "class C%d:\n  def f(self):\n    # why\n    x = 1\n  async def g(self):\n    pass",
            "def f%d(\n    x: int,\n) -> int:\n    return 1",
            "@decorated\ndef f%d(x, y={1:\n    2}): # nothing:\n    'doc'",
            "def f%d(a,  # first:\n    b):  # second:\n    pass",
        ),
        (
            "    if x:\n        y = 1",
            "    # a comment of its own",
            "    y = 2  # and one at the end",
            "    z = [\n1,\n    ]",
            '    s = """\ndef no():\n    pass\n"""',
            "    t = 1 + \\\n2",
            "    def inner():\n        return 3",
            "    class Local:\n        field = 1",
            "# outside",
            "    u = ')'; v = '('",
            "",
            "    w = 4;",
            "    ...",
            "    0",
        ),
        ("x%d = 1", "# after", "if a:\n    def g%d():\n        return 1\nelse:\n    pass"),
    ),
}


@pytest.mark.parametrize("language", PIECES)
def test_where_the_whole_text_is_well_its_symbols_are_found(language: str) -> None:
    pieces = PIECES[language]
    well = 0
    function = st.tuples(
        st.sampled_from(pieces.headers),
        st.lists(st.sampled_from(pieces.lines), max_size=5),
        st.lists(st.sampled_from(pieces.between), max_size=1),
    )

    @given(st.lists(function, max_size=5), st.booleans())
    def check(functions: list[tuple[str, list[str], list[str]]], windows: bool) -> None:
        nonlocal well
        text = pieces.begin + "\n"
        for number, (header, lines, between) in enumerate(functions):
            text += "\n".join(["", header, *lines, pieces.end, *between, ""]).replace("%d", str(number))
        if windows:
            text = text.replace("\n", "\r\n")
        found = parse(text, language)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "without_bodies", lambda _, text: text)
            expected = parse(text, language)
        if expected.errors == 0:
            assert found == expected
            well += bool(functions)

    check()
    assert well > 20
