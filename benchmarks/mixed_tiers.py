"""How well a search finds while an upgrade is under way: 0, 25, 50, 75 and 100 % of the chunks have contextual vectors.

    python -m benchmarks.mixed_tiers code_search EVAL REPOS [--only NAME]...
    python -m benchmarks.mixed_tiers cosqa       EVAL

EVAL and REPOS are those of benchmarks.retrieval. Which chunks come first is drawn by the hashes of their ids, since the
order of a real upgrade (sources before tests) would test one kind of file after the other. The transformer encodes all
questions, or with --queries static the table does. An index is made with static vectors, and then upgraded share by
share, in --indexes; what the transformer computes is kept in --cache. `nearest` is the mean cosine of a question's 50
nearest chunks, as it is: that of the last share less that of the first is where the constants of
indexer.search.encoding.STATIC_OFFSETS come from.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

import indexer
from benchmarks.evaluation_sets import DEPTH, SETS, EvaluationSet
from benchmarks.measure import write_result
from benchmarks.retrieval import Search, ask
from indexer.config import BuildOptions, Config, EncoderOptions
from indexer.search.query import read_query
from indexer.stores.generation.staging import begin
from indexer.types import Tier
from pipelines.build import build
from pipelines.job import make_job
from pipelines.progress import Silence
from pipelines.quality.projection import choose_projection
from pipelines.vectors import make_vectorizer, open_cache

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
WINDOW = 1024
NEAREST = 50
SEARCHES: dict[str, Search] = {
    "hybrid": lambda index, text: index.search(text, k=DEPTH).hits,
    "vector": lambda index, text: index.search(text, k=DEPTH, mode="vector").hits,
}


def main() -> None:
    """Build, upgrade share by share, ask, print the figures, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("eval", type=Path)
    parser.add_argument("repos", type=Path, nargs="?", default=Path("build/retrieval-corpora"))
    parser.add_argument("--indexes", type=Path, default=Path("build/mixed-tiers"))
    parser.add_argument("--cache", type=Path, default=Path("build/retrieval-cache"))
    parser.add_argument("--queries", choices=("own", "static"), default="own", help="the encoder of questions")
    parser.add_argument("--only", action="append", default=[], help="one index of the set; may be repeated")
    arguments = parser.parse_args()
    evaluation = _limited(SETS[arguments.set](arguments.eval, arguments.repos), arguments.only)
    config = Config(build=BuildOptions(upgrade="never"), encoder=EncoderOptions(queries=arguments.queries))
    indexes = arguments.indexes / arguments.set
    for name, root in evaluation.roots.items():
        shutil.rmtree(indexes / name, ignore_errors=True)
        build(root, config=config, index_dir=indexes / name, source_kind="worktree")
    figures: dict[str, Any] = {"indexes": len(evaluation.roots)}
    for share in SHARES:
        for name, root in evaluation.roots.items():
            upgrade_share(root, indexes / name, config, share, cache_dir=arguments.cache)
        found = {mode: ask(evaluation, indexes, config, search) for mode, search in SEARCHES.items()}
        figures[f"{share:.0%}"] = {
            "nearest": nearest(evaluation, indexes, config),
            **{mode: {key: one[key] for key in ("all", "by_index")} for mode, one in found.items()},
        }
        print(
            f"{share:.0%}",
            figures[f"{share:.0%}"]["nearest"],
            {mode: one["all"] for mode, one in found.items()},
            flush=True,
        )
    only = "".join(f" --only {name}" for name in arguments.only)
    queries, by = (" --queries static", "_static") if arguments.queries == "static" else ("", "")
    command = f"python -m benchmarks.mixed_tiers {arguments.set} EVAL REPOS{queries}{only}"
    write_result(f"mixed_tiers_{arguments.set}{by}", command, figures)


def upgrade_share(root: Path, index_dir: Path, config: Config, share: float, *, cache_dir: Path) -> None:
    """Give that share of an index's chunks contextual vectors; those that had them keep them."""
    job = make_job(
        root,
        config,
        index_dir=index_dir,
        source_kind="worktree",
        full=False,
        cache_dir=cache_dir,
        wait_seconds=0.0,
        max_seconds=None,
        progress=Silence(),
    )
    with open_cache(config, cache_dir) as cache, begin(index_dir) as staging:
        base = staging.base
        assert base is not None
        static = [segment.number for segment in base.manifest.segments if segment.tier is Tier.STATIC]
        ids = [chunk_id for number in static for chunk_id in base.catalog.chunk_ids(segment=number)]
        chosen = [chunk_id for chunk_id in sorted(ids) if _place(chunk_id) < share]
        if not chosen:
            return
        vectorizer = make_vectorizer(job.encoder, config.encoder, cache=cache, clock=job.clock, progress=job.progress)
        projection = choose_projection(job.source, (), config, base, vectorizer)
        for start in range(0, len(chosen), WINDOW):
            documents = base.text.documents(chosen[start : start + WINDOW])
            chunks = [document.to_chunk() for document in documents.values()]
            staging.put_vectors(vectorizer.reduce(chunks, vectorizer.embed(chunks), projection))
        staging.commit(
            encoder=job.identity.encoder,
            projection=base.manifest.projection,
            made_with=job.identity.made_with,
            source=base.manifest.source,
            extra=base.manifest.extra,
        )


def nearest(evaluation: EvaluationSet, indexes: Path, config: Config) -> float:
    """Return the mean cosine of the NEAREST chunks of every question: the mean over indexes of each one's."""
    means = []
    for name, questions in evaluation.questions.items():
        with indexer.open(indexes / name, options=config.encoder) as index:
            vectors = [index.encode(read_query(question.text).embedded) for question in questions]
            found = [index.generation.nearest(vector, limit=NEAREST).similarities.mean() for vector in vectors]
            means.append(float(np.mean(found)))
    return float(np.mean(means))


def _place(chunk_id: int) -> float:
    return xxhash.xxh3_64_intdigest(chunk_id.to_bytes(8, "little")) / 2**64


def _limited(evaluation: EvaluationSet, only: list[str]) -> EvaluationSet:
    if not only:
        return evaluation
    return EvaluationSet(
        roots={name: evaluation.roots[name] for name in only},
        questions={name: evaluation.questions[name] for name in only},
        prefixes=evaluation.prefixes,
        score=evaluation.score,
    )


if __name__ == "__main__":
    main()
