"""The sets of questions with known answers that retrieval is measured with, and how an answer is scored."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

DEPTH = 10


class Located(Protocol):
    """A place in a file: a hit, or a chunk."""

    @property
    def path(self) -> str: ...
    @property
    def start_line(self) -> int: ...
    @property
    def end_line(self) -> int: ...


Answer = Sequence[Located]


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


def _score_files(question: Question, hits: Answer, prefix: str) -> dict[str, float]:
    """Return NDCG@10 with binary gains, over hits and over distinct files, the reciprocal rank, and recall."""
    results = [located(hit, prefix) for hit in hits[:DEPTH]]
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


def located(hit: Located, prefix: str = "") -> dict[str, Any]:
    path = f"{prefix}/{hit.path}" if prefix else hit.path
    return {"path": path, "start_line": hit.start_line, "end_line": hit.end_line}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line]
