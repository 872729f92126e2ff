"""Which projection a build uses: the encoder's bundled basis, the one that the index was built with, or a fit."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from indexer.config import Config
from indexer.encoders.registry import find_encoder
from indexer.errors import DamagedIndexError
from indexer.stages.reduce import FITTED, Projection, bundled_projection, fit, identity_projection
from indexer.types import FileRecord, ParsedFile, Source

from ..parsing.pool import parse_files
from ..parsing.waiting import fair_order

if TYPE_CHECKING:
    from indexer.stores.generation.reader import Generation

    from ..vectors import Vectorizer


def choose_projection(
    source: Source, records: Iterable[FileRecord], config: Config, base: Generation | None, vectorizer: Vectorizer
) -> Projection:
    """Return the projection for a build on top of `base`, or from nothing.

    A fitted basis is kept for increments, so that old and new vectors stay comparable. Encoders without a bundled
    basis get a fitted one, on the chunks of a sample of `records`, the files to be parsed; a repository too small for
    a fit keeps all dimensions. Raises DamagedIndexError where the base states other dims than its vectors have.
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
        projection = Projection(FITTED, *kept) if kept is not None else identity_projection(width)
        if projection.dims != (stated := base.manifest.projection.dims):
            raise DamagedIndexError(f"{base.path}: states vectors of {stated} dims, where they have {projection.dims}")
        return projection
    parsed = parse_files(source, fair_order(records), config)
    sample = chain.from_iterable(file.chunks for file in parsed if isinstance(file, ParsedFile))
    vectors = vectorizer.full_precision(list(islice(sample, options.sample_chunks)))
    matrix = np.stack(list(vectors.values())) if vectors else np.empty((0, width), np.float32)
    return fit(matrix, dims=options.dims, centered=options.centered)
