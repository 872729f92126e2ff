"""Fits the weights by which chunks of a file are chosen, and says how often the first is the right one.

    python -m benchmarks.train_passages [--work DIR] [--write]

The questions are the first sentences of docstrings, asked of copies of the standard library's modules in which no
function or class has a docstring; the answer is the function or class. `named` stays by hand, since such sentences
seldom write a symbol's name. Files are held out in turn. The figures are written to results/; with --write the weights
replace those of passages in indexer/search/ranker.json.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

import indexer
from benchmarks.inputs import standard_library
from benchmarks.measure import write_result
from benchmarks.retrieval import evidence_of
from benchmarks.train_ranker import RANKER
from indexer.config import Config
from indexer.index import Index
from indexer.search.features import alike
from indexer.search.passages import NAME_FEATURES, chunk_features, name_features
from indexer.search.ranking import Model, shipped_ranker
from pipelines.build import build

SIZE = 3_000_000
"""Bytes of source, about 110 modules."""
MIN_WORDS = 4
PENALTY = 1.0
FOLDS = 5
NAMES = ("words", "meaning", *NAME_FEATURES)
BY_HAND = {"named": 8.0}

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """One question to a file: the features of its chunks, float64[chunks, features], and which are right."""

    file: str
    matrix: Float
    right: NDArray[np.bool_]


def main() -> None:
    """Copy, index, ask, fit, and print or write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_passages", description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("build/passages"))
    parser.add_argument("--write", action="store_true", help="replace the weights in indexer/search/ranker.json")
    arguments = parser.parse_args()
    root, questions = arguments.work / "modules", []
    for path, text in sorted(_modules(standard_library("passages", size=SIZE))):
        bare, asked = without_docstrings(text)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(bare, encoding="utf-8")
        questions += [(path.as_posix(), name, sentence) for name, sentence in asked]
    build(root, config=Config())
    with indexer.open(root) as index:
        cases = [case for question in questions if (case := gather(index, *question)) is not None]
    weights = fit(cases)
    modules = len({case.file for case in cases})
    figures = {
        "questions": float(len(cases)),
        "files": float(modules),
        "first, folds of files": cross_validate(cases),
        "first, shipped weights": first_share(cases, _vector(shipped_ranker().passages.weights)),
        "first, words and meaning": first_share(cases, _vector({"words": 2.9, "meaning": 12.5})),
    }
    write_result("passages", "python -m benchmarks.train_passages", figures)
    model = Model(
        trained_on=f"{len(cases)} docstring sentences over {modules} modules of the standard library, "
        f"L2 penalty {PENALTY:g}; by hand: {', '.join(BY_HAND)}",
        weights={name: round(float(weight), 2) for name, weight in zip(NAMES, weights, strict=True)} | BY_HAND,
    )
    ranker = msgspec.structs.replace(shipped_ranker(), passages=model)
    encoded = msgspec.json.format(msgspec.json.encode(ranker), indent=1) + b"\n"
    if arguments.write:
        RANKER.write_bytes(encoded)
    else:
        print(encoded.decode())


def without_docstrings(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a module without the docstrings of its functions and classes, and their names with first sentences."""
    tree, asked = ast.parse(text), []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        doc = ast.get_docstring(node)
        if doc is None:
            continue
        sentence = " ".join(doc.split("\n\n")[0].split()).split(". ")[0]
        if len(sentence.split()) >= MIN_WORDS:
            asked.append((node.name, sentence))
        node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree), asked


def gather(index: Index, path: str, name: str, sentence: str) -> Case | None:
    """Return the chunks of one file as a question sees them, or None when the right one is not among them."""
    evidence = evidence_of(index, sentence)
    scores, query = evidence.scores, evidence.asked.query
    if path not in scores.paths:
        return None
    own = np.flatnonzero(scores.file_of == scores.paths.index(path))
    known = chunk_features(evidence)
    stored = index.generation.text.documents(scores.ids[own].tolist())
    find, shares = alike(tuple(query.words)), evidence.rarity
    rows, right = [], []
    for at in own.tolist():
        chunk = stored[int(scores.ids[at])]
        row = {
            "words": known["words"][at],
            "meaning": known["meaning"][at],
            **dict(zip(NAME_FEATURES, name_features(query, shares, find, chunk), strict=True)),
        }
        rows.append(_vector(row))
        right.append(chunk.name == name)
    return Case(path, np.array(rows), np.array(right)) if any(right) and not all(right) else None


def fit(cases: Sequence[Case]) -> Float:
    """Return the weights that make a right chunk likely among the chunks of its file, float64[features]."""
    scale = np.vstack([case.matrix for case in cases]).std(axis=0) + 1e-6

    def loss(weights: Float) -> tuple[float, Float]:
        total, gradient = PENALTY / 2 * float(weights @ weights), PENALTY * weights
        for case in cases:
            rows = case.matrix / scale
            utilities = rows @ weights
            likelihood = np.exp(utilities - utilities.max())
            likelihood /= likelihood.sum()
            mine = np.where(case.right, likelihood, 0.0)
            share = mine.sum()
            total -= float(np.log(share))
            gradient = gradient - (mine / share - likelihood) @ rows
        return total, gradient

    found = minimize(loss, np.zeros(len(NAMES)), jac=True, method="L-BFGS-B")
    weights: Float = found.x / scale
    return weights


def first_share(cases: Sequence[Case], weights: Float) -> float:
    """Return how often the chunk that comes first is a right one."""
    return round(float(np.mean([case.right[np.argmax(case.matrix @ weights)] for case in cases])), 4)


def cross_validate(cases: Sequence[Case]) -> float:
    """Return how often the first chunk is right in files that the weights were not fitted on."""
    files = np.random.default_rng(0).permutation(sorted({case.file for case in cases}))
    total = 0.0
    for fold in range(FOLDS):
        held_out = set(files[fold::FOLDS].tolist())
        kept = [case for case in cases if case.file not in held_out]
        left = [case for case in cases if case.file in held_out]
        total += first_share(left, fit(kept)) * len(left)
    return round(total / len(cases), 4)


def _vector(values: dict[str, float]) -> Float:
    return np.array([values.get(name, 0.0) for name in NAMES])


def _modules(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in folder.rglob("*.py"):
        yield path.relative_to(folder), path.read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
