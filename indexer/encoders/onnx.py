"""Transformer encoders on onnxruntime: batches without padding, and one vector of a text whatever its batch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.cores import cores
from indexer.encoders import sessions
from indexer.encoders.bundle import BUNDLED, Bundle
from indexer.encoders.local import open_local
from indexer.errors import ModelError
from indexer.types import EncoderIdentity, Feed, PreparedTexts, Role

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

    from indexer.encoders.spec import EncoderSpec

_lock = threading.Lock()
_loaded: dict[tuple[Path, str, int, bool, tuple[str, ...]], OnnxEncoder] = {}

RUN_TOKENS = 256
"""Of a batch on one core: what its states need stays in its own cache (benchmarks/encoder_speed.md)."""

_OUTPUTS = {3: ("last_hidden_state", "token_embeddings", "hidden"), 2: ("sentence_embedding", "pooler_output")}
"""What exporters call an output of token vectors, and one of a vector a text, the best first."""


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
    """A session and a tokenizer.

    The bundled model's vector of a text is bit-identical whatever its batch and threads. Batches are not padded, and
    graphs that take scales from the whole batch are run with one text at a time; what is left for models of others is
    rounding in the last bits of float32. On other devices than the CPU batches are padded, where the graph has a mask:
    these round by batch anyway. `feed` is how to call it: on a CPU several small batches at once, each on one core.
    """

    def __init__(
        self,
        bundle: Bundle,
        session: onnxruntime.InferenceSession,
        tokenizer: Tokenizer,
        *,
        on_cpu: bool = True,
        feed: Feed = Feed(),  # noqa: B008  it is frozen
    ) -> None:
        """Take a session and a tokenizer that truncates; raises ModelError when the graph is not what `bundle` says."""
        self.feed = feed
        self._identity = bundle.identity
        self._spec = bundle.spec
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = _inputs(bundle.folder, session)
        self._unpadded = on_cpu or "attention_mask" not in self._inputs
        self._output = _output(bundle.folder, session, self._spec)

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
        if self._spec.alone or (self._unpadded and lengths.min() != lengths.max()):
            return self._by_length(prepared, rows, lengths)
        ids = np.zeros((len(rows), lengths.max()), dtype=np.int64)
        mask = np.zeros_like(ids)
        for place, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            start = prepared.starts[row]
            ids[place, :length] = prepared.ids[start : start + length]
            mask[place, :length] = 1
        return self._run(ids, mask, lengths)

    def _by_length(self, prepared: Tokens, rows: NDArray[np.int64], lengths: NDArray[np.int32]) -> NDArray[np.float32]:
        """Encode texts of one length together, or each by itself, so that none is padded."""
        vectors = np.empty((len(rows), self._identity.dims), dtype=np.float32)
        groups = np.arange(len(rows)) if self._spec.alone else lengths
        for group in np.unique(groups):
            places = np.flatnonzero(groups == group)
            length = lengths[places[0]]
            ids = np.array([prepared.ids[(start := prepared.starts[row]) : start + length] for row in rows[places]])
            vectors[places] = self._run(ids.astype(np.int64), np.ones(ids.shape, np.int64), lengths[places])
        return vectors

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64], lengths: NDArray[np.int32]) -> NDArray[np.float32]:
        given = {"input_ids": ids, "attention_mask": mask}
        for name in self._inputs:
            if name == "token_type_ids":
                given[name] = np.zeros_like(ids)
            elif name == "position_ids":
                given[name] = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
        (made,) = self._session.run([self._output], {name: given[name] for name in self._inputs})
        vectors = _unit(_pool(made, lengths, self._spec.pooling))
        if vectors.shape[1] != self._identity.dims:
            dims = self._identity.dims
            raise ModelError(
                f"{self._identity.name}: its vectors have {vectors.shape[1]} dims, and not the {dims} stated"
            )
        return vectors

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Encode texts as one batch: float32[n, dims], unit rows."""
        return self.encode_prepared(self.prepare(texts, role=role), np.arange(len(texts)))


def load(folder: Path, *, threads: int, light: bool, providers: Sequence[str] = ()) -> OnnxEncoder:
    """Return the encoder of a model folder, its files verified, loaded once a process for the same arguments.

    `threads` 0 means all cores; `light` skips fastembed, for the fastest start; `providers` are those of
    `devices.provider_names`, the CPU when none are given. Raises ModelError when a file is missing or damaged, or when
    onnxruntime refuses the model, and ConfigError for a device that is not there.
    """
    bundle = open_local(folder)
    key = (folder.resolve(), bundle.identity.digest, threads, light, tuple(providers))
    with _lock:
        if key not in _loaded:
            sessions.verify(bundle)
            # fastembed adds nothing to a model that it has not registered, and wants files that not every folder has.
            plain = light or bundle.folder != BUNDLED or bool(providers)
            on_cpu = not providers or providers[0] == "cpu"
            feed = (
                Feed(threads or cores(), RUN_TOKENS) if on_cpu and (not light or bundle.folder == BUNDLED) else Feed()
            )
            own = threads if feed.batches == 1 else 1
            session, tokenizer = (
                sessions.open_light(bundle, own, providers) if plain else sessions.open_with_fastembed(bundle, own)
            )
            tokenizer.no_padding()
            _loaded[key] = OnnxEncoder(bundle, session, tokenizer, on_cpu=on_cpu, feed=feed)
        return _loaded[key]


def _inputs(folder: Path, session: onnxruntime.InferenceSession) -> list[str]:
    """Return what the graph takes; raises ModelError where that is more than this program has."""
    names = [own.name for own in session.get_inputs()]
    unknown = set(names) - {"input_ids", "attention_mask", "token_type_ids", "position_ids"}
    if unknown or "input_ids" not in names:
        raise ModelError(f"{folder}: the graph takes {', '.join(names)}, which is not how a text encoder is called")
    return names


def _output(folder: Path, session: onnxruntime.InferenceSession, spec: EncoderSpec) -> str:
    """Return the name of the output to read: as stated, or of the usual ones that has the rank that pooling needs."""
    rank = 2 if spec.pooling == "none" else 3
    ranks = {own.name: len(own.shape or ()) for own in session.get_outputs()}
    usual = [name for name in _OUTPUTS[rank] if name in ranks]
    fitting = [name for name, own in ranks.items() if own == rank]
    found = ([spec.output] if spec.output in ranks else []) if spec.output else usual or fitting
    if not found or ranks[found[0]] not in (rank, 0):
        raise ModelError(
            f"{folder}: with pooling {spec.pooling} an output of {rank} axes is needed, and the graph has "
            f"{', '.join(f'{name} of {own}' for name, own in ranks.items())}; state pooling, or output, in encoder.json"
        )
    return found[0]


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _pool(hidden: NDArray[np.float32], lengths: NDArray[np.int32], pooling: str) -> NDArray[np.float32]:
    """Return float32[n, dims]: the sum over each text's own tokens, the first or last token, or what was pooled before.

    Rows are added one after the other over real tokens alone, so that padding can't change the order of additions.
    """
    if pooling == "none":
        return hidden
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "last":
        return hidden[np.arange(len(hidden)), lengths - 1]
    return np.stack([tokens[:length].sum(axis=0) for tokens, length in zip(hidden, lengths, strict=True)])


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    wide = vectors.astype(np.float64)
    lengths = np.sqrt(np.square(wide).sum(axis=1, keepdims=True))
    return np.asarray(wide / np.maximum(lengths, 1e-12), dtype=np.float32)
