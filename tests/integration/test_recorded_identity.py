"""What the rules make of the corpus is what the identity says: no change of them passes for the old ones."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from indexer.config import Config, EncoderOptions
from indexer.identity import CHANGES, RECORDED, Recorded
from indexer.languages import registry
from indexer.stages.chunk import layout
from indexer.stores.text.document import RAW_FIELDS, WORD_FIELDS
from indexer.types import FileRecord, ParsedFile, SkipReason, SymbolKind
from pipelines.build import build
from tests import identity
from tests.identity import CONFIGS, chunks_digest, corpus, found_terms, languages_digest, parsed_corpus, terms_digest

Parsed = list[ParsedFile | FileRecord]
REMEDY = (
    "what unchanged files yield has changed: run `python -m tests.identity` to record it, and say so in CHANGELOG.md"
)


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return msgspec.json.decode(RECORDED.read_bytes(), type=Recorded)


@pytest.fixture(scope="module")
def parsed() -> Parsed:
    return parsed_corpus()


def test_the_recorded_identity_is_that_of_the_rules(recorded: Recorded, parsed: Parsed) -> None:
    found = Recorded(languages=languages_digest(), chunks=chunks_digest(parsed), terms=terms_digest(parsed))
    assert found == recorded, REMEDY


def test_another_query_is_another_identity(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_methods(language: str) -> str:
        return registry.load_query(language).replace("@definition.method", "@definition.function")

    monkeypatch.setattr(identity, "load_query", without_methods)
    assert languages_digest() != recorded.languages


def test_another_way_to_cut_is_another_identity(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "GLUE_BYTES", 4)
    assert chunks_digest(parsed_corpus()) != recorded.chunks


def test_other_terms_are_another_identity(recorded: Recorded, parsed: Parsed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "terms", str.split)
    assert terms_digest(parsed) != recorded.terms


def test_the_corpus_meets_each_rule(parsed: Parsed) -> None:
    """A rule that no file of the corpus meets could change unseen."""
    assert len(parsed) == len(CONFIGS) * len(list(corpus()))
    skips = {file.skip for file in parsed if isinstance(file, FileRecord)}
    assert skips == {
        SkipReason.EMPTY,
        SkipReason.BINARY,
        SkipReason.LFS_POINTER,
        SkipReason.GENERATED,
        SkipReason.MINIFIED,
    }
    files = [file for file in parsed if isinstance(file, ParsedFile)]
    with_symbols = {name for name, row in registry.LANGUAGES.items() if row.has_symbols}
    assert with_symbols <= {file.record.language for file in files}
    assert any(file.record.errors for file in files)
    chunks = [chunk for file in files for chunk in file.chunks]
    assert any(chunk.part for chunk in chunks)
    assert len({chunk.kind for chunk in chunks} & set(SymbolKind)) > 25


def test_the_probe_of_the_text_index_is_found_by_every_field() -> None:
    assert {field for field, _ in found_terms()} == {*WORD_FIELDS, *RAW_FIELDS}


def test_an_index_of_other_rules_is_made_anew_with_the_reason(
    tmp_path: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, older = tmp_path / "root", tmp_path / "older.json"
    root.mkdir()
    (root / "kept.py").write_text("def kept():\n    return 1\n")
    config = Config(encoder=EncoderOptions(name="hashing"))
    older.write_bytes(identity.encode(msgspec.structs.replace(recorded, chunks="0" * 32)))
    with monkeypatch.context() as before:
        before.setattr("indexer.identity.RECORDED", older)
        build(root, config=config)
        assert not build(root, config=config).committed
    report = build(root, config=config)
    assert report.rebuilt == f"{CHANGES['chunks']} changed"
    assert (report.files.added, report.files.unchanged) == (1, 0)
    assert not build(root, config=config).committed
