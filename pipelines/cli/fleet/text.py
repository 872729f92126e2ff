"""What a fleet's reports say to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...report_text import counted, upgraded_text
from ..console import printable
from ..options import aligned

if TYPE_CHECKING:
    from ...fleet.build import FleetReport
    from ...fleet.exchange import FleetExchange
    from ...fleet.gc import FleetRemoved
    from ...fleet.status import FleetStatus

MAX_SHARDS = 20
"""Shards that a list names; --json has all."""


def built_lines(report: FleetReport) -> list[str]:
    if not report.committed:
        return [
            f"Nothing changed: {report.repositories} repositories, {report.shards} shards, {report.chunks} chunks, "
            f"manifest {report.number} stays ({1000 * report.seconds:.0f} ms)."
        ]
    built = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in list(report.built.items())[:MAX_SHARDS])
    more = f", {len(report.built) - MAX_SHARDS} more" if len(report.built) > MAX_SHARDS else ""
    return aligned(
        [
            ("repositories", f" {report.repositories} in {counted(report.shards, 'shard')}"),
            ("built", built + more),
            ("removed", ", ".join(report.removed)),
            ("files", str(report.files)),
            ("chunks", str(report.chunks)),
            ("vectors", upgraded_text(report.upgraded)),
            ("seconds", f"{report.seconds:.1f}"),
            ("manifest", f"{report.number}  digest {report.digest}"),
        ]
    )


def status_lines(status: FleetStatus) -> list[str]:
    if status.stale is None:
        freshness = "not compared: the fleet's file is not here; name it with --file"
    elif status.stale:
        more = f", {len(status.stale) - MAX_SHARDS} more" if len(status.stale) > MAX_SHARDS else ""
        freshness = f"behind: {', '.join(status.stale[:MAX_SHARDS])}{more}; run `indexer fleet build`"
    else:
        freshness = "up to date"
    largest = sorted(status.shards, key=lambda shard: -shard.chunks)[:MAX_SHARDS]
    return aligned(
        [
            ("manifest", f"{status.number}  ({status.created})"),
            ("digest", status.digest),
            ("encoder", f"{status.encoder.name}, {status.encoder.dims} dims, digest {status.encoder.digest[:16]}"),
            ("repositories", f" {status.repositories} in {counted(len(status.shards), 'shard')}"),
            ("largest", ", ".join(f"{shard.id} {shard.chunks}" for shard in largest)),
            ("files", f"{status.files} indexed ({status.bytes / 1e6:.1f} MB)"),
            ("chunks", str(status.chunks)),
            ("vectors", upgraded_text(status.upgraded)),
            ("size", f"{status.index_bytes / 1e6:.1f} MB"),
            ("failed", "; ".join(f"{failure.id}: {failure.message}" for failure in status.failed)),
            ("freshness", freshness),
            ("gone", ", ".join(status.gone or ())),
        ]
    )


def exchanged_lines(exchange: FleetExchange) -> list[str]:
    moved = f"{len(exchange.moved)} of {exchange.shards} shards brought over"
    if not exchange.committed:
        moved = "Nothing changed"
    return [printable(f"{moved}; manifest {exchange.number}, {exchange.chunks} chunks, digest {exchange.digest}")]


def removed_lines(removed: FleetRemoved) -> list[str]:
    generations = sum(map(len, removed.generations.values()))
    return [
        printable(
            f"{counted(len(removed.manifests), 'manifest')}, {counted(len(removed.shards), 'shard')} and "
            f"{counted(generations, 'generation')} removed"
        )
    ]
