"""Fits the ranker's weights on queries with known answers, and says how good they are on repositories not fitted on.

    python -m benchmarks.train_ranker CODE_SEARCH REPOS COSQA WEAK [--encoders NAME ...] [--indexes DIR] [--boosted]
        [--write]

CODE_SEARCH, REPOS and COSQA are the folders of benchmarks.retrieval's sets, WEAK that of benchmarks.weak_questions,
whose questions count little. Repositories of the first and of the last are held out in turn; on the second, a folder of
single functions asked for in the words of web searches, only the weights of IN_SMALL are fitted, once the others are
known. Each question is asked of the vectors of every one of --encoders, the weak ones of the first's. With --boosted
gradient-boosted trees are tried on the same folds. The figures are written to results/; with --write the weights fitted
on everything replace indexer/search/ranker.json. What was tried is in ranking.md.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

import indexer
from benchmarks.evaluation_sets import EvaluationSet, code_search, cosqa
from benchmarks.measure import write_result
from benchmarks.retrieval import evidence_of
from indexer.config import Config, EncoderOptions
from indexer.search import ranking
from indexer.search.features import features
from pipelines.build import build

Float = NDArray[np.float64]

PENALTY = 10.0
"""The L2 penalty on weights of features of unit variance, beside a likelihood in which each repository weighs 20."""
IN_SMALL_PENALTY = 1.0
"""The same for the weights of IN_SMALL, which only the functions tell."""
REPOSITORY_WEIGHT = 20.0
WEAK_WEIGHT = 1.0
"""What a repository's commits weigh, and what its comments weigh: more of either costs real questions."""
NEWTON_STEPS = 30
FOLDS = 5
IN_SMALL = ("nearest_in_small", "words_in_small", "size_in_small")
"""Features for folders whose files are small."""
FUNCTION_FOLDERS = 22
"""As so many repositories the functions weigh, as many as there are: fewer, and the penalty outweighs them."""
SEEDS = 5
DEPTH = 10
BY_HAND = {
    "path_match": 4.0,
    "prose": -1.5,
    "data": -3.0,
    "compatibility": -1.05,
}
"""Weights that training can't see or sees too little of: no question names a file, few repositories hold documents,
and commits mend old code that nobody asks for."""
BOOSTED = ((50, 4), (100, 4), (200, 8))
"""Trees and leaves of the gradient-boosted models that are tried."""
RANKER = Path(ranking.__file__).with_name("ranker.json")


@dataclass(frozen=True, slots=True)
class Case:
    """One query: its repository, the candidates' features, float64[files, features], and which are right.

    `relevant` counts the files that answer it, found or not; `weight` is that of all queries of its repository.
    """

    repository: str
    matrix: Float
    right: NDArray[np.bool_]
    relevant: int
    weight: float = REPOSITORY_WEIGHT


Score = Callable[[Float], Float]
Fit = Callable[[Sequence[Case]], Score]


def main() -> None:
    """Gather the cases, cross-validate, fit, and print or write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train_ranker", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("code_search", type=Path)
    parser.add_argument("repos", type=Path)
    parser.add_argument("cosqa", type=Path)
    parser.add_argument("weak", type=Path)
    parser.add_argument(
        "--encoders", nargs="+", default=["static", "minilm"], help="what indexes are made with, and queries encoded"
    )
    parser.add_argument("--indexes", type=Path, default=Path("build/ranker-indexes"))
    parser.add_argument("--cache", type=Path, help="embeddings kept between runs")
    parser.add_argument("--boosted", action="store_true", help="also try gradient-boosted trees")
    parser.add_argument("--write", action="store_true", help="replace indexer/search/ranker.json")
    arguments = parser.parse_args()
    configs = [Config(encoder=EncoderOptions(name=name)) for name in arguments.encoders]
    names: list[str] = []

    def asked(evaluation: EvaluationSet) -> list[Case]:
        return [
            case
            for config in configs
            for case in gather(evaluation, arguments.indexes / config.encoder.name, config, names, arguments.cache)
        ]

    repositories = code_search(arguments.code_search, arguments.repos)
    snippets = cosqa(arguments.cosqa, arguments.indexes / "corpora")
    cases = asked(repositories)
    functions = [
        replace(case, repository=f"functions {number % FUNCTION_FOLDERS}")
        for number, case in enumerate(asked(snippets))
    ]
    weak = list(gather_weak(arguments.weak, arguments.indexes, configs[0], names, arguments.cache))
    print(
        f"{len(cases)} queries of repositories, {len(functions)} of functions, {len(weak)} weak, {len(names)} features"
    )
    models: dict[str, Fit] = {
        "linear": lambda own: _linear(fit_both(own, functions, names)),
        "linear, with weak questions": lambda own: _linear(fit_both([*own, *weak], functions, names)),
    }
    if arguments.boosted:
        models |= {f"boosted, {trees} trees of {leaves} leaves": _boosted(trees, leaves) for trees, leaves in BOOSTED}
    figures = {name: _judge(cases, functions, model) for name, model in models.items()}
    for group in sorted({_kind(case) for case in weak}):
        own = [case for case in weak if _kind(case) == group]
        rest = [case for case in weak if _kind(case) != group]
        figures["linear"][f"{group}, not fitted on"] = round(evaluate(own, models["linear"](cases)), 4)
        beside = _beside([*cases, *rest], functions, names)
        figures["linear, with weak questions"][f"{group}, folds"] = round(cross_validate(own, beside, seed=0), 4)
    flags = f" --encoders {' '.join(arguments.encoders)}" + (" --boosted" if arguments.boosted else "")
    write_result("ranker", f"python -m benchmarks.train_ranker CODE_SEARCH REPOS COSQA WEAK{flags}", figures)
    fitted = fit_both([*cases, *weak], functions, names)
    weights = {name: float(weight) for name, weight in zip(names, fitted, strict=True)} | BY_HAND
    trained_on = (
        f"{len(cases) // len(configs)} queries over {len(repositories.questions)} repositories and "
        f"{len(functions) // len(configs)} over single functions, each asked of vectors of "
        f"{' and '.join(arguments.encoders)}, and by {WEAK_WEIGHT / REPOSITORY_WEIGHT:g} {len(weak)} of commits and "
        f"comments, L2 penalties {PENALTY:g} and {IN_SMALL_PENALTY:g}; by hand: {', '.join(BY_HAND)}"
    )
    model = ranking.Model(trained_on, {name: round(weight, 4) for name, weight in weights.items()})
    ranker = msgspec.structs.replace(ranking.shipped_ranker(), files=model)
    encoded = msgspec.json.format(msgspec.json.encode(ranker), indent=1) + b"\n"
    if arguments.write:
        RANKER.write_bytes(encoded)
    else:
        print(encoded.decode())


def gather(
    evaluation: EvaluationSet, indexes: Path, config: Config, names: list[str], cache: Path | None = None
) -> Iterator[Case]:
    """Yield a case for each question; `names` is filled with the features' names, in the order of the columns."""
    for name, questions in sorted(evaluation.questions.items()):
        build(evaluation.roots[name], config=config, index_dir=indexes / name, cache_dir=cache)
        prefix = evaluation.prefixes[name]
        with indexer.open(indexes / name, options=config.encoder) as index:
            for question in questions:
                evidence = evidence_of(index, question.text)
                paths = [f"{prefix}/{path}" if prefix else path for path in evidence.scores.paths]
                if paths:
                    names[:], matrix = features(evidence)
                    targets = {target["path"] for target in question.targets}
                    yield Case(name, matrix, np.array([path in targets for path in paths]), len(targets))


def gather_weak(
    folder: Path, indexes: Path, config: Config, names: list[str], cache: Path | None = None
) -> Iterator[Case]:
    """Yield a case for each weak question; a repository's commits and its comments count as two repositories."""
    evaluation = code_search(folder, folder / "repos")
    for group in ("commit", "doc"):
        own = {
            name: [question for question in questions if question.group == group]
            for name, questions in evaluation.questions.items()
        }
        for case in gather(replace(evaluation, questions=own), indexes / "weak", config, names, cache):
            yield replace(case, repository=f"{group} {case.repository}", weight=WEAK_WEIGHT)


def _kind(case: Case) -> str:
    return case.repository.partition(" ")[0]


def fit(cases: Sequence[Case], *, held: Float, penalty: float = PENALTY) -> Float:
    """Return the weights, float64[features], that make right files likely among the wrong ones of their query.

    Each right file is a choice against all wrong ones (conditional logit); repositories weigh the same, and so do a
    repository's queries. `held` has the weights that are given, and NaN for those to find. Newton's method; the problem
    is convex.
    """
    free = np.isnan(held)
    choices, real, shares = _choices(cases)
    scale = choices[real][:, free].std(axis=0) + 1e-6
    given, rows = choices[:, :, ~free] @ held[~free], choices[:, :, free] / scale

    def loss(weights: Float) -> tuple[float, Float]:
        utilities = np.where(real, rows @ weights + given, -np.inf)
        likelihood = np.exp(utilities - utilities.max(axis=1, keepdims=True))
        likelihood /= likelihood.sum(axis=1, keepdims=True)
        return penalty / 2 * float(weights @ weights) - float(shares @ np.log(likelihood[:, 0])), likelihood

    weights = np.zeros(len(scale))
    for _ in range(NEWTON_STEPS):
        before, likelihood = loss(weights)
        mean = np.einsum("cr,crf->cf", likelihood, rows)
        spread = (rows * np.sqrt(likelihood * shares[:, None])[:, :, None]).reshape(-1, len(scale))
        centre = mean * np.sqrt(shares)[:, None]
        gradient = penalty * weights + shares @ (mean - rows[:, 0])
        hessian = penalty * np.eye(len(scale)) + spread.T @ spread - centre.T @ centre
        step, length = np.linalg.solve(hessian, gradient), 1.0
        while loss(weights - length * step)[0] > before and length > 1e-3:
            length /= 2
        weights = weights - length * step
        if np.abs(step).max() < 1e-4:
            break
    fitted = held.copy()
    fitted[free] = weights / scale
    return fitted


def _choices(cases: Sequence[Case]) -> tuple[Float, NDArray[np.bool_], Float]:
    """Return each right file, first, beside the wrong ones of its query, float64[choices, files, features], which rows
    are files and not padding, bool[choices, files], and what each choice weighs, float64[choices]."""
    size = Counter(case.repository for case in cases)
    found = [(case, int(place)) for case in cases for place in np.flatnonzero(case.right)]
    most = max(len(case.right) for case, _ in found)
    choices = np.zeros((len(found), most, found[0][0].matrix.shape[1]))
    real = np.zeros((len(found), most), np.bool_)
    for number, (case, place) in enumerate(found):
        own = np.vstack([case.matrix[place], case.matrix[~case.right]])
        choices[number, : len(own)] = own
        real[number, : len(own)] = True
    shares = [case.weight / size[case.repository] / int(case.right.sum()) for case, _ in found]
    return choices, real, np.array(shares)


def fit_both(cases: Sequence[Case], functions: Sequence[Case], names: Sequence[str]) -> Float:
    """Return the weights fitted on repositories, and after them those of IN_SMALL on single functions."""
    small = np.isin(names, IN_SMALL)
    weights = fit(cases, held=np.where(small, 0.0, np.nan))
    return fit(functions, held=np.where(small, np.nan, weights), penalty=IN_SMALL_PENALTY)


def _judge(cases: Sequence[Case], functions: Sequence[Case], model: Fit) -> dict[str, float]:
    """Return NDCG@10 on folds of repositories, its deviation over splits, and that on what it was fitted on."""
    means = [cross_validate(cases, model, seed=seed) for seed in range(SEEDS)]
    score = model(cases)
    figures = {"folds": float(np.mean(means)), "deviation": float(np.std(means)), "own": evaluate(cases, score)}
    return {name: round(value, 4) for name, value in {**figures, "own functions": evaluate(functions, score)}.items()}


def _beside(cases: Sequence[Case], functions: Sequence[Case], names: Sequence[str]) -> Fit:
    """Return what fits a linear model to other cases and to these."""
    return lambda own: _linear(fit_both([*cases, *own], functions, names))


def _linear(weights: Float) -> Score:
    return lambda matrix: matrix @ weights


def _boosted(trees: int, leaves: int) -> Fit:
    """Return what fits trees to tell right files from wrong ones, a query's right and wrong ones weighing the same."""

    def fitted(cases: Sequence[Case]) -> Score:
        size = Counter(case.repository for case in cases)
        shares = [
            np.where(case.right, 1 / max(1, case.right.sum()), 1 / max(1, (~case.right).sum())) / size[case.repository]
            for case in cases
        ]
        model = HistGradientBoostingClassifier(max_iter=trees, max_leaf_nodes=leaves, random_state=0)
        weights = np.concatenate(shares)
        model.fit(
            np.vstack([case.matrix for case in cases]),
            np.concatenate([case.right for case in cases]),
            sample_weight=weights * len(weights) / weights.sum(),
        )
        return lambda matrix: np.asarray(model.decision_function(matrix))

    return fitted


def evaluate(cases: Sequence[Case], score: Score) -> float:
    """Return NDCG@10, the mean over repositories of each one's mean over queries."""
    scores: dict[str, list[float]] = {}
    for case in cases:
        order = np.argsort(-score(case.matrix), kind="stable")[:DEPTH]
        gain = sum(1 / math.log2(place + 2) for place, row in enumerate(order) if case.right[row])
        ideal = sum(1 / math.log2(place + 2) for place in range(min(DEPTH, case.relevant)))
        scores.setdefault(case.repository, []).append(gain / ideal)
    return float(np.mean([np.mean(values) for values in scores.values()]))


def cross_validate(cases: Sequence[Case], model: Fit, *, seed: int) -> float:
    """Return NDCG@10 when each fifth of the repositories is ranked by what was fitted on the others."""
    repositories = sorted({case.repository for case in cases})
    order = np.random.default_rng(seed).permutation(len(repositories))
    total = 0.0
    for fold in range(FOLDS):
        held_out = {repositories[place] for place in order[fold::FOLDS]}
        if held_out:
            score = model([case for case in cases if case.repository not in held_out])
            total += len(held_out) * evaluate([case for case in cases if case.repository in held_out], score)
    return total / len(repositories)


if __name__ == "__main__":
    main()
