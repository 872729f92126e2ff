"""Any model is an encoder: each shape of graph in a folder, and what is refused where nothing says how it is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.config import EncoderOptions
from indexer.encoders.devices import provider_names
from indexer.encoders.known import OWN
from indexer.encoders.local import open_local
from indexer.encoders.models import every_model
from indexer.encoders.registry import find_encoder, own_options
from indexer.errors import ConfigError, ModelError
from indexer.types import Encoder
from tests.small_models import WINDOW, write_small_model

TEXTS = ["def parse_header(line):", "x", "open a socket and read from it until the other side is done " * 3, "λ"]
SHAPES: dict[str, dict[str, Any]] = {
    "mean": {},
    "cls": {"pooling": "cls"},
    "last": {"pooling": "last"},
    "pooled before": {
        "pooling": "none",
        "described": {"name": "own", "dims": 16, "max_tokens": WINDOW, "pooling": "none", "optimize": "all"},
    },
    "token types": {"token_types": True},
    "1024 dims": {"dims": 1024},
    "below onnx/": {"model": "onnx/model.onnx"},
    "scales of the batch": {"batch_wide": True},
}


def encoder_of(folder: Path, **options: Any) -> Encoder:
    return find_encoder(EncoderOptions(name=f"path:{folder}", **options)).load(threads=1, light=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_text_s_vector_is_a_unit_one_and_its_batch_does_not_change_it(tmp_path: Path, shape: str) -> None:
    encoder = encoder_of(write_small_model(tmp_path / "own", **SHAPES[shape]))
    together = encoder.encode(TEXTS)
    assert together.shape == (len(TEXTS), SHAPES[shape].get("dims", 16)) and together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.vstack([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert abs(together[0] @ together[2]) < 0.999


def test_the_ways_to_pool_differ(tmp_path: Path) -> None:
    made = [encoder_of(write_small_model(tmp_path / way, pooling=way)).encode(TEXTS) for way in ("mean", "cls", "last")]
    assert not np.allclose(made[0], made[1], atol=0.01) and not np.allclose(made[1], made[2], atol=0.01)


def test_a_prefixed_model_reads_a_question_otherwise_than_a_passage(tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "e5")
    prompts = {"prompts": {"query": "query: ", "passage": "passage: "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    encoder = encoder_of(folder)
    question, passage = encoder.encode(["parse"], role="query"), encoder.encode(["parse"], role="passage")
    assert float((question @ passage.T)[0, 0]) < 0.999
    np.testing.assert_array_equal(question, encoder_of(write_small_model(tmp_path / "plain")).encode(["query: parse"]))


def test_a_file_of_the_folder_that_changes_is_another_encoder(tmp_path: Path) -> None:
    first = open_local(write_small_model(tmp_path / "a")).identity
    assert open_local(write_small_model(tmp_path / "b" / "a")).identity == first
    assert open_local(write_small_model(tmp_path / "c" / "a", seed=1)).identity.digest != first.digest


def test_a_chunk_is_as_long_as_the_window_and_no_longer_than_can_be_read(tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "own")
    assert open_local(folder).spec.chunk_chars == 200
    for tokens, chars in ((256, 700), (512, 1400), (8192, 1400)):
        (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": tokens}))
        assert open_local(folder).spec.chunk_chars == chars


def test_what_the_files_don_t_say_is_asked_for_and_not_guessed(tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "own")
    (folder / "1_Pooling" / "config.json").unlink()
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 1e30}')
    with pytest.raises(ModelError, match=r"max_tokens and pooling; write encoder\.json.*\"dims\":16") as caught:
        open_local(folder)
    written = str(caught.value).partition("as in ")[2].rpartition(" (docs")[0]
    (folder / "encoder.json").write_text(written)
    assert encoder_of(folder).encode(["x"]).shape == (1, 16)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dims": 17}, "have 16 dims, and not the 17"),
        ({"pooling": "none"}, "an output of 2 axes is needed.*last_hidden_state of 3"),
        ({"output": "nothing"}, "state pooling, or output"),
        ({"model": "../model.onnx"}, "encoder.json"),
        ({"model": "absent.onnx"}, "there is no absent.onnx"),
        ({"pooling": "max"}, "encoder.json.*Invalid enum"),
    ],
)
def test_a_description_that_is_not_the_graph_s_is_refused(tmp_path: Path, change: Any, expected: str) -> None:
    stated = {"name": "own", "dims": 16, "max_tokens": WINDOW, "pooling": "mean", "optimize": "all", **change}
    folder = write_small_model(tmp_path / "own", described=stated)
    with pytest.raises(ModelError, match=expected):
        encoder_of(folder).encode(["x"])


def test_stated_dims_must_be_the_model_s(tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "own")
    assert encoder_of(folder, dims=16).identity.dims == 16
    with pytest.raises(ConfigError, match=r"encoder\.dims is 384.*has 16"):
        encoder_of(folder, dims=384)


def test_a_device_that_is_not_there_is_an_error_and_no_run_on_the_cpu(tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "own")
    assert encoder_of(folder, providers=("cpu",)).encode(["x"]).shape == (1, 16)
    with pytest.raises(ConfigError, match=r"no cuda here, only cpu.*codebase-indexer\[gpu\]"):
        encoder_of(folder, providers=("cuda", "cpu"))
    with pytest.raises(ConfigError, match="there is no 'gpu'; there are cpu, cuda"):
        encoder_of(folder, providers=("gpu",))
    there = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert provider_names(["cuda"], available=there) == ["CUDAExecutionProvider"]


def test_every_known_model_can_be_asked_for_and_says_how_to_get_it(tmp_path: Path) -> None:
    models = every_model()
    assert {"BAAI/bge-small-en-v1.5", "sentence-transformers/all-MiniLM-L6-v2", *OWN} <= {own.name for own in models}
    assert {"multilingual-e5-small": 384, "bge-m3": 1024}.items() <= {own.name: own.dims for own in models}.items()
    assert not [own.name for own in models if own.languages.count("(") != own.languages.count(")")]
    for model in models:
        options = EncoderOptions(name=model.name, models=str(tmp_path))
        expected = ConfigError if model.unusable else ModelError
        with pytest.raises(expected, match="can't be used" if model.unusable else f"indexer model pull {model.name}"):
            find_encoder(options)
    for alias in ("minilm-fp32", "jina-embeddings-v2-base-code"):
        with pytest.raises(ModelError, match=f"indexer model pull {alias}"):
            find_encoder(EncoderOptions(name=alias, models=str(tmp_path)))


def test_an_index_chooses_no_folder_that_is_loaded(tmp_path: Path) -> None:
    """An index may come from elsewhere; what it names is loaded only where the user names it too."""
    with pytest.raises(ModelError, match="no index chooses what is loaded"):
        own_options(EncoderOptions(), f"path:{tmp_path}")
    assert own_options(EncoderOptions(name=f"path:{tmp_path}"), f"path:{tmp_path}").name == f"path:{tmp_path}"
    assert own_options(EncoderOptions(path="elsewhere"), "static").path == ""
