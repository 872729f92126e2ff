"""Where everything is in an index folder, and CURRENT, the one file that says which generation is served.

.gitignore              "*": an index is never committed by accident
CURRENT                 the current generation's name and its manifest's checksum; replaced by rename
writer.lock             locked by the kernel while a writer lives; writer.json beside it says who holds it
generations/00000007/   generation.json, catalog.sqlite, projection.npz, text/, vectors/
staging/                the generation being made, and what is being removed
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from indexer.errors import DamagedIndexError, NoIndexError, UnreadableError
from indexer.stores.folder import Folder, SpecialFileError

FOLDER = ".indexer"
CURRENT = "CURRENT"
GENERATIONS = "generations"
STAGING = "staging"
CATALOG = "catalog.sqlite"
MANIFEST = "generation.json"
PROJECTION = "projection.npz"
TEXT = "text"
VECTORS = "vectors"

_MAX_NUMBER = 99_999_999

FOREIGN = "an index holds nothing of the kind: remove the index folder and build again"
"""What to do about a link, FIFO, socket or device in an index."""

_NAME = re.compile(r"[0-9]{8}")
_FILE = re.compile(
    r"catalog\.sqlite|projection\.npz|text/(meta|\.managed)\.json|vectors/[0-9]{8}\.vectors"
    r"|text/[0-9a-f]{32}\.(fast|fieldnorm|idx|pos|store|term|[0-9]{1,20}\.del)"
)
_DRAFT = re.compile(r"(\.gitignore|stat_cache|writer\.json)\.[0-9]{1,10}")
_MAX_CURRENT_BYTES = 64
_CURRENT = re.compile(rb"([0-9]{8}) ([0-9a-f]{32})\n")


def default_index_dir(root: Path) -> Path:
    """Return the index folder of a source tree."""
    return root / FOLDER


def is_index_dir(path: Path) -> bool:
    """Whether a folder is an index folder and not one that may hold one; where that can't be looked at, it is."""
    if path.name == FOLDER:
        return True
    for name in (CURRENT, GENERATIONS):
        try:
            (path / name).lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass
        return True
    return False


def generations_dir(index_dir: Path) -> Path:
    """Return the folder that holds the committed generations."""
    return index_dir / GENERATIONS


def staging_dir(index_dir: Path) -> Path:
    """Return the folder for everything that is not committed."""
    return index_dir / STAGING


def generation_dir(index_dir: Path, number: int) -> Path:
    """Return a generation's folder."""
    return generations_dir(index_dir) / f"{number:08d}"


def generation_numbers(index_dir: Path) -> list[int]:
    """Return the numbers of the generation folders that exist, ascending; orphans included. Raises OSError."""
    return sorted(number for number, is_folder in _numbers(index_dir) if is_folder)


def next_number(index_dir: Path) -> int:
    """Return the number after all that are taken, by whatever kind of file; raises OSError, and when none is left."""
    number = 1 + max((number for number, _ in _numbers(index_dir)), default=0)
    if number > _MAX_NUMBER:
        path = generation_dir(index_dir, number - 1)
        raise OSError(errno.EOVERFLOW, "has the last number that there is; remove it", str(path))
    return number


def is_generation_file(name: str) -> bool:
    """Whether a generation may hold a file of this name, relative to its folder; its manifest names all but itself."""
    return _FILE.fullmatch(name) is not None


def is_draft(name: str) -> bool:
    """Whether a file in the index folder is what `Folder.replace` writes before it renames."""
    return _DRAFT.fullmatch(name) is not None


class Current(msgspec.Struct, frozen=True):
    """The content of CURRENT: a generation's number and the checksum in its manifest."""

    number: int
    checksum: str

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        return f"{self.number:08d} {self.checksum}\n".encode()


def read_current(index_dir: Path) -> Current:
    """Read CURRENT; raise NoIndexError when there is none, DamagedIndexError when it is malformed or special."""
    path = index_dir / CURRENT
    with reading(path):
        try:
            with Folder(index_dir) as folder:
                content = folder.read(CURRENT, _MAX_CURRENT_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            raise NoIndexError(_nothing_served(index_dir)) from None
    match = _CURRENT.fullmatch(content)
    if match is None:
        raise DamagedIndexError(f"{path}: does not name a generation")
    return Current(int(match[1]), match[2].decode())


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the system's refusals to read an index into DamagedIndexError."""
    try:
        yield
    except SpecialFileError as error:
        raise DamagedIndexError(f"{error.filename}: {error.strerror}", FOREIGN) from error
    except OSError as error:
        message = f"{error.filename or path}: can't be read ({error.strerror or error})"
        if isinstance(error, PermissionError):
            raise UnreadableError(message, "check the permissions") from error
        raise DamagedIndexError(message) from error


def _numbers(index_dir: Path) -> list[tuple[int, bool]]:
    """Return the numbers that names in generations/ stand for, and whether each is that of a real folder."""
    try:
        with Folder(index_dir) as index, index.folder(GENERATIONS) as folder:
            named = [entry for entry in folder.entries() if _NAME.fullmatch(entry.name)]
            return [(int(entry.name), entry.is_dir(follow_symlinks=False)) for entry in named]
    except FileNotFoundError:
        return []


def _nothing_served(index_dir: Path) -> str:
    """Say that there is no index, or what is left of one."""
    numbers: list[int] = []
    with suppress(OSError):
        numbers = generation_numbers(index_dir)
    if numbers:
        return (
            f"{index_dir / CURRENT}: is missing, so nothing says that generation {numbers[-1]:08d} is served; "
            "run `indexer repair` to serve it again if it is whole"
        )
    return f"{index_dir}: there is no index here; run `indexer build`"
