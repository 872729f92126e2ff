"""How well search finds what is asked for, through the public API, and what each part of it adds.

    python -m benchmarks.retrieval code_search         EVAL REPOS [--ablation] [--projections] [--run FILE]
    python -m benchmarks.retrieval issue_localisation  EVAL REPOS
    python -m benchmarks.retrieval cosqa               EVAL

EVAL is the folder of the set: for code_search queries.jsonl ({"id", "repo", "query", "relevant": [{"path",
"start_line", "end_line"}]}) and repos.json ([{"name", "benchmark_root"}]); for issue_localisation instances.jsonl
({"id", "query", "gold_files"}); for cosqa corpus.jsonl, queries.jsonl ({"_id", "text"}) and qrels.tsv. REPOS holds one
checkout a repository or instance, by name. Indexes are made in --indexes and kept. --run writes what was found, one
JSON line a query: {"id", "results": [{"path", "start_line", "end_line"}]}.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import indexer
from benchmarks.measure import write_result
from indexer.config import Config, EncoderOptions, ProjectionOptions
from indexer.search.index import Index
from indexer.search.rank import Ranker, shipped_ranker
from indexer.types import Hit
from pipelines.build import build

DEPTH = 10
GROUPS: Mapping[str, Sequence[str]] = {
    "file and folder names": ("stem_prefix", "stem_exact", "folder_coverage"),
    "definitions": ("definition",),
    "tests, compatibility, prose": ("test", "compatibility", "prose"),
    "size and depth": ("size", "depth"),
    "centroids": ("centroid",),
    "nearest chunks": ("cosine_best",),
    "words that stand together": ("pairs",),
    "coverage": ("file_coverage",),
    "BM25 by field": ("doc_best", "body_best", "fields_sum3"),
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

Answer = Sequence[Hit]
Search = Callable[[Index, str], Answer]


@dataclass(frozen=True, slots=True)
class Question:
    """A query and what answers it: files, some with lines, as dicts with `path`, `start_line`, `end_line`."""

    id: str
    group: str
    text: str
    targets: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Questions by the index that they are asked of, the folder of each index, and the figures of an answer."""

    questions: Mapping[str, Sequence[Question]]
    roots: Mapping[str, Path]
    prefixes: Mapping[str, str]
    score: Callable[[Question, Answer, str], dict[str, float]]


def code_search(folder: Path, repos: Path) -> EvaluationSet:
    """Return the set of queries over repositories, answered by files."""
    rows = msgspec.json.decode((folder / "repos.json").read_bytes())
    prefixes = {row["name"]: row.get("benchmark_root") or "" for row in rows}
    questions: dict[str, list[Question]] = {}
    for row in _lines(folder / "queries.jsonl"):
        question = Question(row["id"], row.get("language", ""), row["query"], row["relevant"])
        questions.setdefault(row["repo"], []).append(question)
    roots = {name: repos / name / prefixes[name] for name in questions}
    return EvaluationSet(questions, roots, prefixes, _score_files)


def issue_localisation(folder: Path, repos: Path) -> EvaluationSet:
    """Return the set of issue texts, answered by the files that the fix edited."""
    questions = {
        row["id"]: [Question(row["id"], "", row["query"], [{"path": path} for path in row["gold_files"]])]
        for row in _lines(folder / "instances.jsonl")
    }
    roots = {name: repos / name for name in questions}
    return EvaluationSet(questions, roots, dict.fromkeys(questions, ""), _score_localisation)


def cosqa(folder: Path, repos: Path) -> EvaluationSet:
    """Return the set of web queries, answered by one function; each function becomes a file below `repos`."""
    root = repos / "cosqa"
    if not root.exists():
        root.mkdir(parents=True)
        for row in _lines(folder / "corpus.jsonl"):
            (root / f"{row['_id']}.py").write_text(row["text"], encoding="utf-8")
    texts = {row["_id"]: row["text"] for row in _lines(folder / "queries.jsonl")}
    with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
        pairs = [(row[0], row[1]) for row in list(csv.reader(file, delimiter="\t"))[1:]]
    questions = [Question(query, "", texts[query], [{"path": f"{document}.py"}]) for query, document in pairs]
    return EvaluationSet({"cosqa": questions}, {"cosqa": root}, {"cosqa": ""}, _score_files)


SETS = {"code_search": code_search, "issue_localisation": issue_localisation, "cosqa": cosqa}


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
    parser.add_argument("--encoder-path", default="", help="the encoder's folder; default: the bundled one")
    parser.add_argument("--ablation", action="store_true", help="also leave out each part in turn")
    parser.add_argument("--projections", action="store_true", help="also other projections; builds all indexes again")
    parser.add_argument("--run", type=Path, help="write what was found")
    arguments = parser.parse_args()
    evaluation = SETS[arguments.set](arguments.eval, arguments.repos)
    encoder = EncoderOptions(path=arguments.encoder_path)
    config = Config(encoder=encoder)
    figures: dict[str, Any] = {}

    def measure(name: str, search: Search, *, made_with: Config = config, folder: str = "default") -> None:
        indexes = arguments.indexes / arguments.set / folder
        _build(evaluation, indexes, made_with, arguments.cache)
        run = arguments.run if name == "hybrid" else None
        figures[name] = ask(evaluation, indexes, made_with, search, run)
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
    write_result(f"retrieval_{arguments.set}", f"python -m benchmarks.retrieval {arguments.set} …", figures)


def ask(
    evaluation: EvaluationSet, indexes: Path, config: Config, search: Search, run: Path | None = None
) -> dict[str, Any]:
    """Ask every question and return the figures: means over indexes of each one's mean, by group, and latencies.

    Latencies are of warm searches, in milliseconds, with the encoder's part of them apart.
    """
    scored: dict[str, list[tuple[str, dict[str, float]]]] = {}
    times: list[float] = []
    encoding: list[float] = []
    lines: list[bytes] = []
    for name, questions in evaluation.questions.items():
        with indexer.open(indexes / name, options=config.encoder) as index:
            search(index, questions[0].text)
            for question in questions:
                start = time.perf_counter()
                index.encode(question.text[:2000])
                middle = time.perf_counter()
                hits = search(index, question.text)
                encoding.append((middle - start) * 1e3)
                times.append((time.perf_counter() - middle) * 1e3)
                figures = evaluation.score(question, hits, evaluation.prefixes[name])
                scored.setdefault(name, []).append((question.group, figures))
                lines.append(msgspec.json.encode({"id": question.id, "results": [_result(hit) for hit in hits]}))
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


def _ablations() -> Iterator[tuple[str, Search]]:
    """Yield the searches that leave something out, by name."""
    yield "text", lambda index, text: index.search(text, k=DEPTH, mode="text").hits
    yield "vector", lambda index, text: index.search(text, k=DEPTH, mode="vector").hits
    yield "BM25 alone", _with(_only("text_sum3"))
    weights = shipped_ranker().weights
    for name, group in GROUPS.items():
        if any(feature in weights for feature in group):
            kept = {feature: weight for feature, weight in weights.items() if feature not in group}
            ranker = Ranker(format=shipped_ranker().format, trained_on="an ablation", weights=kept)
            yield f"without {name}", _with(ranker)


def _with(ranker: Ranker) -> Search:
    return lambda index, text: index.search(text, k=DEPTH, ranker=ranker).hits


def _only(*features: str) -> Ranker:
    return Ranker(format=shipped_ranker().format, trained_on="an ablation", weights=dict.fromkeys(features, 1.0))


def _build(evaluation: EvaluationSet, indexes: Path, config: Config, cache: Path) -> None:
    for name, root in evaluation.roots.items():
        build(root, config=config, index_dir=indexes / name, cache_dir=cache)


def _score_files(question: Question, hits: Answer, prefix: str) -> dict[str, float]:
    """Return NDCG@10 with binary gains, over hits and over distinct files, the reciprocal rank, and recall."""
    results = [_result(hit, prefix) for hit in hits[:DEPTH]]
    ranks = [_first(results, lambda result, t=target: _covers(result, t)) for target in question.targets]  # type: ignore[misc]
    files = list(dict.fromkeys(result["path"] for result in results))
    paths = [files.index(target["path"]) + 1 for target in question.targets if target["path"] in files]
    best = min(paths, default=0)
    return {
        f"ndcg@{DEPTH}": _ndcg({rank for rank in ranks if rank}, len(question.targets)),
        f"ndcg@{DEPTH}_distinct_files": _ndcg(set(paths), len(question.targets)),
        f"mrr@{DEPTH}": 1 / best if best else 0.0,
        "hit@1": float(best == 1),
        f"recall@{DEPTH}": len(paths) / len(question.targets),
    }


def _score_localisation(question: Question, hits: Answer, _prefix: str) -> dict[str, float]:
    """Return whether all files to edit are among the first 1, 3 and 5, and the reciprocal rank of the best."""
    files = list(dict.fromkeys(hit.path for hit in hits))
    wanted = [target["path"] for target in question.targets]
    best = min((files.index(path) + 1 for path in wanted if path in files), default=0)
    found = {f"acc@{k}": float(all(path in files[:k] for path in wanted)) for k in (1, 3, 5)}
    return {**found, "mrr": 1 / best if best else 0.0}


def _covers(result: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    if result["path"] != target["path"]:
        return False
    if target.get("start_line") is None:
        return True
    return bool(result["end_line"] >= target["start_line"] and result["start_line"] <= target["end_line"])


def _first(results: Sequence[Mapping[str, Any]], matches: Callable[[Mapping[str, Any]], bool]) -> int:
    return next((rank for rank, result in enumerate(results, 1) if matches(result)), 0)


def _ndcg(ranks: set[int], targets: int) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank in ranks)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(DEPTH, targets) + 1))


def _result(hit: Hit, prefix: str = "") -> dict[str, Any]:
    path = f"{prefix}/{hit.path}" if prefix else hit.path
    return {"path": path, "start_line": hit.start_line, "end_line": hit.end_line}


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line]


if __name__ == "__main__":
    main()
