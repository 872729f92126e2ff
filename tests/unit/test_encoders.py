"""Model folders as data, the hashing encoder, and the registry: no engine, no real model."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer.config import EncoderOptions
from indexer.encoders.bundle import BASIS, SUMS, open_bundle
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.registry import VARIANTS, find_encoder
from indexer.encoders.spec import DESCRIPTION, EncoderSpec
from indexer.errors import ConfigError, ModelError
from tests.model_folder import DESCRIBED, make_folder


def test_identity_comes_from_the_description_and_the_listed_checksums(tmp_path: Path) -> None:
    identity = open_bundle(make_folder(tmp_path)).identity
    assert (identity.name, identity.dims, identity.max_tokens) == ("tiny", 4, 8)
    assert re.fullmatch("[0-9a-f]{32}", identity.digest)


def test_another_model_file_is_another_digest_and_other_files_are_not(tmp_path: Path) -> None:
    first = open_bundle(make_folder(tmp_path)).identity
    assert open_bundle(make_folder(tmp_path, README_txt=b"more")).identity == first
    assert open_bundle(make_folder(tmp_path, model_onnx=b"other")).identity.digest != first.digest


def test_verify_names_the_first_file_that_differs(tmp_path: Path) -> None:
    bundle = open_bundle(make_folder(tmp_path))
    bundle.verify()
    (tmp_path / "model.onnx").write_bytes(b"altered")
    bundle.verify(["tokenizer.json"])
    with pytest.raises(ModelError, match=r"model\.onnx.*damaged.*docs/encoders\.md"):
        bundle.verify()


def test_a_folder_without_a_list_is_no_model_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no list of checksums"):
        open_bundle(tmp_path)


@pytest.mark.parametrize("line", ["nonsense", "0123  model.onnx", "../escape"])
def test_a_malformed_list_is_refused(tmp_path: Path, line: str) -> None:
    make_folder(tmp_path)
    with (tmp_path / SUMS).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ModelError, match=SUMS):
        open_bundle(tmp_path)


def test_a_list_without_the_model_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    lines = (tmp_path / SUMS).read_text().splitlines(keepends=True)
    (tmp_path / SUMS).write_text("".join(line for line in lines if "model.onnx" not in line))
    with pytest.raises(ModelError, match=r"does not list model\.onnx"):
        open_bundle(tmp_path)


@pytest.mark.parametrize(
    "described",
    [
        b"{",
        b'{"name": "tiny"}',
        b'{"name": "t", "dims": "4", "max_tokens": 8, "pooling": "mean", "chunk_chars": 300}',
        b'{"name": "t", "dims": 4, "max_tokens": 8, "pooling": "mean", "chunk_chars": 30}',
    ],
)
def test_a_malformed_description_is_refused(tmp_path: Path, described: bytes) -> None:
    make_folder(tmp_path)
    (tmp_path / DESCRIPTION).write_bytes(described)
    with pytest.raises(ModelError, match=DESCRIPTION):
        open_bundle(tmp_path)


def test_a_prefix_is_part_of_the_digest(tmp_path: Path) -> None:
    plain = open_bundle(make_folder(tmp_path)).identity
    prefixed = json.dumps({**DESCRIBED, "query_prefix": "query: "}).encode()
    assert open_bundle(make_folder(tmp_path, encoder_json=prefixed)).identity.digest != plain.digest


def test_each_role_has_its_own_prefix() -> None:
    spec = EncoderSpec(
        name="e5",
        dims=4,
        max_tokens=8,
        pooling="mean",
        chunk_chars=300,
        query_prefix="query: ",
        passage_prefix="text: ",
    )
    assert (spec.prefix("query"), spec.prefix("passage")) == ("query: ", "text: ")


def test_an_encoder_s_folder_is_the_one_that_options_name_or_the_package_s(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    assert find_encoder(EncoderOptions(path=str(folder))).spec.name == "tiny"
    assert find_encoder(EncoderOptions()).spec.name == "all-minilm-l6-v2-int8"
    with pytest.raises(ModelError, match=r"nowhere.*no model folder"):
        find_encoder(EncoderOptions(path=str(tmp_path / "nowhere")))


def test_a_folder_may_have_no_basis(tmp_path: Path) -> None:
    assert open_bundle(make_folder(tmp_path)).basis() is None


def test_the_basis_is_read_back(tmp_path: Path) -> None:
    expected = np.eye(4, 2, dtype=np.float32)
    np.savez(tmp_path / BASIS, basis=expected)
    make_folder(tmp_path, basis_npz=(tmp_path / BASIS).read_bytes())
    basis = open_bundle(tmp_path).basis()
    assert basis is not None
    np.testing.assert_array_equal(basis, expected)


def test_hashing_gives_unit_rows_whatever_the_batch() -> None:
    encoder = HashingEncoder()
    texts = ["def parse_header(line)", "parse the header", "", "\udcff", "zebra"]
    together = encoder.encode(texts)
    assert together.shape == (5, encoder.identity.dims) and together.dtype == np.float32
    assert together.tobytes() == np.vstack([encoder.encode([text]) for text in texts]).tobytes()
    lengths = np.linalg.norm(together, axis=1)
    np.testing.assert_allclose(lengths[[0, 1, 4]], 1, atol=1e-6)
    assert lengths[2] == 0


def test_hashing_puts_texts_with_shared_words_nearer() -> None:
    query, near, far = HashingEncoder().encode(["parse header", "def parseHeader(line):", "open a socket"])
    assert query @ near > query @ far + 0.3


def test_hashing_never_changes_silently() -> None:
    """A changed vector needs a changed digest: indexes built before would mix two encoders."""
    encoder = HashingEncoder()
    content = hashlib.sha256(encoder.encode(["class LruCache { find(key) }"]).tobytes()).hexdigest()
    assert (encoder.identity.digest, content[:16]) == ("747f759fb1457e6ab387bb519893847d", "9d40607a7efc0ce9")


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_every_encoder_says_who_it_is_without_loading_an_engine(name: str) -> None:
    program = (
        "import sys; from indexer.config import EncoderOptions; from indexer.encoders.registry import find_encoder;"
        f"found = find_encoder(EncoderOptions(name={name!r}));"
        "assert found.identity.dims == found.spec.dims; assert found.identity.max_tokens == found.spec.max_tokens;"
        "assert (found.basis() is None) == (not found.basis_digest);"
        "assert not {'onnxruntime', 'fastembed', 'tokenizers', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_an_unknown_encoder_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'nope'.*hashing, minilm"):
        find_encoder(EncoderOptions(name="nope"))
