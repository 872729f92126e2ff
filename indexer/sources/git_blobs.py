"""Files of a tree that git holds, between its entries and what a source lists: what each is, and how large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from indexer.git.objects import ObjectStore
from indexer.git.tree import FILE, LINK, SUBMODULE, TreeEntry
from indexer.sources.attributes import Verdict
from indexer.types import FileRecord, SkippedFile, SkipReason, content_stat


class Blob(NamedTuple):
    """A file that the rules take, its content's id, and what attributes say of it."""

    path: str
    object_id: bytes
    verdict: Verdict | None


def blob_of(path: str, entry: TreeEntry, verdict: Verdict | None) -> SkippedFile | Blob:
    """Return what an entry is by its mode: a file, or what is skipped."""
    if entry.mode == SUBMODULE:
        return SkippedFile(path, SkipReason.NESTED_REPOSITORY, "is a submodule")
    if entry.mode == LINK:
        return SkippedFile(path, SkipReason.SYMLINK)
    if entry.mode >> 12 != FILE:
        return SkippedFile(path, SkipReason.NOT_REGULAR)
    return Blob(path, entry.object_id, verdict)


def sizes_of(blobs: Sequence[Blob], known: Mapping[str, FileRecord], store: ObjectStore) -> Mapping[bytes, int | None]:
    """Return the size of each content in bytes, None for one that git lacks; git is asked for those not `known`.

    Raises OSError when git can't say.
    """
    sizes: dict[bytes, int | None] = {blob.object_id: None for blob in blobs}
    for blob in blobs:
        record = known.get(blob.path)
        # Of what was too large the catalog has the size and the time alone, which is half of the id.
        if record is not None and record.mtime_ns == content_stat(0, blob.object_id)[1]:
            sizes[blob.object_id] = record.size
    if store.empty_id in sizes:
        sizes[store.empty_id] = 0
    asked = [name for name, size in sizes.items() if size is None]
    sizes.update(zip(asked, store.sizes(asked), strict=True))
    return sizes
