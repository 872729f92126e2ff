"""Which projection a build uses: the encoder's bundled basis, the one that the index was built with, or a fit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from indexer.config import Config
from indexer.encoders.registry import find_encoder
from indexer.stages.reduce import FITTED, Projection, bundled_projection, fit, identity_projection
from indexer.types import Chunk, FileChanges, ParsedFile, Source

from ..parsing.pool import parse_files

if TYPE_CHECKING:
    from indexer.stores.generation.reader import Generation

    from ..vectors import Vectorizer


def choose_projection(
    source: Source, changes: FileChanges, config: Config, base: Generation | None, vectorizer: Vectorizer
) -> Projection:
    """Return the projection for a build on top of `base`, or from nothing.

    A fitted basis is kept for increments, so that old and new vectors stay comparable. Encoders without a bundled
    basis get a fitted one; a repository too small for a fit keeps all dimensions.
    """
    options = config.projection
    encoder = find_encoder(config.encoder)
    width = encoder.identity.dims
    if options.mode == "none":
        return identity_projection(width)
    basis = encoder.basis() if options.mode == "bundled" else None
    if basis is not None:
        return bundled_projection(basis, dims=options.dims)
    if base is not None:
        kept = base.projection()
        return Projection(FITTED, *kept) if kept is not None else identity_projection(width)
    sample = list(islice(_sample(source, changes, config), options.sample_chunks))
    vectors = vectorizer.full_precision(sample, keep=True)
    matrix = np.stack(list(vectors.values())) if vectors else np.empty((0, width), np.float32)
    return fit(matrix, dims=options.dims, centered=options.centered)


def _sample(source: Source, changes: FileChanges, config: Config) -> Iterator[Chunk]:
    """Yield chunks file by file in the order of the paths' hashes: a fair sample, not the first folders."""
    records = (*changes.added, *changes.modified)
    shuffled = sorted(
        records, key=lambda record: xxhash.xxh3_64_intdigest(record.path.encode("utf-8", "surrogateescape"))
    )
    for parsed in parse_files(source, shuffled, config):
        if isinstance(parsed, ParsedFile):
            yield from parsed.chunks
