"""The encoders that there are, by name, and what a build may ask of one before it loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import ConfigError
from indexer.types import Encoder, EncoderIdentity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.encoders.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Variant:
    """One encoder. `identity` loads no engine; `basis` is float32[d, m], components in order of variance, or None.

    `basis_digest` changes with the basis, and is empty without one. `folder` overrides where the files are. `light`
    asks for the fastest start, for a few texts.
    """

    identity: Callable[[Path | None], EncoderIdentity]
    basis_digest: Callable[[Path | None], str]
    basis: Callable[[Path | None], NDArray[np.float32] | None]
    load: Callable[[Path | None, int, bool], Encoder]


def _hashing_identity(_folder: Path | None) -> EncoderIdentity:
    from indexer.encoders import hashing

    return hashing.identity()


def _hashing_load(_folder: Path | None, _threads: int, _light: bool) -> Encoder:
    from indexer.encoders.hashing import HashingEncoder

    return HashingEncoder()


def _bundle(folder: Path | None) -> Bundle:
    from indexer.encoders.bundle import BUNDLED, open_bundle

    return open_bundle(folder or BUNDLED)


def _onnx_load(folder: Path | None, threads: int, light: bool) -> Encoder:
    from indexer.encoders import bundle, onnx

    return onnx.load(folder or bundle.BUNDLED, threads=threads, light=light)


def _static_bundle(folder: Path | None) -> Bundle:
    from indexer.encoders.bundle import BUNDLED_STATIC, STATIC_LOADED, open_bundle

    return open_bundle(folder or BUNDLED_STATIC, loaded=STATIC_LOADED)


def _static_load(folder: Path | None, _threads: int, _light: bool) -> Encoder:
    from indexer.encoders import static

    return static.load(_static_bundle(folder))


VARIANTS: dict[str, Variant] = {
    "minilm": Variant(
        identity=lambda folder: _bundle(folder).identity,
        basis_digest=lambda folder: _bundle(folder).basis_digest,
        basis=lambda folder: _bundle(folder).basis(),
        load=_onnx_load,
    ),
    "static": Variant(
        identity=lambda folder: _static_bundle(folder).identity,
        basis_digest=lambda folder: _static_bundle(folder).basis_digest,
        basis=lambda folder: _static_bundle(folder).basis(),
        load=_static_load,
    ),
    "hashing": Variant(
        identity=_hashing_identity,
        basis_digest=lambda _folder: "",
        basis=lambda _folder: None,
        load=_hashing_load,
    ),
}


def variant(name: str) -> Variant:
    """Return an encoder by name; raises ConfigError that lists the names there are."""
    if name not in VARIANTS:
        raise ConfigError(f"encoder.name: there is no encoder {name!r}; there are {', '.join(sorted(VARIANTS))}")
    return VARIANTS[name]
