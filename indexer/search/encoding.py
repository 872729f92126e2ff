"""A query's vector: the encoder and the projection that an index's vectors were made with."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING

from indexer.config import EncoderOptions
from indexer.cores import cores
from indexer.encoders.registry import Variant, find_encoder, find_static, own_options
from indexer.errors import ConfigError, ModelError
from indexer.stages.reduce import BUNDLED, FITTED, Projection, bundled_projection, identity_projection, reduce
from indexer.stores.generation.manifest import STATIC
from indexer.stores.generation.reader import Generation
from indexer.types import Encoder, Tier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.search.candidates import QueryVector

STATIC_OFFSETS: Mapping[str, Mapping[Tier, float]] = {"minilm": {Tier.CONTEXTUAL: 0.022, Tier.STATIC: -0.01}}
"""By encoder and the tier of a query's vector: by how much the cosines of the nearest contextual vectors exceed those
of the nearest static ones (benchmarks/mixed_tiers.py)."""


class QueryEncoder:
    """Encodes queries for generations, loading encoder and projection at the first need; safe to share.

    They are kept from one generation to the next that was made with the same. Raises ModelError when the encoder's
    files are missing or not those that an index was built with.
    """

    def __init__(self, options: EncoderOptions, *, encoder: Encoder | None = None) -> None:
        """Use `encoder` when given; `options` say where the files of the one that an index names are."""
        self._options = options
        self._given = encoder
        self._loaded: tuple[str, Encoder] | None = None
        self._projections: dict[str, Projection] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(cores(), thread_name_prefix="query")

    def encode(self, text: str, generation: Generation) -> NDArray[np.int8]:
        """Return the vector of a text as the generation holds vectors: int8[k]."""
        with self._lock:
            encoder = self._given or self._load(generation)
            digest = generation.manifest.projection.digest
            if digest not in self._projections:
                self._projections = {digest: load_projection(generation, self._options)}
            projection = self._projections[digest]
        vector: NDArray[np.int8] = reduce(encoder.encode([text], role="query"), projection)[0][0]
        return vector

    @contextmanager
    def encoding(self, text: str, generation: Generation) -> Iterator[QueryVector]:
        """Yield what returns the vector of a text, as `encode`: a thread makes it, and is done at the end."""
        made = self._threads.submit(self.encode, text, generation)
        try:
            yield made.result
        finally:
            wait([made])

    def static_offset(self, made_with: str) -> float:
        """Return what a static vector's cosine with a query lacks of a contextual one's, by the encoder of an index."""
        tier = Tier.STATIC if self._given is None and self._options.queries == "static" else Tier.CONTEXTUAL
        return STATIC_OFFSETS.get(made_with, {}).get(tier, 0.0)

    def _load(self, generation: Generation) -> Encoder:
        """Return the encoder of queries for a generation, kept while that names the same one."""
        made = generation.manifest.encoder.digest
        if self._loaded is None or self._loaded[0] != made:
            load = load_static if self._options.queries == "static" else load_encoder
            self._loaded = (made, load(generation, self._options))
        return self._loaded[1]


def load_encoder(generation: Generation, options: EncoderOptions) -> Encoder:
    """Load the encoder that the generation names, the fastest way; raises ModelError when it is another one by now."""
    encoder = _variant(generation, options).load(threads=options.threads, light=True)
    check_encoder(generation, encoder)
    return encoder


def load_static(generation: Generation, options: EncoderOptions) -> Encoder:
    """Load the static encoder in the space of the one that the generation names, which may be that one itself.

    Raises ModelError when there is none, or when the generation was made with another one.
    """
    made = generation.manifest
    if _variant(generation, options).identity.tier is Tier.STATIC:
        return load_encoder(generation, options)
    static = find_static(own_options(options, made.encoder.name))
    if static is None:
        raise ModelError(f"the encoder {made.encoder.name} has no static one in its space; set encoder.queries to own")
    if made.made_with.get(STATIC, static.identity.digest) != static.identity.digest:
        raise ModelError(f"{generation.path}: static vectors in it are those of another encoder; build it again")
    return static.load(threads=options.threads, light=True)


def check_encoder(generation: Generation, encoder: Encoder) -> None:
    """Raise ModelError unless this is the function that made the generation's vectors."""
    made = generation.manifest.encoder
    if encoder.identity.digest != made.digest:
        raise ModelError(
            f"the index was built with {made.name} ({made.digest[:8]}), not {encoder.identity.name} "
            f"({encoder.identity.digest[:8]}); build it again, or search with mode text"
        )


def load_projection(generation: Generation, options: EncoderOptions) -> Projection:
    """Return the projection of the generation's vectors; raises ModelError when the encoder's basis is another one."""
    made = generation.manifest.projection
    if made.mode == FITTED:
        stored = generation.projection()
        if stored is not None:
            return Projection(FITTED, *stored)
    if made.mode == BUNDLED:
        basis = _variant(generation, options).basis()
        if basis is not None:
            projection = bundled_projection(basis, dims=made.dims)
            if projection.digest == made.digest:
                return projection
        raise ModelError("the encoder's projection is not the one that the index was built with; build it again")
    return identity_projection(generation.manifest.encoder.dims)


def _variant(generation: Generation, options: EncoderOptions) -> Variant:
    """Return the encoder that the index names, its files where the options say."""
    name = generation.manifest.encoder.name
    try:
        return find_encoder(own_options(options, name))
    except ConfigError as error:
        raise ModelError(
            f"the index was built with {name}, which is not here ({error}); `indexer model pull {name}` brings it, "
            "with --from FOLDER where it is one of your own"
        ) from error
