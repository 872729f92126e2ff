"""What can be wrong with an index, and the list of what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

from indexer.errors import DamagedIndexError, UnreadableError


class FindingKind(StrEnum):
    """What can be wrong."""

    CURRENT = "current"
    MANIFEST = "manifest"
    MISSING_FILE = "missing-file"
    SIZE = "size"
    CHECKSUM = "checksum"
    UNEXPECTED_FILE = "unexpected-file"
    SPECIAL_FILE = "special-file"
    MALFORMED = "malformed"
    COUNTS = "counts"
    CHUNK_IDS = "chunk-ids"
    EMBEDDING = "embedding"
    DIGEST = "digest"
    MODEL = "model"
    VECTOR = "vector"
    SOURCE = "source"


_UNREADABLE = {
    FindingKind.MISSING_FILE,
    FindingKind.SIZE,
    FindingKind.CHECKSUM,
    FindingKind.MALFORMED,
    FindingKind.SPECIAL_FILE,
}


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong: its kind, the file, and a sentence.

    The file is relative to the index folder, or for the kind `source`, a source file relative to the indexed folder.
    """

    kind: FindingKind
    file: str
    message: str


@dataclass(slots=True)
class Findings:
    """What was found so far."""

    index_dir: Path
    found: list[Finding] = field(default_factory=list)

    def add(self, kind: FindingKind, path: Path, message: str) -> None:
        """Add one about a file or folder of the index."""
        self.found.append(Finding(kind, path.relative_to(self.index_dir).as_posix(), message))

    def add_source(self, path: str, message: str) -> None:
        """Add one about a source file and what the index holds of it."""
        self.found.append(Finding(FindingKind.SOURCE, path, message))

    def sound(self, path: Path) -> bool:
        """Whether this file, or the files in this folder, can be read as they were written."""
        name = path.relative_to(self.index_dir).as_posix()
        return not any(
            finding.kind in _UNREADABLE and (finding.file == name or finding.file.startswith(f"{name}/"))
            for finding in self.found
        )

    def catch(self, path: Path, check: Callable[[], object]) -> None:
        """Turn the DamagedIndexError that a check may raise into a finding about the path, but for missing rights."""
        try:
            check()
        except UnreadableError:
            raise
        except DamagedIndexError as error:
            self.add(FindingKind.MALFORMED, path, error.what)
