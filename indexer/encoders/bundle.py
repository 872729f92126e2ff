"""A model folder: which files an encoder needs, whether they are the ones that were published, and who they are.

model.onnx  tokenizer.json  ...             what a transformer loads
table.npy  scales.npy  vocabulary.txt ...  what a static encoder loads
encoder.json                               what `spec.EncoderSpec` says
basis.npz                                  how vectors are reduced; a transformer may have none
SHA256SUMS                                 a line a file: sha256, two spaces, name
"""

from __future__ import annotations

import io
import mmap
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import xxhash
from msgspec.structs import replace

from indexer.encoders.spec import DESCRIPTION, EncoderSpec, read_spec
from indexer.errors import ModelError
from indexer.types import EncoderIdentity, Tier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ASSETS = Path(__file__).parents[1] / "assets"
BUNDLED = ASSETS / "all-minilm-l6-v2-int8"
BUNDLED_STATIC = ASSETS / "all-minilm-l6-v2-static"
SUMS = "SHA256SUMS"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
MODEL = "model.onnx"
BASIS = "basis.npz"
TABLE = "table.npy"
SCALES = "scales.npy"
VOCABULARY = "vocabulary.txt"
WORDS = "words.txt"
LOADED = (MODEL, TOKENIZER, TOKENIZER_CONFIG, DESCRIPTION)
"""The files that decide a vector of a transformer, where it has no others."""

WEIGHTS = ("_data", ".data", "_attr__value")
"""How the names of files end in which exporters keep weights, and the values of constants, outside of a graph's own."""

STATIC_LOADED = (TABLE, SCALES, VOCABULARY, WORDS, BASIS, DESCRIPTION)
"""The files that decide a vector of a static encoder."""

_LINE = re.compile(r"([0-9a-f]{64})  ((?:[\w-][\w.-]*/)*[\w-][\w.-]*)")


class Vouched(msgspec.Struct, frozen=True):
    """What a process that has just compared files with their list tells its children: who they are, their xxh3_128."""

    identity: EncoderIdentity
    digests: dict[str, str]


class Bundle(msgspec.Struct, frozen=True):
    """A model folder whose specification and checksum list were read.

    `sums` maps file name to sha256, `loaded` names the files that decide a vector, which are of one `tier`. Of a folder
    that has no list, the sums were taken from the files a moment ago, and it is not `listed`. One that is `vouched` for
    is compared with that in place of the list.
    """

    folder: Path
    spec: EncoderSpec
    sums: dict[str, str]
    loaded: tuple[str, ...] = LOADED
    tier: Tier = Tier.CONTEXTUAL
    listed: bool = True
    vouched: Vouched | None = None

    @property
    def identity(self) -> EncoderIdentity:
        """Name, digest and shape; the digest is over the checksums of the files that decide a vector."""
        if self.vouched is not None:
            return self.vouched.identity
        import hashlib  # not where it is vouched for: the library behind it is 3.5 MB of a worker's memory

        listed = "".join(f"{self.sums[name]}  {name}\n" for name in self.loaded)
        digest = hashlib.sha256(listed.encode()).hexdigest()[:32]
        return EncoderIdentity(self.spec.name, digest, self.spec.dims, self.spec.max_tokens, self.tier)

    @property
    def basis_digest(self) -> str:
        """The sha256 of the basis as listed, or nothing when the folder has none."""
        return self.sums.get(BASIS, "")

    def verify(self, names: Iterable[str] | None = None) -> None:
        """Compare files, all when no names are given, with the list; raises ModelError at the first that differs."""
        if not self.listed:
            return
        import hashlib

        for name in self.sums if names is None else names:
            path = self.folder / name
            try:
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise self._unreadable(path, error) from error
            self._compare(path, found, self.sums[name])

    def vouch(self) -> Bundle:
        """Return what a child of this process may load without the list; raises ModelError as `read` does."""
        digests = {name: xxhash.xxh3_128_hexdigest(self.map(name)) for name in self.loaded}
        return replace(self, vouched=Vouched(self.identity, digests))

    def read(self, name: str) -> bytes:
        """Return a file's content; raises ModelError when it is not what the list has."""
        path = self.folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise self._unreadable(path, error) from error
        self._check(name, content)
        return content

    def map(self, name: str) -> mmap.mmap:
        """Return a file's content, not copied, for as long as the result lives; raises ModelError as `read` does."""
        path = self.folder / name
        try:
            with path.open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise self._unreadable(path, error) from error
        self._check(name, content)
        return content

    def basis(self) -> NDArray[np.float32] | None:
        """Return the basis, float32[dims, components], the first to keep first, or None when the folder has none."""
        import numpy as np

        if BASIS not in self.sums:
            return None
        with np.load(io.BytesIO(self.read(BASIS)), allow_pickle=False) as arrays:
            return np.asarray(arrays["basis"], dtype=np.float32)

    def _check(self, name: str, content: bytes | mmap.mmap) -> None:
        path = self.folder / name
        if self.vouched is not None:
            self._compare(path, xxhash.xxh3_128_hexdigest(content), self.vouched.digests[name])
            return
        import hashlib

        self._compare(path, hashlib.sha256(content).hexdigest(), self.sums[name])

    def _compare(self, path: Path, found: str, expected: str) -> None:
        if found != expected:
            why = f"the encoder's file is damaged: its checksum is {found[:12]}, where {SUMS} has {expected[:12]}"
            if self.vouched is not None:
                why = "the encoder's file was altered while it was loaded"
            raise ModelError(f"{path}: {why}; {_remedy(self.folder)}")

    def _unreadable(self, path: Path, error: OSError | ValueError) -> ModelError:
        why = f"the encoder's file can't be read ({error.strerror if isinstance(error, OSError) else error})"
        return ModelError(f"{path}: {why}; {_remedy(self.folder)}")


def transformer_files(spec: EncoderSpec, names: Iterable[str]) -> tuple[str, ...]:
    """Return which of a folder's files decide a transformer's vector."""
    there = set(names)
    weights = sorted(name for name in there if name.endswith(WEIGHTS))
    config = [name for name in (TOKENIZER_CONFIG,) if name in there]
    return (spec.model, *weights, TOKENIZER, *config, DESCRIPTION)


def open_bundle(folder: Path, *, loaded: tuple[str, ...] = (), tier: Tier = Tier.CONTEXTUAL) -> Bundle:
    """Read a model folder's specification and checksum list; `loaded` names the files that decide a vector.

    Those of a transformer follow from its specification. Raises ModelError when either is missing or malformed, or one
    of those files is not listed.
    """
    path = folder / SUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: no list of checksums, so this is no model folder; {_remedy(folder)}") from error
    matches = [_LINE.fullmatch(line) for line in lines]
    sums = {match[2]: match[1] for match in matches if match}
    if not all(matches):
        raise ModelError(f"{path}: has a line that is not `sha256  name`; {_remedy(folder)}")
    try:
        spec = read_spec(folder)
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(f"{folder / DESCRIPTION}: {error}; {_remedy(folder)}") from error
    loaded = loaded or transformer_files(spec, sums)
    if missing := [name for name in loaded if name not in sums]:
        raise ModelError(f"{path}: does not list {', '.join(missing)}; {_remedy(folder)}")
    return Bundle(folder, spec, sums, loaded, tier)


def _remedy(folder: Path) -> str:
    if folder.is_relative_to(ASSETS):
        return "reinstall the package, or, in a checkout, restore the file from git"
    return "`indexer model verify` tells more of a pulled model, and docs/encoders.md what a folder of your own needs"
