"""A fleet open for reading: one question over all of its shards as one index."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from msgspec.structs import replace

from indexer.closing import Closing
from indexer.config import EncoderOptions, VectorOptions
from indexer.cores import cores
from indexer.errors import ConfigError, DamagedIndexError, IndexerError, NoIndexError
from indexer.index import MAX_HITS, check_count, make_filter
from indexer.search.answer import SNIPPET_LINES
from indexer.search.encoding import QueryEncoder
from indexer.search.literals import required
from indexer.search.query import read_query
from indexer.search.ranking import Ranker
from indexer.search.searcher import Searcher
from indexer.search.space import Searchable
from indexer.search.together import at_once, one_by_one
from indexer.stores.generation.residency import Residency, release_freed
from indexer.types import Encoder, Hit, SearchMode

from .manifest import FleetManifest
from .opened import OpenFleet
from .store import FOLDER, FolderLog, open_newest
from .union import is_large

MAPPED_BYTES = 352 << 20
"""Of file-backed pages that a process may hold while it searches a fleet; until it is seen and they are let go, some
hundred megabytes more may be mapped."""
MAPPED_BYTES_OF_LARGE = 256 << 20
"""The same of a fleet whose vectors are let go shard by shard: each search maps all of its pages anew in any case."""
_LOOK_SECONDS = 0.004
"""A search maps some 20 MB between two looks at what is mapped."""
MORE_FOR_DISTINCT = 4
"""So many times as many hits are looked at for one of each text."""
MAX_OPEN_FILES = 1 << 16


@dataclass(frozen=True, slots=True)
class FleetResult:
    """The answer to one query, best hits first, by the manifest of that number.

    A hit's path begins with its repository's name; `roots` has the folder of each hit's repository. `upgraded` is the
    part of the chunks that were searched, 0 to 1, with the encoder's own vector.
    """

    query: str
    number: int
    digest: str
    hits: tuple[Hit, ...]
    roots: tuple[str, ...]
    upgraded: float = 1.0


def open_fleet(
    path: str | Path,
    *,
    encoder: Encoder | None = None,
    options: EncoderOptions | None = None,
    vectors: VectorOptions | None = None,
) -> Fleet:
    """Open the fleet of a folder, or a fleet's own folder, for searching.

    `encoder` is used instead of loading the one that the manifest names; `options` say where that one's files are.
    Raises NoIndexError when nothing was published there, DamagedIndexError when what was is altered.
    """
    path = Path(path)
    fleet_dir = path / FOLDER if os.path.lexists(path / FOLDER) else path
    return Fleet(fleet_dir, encoder=encoder, options=options, vectors=vectors)


class Fleet(Closing):
    """The newest manifest of a fleet and its shards, open until `close`; safe to share between threads.

    When a build publishes another manifest, the next call uses that; an answer is of one manifest throughout.
    """

    def __init__(
        self,
        fleet_dir: Path,
        *,
        encoder: Encoder | None = None,
        options: EncoderOptions | None = None,
        vectors: VectorOptions | None = None,
    ) -> None:
        """Open a fleet's folder; `open_fleet` says more."""
        self._fleet_dir = fleet_dir
        self._vectors = vectors
        self._encoder = QueryEncoder(options or EncoderOptions(), encoder=encoder)
        self._lock = threading.Lock()
        self._closed = False
        self._threads = ThreadPoolExecutor(cores(), thread_name_prefix="fleet")
        self._together = at_once(self._threads) if cores() > 1 else one_by_one
        self._residency = Residency(fleet_dir)
        self._opened = self._open()
        _allow_open_files()

    @property
    def manifest(self) -> FleetManifest:
        """The manifest that is open now."""
        return self._opened.manifest

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        mode: SearchMode = "hybrid",
        languages: Sequence[str] = (),
        kinds: Sequence[str] = (),
        paths: Sequence[str] = (),
        within: str = "",
        pattern: str = "",
        repositories: Sequence[str] = (),
        distinct: bool = False,
        explain: bool = False,
        ranker: Ranker | None = None,
        lines: int = SNIPPET_LINES,
    ) -> FleetResult:
        """Return the best `k` chunks of all shards, as `Index.search` does of one index.

        Only of the `repositories` of these names, if any are given. With `distinct` a text that several places have is
        shown once, at the best of them. Raises as `Index.search`, and ConfigError for a repository that is not there.
        """
        check_count(k)
        if mode not in get_args(SearchMode):
            raise ConfigError(f"there is no mode {mode!r}; there are {', '.join(get_args(SearchMode))}")
        asked = read_query(query)
        chosen = replace(make_filter(languages, kinds, paths, within), literals=required(asked), pattern=pattern)
        for attempt in (1, 2, 3):
            opened = self._current()
            most_mapped = MAPPED_BYTES_OF_LARGE if is_large(opened.manifest) else MAPPED_BYTES
            try:
                with self._residency.bounded(most_mapped, every=_LOOK_SECONDS), ExitStack() as stack:
                    space = opened.space(repositories)
                    offset = self._encoder.static_offset(opened.manifest.encoder.name)
                    # Two questions of words at a time would touch pages of a large fleet faster than they are let go.
                    together = one_by_one if is_large(opened.manifest) else self._together
                    searcher = Searcher([space], static_offset=offset, together=together)
                    vector = None
                    if mode != "text":
                        encoding = self._encoder.encoding(asked.embedded, opened.any_generation())
                        vector = stack.enter_context(encoding)
                    hits = searcher.search(
                        asked,
                        vector,
                        k=min(MAX_HITS, k * MORE_FOR_DISTINCT) if distinct else k,
                        words=mode != "vector",
                        chosen=chosen,
                        ranker=ranker,
                        explain=explain,
                        lines=lines,
                    )
                    if distinct:
                        hits = _distinct(hits, space)[:k]
                    upgraded = space.upgraded
                    space.generation.text.let_go()  # another search reads other documents
                    if is_large(opened.manifest):
                        release_freed()
                break
            except NoIndexError as error:
                # The build after next took a shard away before it was opened: the newest manifest has another.
                if attempt == 3 or not self._moved_on(opened):
                    raise DamagedIndexError(str(error), "run `indexer fleet build`") from error
            finally:
                opened.done()
        return FleetResult(
            query,
            opened.manifest.number,
            opened.manifest.digest,
            hits,
            tuple(opened.roots[hit.path.partition("/")[0]] for hit in hits),
            upgraded,
        )

    def close(self) -> None:
        """Close the files as soon as no call uses them."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._opened.retire()
        self._threads.shutdown()

    def _open(self) -> OpenFleet:
        return OpenFleet(self._fleet_dir, open_newest(self._fleet_dir), self._vectors, self._threads, cores())

    def _current(self) -> OpenFleet:
        """Return the newest manifest with its shards, opened anew when there is another; call `done` when done."""
        with self._lock:
            if self._closed:
                raise IndexerError(f"{self._fleet_dir}: this fleet is closed; open it again")
            if self._moved_on(self._opened):
                replaced, self._opened = self._opened, self._open()
                replaced.retire()
            self._opened.users += 1
            return self._opened

    def _moved_on(self, opened: OpenFleet) -> bool:
        with suppress(OSError):
            return FolderLog(self._fleet_dir).numbers()[-1:] != [opened.manifest.number]
        return False


def _distinct(hits: Sequence[Hit], space: Searchable) -> tuple[Hit, ...]:
    """Return each text once, at its best hit."""
    chunks = space.documents([hit.id for hit in hits])
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(chunks[hit.id].text, hit)
    return tuple(first.values())


def _allow_open_files() -> None:
    """Let this process have a few files a shard open, as many as its user may."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
