"""Where the encoder's time goes: operators, kernels of the matrix products, attention, and ways to feed it.

    python -m benchmarks.encoder_speed

Operators are timed on one core with 256 tokens, which is what a core is given at a time; ways to feed on all cores with
flask's chunks and with texts of 128 tokens, in which the aim was set. Results of processors without AMX are kept apart,
in encoder_speed_without_amx.json. What follows from it is in benchmarks/encoder_speed.md.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks.encode import chunk_texts
from benchmarks.encoder_operators import FUSED, HEADS, attention, elementwise, products
from benchmarks.inputs import flask_sources
from benchmarks.measure import write_result
from indexer.config import EncoderOptions
from indexer.cores import cores
from indexer.encoders.bundle import BUNDLED, MODEL
from indexer.encoders.registry import find_encoder
from indexer.encoders.sessions import open_session
from indexer.stages.embed import plan_batches

TEXTS = 250
ROUNDS = 3


def main() -> None:
    """Measure and write the result."""
    shipped, before = (BUNDLED / MODEL).read_bytes(), with_attention("QAttention", masked=True)
    figures: dict[str, Any] = {
        "share_of_time_before_16x128": shares(before, 16, 128),
        "share_of_time_16x128": shares(shipped, 16, 128),
        "share_of_time_2x128": shares(shipped, 2, 128),
        "share_of_time_1x256": shares(shipped, 1, 256),
        "products_gop_per_second": products(),
        "attention_microseconds": {
            f"{rows}x{length}": attention(rows, length) for rows, length in ((2, 128), (1, 256))
        },
        "elementwise_microseconds": elementwise(),
        "tokens_per_second": feeding(before, shipped, mixed_lengths()),
        "tokens_per_second_128": feeding(before, shipped, np.full(TEXTS, 128, dtype=np.int32)),
    }
    print(json.dumps(figures, indent=1))
    # The two kinds of processor have other bounds, so that figures of one do not replace the other's.
    name = "encoder_speed" if "amx_int8" in processor_flags() else "encoder_speed_without_amx"
    write_result(name, "python -m benchmarks.encoder_speed", figures)


def processor_flags() -> list[str]:
    """Return what Linux says that the processor can do; nothing elsewhere."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split() for line in lines if line.startswith("flags")), [])


def shares(model: bytes, rows: int, length: int) -> dict[str, float]:
    """Return each operator's share of a run's time on one core."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        for _ in range(20):
            session.run(None, inputs(session, np.full((rows, length), 2000)))
        events = json.loads(Path(session.end_profiling()).read_text())
    runs: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            runs[event["args"]["op_name"], event["name"].removesuffix("_kernel_time")].append(event["dur"])
    took: dict[str, float] = defaultdict(float)
    for (operator, name), durations in runs.items():
        # The median of a node's runs: other work on the machine interrupts single ones.
        took[f"{operator} {name.split('.', 1)[1]}" if "layer" in name else "the rest"] += statistics.median(durations)
    total = sum(took.values())
    return {name: own / total for name, own in sorted(took.items(), key=lambda item: -item[1])}


def inputs(session: onnxruntime.InferenceSession, ids: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return what a graph takes for texts without padding."""
    both = {"input_ids": ids.astype(np.int64), "attention_mask": np.ones(ids.shape, np.int64)}
    return {own.name: both[own.name] for own in session.get_inputs()}


def mixed_lengths() -> NDArray[np.int32]:
    """Return how many tokens each of flask's first chunks has, int32[TEXTS]."""
    encoder = find_encoder(EncoderOptions()).load(threads=0, light=True)
    return encoder.prepare(chunk_texts(flask_sources())[:TEXTS]).lengths


def feeding(before: bytes, shipped: bytes, lengths: NDArray[np.int32]) -> dict[str, float]:
    """Return tokens a second on texts of these lengths by graph, threads a session, batches at once, tokens a batch."""
    sessions = {
        name: (open_session(model, threads=1), open_session(model, threads=cores()))
        for name, model in (
            ("QAttention", before),
            ("MultiHeadAttention", with_attention("MultiHeadAttention", masked=False)),
            ("Attention", shipped),
        )
    }
    ways: dict[str, Callable[[], None]] = {
        "QAttention, padded, 2048 tokens, all cores on one batch (before)": padded(
            sessions["QAttention"][1], lengths, 2048
        )
    }
    for name, (one, all_cores) in sessions.items():
        ways[f"{name}, 2048 tokens, all cores on one batch"] = unpadded(all_cores, lengths, 2048, 1)
        for tokens in (128, 256, 512, 1024) if name == "Attention" else (256,):
            ways[f"{name}, {tokens} tokens, a batch a core"] = unpadded(one, lengths, tokens, cores())
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            if number:
                took[name].append(time.perf_counter() - start)
    return {name: int(lengths.sum()) / statistics.median(own) for name, own in took.items()}


def padded(session: onnxruntime.InferenceSession, lengths: NDArray[np.int32], tokens: int) -> Callable[[], None]:
    """Return a run over batches that are padded to their longest text, one after another."""
    batches = []
    for rows in plan_batches(lengths, token_budget=tokens):
        mask = (np.arange(lengths[rows].max()) < lengths[rows][:, None]).astype(np.int64)
        batches.append({"input_ids": 2000 * mask, "attention_mask": mask})
    return lambda: _all(session, batches, 1)


def unpadded(
    session: onnxruntime.InferenceSession, lengths: NDArray[np.int32], tokens: int, at_once: int
) -> Callable[[], None]:
    """Return a run over batches of texts of one length, so many at once."""
    batches = [
        inputs(session, np.full((int(count), int(length)), 2000))
        for rows in plan_batches(lengths, token_budget=tokens)
        for length, count in zip(*np.unique(lengths[rows], return_counts=True), strict=True)
    ]
    return lambda: _all(session, batches, at_once)


def _all(session: onnxruntime.InferenceSession, batches: Sequence[dict[str, NDArray[np.int64]]], at_once: int) -> None:
    with ThreadPoolExecutor(at_once) as pool:
        for _ in pool.map(lambda batch: session.run(None, batch), batches):
            pass


def with_attention(operator: str, *, masked: bool) -> bytes:
    """Return the bundled graph with QAttention or MultiHeadAttention in the place of Attention and its products.

    `masked` gives it an attention_mask, as QAttention always has.
    """
    model = onnx.load(BUNDLED / MODEL)
    graph = model.graph
    arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    made: dict[str, onnx.NodeProto] = {node.output[0]: node for node in graph.node}
    nodes: list[onnx.NodeProto] = []
    if masked:
        nodes.append(helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.INT32))
        graph.input.append(helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "sequence"]))
    for node in graph.node:
        if node.op_type != "Attention":
            nodes.append(node)
        elif operator == "MultiHeadAttention":
            inputs = [*node.input, *(["", "mask"] if masked else [])]
            nodes.append(helper.make_node(operator, inputs, node.output, name=node.name, domain=FUSED, num_heads=HEADS))
        else:
            parts = [made[name] for name in node.input]
            nodes = [one for one in nodes if one not in parts]
            side_by_side = {
                kind: np.concatenate([arrays[part.input[place]] for part in parts], axis=-1)
                for kind, place in (("weight", 1), ("scale", 3), ("bias", 6))
            }
            names = {kind: f"{node.output[0]}.{kind}" for kind in side_by_side}
            graph.initializer.extend(numpy_helper.from_array(side_by_side[kind], name) for kind, name in names.items())
            value, _, scale, _, zero, *_ = parts[0].input
            inputs = [value, names["weight"], names["bias"], scale, names["scale"], "mask", zero]
            nodes.append(helper.make_node(operator, inputs, node.output, name=node.name, domain=FUSED, num_heads=HEADS))
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [one for one in graph.initializer if one.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
