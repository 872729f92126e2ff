"""The dense text models that fastembed lists, read from it when they are asked for: its import takes 0.4 s.

Which class of fastembed's has a model says how its token vectors become one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from indexer.encoders.known import PREFIXES, KnownModel
from indexer.encoders.spec import Pooling

_POOLING: dict[str, Pooling] = {
    "OnnxTextEmbedding": "cls",
    "PooledEmbedding": "mean",
    "PooledNormalizedEmbedding": "mean",
    "LastTokenNormalizedEmbedding": "last",
    "BuiltinSentenceEmbedding": "none",
    "CLIPOnnxEmbedding": "none",
    "SiglipOnnxTextEmbedding": "none",
}
_PASSAGES_ONLY = "makes vectors of passages alone, and another model those of their questions"
_UNUSABLE = {
    "JinaEmbeddingV3": "its graph takes a task beside the text",
    "StaticTextEmbedding": "it is a table and no ONNX graph",
    "Qdrant/stella-en-400M-v5-doc-onnx": _PASSAGES_ONLY,
    "Qdrant/constella-zero": "makes vectors of questions alone, and another model those of passages",
    "Qdrant/constella-nano": "makes vectors of questions alone, and another model those of passages",
    "jinaai/jina-clip-v1": "it is made for pictures and their captions",
    "Qdrant/clip-ViT-B-32-text": "it is made for pictures and their captions",
    "google/siglip2-base-patch16-224": "it is made for pictures and their captions",
}
"""By class or model, why this program can't or won't run it."""

_WINDOW = re.compile(r"(\d+) input tokens")
_LANGUAGES = re.compile(r"(?:Unimodal \(text\)|Multimodal \([^)]*\)), (?:supports )?((?:[^,(]|\([^)]*\))+)")


@cache
def listed() -> dict[str, KnownModel]:
    """Return fastembed's dense text models by name."""
    from indexer.encoders.sessions import silence

    silence()
    from fastembed import TextEmbedding

    kinds = {
        own.model: kind.__name__ for kind in TextEmbedding.EMBEDDINGS_REGISTRY for own in kind._list_supported_models()
    }
    known = (_known(kinds[own["model"]], own) for own in TextEmbedding.list_supported_models())
    return {model.name: model for model in known if model.repository}


def _known(kind: str, described: dict[str, Any]) -> KnownModel:
    name, text = described["model"], described["description"]
    window, languages = _WINDOW.search(text), _LANGUAGES.search(text)
    query, passage = PREFIXES.get(name, ("", ""))
    unsupported = "" if kind in _POOLING else "its kind is not one that this program knows"
    return KnownModel(
        name=name,
        dims=described["dim"],
        max_tokens=int(window[1]) if window else 0,
        pooling=_POOLING.get(kind, "none"),
        repository=described["sources"].get("hf") or "",
        model=described["model_file"],
        weights=tuple(described.get("additional_files") or ()),
        megabytes=round(1000 * described["size_in_GB"]),
        licence=described["license"],
        languages=languages[1] if languages else "",
        query_prefix=query,
        passage_prefix=passage,
        needs_prefix="documents: necessary" in text,
        unusable=_UNUSABLE.get(kind, _UNUSABLE.get(name, unsupported)),
    )
