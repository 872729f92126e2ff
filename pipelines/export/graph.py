"""BERT as an ONNX graph of fused operators (com.microsoft domain), written node by node: float32 and static int8.

Both take input_ids, int64[batch, sequence], and give last_hidden_state, float32[batch, sequence, hidden]. The float32
graph takes attention_mask as well, any 0/1 matrix of that shape. The int8 graph has none: the texts of a batch are as
long as each other.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .quantize import QuantizedLinear, QuantizedWeights
from .weights import EPSILON, HEADS, Linear, Norm, Weights

OUTPUT = "last_hidden_state"
FUSED_OPSET = ("com.microsoft", 1)
FLOAT_OPSETS = (("", 17), FUSED_OPSET)
INT8_OPSETS = (("", 23), FUSED_OPSET)
"""Opset 23 has Attention; onnxruntime has all of its operators from 1.24 on."""
IR_VERSIONS = {17: 8, 23: 11}


class GraphBuilder:
    """Collects nodes and constants in order, names them, and turns them into a model."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Add a constant once and return its name."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(
        self, operator: str, inputs: list[str], output: str, *, fused: bool = False, **attributes: int | float
    ) -> str:
        """Add a node with one output, of the com.microsoft domain when `fused`, and return the output's name."""
        domain = "com.microsoft" if fused else ""
        node = helper.make_node(operator, inputs, [output], name=output, domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in sorted(attributes.items()))
        self._nodes.append(node)
        return output

    def model(
        self, *, hidden: int, inputs: tuple[str, ...], opsets: tuple[tuple[str, int], ...], observed: list[str]
    ) -> onnx.ModelProto:
        """Return the checked model; `observed` names further outputs of any shape, for calibration."""
        axes = ["batch", "sequence"]
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info(name, TensorProto.INT64, axes) for name in inputs],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [*axes, hidden])]
            + [helper.make_tensor_value_info(name, TensorProto.FLOAT, [*axes, None]) for name in observed],
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets]
        )
        model.ir_version = IR_VERSIONS[dict(opsets)[""]]
        model.producer_name = "pipelines.export_model"
        onnx.checker.check_model(model)
        return model


def float_graph(weights: Weights, *, observe: bool = False) -> onnx.ModelProto:
    """Return the float32 graph; with `observe` the input of every matrix product is an output as well."""
    build = GraphBuilder()
    mask = build.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    words = build.node("Gather", [build.constant("words", weights.words), "input_ids"], "embedded")
    positions = _position_rows(build, weights.positions)
    embedding = weights.embedding_norm
    norm = [build.constant("embedding.gamma", embedding.gamma), build.constant("embedding.beta", embedding.beta)]
    hidden = build.node(
        "SkipLayerNormalization", [words, positions, *norm], "embedding_norm", fused=True, epsilon=EPSILON
    )
    observed: list[str] = []
    for index, layer in enumerate(weights.layers):
        at = f"layer{index}"
        inputs = [hidden, *_linear_constants(build, f"{at}.qkv", layer.qkv), mask]
        context = build.node("Attention", inputs, f"{at}.context", fused=True, num_heads=HEADS)
        projected = _matmul(build, context, f"{at}.output", layer.output)
        middle = _skip_norm(build, projected, hidden, layer.output.bias, layer.attention_norm, f"{at}.attention_norm")
        up = _matmul(build, middle, f"{at}.up", layer.up)
        gelu = build.node("BiasGelu", [up, build.constant(f"{at}.up.bias", layer.up.bias)], f"{at}.gelu", fused=True)
        down = _matmul(build, gelu, f"{at}.down", layer.down)
        observed += [hidden, context, middle, gelu]
        name = OUTPUT if index == len(weights.layers) - 1 else f"{at}.output_norm"
        hidden = _skip_norm(build, down, middle, layer.down.bias, layer.output_norm, name)
    return build.model(
        hidden=weights.words.shape[1],
        inputs=("input_ids", "attention_mask"),
        opsets=FLOAT_OPSETS,
        observed=observed if observe else [],
    )


def int8_graph(weights: QuantizedWeights) -> onnx.ModelProto:
    """Return the static int8 graph: uint8 activations by fixed scales, int8 weights by a scale a column.

    Fixed scales make a text's vector independent of what it is batched with. Residuals are added by Sum, because
    onnxruntime would turn Add and LayerNormalization into SkipLayerNormalization, which takes six times as long there;
    biases go into the products for the same reason (Gelu takes half of BiasGelu). Queries, keys and values are three
    products and Attention, where QAttention would multiply head by head, packing the same input 36 times a text; the
    vectors are the same bytes. benchmarks/encoder_speed.md has the figures.
    """
    build = GraphBuilder()
    rows = build.node("Gather", [build.constant("words", weights.words), "input_ids"], "embedded_int8")
    scales = build.node("Gather", [build.constant("words.scale", weights.words_scale), "input_ids"], "embedded_scale")
    floats = build.node("Cast", [rows], "embedded_float", to=TensorProto.FLOAT)
    words = build.node("Mul", [floats, scales], "embedded")
    positions = _position_rows(build, weights.positions)
    hidden = _sum_norm(build, words, positions, weights.embedding_norm, "embedding_norm")
    for index, layer in enumerate(weights.layers):
        at = f"layer{index}"
        context = _quantized_attention(build, hidden, f"{at}.qkv", layer.qkv)
        projected = _quantized_matmul(build, context, f"{at}.output", layer.output)
        middle = _sum_norm(build, projected, hidden, layer.attention_norm, f"{at}.attention_norm")
        up = _quantized_matmul(build, middle, f"{at}.up", layer.up)
        gelu = build.node("Gelu", [up], f"{at}.gelu", fused=True)
        down = _quantized_matmul(build, gelu, f"{at}.down", layer.down)
        name = OUTPUT if index == len(weights.layers) - 1 else f"{at}.output_norm"
        hidden = _sum_norm(build, down, middle, layer.output_norm, name)
    return build.model(hidden=weights.words.shape[1], inputs=("input_ids",), opsets=INT8_OPSETS, observed=[])


def _position_rows(build: GraphBuilder, positions: NDArray[np.float32]) -> str:
    """Cut the positions' rows to the length of the batch."""
    length = build.node("Shape", ["input_ids"], "length", start=1, end=2)
    table, first = build.constant("positions", positions), build.constant("first", np.array([0]))
    return build.node("Slice", [table, first, length], "position_rows")


def _skip_norm(build: GraphBuilder, value: str, skip: str, bias: NDArray[np.float32], norm: Norm, output: str) -> str:
    """Normalise value + skip + bias."""
    constants = [("gamma", norm.gamma), ("beta", norm.beta), ("bias", bias)]
    inputs = [value, skip, *(build.constant(f"{output}.{name}", array) for name, array in constants)]
    return build.node("SkipLayerNormalization", inputs, output, fused=True, epsilon=EPSILON)


def _sum_norm(build: GraphBuilder, value: str, skip: str, norm: Norm, output: str) -> str:
    """Normalise value + skip with operators that onnxruntime does not fuse."""
    total = build.node("Sum", [value, skip], f"{output}.sum")
    inputs = [total, build.constant(f"{output}.gamma", norm.gamma), build.constant(f"{output}.beta", norm.beta)]
    return build.node("LayerNormalization", inputs, output, axis=-1, epsilon=EPSILON)


def _linear_constants(build: GraphBuilder, name: str, linear: Linear) -> list[str]:
    return [build.constant(f"{name}.weight", linear.weight), build.constant(f"{name}.bias", linear.bias)]


def _matmul(build: GraphBuilder, value: str, name: str, linear: Linear) -> str:
    """Multiply without the bias, which the next fused operator adds."""
    return build.node("MatMul", [value, build.constant(f"{name}.weight", linear.weight)], f"{name}.product")


def _quantized_input(build: GraphBuilder, value: str, name: str, linear: QuantizedLinear) -> tuple[str, str, str]:
    """Return the names of the uint8 input, its scale and its zero point; smoothing factors come first."""
    if linear.smoothing is not None:
        factors = build.constant(f"{name}.smoothing", np.float32(1) / linear.smoothing)
        value = build.node("Mul", [value, factors], f"{name}.smooth")
    scale = build.constant(f"{name}.input_scale", np.array(linear.input_scale, dtype=np.float32))
    zero = build.constant(f"{name}.input_zero", np.array(linear.input_zero, dtype=np.uint8))
    return build.node("QuantizeLinear", [value, scale, zero], f"{name}.input"), scale, zero


def _quantized_matmul(build: GraphBuilder, value: str, name: str, linear: QuantizedLinear) -> str:
    return _product(build, _quantized_input(build, value, name, linear), name, linear)


def _product(build: GraphBuilder, quantized: tuple[str, str, str], name: str, linear: QuantizedLinear) -> str:
    """Multiply an input that is quantised already, and return the name of the float32 product with its bias."""
    value, scale, zero = quantized
    weight = build.constant(f"{name}.weight", linear.weight)
    weight_scale = build.constant(f"{name}.weight_scale", linear.weight_scale)
    # The sixth input is the weight's zero point, left out: weights are symmetric.
    inputs = [value, weight, scale, weight_scale, zero, "", build.constant(f"{name}.bias", linear.bias)]
    return build.node("MatMulIntegerToFloat", inputs, f"{name}.product", fused=True)


def _quantized_attention(build: GraphBuilder, value: str, name: str, linear: QuantizedLinear) -> str:
    quantized = _quantized_input(build, value, name, linear)
    parts = [
        _product(build, quantized, f"{name}.{part}", columns)
        for part, columns in zip(("query", "key", "value"), linear.split(3), strict=True)
    ]
    return build.node("Attention", parts, f"{name}.context", q_num_heads=HEADS, kv_num_heads=HEADS)
