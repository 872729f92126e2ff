"""Cutting a file into chunks, on symbols made by hand."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from indexer.config import ChunkOptions
from indexer.stages.chunk.chunker import chunk, chunk_id
from indexer.stages.chunk.text import embedded_text, notebook_body, path_words
from indexer.stores.text.document import stored_form
from indexer.types import Symbol, SymbolKind
from tests.chunk_checks import check_chunks

_MARK = re.compile(rb"(?m)^( *)(class|def|var) (\w+)")


def outline(data: bytes) -> tuple[Symbol, ...]:
    """Read symbols from text in which indentation alone nests `class`, `def` and `var` lines."""
    lines = data.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    kinds = {b"class": SymbolKind.CLASS, b"def": SymbolKind.FUNCTION, b"var": SymbolKind.VARIABLE}
    symbols: list[Symbol] = []
    stack: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        match = _MARK.match(line)
        if match is None:
            continue
        indent = len(match[1])
        last = number
        for later in range(number + 1, len(lines)):
            if lines[later].strip() and len(lines[later]) - len(lines[later].lstrip()) <= indent:
                break
            if lines[later].strip():
                last = later
        while stack and stack[-1][0] >= indent:
            stack.pop()
        name = match[3].decode()
        parent = stack[-1][1] if stack else ""
        qualified = f"{parent}.{name}" if parent else name
        stack.append((indent, qualified))
        end = starts[last] + len(lines[last])
        signature = line.decode("utf-8", "replace").strip()
        start = starts[number] + indent
        symbols.append(
            Symbol(
                kinds[match[2]], name, qualified, signature, "", parent, start, end, number + 1, last + 1, number + 1
            )
        )
    return tuple(symbols)


def cut(text: str, **options: int) -> list[tuple[str, str, int, int, int]]:
    data = text.encode()
    made = chunk("a/b.x", "python", data, outline(data), ChunkOptions(**{"max_chars": 200, "min_chars": 60, **options}))
    check_chunks(data, made)
    return [(one.kind.value, one.qualified_name, one.part, one.start_line, one.end_line) for one in made]


def body(lines: int, indent: str = "    ") -> str:
    return "".join(f"{indent}statement_{number}()\n" for number in range(lines))


def test_functions_and_the_code_between_them() -> None:
    text = "import first_module\nimport second_module, third_module\n\ndef one\n" + body(5) + "\ndef two\n" + body(5)
    assert cut(text) == [("region", "", 0, 1, 2), ("function", "one", 0, 4, 9), ("function", "two", 0, 11, 16)]


def test_a_long_function_is_cut_into_parts_of_bounded_size_between_statements() -> None:
    text = "def long\n" + "    if condition\n        first()\n        second()\n\n" * 20
    data = text.encode()
    made = chunk("a.x", "python", data, outline(data), ChunkOptions(max_chars=200))
    check_chunks(data, made)
    assert [one.part for one in made] == list(range(len(made)))
    assert len(made) > 3
    assert all(one.qualified_name == "long" for one in made)
    assert all(sum(len(line) + 1 for line in one.text.split()) <= 200 for one in made)
    assert all(one.text.lstrip().startswith(("def", "if")) for one in made)
    assert all("def long" in one.embedded_text for one in made)


def test_a_class_shows_the_signatures_of_its_large_methods_and_the_text_of_small_members() -> None:
    text = "class Box\n    var width\n    def grow\n" + body(5, "        ") + "    var height\n    def shrink\n"
    text += body(5, "        ")
    data = text.encode()
    made = chunk("a.x", "python", data, outline(data), ChunkOptions(max_chars=400, min_chars=60))
    check_chunks(data, made)
    assert [(one.kind.value, one.qualified_name) for one in made] == [
        ("class", "Box"),
        ("function", "Box.grow"),
        ("function", "Box.shrink"),
    ]
    assert made[0].text == "class Box\n    var width\n    def grow\n    var height\n    def shrink"
    assert (made[0].start_line, made[0].end_line) == (1, 15)
    assert "statement_1" not in made[0].embedded_text
    # The rows of the outline say where they stand in the file.
    stored = stored_form(made[0])
    lines = text.split("\n")
    assert [lines[stored.line_of(row) - 1] for row in range(5)] == made[0].text.split("\n")
    assert [stored.row_of(stored.line_of(row)) for row in range(5)] == list(range(5))


def test_small_neighbours_are_grouped_under_their_names() -> None:
    data = b"var first\nvar second\nvar third\n"
    (group,) = chunk("a.x", "python", data, outline(data), ChunkOptions())
    assert (group.kind, group.name, group.text) == (SymbolKind.VARIABLE, "first, second, third", data.decode().rstrip())
    assert [(own.name, own.line) for own in group.definitions] == [("first", 1), ("second", 2), ("third", 3)]


def test_of_a_long_symbols_parts_the_one_with_its_name_has_the_definition() -> None:
    comment = "".join(f"# all that is to be said of it, line {number}\n" for number in range(20))
    data = (comment + "def long\n" + body(20)).encode()
    (symbol,) = outline(data)
    documented = replace(symbol, start_byte=0, start_line=1)
    made = chunk("a.x", "python", data, [documented], ChunkOptions(max_chars=200))
    (head,) = [one for one in made if one.definitions]
    assert head.part > 0 and head.definitions[0].line == 21
    assert head.start_line <= 21 <= head.end_line


def test_a_lone_small_symbol_keeps_its_name() -> None:
    assert cut("def one\n" + body(5) + "var x = 1\ndef two\n" + body(5))[1] == ("variable", "x", 0, 7, 7)


def test_a_few_characters_go_with_the_symbol_before_them() -> None:
    assert cut("{\ndef one\n" + body(5) + "}\n\ndef two\n" + body(5) + "}\n") == [
        ("function", "one", 0, 1, 8),
        ("function", "two", 0, 10, 16),
    ]


def test_symbols_on_one_line_share_a_chunk() -> None:
    data = b"aa(); bb();"
    symbols = tuple(
        Symbol(SymbolKind.FUNCTION, name, name, name, "", "", start, start + 5, 1, 1, 1)
        for name, start in (("aa", 0), ("bb", 6))
    )
    (made,) = chunk("a.x", "c", data, symbols, ChunkOptions(min_chars=0))
    assert (made.kind, made.name, made.text) == (SymbolKind.FUNCTION, "aa, bb", "aa(); bb();")


def test_a_line_longer_than_a_chunk_is_cut_between_words() -> None:
    data = " ".join(f"word{number}" for number in range(500)).encode()
    made = chunk("a.txt", "text", data, (), ChunkOptions(max_chars=200))
    check_chunks(data, made)
    assert all(len(one.text) <= 200 for one in made)
    assert " ".join(one.text.strip() for one in made).split() == data.decode().split()


def test_a_word_longer_than_a_chunk_stays_whole_and_prose_without_blanks_is_cut_between_characters() -> None:
    blob = "A1+/" * 1000
    made = chunk("a.txt", "text", f"key: '{blob}', other: 1", (), ChunkOptions(max_chars=200))
    assert any(blob in one.text for one in made)
    assert len(made) <= 3
    prose = chunk("a.txt", "text", "é" * 1000, (), ChunkOptions(max_chars=201))
    assert "".join(one.text for one in prose) == "é" * 1000
    assert all(len(one.text) <= 200 for one in prose)


def test_a_word_longer_than_a_chunk_may_be_all_there_is() -> None:
    (only,) = chunk("a.txt", "text", "x" * 3000, (), ChunkOptions())
    assert only.text == "x" * 3000


def test_an_empty_file_has_no_chunks() -> None:
    assert chunk("a", "text", "", (), ChunkOptions()) == ()
    assert chunk("a", "text", "\n \t\n", (), ChunkOptions()) == ()


def test_equal_names_have_different_ids_and_an_edit_elsewhere_changes_none() -> None:
    text = "def same\n" + body(5) + "\ndef same\n" + body(6)
    text += "\nother_code_after_the_functions_is_here(now, and_then_more)\n"
    more = "an_import_of_some_length_that_stands_before_everything(else)\n\n" + text
    before = chunk("a.x", "python", text, outline(text.encode()), ChunkOptions())
    after = chunk("a.x", "python", more, outline(more.encode()), ChunkOptions())
    assert len({one.id for one in before}) == 3
    assert [one.id for one in after][1:] == [one.id for one in before]
    assert [one.text_hash for one in after][1:] == [one.text_hash for one in before]


def test_an_edit_to_one_function_changes_the_hash_of_that_chunk_alone() -> None:
    text = "def one\n" + body(9) + "\ndef two\n" + body(9)
    edited = text.replace("statement_3()", "changed()", 1)
    before = chunk("a.x", "python", text, outline(text.encode()), ChunkOptions())
    after = chunk("a.x", "python", edited, outline(edited.encode()), ChunkOptions())
    assert [one.id for one in before] == [one.id for one in after]
    assert [one.text_hash == two.text_hash for one, two in zip(before, after, strict=True)] == [False, True]


def test_ids_tell_every_coordinate_apart() -> None:
    coordinates = {"path": "a", "qualified_name": "b", "kind": "c", "ordinal": 0, "part": 0}
    ids = [
        chunk_id(**coordinates),  # type: ignore[arg-type]
        chunk_id(**coordinates | {"path": "a1:b", "qualified_name": ""}),  # type: ignore[arg-type]
        chunk_id(**coordinates | {"kind": "d"}),  # type: ignore[arg-type]
        chunk_id(**coordinates | {"ordinal": 1}),  # type: ignore[arg-type]
        chunk_id(**coordinates | {"part": 1}),  # type: ignore[arg-type]
        chunk_id(**coordinates | {"path": "\udcff"}),  # type: ignore[arg-type]
    ]
    assert len(set(ids)) == len(ids)


def test_path_words_and_embedded_text() -> None:
    assert path_words("src/net/httpClient_v2.test.py") == "src net http Client v2 test"
    assert path_words(".bashrc") == "bashrc"
    first = embedded_text(path="a/b.py", qualified_name="C.f", signature="def f()", body="def f(): ...", part=0)
    assert first == "a b\nC.f\ndef f(): ..."
    later = embedded_text(path="a/b.py", qualified_name="C.f", signature="def f()", body="x", part=1)
    assert later == "a b\nC.f\ndef f()\nx"


def test_a_notebook_is_embedded_as_it_reads() -> None:
    body = '"source": [\n"import numpy\\n",\n"\\n",\n"print(\\"a\\")"\n]\n"source": "x\\ny"'
    assert notebook_body(body) == '"source": [\nimport numpy\n\nprint("a")\n]\nx\ny'


_line = st.one_of(
    st.just(""),
    st.builds(
        lambda depth, word, name: " " * depth + f"{word} {name}",
        st.integers(0, 4),
        st.sampled_from(["class", "def", "var", "call", "}", "x = 'é'"]),
        st.text("abcXYZ_é", min_size=1, max_size=30),
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=80),
)


@settings(max_examples=150)
@given(st.lists(_line, max_size=60), st.sampled_from([200, 300, 1200]), st.sampled_from([0, 60, 200]))
def test_every_line_of_any_file_is_in_a_chunk(lines: list[str], max_chars: int, min_chars: int) -> None:
    data = "\n".join(lines).encode()
    options = ChunkOptions(max_chars=max_chars, min_chars=min_chars)
    check_chunks(data, chunk("a/b.x", "python", data, outline(data), options))
