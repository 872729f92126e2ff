"""A table distilled from a model on a user's own repository, judged by questions about it, and about other code.

    python -m benchmarks.distil REPOSITORY COSQA

The model is all-MiniLM-L6-v2 in float32, in a folder as an exporter leaves it and pulled from there: to this program a
model like any other, without a table. The figures are NDCG@10 by vectors alone,
unreduced. About the repository: the first sentence of a function's documentation asks for its chunk, whose text is
without it, among all chunks; half of what asks was read when the table was fitted. About other code: COSQA is the
folder of the set (benchmarks.retrieval), whose functions are encoded whole.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import CACHE
from benchmarks.measure import run, write_result
from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import find_encoder, find_static, find_table
from indexer.sources.worktree import Worktree
from indexer.stages.detect import detect
from indexer.stages.embed import embed
from indexer.types import Encoder, ParsedFile
from pipelines.models.distil import distil
from pipelines.models.pull import pull
from pipelines.parsing.pool import parse_files

TEXTS = 6_000
LEAST_WORDS = 4
MOST_QUESTIONS = 500

Questions = tuple[list[str], list[str], list[set[int]]]
"""What can be found, what is asked, and the places of what answers it."""

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
        tables = {"own table": fast, "bundled table": bundled.load(threads=0, light=True)}
        sets = {"own repository": documented(arguments.repository), "CoSQA": read_cosqa(arguments.cosqa)}
        figures: dict[str, Any] = {
            "repository": arguments.repository.name,
            "texts": made.texts,
            "rows": made.rows,
            "cosine_held_out": made.cosine,
            "seconds": made.seconds,
            "ndcg": {name: judged(own, whole, tables) for name, own in sets.items()},
        }
    print(write_result("distil", "python -m benchmarks.distil REPOSITORY COSQA", figures), figures)


def judged(own: Questions, model: Encoder, tables: Mapping[str, Encoder]) -> dict[str, float]:
    """Return NDCG@10 with the model on both sides, on that of the questions, and on neither."""
    documents, questions, relevant = own
    asked = model.encode(questions, role="query")
    figures = {"questions": float(len(questions)), "model": ndcg(embed(documents, model), asked, relevant)}
    for name, table in tables.items():
        vectors = embed(documents, table)
        figures[f"{name}, questions by the model"] = ndcg(vectors, asked, relevant)
        figures[name] = ndcg(vectors, table.encode(questions, role="query"), relevant)
    return figures


def documented(root: Path) -> Questions:
    """Return a repository's chunks, the first sentences of what documents some, and which chunk each is of."""
    config = Config()
    source = Worktree(root, config.walk)
    texts: list[str] = []
    questions: list[str] = []
    relevant: list[set[int]] = []
    for file in parse_files(source, detect(source, {}).added, config):
        for chunk in file.chunks if isinstance(file, ParsedFile) else ():
            sentence = " ".join(chunk.doc.split("\n\n")[0].split()).partition(". ")[0]
            if (
                chunk.kind in ("function", "method")
                and len(sentence.split()) >= LEAST_WORDS
                and len(questions) < MOST_QUESTIONS
            ):
                questions.append(sentence)
                relevant.append({len(texts)})
                said = {line.strip() for line in chunk.doc.split("\n")}
                rows = chunk.embedded_text.split("\n")
                texts.append("\n".join(row for row in rows if row.strip("\"'#/* ") not in said))
            else:
                texts.append(chunk.embedded_text)
    return texts, questions, relevant


def read_cosqa(folder: Path) -> Questions:
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
