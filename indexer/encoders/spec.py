"""encoder.json: what an encoder says of itself, before anything of it is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from indexer.types import Role

DESCRIPTION = "encoder.json"

Positive = Annotated[int, Meta(ge=1)]

Pooling = Literal["mean", "cls", "last", "none"]

LEAST_CHUNK, MOST_CHUNK = 200, 1400
CHARS_PER_TOKEN = 700 / 256
"""Of code, in bytes: what the bundled encoder reads to its end (benchmarks/chunk_sizes.py), a window of 256 tokens."""


class EncoderSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One encoder: `dims` of a vector, and `max_tokens` read of a text, prefix and special tokens included.

    `pooling` says how token vectors become one: their mean, the first (cls), the last, or none where the graph's output
    is one vector a text already. Vectors are always scaled to unit length. A text is encoded with the prefix of its
    role before it, for models that were trained to tell questions from passages. `chunk_chars` is the size of a chunk,
    as `chunk.max_chars` counts it, that the encoder reads to its end; where none is given it follows from the window,
    1,400 at most, so that a hit stays short enough to be read.

    `model` is the graph's file, and `output` the name of its output where there are several. `optimize` says how much
    onnxruntime changes the graph as it loads it: nothing of note, for a graph of fused operators, or all it can.
    `alone` gives each text a batch of its own: for graphs whose scales are the whole batch's (DynamicQuantizeLinear).
    `teacher` is, of a static encoder, the digest of the one that it was fitted to.
    """

    name: str
    dims: Positive
    max_tokens: Positive
    pooling: Pooling
    chunk_chars: Annotated[int, Meta(ge=LEAST_CHUNK)] = 0
    query_prefix: str = ""
    passage_prefix: str = ""
    model: Annotated[str, Meta(pattern=r"^(?:[\w-][\w.-]*/)*[\w-][\w.-]*$")] = "model.onnx"
    output: str = ""
    optimize: Literal["basic", "all"] = "basic"
    alone: bool = False
    teacher: str = ""

    def __post_init__(self) -> None:
        """Fill in the chunk's size from the window."""
        if not self.chunk_chars:
            msgspec.structs.force_setattr(self, "chunk_chars", chunk_chars_of(self.max_tokens))

    def prefix(self, role: Role) -> str:
        """Return what goes before a text in this role."""
        return self.query_prefix if role == "query" else self.passage_prefix


def chunk_chars_of(max_tokens: int) -> int:
    """Return the size of a chunk that a window of so many tokens reads to its end, from 200 to 1,400."""
    return min(MOST_CHUNK, max(LEAST_CHUNK, int(CHARS_PER_TOKEN * max_tokens)))


def read_spec(folder: Path) -> EncoderSpec:
    """Read a model folder's encoder.json; raises OSError, and msgspec.MsgspecError when it is malformed."""
    return msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=EncoderSpec)


_ALWAYS = frozenset({"query_prefix", "passage_prefix"})


def encode_spec(spec: EncoderSpec) -> bytes:
    """Return the bytes of encoder.json, indented for people; but for prefixes, what is as usual is left out."""
    fields: dict[str, Any] = msgspec.to_builtins(spec)
    defaults = {field.name: field.default for field in msgspec.structs.fields(spec)}
    written = {key: value for key, value in fields.items() if key in _ALWAYS or value != defaults[key]}
    return msgspec.json.format(msgspec.json.encode(written)) + b"\n"
