"""Parsing what real trees hold: broken, deep, odd and large sources, with the real grammars."""

from __future__ import annotations

import gc
import sys
import tracemalloc

import pytest

from indexer.errors import ParseTimeoutError
from indexer.languages.registry import LANGUAGES
from indexer.stages.parse.parser import WATCHED_BYTES, parse
from indexer.stages.parse.symbols import MAX_DEPTH
from tests.golden import sample_of


def names(source: str | bytes, language: str) -> list[str]:
    return [symbol.qualified_name for symbol in parse(source, language).symbols]


def test_a_language_without_a_grammar_has_no_symbols() -> None:
    assert parse("anything", "text") == parse("anything", "no such language")
    assert parse("anything", "text").symbols == ()


@pytest.mark.parametrize("language", [name for name, row in LANGUAGES.items() if row.has_symbols])
@pytest.mark.parametrize("source", [b"", b"\n", b"\x00", b"\xff\xfe\xfd", b"}{)(", "\ufeffx".encode(), b"\r\n\r\n"])
def test_no_input_breaks_a_language(language: str, source: bytes) -> None:
    for symbol in parse(source, language).symbols:
        assert 0 <= symbol.start_byte <= symbol.end_byte <= len(source)


def test_errors_are_counted_and_the_rest_is_found() -> None:
    result = parse("def good():\n    pass\n\ndef bad(:\n    pass\n\ndef fine():\n    pass\n", "python")
    assert result.errors > 0
    assert {"good", "fine"} <= {symbol.name for symbol in result.symbols}
    assert parse("def good():\n    pass\n", "python").errors == 0


def test_line_ends_of_windows_and_nul_bytes() -> None:
    result = parse(b"# Doc.\r\n# More.\r\ndef f():\r\n    pass\r\n\r\nx = '\x00'\r\ndef g(): pass\r\n", "python")
    assert [(symbol.name, symbol.start_line, symbol.doc) for symbol in result.symbols] == [
        ("f", 1, "Doc.\nMore."),
        ("x", 6, ""),
        ("g", 7, ""),
    ]


def test_a_comment_belongs_to_the_definition_right_below_it() -> None:
    source = "#!/bin/x\ndef a(): pass\n\n# apart\n\ndef b(): pass\nx = 1  # trailing\ndef c(): pass\n"
    assert [symbol.doc for symbol in parse(source, "python").symbols] == ["", "", "", ""]


@pytest.mark.parametrize("language", [name for name, row in LANGUAGES.items() if row.has_symbols])
def test_a_file_may_end_anywhere(language: str) -> None:
    data = sample_of(language).read_bytes()
    for end in range(1, len(data), 61):
        for symbol in parse(data[:end], language).symbols:
            assert 0 <= symbol.start_byte < symbol.end_byte <= end
            assert symbol.end_line <= data.count(b"\n", 0, end) + 1


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        ("c", 'static const char *names[] = {"a"};\n', {"names"}),
        ("cpp", "class A {\n  template <class U> U* make(U u);\n};\n", {"A", "A::make"}),
        ("cpp", 'extern "C" void call(int x);\n', {"call"}),
        (
            "bash",
            'setup() {\n  x\n}\n\n@test "adds" {\n  run add\n}\n\n@test "ends" {\n  run end\n}\n',
            {"setup", "adds", "ends"},
        ),
    ],
)
def test_declarations_that_grammars_hold_in_odd_places(language: str, source: str, expected: set[str]) -> None:
    found = parse(source, language).symbols
    assert {symbol.qualified_name for symbol in found} == expected
    assert max(symbol.end_line for symbol in found) == source.count("\n")


def test_what_documents_the_file_does_not_document_its_first_item() -> None:
    (symbol,) = parse("//! The crate.\n/// The function.\nfn a() {}\n", "rust").symbols
    assert (symbol.doc, symbol.start_line) == ("The function.", 2)


def test_one_hundred_thousand_brackets_end_quickly_and_without_symbols() -> None:
    assert names("(" * 100_000 + ")" * 100_000, "python") == []
    assert parse("[" * 100_000, "python").errors > 0


def test_a_long_run_of_tokens_hides_no_definition_before_it() -> None:
    found = parse("def f():\n  x\n" + "(" * 100_000, "python")
    assert [symbol.name for symbol in found.symbols] == ["f"]
    assert found.errors > 0


def test_definitions_nested_without_end_stay_bounded() -> None:
    depth = 3000
    found = parse("function f(){" * depth + "}" * depth, "javascript").symbols
    assert len(found) <= MAX_DEPTH
    classes = "".join("  " * level + f"class C{level}:\n" for level in range(60)) + "  " * 60 + "pass\n"
    assert max(name.count(".") for name in names(classes, "python")) == MAX_DEPTH - 1


def test_parsing_stops_at_its_time_limit_and_the_parser_can_be_used_again() -> None:
    source = "def f(x):\n    return [x, (x, {x: x})]\n" * 20_000
    with pytest.raises(ParseTimeoutError, match=r"python took longer than 0\.001 s"):
        parse(source, "python", timeout_seconds=0.001)
    assert names("def g(): pass", "python") == ["g"]


def test_parsed_files_leave_nothing_behind_that_grows_with_their_number() -> None:
    source = "def f(x):\n    return [x, (x, {x: x})]\n" * 500
    assert len(source) > WATCHED_BYTES
    parse(source, "python")
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(50):
        parse(source, "python")
    gc.collect()
    assert sys.getallocatedblocks() - before < 50


def test_a_parsed_file_leaves_no_copy_of_itself_behind() -> None:
    source = ("x = [(1, 2), {3: 4}]  # " + "word " * 20 + "\n") * 500
    tracemalloc.start()
    try:
        parse(source, "python")
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(16):
            parse(source, "python")
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4 * len(source)  # the interpreter keeps some freed objects for reuse


def test_long_names_and_signatures_are_cut() -> None:
    (symbol,) = parse(f"def {'n' * 5000}({'a, ' * 5000}): pass\n", "python").symbols
    assert len(symbol.name) < 300
    assert len(symbol.signature) < 500


HEADER = """#ifndef A_H
#define A_H
#ifdef __cplusplus
extern "C" {
#endif
#if defined(X)
API_BEGIN_EXPORT
#endif

enum class shade : int {
  dark = 1,
  WEEK_END
};

struct handle {
  HANDLE_FIELDS
};

API_EXTERN int open_handle(struct handle* it, int flags);
API_EXTERN struct handle* first_handle(void);

#ifdef __cplusplus
}
#endif
#endif
"""


def test_lines_that_only_the_preprocessor_understands_hide_no_declaration() -> None:
    assert {"open_handle", "first_handle"} <= set(names(HEADER.replace("class shade : int", "shade"), "c"))
    found = {symbol.qualified_name: symbol for symbol in parse(HEADER, "cpp").symbols}
    assert {"shade::dark", "shade::WEEK_END", "open_handle", "first_handle"} <= found.keys()
    assert found["open_handle"].signature == "int open_handle(struct handle* it, int flags)"
    assert (found["shade"].start_line, found["shade"].end_line) == (10, 13)


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_macro_before_the_type_of_a_declaration_is_no_error(language: str) -> None:
    source = (
        "#include <a.h>\n/** Runs all. */\nUV_EXTERN int uv_run(uv_loop_t* loop);\n"
        'LIB_API(1) const char* text_of(int code);\nFILE *open_it(void);\nINTERNAL_FUNC(name, "UV_EXTERN int no");\n'
    )
    result = parse(source, language)
    assert result.errors == 0
    assert [(symbol.name, symbol.signature, symbol.doc) for symbol in result.symbols][:3] == [
        ("uv_run", "int uv_run(uv_loop_t* loop)", "Runs all."),
        ("text_of", "const char* text_of(int code)", ""),
        ("open_it", "FILE *open_it(void)", ""),
    ]


def test_a_name_that_the_parser_made_up_is_no_symbol() -> None:
    for source in (
        "enum class : int {\n a = 1,\n b = 2\n}",
        "struct { int ; }",
        "MACRO\nenum class c : int { a = 1, b = 2 };",
    ):
        assert all(names(source, "cpp"))


def test_a_macro_on_the_first_line_is_no_part_of_the_declaration_after_it() -> None:
    (symbol,) = parse("API_BEGIN_EXPORT\nint f(void) { return 1; }\n", "c").symbols
    assert (symbol.signature, symbol.start_line, symbol.start_byte) == ("int f(void)", 2, 17)


def test_a_grammar_that_looks_back_often_does_not_keep_the_rest_of_the_text_each_time() -> None:
    body = "".join(f"  def value{n}(given: Int): Option[List[Int]] = Some(List(given, {n}))\n\n" for n in range(900))
    source = f"object Values {{\n{body}}}\n"
    parse(sample_of("scala").read_bytes(), "scala")
    tracemalloc.start()
    try:
        assert len(parse(source, "scala").symbols) == 901
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 600 * len(source)  # where each read had the rest, it was 7,800 times as much
