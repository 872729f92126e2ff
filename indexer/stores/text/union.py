"""Several text indexes as one that Tantivy opens: one more segment costs a query far less than one more index."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from indexer.stores.text.check import Segment, read_meta
from indexer.stores.text.files import META, damage, temporary_folder


@contextmanager
def as_one(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield a folder that holds the segments of all these text indexes, in their order, linked under other names.

    Tantivy maps all that it reads when it opens an index, so that the folder may go then.
    """
    with temporary_folder() as view:
        segments: list[Segment] = []
        metas = []
        for path in paths:
            with damage(path):
                metas.append(read_meta(path))
                for segment in metas[-1].segments:
                    renamed = replace(segment, segment_id=str(uuid.UUID(int=len(segments))))
                    for name, own in zip(renamed.files(), segment.files(), strict=True):
                        (view / name).symlink_to((path / own).absolute())
                    segments.append(renamed)
        whole = replace(metas[0], segments=segments, opstamp=max(meta.opstamp for meta in metas))
        (view / META).write_bytes(msgspec.json.encode(whole))
        yield view
