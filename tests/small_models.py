"""Folders of small models as exporters leave them: every shape of graph that an encoder may have, and a tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_()[]{}.,:;=+-*/<>'\"#@!"
VOCABULARY = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
WINDOW = 64


def write_small_model(
    folder: Path,
    *,
    dims: int = 16,
    pooling: str = "mean",
    token_types: bool = False,
    batch_wide: bool = False,
    model: str = "model.onnx",
    seed: int = 0,
    described: dict[str, Any] | None = None,
) -> Path:
    """Write a graph, a tokenizer and what sentence-transformers writes beside; or, with `described`, an encoder.json.

    A token's state is its row plus the mean of its text's rows, through tanh. With pooling none the output is one
    vector a text. `batch_wide` takes a scale from all texts of a batch.
    """
    (folder / model).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph(dims, pooling, token_types, batch_wide, seed), str(folder / model))
    _tokenizer().save(str(folder / "tokenizer.json"))
    _write(folder / "tokenizer_config.json", {"model_max_length": WINDOW, "pad_token": "[PAD]"})
    if described is not None:
        _write(folder / "encoder.json", described)
        return folder
    _write(folder / "config.json", {"hidden_size": dims})
    (folder / "1_Pooling").mkdir(exist_ok=True)
    modes = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "last": "pooling_mode_lasttoken"}
    _write(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": dims, **{key: mode == pooling for mode, key in modes.items()}},
    )
    return folder


def _graph(dims: int, pooling: str, token_types: bool, batch_wide: bool, seed: int) -> onnx.ModelProto:
    rows = np.random.default_rng(seed).standard_normal((len(VOCABULARY), dims)).astype(np.float32)
    tensors: dict[str, NDArray[Any]] = {"rows": rows, "zero": np.array([2], np.int64), "one": np.array([1], np.int64)}
    nodes = [helper.make_node("Gather", ["rows", "input_ids"], ["states"])]
    inputs = ["input_ids", "attention_mask"]
    if token_types:
        inputs.append("token_type_ids")
        tensors["types"] = rows[:2] * 0.1
        nodes.append(helper.make_node("Gather", ["types", "token_type_ids"], ["typed"]))
        nodes.append(helper.make_node("Add", ["states", "typed"], ["own"]))
    else:
        nodes.append(helper.make_node("Identity", ["states"], ["own"]))
    nodes += [
        helper.make_node("Cast", ["attention_mask"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["floats", "zero"], ["mask"]),
        helper.make_node("Mul", ["own", "mask"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "one"], ["sums"], keepdims=1),
        helper.make_node("ReduceSum", ["mask", "one"], ["counts"], keepdims=1),
        helper.make_node("Div", ["sums", "counts"], ["means"]),
        helper.make_node("Add", ["own", "means"], ["context"]),
        helper.make_node("Tanh", ["context"], ["plain" if batch_wide else "last_hidden_state"]),
    ]
    if batch_wide:
        nodes.append(helper.make_node("DynamicQuantizeLinear", ["plain"], ["small", "scale", "point"]))
        nodes.append(helper.make_node("DequantizeLinear", ["small", "scale", "point"], ["last_hidden_state"]))
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "length", dims])]
    if pooling == "none":
        nodes.append(helper.make_node("ReduceMean", ["last_hidden_state", "one"], ["sentence_embedding"], keepdims=0))
        outputs = [helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["n", dims]), *outputs]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "length"]) for name in inputs],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(WordPiece({token: number for number, token in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))
