"""encoder.json: what an encoder says of itself, before anything of it is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from indexer.types import Role

DESCRIPTION = "encoder.json"

Positive = Annotated[int, Meta(ge=1)]


class EncoderSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One encoder: `dims` of a vector, and `max_tokens` read of a text, prefix and special tokens included.

    `pooling` says how token vectors become one: their mean, or the first. A text is encoded with the prefix of its role
    before it, for models that were trained to tell questions from passages. `chunk_chars` is the size of a chunk, as
    `chunk.max_chars` counts it, that the encoder reads to its end.
    """

    name: str
    dims: Positive
    max_tokens: Positive
    pooling: Literal["mean", "cls"]
    chunk_chars: Annotated[int, Meta(ge=200)]
    query_prefix: str = ""
    passage_prefix: str = ""

    def prefix(self, role: Role) -> str:
        """Return what goes before a text in this role."""
        return self.query_prefix if role == "query" else self.passage_prefix


def read_spec(folder: Path) -> EncoderSpec:
    """Read a model folder's encoder.json; raises OSError, and msgspec.MsgspecError when it is malformed."""
    return msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=EncoderSpec)


def encode_spec(spec: EncoderSpec) -> bytes:
    """Return the bytes of encoder.json, indented for people."""
    return msgspec.json.format(msgspec.json.encode(spec)) + b"\n"
