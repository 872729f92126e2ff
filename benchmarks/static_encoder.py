"""How ways of fitting the static encoder's table retrieve: vectors alone, without the rest of the search.

    python -m benchmarks.static_encoder WORK CODE_SEARCH REPOS COSQA [--only NAME ...]

WORK is where pipelines.export_static keeps texts and the transformer's vectors of them; CODE_SEARCH, REPOS
and COSQA are the folders of benchmarks.retrieval's sets. Documents are the chunks that a build makes, each file ranks
by its nearest chunk, and the figure is NDCG@10 over files, the mean over repositories. Queries are encoded by the
transformer ("transformer") and by the table ("static"). Chunks and queries are kept in WORK between runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.evaluation_sets import DEPTH, SETS, EvaluationSet
from benchmarks.measure import write_result
from indexer.config import Config
from indexer.encoders.bundle import BUNDLED, open_bundle
from indexer.encoders.onnx import load
from indexer.encoders.wordpiece import WordPieces
from indexer.sources.worktree import Worktree
from indexer.types import FileRecord, ParsedFile, SourceFile
from pipelines.export.static.corpus import read_corpus
from pipelines.export.static.fit import Recipe, count_matrix, fit_table, prior_rows
from pipelines.export.static.teacher import taught, token_vectors
from pipelines.export_static import read_vocabulary, training_texts
from pipelines.parsing.pool import parse_files

Float = NDArray[np.float32]
MAX_QUERY_CHARS = 2000


SHIPPED = Recipe()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One way to make a table: the recipe, the share and kinds of the texts, the prior, and the dims of a vector."""

    recipe: Recipe = SHIPPED
    share: float = 1.0
    kinds: tuple[str, ...] = ("chunk", "head", "sentence", "question", "name")
    prior: Literal["states", "alone", "zero"] = "states"
    dims: int = 128


TRIALS: Mapping[str, Trial] = {
    "as shipped": Trial(),
    "a quarter of the texts": Trial(share=0.25),
    "half of the texts": Trial(share=0.5),
    "64 dims": Trial(dims=64),
    "256 dims": Trial(dims=256),
    "ridge 0.3": Trial(recipe=Recipe(ridge=0.3)),
    "ridge 1": Trial(recipe=Recipe(ridge=1.0)),
    "ridge 10": Trial(recipe=Recipe(ridge=10.0)),
    "prior: zero": Trial(prior="zero"),
    "prior: the token alone": Trial(prior="alone"),
    "the prior, not fitted": Trial(recipe=Recipe(steps=0)),
    "pseudocount 10": Trial(recipe=Recipe(pseudocount=10.0)),
    "without inverse frequencies": Trial(recipe=Recipe(frequency=0.0)),
    "square root of inverse frequencies": Trial(recipe=Recipe(frequency=0.5)),
    "each token once": Trial(recipe=Recipe(power=0.0)),
    "counts to the power of 0.75": Trial(recipe=Recipe(power=0.75)),
    "counts as they are": Trial(recipe=Recipe(power=1.0)),
    "chunks and heads alone": Trial(kinds=("chunk", "head")),
    "without questions": Trial(kinds=("chunk", "head", "sentence", "name")),
}


class Asked(msgspec.Struct, frozen=True):
    """One index to ask: texts and paths of its chunks; queries, the files that answer them, and their vectors."""

    texts: list[str]
    paths: list[str]
    queries: list[str]
    wanted: list[list[str]]
    vectors: list[list[float]]


def main() -> None:
    """Fit each table, ask, print, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("code_search", type=Path)
    parser.add_argument("repos", type=Path)
    parser.add_argument("cosqa", type=Path)
    parser.add_argument("--only", nargs="*", default=list(TRIALS), choices=list(TRIALS))
    arguments = parser.parse_args()
    sets = {
        "code_search": SETS["code_search"](arguments.code_search, arguments.repos),
        "cosqa": SETS["cosqa"](arguments.cosqa, arguments.work),
    }
    vocabulary = read_vocabulary()
    pieces = WordPieces(vocabulary)
    basis = open_bundle(BUNDLED).basis()
    assert basis is not None
    asked = {name: _kept(arguments.work / f"{name}.msgpack", one) for name, one in sets.items()}
    counted = {name: [_counted(one, pieces, len(vocabulary)) for one in indexes] for name, indexes in asked.items()}
    texts = training_texts(read_corpus(), Path(), arguments.work)
    known = taught([text.text for text in texts], arguments.work / "vectors", vocabulary=len(vocabulary))
    kind_of = {text.text: text.kind for text in texts}
    kinds = np.array([kind_of[text] for text in known.texts])
    targets = known.vectors @ basis
    counts = count_matrix(known.texts, pieces, len(vocabulary))
    alone = token_vectors(len(vocabulary), vocabulary.index("[CLS]"), vocabulary.index("[SEP]"))
    figures: dict[str, Any] = {"texts": len(kinds), "tokens": float(counts.sum())}
    for name in arguments.only:
        trial = TRIALS[name]
        chosen = np.flatnonzero(np.isin(kinds[: round(trial.share * len(kinds))], trial.kinds))
        states = prior_rows(known.states, known.occurrences, alone, trial.recipe)
        prior = {"states": states, "alone": alone, "zero": np.zeros_like(alone)}[trial.prior] @ basis
        rows = fit_table(counts[chosen], targets[chosen], prior, trial.recipe)
        figures[name] = {
            key: _ask(asked[key], counted[key], _encode(rows, trial), basis[:, : trial.dims]) for key in asked
        }
        print(f"{name} ({len(chosen)} texts): {figures[name]}", flush=True)
    write_result("static_encoder", "python -m benchmarks.static_encoder WORK CODE_SEARCH REPOS COSQA", figures)


def _encode(rows: Float, trial: Trial) -> Callable[[sparse.csr_matrix], Float]:
    def encode(counts: sparse.csr_matrix) -> Float:
        weighted = counts.copy()
        weighted.data **= np.float32(trial.recipe.power)
        return _unit(np.asarray(weighted @ rows[:, : trial.dims]))

    return encode


def _ask(
    indexes: Sequence[Asked],
    counted: Sequence[tuple[sparse.csr_matrix, sparse.csr_matrix]],
    encode: Callable[[sparse.csr_matrix], Float],
    basis: Float,
) -> dict[str, float]:
    """Return the mean NDCG@10 with the transformer's queries and with static ones."""
    found: dict[str, list[float]] = {"transformer": [], "static": []}
    for asked, (documents, queries) in zip(indexes, counted, strict=True):
        chunks = encode(documents)
        by_transformer = _unit(np.array(asked.vectors, dtype=np.float32) @ basis)
        for name, vectors in (("transformer", by_transformer), ("static", encode(queries))):
            ranked = zip(vectors @ chunks.T, asked.wanted, strict=True)
            found[name].append(float(np.mean([_ndcg(scores, asked.paths, wanted) for scores, wanted in ranked])))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _ndcg(scores: Float, paths: Sequence[str], wanted: Sequence[str]) -> float:
    files: dict[str, None] = {}
    for place in np.argsort(-scores, kind="stable"):
        files.setdefault(paths[place])
        if len(files) == DEPTH:
            break
    gains = [1 / np.log2(rank + 1) for rank, path in enumerate(files, 1) if path in wanted]
    return float(sum(gains) / sum(1 / np.log2(rank + 1) for rank in range(1, min(DEPTH, len(wanted)) + 1)))


def _counted(asked: Asked, pieces: WordPieces, size: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    return count_matrix(asked.texts, pieces, size), count_matrix(asked.queries, pieces, size)


def _kept(path: Path, evaluation: EvaluationSet) -> list[Asked]:
    if not path.is_file():
        path.write_bytes(msgspec.msgpack.encode(list(_asked(evaluation))))
    return msgspec.msgpack.decode(path.read_bytes(), type=list[Asked])


def _asked(evaluation: EvaluationSet) -> Iterator[Asked]:
    transformer = load(BUNDLED, threads=0, light=True)
    config = Config()
    for name, questions in evaluation.questions.items():
        source = Worktree(evaluation.roots[name], config.walk)
        records = [FileRecord(f.path, f.size, f.mtime_ns, b"") for f in source.files() if isinstance(f, SourceFile)]
        parsed = [one for one in parse_files(source, records, config) if isinstance(one, ParsedFile)]
        chunks = [chunk for one in parsed for chunk in one.chunks]
        prefix = evaluation.prefixes[name]
        queries = [question.text[:MAX_QUERY_CHARS] for question in questions]
        yield Asked(
            [chunk.embedded_text for chunk in chunks],
            [f"{prefix}/{chunk.path}" if prefix else chunk.path for chunk in chunks],
            queries,
            [[str(target["path"]) for target in question.targets] for question in questions],
            transformer.encode(queries).tolist(),
        )


def _unit(vectors: Float) -> Float:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


if __name__ == "__main__":
    main()
