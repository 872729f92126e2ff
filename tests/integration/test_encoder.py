"""The bundled encoder with its real files: right, the same in any batch, the same by both ways of loading."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.encoders import onnx, sessions
from indexer.encoders.bundle import BUNDLED, LOADED, open_bundle
from indexer.encoders.onnx import OnnxEncoder, load
from indexer.errors import ModelError
from indexer.stages.embed import embed

DATA = Path(__file__).parents[1] / "data" / "encoder"
TEXTS: list[str] = json.loads((DATA / "texts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return load(BUNDLED, threads=1, light=True)


@pytest.fixture(scope="module")
def alone(encoder: OnnxEncoder) -> NDArray[np.float32]:
    """Every text encoded in a batch of its own."""
    return np.vstack([encoder.encode([text]) for text in TEXTS])


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED, folder)
    yield folder
    for key in [key for key in onnx._loaded if key[0] == folder.resolve()]:
        del onnx._loaded[key]


@pytest.mark.parametrize("index", range(len(TEXTS)))
def test_each_vector_is_near_the_float32_model_s(alone: NDArray[np.float32], index: int) -> None:
    references = np.load(DATA / "references.npy", allow_pickle=False)
    assert alone[index] @ references[index] >= 0.99


def test_rows_are_unit_vectors_of_the_identity_s_shape(encoder: OnnxEncoder, alone: NDArray[np.float32]) -> None:
    assert alone.shape == (len(TEXTS), encoder.identity.dims)
    assert alone.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-6)


def test_all_in_one_batch_gives_the_same_bytes(encoder: OnnxEncoder, alone: NDArray[np.float32]) -> None:
    assert encoder.encode(TEXTS).tobytes() == alone.tobytes()


@pytest.mark.parametrize("token_budget", [256, 700, 2048, 16384])
def test_planned_batches_give_the_same_bytes(
    encoder: OnnxEncoder, alone: NDArray[np.float32], token_budget: int
) -> None:
    assert embed(TEXTS, encoder, token_budget=token_budget).tobytes() == alone.tobytes()


@pytest.mark.parametrize("other", [13, 64, 256])
def test_a_longer_text_in_the_batch_changes_no_byte(encoder: OnnxEncoder, other: int) -> None:
    prepared = encoder.prepare(["value " * 8, "word " * (other - 2)])
    assert list(prepared.lengths) == [10, other]
    together = encoder.encode_prepared(prepared, np.arange(2))
    assert together[0].tobytes() == encoder.encode(["value " * 8])[0].tobytes()


@pytest.mark.parametrize("words", [1, 14, 61, 126, 180])
def test_texts_of_one_length_run_together_change_no_byte(encoder: OnnxEncoder, words: int) -> None:
    texts = ["value " * words, "word " * words, "self " * words]
    assert encoder.encode(texts).tobytes() == b"".join(encoder.encode([text]).tobytes() for text in texts)


@pytest.mark.parametrize("threads", [2, 4])
def test_the_number_of_threads_changes_no_byte(alone: NDArray[np.float32], threads: int) -> None:
    threaded = load(BUNDLED, threads=threads, light=True)
    assert threaded.encode(TEXTS).tobytes() == alone.tobytes()
    assert embed(TEXTS, threaded, token_budget=700).tobytes() == alone.tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_fastembed_and_the_light_way_give_the_same_bytes(alone: NDArray[np.float32], threads: int) -> None:
    built = load(BUNDLED, threads=threads, light=False)
    assert built.identity == load(BUNDLED, threads=1, light=True).identity
    assert built.encode(TEXTS).tobytes() == alone.tobytes()
    assert list(built.prepare(TEXTS).lengths) == list(load(BUNDLED, threads=1, light=True).prepare(TEXTS).lengths)


def test_lengths_count_special_tokens_and_stop_at_the_limit(encoder: OnnxEncoder) -> None:
    prepared = encoder.prepare(["", "  \n", "word", "word " * 400])
    assert list(prepared.lengths) == [2, 2, 3, encoder.identity.max_tokens]
    assert prepared.lengths.dtype == np.int32


def test_text_past_the_limit_is_not_read(encoder: OnnxEncoder) -> None:
    start = "word " * 300
    assert encoder.encode([start + "apple"]).tobytes() == encoder.encode([start + "pear"]).tobytes()


def test_blank_odd_and_no_texts_are_encoded(encoder: OnnxEncoder) -> None:
    odd = ["", " \n\t", "\0", "lone \udcff surrogate", "\N{GRINNING FACE}" * 400]
    vectors = encoder.encode(odd)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert encoder.encode([]).shape == (0, encoder.identity.dims)


def test_rows_choose_among_prepared_texts(encoder: OnnxEncoder, alone: NDArray[np.float32]) -> None:
    rows = np.array([5, 0, 5])
    assert encoder.encode_prepared(encoder.prepare(TEXTS), rows).tobytes() == alone[rows].tobytes()


def test_a_model_is_loaded_once_a_process_by_any_number_of_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(lambda _: load(BUNDLED, threads=1, light=True), range(8)))
    assert len({id(encoder) for encoder in loaded}) == 1


def test_one_encoder_serves_threads_at_once(encoder: OnnxEncoder, alone: NDArray[np.float32]) -> None:
    with ThreadPoolExecutor(4) as pool:
        vectors = list(pool.map(lambda text: encoder.encode([text])[0], TEXTS))
    assert np.vstack(vectors).tobytes() == alone.tobytes()


def test_the_bundled_files_are_those_listed() -> None:
    bundle = open_bundle(BUNDLED)
    bundle.verify()
    listed = set(bundle.sums) | {"SHA256SUMS", "LICENSE", "MODEL.md"}
    assert {path.name for path in BUNDLED.iterdir()} == listed
    assert (BUNDLED / "model.onnx").stat().st_size <= 24_000_000


def test_the_basis_is_orthogonal_and_keeps_more_of_a_vector_than_chance(alone: NDArray[np.float32]) -> None:
    basis = open_bundle(BUNDLED).basis()
    assert basis is not None and basis.shape == (384, 256)
    lengths = np.linalg.norm(basis, axis=0)
    assert lengths.max() == pytest.approx(1, abs=1e-4)
    directions = basis / lengths
    np.testing.assert_allclose(directions.T @ directions, np.eye(256), atol=1e-4)
    kept = np.square(alone @ directions[:, :128]).sum(axis=1)
    assert kept.mean() > 0.45  # a random basis keeps a third; this one was learned to tell answers apart


@pytest.mark.parametrize("name", LOADED)
@pytest.mark.parametrize("light", [True, False])
def test_a_damaged_file_is_a_named_error(copied: Path, name: str, light: bool) -> None:
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(ModelError, match=name):
        load(copied, threads=1, light=light)


def test_a_missing_file_is_a_named_error(copied: Path) -> None:
    (copied / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx.*can't be read"):
        load(copied, threads=1, light=True)


def test_a_model_that_onnxruntime_refuses_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelError, match=r"model\.onnx.*can't load"):
        sessions.open_session(tmp_path / "model.onnx")
