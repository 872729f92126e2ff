"""Where everything is in an index folder, and CURRENT, the one file that says which generation is served.

.gitignore              "*": an index is never committed by accident
CURRENT                 the current generation's name and its manifest's checksum; replaced by rename
writer.lock             locked by the kernel while a writer lives; writer.json beside it says who holds it
generations/00000007/   generation.json, catalog.sqlite, projection.npz, text/, vectors/
staging/                the generation being made, and what is being removed
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import REMEDY, DamagedIndexError, NoIndexError

FOLDER = ".indexer"
CATALOG = "catalog.sqlite"
MANIFEST = "generation.json"
PROJECTION = "projection.npz"
TEXT = "text"
VECTORS = "vectors"

_NAME = re.compile(r"[0-9]{8}")
_CURRENT = re.compile(rb"([0-9]{8}) ([0-9a-f]{32})\n")


def default_index_dir(root: Path) -> Path:
    """Return the index folder of a source tree."""
    return root / FOLDER


def generations_dir(index_dir: Path) -> Path:
    """Return the folder that holds the committed generations."""
    return index_dir / "generations"


def staging_dir(index_dir: Path) -> Path:
    """Return the folder for everything that is not committed."""
    return index_dir / "staging"


def generation_dir(index_dir: Path, number: int) -> Path:
    """Return a generation's folder."""
    return generations_dir(index_dir) / f"{number:08d}"


def generation_numbers(index_dir: Path) -> list[int]:
    """Return the numbers of the generation folders that exist, ascending; orphans included."""
    try:
        names = [entry.name for entry in generations_dir(index_dir).iterdir() if _NAME.fullmatch(entry.name)]
    except FileNotFoundError:
        return []
    return sorted(int(name) for name in names)


@dataclass(frozen=True, slots=True)
class Current:
    """The content of CURRENT: a generation's number and the checksum in its manifest."""

    number: int
    checksum: str

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        return f"{self.number:08d} {self.checksum}\n".encode()


def read_current(index_dir: Path) -> Current:
    """Read CURRENT; raise NoIndexError when there is none, DamagedIndexError when it is malformed."""
    path = index_dir / "CURRENT"
    try:
        with path.open("rb") as file:
            content = file.read(64)
    except (FileNotFoundError, NotADirectoryError):
        raise NoIndexError(f"{index_dir}: there is no index here; run `indexer build`") from None
    except OSError as error:
        raise DamagedIndexError(f"{path}: can't be read ({error.strerror}); check the permissions") from error
    match = _CURRENT.fullmatch(content)
    if match is None:
        raise DamagedIndexError(f"{path}: does not name a generation; {REMEDY}")
    return Current(int(match[1]), match[2].decode())
