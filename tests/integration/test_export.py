"""The exporter on a transformer of one narrow layer: both graphs compute what BERT is, and a folder of it encodes."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from indexer.encoders.bundle import BUNDLED, MODEL, TOKENIZER, open_bundle
from indexer.encoders.onnx import OnnxEncoder, load
from indexer.encoders.sessions import open_session, open_tokenizer
from indexer.errors import ModelError
from pipelines.export.calibration import batches, find_moments, find_ranges, product_inputs
from pipelines.export.folder import write_folder, write_sums
from pipelines.export.graph import float_graph, int8_graph
from pipelines.export.quantize import Recipe, plan, quantize
from pipelines.export.weights import EPSILON, HEADS, Norm, Weights, read_weights
from tests.tiny_model import HIDDEN, POSITIONS, TINY, WEIGHTS, write_random_weights, write_tiny_model

TEXTS = [
    "def parse_header(line):\n    return line.split(':')",
    "open a socket",
    "class LruCache { find(key) }",
    "SELECT name FROM users WHERE id = 7",
    "x",
    "the quick brown fox jumps over the lazy dog and then it runs on and on",
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    path = tmp_path_factory.mktemp("weights") / WEIGHTS
    write_random_weights(path)
    return read_weights(path)


@pytest.fixture(scope="module")
def float_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("float") / "model")


@pytest.fixture(scope="module")
def int8_model(tmp_path_factory: pytest.TempPathFactory, weights: Weights) -> Path:
    folder = tmp_path_factory.mktemp("int8") / "model"
    write_folder(folder, source=BUNDLED, model=quantized(weights), spec=TINY)
    write_sums(folder)
    return folder


def quantized(weights: Weights) -> onnx.ModelProto:
    """Return the int8 graph, calibrated on the texts."""
    session = open_session(float_graph(weights, observe=True).SerializeToString(), threads=1)
    tokenizer = open_tokenizer(BUNDLED / TOKENIZER, max_tokens=POSITIONS)
    given = partial(product_inputs, session, tokenizer)
    activations = plan(weights, find_ranges(given([*TEXTS, "socket", "key"])), Recipe())
    moments = find_moments(given(TEXTS * 8), [own.met for own in activations])
    return int8_graph(quantize(weights, activations, moments, Recipe()))


def opened(folder: Path) -> OnnxEncoder:
    return load(folder, threads=1, light=True)


def layer_norm(values: NDArray[np.float64], norm: Norm) -> NDArray[np.float64]:
    centred = values - values.mean(axis=-1, keepdims=True)
    deviations = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + EPSILON)
    return np.asarray(centred / deviations * norm.gamma + norm.beta)


def bert(weights: Weights, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the last hidden state of one text, float64[tokens, hidden], by the paper (Devlin et al., 2019)."""
    (layer,) = weights.layers
    hidden = layer_norm(weights.words[ids].astype(np.float64) + weights.positions[: len(ids)], weights.embedding_norm)
    query, key, value = np.split(hidden @ layer.qkv.weight + layer.qkv.bias, 3, axis=1)
    width = HIDDEN // HEADS
    context = np.empty_like(hidden)
    for head in range(HEADS):
        part = slice(head * width, (head + 1) * width)
        scores = np.exp(query[:, part] @ key[:, part].T / math.sqrt(width))
        context[:, part] = scores / scores.sum(axis=1, keepdims=True) @ value[:, part]
    middle = layer_norm(context @ layer.output.weight + layer.output.bias + hidden, layer.attention_norm)
    up = middle @ layer.up.weight + layer.up.bias
    gelu = up * (1 + np.vectorize(math.erf)(up / math.sqrt(2))) / 2
    return layer_norm(gelu @ layer.down.weight + layer.down.bias + middle, layer.output_norm)


def test_the_float_graph_computes_bert_whatever_the_padding(weights: Weights) -> None:
    session = open_session(float_graph(weights).SerializeToString(), threads=1)
    tokenizer = open_tokenizer(BUNDLED / TOKENIZER, max_tokens=POSITIONS)
    for ids, mask in batches(tokenizer, TEXTS):
        (hidden,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
        for row, length in enumerate(mask.sum(axis=1)):
            np.testing.assert_allclose(hidden[row, :length], bert(weights, ids[row, :length]), atol=2e-4)


def test_the_int8_graph_is_near_the_float_graph(float_model: Path, int8_model: Path) -> None:
    cosines = (opened(float_model).encode(TEXTS) * opened(int8_model).encode(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.98
    assert cosines.max() < 1  # it is another graph


def test_an_int8_vector_does_not_depend_on_its_batch(int8_model: Path) -> None:
    encoder = opened(int8_model)
    alone = np.vstack([encoder.encode([text]) for text in TEXTS])
    assert encoder.encode(TEXTS).tobytes() == alone.tobytes()


def test_the_same_weights_give_the_same_bytes(tmp_path: Path, float_model: Path, weights: Weights) -> None:
    again = write_tiny_model(tmp_path / "model")
    assert open_bundle(again).identity == open_bundle(float_model).identity
    assert quantized(weights).SerializeToString(deterministic=True) == quantized(weights).SerializeToString(
        deterministic=True
    )


def test_no_pair_of_the_bundled_weights_can_leave_int16() -> None:
    # x86 without VNNI sums the products of two neighbours there, and would give other vectors.
    weights = [numpy_helper.to_array(own) for own in onnx.load(BUNDLED / MODEL).graph.initializer]
    products = [own.astype(int) for own in weights if own.dtype == np.int8 and own.shape[0] < 2000]
    assert len(products) == 6 * 6
    for own in (sign * product for product in products for sign in (1, -1)):
        sizes = np.maximum(own, 0)
        assert 255 * (sizes[0::2] + sizes[1::2]).max() < 2**15


def test_a_folder_that_was_written_verifies_and_says_what_it_is(int8_model: Path) -> None:
    bundle = open_bundle(int8_model)
    bundle.verify()
    assert bundle.spec == TINY
    assert opened(int8_model).encode(["text"]).shape == (1, HIDDEN)


def test_a_query_and_a_passage_of_one_text_are_encoded_with_their_prefixes(tmp_path: Path, float_model: Path) -> None:
    spec = msgspec.structs.replace(TINY, query_prefix="query: ", passage_prefix="passage: ")
    plain, prefixed = opened(float_model), opened(write_tiny_model(tmp_path / "model", spec=spec))
    query, passage = prefixed.encode(TEXTS, role="query"), prefixed.encode(TEXTS)
    assert query.tobytes() == plain.encode([f"query: {text}" for text in TEXTS]).tobytes()
    assert passage.tobytes() == plain.encode([f"passage: {text}" for text in TEXTS]).tobytes()
    assert ((query * passage).sum(axis=1) < 0.9999).all()
    assert plain.encode(TEXTS, role="query").tobytes() == plain.encode(TEXTS, role="passage").tobytes()
    assert plain.identity.digest != prefixed.identity.digest


def test_a_prefix_counts_among_the_tokens(tmp_path: Path) -> None:
    spec = msgspec.structs.replace(TINY, query_prefix="query query ")
    encoder = opened(write_tiny_model(tmp_path / "model", spec=spec))
    lengths = [encoder.prepare(["word", "word " * 200], role=role).lengths.tolist() for role in ("passage", "query")]
    assert lengths == [[3, POSITIONS], [5, POSITIONS]]


def test_a_folder_of_other_weights_is_damaged(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    content = bytearray((folder / "model.onnx").read_bytes())
    content[-100] ^= 1
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx.*damaged"):
        opened(folder)
