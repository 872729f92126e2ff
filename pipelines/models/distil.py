"""Gives a model a fast tier: a static table in its space, fitted to its vectors of a user's own code.

The table has a row a piece of the bundled vocabulary and a row a whole word that the code has often, whatever the
model's own tokens are. Its recipe is that of the bundled one (export.static.fit), but that rows are shrunk toward the
model's vector of the piece by itself: of a model from elsewhere no more than a text's vector is known.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.config import Config
from indexer.encoders.bundle import BUNDLED_STATIC, STATIC_LOADED, VOCABULARY, open_bundle
from indexer.encoders.registry import Variant, distilled, find_encoder, find_table
from indexer.encoders.spec import EncoderSpec
from indexer.encoders.static import MAX_TOKENS
from indexer.encoders.wordpiece import CONTINUED, WordPieces
from indexer.errors import ConfigError, StorageError
from indexer.sources.worktree import Worktree
from indexer.stages.detect import detect
from indexer.stages.embed import embed
from indexer.stages.reduce import FIT_SAMPLES_PER_DIM, UNREDUCED, fit
from indexer.types import Encoder, ParsedFile, Tier

from ..export.static.fit import Recipe, count_matrix, fit_table, prior_rows, whole_words
from ..export.static.folder import write_static
from ..export.static.teacher import Taught
from ..export.static.texts import chunk_texts
from ..parsing.pool import parse_files

COMPONENTS = 256
"""Of the basis, at most: what the static encoder's sums are exact with."""

WINDOW = 512
HELD_OUT = 20
"""One text in so many is not fitted on, and says how near the table comes."""

Told = Callable[[int, int], None]


class DistilledModel(msgspec.Struct, frozen=True, kw_only=True):
    """A table: where it is, on how many texts it was fitted, its rows, and how near it comes to the model.

    `cosine` is the mean over texts that it was not fitted on, between its vector and the model's.
    """

    name: str
    folder: str
    texts: int
    rows: int
    components: int
    cosine: float
    seconds: float


def distil(
    config: Config,
    roots: Sequence[Path],
    *,
    most_texts: int,
    seconds: float = float("inf"),
    told: Told = lambda _done, _all: None,
) -> DistilledModel:
    """Fit a table to the encoder that `config` names, on code below `roots`, and put it beside the model.

    The model reads at most `most_texts` texts, and for no longer than `seconds`; `told` hears of how many. Raises
    ConfigError where there is nothing to fit, and where the code is too little for it.
    """
    start = time.monotonic()
    encoder = find_encoder(config.encoder)
    target = _target(encoder, config)
    texts = _texts(roots, config, most_texts)
    _check_enough(encoder, len(texts))
    loaded = encoder.load(threads=config.encoder.threads, light=False)
    vectors = _teach(texts, loaded, config.encoder.token_budget, start + seconds, told)
    texts = texts[: len(vectors)]
    basis = _basis(encoder, vectors)
    pieces = open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED).read(VOCABULARY).decode().splitlines()
    held_out = np.arange(len(texts)) % HELD_OUT == 0
    fitted = [text for text, held in zip(texts, held_out, strict=True) if not held]
    recipe = Recipe()
    whole = whole_words(fitted, WordPieces(pieces), recipe.least)
    counts = count_matrix(fitted, WordPieces(pieces, whole), len(pieces) + len(whole))
    cuts = [*([number] for number in range(len(pieces))), *map(WordPieces(pieces).cut, whole)]
    alone = _alone([*pieces, *whole], cuts, np.flatnonzero(np.bincount(counts.indices)), loaded, config)
    nothing = np.zeros((len(pieces), alone.shape[1]), dtype=np.float32)
    known = Taught(fitted, vectors[~held_out], np.zeros(len(pieces), dtype=np.int64), nothing)
    rows = fit_table(counts, known.vectors @ basis, prior_rows(known, alone, cuts, recipe) @ basis, recipe)
    own = encoder.identity
    spec = EncoderSpec(
        name=f"{encoder.spec.name}-static",
        dims=own.dims,
        max_tokens=MAX_TOKENS,
        pooling="mean",
        chunk_chars=encoder.spec.chunk_chars,
        teacher=own.digest,
    )
    _write(target, rows=rows, basis=basis, vocabulary=pieces, whole=whole, spec=spec)
    table = distilled(target, own)
    assert table is not None
    again = table.load(threads=0, light=True).encode([text for text, held in zip(texts, held_out, strict=True) if held])
    return DistilledModel(
        name=config.encoder.name,
        folder=str(target),
        texts=len(fitted),
        rows=len(rows),
        components=basis.shape[1],
        cosine=round(float(np.einsum("ij,ij->i", again, vectors[held_out]).mean()), 4),
        seconds=round(time.monotonic() - start, 1),
    )


def _target(encoder: Variant, config: Config) -> Path:
    """Return where the table goes; raises ConfigError for an encoder that has one of its own, or can have none."""
    name = config.encoder.name
    if encoder.identity.tier is Tier.STATIC or name == "hashing":
        raise ConfigError(f"{name}: has nothing to distil: it is as fast as a table")
    if encoder.table_folder is None:
        raise ConfigError(f"{name}: its table is in the package, or encoder.models names no folder to put one in")
    return encoder.table_folder


def _texts(roots: Sequence[Path], config: Config, most: int) -> list[str]:
    """Return distinct texts of all chunks below the roots, in the order of their hashes."""
    found: dict[int, str] = {}
    for root in roots:
        for text in _chunk_texts(root, config):
            found.setdefault(xxhash.xxh3_64_intdigest(text.encode("utf-8", "replace")), text)
    return [found[key] for key in islice(sorted(found), most)]


def _chunk_texts(root: Path, config: Config) -> Iterator[str]:
    source = Worktree(root, config.walk)
    for parsed in parse_files(source, detect(source, {}).added, config):
        if isinstance(parsed, ParsedFile):
            for chunk in parsed.chunks:
                yield from (text.text for text in chunk_texts(chunk))


def _teach(texts: Sequence[str], encoder: Encoder, budget: int, deadline: float, told: Told) -> NDArray[np.float32]:
    """Return the encoder's vectors of as many texts, from the first on, as there is time for."""
    made = [np.empty((0, encoder.identity.dims), dtype=np.float32)]
    done = 0
    while done < len(texts) and (time.monotonic() < deadline or not done):
        made.append(embed(texts[done : done + WINDOW], encoder, token_budget=budget))
        done += len(made[-1])
        told(done, len(texts))
    return np.concatenate(made)


def _check_enough(encoder: Variant, texts: int) -> None:
    """Raise ConfigError where so few texts fit no basis, and the model brings none."""
    least = FIT_SAMPLES_PER_DIM * min(COMPONENTS, encoder.identity.dims)
    if texts < least and not _has_basis(encoder):
        raise ConfigError(
            f"{texts} texts are too few to distil a model with, which takes {least}; name more folders, or read more"
        )


def _has_basis(encoder: Variant) -> bool:
    return encoder.basis() is not None and find_table(encoder) is None


def _basis(encoder: Variant, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model's own basis, or one fitted to its vectors, float32[dims, components]."""
    width = vectors.shape[1]
    own = encoder.basis()
    if own is not None and _has_basis(encoder):
        return own[:, :COMPONENTS]
    _check_enough(encoder, len(vectors))
    projection = fit(vectors, dims=min(COMPONENTS, width), centered=False)
    return np.eye(width, dtype=np.float32) if projection.mode == UNREDUCED else projection.matrix


def _alone(
    words: Sequence[str], cuts: Sequence[Sequence[int]], used: NDArray[np.int64], encoder: Encoder, config: Config
) -> NDArray[np.float32]:
    """Return the encoder's vectors of words by themselves; those that occur in no text, nor in a word, are zero."""
    needed = sorted(set(used.tolist()) | {piece for row in used.tolist() for piece in cuts[row]})
    vectors = np.zeros((len(words), encoder.identity.dims), dtype=np.float32)
    asked = [words[row].removeprefix(CONTINUED) for row in needed]
    vectors[needed] = embed(asked, encoder, token_budget=config.encoder.token_budget)
    return vectors


def _write(
    target: Path,
    *,
    rows: NDArray[np.float32],
    basis: NDArray[np.float32],
    vocabulary: Sequence[str],
    whole: Sequence[str],
    spec: EncoderSpec,
) -> None:
    staged = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(staged, ignore_errors=True)
        write_static(staged, rows=rows, basis=basis, vocabulary=vocabulary, whole=whole, spec=spec)
        if target.exists():
            shutil.rmtree(target)
        staged.replace(target)
    except OSError as error:
        raise StorageError(f"{target}: the table can't be written there ({error.strerror})") from error
