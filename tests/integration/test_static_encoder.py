"""The bundled static encoder: exact, the same in any batch, in the transformer's space, loaded without an engine."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import indexer
from indexer.config import Config, EncoderOptions
from indexer.encoders import onnx
from indexer.encoders.bundle import (
    BUNDLED,
    BUNDLED_STATIC,
    SCALES,
    STATIC_LOADED,
    TABLE,
    VOCABULARY,
    WORDS,
    open_bundle,
)
from indexer.encoders.registry import find_encoder
from indexer.encoders.spec import DESCRIPTION
from indexer.encoders.static import StaticEncoder, load
from indexer.encoders.wordpiece import WordPieces
from indexer.errors import ModelError
from indexer.stages.embed import embed
from indexer.stages.reduce import bundled_projection, reduce
from pipelines.build import build
from pipelines.export_basis import turn_table
from pipelines.parsing import encode

TEXTS: list[str] = json.loads(
    (Path(__file__).parents[1] / "data" / "encoder" / "texts.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def encoder() -> StaticEncoder:
    return load(open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED))


@pytest.fixture(scope="module")
def alone(encoder: StaticEncoder) -> NDArray[np.float32]:
    """Every text encoded in a batch of its own."""
    return np.vstack([encoder.encode([text]) for text in TEXTS])


def test_rows_are_unit_vectors_of_the_transformer_s_shape(encoder: StaticEncoder, alone: NDArray[np.float32]) -> None:
    assert alone.shape == (len(TEXTS), find_encoder(EncoderOptions()).identity.dims)
    assert alone.dtype == np.float32
    lengths = np.linalg.norm(alone, axis=1)
    np.testing.assert_allclose(lengths[encoder.prepare(TEXTS).lengths > 0], 1, atol=1e-6)


@pytest.mark.parametrize("token_budget", [256, 700, 2048, 16384])
def test_planned_batches_give_the_same_bytes(
    encoder: StaticEncoder, alone: NDArray[np.float32], token_budget: int
) -> None:
    assert embed(TEXTS, encoder, token_budget=token_budget).tobytes() == alone.tobytes()


@given(st.lists(st.sampled_from(TEXTS) | st.text(max_size=50), min_size=1, max_size=12), st.data())
def test_a_text_s_vector_never_depends_on_its_batch(texts: list[str], data: st.DataObject) -> None:
    encoder = load(open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED))
    row = data.draw(st.integers(0, len(texts) - 1))
    assert encoder.encode(texts)[row].tobytes() == encoder.encode([texts[row]])[0].tobytes()


def test_coordinates_are_the_exact_sum_of_rows(encoder: StaticEncoder) -> None:
    table = np.load(BUNDLED_STATIC / TABLE).astype(object)
    scales = np.load(BUNDLED_STATIC / SCALES)
    lines = ((BUNDLED_STATIC / name).read_text(encoding="utf-8").splitlines() for name in (VOCABULARY, WORDS))
    pieces = WordPieces(*lines)
    longest = max(TEXTS, key=len) * 3
    expected = sum(
        table[token] * round(float(np.sqrt(count)) * float(scales[token]))
        for token, count in Counter(pieces.tokens(longest)[: encoder.identity.max_tokens]).items()
    )
    found = encoder.coordinates(encoder.prepare([longest]), np.array([0]))[0]
    assert [int(value) for value in found] == list(expected)


def test_no_text_can_leave_the_range_of_exact_sums() -> None:
    spec = open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED).spec
    largest = int(np.abs(np.load(BUNDLED_STATIC / TABLE).astype(np.int64)).max())
    assert largest * int(np.load(BUNDLED_STATIC / SCALES).max()) * spec.max_tokens < 2**24


def test_the_first_coordinates_are_the_projection(encoder: StaticEncoder, alone: NDArray[np.float32]) -> None:
    basis = open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED).basis()
    assert basis is not None
    reduced, _ = reduce(alone, bundled_projection(basis, dims=128))
    coordinates = encoder.coordinates(encoder.prepare(TEXTS), np.arange(len(TEXTS)))[:, :128]
    assert np.abs(coordinates).max(axis=1).min() > 0
    folded = np.rint(coordinates / np.abs(coordinates).max(axis=1, keepdims=True) * 127)
    assert np.abs(folded - reduced).max() <= 1


def test_a_table_turned_to_another_basis_gives_the_same_vectors(tmp_path: Path, alone: NDArray[np.float32]) -> None:
    before = open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED).basis()
    assert before is not None
    components = before.shape[1]
    spin = np.linalg.qr(np.random.default_rng(0).standard_normal((components, components)))[0]
    other = (before / np.linalg.norm(before, axis=0)) @ spin * np.linspace(1, 0.3, components)
    shutil.copytree(BUNDLED_STATIC, tmp_path / "turned")
    turn_table(tmp_path / "turned", other.astype(np.float32))
    turned = StaticEncoder(open_bundle(tmp_path / "turned", loaded=STATIC_LOADED)).encode(TEXTS)
    assert np.einsum("ij,ij->i", turned, alone).min() > 0.999


def test_vectors_are_near_the_transformer_s_of_the_same_text(alone: NDArray[np.float32]) -> None:
    contextual = onnx.load(BUNDLED, threads=1, light=True).encode(TEXTS)
    nearest = (alone @ contextual.T).argmax(axis=1)
    assert (nearest == np.arange(len(TEXTS))).mean() >= 0.9
    assert np.einsum("ij,ij->i", alone, contextual).mean() >= 0.6


def test_blank_odd_and_no_texts_are_encoded(encoder: StaticEncoder) -> None:
    vectors = encoder.encode(["", " \n\t", "\0", "lone \udcff surrogate", "\N{GRINNING FACE}" * 400, "word " * 5000])
    assert np.isfinite(vectors).all()
    assert not vectors[:3].any()
    assert encoder.encode([]).shape == (0, encoder.identity.dims)


def test_text_past_the_limit_is_not_read(encoder: StaticEncoder) -> None:
    start = "word " * encoder.identity.max_tokens
    assert encoder.encode([start + "apple"]).tobytes() == encoder.encode([start + "pear"]).tobytes()


def test_the_bundled_files_are_those_listed() -> None:
    bundle = open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED)
    bundle.verify()
    assert {path.name for path in BUNDLED_STATIC.iterdir()} == set(bundle.sums) | {"SHA256SUMS", "LICENSE", "MODEL.md"}
    assert (BUNDLED_STATIC / TABLE).stat().st_size <= 12_500_000


def test_both_encoders_have_one_basis() -> None:
    assert find_encoder(EncoderOptions(name="static")).basis_digest == find_encoder(EncoderOptions()).basis_digest


@pytest.mark.parametrize("name", STATIC_LOADED)
def test_a_damaged_file_is_a_named_error(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED_STATIC, folder)
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=name):
        load(open_bundle(folder, loaded=STATIC_LOADED))


@pytest.mark.parametrize("name", STATIC_LOADED)
def test_no_process_vouches_for_a_damaged_file_nor_loads_what_was_altered_since(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED_STATIC, folder)
    bundle = open_bundle(folder, loaded=STATIC_LOADED)
    vouched = bundle.vouch()
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name}.*damaged"):
        bundle.vouch()
    if name != DESCRIPTION:  # which was read before
        with pytest.raises(ModelError, match=f"{name}.*altered"):
            load(vouched)


def test_what_is_vouched_for_loads_the_same_without_the_library_of_checksums(encoder: StaticEncoder) -> None:
    vouched = open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED).vouch()
    program = (
        "import pickle, sys; from indexer.encoders.static import load;"
        "made = load(pickle.load(sys.stdin.buffer));"
        "print(made.identity.digest, '_hashlib' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(vouched), capture_output=True, check=True)
    assert told.stdout.decode().split() == [encoder.identity.digest, "False"]


@pytest.mark.parametrize("name", STATIC_LOADED)
def test_a_missing_file_is_a_named_error(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED_STATIC, folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        load(open_bundle(folder, loaded=STATIC_LOADED))


def test_an_index_is_built_and_searched_without_an_engine(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "http.py").write_text("def read_header(stream):\n    '''Read one header line of a response.'''\n")
    (root / "shape.py").write_text("def area(circle):\n    '''The surface of a circle.'''\n    return 3 * circle.r\n")
    program = (
        "import sys, indexer\nfrom pathlib import Path\n"
        "from pipelines.build import build\n"
        "from indexer.config import Config, EncoderOptions\n"
        f"build(Path({str(root)!r}), config=Config(encoder=EncoderOptions(name='static')))\n"
        f"with indexer.open({str(root / '.indexer')!r}) as index:\n"
        "    print(index.search('parse http headers', mode='vector').hits[0].path)\n"
        "print(sorted({'onnxruntime', 'fastembed', 'tokenizers', 'sklearn'}.intersection(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["http.py", "[]"]


def test_an_increment_equals_a_fresh_build(tmp_path: Path) -> None:
    config = Config(encoder=EncoderOptions(name="static"))
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.py").write_text("def first():\n    return 1\n")
    build(root, config=config, index_dir=tmp_path / "grown")
    (root / "b.py").write_text("def second():\n    return 2\n")
    grown = build(root, config=config, index_dir=tmp_path / "grown")
    fresh = build(root, config=config, index_dir=tmp_path / "fresh")
    assert grown.digest == fresh.digest
    with indexer.open(tmp_path / "grown") as one, indexer.open(tmp_path / "fresh") as other:
        assert one.search("second", mode="vector").hits == other.search("second", mode="vector").hits


def test_workers_make_the_vectors_that_the_main_process_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "tree"
    for number in range(40):
        path = root / f"m{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(f"def f{number}_{i}(text):\n    return text.split({i})\n" for i in range(20)))
    config = Config(encoder=EncoderOptions(name="static"))
    reports = []
    for worth in (0, 1 << 40):
        monkeypatch.setattr(encode, "WORTH_BYTES", worth)
        reports.append(build(root, config=config, index_dir=tmp_path / str(worth)))
    assert [report.recall is None for report in reports] == [True, False]  # the main process measures what it makes
    assert reports[0].vector_digest == reports[1].vector_digest
    assert reports[0].chunks == reports[1].chunks
