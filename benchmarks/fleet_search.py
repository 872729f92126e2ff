"""How long a search over many shards takes, and what memory it holds: real text, synthetic vectors.

    python -m benchmarks.fleet_search FLEET [--shards 100 500] [--chunks 10000] [--keep FOLDER]

FLEET is a folder with a fleet that was built; whole files of it, in an order that a number decides, make shards of so
many chunks, with vectors that vary by file and by chunk; a smaller fleet has the first of a larger one's. Questions are
words of a chunk; a vector near the chunk's own is searched for. Memory is read after the last search: anonymous, and
file-backed pages that it touched; `most_mb` is the most that the process held at any moment until then.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from msgspec.structs import replace
from numpy.typing import NDArray

from benchmarks.measure import run, write_result
from benchmarks.search_latency import resident
from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import find_encoder
from indexer.identity import wanted_identity
from indexer.stages.reduce import BUNDLED, bundled_projection, centroids
from indexer.stores.generation.manifest import Encoder, Projection
from indexer.stores.generation.reader import open_generation
from indexer.stores.generation.staging import begin
from indexer.types import Chunk, FileRecord, IndexedSource, PreparedTexts, QuantizedBatch, Role, SearchMode, Tier
from pipelines.fleet import manifest as manifests
from pipelines.fleet.manifest import FleetManifest, Shard
from pipelines.fleet.search import open_fleet
from pipelines.fleet.store import FOLDER, FolderLog, open_newest, prepare, shard_dir

WARM_UP, QUESTIONS = 10, 60
QUESTION_WORDS = 5
OF_FILE, OF_CHUNK, OF_QUESTION = 0.8, 0.6, 0.2
"""How far vectors lie apart by file, by chunk, and a question from its chunk, in standard deviations."""
MODES: tuple[SearchMode, ...] = ("hybrid", "text", "vector")
SEED = 15


def files_of(fleet: Path) -> list[tuple[str, list[Chunk]]]:
    """Return the files of a fleet with their chunks."""
    opened = open_newest(fleet / FOLDER)
    opened.close()
    found: dict[str, list[Chunk]] = {}
    for shard in opened.manifest.shards:
        with open_generation(shard_dir(fleet / FOLDER, shard.id)) as generation:
            for path in sorted(generation.catalog.stats()):
                chunks = generation.text.documents(generation.catalog.chunk_ids_of(path)).values()
                found[path] = [chunk.to_chunk() for chunk in chunks]
    return sorted((path, chunks) for path, chunks in found.items() if chunks)


def make_shard(
    index_dir: Path, number: int, size: int, files: Sequence[tuple[str, list[Chunk]]]
) -> list[tuple[str, list[float]]]:
    """Commit a shard of `size` chunks, and return questions."""
    random = np.random.default_rng((SEED, number))
    basis = find_encoder(EncoderOptions()).basis()
    assert basis is not None
    projection = bundled_projection(basis, dims=Config().projection.dims)
    dims = Config().projection.dims
    spread = 0.16 * (np.arange(dims) + 1.0) ** -0.25
    questions: list[tuple[str, list[float]]] = []
    left, turn = size, 0
    with begin(index_dir, fresh=True) as staging:
        while left:
            for place in random.permutation(len(files)).tolist():
                origin, chunks = files[place]
                path, chunks = f"made{number}/{turn}/{origin}", chunks[:left]
                deviation = OF_FILE * random.standard_normal(dims)
                vectors = spread * (deviation + OF_CHUNK * random.standard_normal((len(chunks), dims)))
                own = [
                    replace(chunk, path=path, id=xxhash.xxh3_64_intdigest(f"{path} {at}".encode()) >> 1)
                    for at, chunk in enumerate(chunks)
                ]
                words = own[0].text.split()
                if len(questions) < WARM_UP + QUESTIONS and len(words) > QUESTION_WORDS:
                    asked = " ".join(random.permutation(words)[:QUESTION_WORDS].tolist())
                    questions.append(
                        (asked, (vectors[0] + OF_QUESTION * spread * random.standard_normal(dims)).tolist())
                    )
                content = path.encode()
                rounded = np.rint(vectors / np.abs(vectors).max(axis=1, keepdims=True) * 127).astype(np.int8)
                record = FileRecord(path, len(content), 1, xxhash.xxh3_128_digest(content), own[0].language)
                staging.put_file(record, centroid=centroids(rounded, [0]).tobytes())
                ones = np.ones(len(own), np.float32)
                staging.put_chunks(QuantizedBatch(tuple(own), rounded, ones, (Tier.CONTEXTUAL,) * len(own)))
                left -= len(own)
                if not left:
                    break
            turn += 1
        staging.commit(
            encoder=wanted_identity(Config()).encoder,
            projection=Projection(mode=BUNDLED, digest=projection.digest, dims=dims),
            made_with=wanted_identity(Config()).made_with,
            source=IndexedSource(kind="made", root="/"),
        )
    return questions


def make_fleet(folder: Path, made: Sequence[Path]) -> None:
    """Publish a fleet of the shards that were made, whose files it has as hard links."""
    fleet_dir = folder / FOLDER
    prepare(fleet_dir)
    entries: list[Shard] = []
    for place, index_dir in enumerate(made):
        with open_generation(index_dir) as generation:
            manifest = generation.manifest
            own = f"made{place}"
            shutil.copytree(index_dir, shard_dir(fleet_dir, own), copy_function=_link)
            entries.append(
                Shard(
                    id=own, repository=own, root="/", kind="made", generation=manifest.generation,
                    checksum=manifest.checksum, digest=manifest.digest, vector_digest=manifest.vector_digest,
                    files=manifest.counts.files, chunks=manifest.counts.chunks,
                    index_bytes=generation.bytes, bytes=0, upgraded=1.0,
                )
            )  # fmt: skip
    made_of = manifest.encoder
    FolderLog(fleet_dir).create(
        1,
        manifests.encode(
            manifests.seal(
                FleetManifest(
                    format_version=manifests.FORMAT_VERSION,
                    number=1,
                    created=datetime.now(UTC).isoformat(timespec="seconds"),
                    encoder=Encoder(
                        name=made_of.name, digest=made_of.digest, dims=made_of.dims, max_tokens=made_of.max_tokens
                    ),
                    projection=manifest.projection,
                    made_with=manifest.made_with,
                    shards=tuple(sorted(entries, key=lambda shard: shard.id)),
                )
            )
        ),
    )


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


class NearEncoder:
    """Gives each question the vector that was made for it."""

    def __init__(self, questions: Sequence[tuple[str, list[float]]]) -> None:
        chosen = find_encoder(EncoderOptions())
        basis = chosen.basis()
        assert basis is not None
        matrix = bundled_projection(basis, dims=Config().projection.dims).matrix
        # The projection's columns are orthogonal, so that what they make of this is the vector again.
        inverse = matrix / np.square(matrix).sum(axis=0)
        self._vectors = {text: (inverse @ np.array(vector, np.float32))[None] for text, vector in questions}
        self.identity = chosen.identity

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> PreparedTexts:
        """Not needed for searching."""
        raise NotImplementedError

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Not needed for searching."""
        raise NotImplementedError

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        """Return float32[1, d] for one text."""
        found: NDArray[np.float32] = self._vectors[texts[0]].astype(np.float32)
        return found


def ask(folder: Path) -> dict[str, Any]:
    """Search in this process and return percentiles in milliseconds, and the memory held."""
    questions = [(text, vector) for text, vector in json.loads((folder / "questions.json").read_bytes())]
    figures: dict[str, Any] = {}
    with open_fleet(folder, encoder=NearEncoder(questions)) as fleet:
        figures["shards"], figures["chunks"] = len(fleet.manifest.shards), fleet.manifest.chunks
        for mode in MODES:
            times, processor = [], []
            for text, _ in questions:
                start, used = time.perf_counter(), time.process_time()
                fleet.search(text, mode=mode)
                times.append((time.perf_counter() - start) * 1e3)
                processor.append((time.process_time() - used) * 1e3)
            p50, p90 = np.percentile(times[WARM_UP:], [50, 90])
            figures[mode] = {
                "first_ms": times[0],
                "p50_ms": float(p50),
                "p90_ms": float(p90),
                "processor_p50_ms": float(np.percentile(processor[WARM_UP:], 50)),
            }
            figures[mode]["resident"] = resident()
    return figures


def _questions(parts: Sequence[list[tuple[str, list[float]]]]) -> Iterator[tuple[str, list[float]]]:
    for place in range(WARM_UP + QUESTIONS):
        own = parts[place % len(parts)]
        yield own[place % len(own)]


def main() -> None:
    """Make the fleets, measure each, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("fleet", type=Path, nargs="?")
    parser.add_argument("--shards", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ask:
        print(json.dumps(ask(arguments.ask)))
        return
    folder = (arguments.keep or Path(tempfile.mkdtemp(prefix="fleet-search-"))).absolute()
    figures: dict[str, Any] = {"chunks_a_shard": arguments.chunks}
    try:
        made = [folder / "made" / str(number) for number in range(max(arguments.shards))]
        questions = folder / "questions.json"
        if not questions.exists():
            files = files_of(arguments.fleet)
            asked = [make_shard(path, number, arguments.chunks, files) for number, path in enumerate(made)]
            questions.write_text(json.dumps(list(dict(_questions(asked[: min(arguments.shards)])).items())))
        for shards in arguments.shards:
            place = folder / f"{shards}"
            if not place.exists():
                make_fleet(place, made[:shards])
                shutil.copyfile(questions, place / "questions.json")
            command: list[str | Path] = [sys.executable, "-m", "benchmarks.fleet_search", "--ask", place]
            figures[f"{shards}_shards"] = json.loads(run(command, env={"OPENBLAS_NUM_THREADS": "1"}).stdout)
            write_result("fleet_search", "python -m benchmarks.fleet_search FLEET", figures)
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
