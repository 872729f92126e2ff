"""What an index must have been made with to be carried on, and why one has to be made anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from indexer.config import Config, EncoderOptions, fingerprint
from indexer.encoders.registry import variant
from indexer.types import EncoderIdentity

if TYPE_CHECKING:
    from indexer.stores.generation.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Identity:
    """The encoder, and the fingerprint of its basis and of all options that change what an unchanged file yields."""

    encoder: EncoderIdentity
    fingerprint: str


def wanted_identity(config: Config) -> Identity:
    """Return the identity that a build with this configuration gives; loads no model.

    Raises ConfigError for an unknown encoder and ModelError when its files are not there.
    """
    name = config.encoder.name
    folder = encoder_folder(config.encoder)
    made = variant(name).identity(folder)
    basis = variant(name).basis_digest(folder) if config.projection.mode == "bundled" else ""
    # A reader loads the encoder by the registry's name, whatever its files call it.
    return Identity(replace(made, name=name), xxhash.xxh3_128_hexdigest((fingerprint(config) + basis).encode()))


def encoder_folder(options: EncoderOptions) -> Path | None:
    """Return the configured folder of an encoder's files; None: the encoder's own."""
    return Path(options.path) if options.path else None


def rebuild_reason(manifest: Manifest, wanted: Identity) -> str:
    """Return why an index can't be carried on with this identity, as a sentence, or nothing when it can.

    Vectors of two encoders, or chunks cut by two rules, are never mixed.
    """
    made = manifest.encoder
    if (made.name, made.digest) != (wanted.encoder.name, wanted.encoder.digest):
        old, new = f"{made.name} ({made.digest[:8]})", f"{wanted.encoder.name} ({wanted.encoder.digest[:8]})"
        return f"the encoder changed from {old} to {new}"
    if manifest.fingerprint != wanted.fingerprint:
        return "what decides how files become chunks and vectors changed: options, the encoder's basis, or this program"
    return ""
