"""How the bundled basis is learned: which pairs a chunk gives, in which order they come, and what a basis keeps."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from indexer.types import Chunk, SymbolKind
from pipelines.export.basis.learn import Settings, learn_basis, reciprocal_rank
from pipelines.export.basis.pairs import Pair, PairRules, chunk_pairs, in_fair_order
from pipelines.export.weights import Float

PAIRS, WIDTH, KEPT = 600, 24, 4

CODE = """words of the path
Store.dropOldEntries
/**
 * Removes entries that nobody asked for.
 */
void dropOldEntries(int limit) {
// Oldest entries come first here.
for (Entry entry : entries) {
totalSize += entry.sizeInBytes();
}
}"""


@pytest.fixture
def chunk() -> Chunk:
    return Chunk(
        id=1,
        path="a/Store.java",
        language="java",
        kind=SymbolKind.METHOD,
        name="dropOldEntries",
        qualified_name="Store.dropOldEntries",
        signature="",
        doc="Removes entries that nobody asked for.",
        parent="Store",
        part=0,
        start_line=1,
        end_line=9,
        start_byte=0,
        end_byte=1,
        text="",
        embedded_text=CODE,
        text_hash=b"",
    )


def test_a_pair_s_answer_lacks_what_is_asked(chunk: Chunk) -> None:
    pairs = {pair.kind: pair for pair in chunk_pairs(chunk)}
    assert pairs["doc"].asked == "Removes entries that nobody asked for."
    assert "nobody" not in pairs["doc"].answer
    assert "Store.dropOldEntries\nvoid dropOldEntries(int limit) {\n" in pairs["doc"].answer
    assert pairs["name"].asked == "drop old entries"
    assert "dropOldEntries" not in pairs["name"].answer
    assert pairs["comment"].asked == "Oldest entries come first here."
    assert pairs["comment"].answer == "for (Entry entry : entries) {\ntotalSize += entry.sizeInBytes();\n}\n}"


def test_later_parts_of_a_symbol_give_comments_alone(chunk: Chunk) -> None:
    assert {pair.kind for pair in chunk_pairs(msgspec.structs.replace(chunk, part=1))} == {"comment"}


def test_a_section_answers_its_heading(chunk: Chunk) -> None:
    section = msgspec.structs.replace(
        chunk,
        kind=SymbolKind.SECTION,
        language="markdown",
        name="Freeing space",
        embedded_text=f"readme\nFreeing space\n# Freeing space\n{'Entries go. ' * 10}",
    )
    (pair,) = chunk_pairs(section)
    assert (pair.kind, pair.asked, pair.answer) == ("heading", "Freeing space", "Entries go. " * 10)


def test_every_beginning_has_each_language_by_its_share_and_nothing_twice() -> None:
    rules = PairRules(pairs=0, without=frozenset(), kinds={"doc": 1.0}, languages={"python": 3.0})
    drawn = {
        "a": [Pair("doc", "python", f"ask {number}", f"python {number}") for number in range(90)],
        "b": [Pair("doc", "go", f"ask {number}", f"go {number}") for number in range(60, 120)],
    }
    ordered = in_fair_order(drawn, rules, {"python": 1.0, "go": 1.0})
    beginning = [package for package, _ in ordered[:40]]
    assert 25 <= beginning.count("a") <= 35
    asked = [pair.asked for _, pair in ordered]
    assert len(asked) == len(set(asked)) == 120


def test_a_learned_basis_finds_answers_that_the_longest_directions_miss() -> None:
    generator = np.random.default_rng(3)

    def drawn() -> tuple[Float, Float]:
        # What an answer shares with its question is in few, short directions; the rest is noise of its own.
        shared = generator.standard_normal((PAIRS, KEPT))
        sides = []
        for _ in range(2):
            rows = generator.standard_normal((PAIRS, WIDTH))
            rows[:, -KEPT:] = 0.7 * shared + 0.05 * rows[:, -KEPT:]
            sides.append((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))
        return sides[0], sides[1]

    questions, answers = drawn()
    start = np.eye(WIDTH, dtype=np.float32)[:, : 2 * KEPT]
    start = np.linalg.qr(start + 0.01 * generator.standard_normal(start.shape))[0].astype(np.float32)
    settings = Settings(epochs=60, batch=100, dims=(KEPT, 2 * KEPT), temperature=0.1, rate=0.03)
    basis = learn_basis(questions, answers, start, settings)
    lengths = np.linalg.norm(basis, axis=0)
    assert lengths.max() == pytest.approx(1)
    np.testing.assert_allclose(basis.T @ basis, np.diag(lengths**2), atol=1e-5)
    np.testing.assert_array_equal(basis, learn_basis(questions, answers, start, settings))
    held_out = drawn()
    before, after = (reciprocal_rank(*held_out, one[:, :KEPT]) for one in (start, basis))
    assert before < 0.1
    assert after > 0.5
