"""A file for a person or a program that appears whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from indexer.errors import StorageError


def write_whole(file: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, in the place of a link too; raises StorageError."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with draft.open("xb") as target:
            target.write(content)
        draft.replace(file)
    except OSError as error:
        raise StorageError(f"{file}: can't be written ({error.strerror})") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
