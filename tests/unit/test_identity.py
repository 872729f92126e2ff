"""An index is carried on only by a build that would make the same chunks, terms and vectors."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import msgspec
import pytest

from indexer.config import Config, EncoderOptions, ParseOptions
from indexer.encoders.bundle import BASIS, BUNDLED, SUMS
from indexer.identity import (
    CHANGES,
    PACKAGES,
    RECORDED,
    Identity,
    changed_parts,
    first_encoder,
    rebuild_reason,
    wanted_identity,
)
from indexer.stores.generation.manifest import Counts, Encoder, Manifest, Projection, Segment
from indexer.types import IndexedSource, Tier


def manifest_of(identity: Identity, *, tier: Tier = Tier.STATIC) -> Manifest:
    made = identity.encoder
    return Manifest(
        format_version=1,
        generation=1,
        created="",
        encoder=Encoder(name=made.name, digest=made.digest, dims=made.dims, max_tokens=made.max_tokens),
        projection=Projection(mode="bundled", digest="", dims=128),
        made_with=identity.made_with,
        source=IndexedSource(kind="worktree", root=".."),
        counts=Counts(files=1, skipped=0, chunks=2),
        segments=(Segment(number=1, tier=tier, vectors=2, live=2),),
        digest="0",
        vector_digest="0",
        files={},
    )


def with_encoder(folder: Path) -> Config:
    config = Config()
    return msgspec.structs.replace(config, encoder=msgspec.structs.replace(config.encoder, path=str(folder)))


def list_again(folder: Path, name: str) -> None:
    """Put the file's sha256 of now into the folder's list."""
    listed = (folder / SUMS).read_text().splitlines()
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    changed = [f"{digest}  {name}" if line.endswith(f"  {name}") else line for line in listed]
    (folder / SUMS).write_text("\n".join(changed) + "\n")


def reason_for(config: Config) -> str:
    """Return why an index of the default configuration is not carried on with this one."""
    return rebuild_reason(manifest_of(wanted_identity(Config())), wanted_identity(config))


def test_the_same_identity_carries_on() -> None:
    identity = wanted_identity(Config())
    assert rebuild_reason(manifest_of(identity), identity) == ""
    assert identity.encoder.name == "minilm"


def test_another_model_and_another_basis_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED, folder)
    made = manifest_of(wanted_identity(with_encoder(folder)), tier=Tier.CONTEXTUAL)
    (folder / BASIS).write_bytes(b"another basis")
    list_again(folder, BASIS)
    # The bundled static encoder is in the space of the bundled basis alone.
    changed = "; ".join(f"{CHANGES[part]} changed" for part in ("projection", "static"))
    assert rebuild_reason(made, wanted_identity(with_encoder(folder))) == changed
    (folder / "tokenizer.json").write_bytes(b"another tokenizer")
    list_again(folder, "tokenizer.json")
    assert "the encoder changed from minilm" in rebuild_reason(made, wanted_identity(with_encoder(folder)))


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("chunk", {"max_chars": 900}, "options"),
        ("walk", {"include_generated": True}, "options"),
        ("languages", {"*.inc": "php"}, "options"),
        ("projection", {"dims": 64}, "projection"),
    ],
)
def test_options_that_change_a_result_are_told_by_what_they_decide(key: str, value: object, part: str) -> None:
    config = msgspec.convert({key: value}, Config)
    assert reason_for(config) == f"{CHANGES[part]} changed"


def test_the_order_of_globs_decides_a_language_and_is_told() -> None:
    globs = {"*.inc": "php", "lib/*": "ruby"}
    made = manifest_of(wanted_identity(Config(languages=globs)))
    swapped = wanted_identity(Config(languages=dict(reversed(globs.items()))))
    assert rebuild_reason(made, swapped) == f"{CHANGES['options']} changed"


def test_options_that_change_no_result_carry_on() -> None:
    config = msgspec.convert({"encoder": {"threads": 3, "token_budget": 512}, "walk": {"exclude": ["a"]}}, Config)
    assert reason_for(msgspec.structs.replace(config, parse=ParseOptions(workers=3))) == ""


@pytest.mark.parametrize("part", sorted(CHANGES))
def test_each_part_that_differs_says_what_it_is(part: str) -> None:
    wanted = wanted_identity(Config())
    made = Identity(wanted.encoder, {**wanted.made_with, part: "other"})
    assert rebuild_reason(manifest_of(made), wanted) == f"{CHANGES[part]} changed"


@pytest.mark.parametrize("tier", list(Tier))
def test_another_static_encoder_matters_to_files_centroids_whatever_vectors_chunks_have(tier: Tier) -> None:
    wanted = wanted_identity(Config())
    made = Identity(wanted.encoder, {**wanted.made_with, "static": "other"})
    assert rebuild_reason(manifest_of(made, tier=tier), wanted) == f"{CHANGES['static']} changed"


@pytest.mark.parametrize(
    "settings", [{"encoder": {"name": "static"}}, {"projection": {"mode": "fit"}}, {"recall": {"strict": True}}]
)
def test_the_encoder_itself_has_the_first_vectors_where_no_static_one_can_stand_in(settings: dict[str, object]) -> None:
    config = msgspec.convert(settings, Config)
    assert first_encoder(config).identity.digest == wanted_identity(config).encoder.digest


def test_a_complete_index_is_the_same_whether_or_not_a_static_one_stood_in() -> None:
    strict = wanted_identity(msgspec.convert({"recall": {"strict": True}}, Config))
    assert strict.made_with == wanted_identity(Config()).made_with
    assert "static" not in wanted_identity(Config(encoder=EncoderOptions(name="static"))).made_with


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_another_grammar_parser_or_stemmer_is_told_with_both_versions(package: str) -> None:
    wanted = wanted_identity(Config())
    assert wanted.made_with[package] == metadata.version(package)
    made = Identity(wanted.encoder, {**wanted.made_with, package: "0.0.1"})
    expected = f"{package} changed from 0.0.1 to {metadata.version(package)}"
    assert rebuild_reason(manifest_of(made), wanted) == expected


def test_parts_that_only_one_side_knows_are_changes() -> None:
    assert changed_parts({}, {"a": "1"}) == "a changed from none to 1"
    assert changed_parts({"a": "1", "b": "2"}, {"b": "3"}) == "a changed from 1 to none; b changed from 2 to 3"


def test_the_identity_costs_no_import_of_a_grammar_a_stemmer_an_engine_or_package_metadata() -> None:
    program = (
        "import sys; from indexer.config import Config; from indexer.identity import wanted_identity;"
        "wanted_identity(Config()); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    heavy = {*PACKAGES.values(), "numpy", "onnxruntime", "tokenizers", "tantivy", "usearch", "importlib.metadata"}
    assert not heavy & set(done.stdout.split())


def test_recorded_digests_are_all_there() -> None:
    recorded = msgspec.json.decode(RECORDED.read_bytes(), type=dict[str, str])
    assert {part: len(digest) for part, digest in recorded.items()} == {"languages": 32, "chunks": 32, "terms": 32}
