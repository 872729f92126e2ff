"""The encoders that there are, by name, and what may be asked of one before it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from indexer.config import EncoderOptions
from indexer.encoders.known import ALIASES, OWN
from indexer.encoders.models import every_model, folder_of, known_model
from indexer.errors import ConfigError, ModelError
from indexer.types import Tier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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

    @property
    def table_folder(self) -> Path | None:
        """Where a table that was distilled from it is, or would be; None where it can have none."""

    def basis(self) -> NDArray[np.float32] | None:
        """Return its basis, or that of its table, float32[d, m], the components to keep first, or None."""

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

    @property
    def table_folder(self) -> Path | None:
        return None

    def basis(self) -> NDArray[np.float32] | None:
        return self.bundle.basis()


class _Table(_Folder, frozen=True):
    def load(self, *, threads: int, light: bool) -> Encoder:
        from indexer.encoders import static

        return static.load(self.bundle)


class _Transformer(_Folder, frozen=True):
    """A model and, where one was distilled from it, the table beside it, whose basis is then the model's too."""

    providers: tuple[str, ...] = ()

    @property
    def basis_digest(self) -> str:
        table = None if self.bundle.basis_digest else find_table(self)
        return table.basis_digest if table else self.bundle.basis_digest

    def basis(self) -> NDArray[np.float32] | None:
        table = None if self.bundle.basis_digest else find_table(self)
        return table.basis() if table else self.bundle.basis()

    @property
    def table_folder(self) -> Path | None:
        from indexer.encoders.bundle import BUNDLED

        return None if self.bundle.folder == BUNDLED else self.bundle.folder / DISTILLED

    def load(self, *, threads: int, light: bool) -> Encoder:
        from indexer.encoders import onnx

        return onnx.load(self.bundle.folder, threads=threads, light=light, providers=self.providers)


class _Hashing:
    """The encoder that needs no files."""

    basis_digest = ""
    table_folder = None

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


def _minilm(options: EncoderOptions) -> Variant:
    from indexer.encoders.bundle import BUNDLED
    from indexer.encoders.local import open_local

    return _Transformer(open_local(Path(options.path) if options.path else BUNDLED), options.providers)


def _static(options: EncoderOptions) -> Variant:
    from indexer.encoders.bundle import BUNDLED_STATIC

    return _open_table(Path(options.path) if options.path else BUNDLED_STATIC)


VARIANTS: Mapping[str, Callable[[EncoderOptions], Variant]] = {
    "minilm": _minilm,
    "static": _static,
    "hashing": lambda _options: _Hashing(),
}
"""The encoders of the package; options may name another folder of files."""

FOLDER_PREFIX = "path:"
"""What the name of a local folder's encoder begins with."""

DISTILLED = "static"
"""The folder, within a model's, of the table that was distilled from it."""


def find_encoder(options: EncoderOptions) -> Variant:
    """Return the encoder that options name: one of the package, a local folder, a pulled model, or another package's.

    Raises ConfigError for a name that there is not, and where the options state other dims than the model has, and
    ModelError when its files are not there or malformed.
    """
    found = _find(options)
    if options.dims and options.dims != found.identity.dims:
        raise ConfigError(f"encoder.dims is {options.dims}, but {options.name} has {found.identity.dims} dims")
    return found


def find_static(options: EncoderOptions) -> Variant | None:
    """Return the static encoder in the space of the encoder that options name; None where there is none.

    It has the same basis, which was fitted to that encoder's own vectors. Raises as `find_encoder`.
    """
    encoder = find_encoder(options)
    if encoder.identity.tier is Tier.STATIC or not encoder.basis_digest:
        return None
    if own := find_table(encoder):
        return own
    bundled = _static(EncoderOptions())
    return bundled if bundled.basis_digest == encoder.basis_digest else None


def own_options(options: EncoderOptions, made_with: str) -> EncoderOptions:
    """Return options for the encoder that an index was made with.

    An index may come from elsewhere, and chooses neither a folder nor code: those must be what `options` name. Raises
    ModelError where they are not.
    """
    if made_with == options.name:
        return options
    if made_with.startswith(FOLDER_PREFIX) or is_code(made_with):
        raise ModelError(
            f"the index was built with {made_with}, and no index chooses what is loaded; say --model {made_with} "
            "if you trust it, or search with mode text"
        )
    return replace(options, name=made_with, path="", dims=0)


def is_code(name: str) -> bool:
    """Whether an encoder of this name is another package's, which may do anything with texts."""
    if name in VARIANTS or name in OWN or name in ALIASES or name.startswith(FOLDER_PREFIX):
        return False
    from indexer.encoders import own

    return name in own.names()


def sends_texts_to(variant: Variant) -> str:
    """Return where an encoder sends texts, or nothing when they stay on this machine."""
    return str(getattr(variant, "sends_texts_to", ""))


def find_table(encoder: Variant) -> Variant | None:
    """Return the table that was distilled from an encoder, or None."""
    return distilled(encoder.table_folder, encoder.identity) if encoder.table_folder else None


def distilled(folder: Path, teacher: EncoderIdentity) -> Variant | None:
    """Return the table in a folder if it was fitted to the vectors of `teacher`."""
    from indexer.encoders.bundle import SUMS

    if not (folder / SUMS).is_file():
        return None
    table = _open_table(folder)
    return table if table.spec.teacher == teacher.digest else None


def for_children(variant: Variant) -> Variant:
    """Return an encoder as processes that this one starts are told of it: a table's files compared here, once.

    Raises ModelError where they are not what the folder's list has.
    """
    return _Table(variant.bundle.vouch()) if isinstance(variant, _Table) else variant


def _find(options: EncoderOptions) -> Variant:
    name = options.name
    if name in VARIANTS:
        return VARIANTS[name](options)
    from indexer.encoders.local import open_local

    folder = options.path or (name.removeprefix(FOLDER_PREFIX) if name.startswith(FOLDER_PREFIX) else "")
    if folder:
        return _Transformer(open_local(Path(folder)), options.providers)
    pulled = folder_of(Path(options.models), name) if options.models else None
    if pulled is not None and pulled.is_dir():
        return _Transformer(open_local(pulled), options.providers)
    return _not_in_folders(options)


def _not_in_folders(options: EncoderOptions) -> Variant:
    """Return another package's encoder; raise ModelError for a known model that was not pulled."""
    name = options.name
    if is_code(name):
        from indexer.encoders.own import OwnVariant

        folder = folder_of(Path(options.models), name) if options.models else None
        return OwnVariant(name, options, table_folder=folder and folder / DISTILLED, find_table=find_table)
    if model := known_model(name):
        if model.unusable:
            raise ConfigError(f"encoder.name: {name} can't be used: {model.unusable}")
        where = f"not in {options.models}" if options.models else "not looked for, since encoder.models names no folder"
        raise ModelError(
            f"the model {name} is {where}; fetch it with `indexer model pull {name}`, or set encoder.download to let "
            "build and search do so"
        )
    from difflib import get_close_matches

    names = [*VARIANTS, *ALIASES, *(model.name for model in every_model())]
    near = get_close_matches(name, names, n=2, cutoff=0.5)
    hint = f"is it {' or '.join(near)}? " if near else ""
    there = f"{', '.join(sorted(VARIANTS))}, path:FOLDER, and those that `indexer model list` shows"
    raise ConfigError(f"encoder.name: there is no encoder {name!r}; {hint}there are {there}")


def _open_table(folder: Path) -> _Table:
    from indexer.encoders.bundle import STATIC_LOADED, open_bundle

    return _Table(open_bundle(folder, loaded=STATIC_LOADED, tier=Tier.STATIC))
