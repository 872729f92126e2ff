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
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation_sets import DEPTH, SETS, EvaluationSet
from benchmarks.measure import write_result
from indexer.config import Config
from indexer.encoders.bundle import BUNDLED, open_bundle
from indexer.encoders.onnx import load
from indexer.encoders.wordpiece import WordPieces
from indexer.sources.worktree import Worktree
from indexer.types import FileRecord, ParsedFile, SourceFile
from pipelines.export.static.contrast import Contrast
from pipelines.export.static.corpus import read_corpus
from pipelines.export.static.fit import Recipe, count_matrix, fit_table, prior_rows, whole_words
from pipelines.export.static.teacher import taught, vectors_alone
from pipelines.export_static import read_vocabulary, training_texts
from pipelines.parsing.pool import parse_files

Float = NDArray[np.float32]
MAX_QUERY_CHARS = 2000
DIMS = (128, 192, 256)


SHIPPED = Recipe()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One way to make a table: the recipe, and the share and kinds of the texts."""

    recipe: Recipe = SHIPPED
    share: float = 1.0
    kinds: tuple[str, ...] = ("chunk", "head", "sentence", "question", "name")


def _contrast(**changed: Any) -> Trial:
    return Trial(recipe=Recipe(contrast=Contrast(**changed)))


TRIALS: Mapping[str, Trial] = {
    "as shipped": Trial(),
    "without the contrast": Trial(recipe=Recipe(contrast=None)),
    "without the contrast and whole words": Trial(recipe=Recipe(contrast=None, least=1 << 40)),
    "without the contrast, words of 3 texts": Trial(recipe=Recipe(contrast=None, least=3)),
    "without the contrast, words of 20 texts": Trial(recipe=Recipe(contrast=None, least=20)),
    "without the contrast, half of the texts": Trial(recipe=Recipe(contrast=None), share=0.5),
    "without the contrast, chunks and heads": Trial(recipe=Recipe(contrast=None), kinds=("chunk", "head")),
    "two epochs": _contrast(epochs=2),
    "temperature 0.05": _contrast(temperature=0.05),
    "temperature 0.2": _contrast(temperature=0.2),
    "twice the rate": _contrast(rate=2e-3),
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
    texts = training_texts(read_corpus(), Path(), arguments.work)
    known = taught([text.text for text in texts], arguments.work / "vectors", vocabulary=len(vocabulary))
    kind_of = {text.text: text.kind for text in texts}
    kinds = np.array([kind_of[text] for text in known.texts])
    targets = known.vectors @ basis
    figures: dict[str, Any] = {"texts": len(kinds)}
    for name in arguments.only:
        trial = TRIALS[name]
        chosen = np.flatnonzero(np.isin(kinds[: round(trial.share * len(kinds))], trial.kinds))
        own = [known.texts[place] for place in chosen]
        whole = whole_words(own, pieces, trial.recipe.least)
        words = WordPieces(vocabulary, whole)
        cuts = [*([number] for number in range(len(vocabulary))), *(pieces.cut(word) for word in whole)]
        alone = vectors_alone(cuts, vocabulary.index("[CLS]"), vocabulary.index("[SEP]"))
        prior = prior_rows(known, alone, cuts, trial.recipe) @ basis
        rows = fit_table(count_matrix(own, words, len(cuts)), targets[chosen], prior, trial.recipe)
        figures[name] = {
            f"{key}, {dims} dims": _ask(indexes, _encoder(rows[:, :dims], words, trial.recipe.power), basis[:, :dims])
            for key, indexes in asked.items()
            for dims in DIMS
        }
        print(f"{name} ({len(chosen)} texts, {len(whole)} whole words): {figures[name]}", flush=True)
    write_result("static_encoder", "python -m benchmarks.static_encoder WORK CODE_SEARCH REPOS COSQA", figures)


def _encoder(rows: Float, pieces: WordPieces, power: float) -> Callable[[Sequence[str]], Float]:
    def encode(texts: Sequence[str]) -> Float:
        counts = count_matrix(texts, pieces, len(rows))
        counts.data **= np.float32(power)
        return _unit(np.asarray(counts @ rows))

    return encode


def _ask(indexes: Sequence[Asked], encode: Callable[[Sequence[str]], Float], basis: Float) -> dict[str, float]:
    """Return the mean NDCG@10 with the transformer's queries and with static ones."""
    found: dict[str, list[float]] = {"transformer": [], "static": []}
    for asked in indexes:
        chunks = encode(asked.texts)
        by_transformer = _unit(np.array(asked.vectors, dtype=np.float32) @ basis)
        for name, vectors in (("transformer", by_transformer), ("static", encode(asked.queries))):
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
