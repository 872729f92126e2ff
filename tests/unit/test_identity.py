"""An index is carried on only by a build that would make the same vectors and chunks."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import msgspec

from indexer.config import Config
from indexer.encoders.bundle import BASIS, BUNDLED, SUMS
from indexer.stores.generation.manifest import Counts, Encoder, IndexedSource, Manifest, Projection
from pipelines.identity import Identity, rebuild_reason, wanted_identity


def _manifest(identity: Identity) -> Manifest:
    made = identity.encoder
    return Manifest(
        format_version=1,
        generation=1,
        created="",
        encoder=Encoder(name=made.name, digest=made.digest, dims=made.dims, max_tokens=made.max_tokens),
        projection=Projection(mode="bundled", digest="", dims=128),
        fingerprint=identity.fingerprint,
        source=IndexedSource(kind="worktree", root=".."),
        counts=Counts(files=0, skipped=0, chunks=0),
        segments=(),
        digest="0",
        vector_digest="0",
        files={},
    )


def _config(folder: Path) -> Config:
    config = Config()
    return msgspec.structs.replace(config, encoder=msgspec.structs.replace(config.encoder, path=str(folder)))


def _with_sum(folder: Path, name: str) -> None:
    listed = (folder / SUMS).read_text().splitlines()
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    changed = [f"{digest}  {name}" if line.endswith(f"  {name}") else line for line in listed]
    (folder / SUMS).write_text("\n".join(changed) + "\n")


def test_the_same_identity_carries_on() -> None:
    identity = wanted_identity(Config())
    assert rebuild_reason(_manifest(identity), identity) == ""
    assert identity.encoder.name == "minilm"


def test_another_model_another_basis_and_other_options_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED, folder)
    made = _manifest(wanted_identity(_config(folder)))
    (folder / BASIS).write_bytes(b"another basis")
    _with_sum(folder, BASIS)
    assert "options" in rebuild_reason(made, wanted_identity(_config(folder)))
    (folder / "tokenizer.json").write_bytes(b"another tokenizer")
    _with_sum(folder, "tokenizer.json")
    assert "the encoder changed from minilm" in rebuild_reason(made, wanted_identity(_config(folder)))
