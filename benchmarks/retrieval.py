"""How well search finds what is asked for, through the public API, and what each part of it adds.

    python -m benchmarks.retrieval code_search         EVAL REPOS [--ablation] [--projections] [--run FILE]
    python -m benchmarks.retrieval issue_localisation  EVAL REPOS
    python -m benchmarks.retrieval cosqa               EVAL

With --encoder static indexes hold static vectors; with --queries minilm the transformer, which shares their space, asks
them.

EVAL is the folder of the set: for code_search queries.jsonl ({"id", "repo", "query", "relevant": [{"path",
"start_line", "end_line"}]}) and repos.json ([{"name", "benchmark_root"}]); for issue_localisation instances.jsonl
({"id", "query", "gold_files"}); for cosqa corpus.jsonl, queries.jsonl ({"_id", "text"}) and qrels.tsv. REPOS holds one
checkout a repository or instance, by name. Indexes are made in --indexes and kept. --run writes what was found, one
JSON line a query: {"id", "results": [{"path", "start_line", "end_line"}]}.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

import indexer
from benchmarks.evaluation_sets import DEPTH, SETS, Answer, EvaluationSet, Located, located
from benchmarks.measure import write_result
from indexer.config import Config, EncoderOptions, ProjectionOptions
from indexer.encoders.registry import VARIANTS, find_encoder
from indexer.index import Index
from indexer.search.features import Evidence
from indexer.search.fusion import leading_files
from indexer.search.query import read_query
from indexer.search.ranking import Model, Ranker, rank, shipped_ranker
from indexer.search.searcher import CANDIDATE_FILES, Searcher
from indexer.search.space import GenerationSpace
from indexer.types import Encoder, EncoderIdentity, PreparedTexts, Role
from pipelines.build import build

GROUPS: Mapping[str, Sequence[str]] = {
    "file and folder names": ("stem_prefix", "stem_exact", "folder_coverage"),
    "definitions": ("definition",),
    "tests, compatibility, prose": ("test", "compatibility", "prose"),
    "size and depth": ("size", "depth"),
    "centroids": ("centroid",),
    "nearest chunks": ("cosine_best",),
    "coverage": ("file_coverage",),
}
"""Features that are left out together in the ablation."""
PROJECTIONS = {
    "384 dims": ProjectionOptions(mode="none"),
    "bundled 128": ProjectionOptions(dims=128),
    "bundled 64": ProjectionOptions(dims=64),
    "fit 128": ProjectionOptions(mode="fit", dims=128),
    "fit 64": ProjectionOptions(mode="fit", dims=64),
    "fit 128 centred": ProjectionOptions(mode="fit", dims=128, centered=True),
}

Search = Callable[[Index, str], Answer]


def main() -> None:
    """Build what is missing, ask, print the figures, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("eval", type=Path)
    parser.add_argument("repos", type=Path, nargs="?", default=Path("build/retrieval-corpora"))
    parser.add_argument("--indexes", type=Path, default=Path("build/retrieval-indexes"))
    parser.add_argument(
        "--cache", type=Path, default=Path("build/retrieval-cache"), help="embeddings kept between runs"
    )
    parser.add_argument("--encoder", default="minilm", choices=sorted(VARIANTS), help="what indexes are made with")
    parser.add_argument(
        "--queries", default="", choices=["", *VARIANTS], help="the encoder of queries; default: the same"
    )
    parser.add_argument("--encoder-path", default="", help="the encoder's folder; default: the bundled one")
    parser.add_argument("--ablation", action="store_true", help="also leave out each part in turn")
    parser.add_argument("--projections", action="store_true", help="also other projections; builds all indexes again")
    parser.add_argument("--run", type=Path, help="write what was found")
    arguments = parser.parse_args()
    evaluation = SETS[arguments.set](arguments.eval, arguments.repos)
    encoder = EncoderOptions(name=arguments.encoder, path=arguments.encoder_path)
    asked_by = EncoderOptions(name=arguments.queries)
    asking = find_encoder(asked_by).load(threads=0, light=True) if arguments.queries else None
    config = Config(encoder=encoder)
    figures: dict[str, Any] = {}

    def measure(name: str, search: Search, *, made_with: Config = config, folder: str = "default") -> None:
        indexes = arguments.indexes / arguments.set / arguments.encoder / folder
        _build(evaluation, indexes, made_with, arguments.cache)
        run = arguments.run if name == "hybrid" else None
        figures[name] = ask(evaluation, indexes, made_with, search, run, asking)
        print(f"{name}: {figures[name]['all']}", flush=True)

    measure("hybrid", lambda index, text: index.search(text, k=DEPTH).hits)
    if arguments.ablation:
        for name, search in _ablations():
            measure(name, search)
    if arguments.projections:
        for name, projection in PROJECTIONS.items():
            made_with = Config(encoder=encoder, projection=projection)
            folder = name.replace(" ", "-")
            measure(f"{name}, hybrid", lambda i, text: i.search(text, k=DEPTH).hits, made_with=made_with, folder=folder)
            measure(
                f"{name}, vector",
                lambda i, text: i.search(text, k=DEPTH, mode="vector").hits,
                made_with=made_with,
                folder=folder,
            )
    by = f"_{arguments.encoder}_{arguments.queries or arguments.encoder}" if arguments.encoder != "minilm" else ""
    flags = f" --encoder {arguments.encoder} --queries {arguments.queries or arguments.encoder}" if by else ""
    flags += "".join(f" --{name}" for name in ("ablation", "projections") if getattr(arguments, name))
    command = f"python -m benchmarks.retrieval {arguments.set} EVAL REPOS{flags}"
    write_result(f"retrieval_{arguments.set}{by}", command, figures)


def ask(
    evaluation: EvaluationSet,
    indexes: Path,
    config: Config,
    search: Search,
    run: Path | None = None,
    asking: Encoder | None = None,
) -> dict[str, Any]:
    """Ask every question and return the figures: means over indexes of each one's mean, by group, and latencies.

    `asking` encodes the questions in place of the encoder that made the index. Latencies are of warm searches, in
    milliseconds, with the encoder's part of them apart.
    """
    scored: dict[str, list[tuple[str, dict[str, float]]]] = {}
    times: list[float] = []
    encoding: list[float] = []
    lines: list[bytes] = []
    for name, questions in evaluation.questions.items():
        prefix = evaluation.prefixes[name]
        with indexer.open(indexes / name, encoder=in_place_of(asking, config), options=config.encoder) as index:
            search(index, questions[0].text)
            for question in questions:
                start = time.perf_counter()
                index.encode(question.text[:2000])
                middle = time.perf_counter()
                hits = search(index, question.text)
                encoding.append((middle - start) * 1e3)
                times.append((time.perf_counter() - middle) * 1e3)
                figures = evaluation.score(question, hits, prefix)
                scored.setdefault(name, []).append((question.group, figures))
                lines.append(
                    msgspec.json.encode({"id": question.id, "results": [located(hit, prefix) for hit in hits]})
                )
    if run is not None:
        run.write_bytes(b"\n".join(lines) + b"\n")
    groups = {group for rows in scored.values() for group, _ in rows if group}
    return {
        "all": _mean([_mean([figures for _, figures in rows]) for rows in scored.values()]),
        "by_index": {name: _mean([figures for _, figures in rows]) for name, rows in scored.items()}
        if len(scored) > 1
        else {},
        "by_group": {
            group: _mean([figures for rows in scored.values() for own, figures in rows if own == group])
            for group in sorted(groups)
        },
        "search_ms": dict(zip(("p50", "p99"), np.percentile(times, [50, 99]).tolist(), strict=True)),
        "encode_ms": dict(zip(("p50", "p99"), np.percentile(encoding, [50, 99]).tolist(), strict=True)),
    }


class _InPlaceOf:
    """An encoder that answers to the identity of another one, in whose space its vectors are."""

    def __init__(self, encoder: Encoder, identity: EncoderIdentity) -> None:
        self._encoder = encoder
        self.identity = identity

    def prepare(self, texts: Sequence[str], *, role: Role = "passage") -> PreparedTexts:
        return self._encoder.prepare(texts, role=role)

    def encode_prepared(self, prepared: PreparedTexts, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._encoder.encode_prepared(prepared, rows)

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        return self._encoder.encode(texts, role=role)


def in_place_of(encoder: Encoder | None, config: Config) -> Encoder | None:
    """Return the encoder of queries for an index of another one's vectors; None: the index's own."""
    return encoder and _InPlaceOf(encoder, find_encoder(config.encoder).identity)


def _ablations() -> Iterator[tuple[str, Search]]:
    """Yield the searches that leave something out, by name."""
    yield "text", lambda index, text: index.search(text, k=DEPTH, mode="text").hits
    yield "vector", lambda index, text: index.search(text, k=DEPTH, mode="vector").hits
    yield "BM25 alone", _with(_only("words_sum3"))
    yield "reciprocal ranks alone", _fused
    yield "one chunk a file", lambda index, text: _one_a_file(index.search(text, k=CANDIDATE_FILES).hits)[:DEPTH]
    weights = shipped_ranker().files.weights
    for name, group in GROUPS.items():
        if any(feature in weights for feature in group):
            kept = {feature: weight for feature, weight in weights.items() if feature not in group}
            yield f"without {name}", _with(_ranker(kept))


def _fused(index: Index, text: str) -> Answer:
    """Return the best chunk of each file, files in the order of reciprocal rank fusion."""
    evidence = evidence_of(index, text)
    leading = leading_files(evidence.found, evidence.asked.query, count=CANDIDATE_FILES)
    places = {path: place for place, (_, path) in enumerate(leading)}
    ranked = sorted(rank(evidence, shipped_ranker()), key=lambda file: places[file.path])[:DEPTH]
    chosen = [next(iter(file.chunks)) for file in ranked]
    documents = index.generation.text.documents(chosen)
    return [documents[chunk_id] for chunk_id in chosen]


def evidence_of(index: Index, text: str) -> Evidence:
    """Return what ranking knows of the candidates of a query."""
    query = read_query(text)
    vector = index.encode(query.embedded)
    return Searcher([GenerationSpace(index.generation)]).evidence(query, lambda: vector)


def _one_a_file(hits: Answer) -> Answer:
    first: dict[str, Located] = {}
    for hit in hits:
        first.setdefault(hit.path, hit)
    return list(first.values())


def _with(ranker: Ranker) -> Search:
    return lambda index, text: index.search(text, k=DEPTH, ranker=ranker).hits


def _only(*features: str) -> Ranker:
    return _ranker(dict.fromkeys(features, 1.0))


def _ranker(weights: dict[str, float]) -> Ranker:
    return msgspec.structs.replace(shipped_ranker(), files=Model(trained_on="an ablation", weights=weights))


def _build(evaluation: EvaluationSet, indexes: Path, config: Config, cache: Path) -> None:
    for name, root in evaluation.roots.items():
        build(root, config=config, index_dir=indexes / name, cache_dir=cache)


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}


if __name__ == "__main__":
    main()
