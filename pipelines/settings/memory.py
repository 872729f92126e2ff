"""A limit of memory, turned into how many tokens are encoded at once, by how many threads, and how many parsers.

The figures are rounded up from builds with the bundled encoder; benchmarks/encoder_memory.py measures builds under
limits. What they leave open is how much a single file's parser takes, which `parse.memory_megabytes` bounds.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from indexer.config import Config
from indexer.cores import cores
from indexer.encoders.registry import Variant, find_encoder
from indexer.errors import ConfigError
from indexer.types import Tier

PROCESS_BYTES = 250_000_000
"""A build's own process, with all engines and without a model."""

WORKER_BYTES = 60_000_000
"""A process that parses."""

MODEL_SHARE = 1.6
"""The memory of a loaded model over the size of its files."""

TOKEN_BYTES = 120
"""Of a batch, a token and a dimension of a vector: what states, their four-fold inner layer and attention take."""

LEAST_TOKENS = 256
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(kb|mb|gb|k|m|g)?b?", re.IGNORECASE)
_UNITS = {"k": 1e3, "m": 1e6, "g": 1e9}


def bytes_of(size: str) -> int:
    """Return the bytes of a size such as 600MB or 1.5 GB, decimal; raises ConfigError for what is none."""
    match = _SIZE.fullmatch(size.strip())
    if match is None:
        raise ConfigError(f"encoder.memory_limit: {size!r} is no size; write it as in 600MB or 1.5GB")
    return int(float(match[1]) * _UNITS.get((match[2] or "m")[0].lower(), 1e6))


def within_memory(config: Config) -> Config:
    """Return settings whose batches, threads and workers fit in encoder.memory_limit; what is lower already stays.

    Raises ConfigError, with the least that is enough, where no batch fits, and as `find_encoder`.
    """
    limit = bytes_of(config.encoder.memory_limit)
    variant = find_encoder(config.encoder)
    own = PROCESS_BYTES + MODEL_SHARE * _file_bytes(variant)
    per_token = TOKEN_BYTES * variant.identity.dims if variant.identity.tier is Tier.CONTEXTUAL else 0
    wanted = config.parse.workers or cores()
    least = own + WORKER_BYTES + LEAST_TOKENS * per_token
    if limit < least:
        raise ConfigError(
            f"encoder.memory_limit: {config.encoder.memory_limit} is not enough for {config.encoder.name}, which needs "
            f"{least / 1e6:.0f}MB"
        )
    # Rather a process less than batches so small that the encoder idles.
    ample = min(config.encoder.token_budget, 1024) * per_token
    workers = max(1, min(wanted, int((limit - own - ample) // WORKER_BYTES)))
    left = limit - own - workers * WORKER_BYTES
    tokens = int(left // per_token) if per_token else config.encoder.token_budget
    # Each thread has a text of its own, which may be as long as the model reads.
    threads = max(1, min(config.encoder.threads or cores(), tokens // variant.identity.max_tokens))
    budget = max(LEAST_TOKENS, min(config.encoder.token_budget, tokens))
    encoder = replace(config.encoder, token_budget=budget, threads=threads)
    return replace(config, encoder=encoder, parse=replace(config.parse, workers=workers))


def _file_bytes(variant: Variant) -> int:
    """Return how large the files are that an encoder loads; none is known of one that another package brings."""
    bundle = getattr(variant, "bundle", None)
    return sum((bundle.folder / name).stat().st_size for name in bundle.loaded) if bundle else 0
