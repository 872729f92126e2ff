"""Another model: pulled, distilled, changed and taken away, as a user meets it; vectors of two never meet."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import indexer
from indexer.config import EncoderOptions
from indexer.encoders.registry import find_encoder
from indexer.stages.reduce import identity_projection, reduce
from indexer.types import Tier
from tests.e2e.conftest import Cli
from tests.small_models import write_small_model

CODE = "".join(f"def brew_{name}(leaves):\n    return steep(leaves, {n})\n\n\n" for n, name in enumerate("abcdefgh"))


@pytest.fixture
def own_cli(tmp_path: Path) -> Cli:
    """The command line of a user who has no models yet."""
    return Cli(tmp_path / "home")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of a few chunks."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "tea.py").write_text(CODE)
    return root


def test_the_vectors_of_two_models_of_the_same_dims_never_meet(own_cli: Cli, root: Path, tmp_path: Path) -> None:
    first, second = (f"path:{write_small_model(tmp_path / name, seed=n)}" for n, name in enumerate(("one", "two")))
    assert own_cli("build", root, "--model", first, "--json").json["rebuilt"] == ""
    (root / "more.py").write_text("def pour(tea):\n    return tea\n")
    tokenizer = tmp_path / "two" / "tokenizer.json"
    tokenizer.rename(tmp_path / "kept")
    assert own_cli("build", root, "--model", second).code == 6
    assert own_cli("search", "brew", "--root", root, "--model", first).code == 0
    (tmp_path / "kept").rename(tokenizer)
    built = own_cli("build", root, "--model", second)
    assert "the encoder changed from path:" in built.out and "has no static table" in built.err
    options = EncoderOptions(name=second)
    encoder = find_encoder(options).load(threads=1, light=True)
    with indexer.open(root, options=options) as index:
        chunks = list(index.chunks())
        stored = index.vectors([chunk.id for chunk in chunks])
        made = reduce(encoder.encode([chunk.embedded_text for chunk in chunks]), identity_projection(16))[0]
    assert len(chunks) >= 3
    np.testing.assert_array_equal(np.stack([stored[chunk.id].vector for chunk in chunks]), made)


def test_a_search_uses_the_index_s_own_model_or_says_what_to_type(own_cli: Cli, root: Path, tmp_path: Path) -> None:
    write_small_model(tmp_path / "exported")
    missing = own_cli("build", root, "--model", "multilingual-e5-small")
    assert missing.code == 6 and "`indexer model pull multilingual-e5-small`" in missing.err
    assert own_cli("model", "pull", "our-model", "--from", tmp_path / "exported").code == 0
    assert own_cli("build", root, "--model", "our-model", "--quiet").code == 0
    assert own_cli("search", "brew leaves", "--mode", "vector", "--root", root).code == 0
    assert own_cli("model", "remove", "our-model").code == 0
    gone = own_cli("search", "brew", "--root", root)
    assert gone.code == 6 and "`indexer model pull our-model`" in gone.err


@pytest.mark.skipif(sys.platform == "win32", reason="needs file size limits")
def test_a_pull_that_the_system_refuses_is_told_and_the_next_one_takes_nothing_cut_off(
    own_cli: Cli, tmp_path: Path
) -> None:
    source = write_small_model(tmp_path / "exported", dims=384)
    refused = own_cli.whole("model", "pull", "ours", "--from", source, file_bytes=50_000)
    assert refused.code == 1
    assert "model.onnx: File too large; check the free space and the permissions, and pull again" in refused.err
    assert own_cli("model", "pull", "ours", "--from", source).code == 0
    assert own_cli("model", "verify", "ours").code == 0


def test_any_model_gets_a_fast_tier(own_cli: Cli, root: Path, tmp_path: Path) -> None:
    shutil.copytree(Path(indexer.__file__).parent / "encoders", root / "library")
    model = write_small_model(tmp_path / "own", dims=24)
    name = f"path:{model}"
    few = own_cli("model", "distil", name, root / "library", "--texts", "50")
    assert few.code == 2 and "50 texts are too few" in few.err and "texts read" not in few.err
    report = own_cli("model", "distil", name, root / "library", "--json").json
    assert report["components"] == 24 and report["cosine"] > 0.5
    built = own_cli("build", root, "--model", name, "--fast", "--json")
    assert built.json["upgraded"] < 1 and "no static table" not in built.err
    assert own_cli("search", "brew leaves", "--root", root, "--model", name, "--fast").code == 0
    assert own_cli("build", root, "--model", name, "--json").json["upgraded"] == 1
    with indexer.open(root, options=EncoderOptions(name=name)) as index:
        assert set(index.generation.manifest.tiers) == {Tier.CONTEXTUAL}
    write_small_model(model, dims=24, seed=5)
    assert "no static table" in own_cli("build", root, "--model", name).err


def test_hashing_is_named_by_each_command_that_uses_it(own_cli: Cli, root: Path) -> None:
    assert "no meaning" in own_cli("build", root, "--model", "hashing").err
    assert "no meaning" in own_cli("search", "brew", "--root", root).err


def test_a_repository_chooses_no_folder_to_load(own_cli: Cli, root: Path, tmp_path: Path) -> None:
    write_small_model(tmp_path / "own")
    (root / ".indexer.toml").write_text('[encoder]\nname = "path:../own"\n')
    refused = own_cli("build", root)
    assert refused.code == 2 and "a repository may not choose a folder" in refused.err


def test_what_is_tuned_is_what_builds_use_until_a_setting_says_otherwise(
    own_cli: Cli, root: Path, tmp_path: Path
) -> None:
    name = f"path:{write_small_model(tmp_path / 'own')}"
    report = own_cli("tune", root, "--model", name, "--seconds", "0", "--json").json
    best, before = report["best"], report["before"]
    assert {row["token_budget"] for row in report["tried"]} >= {512, 2048, 8192}
    assert best in report["tried"] and before["token_budget"] == 2048
    assert best["tokens_per_second"] >= 0.98 * max(row["tokens_per_second"] for row in report["tried"])
    effective = {row["key"]: row for row in own_cli("config", "show", root, "--model", name, "--json").json}
    for key in ("token_budget", "threads"):
        assert effective[f"encoder.{key}"]["value"] == best[key]
        assert effective[f"encoder.{key}"]["origin"].startswith("tuned, ")
    stated = own_cli("config", "show", root, "--model", name, "--set", "encoder.token_budget=999", "--json").json
    assert next(row["value"] for row in stated if row["key"] == "encoder.token_budget") == 999
    other = {row["key"]: row for row in own_cli("config", "show", root, "--json").json}
    assert other["encoder.threads"]["origin"] == "default"
