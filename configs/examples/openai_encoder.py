"""An encoder by HTTP: an endpoint that speaks OpenAI's /v1/embeddings, as Ollama, TEI, vLLM and llama.cpp do.

Texts leave this machine, or at least this process: use it with a server that may see your code. Install this file as
a module of a package of yours whose pyproject.toml has

    [project.entry-points."indexer.encoders"]
    openai = "openai_encoder:make"

and say where the server is: EMBEDDINGS_URL=http://localhost:11434/v1 EMBEDDINGS_MODEL=nomic-embed-text
EMBEDDINGS_DIMS=768, and EMBEDDINGS_KEY, EMBEDDINGS_PER_MINUTE, EMBEDDINGS_BATCH, EMBEDDINGS_QUERY_PREFIX and
EMBEDDINGS_PASSAGE_PREFIX where these are needed. Then `indexer build --model openai`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import httpx
import numpy as np
from numpy.typing import NDArray

from indexer.config import EncoderOptions
from indexer.encoders.own import FunctionEncoder
from indexer.errors import ConfigError, ModelError
from indexer.types import Role

ATTEMPTS = 6
LONGEST_WAIT = 60.0
RETRIED = {408, 429, 500, 502, 503, 504}


class Endpoint:
    """Asks in batches, no more often than it may, and again while a failure may pass."""

    def __init__(self, environment: dict[str, str]) -> None:
        try:
            self.url = environment["EMBEDDINGS_URL"].rstrip("/")
            self.model = environment["EMBEDDINGS_MODEL"]
            self.dims = int(environment["EMBEDDINGS_DIMS"])
        except (KeyError, ValueError) as error:
            raise ConfigError(f"the encoder openai needs EMBEDDINGS_URL, _MODEL and _DIMS: {error}") from error
        self.prefixes = {
            "query": environment.get("EMBEDDINGS_QUERY_PREFIX", ""),
            "passage": environment.get("EMBEDDINGS_PASSAGE_PREFIX", ""),
        }
        self.batch = int(environment.get("EMBEDDINGS_BATCH", "64"))
        self.seconds_between = 60 / float(environment.get("EMBEDDINGS_PER_MINUTE", "inf"))
        self.backoff_seconds = 1.0
        key = environment.get("EMBEDDINGS_KEY")
        self.client = httpx.Client(timeout=60, headers={"Authorization": f"Bearer {key}"} if key else {})
        self._next = 0.0

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Return float32[n, dims] of texts, each with the prefix of its role."""
        sent = [self.prefixes[role] + text.encode("utf-8", "replace").decode() for text in texts]
        batches = [self._ask(sent[start : start + self.batch]) for start in range(0, len(sent), self.batch)]
        return np.array([vector for batch in batches for vector in batch], dtype=np.float32)

    def _ask(self, texts: list[str]) -> list[list[float]]:
        why = ""
        for attempt in range(ATTEMPTS):
            time.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self.seconds_between
            try:
                answer = self.client.post(f"{self.url}/embeddings", json={"model": self.model, "input": texts})
            except httpx.TransportError as error:
                why, after = f"{type(error).__name__} {error}", ""
            else:
                if answer.status_code == 200:
                    rows = sorted(answer.json()["data"], key=lambda row: row["index"])
                    return [row["embedding"] for row in rows]
                why, after = f"status {answer.status_code}: {answer.text[:200]}", answer.headers.get("retry-after", "")
                if answer.status_code not in RETRIED:
                    break
            wait = float(after) if after.isdecimal() else self.backoff_seconds * 2**attempt
            time.sleep(min(LONGEST_WAIT, wait))
        raise ModelError(f"{self.url}: no embeddings: {why}")


def make(options: EncoderOptions) -> FunctionEncoder:
    """Return the encoder that the environment describes; `options` are those of the settings."""
    endpoint = Endpoint(dict(os.environ))
    return FunctionEncoder(
        endpoint.encode,
        name="openai",
        version=f"{endpoint.url} {endpoint.model} {sorted(endpoint.prefixes.items())}",
        dims=endpoint.dims,
        sends_texts_to=endpoint.url,
    )
