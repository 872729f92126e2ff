"""A fleet open for reading: one question over all of its shards, each opened when it is first asked."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from dataclasses import replace as with_fields
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from msgspec.structs import replace

from indexer.closing import Closing
from indexer.config import EncoderOptions, VectorOptions
from indexer.errors import ConfigError, DamagedIndexError, IndexerError, NoIndexError
from indexer.identity import changed_parts
from indexer.index import MAX_HITS, check_count, make_filter
from indexer.search.answer import SNIPPET_LINES
from indexer.search.candidates import Asked, Found
from indexer.search.encoding import QueryEncoder
from indexer.search.literals import Literals, required
from indexer.search.query import Query, read_query
from indexer.search.ranking import Ranker
from indexer.search.scoring import FileScores
from indexer.search.searcher import Searcher
from indexer.search.space import Filter, GenerationSpace
from indexer.search.standing import Standing
from indexer.stores.folder import Folder
from indexer.stores.generation import residency
from indexer.stores.generation.layout import Current, reading
from indexer.stores.generation.reader import Generation, open_numbered
from indexer.stores.text.document import StoredChunk
from indexer.types import Encoder, Hit, SearchMode

from .local import cores
from .manifest import FleetManifest, Shard
from .store import FOLDER, FREQUENCIES, TERMS, FolderLog, OpenManifest, open_newest, shard_dir

if TYPE_CHECKING:
    from indexer.stores.text.statistics import Term

    from .terms import TermTable

MAPPED_BYTES = 384 << 20
"""Of file-backed pages that a process may hold after a search of a fleet."""
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
        self._opened = self._open()
        self._threads = ThreadPoolExecutor(max(1, cores()), thread_name_prefix="fleet")
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
            try:
                spaces = opened.choose(repositories)
                vector = None if mode == "text" else self._encoder.encode(asked.embedded, opened.any_generation())
                searcher = Searcher(spaces, frequencies=opened.frequencies, threads=self._threads)
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
                    hits = _distinct(hits, spaces)[:k]
                break
            except NoIndexError as error:
                # The build after next took a shard away before it was opened: the newest manifest has another.
                if attempt == 3 or not self._moved_on(opened):
                    raise DamagedIndexError(f"{error}; run `indexer fleet build`") from error
            finally:
                opened.done()
        self._bound_memory()
        total = sum(space.chunks for space in spaces)
        own = sum(space.shard.upgraded * space.chunks for space in spaces)
        return FleetResult(
            query,
            opened.manifest.number,
            opened.manifest.digest,
            hits,
            tuple(spaces[hit.space].shard.root for hit in hits),
            own / total if total else 1.0,
        )

    def close(self) -> None:
        """Close the files as soon as no call uses them."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._opened.retire()
        self._threads.shutdown()

    def _open(self) -> _OpenFleet:
        return _OpenFleet(self._fleet_dir, open_newest(self._fleet_dir), self._vectors)

    def _current(self) -> _OpenFleet:
        """Return the newest manifest with its shards, opened anew when there is another; call `done` when done."""
        with self._lock:
            if self._closed:
                raise IndexerError(f"{self._fleet_dir}: this fleet is closed; open it again")
            if self._moved_on(self._opened):
                replaced, self._opened = self._opened, self._open()
                replaced.retire()
            self._opened.users += 1
            return self._opened

    def _moved_on(self, opened: _OpenFleet) -> bool:
        with suppress(OSError):
            return FolderLog(self._fleet_dir).numbers()[-1:] != [opened.manifest.number]
        return False

    def _bound_memory(self) -> None:
        if residency.mapped_bytes() > MAPPED_BYTES:
            residency.release_pages(self._fleet_dir)


class _OpenFleet:
    """A manifest, what was opened of its shards, and how many calls use it; closed by the last one once retired."""

    def __init__(self, fleet_dir: Path, opened: OpenManifest, vectors: VectorOptions | None) -> None:
        self.manifest = opened.manifest
        self.users = 0
        self._opened = opened
        self._fleet_dir = fleet_dir
        self._spaces = [ShardSpace(fleet_dir, self.manifest, shard, vectors) for shard in self.manifest.shards]
        self._table: TermTable | None = None
        self._is_retired = False
        self._lock = threading.Lock()

    def choose(self, repositories: Sequence[str]) -> list[ShardSpace]:
        """Return the shards of these repositories, or all; raises ConfigError for one that is not there."""
        known = {shard.repository for shard in self.manifest.shards}
        if missing := [name for name in repositories if name not in known]:
            raise ConfigError(f"there is no repository {', '.join(missing)} in the fleet; `fleet status` lists them")
        return [space for space in self._spaces if not repositories or space.shard.repository in repositories]

    def any_generation(self) -> Generation:
        """Return a shard's generation, which says what all were made with: one that is open, or the smallest."""
        is_open = [space for space in self._spaces if space.is_open]
        return (is_open[0] if is_open else min(self._spaces, key=lambda space: space.shard.index_bytes)).generation

    def frequencies(self, terms: Collection[Term]) -> dict[Term, int]:
        """Return how many chunks of all shards have each of the terms."""
        from .terms import TermTable

        with self._lock:
            if self._table is None:
                place = self._fleet_dir / FREQUENCIES
                with reading(place), Folder(self._fleet_dir) as fleet, fleet.folder(FREQUENCIES) as folder:
                    name = f"{self.manifest.number:08d}.terms"
                    self._table = TermTable(folder, name, expected=self.manifest.frequencies)
        return self._table.frequencies(terms, otherwise=1)

    def done(self) -> None:
        """Say that a call is done with it."""
        with self._lock:
            self.users -= 1
            self._close_unused()

    def retire(self) -> None:
        """Close it as soon as nobody uses it."""
        with self._lock:
            self._is_retired = True
            self._close_unused()

    def _close_unused(self) -> None:
        if self._is_retired and self.users <= 0:
            with ExitStack() as stack:
                stack.callback(self._opened.close)
                for space in self._spaces:
                    stack.callback(space.close)
                if self._table is not None:
                    self._table.close()


class ShardSpace:
    """A shard as a `Searchable`, opened at the first question; safe to share between threads."""

    def __init__(self, fleet_dir: Path, manifest: FleetManifest, shard: Shard, vectors: VectorOptions | None) -> None:
        self.shard = shard
        self._fleet_dir = fleet_dir
        self._table: TermTable | None = None
        self._index_dir = shard_dir(fleet_dir, shard.id)
        self._manifest = manifest
        self._vectors = vectors
        self._space: GenerationSpace | None = None
        self._lock = threading.Lock()

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return self.shard.chunks

    @property
    def is_open(self) -> bool:
        """Whether it was asked anything."""
        return self._space is not None

    @property
    def generation(self) -> Generation:
        """The generation that the manifest names; raises NoIndexError when it is gone, and DamagedIndexError."""
        return self._opened().generation

    def frequencies(self, terms: Collection[Term]) -> dict[Term, int]:
        """Return how many chunks have each of the terms."""
        return self._opened().frequencies(terms)

    def first_pass(self, asked: Asked, chosen: Filter) -> Found:
        """Return the chunks and files that the retrievers put first."""
        return self._opened().first_pass(self._knowing(asked), chosen)

    def paths_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the paths of the files that chunks are in, by chunk."""
        return self._opened().paths_of(ids)

    def second_pass(self, asked: Asked, chosen: Filter, paths: Sequence[str]) -> FileScores:
        """Return the scores of all chunks of the given files."""
        return self._opened().second_pass(self._knowing(asked), chosen, paths)

    def standing(self, query: Query, literals: Literals, chosen: Filter) -> list[Standing]:
        """Return the chunks in which the query, or a part of it that only code is written as, stands."""
        return self._opened().standing(query, literals, chosen)

    def documents(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Return what is stored of chunks, by id; unknown ids are left out."""
        return self._opened().documents(ids)

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            space, self._space = self._space, None
        if space is not None:
            space.generation.close()
        if self._table is not None:
            self._table.close()

    def _knowing(self, asked: Asked) -> Asked:
        """Return what is asked, with how many chunks of this shard have each term."""
        if not asked.words:
            return asked
        self._opened()
        assert self._table is not None
        own = self._table.frequencies(asked.statistics.frequencies.keys(), otherwise=0)
        return with_fields(asked, statistics=asked.statistics._replace(own=own))

    def _opened(self) -> GenerationSpace:
        with self._lock:
            if self._space is None:
                current = Current(self.shard.generation, self.shard.checksum)
                generation = open_numbered(self._index_dir, current, options=self._vectors)
                try:
                    self._check(generation)
                    self._table = self._open_table()
                except BaseException:
                    generation.close()
                    raise
                self._space = GenerationSpace(generation)
            return self._space

    def _open_table(self) -> TermTable:
        from .terms import TermTable

        path = self._fleet_dir / TERMS
        with reading(path), Folder(self._fleet_dir) as fleet, fleet.folder(TERMS) as folder:
            return TermTable(folder, f"{self.shard.terms}.terms")

    def _check(self, generation: Generation) -> None:
        """Raise DamagedIndexError unless a generation is the one that the manifest says, and made as the fleet is."""
        made, fleet = generation.manifest, self._manifest
        # Of no use where all vectors are the encoder's own.
        parts = [{**own, "static": ""} if made.upgraded == 1 else own for own in (made.made_with, fleet.made_with)]
        if (made.encoder, made.projection) != (fleet.encoder, fleet.projection):
            reason = "the encoder or the projection differs"
        elif (made.digest, made.counts.chunks) != (self.shard.digest, self.shard.chunks):
            reason = "it holds something else"
        else:
            reason = changed_parts(*parts)
        if reason:
            raise DamagedIndexError(
                f"shard {self.shard.id} ({self._index_dir}) is not what the fleet's manifest says: {reason}; "
                "run `indexer fleet build`"
            )


def _distinct(hits: Sequence[Hit], spaces: Sequence[ShardSpace]) -> tuple[Hit, ...]:
    """Return each text once, at its best hit."""
    ids: dict[int, list[int]] = {}
    for hit in hits:
        ids.setdefault(hit.space, []).append(hit.id)
    texts = {
        (place, chunk_id): chunk.text
        for place, own in ids.items()
        for chunk_id, chunk in spaces[place].documents(own).items()
    }
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(texts[hit.space, hit.id], hit)
    return tuple(first.values())


def _allow_open_files() -> None:
    """Let this process have a few files a shard open, as many as its user may."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
