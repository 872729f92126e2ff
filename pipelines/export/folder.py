"""Writes a model folder as indexer.encoders.bundle reads it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexer.encoders.bundle import BASIS, MODEL, SUMS, TOKENIZER, TOKENIZER_CONFIG
from indexer.encoders.spec import DESCRIPTION, EncoderSpec, encode_spec

from .packages import sha256_of
from .weights import Float

if TYPE_CHECKING:
    import onnx

SPECIAL_TOKENS = "special_tokens_map.json"
MODEL_CONFIG = "config.json"


def write_folder(folder: Path, *, source: Path, model: onnx.ModelProto, spec: EncoderSpec) -> None:
    """Write the graph, the specification, and the tokenizer files of `source` with max_tokens as their limit."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_bytes(model.SerializeToString(deterministic=True))
    (folder / DESCRIPTION).write_bytes(encode_spec(spec))
    tokenizer = json.loads((source / TOKENIZER).read_text(encoding="utf-8"))
    tokenizer["truncation"]["max_length"] = spec.max_tokens
    tokenizer["padding"]["strategy"] = "BatchLongest"
    (folder / TOKENIZER).write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    settings = json.loads((source / TOKENIZER_CONFIG).read_text(encoding="utf-8"))
    settings["model_max_length"] = spec.max_tokens
    _write_json(folder / TOKENIZER_CONFIG, settings)
    for name in (SPECIAL_TOKENS, MODEL_CONFIG):
        _write_json(folder / name, json.loads((source / name).read_text(encoding="utf-8")))


def write_basis(path: Path, basis: Float) -> None:
    """Write float32[dims, components] as the array `basis` of an .npz whose bytes depend on nothing else."""
    content = io.BytesIO()
    np.save(content, basis, allow_pickle=False)
    with zipfile.ZipFile(path, "w") as archive:
        # numpy.savez would store the time of writing.
        archive.writestr(zipfile.ZipInfo("basis.npy"), content.getvalue())


def write_sums(folder: Path) -> None:
    """List the sha256 of every file that the exporter wrote, by name."""
    names = [MODEL, DESCRIPTION, TOKENIZER, TOKENIZER_CONFIG, SPECIAL_TOKENS, MODEL_CONFIG, BASIS]
    present = sorted(name for name in names if (folder / name).is_file())
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in present]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
