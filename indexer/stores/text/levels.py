"""Which segments of a text index are merged, and a meta.json that names others than it did.

Tantivy merges eight segments of a level as soon as there are, while it is still given documents; its Python binding can
neither ask for that nor put it off. What its meta.json does not name it leaves alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log2
from pathlib import Path

import msgspec
from msgspec.structs import replace

from indexer.stores.text.check import Segment, read_meta
from indexer.stores.text.files import MANAGED, META

MERGED = 8
"""So many segments of one level are merged."""
_LEVEL = 0.75
"""How many powers of two the largest segment of a level may be larger than the smallest."""
_LEAST_DOCUMENTS = 10_000
"""Segments with fewer are of one level."""


def alike(segments: Iterable[Segment]) -> Sequence[Segment]:
    """Return the smallest eight segments that are of one level, as Tantivy would merge them; none if there are none."""
    ordered = sorted(segments, key=lambda segment: segment.max_doc)
    sizes = [log2(max(segment.max_doc, _LEAST_DOCUMENTS)) for segment in ordered]
    for first in range(len(ordered) - MERGED + 1):
        if sizes[first + MERGED - 1] - sizes[first] <= _LEVEL:
            return ordered[first : first + MERGED]
    return []


def name_segments(path: Path, segments: Sequence[Segment]) -> None:
    """Let an index that nobody has open consist of these segments, whose files lie in its folder, and of no others.

    Files of others stay where they are. Raises OSError, and ValueError for a meta.json that Tantivy never writes.
    """
    meta = replace(read_meta(path), segments=list(segments))
    names = [META, *(name for segment in segments for name in segment.files())]
    (path / META).write_bytes(msgspec.json.encode(meta))
    (path / MANAGED).write_bytes(msgspec.json.encode(names))
