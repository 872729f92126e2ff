"""A table distilled from a model on a user's own repository, judged by questions about other code.

    python -m benchmarks.distil REPOSITORY COSQA

The model is all-MiniLM-L6-v2 in float32, in a folder as an exporter leaves it and pulled from there: to this program a
model like any other, without a table. COSQA is the folder of the set (benchmarks.retrieval). The figure is NDCG@10 by
vectors alone, unreduced: every function of the corpus encoded whole, ordered by its cosine with the question.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import CACHE
from benchmarks.measure import run, write_result
from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import find_encoder, find_static, find_table
from indexer.stages.embed import embed
from indexer.types import Encoder
from pipelines.models.distil import distil
from pipelines.models.pull import pull

TEXTS = 6_000
NAME = "minilm-float"


def main() -> None:
    """Export, pull, distil, judge, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("cosqa", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        exported, models = Path(temporary) / "exported", Path(temporary) / "models"
        export: list[str | Path] = [sys.executable, "-m", "pipelines.export_model", "--variant", "fp32"]
        run([*export, "--out", exported, "--packages", CACHE / "packages"])
        pull(NAME, models, source=exported)
        options = EncoderOptions(name=NAME, models=str(models))
        made = distil(Config(encoder=options), [arguments.repository], most_texts=TEXTS)
        model = find_encoder(options)
        table, bundled = find_table(model), find_static(EncoderOptions())
        assert table is not None and bundled is not None
        whole, fast = model.load(threads=0, light=False), table.load(threads=0, light=True)
        documents, questions, relevant = read_cosqa(arguments.cosqa)
        asked = whole.encode(questions, role="query")
        tables = {"own table": fast, "bundled table": bundled.load(threads=0, light=True)}
        figures: dict[str, Any] = {
            "repository": arguments.repository.name,
            "texts": made.texts,
            "rows": made.rows,
            "cosine_held_out": made.cosine,
            "seconds": made.seconds,
            "ndcg": {
                "model": ndcg(vectors(documents, whole), asked, relevant),
                **{
                    f"{name}, questions by the model": ndcg(vectors(documents, own), asked, relevant)
                    for name, own in tables.items()
                },
                **{
                    name: ndcg(vectors(documents, own), own.encode(questions, role="query"), relevant)
                    for name, own in tables.items()
                },
            },
        }
    print(write_result("distil", "python -m benchmarks.distil REPOSITORY COSQA", figures), figures)


def vectors(texts: list[str], encoder: Encoder) -> NDArray[np.float32]:
    """Return float32[n, dims]."""
    return embed(texts, encoder)


def read_cosqa(folder: Path) -> tuple[list[str], list[str], list[set[int]]]:
    """Return the functions, the questions, and for each question which functions answer it."""

    def lines(name: str) -> list[dict[str, str]]:
        return [msgspec.json.decode(line) for line in (folder / name).read_text("utf-8").splitlines() if line]

    corpus, queries = lines("corpus.jsonl"), lines("queries.jsonl")
    places = {own["_id"]: place for place, own in enumerate(corpus)}
    relevant: dict[str, set[int]] = {own["_id"]: set() for own in queries}
    for row in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, score = row.split("\t")
        if float(score) > 0 and query in relevant:
            relevant[query].add(places[document])
    return [own["text"] for own in corpus], [own["text"] for own in queries], list(relevant.values())


def ndcg(documents: NDArray[np.float32], questions: NDArray[np.float32], relevant: list[set[int]]) -> float:
    """Return the mean NDCG@10 with binary gains."""
    gains = 1 / np.log2(np.arange(2, 12))
    scores = questions @ documents.T
    found = []
    for row, wanted in zip(scores, relevant, strict=True):
        first = np.argsort(-row, kind="stable")[:10]
        hit = np.isin(first, list(wanted))
        found.append(float(gains[hit].sum() / gains[: min(10, len(wanted))].sum()))
    return float(np.mean(found))


if __name__ == "__main__":
    main()
