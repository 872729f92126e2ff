"""A folder with an ONNX file and a tokenizer, as exporters leave it: what it is, from encoder.json or its other files.

Read are encoder.json, and, where there is none, what transformers and sentence-transformers write: config.json,
tokenizer_config.json, sentence_bert_config.json, config_sentence_transformers.json and 1_Pooling/config.json. Where
these don't say everything, nothing is guessed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from indexer.encoders.bundle import MODEL, SUMS, TOKENIZER, TOKENIZER_CONFIG, Bundle, open_bundle, transformer_files
from indexer.encoders.spec import DESCRIPTION, EncoderSpec, Pooling, chunk_chars_of, encode_spec, read_spec
from indexer.errors import ModelError

PLACES = (MODEL, f"onnx/{MODEL}", "model_optimized.onnx")
"""Where exporters put the graph."""

POOLING = "1_Pooling/config.json"
_MODES: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
}
_PREFIXES = {"query_prefix": ("query",), "passage_prefix": ("passage", "document")}
"""What sentence-transformers calls the prompts of each role."""

_MOST_TOKENS = 1_000_000
"""Above, a window is the tokenizer's way to say that there is none."""

_BATCH_WIDE = b"DynamicQuantizeLinear"
_BLOCK = 1 << 22

_sums: dict[tuple[str, int, int, int], str] = {}


def open_local(folder: Path) -> Bundle:
    """Return the model in a folder; one without a list of checksums is read whole to tell who it is.

    Raises ModelError that says what is missing and what to write where.
    """
    if (folder / SUMS).is_file():
        return open_bundle(folder)
    spec, description = described(folder)
    names = [path.relative_to(folder).as_posix() for path in (folder / spec.model).parent.glob("*") if path.is_file()]
    there = {*names, *(name for name in (TOKENIZER, TOKENIZER_CONFIG) if (folder / name).is_file())}
    loaded = transformer_files(spec, there)
    if missing := [name for name in loaded if name != DESCRIPTION and name not in there]:
        raise ModelError(f"{folder}: no model folder: there is no {' and no '.join(missing)} in it")
    sums = {name: _sum(folder / name) for name in loaded if name != DESCRIPTION}
    sums[DESCRIPTION] = hashlib.sha256(description).hexdigest()
    return Bundle(folder, spec, sums, loaded, listed=False)


def described(folder: Path) -> tuple[EncoderSpec, bytes]:
    """Return what a folder's encoder.json says, or what the other files say of the same; and its bytes.

    Raises ModelError.
    """
    try:
        if (folder / DESCRIPTION).is_file():
            return read_spec(folder), (folder / DESCRIPTION).read_bytes()
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(f"{folder / DESCRIPTION}: {error}; docs/encoders.md lists the keys") from error
    spec = derive(folder)
    return spec, encode_spec(spec)


def derive(folder: Path, known: dict[str, Any] | None = None) -> EncoderSpec:
    """Return the specification that a folder's files give; what is `known` comes before what they say.

    Raises ModelError that names what none of them says.
    """
    known = known or {}
    model = next((name for name in (known.get("model", ""), *PLACES) if name and (folder / name).is_file()), None)
    if model is None:
        raise ModelError(f"{folder}: no model folder: there is no {MODEL} in it, nor {' or '.join(PLACES[1:])}")
    config, tokenizer = _json(folder / "config.json"), _json(folder / TOKENIZER_CONFIG)
    pooling = _json(folder / POOLING)
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    windows = (
        _json(folder / "sentence_bert_config.json").get("max_seq_length"),
        tokenizer.get("model_max_length"),
        tokenizer.get("max_length"),
    )
    fields: dict[str, Any] = {
        "name": folder.name,
        "dims": pooling.get("word_embedding_dimension") or config.get("hidden_size") or config.get("dim"),
        "max_tokens": min((own for own in map(_window, windows) if own), default=None),
        "pooling": next((mode for key, mode in _MODES.items() if pooling.get(key)), None),
        **{key: next((prompts[name] for name in names if prompts.get(name)), "") for key, names in _PREFIXES.items()},
        **known,
        "model": model,
        "optimize": "all",
        "alone": takes_scales_from_the_batch(folder / model),
    }
    missing = [key for key in ("dims", "max_tokens", "pooling") if not fields[key]]
    if missing:
        example = {**fields, "dims": fields["dims"] or 768, "max_tokens": fields["max_tokens"] or 512}
        example["pooling"] = fields["pooling"] or "mean"
        wanted = {key: example[key] for key in ("name", "dims", "max_tokens", "pooling", "model", "optimize")}
        raise ModelError(
            f"{folder}: its files don't say {' and '.join(missing)}; write {DESCRIPTION} into it, as in "
            f"{msgspec.json.encode(wanted).decode()} (docs/encoders.md)"
        )
    fields["chunk_chars"] = chunk_chars_of(fields["max_tokens"])
    try:
        return msgspec.convert(fields, EncoderSpec)
    except msgspec.ValidationError as error:
        raise ModelError(f"{folder}: its files say what can't be: {error}; write {DESCRIPTION} into it") from error


def takes_scales_from_the_batch(model: Path) -> bool:
    """Tell whether a graph has operators whose result for a text depends on the texts beside it.

    The name of an operator stands in the file as it is. Raises ModelError when the file can't be read.
    """
    tail = b""
    try:
        with model.open("rb") as file:
            while block := file.read(_BLOCK):
                if _BATCH_WIDE in tail + block:
                    return True
                tail = block[-len(_BATCH_WIDE) :]
    except OSError as error:
        raise ModelError(f"{model}: can't be read ({error.strerror})") from error
    return False


def _window(value: object) -> int:
    """Return a number of tokens, or 0 for what is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 < value < _MOST_TOKENS else 0  # type: ignore[operator,call-overload]


def _json(path: Path) -> dict[str, Any]:
    """Return an object in a file; empty where there is none. Raises ModelError when it is malformed."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(f"{path}: {error}") from error


def _sum(path: Path) -> str:
    """Return a file's sha256, taken once a process while its stat stays."""
    try:
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
        if key not in _sums:
            with path.open("rb") as file:
                _sums[key] = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: can't be read ({error.strerror})") from error
    return _sums[key]
