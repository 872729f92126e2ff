"""Single operators of the encoder on one core, as graphs of one node: products, attention, and what is between.

Not a benchmark by itself: benchmarks.encoder_speed runs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from indexer.encoders.sessions import open_session

FUSED = "com.microsoft"
OPSETS = [helper.make_opsetid("", 23), helper.make_opsetid(FUSED, 1)]
TIMES = 40
TOKENS, HIDDEN, INNER, HEADS = 256, 384, 1536, 12
RANDOM = np.random.default_rng(0)

Arrays = Mapping[str, NDArray[np.generic]]


def microseconds(model: bytes, given: Arrays) -> float:
    """Return the least time of a run on one core; neighbours on the machine only ever add to it."""
    session = open_session(model, threads=1)
    binding = session.io_binding()
    for name, value in given.items():
        binding.bind_cpu_input(name, value)
    binding.bind_output("y", "cpu")
    best = np.inf
    for _ in range(TIMES):
        start = time.perf_counter()
        session.run_with_iobinding(binding)
        best = min(best, time.perf_counter() - start)
    return 1e6 * float(best)


def products() -> dict[str, float]:
    """Return 1e9 operations a second of the widest product, 256 x 384 x 1536, by operator and types."""
    unsigned = RANDOM.integers(0, 255, (TOKENS, HIDDEN)).astype(np.uint8)
    weight = RANDOM.integers(-64, 64, (HIDDEN, INNER)).astype(np.int8)
    zero: Arrays = {"z": np.array(120, np.uint8)}
    scales: Arrays = {"s": np.array(0.01, np.float32), "t": np.full(INNER, 0.01, np.float32), **zero}
    more: Arrays = {"b": np.zeros(INNER, np.float32), "w": weight, **scales}
    requantised: Arrays = {"u": np.array(0.5, np.float32), "v": np.array(128, np.uint8), "k": np.zeros(INNER, np.int8)}
    every: Arrays = {**more, **requantised}
    tried: dict[str, tuple[Any, Arrays, Arrays]] = {
        "MatMul float32": (
            node("MatMul", ["a", "w"]),
            {"a": unsigned.astype(np.float32)},
            {"w": weight.astype(np.float32)},
        ),
        "MatMulInteger uint8 x int8": (node("MatMulInteger", ["a", "w", "z"]), {"a": unsigned}, {"w": weight, **zero}),
        "MatMulInteger uint8 x uint8": (
            node("MatMulInteger", ["a", "w", "z"]),
            {"a": unsigned},
            {"w": weight.view(np.uint8), **zero},
        ),
        "MatMulInteger int8 x int8": (node("MatMulInteger", ["a", "w"]), {"a": unsigned.view(np.int8)}, {"w": weight}),
        "MatMulInteger uint8 x int8, not constant": (
            node("MatMulInteger", ["a", "w", "z"]),
            {"a": unsigned, "w": weight},
            zero,
        ),
        "MatMulIntegerToFloat uint8 x int8": (
            node("MatMulIntegerToFloat", ["a", "w", "s", "t", "z", "", "b"]),
            {"a": unsigned},
            more,
        ),
        "QLinearMatMul uint8 x int8": (
            node("QLinearMatMul", ["a", "s", "z", "w", "t", "k", "u", "v"]),
            {"a": unsigned},
            {name: value for name, value in every.items() if name != "b"},
        ),
        "QGemm uint8 x int8 to float32": (
            node("QGemm", ["a", "s", "z", "w", "t", "k"]),
            {"a": unsigned},
            {name: every[name] for name in "szwtk"},
        ),
        "DynamicQuantizeMatMul": (
            node("DynamicQuantizeMatMul", ["a", "w", "t", "", "b"]),
            {"a": unsigned.astype(np.float32)},
            {name: more[name] for name in "wtb"},
        ),
    }
    operations = 2 * TOKENS * HIDDEN * INNER
    return {
        name: operations / microseconds(single(own, given, constant), given) / 1e3
        for name, (own, given, constant) in tried.items()
    }


def attention(rows: int, length: int) -> dict[str, float]:
    """Return microseconds of attention over given queries, keys and values, and of its parts as int8 products."""
    part = RANDOM.standard_normal((rows, length, HIDDEN)).astype(np.float32)
    three: Arrays = {"q": part, "k": part.copy(), "v": part.copy()}
    mask: Arrays = {"m": np.ones((rows, length), np.int32)}
    whole: Arrays = {"m": np.ones((rows, 1, length, length), np.bool_)}
    scores = RANDOM.standard_normal((rows * HEADS, length, length)).astype(np.float32)
    scales: Arrays = {"s": np.array(0.01, np.float32), "z": np.array(128, np.uint8)}
    wide = RANDOM.integers(0, 255, (rows * HEADS, length, length)).astype(np.uint8)
    narrow = RANDOM.integers(0, 255, (rows * HEADS, length, 32)).astype(np.uint8)
    integer: Callable[[], Any] = lambda: node("MatMulIntegerToFloat", ["a", "w", "s", "s", "z"])  # noqa: E731
    keys = np.ascontiguousarray(narrow.view(np.int8).transpose(0, 2, 1))
    heads = {"q_num_heads": HEADS, "kv_num_heads": HEADS}
    tried: dict[str, tuple[Any, Arrays, Arrays]] = {
        "Attention": (node("Attention", ["q", "k", "v"], **heads), three, {}),
        "Attention, mask": (node("Attention", ["q", "k", "v", "m"], **heads), {**three, **whole}, {}),
        "MultiHeadAttention": (node("MultiHeadAttention", ["q", "k", "v"], num_heads=HEADS), three, {}),
        "MultiHeadAttention, mask": (
            node("MultiHeadAttention", ["q", "k", "v", "", "m"], num_heads=HEADS),
            {**three, **mask},
            {},
        ),
        "int8: Q x K": (integer(), {"a": narrow, "w": keys}, scales),
        "int8: Softmax": (node("Softmax", ["x"]), {"x": scores}, {}),
        "int8: QuantizeLinear of probabilities": (node("QuantizeLinear", ["x", "s", "z"]), {"x": scores}, scales),
        "int8: P x V": (integer(), {"a": wide, "w": narrow.view(np.int8)}, scales),
    }
    return {name: microseconds(single(own, given, held), given) for name, (own, given, held) in tried.items()}


def elementwise() -> dict[str, float]:
    """Return microseconds of what stands between the products, 256 tokens."""
    inner = RANDOM.standard_normal((2, 128, INNER)).astype(np.float32)
    states = RANDOM.standard_normal((2, 128, HIDDEN)).astype(np.float32)
    scale: Arrays = {"s": np.array(0.02, np.float32), "z": np.array(10, np.uint8)}
    factors = np.ones(INNER, np.float32)
    norm: Arrays = {"g": factors[:HIDDEN], "b": factors[:HIDDEN]}
    by_column: Arrays = {"s": factors, "z": np.zeros(INNER, np.uint8)}
    tried: dict[str, tuple[Any, Arrays, Arrays]] = {
        **{name: (node(name, ["x"]), {"x": inner}, {}) for name in ("Gelu", "FastGelu", "QuickGelu", "Relu")},
        "BiasGelu": (node("BiasGelu", ["x", "v"]), {"x": inner}, {"v": factors}),
        "Mul by factors": (node("Mul", ["x", "v"]), {"x": inner}, {"v": factors}),
        "QuantizeLinear": (node("QuantizeLinear", ["x", "s", "z"]), {"x": inner}, scale),
        "QuantizeLinear, a scale a column": (node("QuantizeLinear", ["x", "s", "z"], axis=2), {"x": inner}, by_column),
        "QLinearSigmoid (a table of 256)": (
            node("QLinearSigmoid", ["x", "s", "z", "s", "z"]),
            {"x": RANDOM.integers(0, 255, inner.shape).astype(np.uint8)},
            scale,
        ),
        "Sum": (node("Sum", ["x", "w"]), {"x": states, "w": states}, {}),
        "LayerNormalization": (node("LayerNormalization", ["x", "g", "b"], axis=-1), {"x": states}, norm),
        "SkipLayerNormalization": (node("SkipLayerNormalization", ["x", "x", "g", "b"]), {"x": states}, norm),
    }
    return {name: microseconds(single(own, given, held), given) for name, (own, given, held) in tried.items()}


def single(node: onnx.NodeProto, given: Arrays, constant: Arrays) -> bytes:
    """Return a graph of one node with one output; `constant` are the inputs whose values the graph holds."""
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in given.items()
    ]
    types = {
        "QuantizeLinear": TensorProto.UINT8,
        "QLinearMatMul": TensorProto.UINT8,
        "QLinearSigmoid": TensorProto.UINT8,
    }
    kind = types.get(node.op_type, TensorProto.INT32 if node.op_type == "MatMulInteger" else TensorProto.FLOAT)
    output = helper.make_tensor_value_info(node.output[0], kind, None)
    constants = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constant.items()]
    model = helper.make_model(helper.make_graph([node], "one", inputs, [output], constants), opset_imports=OPSETS)
    model.ir_version = 11
    return bytes(model.SerializeToString())


def node(operator: str, inputs: list[str], **attributes: int) -> onnx.NodeProto:
    """Return a node with the output y, of onnxruntime's own domain where ONNX has no such operator."""
    own = not onnx.defs.has(operator) or operator in ("Gelu",)
    made = helper.make_node(operator, inputs, ["y"], domain=FUSED if own else "")
    made.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    return made
