"""Makes the basis of the bundled encoders, which says what of a vector is kept when it is cut to fewer dimensions.

    python -m pipelines.export_basis --seconds 3600     encode for an hour, learn, write both folders of indexer/assets
    python -m pipelines.export_basis --seconds 0        learn again from what was encoded so far

Runs after pipelines.export_model, from whose PCA basis it starts, and pipelines.export_static, whose table it turns to
the new one. Needs pip, npm, and apt-get with source entries. Packages are fetched once into --packages; pairs and the
transformer's vectors of them are kept in --work, so that an interrupted run goes on. The same bytes come out of the
same vectors on the same machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from indexer.encoders.bundle import BASIS, BUNDLED, BUNDLED_STATIC, SCALES, STATIC_LOADED, TABLE, WORDS, open_bundle
from indexer.encoders.static import from_coordinates

from .export.basis.learn import SHIPPED, learn_basis, reciprocal_rank
from .export.basis.pairs import Pair, PairRules, in_fair_order, package_pairs, read_rules
from .export.folder import write_basis, write_sums
from .export.static.corpus import StaticCorpus, read_corpus
from .export.static.folder import write_static
from .export.static.teacher import taught, teach
from .export.weights import Float
from .export_static import read_vocabulary

BASIS_DECIMALS = 6
HELD_OUT = 10
"""One of so many packages is left out, to see how well the basis finds answers in what it was not learned on."""


def main() -> None:
    """Run the export that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.export_basis", description=__doc__.split("\n")[0])
    parser.add_argument("--packages", type=Path, default=Path("build/packages"), help="where fetched packages are kept")
    parser.add_argument("--work", type=Path, default=Path("build/basis"), help="where pairs and vectors are kept")
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long the transformer may work at most")
    arguments = parser.parse_args()
    corpus = read_corpus()
    drawn = draw(corpus, read_rules(), arguments.packages, arguments.work)
    shards = arguments.work / "vectors"
    texts = list(dict.fromkeys(text for _, pair in drawn for text in (*pair.forms(), pair.answer)))
    teach(texts, shards, seconds=arguments.seconds)
    known = taught(texts, shards, vocabulary=len(read_vocabulary()))
    place = {text: number for number, text in enumerate(known.texts)}
    whole = [(own, pair) for own, pair in drawn if {*pair.forms(), pair.answer} <= place.keys()]
    digests = {package.name: package.sha256 for package in corpus.packages}
    held = np.array([int(digests[own][:8], 16) % HELD_OUT == 0 for own, _ in whole])
    answers = known.vectors[[place[pair.answer] for _, pair in whole]]
    written, typed = (known.vectors[[place[pair.forms()[form]] for _, pair in whole]] for form in (0, 1))
    questions = np.concatenate([written[~held], typed[~held]])
    answered = np.tile(answers[~held], (2, 1))
    start = open_bundle(BUNDLED).basis()
    assert start is not None
    basis = np.round(learn_basis(questions, answered, start), BASIS_DECIMALS)
    for dims in SHIPPED.dims:
        ranks = [reciprocal_rank(typed[held], answers[held], one[:, :dims]) for one in (start, basis)]
        print(f"{dims} dims, {held.sum()} held-out pairs: reciprocal rank {ranks[1]:.4f}, at first {ranks[0]:.4f}")
    write_basis(BUNDLED / BASIS, basis)
    write_sums(BUNDLED)
    turn_table(BUNDLED_STATIC, basis)
    print(f"learned from {len(whole)} pairs, {len(whole) - held.sum()} of them not held out")


def draw(corpus: StaticCorpus, rules: PairRules, packages: Path, work: Path) -> list[tuple[str, Pair]]:
    """Return the first pairs in fair order of all packages but those left out, each with its package's name."""
    wanted = [package for package in corpus.packages if package.name not in rules.without]
    drawn = {own.name: package_pairs(own, corpus.rules, packages, work / "pairs") for own in wanted}
    return in_fair_order(drawn, rules, corpus.rules.languages)[: rules.pairs]


def turn_table(folder: Path, basis: Float) -> None:
    """Write the static encoder's folder again with its rows in the coordinates of another basis.

    Of a row is kept what the basis spans.
    """
    bundle = open_bundle(folder, loaded=STATIC_LOADED)
    bundle.verify()
    before = bundle.basis()
    assert before is not None
    table, scales = np.load(folder / TABLE), np.load(folder / SCALES)
    turn = (from_coordinates(before) @ basis).astype(np.float32)
    rows = (table * scales[:, None].astype(np.float32)) @ turn
    whole = (folder / WORDS).read_text(encoding="utf-8").splitlines()
    write_static(folder, rows=rows, basis=basis, vocabulary=read_vocabulary(), whole=whole, spec=bundle.spec)


if __name__ == "__main__":
    main()
