"""Transformer encoders on onnxruntime: fastembed loads them for a build, and two files are enough for a query.

The one module that imports fastembed, onnxruntime and tokenizers, and only inside functions: fastembed's import costs
0.4 s, more than a search may take. Both ways give the same bytes. Nothing here goes to the network.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.bundle import LOADED, MODEL, TOKENIZER, Bundle, open_bundle
from indexer.errors import ModelError
from indexer.types import EncoderIdentity, PreparedTexts, Role

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

_lock = threading.Lock()
_loaded: dict[tuple[Path, str, int, bool], OnnxEncoder] = {}


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokenised texts: the ids of text i are ids[starts[i] : starts[i + 1]]; int32[total] and int64[n + 1]."""

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Tokens a text, int32[n]."""
        return np.diff(self.starts).astype(np.int32)


class OnnxEncoder:
    """A session and a tokenizer. A text's vector is bit-identical whatever its batch, padding and threads."""

    def __init__(self, bundle: Bundle, session: onnxruntime.InferenceSession, tokenizer: Tokenizer) -> None:
        self._identity = bundle.identity
        self._spec = bundle.spec
        self._session = session
        self._tokenizer = tokenizer

    @property
    def identity(self) -> EncoderIdentity:
        """Name, digest and shape."""
        return self._identity

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> Tokens:
        """Tokenise with the role's prefix and special tokens, cut at max_tokens.

        Lone surrogates count as question marks.
        """
        prefix = self._spec.prefix(role)
        encodings = self._tokenizer.encode_batch_fast([prefix + _encodable(text) for text in texts])
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum([len(encoding) for encoding in encodings], out=starts[1:])
        ids = np.empty(starts[-1], dtype=np.int32)
        for encoding, start, stop in zip(encodings, starts, starts[1:], strict=False):
            ids[start:stop] = encoding.ids
        return Tokens(ids, starts)

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Encode the given rows of prepared texts as one batch: float32[len(rows), dims], unit rows."""
        assert isinstance(prepared, Tokens)
        if not len(rows):
            return np.empty((0, self._identity.dims), dtype=np.float32)
        lengths = prepared.lengths[rows]
        ids = np.zeros((len(rows), lengths.max()), dtype=np.int64)
        mask = np.zeros_like(ids)
        for place, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            start = prepared.starts[row]
            ids[place, :length] = prepared.ids[start : start + length]
            mask[place, :length] = 1
        (hidden,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return _unit(_pool(hidden, lengths, self._spec.pooling))

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Encode texts as one batch: float32[n, dims], unit rows."""
        return self.encode_prepared(self.prepare(texts, role=role), np.arange(len(texts)))


def load(folder: Path, *, threads: int, light: bool) -> OnnxEncoder:
    """Return the encoder of a model folder, its files verified, loaded once a process for the same arguments.

    `threads` 0 means all cores; `light` skips fastembed, for the fastest start. Raises ModelError when a file is
    missing or damaged, or when onnxruntime refuses the model.
    """
    bundle = open_bundle(folder)
    key = (folder.resolve(), bundle.identity.digest, threads, light)
    with _lock:
        if key not in _loaded:
            bundle.verify(LOADED)
            start = _load_light if light else _load_with_fastembed
            session, tokenizer = start(bundle, threads)
            tokenizer.no_padding()
            _loaded[key] = OnnxEncoder(bundle, session, tokenizer)
        return _loaded[key]


def open_session(model: Path | bytes, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """Open a graph on the CPU, from a file or from its bytes; raises ModelError when onnxruntime refuses it."""
    _silence()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # The graph holds fused operators already; looking for more to fuse is most of the time of loading.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    _let_threads_sleep(options)
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        name = "the graph in memory" if isinstance(model, bytes) else model
        raise ModelError(f"{name}: onnxruntime {onnxruntime.__version__} can't load the model: {error}") from error


def open_tokenizer(path: Path, *, max_tokens: int) -> Tokenizer:
    """Read a tokenizer.json that truncates at max_tokens and does not pad; raises ModelError when it is malformed."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelError(f"{path}: the tokenizer can't be read: {error}") from error
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def _load_light(bundle: Bundle, threads: int) -> tuple[onnxruntime.InferenceSession, Tokenizer]:
    tokenizer = open_tokenizer(bundle.folder / TOKENIZER, max_tokens=bundle.spec.max_tokens)
    return open_session(bundle.folder / MODEL, threads=threads), tokenizer


def _load_with_fastembed(bundle: Bundle, threads: int) -> tuple[onnxruntime.InferenceSession, Tokenizer]:
    """Let fastembed open the folder: it registers the model under its digest, and never looks for it elsewhere."""
    _silence()
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType
    from fastembed.text.custom_text_embedding import CustomTextEmbedding

    class SleepingTextEmbedding(CustomTextEmbedding):
        """fastembed's model with one more option for its session, which it has no argument for."""

        @classmethod
        def add_extra_session_options(
            cls, session_options: onnxruntime.SessionOptions, extra_options: dict[str, Any]
        ) -> None:
            super().add_extra_session_options(session_options, extra_options)
            _let_threads_sleep(session_options)

    folder, identity = str(bundle.folder), bundle.identity
    name = f"{identity.name}-{identity.digest}"
    if all(name != known["model"] for known in TextEmbedding.list_supported_models()):
        TextEmbedding.add_custom_model(
            name,
            pooling=PoolingType[bundle.spec.pooling.upper()],
            normalization=True,
            sources=ModelSource(hf=name),
            dim=identity.dims,
            model_file=MODEL,
        )
    # cache_dir names a folder that exists, because fastembed makes it; specific_model_path is what it reads.
    embedding: Any = SleepingTextEmbedding(
        name,
        cache_dir=folder,
        threads=threads or None,
        providers=["CPUExecutionProvider"],
        local_files_only=True,
        specific_model_path=folder,
    )
    embedding.tokenizer.enable_truncation(identity.max_tokens)
    return embedding.model, embedding.tokenizer


def _silence() -> None:
    """Keep onnxruntime, once imported, from writing a device id and its events, and from sending them.

    From 1.29 on it does unless this is set before its import (ORT_DISABLE_TELEMETRY in its docs/Privacy.md), whatever
    the user has it set to: nothing leaves the machine.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def _let_threads_sleep(options: onnxruntime.SessionOptions) -> None:
    """Make threads that wait for work sleep: spinning takes the processor from whoever shares it.

    With another program on the same two cores a session did twice as many tokens a second this way.
    """
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _pool(hidden: NDArray[np.float32], lengths: NDArray[np.int32], pooling: str) -> NDArray[np.float32]:
    """Return float32[n, dims]: the sum over each text's own tokens, or the first token.

    Rows are added one after the other over real tokens alone, so that padding can't change the order of additions.
    """
    if pooling == "cls":
        return hidden[:, 0]
    return np.stack([tokens[:length].sum(axis=0) for tokens, length in zip(hidden, lengths, strict=True)])


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    wide = vectors.astype(np.float64)
    lengths = np.sqrt(np.square(wide).sum(axis=1, keepdims=True))
    return np.asarray(wide / np.maximum(lengths, 1e-12), dtype=np.float32)
