"""What the transformer makes of the texts: a vector a text, and of each token the mean of what it became among others.

Both come of the same run: a text's vector is the mean of its tokens' last hidden states. They are kept in shards by the
texts' hashes, so that an interrupted run goes on, and texts may be added to a corpus.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.cores import cores
from indexer.encoders.bundle import BUNDLED, MODEL, TOKENIZER, open_bundle
from indexer.encoders.sessions import open_session, open_tokenizer

from ..calibration import TOKEN_BUDGET
from ..weights import Float

SHARD_TEXTS = 1024


@dataclass(frozen=True, slots=True)
class Taught:
    """Texts and their unit vectors, float32[n, dims]; of each token how often it occurred in them, int64[vocabulary],
    and the mean of its hidden states, each divided by the length of its text's mean, float32[vocabulary, dims].

    So a text's vector is the mean of its tokens' states; those of a token that did not occur are zero.
    """

    texts: list[str]
    vectors: Float
    occurrences: NDArray[np.int64]
    states: Float


def teach(texts: Sequence[str], folder: Path, *, seconds: float, pause: Path | None = None) -> None:
    """Run the transformer over the texts that `folder` lacks, from the first on, until `seconds` have gone by.

    A shard a core at a time, each published whole. While a file `pause` exists none is begun.
    """
    folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    known = {key for path in folder.glob("*.npz") for key in _arrays(path)["keys"].tolist()}
    missing = [text for text in texts if _key(text) not in known]
    workers = cores()
    running: set[Future[None]] = set()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for start in range(0, len(missing), SHARD_TEXTS):
            while pause is not None and pause.exists():
                time.sleep(1)
            if time.monotonic() > end:
                break
            running.add(pool.submit(_teach_shard, missing[start : start + SHARD_TEXTS], folder))
            if len(running) >= workers:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
            print(f"teacher: {start} of {len(missing)} texts", flush=True)
        for future in running:
            future.result()


def taught(texts: Sequence[str], folder: Path, *, vocabulary: int) -> Taught:
    """Return what `folder` holds of these texts, in their order."""
    shards = [_arrays(path) for path in sorted(folder.glob("*.npz"))]
    places = {int(key): place for place, key in enumerate(np.concatenate([shard["keys"] for shard in shards]))}
    vectors = np.concatenate([shard["vectors"] for shard in shards])
    keys = [_key(text) for text in texts]
    own = [text for text, key in zip(texts, keys, strict=True) if key in places]
    occurrences = np.zeros(vocabulary, dtype=np.int64)
    sums = np.zeros((vocabulary, vectors.shape[1]))
    for shard in shards:
        occurrences[shard["tokens"]] += shard["counts"]
        sums[shard["tokens"]] += shard["counts"][:, None] * shard["means"].astype(np.float64)
    states = (sums / np.maximum(occurrences, 1)[:, None]).astype(np.float32)
    return Taught(own, vectors[[places[key] for key in keys if key in places]].astype(np.float32), occurrences, states)


def vectors_alone(texts: Sequence[Sequence[int]], first: int, last: int) -> Float:
    """Return unit vectors of a few tokens by themselves, between the special tokens `first` and `last`."""
    session = open_session(BUNDLED / MODEL)
    vectors = np.empty((len(texts), open_bundle(BUNDLED).spec.dims), dtype=np.float32)
    sizes = np.array([len(tokens) for tokens in texts])
    for size in np.unique(sizes):
        places = np.flatnonzero(sizes == size)
        for own in np.array_split(places, -(-len(places) // SHARD_TEXTS)):
            ids = np.array([(first, *texts[place], last) for place in own], dtype=np.int64)
            vectors[own] = session.run(None, {"input_ids": ids})[0].sum(axis=1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _teach_shard(texts: list[str], folder: Path) -> None:
    session = open_session(BUNDLED / MODEL, threads=1)
    limit = open_bundle(BUNDLED).spec.max_tokens
    tokenizer = open_tokenizer(BUNDLED / TOKENIZER, max_tokens=limit)
    cut = [np.array(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch(texts)]
    # The graph takes no mask: texts of a batch are as long as each other.
    order = sorted(range(len(texts)), key=lambda place: len(cut[place]))
    vectors: list[Float] = []
    ids: list[NDArray[np.int64]] = []
    states: list[Float] = []
    for length, group in groupby(order, key=lambda place: len(cut[place])):
        places = list(group)
        for own in np.array_split(places, -(-len(places) * length // TOKEN_BUDGET)):
            batch = np.array([cut[place] for place in own])
            (hidden,) = session.run(None, {"input_ids": batch})
            means = hidden.mean(axis=1)
            size = np.linalg.norm(means, axis=1, keepdims=True)
            vectors.append(means / size)
            ids.append(batch.ravel())
            states.append((hidden / size[:, None]).reshape(-1, hidden.shape[2]))
    tokens, inverse, counts = np.unique(np.concatenate(ids), return_inverse=True, return_counts=True)
    sums = np.zeros((len(tokens), vectors[0].shape[1]), dtype=np.float32)
    np.add.at(sums, inverse, np.concatenate(states))
    keys = np.array([_key(texts[place]) for place in order], dtype=np.uint64)
    staged = folder / f"{int(keys[0]):016x}.part"
    with staged.open("wb") as file:
        np.savez(
            file,
            keys=keys,
            vectors=np.concatenate(vectors).astype(np.float16),
            tokens=tokens.astype(np.int32),
            counts=counts.astype(np.int32),
            means=(sums / counts[:, None]).astype(np.float16),
        )
    staged.replace(staged.with_suffix(".npz"))


def _key(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "replace"))


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
