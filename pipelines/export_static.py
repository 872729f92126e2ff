"""Makes the bundled static encoder: a table with a row a token, fitted to the bundled transformer's vectors.

    python -m pipelines.export_static --seconds 3600     teach for an hour, fit, write indexer/assets/...
    python -m pipelines.export_static --seconds 0        fit again on what was taught so far

Needs the `export` extra, pip, npm, and apt-get with source entries. Packages are fetched once into --packages; texts
and the transformer's vectors of them are kept in --work, so that an interrupted run goes on. The same bytes come out of
the same vectors on the same machine.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import msgspec

from indexer.encoders.bundle import BUNDLED, BUNDLED_STATIC, TOKENIZER, open_bundle
from indexer.encoders.spec import EncoderSpec
from indexer.encoders.static import MAX_TOKENS
from indexer.encoders.wordpiece import WordPieces

from .export.static.corpus import StaticCorpus, read_corpus
from .export.static.fit import Recipe, count_matrix, fit_table, prior_rows, whole_words
from .export.static.folder import write_static
from .export.static.teacher import taught, teach, vectors_alone
from .export.static.texts import Text, in_fair_order, package_texts

NAME = "all-minilm-l6-v2-static"


def main() -> None:
    """Run the export that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.export_static", description=__doc__.split("\n")[0])
    parser.add_argument("--packages", type=Path, default=Path("build/packages"), help="where fetched packages are kept")
    parser.add_argument("--work", type=Path, default=Path("build/static"), help="where texts and vectors are kept")
    parser.add_argument("--out", type=Path, default=BUNDLED_STATIC, help="the folder to write")
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long the transformer may work at most")
    parser.add_argument("--pause-file", type=Path, help="the transformer waits while this file exists")
    arguments = parser.parse_args()
    texts = [text.text for text in training_texts(read_corpus(), arguments.packages, arguments.work)]
    shards = arguments.work / "vectors"
    teach(texts, shards, seconds=arguments.seconds, pause=arguments.pause_file)
    vocabulary = read_vocabulary()
    bundle = open_bundle(BUNDLED)
    basis = bundle.basis()
    assert basis is not None
    known = taught(texts, shards, vocabulary=len(vocabulary))
    recipe = Recipe()
    pieces = WordPieces(vocabulary)
    whole = whole_words(known.texts, pieces, recipe.least)
    cuts = [*([number] for number in range(len(vocabulary))), *(pieces.cut(word) for word in whole)]
    alone = vectors_alone(cuts, vocabulary.index("[CLS]"), vocabulary.index("[SEP]"))
    prior = prior_rows(known, alone, cuts, recipe) @ basis
    counts = count_matrix(known.texts, WordPieces(vocabulary, whole), len(cuts))
    rows = fit_table(counts, known.vectors @ basis, prior, recipe)
    teacher = bundle.spec
    spec = EncoderSpec(
        name=NAME, dims=teacher.dims, max_tokens=MAX_TOKENS, pooling="mean", chunk_chars=teacher.chunk_chars
    )
    write_static(arguments.out, rows=rows, basis=basis, vocabulary=vocabulary, whole=whole, spec=spec)
    print(f"{arguments.out}: fitted on {len(known.texts)} texts, {counts.sum():.0f} tokens")


def training_texts(corpus: StaticCorpus, packages: Path, work: Path) -> list[Text]:
    """Return the corpus's texts in a fair order, as an earlier run left them in `work`, or made and left there."""
    kept = work / "texts.msgpack"
    if not kept.is_file():
        folder = work / "packages"
        made = [text for own in corpus.packages for text in package_texts(own, corpus.rules, packages, folder)]
        staged = kept.with_suffix(".part")
        staged.write_bytes(msgspec.msgpack.encode(in_fair_order(made, corpus.rules)))
        staged.replace(kept)
    return msgspec.msgpack.decode(kept.read_bytes(), type=list[Text])


def read_vocabulary() -> list[str]:
    """Return the tokens of the bundled transformer by number."""
    numbers: dict[str, int] = json.loads((BUNDLED / TOKENIZER).read_text(encoding="utf-8"))["model"]["vocab"]
    return sorted(numbers, key=numbers.__getitem__)


if __name__ == "__main__":
    main()
