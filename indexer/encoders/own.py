"""Encoders from elsewhere: a package names one by the entry point group `indexer.encoders` (docs/encoders.md).

An entry point's object is called with the options of the encoder, and returns an `indexer.types.Encoder`. It may have
a text `sends_texts_to`, which says that texts leave the machine, and where to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import msgspec

from indexer.config import EncoderOptions
from indexer.encoders.spec import EncoderSpec
from indexer.errors import IndexerError, ModelError
from indexer.types import Encoder, EncoderIdentity, PreparedTexts, Role

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from indexer.encoders.registry import Variant

GROUP = "indexer.encoders"
CHARS_PER_TOKEN = 4
"""By which the size of a text is guessed where there is no tokenizer, to form batches."""

Encode = Callable[[Sequence[str], Role], "NDArray[np.float32]"]


@cache
def names() -> frozenset[str]:
    """Return the names of the encoders that installed packages bring."""
    from importlib.metadata import entry_points

    return frozenset(entry_points(group=GROUP).names)


class OwnVariant:
    """An encoder that an installed package brings."""

    def __init__(
        self,
        name: str,
        options: EncoderOptions,
        *,
        table_folder: Path | None = None,
        find_table: Callable[[OwnVariant], Variant | None] = lambda _: None,
    ) -> None:
        """Find it, and what finds its table; raises ModelError when its package fails."""
        from importlib.metadata import entry_points

        (entry, *_) = entry_points(group=GROUP, name=name)
        try:
            self._encoder: Encoder = entry.load()(options)
            self.identity: EncoderIdentity = self._encoder.identity
        except IndexerError:
            raise
        except Exception as error:
            raise ModelError(f"the encoder {name} of {entry.value} fails: {type(error).__name__}: {error}") from error
        self.table_folder = table_folder
        self._find_table = find_table

    @cached_property
    def spec(self) -> EncoderSpec:
        """What its identity says."""
        own = self.identity
        return EncoderSpec(name=own.name, dims=own.dims, max_tokens=own.max_tokens, pooling="none")

    @property
    def sends_texts_to(self) -> str:
        """Where texts go, or nothing when they stay on this machine."""
        return str(getattr(self._encoder, "sends_texts_to", ""))

    @property
    def basis_digest(self) -> str:
        """That of the table's basis; empty without one."""
        table = self._find_table(self)
        return table.basis_digest if table else ""

    def basis(self) -> NDArray[np.float32] | None:
        """Return the table's basis, or None."""
        table = self._find_table(self)
        return table.basis() if table else None

    def load(self, *, threads: int, light: bool) -> Encoder:
        """Return it."""
        return self._encoder


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts as they are, and what they are to the encoder."""

    texts: tuple[str, ...]
    role: Role

    @property
    def lengths(self) -> NDArray[np.int32]:
        import numpy as np

        return np.array([1 + len(text) // CHARS_PER_TOKEN for text in self.texts], dtype=np.int32)


class FunctionEncoder:
    """An encoder of one function from texts and their role to vectors, float32[n, dims] of any length.

    `version` is whatever decides the function's vectors: the model's name and revision, prefixes, and so on.
    """

    def __init__(
        self, encode: Encode, *, name: str, version: str, dims: int, max_tokens: int = 512, sends_texts_to: str = ""
    ) -> None:
        digest = hashlib.sha256(msgspec.json.encode((name, version, dims))).hexdigest()[:32]
        self.identity = EncoderIdentity(name, digest, dims, max_tokens)
        self.sends_texts_to = sends_texts_to
        self._encode = encode

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> PreparedTexts:
        """Keep the texts with their role."""
        return _Texts(tuple(texts), role)

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Encode the given rows; raises ModelError when the function's answer is not one vector a text."""
        assert isinstance(prepared, _Texts)
        return self._unit([prepared.texts[row] for row in rows], prepared.role)

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Encode texts: float32[n, dims], unit rows."""
        return self._unit(list(texts), role)

    def _unit(self, texts: list[str], role: Role) -> NDArray[np.float32]:
        import numpy as np

        wanted = (len(texts), self.identity.dims)
        vectors = np.asarray(self._encode(texts, role) if texts else np.empty(wanted), dtype=np.float64)
        if vectors.shape != wanted or not np.isfinite(vectors).all():
            shape = "x".join(map(str, vectors.shape))
            raise ModelError(
                f"the encoder {self.identity.name} gave {shape} numbers that may not be finite, where "
                f"{wanted[0]}x{wanted[1]} finite ones were asked for"
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
