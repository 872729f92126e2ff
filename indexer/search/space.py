"""The vector space of a generation: the encoder and the projection that its vectors were made with."""

from __future__ import annotations

from msgspec.structs import replace

from indexer.config import EncoderOptions
from indexer.encoders.registry import Variant, find_encoder
from indexer.errors import ModelError
from indexer.stages.reduce import BUNDLED, FITTED, Projection, bundled_projection, identity_projection
from indexer.stores.generation.reader import Generation
from indexer.types import Encoder


def load_encoder(generation: Generation, options: EncoderOptions) -> Encoder:
    """Load the encoder that the generation names, the fastest way; raises ModelError when it is another one by now."""
    return checked_encoder(generation, _variant(generation, options).load(threads=options.threads, light=True))


def checked_encoder(generation: Generation, encoder: Encoder) -> Encoder:
    """Return an encoder that is the function which made the generation's vectors; raises ModelError otherwise."""
    made = generation.manifest.encoder
    if encoder.identity.digest != made.digest:
        raise ModelError(
            f"the index was built with {made.name} ({made.digest[:8]}), not {encoder.identity.name} "
            f"({encoder.identity.digest[:8]}); build it again, or search with mode text"
        )
    return encoder


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
    return find_encoder(replace(options, name=generation.manifest.encoder.name))
