"""What the rules make of the corpus is what the identity says: no change of them passes for the old ones."""

from __future__ import annotations

import msgspec
import pytest

from indexer.identity import RECORDED, Recorded
from indexer.languages import registry
from indexer.stages.chunk import layout
from indexer.stores.text.queries import RAW_FIELDS, WORD_FIELDS
from indexer.types import FileRecord, ParsedFile, SkipReason, SymbolKind
from tests import identity
from tests.identity import CONFIGS, corpus, found_terms, parsed_corpus, record_identity

REMEDY = (
    "what unchanged files yield has changed: run `python -m tests.identity` to record it, and say so in CHANGELOG.md"
)


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return msgspec.json.decode(RECORDED.read_bytes(), type=Recorded)


def test_the_recorded_identity_is_that_of_the_rules(recorded: Recorded) -> None:
    assert record_identity() == recorded, REMEDY


def test_another_query_is_another_identity(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_methods(language: str) -> str:
        return registry.load_query(language).replace("@definition.method", "@definition.function")

    monkeypatch.setattr(identity, "load_query", without_methods)
    assert record_identity().languages != recorded.languages


def test_another_way_to_cut_is_another_identity(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "GLUE_BYTES", 4)
    found = record_identity()
    assert found.chunks != recorded.chunks
    assert found.languages == recorded.languages


def test_other_terms_are_another_identity(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "terms", str.split)
    found = record_identity()
    assert found.terms != recorded.terms
    assert found.chunks == recorded.chunks


def test_the_corpus_meets_each_rule() -> None:
    """A rule that no file of the corpus meets could change unseen."""
    parsed = parsed_corpus()
    assert len(parsed) == len(CONFIGS) * len(list(corpus()))
    skips = {file.skip for file in parsed if isinstance(file, FileRecord)}
    assert skips == {SkipReason.EMPTY, SkipReason.BINARY, SkipReason.GENERATED, SkipReason.MINIFIED}
    files = [file for file in parsed if isinstance(file, ParsedFile)]
    with_symbols = {name for name, row in registry.LANGUAGES.items() if row.has_symbols}
    assert with_symbols <= {file.record.language for file in files}
    assert any(file.record.errors for file in files)
    chunks = [chunk for file in files for chunk in file.chunks]
    assert any(chunk.part for chunk in chunks)
    assert len({chunk.kind for chunk in chunks} & set(SymbolKind)) > 25


def test_the_probe_of_the_text_index_is_found_by_every_field() -> None:
    assert {field for field, _ in found_terms()} == {*WORD_FIELDS, *RAW_FIELDS}
