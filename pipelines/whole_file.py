"""A file for a person or a program that appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from indexer.errors import StorageError


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Give a file to write that takes its name when all is written, in the place of a link too; raises StorageError."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            yield file
        draft.replace(target)
    except OSError as error:
        raise StorageError(f"{target}: can't be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
