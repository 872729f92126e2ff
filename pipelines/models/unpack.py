"""Archives of model files, which may come from anybody: regular files alone, within the folder and within bounds."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from indexer.errors import ModelError

MOST_FILES = 1000
MOST_BYTES = 20_000_000_000


def unpack(archive: Path, folder: Path) -> Path:
    """Write an archive's files below a folder, and return the one that they lie in.

    Raises ModelError for a file that is no tar or zip archive, for a name that leads out of the folder, a link or
    device, and for more files or bytes than a model has.
    """
    taken = 0
    try:
        for number, (name, size, content) in enumerate(_members(archive)):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.parts:
                raise ModelError(f"{archive}: holds {name!r}, which leads out of the folder; nothing of it is used")
            taken += size
            if number >= MOST_FILES or taken > MOST_BYTES:
                raise ModelError(f"{archive}: holds more files or bytes than a model has")
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("xb") as file:
                shutil.copyfileobj(content, file)
            if target.stat().st_size != size:
                raise ModelError(f"{archive}: {name!r} is of another size than the archive says")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise ModelError(f"{archive}: can't be unpacked: {error}") from error
    inner = list(folder.iterdir())
    return inner[0] if len(inner) == 1 and inner[0].is_dir() else folder


def _members(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                if not entry.is_dir():
                    if (entry.external_attr >> 28) not in (0, 8):
                        raise ModelError(f"{archive}: {entry.filename!r} is no regular file; nothing of it is used")
                    yield entry.filename, entry.file_size, packed.open(entry)
        return
    with tarfile.open(archive) as packed_tar:
        for member in packed_tar:
            if member.isdir():
                continue
            content = packed_tar.extractfile(member) if member.isreg() else None
            if content is None:
                raise ModelError(f"{archive}: {member.name!r} is no regular file; nothing of it is used")
            yield member.name, member.size, content
