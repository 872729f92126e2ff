"""A file for a person or a program that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from indexer.errors import StorageError
from indexer.stores.folder import draft_name


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Give a file to write that takes its name when all is written, in the place of a link too; raises StorageError.

    Of several writers at once the last one's is whole there. A kill leaves a hidden file that is in nobody's way.
    """
    draft = target.with_name(draft_name(f".{target.name}"))
    try:
        file = draft.open("xb")
        try:
            with file:
                yield file
            draft.replace(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
    except OSError as error:
        raise StorageError(f"{target}: can't be written ({error.strerror or error})") from error
