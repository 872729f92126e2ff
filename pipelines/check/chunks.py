"""Do catalog, text index and vector index hold the same chunks, and are the vectors those of the texts?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, groupby, islice

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.errors import DamagedIndexError
from indexer.stages.reduce import Projection, centroids, reduce
from indexer.stores.catalog import digest
from indexer.stores.catalog.reader import ChunkRow
from indexer.stores.generation import layout
from indexer.stores.generation.manifest import STATIC
from indexer.stores.generation.reader import Generation
from indexer.stores.text.document import Embedding, StoredChunk, decode_embedding, decode_stored, source_path
from indexer.types import Encoder, Tier

from .findings import FindingKind, Findings

SAMPLE_CHUNKS = 64
SAMPLE_FILES = 8
MIN_COSINE = 0.99
"""What the rounding of another processor or onnxruntime leaves of equal texts' similarity; another model does not."""
_BATCH = 4096


def check_chunks(findings: Findings, generation: Generation, on_chunks: Callable[[int], None]) -> None:
    """Go once through all documents: each is in the catalog, its vector in its segment, and all in the digests.

    Raises DamagedIndexError when a document can't be read.
    """
    text, vectors = generation.path / layout.TEXT, generation.path / layout.VECTORS
    of_files = generation.catalog.centroids()
    digests = {
        path: (digest.of_record(record), digest.of_centroid(path, of_files[path]))
        for path, record in generation.catalog.records().items()
    }
    tiers = {segment.number: segment.tier for segment in generation.manifest.segments}
    seen: set[int] = set()
    wrong: Counter[str] = Counter()
    for batch in _batches(generation):
        rows = generation.catalog.chunks([document.id for document, _ in batch])
        stored = _vectors(generation, rows)
        generation.vectors.let_go()
        for document, embedding in batch:
            row, path = rows.get(document.id), source_path(document.path)
            if row is None or row.text_hash != document.text_hash or path not in digests or document.id in seen:
                wrong["unknown"] += 1
                continue
            seen.add(document.id)
            vector, tier = stored.get(document.id), tiers.get(row.segment)
            if vector is None or tier is None:
                wrong["lost"] += 1
                continue
            # A vector that was replaced by one of a better tier is not the document's any more.
            wrong["altered"] += tier is embedding.tier and vector != embedding.vector
            content, total = digests[path]
            digests[path] = (
                digest.add(content, digest.of_chunk(document.id, document.text_hash)),
                digest.add(total, digest.of_vector(document.id, tier, vector)),
            )
        on_chunks(len(batch))
    wrong["missing"] = generation.catalog.chunk_count() - len(seen)
    for what, kind, where, message in (
        ("unknown", FindingKind.CHUNK_IDS, text, "{} documents are not what the catalog knows"),
        ("missing", FindingKind.CHUNK_IDS, text, "{} chunks of the catalog have no document"),
        ("lost", FindingKind.CHUNK_IDS, vectors, "{} chunks have no vector in the segment that they live in"),
        ("altered", FindingKind.EMBEDDING, vectors, "{} vectors differ from the embedding in the text index"),
    ):
        if wrong[what]:
            findings.add(kind, where, message.format(wrong[what]))
    _check_digests(findings, generation, digests)


def check_encoder(
    findings: Findings, generation: Generation, encoder: Encoder, projection: Projection
) -> tuple[int, int]:
    """Embed a sample of chunks again, compare, and return how many, and how many were rounded otherwise before.

    The sample is the chunks with the lowest ids among those whose vector is of the encoder's tier. The encoder that
    files' centroids come from makes some of these anew as well.
    """
    manifest, text = generation.manifest, generation.path / layout.TEXT
    identity = encoder.identity
    digest = manifest.made_with.get(STATIC) if identity.tier is Tier.STATIC else manifest.encoder.digest
    made = (digest or manifest.encoder.digest, manifest.projection.digest, manifest.projection.mode)
    if made != (identity.digest, projection.digest, projection.mode):
        what = "and another projection" if made[0] == identity.digest else "not with this encoder"
        message = f"the index was made with {manifest.encoder.name} {made[0][:8]}, {what}"
        findings.add(FindingKind.MODEL, generation.path / layout.MANIFEST, message)
        return 0, 0
    if identity.tier is Tier.STATIC or STATIC not in manifest.made_with:
        _check_centroids(findings, generation, encoder, projection)
    numbers = [segment.number for segment in manifest.segments if segment.tier is identity.tier]
    living = [islice(generation.catalog.chunk_ids(segment=number), SAMPLE_CHUNKS) for number in numbers]
    ids = sorted(chain.from_iterable(living))[:SAMPLE_CHUNKS]
    documents = generation.text.documents(ids)
    vectors = _vectors(generation, generation.catalog.chunks(ids))
    if not ids:
        return 0, 0
    texts = [documents[chunk_id].embedded_text for chunk_id in ids]
    hashes = [xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass")) for text in texts]
    changed = sum(hashed != documents[chunk_id].text_hash for hashed, chunk_id in zip(hashes, ids, strict=True))
    if changed:
        findings.add(
            FindingKind.VECTOR, text, f"{changed} of {len(ids)} sampled chunks have another text than was embedded"
        )
    held = np.stack([np.frombuffer(vectors[chunk_id], np.int8) for chunk_id in ids])
    rounded, different = _compare(reduce(encoder.encode(texts), projection)[0], held)
    if different:
        message = f"{different} of {len(ids)} sampled chunks have another vector than the encoder gives"
        findings.add(FindingKind.VECTOR, text, message)
    return len(ids), rounded


def _check_centroids(findings: Findings, generation: Generation, encoder: Encoder, projection: Projection) -> None:
    """Make the centroids of some files anew, those of the chunks with the lowest ids, and compare."""
    lowest = list(islice(generation.catalog.chunk_ids(), SAMPLE_CHUNKS))
    paths = list(dict.fromkeys(generation.catalog.paths_of(lowest).values()))
    members = {path: generation.catalog.chunk_ids_of(path) for path in paths}
    # Long files would be most of the work.
    sample = sorted(members, key=lambda path: len(members[path]))[:SAMPLE_FILES]
    documents = generation.text.documents([chunk_id for path in sample for chunk_id in members[path]])
    if not sample:
        return
    texts = [documents[chunk_id].embedded_text for path in sample for chunk_id in members[path]]
    starts = np.cumsum([0, *(len(members[path]) for path in sample)])[:-1]
    again = centroids(reduce(encoder.encode(texts), projection)[0], starts.tolist())
    stored = generation.catalog.centroids_of(sample)
    held = np.array([np.frombuffer(stored[path].ljust(projection.dims, b"\0"), np.int8) for path in sample])
    _, different = _compare(again, held)
    if different:
        message = f"{different} of {len(sample)} sampled files have another centroid than the encoder gives"
        findings.add(FindingKind.VECTOR, generation.path / layout.CATALOG, message)


def _compare(again: NDArray[np.int8], held: NDArray[np.int8]) -> tuple[int, int]:
    """Return how many rows of int8[n, k] are rounded otherwise, and how many are another vector."""
    made, kept = again.astype(np.float64), held.astype(np.float64)
    lengths = np.linalg.norm(made, axis=1) * np.linalg.norm(kept, axis=1)
    equal = (made == kept).all(axis=1)
    cosines = (made * kept).sum(axis=1) / np.where(lengths > 0, lengths, 1.0)
    different = int((~equal & (cosines < MIN_COSINE)).sum())
    return int((~equal).sum()) - different, different


def _check_digests(findings: Findings, generation: Generation, digests: dict[str, tuple[int, int]]) -> None:
    """Compare each file's digests of content and vectors, and the index's, with those of what is there."""
    manifest = generation.manifest
    stored = {path: (content, vectors) for path, content, vectors in generation.catalog.file_digests()}
    for place, what, said in ((0, "content", manifest.digest), (1, "vectors", manifest.vector_digest)):
        wrong = [path for path, values in stored.items() if digests.get(path, (0, 0))[place] != values[place]]
        if wrong:
            message = f"the {what} of {len(wrong)} files give another digest than the catalog has, first {wrong[0]!a}"
            findings.add(FindingKind.DIGEST, generation.path / layout.CATALOG, message)
        total = digest.to_hex(digest.add(*(values[place] for values in digests.values())))
        if total != said:
            message = f"the digest of the {what} is {total}, the manifest says {said}"
            findings.add(FindingKind.DIGEST, generation.path / layout.MANIFEST, message)


def _batches(generation: Generation) -> Iterator[list[tuple[StoredChunk, Embedding]]]:
    """Yield the documents with the embeddings that they were added with."""
    documents = generation.text.scan()
    while batch := list(islice(documents, _BATCH)):
        try:
            yield [(decode_stored(stored), decode_embedding(embedding)) for _, stored, embedding in batch]
        except (ValueError, msgspec.DecodeError) as error:
            raise DamagedIndexError(f"{generation.path / layout.TEXT}: a document is malformed: {error}") from error


def _vectors(generation: Generation, rows: dict[int, ChunkRow]) -> dict[int, bytes]:
    """Return the vectors that the segments hold for the catalog's rows."""
    found: dict[int, bytes] = {}
    ordered = sorted(rows.values(), key=lambda row: row.segment)
    known = {segment.number for segment in generation.manifest.segments}
    for number, group in groupby(ordered, key=lambda row: row.segment):
        if number in known:
            vectors = generation.vectors.find(number, [row.id for row in group])
            found.update((chunk_id, vector.tobytes()) for chunk_id, vector in vectors.items())
    return found
