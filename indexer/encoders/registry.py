"""The encoders that there are, by name, and what may be asked of one before it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from indexer.errors import ConfigError
from indexer.types import Tier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from indexer.config import EncoderOptions
    from indexer.encoders.bundle import Bundle
    from indexer.encoders.spec import EncoderSpec
    from indexer.types import Encoder, EncoderIdentity


class Variant(Protocol):
    """An encoder whose files were found and that is not loaded; only `basis` and `load` import numpy or an engine."""

    @property
    def spec(self) -> EncoderSpec:
        """What it says of itself."""

    @property
    def identity(self) -> EncoderIdentity:
        """Name, digest and shape."""

    @property
    def basis_digest(self) -> str:
        """Changes with the basis; empty without one."""

    def basis(self) -> NDArray[np.float32] | None:
        """Return the PCA basis that it ships with, float32[d, m], components in order of variance, or None."""

    def load(self, *, threads: int, light: bool) -> Encoder:
        """Load it; `threads` 0 means all cores, `light` asks for the fastest start, for a few texts."""


class _Folder(msgspec.Struct, frozen=True):
    """An encoder in a model folder."""

    bundle: Bundle

    @property
    def spec(self) -> EncoderSpec:
        return self.bundle.spec

    @property
    def identity(self) -> EncoderIdentity:
        return self.bundle.identity

    @property
    def basis_digest(self) -> str:
        return self.bundle.basis_digest

    def basis(self) -> NDArray[np.float32] | None:
        return self.bundle.basis()


class _Transformer(_Folder, frozen=True):
    def load(self, *, threads: int, light: bool) -> Encoder:
        from indexer.encoders import onnx

        return onnx.load(self.bundle.folder, threads=threads, light=light)


class _Table(_Folder, frozen=True):
    def load(self, *, threads: int, light: bool) -> Encoder:
        from indexer.encoders import static

        return static.load(self.bundle)


class _Hashing:
    """The encoder that needs no files."""

    basis_digest = ""

    @property
    def spec(self) -> EncoderSpec:
        from indexer.encoders.hashing import SPEC

        return SPEC

    @property
    def identity(self) -> EncoderIdentity:
        from indexer.encoders import hashing

        return hashing.identity()

    def basis(self) -> None:
        return None

    def load(self, *, threads: int, light: bool) -> Encoder:
        from indexer.encoders.hashing import HashingEncoder

        return HashingEncoder()


def _minilm(folder: Path | None) -> Variant:
    from indexer.encoders.bundle import BUNDLED, open_bundle

    return _Transformer(open_bundle(folder or BUNDLED))


def _static(folder: Path | None) -> Variant:
    from indexer.encoders.bundle import BUNDLED_STATIC, STATIC_LOADED, open_bundle

    return _Table(open_bundle(folder or BUNDLED_STATIC, loaded=STATIC_LOADED, tier=Tier.STATIC))


VARIANTS: dict[str, Callable[[Path | None], Variant]] = {
    "minilm": _minilm,
    "static": _static,
    "hashing": lambda _folder: _Hashing(),
}
"""What finds each encoder's files: in the folder given, or, for None, in the package."""


def find_static(options: EncoderOptions) -> Variant | None:
    """Return the static encoder in the space of the encoder that options name; None where there is none.

    It has the same PCA basis, which was fitted to that encoder's own vectors. Raises as `find_encoder`.
    """
    encoder = find_encoder(options)
    if encoder.identity.tier is Tier.STATIC or not encoder.basis_digest:
        return None
    static = _static(None)
    return static if static.basis_digest == encoder.basis_digest else None


def find_encoder(options: EncoderOptions) -> Variant:
    """Return the encoder that options name, with its files where they say, or else in the package.

    Raises ConfigError that lists the names there are, and ModelError when the files are not there or malformed.
    """
    if options.name not in VARIANTS:
        raise ConfigError(
            f"encoder.name: there is no encoder {options.name!r}; there are {', '.join(sorted(VARIANTS))}"
        )
    return VARIANTS[options.name](Path(options.path) if options.path else None)
