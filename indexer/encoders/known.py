"""The models that are known by name, as data: what they are, and where their files are published."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from indexer.encoders.bundle import MODEL
from indexer.encoders.spec import Pooling

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "config.json", "special_tokens_map.json")
"""What is published beside a graph; the first must be there."""

BGE_QUERY = "Represent this sentence for searching relevant passages: "
QWEN_QUERY = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be had by name; `repository` is its place on a hub, `model` its graph there.

    `weights` are further files of the graph, `megabytes` the size of them all, `max_tokens` 0 where only its files say.
    `unusable` says why this program can't run it.
    """

    name: str
    dims: int
    max_tokens: int
    pooling: Pooling
    repository: str
    model: str = MODEL
    weights: tuple[str, ...] = ()
    megabytes: int = 0
    licence: str = ""
    languages: str = ""
    query_prefix: str = ""
    passage_prefix: str = ""
    needs_prefix: bool = False
    unusable: str = ""


OWN: Mapping[str, KnownModel] = {
    known.name: known
    for known in (
        KnownModel(
            name="multilingual-e5-small",
            dims=384,
            max_tokens=512,
            pooling="mean",
            repository="intfloat/multilingual-e5-small",
            model="onnx/model.onnx",
            megabytes=490,
            licence="mit",
            languages="about 100",
            query_prefix="query: ",
            passage_prefix="passage: ",
            needs_prefix=True,
        ),
        KnownModel(
            name="bge-m3",
            dims=1024,
            max_tokens=8192,
            pooling="cls",
            repository="BAAI/bge-m3",
            model="onnx/model.onnx",
            weights=("onnx/model.onnx_data", "onnx/Constant_7_attr__value"),
            megabytes=2290,
            licence="mit",
            languages="about 100",
        ),
    )
}
"""Models that fastembed does not list."""

ALIASES: Mapping[str, str] = {
    "minilm-fp32": "sentence-transformers/all-MiniLM-L6-v2",
    "jina-embeddings-v2-base-code": "jinaai/jina-embeddings-v2-base-code",
}
"""Short names of models that fastembed lists."""

PREFIXES: Mapping[str, tuple[str, str]] = {
    "BAAI/bge-base-en": (BGE_QUERY, ""),
    "BAAI/bge-base-en-v1.5": (BGE_QUERY, ""),
    "BAAI/bge-large-en-v1.5": (BGE_QUERY, ""),
    "BAAI/bge-small-en": (BGE_QUERY, ""),
    "BAAI/bge-small-en-v1.5": (BGE_QUERY, ""),
    "mixedbread-ai/mxbai-embed-large-v1": (BGE_QUERY, ""),
    "snowflake/snowflake-arctic-embed-xs": (BGE_QUERY, ""),
    "snowflake/snowflake-arctic-embed-s": (BGE_QUERY, ""),
    "snowflake/snowflake-arctic-embed-m": (BGE_QUERY, ""),
    "snowflake/snowflake-arctic-embed-m-long": (BGE_QUERY, ""),
    "snowflake/snowflake-arctic-embed-l": (BGE_QUERY, ""),
    "nomic-ai/nomic-embed-text-v1": ("search_query: ", "search_document: "),
    "nomic-ai/nomic-embed-text-v1.5": ("search_query: ", "search_document: "),
    "nomic-ai/nomic-embed-text-v1.5-Q": ("search_query: ", "search_document: "),
    "intfloat/multilingual-e5-large": ("query: ", "passage: "),
    "google/embeddinggemma-300m": ("task: search result | query: ", "title: none | text: "),
    "Qwen/Qwen3-Embedding-0.6B": (QWEN_QUERY, ""),
    "Qwen/Qwen3-Embedding-0.6B-Q": (QWEN_QUERY, ""),
}
"""Of queries and passages, from the models' own cards: fastembed says whether there are any, and not which."""
