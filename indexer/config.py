"""Options of the library as frozen structs.

Every number and list has an upper bound, far above what helps: a file of settings may come with a stranger's code.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from indexer.types import SkipReason

Glob = Annotated[str, Meta(min_length=1, max_length=256)]
FolderPath = Annotated[str, Meta(max_length=4096)]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all option structs: frozen, keyword-only, unknown keys refused."""


class WalkOptions(Options, frozen=True):
    """Which files of a source are considered."""

    max_file_bytes: Annotated[int, Meta(ge=1, le=100_000_000)] = 1_000_000
    hidden: bool = False
    nested_repositories: bool = False
    include_generated: bool = False
    include_vendored: bool = False
    include_minified: bool = False
    exclude: Annotated[tuple[Glob, ...], Meta(max_length=1000)] = ()

    @property
    def included_reasons(self) -> frozenset[SkipReason]:
        """The reasons to skip a file that are switched off."""
        switches = {
            SkipReason.GENERATED: self.include_generated,
            SkipReason.VENDORED: self.include_vendored,
            SkipReason.MINIFIED: self.include_minified,
        }
        return frozenset(reason for reason, included in switches.items() if included)


class ParseOptions(Options, frozen=True):
    """How files are parsed; `workers` 0 means one a core. Limits are seconds a file and megabytes a worker."""

    workers: Annotated[int, Meta(ge=0, le=256)] = 0
    timeout_seconds: Annotated[float, Meta(gt=0, le=600)] = 10.0
    memory_megabytes: Annotated[int, Meta(ge=1, le=65_536)] = 1024


class ChunkOptions(Options, frozen=True):
    """How symbols become chunks; sizes are bytes of UTF-8 source without indentation and blank lines.

    A chunk of `max_chars` is one that the bundled encoder reads to its end (EncoderSpec.chunk_chars).
    """

    max_chars: Annotated[int, Meta(ge=200, le=20_000)] = 700
    min_chars: Annotated[int, Meta(ge=0, le=20_000)] = 200


class EncoderOptions(Options, frozen=True):
    """Which encoder, and how it is fed; `threads` 0 means all cores.

    `name` is that of an encoder of the package, of a model below the folder `models`, of another package's encoder, or
    `path:` and a folder. `dims`, where given, must be the model's. `providers` name devices (encoders.devices), tried
    in order; none: the CPU. `download` lets a build and a search fetch a model that is not there,
    from `mirror` where one is given. `memory_limit`, as in
    600MB, lowers batches, threads and parsing processes until a build fits in it.

    `token_budget` bounds rows x longest row of the batches that are computed at once, one a thread on a CPU;
    `window_chunks` bounds how many chunks wait to be sorted by
    length, and so the memory of the embed stage. `queries` says which encoder reads a query: the index's own, or the
    static one in its space, which starts sooner and finds somewhat less.
    """

    name: FolderPath = "minilm"
    path: FolderPath = ""
    models: FolderPath = ""
    download: bool = False
    mirror: FolderPath = ""
    memory_limit: Annotated[str, Meta(max_length=20)] = ""
    dims: Annotated[int, Meta(ge=0, le=65_536)] = 0
    providers: Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(max_length=8)] = ()
    queries: Literal["own", "static"] = "own"
    threads: Annotated[int, Meta(ge=0, le=256)] = 0
    token_budget: Annotated[int, Meta(ge=256, le=65_536)] = 2048
    window_chunks: Annotated[int, Meta(ge=1, le=65_536)] = 1024


class ProjectionOptions(Options, frozen=True):
    """How vectors are reduced: the encoder's bundled basis, one fitted on this repository, or none."""

    mode: Literal["bundled", "fit", "none"] = "bundled"
    dims: Annotated[int, Meta(ge=8, le=1024)] = 192
    centered: bool = False
    sample_chunks: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000


class VectorOptions(Options, frozen=True):
    """The HNSW graph of usearch, and when segments are merged.

    The graph takes 83 bytes a vector at connectivity 8, 147 at 16. Recall@10 and @100 against exact int8 search, 8 and
    16: 24,000 chunks of code at 64 dims 0.998, 0.975 and 0.999, 0.991; 250,000 synthetic ones at 128 dims 0.972, 0.936
    and 0.998, 0.969. A segment of up to 50,000 vectors has no graph and is searched exactly.
    """

    connectivity: Annotated[int, Meta(ge=1, le=128)] = 8
    expansion_add: Annotated[int, Meta(ge=1, le=4096)] = 128
    expansion_search: Annotated[int, Meta(ge=1, le=4096)] = 64
    max_segments: Annotated[int, Meta(ge=1, le=64)] = 8
    max_dead_ratio: Annotated[float, Meta(gt=0, le=1)] = 0.25


class RecallOptions(Options, frozen=True):
    """How well the stored vectors must find what the encoder's own would; `queries` 0 asks nothing.

    A full build whose recall (quality.figures.Recall) is below `floor` warns, or with `strict` fails. `drift` is how
    much less of the squared length of what was added since the projection may keep before a refit is suggested: parts
    of one repository were measured to differ by 0.04 (median) to 0.12, foreign content by 0.2 and more.
    """

    floor: Annotated[float, Meta(ge=0, le=1)] = 0.85
    strict: bool = False
    queries: Annotated[int, Meta(ge=0, le=1000)] = 100
    drift: Annotated[float, Meta(gt=0, le=1)] = 0.1


class CacheOptions(Options, frozen=True):
    """The embedding cache in the user's cache folder; `path` empty means the platform's place for it."""

    enabled: bool = True
    path: FolderPath = ""
    max_megabytes: Annotated[int, Meta(ge=1, le=1_000_000)] = 1024


class BuildOptions(Options, frozen=True):
    """Whether a build goes on, once all is indexed with static vectors, until the encoder has made every one of them.

    Where the encoder has no static one in its space (encoders.registry.find_static), its own vectors come at once.
    `commit_seconds` is how long vectors are collected for a commit, at least: longer where commits are slow.
    """

    upgrade: Literal["now", "never"] = "now"
    commit_seconds: Annotated[float, Meta(ge=0, le=3600)] = 3.0


class Config(Options, frozen=True):
    """Everything a build can be told; `languages` maps globs to languages; the first that matches counts."""

    build: BuildOptions = BuildOptions()
    walk: WalkOptions = WalkOptions()
    languages: Annotated[dict[Glob, str], Meta(max_length=1000)] = {}
    parse: ParseOptions = ParseOptions()
    chunk: ChunkOptions = ChunkOptions()
    encoder: EncoderOptions = EncoderOptions()
    projection: ProjectionOptions = ProjectionOptions()
    vectors: VectorOptions = VectorOptions()
    recall: RecallOptions = RecallOptions()
    cache: CacheOptions = CacheOptions()
