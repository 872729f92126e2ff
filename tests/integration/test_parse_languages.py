"""Every language of the registry against its golden sample, with the real grammars."""

from __future__ import annotations

from importlib.resources import files

import pytest

from indexer.config import ChunkOptions
from indexer.languages.detection import detect_language
from indexer.languages.registry import LANGUAGES
from indexer.stages.chunk.chunker import chunk
from indexer.stages.parse.parser import parse
from tests.chunk_checks import check_chunks
from tests.golden import SAMPLES, rendered, sample_of

WITH_SYMBOLS = [name for name, row in LANGUAGES.items() if row.has_symbols]


def test_every_language_with_symbols_has_a_query_and_a_golden_sample() -> None:
    queries = {file.name.removesuffix(".scm") for file in files("indexer.languages").joinpath("queries").iterdir()}
    samples = {path.name for path in SAMPLES.iterdir()}
    assert set(WITH_SYMBOLS) - queries == set()
    assert set(WITH_SYMBOLS) == samples


@pytest.mark.parametrize("language", WITH_SYMBOLS)
def test_symbols_equal_the_golden_file(language: str) -> None:
    expected = (SAMPLES / language / "symbols.txt").read_text(encoding="utf-8")
    assert rendered(language) == expected


@pytest.mark.parametrize("language", WITH_SYMBOLS)
def test_a_sample_is_detected_as_its_language(language: str) -> None:
    sample = sample_of(language)
    assert detect_language(sample.name, sample.read_bytes()).language == language


@pytest.mark.parametrize("language", WITH_SYMBOLS)
def test_spans_are_sorted_nested_and_inside_the_file(language: str) -> None:
    data = sample_of(language).read_bytes()
    symbols = parse(data, language).symbols
    lines = data.count(b"\n") + 1
    assert symbols
    for symbol in symbols:
        assert 0 <= symbol.start_byte < symbol.end_byte <= len(data)
        assert 1 <= symbol.start_line <= symbol.end_line <= lines
        assert data.count(b"\n", 0, symbol.start_byte) + 1 == symbol.start_line
        assert "\n" not in symbol.signature
        assert symbol.name and symbol.qualified_name.endswith(symbol.name)
    assert list(symbols) == sorted(symbols, key=lambda symbol: (symbol.start_byte, -symbol.end_byte))


@pytest.mark.parametrize("max_chars", [200, 1200])
@pytest.mark.parametrize("language", WITH_SYMBOLS)
def test_chunks_hold_every_line_and_identifier(language: str, max_chars: int) -> None:
    data = sample_of(language).read_bytes()
    options = ChunkOptions(max_chars=max_chars)
    check_chunks(data, chunk("src/sample", language, data, parse(data, language).symbols, options))
