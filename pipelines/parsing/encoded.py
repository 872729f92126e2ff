"""The other end of `encode`: the vectors that came from the workers, as one place where vectors come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from indexer.types import FileRecord, ParsedFile, StoredVector, Tier

from ..progress import Progress


class FromWorkers:
    """What the parse workers made of a window's chunks; counted with what an encoder computes here."""

    name = "encoder"
    warnings = ()

    def __init__(self, tier: Tier, progress: Progress) -> None:
        """Say of which tier vectors will come."""
        self._tier = tier
        self._progress = progress
        self._made: dict[bytes, StoredVector] = {}

    def take(self, files: Iterable[ParsedFile | FileRecord]) -> None:
        """Hold the vectors that came with files, in place of those held before."""
        self._made = {}
        for file in files:
            if isinstance(file, ParsedFile) and file.quantized is not None:
                vectors, scales = file.quantized
                for document, vector, scale in zip(file.documents, vectors, scales.tolist(), strict=True):
                    self._made[document.text_hash] = StoredVector(vector, scale, self._tier)

    def find(self, texts: Mapping[bytes, str], tier: Tier) -> Mapping[bytes, StoredVector]:
        """Return vectors as they are to be stored."""
        if self._tier is not tier:
            return {}
        found = {text_hash: self._made[text_hash] for text_hash in texts if text_hash in self._made}
        self._progress.vectors(len(found))
        return found
