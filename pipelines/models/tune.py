"""How an encoder is fed best on this machine: tried with a repository's chunks, remembered for host and model."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path

import msgspec
import xxhash
from msgspec.structs import replace

from indexer.config import Config
from indexer.cores import cores
from indexer.encoders.devices import PROVIDERS
from indexer.encoders.registry import find_encoder
from indexer.errors import ConfigError, IndexerError
from indexer.sources.worktree import Worktree
from indexer.stages.detect import detect
from indexer.stages.embed import embed
from indexer.types import Encoder, ParsedFile

from ..parsing.pool import parse_files
from ..settings.tuned import Tuned, remember

BUDGETS = (512, 1024, 2048, 4096, 8192)
ROUNDS = 3
MOST_TEXTS = 2000
PROBE_TEXTS = 24
ENOUGH = 0.98
"""Of the fastest, smaller batches and fewer threads that reach this share are taken: they need less memory."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One way to feed the encoder, and its median speed."""

    token_budget: int
    threads: int
    providers: tuple[str, ...]
    tokens_per_second: float
    chunks_per_second: float


class TuneReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried, the best, and where it is remembered; `before` is what the settings had, if that was tried."""

    model: str
    host: str
    texts: int
    tokens: int
    tried: tuple[Tried, ...]
    before: Tried | None
    best: Tried
    kept_in: str


def tune(
    root: Path,
    config: Config,
    *,
    kept_in: Path,
    host: str,
    seconds: float = 60.0,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> TuneReport:
    """Try batch sizes, threads and devices in turn for about `seconds`, and remember the best in `kept_in`.

    Raises ConfigError where the folder has no chunk, and as `find_encoder`.
    """
    texts = _texts(root, config)
    if not texts:
        raise ConfigError(f"{root}: has no chunk to try the encoder with")
    variant = find_encoder(config.encoder)
    ways = list(product(_devices(config), _threads(), BUDGETS))
    encoders = {
        (providers, threads): loaded
        for providers, threads in dict.fromkeys((way[0], way[1]) for way in ways)
        if (loaded := _load(config, providers, threads)) is not None
    }
    if not encoders:
        raise ConfigError(f"{config.encoder.name}: none of the devices can run it; the settings name others")
    ways = [way for way in ways if way[:2] in encoders]
    texts = _for_time(texts, next(iter(encoders.values())), seconds / (len(ways) * ROUNDS))
    tokens = int(next(iter(encoders.values())).prepare(texts).lengths.sum())
    measured: dict[tuple[tuple[str, ...], int, int], list[float]] = {way: [] for way in ways}
    for number in range(ROUNDS):
        for place, way in enumerate(ways):
            start = time.perf_counter()
            embed(texts, encoders[way[:2]], token_budget=way[2])
            measured[way].append(time.perf_counter() - start)
            told(number * len(ways) + place + 1, ROUNDS * len(ways))

    def tried(way: tuple[tuple[str, ...], int, int]) -> Tried:
        took = statistics.median(measured[way])
        return Tried(
            token_budget=way[2],
            threads=way[1],
            providers=way[0],
            tokens_per_second=round(tokens / took, 1),
            chunks_per_second=round(len(texts) / took, 1),
        )

    found = [tried(way) for way in ways]
    best = choose(found)
    remember(
        kept_in,
        host,
        variant.identity.digest,
        Tuned(token_budget=best.token_budget, threads=best.threads, providers=best.providers),
    )
    options = config.encoder
    threads = options.threads or cores()
    now = [own for own in found if own.token_budget == options.token_budget and own.threads == threads]
    return TuneReport(
        model=options.name,
        host=host,
        texts=len(texts),
        tokens=tokens,
        tried=tuple(found),
        before=now[0] if now else None,
        best=best,
        kept_in=str(kept_in),
    )


def choose(tried: Sequence[Tried]) -> Tried:
    """Return the way that needs least of those that are nearly as fast as the fastest."""
    fastest = max(own.tokens_per_second for own in tried)
    near = [own for own in tried if own.tokens_per_second >= ENOUGH * fastest]
    return min(near, key=lambda own: (own.token_budget, own.threads, -own.tokens_per_second))


def _texts(root: Path, config: Config) -> list[str]:
    """Return a fair sample of what is embedded of a repository, in the order of the texts' hashes."""
    source = Worktree(root, config.walk)
    parsed = parse_files(source, detect(source, {}).added, config)
    found = {
        xxhash.xxh3_64_intdigest(text.encode("utf-8", "replace")): text
        for file in parsed
        if isinstance(file, ParsedFile)
        for text in (chunk.embedded_text for chunk in file.chunks)
    }
    return [found[key] for key in islice(sorted(found), MOST_TEXTS)]


def _for_time(texts: list[str], encoder: Encoder, seconds: float) -> list[str]:
    """Return as many of the texts as take so long, 24 at least."""
    probe = texts[:PROBE_TEXTS]
    embed(probe, encoder)
    start = time.perf_counter()
    embed(probe, encoder)
    rate = len(probe) / max(1e-6, time.perf_counter() - start)
    return texts[: max(PROBE_TEXTS, int(rate * seconds))]


def _threads() -> Iterator[int]:
    """Yield 1, 2, 4 and so on up to the number of cores that it may use, and that."""
    count = 1
    while count < cores():
        yield count
        count *= 2
    yield cores()


def _devices(config: Config) -> list[tuple[str, ...]]:
    """Return what the settings name, or else the CPU and each device that onnxruntime was built for."""
    if config.encoder.providers:
        return [config.encoder.providers]
    from indexer.encoders.sessions import available_providers

    there = available_providers()
    return [(), *((name,) for name, own in PROVIDERS.items() if own in there and name != "cpu")]


def _load(config: Config, providers: tuple[str, ...], threads: int) -> Encoder | None:
    """Return the encoder on a device, or None where that can't run it; raises as `find_encoder` for the CPU."""
    try:
        return find_encoder(replace(config.encoder, providers=providers)).load(threads=threads, light=False)
    except IndexerError:
        if not providers or config.encoder.providers:
            raise
        return None
