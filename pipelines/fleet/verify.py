"""Is a fleet whole: is each shard there as the manifest says, sound in itself, and made as the others are?"""

from __future__ import annotations

from pathlib import Path

import msgspec

from indexer.errors import DamagedIndexError, NoIndexError
from indexer.identity import changed_parts
from indexer.stores.generation.layout import Current, read_current
from indexer.stores.generation.reader import open_numbered

from ..check.verify import verify
from .manifest import FleetManifest, Shard, of_shard
from .store import SHARDS, open_newest, shard_dir


class FleetFinding(msgspec.Struct, frozen=True):
    """One thing that is wrong: its kind, the file below the fleet's folder, and a sentence."""

    kind: str
    file: str
    message: str


class FleetVerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `indexer fleet verify --json` prints."""

    ok: bool
    number: int
    digest: str
    shards: int
    chunks: int
    findings: tuple[FleetFinding, ...]


def verify_fleet(fleet_dir: Path) -> FleetVerifyReport:
    """Check the newest manifest and all that it names; raises NoIndexError, and DamagedIndexError for the manifest."""
    opened = open_newest(fleet_dir)
    try:
        manifest = opened.manifest
        findings = [finding for shard in manifest.shards for finding in _check_shard(fleet_dir, manifest, shard)]
        return FleetVerifyReport(
            ok=not findings,
            number=manifest.number,
            digest=manifest.digest,
            shards=len(manifest.shards),
            chunks=manifest.chunks,
            findings=tuple(findings),
        )
    finally:
        opened.close()


def _check_shard(fleet_dir: Path, manifest: FleetManifest, shard: Shard) -> list[FleetFinding]:
    index_dir, where = shard_dir(fleet_dir, shard.id), f"{SHARDS}/{shard.id}"
    current = Current(shard.generation, shard.checksum)
    try:
        with open_numbered(index_dir, current) as generation:
            own = generation.manifest
            alike = [
                {**made, "static": ""} if own.upgraded == 1 else made for made in (own.made_with, manifest.made_with)
            ]
            if (own.encoder, own.projection) != (manifest.encoder, manifest.projection) or changed_parts(*alike):
                return [FleetFinding("identity", where, f"shard {shard.id} was made otherwise than the fleet")]
            if (own.digest, own.vector_digest) != (shard.digest, shard.vector_digest):
                return [FleetFinding("digest", where, f"shard {shard.id} holds something else than the manifest says")]
            generation.check()
        # A shard that a later build, stopped since, has brought further holds to its checksums alone.
        if read_current(index_dir) != current:
            return []
        report = verify(index_dir)
        return [FleetFinding(str(own.kind), f"{where}/{own.file}", own.message) for own in report.findings]
    except DamagedIndexError as error:
        return [FleetFinding("shard", where, str(of_shard(error)))]
    except NoIndexError as error:
        return [FleetFinding("shard", where, str(error))]
