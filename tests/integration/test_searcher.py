"""A search over several indexes ranks as one over all of their files, and an open index follows the builds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import indexer
from indexer.config import Config, EncoderOptions
from indexer.encoders.hashing import HashingEncoder
from indexer.errors import ConfigError, IndexerError
from indexer.search.encoding import QueryEncoder
from indexer.search.query import read_query
from indexer.search.searcher import Searcher
from indexer.search.space import GenerationSpace
from indexer.stores.generation.reader import Generation, open_generation
from indexer.types import Hit, Role, SymbolKind, Tier
from pipelines.build import build
from tests.integration.test_search import FILES
from tests.trees import write

CONFIG = Config(encoder=EncoderOptions(name="hashing"))
QUERIES = (
    "Cart",
    "how is a credit card charged",
    "the bank is busy",
    "total price of items",
    "session cookie",
    "refund",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write(tmp_path_factory.mktemp("whole"), FILES)
    build(root, config=CONFIG)
    return root


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same files in two indexes."""
    roots = []
    for part in range(2):
        root = tmp_path_factory.mktemp(f"half{part}")
        write(root, {name: text for number, (name, text) in enumerate(FILES.items()) if number % 2 == part})
        build(root, config=CONFIG)
        roots.append(root)
    return roots


def over(roots: list[Path], text: str) -> tuple[Hit, ...]:
    """Search several indexes as one."""
    with ExitStack() as stack:
        generations = [stack.enter_context(open_generation(root / ".indexer")) for root in roots]
        query = read_query(text)
        vector = QueryEncoder(CONFIG.encoder).encode(query.embedded, generations[0])
        return Searcher([GenerationSpace(generation) for generation in generations]).search(query, lambda: vector, k=10)


class Slow(HashingEncoder):
    """Encodes once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.told, self.is_done = threading.Event(), False

    def encode(self, texts: Sequence[str], *, role: Role = "passage") -> NDArray[np.float32]:
        vectors = super().encode(texts, role=role)
        self.is_done = self.told.wait(60)
        return vectors


def test_a_query_is_encoded_while_its_words_are_searched(whole: Path) -> None:
    slow = Slow()
    encoder = QueryEncoder(CONFIG.encoder, encoder=slow)
    with open_generation(whole / ".indexer") as generation:
        with encoder.encoding("refund", generation) as vector:
            slow.told.set()
            assert vector().tobytes() == encoder.encode("refund", generation).tobytes()
        assert slow.is_done


def test_no_search_leaves_its_encoder_running(whole: Path) -> None:
    """It may read the generation, which is closed after the search."""
    slow = Slow()
    with open_generation(whole / ".indexer") as generation:
        with pytest.raises(ConfigError), QueryEncoder(CONFIG.encoder, encoder=slow).encoding("refund", generation):
            threading.Timer(0.2, slow.told.set).start()
            raise ConfigError("a search that fails")
        assert slow.is_done


@pytest.mark.parametrize("query", QUERIES)
def test_two_halves_answer_as_the_whole(whole: Path, halves: list[Path], query: str) -> None:
    """Words weigh the same, and features compare all files: what differs is the mean length of a field alone."""
    together, alone = over(halves, query), over([whole], query)
    assert [hit.path for hit in together[:2]] == [hit.path for hit in alone[:2]]
    for one, other in zip(together[:2], alone[:2], strict=True):
        assert one.score == pytest.approx(other.score, rel=0.1, abs=0.3)


def test_the_order_of_spaces_is_no_evidence(halves: list[Path]) -> None:
    for query in QUERIES:
        forth, back = over(halves, query), over(halves[::-1], query)
        assert [(hit.path, hit.start_line, hit.score) for hit in forth] == [
            (hit.path, hit.start_line, hit.score) for hit in back
        ]


def test_the_language_of_most_chunks_is_no_word_to_look_for(tmp_path: Path) -> None:
    """Few chunks write it, so that it would weigh more than what is asked about."""
    told = {"setup.py": '"""Finds the python that runs this."""\nimport sys\n'}
    files = {f"{name}.py": f'def {name}(card):\n    """{name.title()} a card."""\n' for name in ("charge", "refund")}
    question = "how to refund a card in python"
    with indexer.open(_built(tmp_path / "one", files | told), encoder=HashingEncoder()) as index:
        assert [hit.path for hit in index.search(question, mode="text").hits] == ["refund.py", "charge.py"]
        assert index.search("python", mode="text").hits[0].path == "setup.py"
    others = {name.replace(".py", ".lua"): f"-- {text}" for name, text in files.items()}
    with indexer.open(_built(tmp_path / "other", others | told), encoder=HashingEncoder()) as index:
        assert "setup.py" in [hit.path for hit in index.search(question, mode="text").hits]


def _built(root: Path, files: dict[str, str]) -> Path:
    build(write(root, files), config=CONFIG)
    return root


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[tuple[Path, indexer.Index]]:
    root = write(tmp_path / "shop", FILES)
    build(root, config=CONFIG)
    with indexer.open(root, encoder=HashingEncoder()) as index:
        yield root, index


def test_an_open_index_follows_a_build(changing: tuple[Path, indexer.Index]) -> None:
    root, index = changing
    assert index.search("brew rooibos tea", mode="text").hits == ()
    (root / "tea.py").write_text('def brew():\n    """Brew rooibos tea."""\n    return "rooibos tea"\n')
    build(root, config=CONFIG)
    answer = index.search("brew rooibos tea")
    assert (answer.generation, answer.hits[0].path) == (2, "tea.py")


def test_answers_say_how_far_the_index_is_behind(changing: tuple[Path, indexer.Index]) -> None:
    root, index = changing
    assert (index.search("cart", mode="text").stale, index.stale()) == (None, None)
    looked: list[int] = []

    def count(generation: Generation) -> int:
        looked.append(generation.number)
        return 7

    with indexer.open(root, encoder=HashingEncoder(), count_stale=count, stale_seconds=3600) as asked:
        assert [asked.search("cart").stale, asked.similar("shop/cart.py", 1).stale, asked.stale()] == [7, 7, 7]
        assert looked == [1]
        (root / "tea.py").write_text("x = 1\n")
        build(root, config=CONFIG)
        assert (asked.search("cart").generation, looked) == (2, [1, 2])


def test_a_walk_ends_on_the_generation_that_it_began_on(changing: tuple[Path, indexer.Index]) -> None:
    root, index = changing
    walk = index.chunks()
    first = next(walk)
    for name in FILES:
        (root / name).write_text("x = 1\n")
    build(root, config=CONFIG)
    build(root, config=CONFIG, full=True)
    assert index.search("x").generation == 3
    rest = [chunk.path for chunk in walk]
    assert {first.path, *rest} == set(FILES) and len(rest) > len(FILES)


def test_an_outline_lists_the_symbols_of_a_file(changing: tuple[Path, indexer.Index]) -> None:
    _, index = changing
    outline = index.outline("shop/cart.py")
    assert all(chunk.kind is not SymbolKind.REGION and not chunk.part for chunk in outline)
    assert "Cart" in {chunk.name for chunk in outline}
    vectors = index.vectors([chunk.id for chunk in outline] + [12345])
    assert vectors.keys() == {chunk.id for chunk in outline}
    assert {vector.tier for vector in vectors.values()} == {Tier.CONTEXTUAL}
    assert all(vector.vector.dtype == "int8" and vector.scale > 0 for vector in vectors.values())
    with pytest.raises(ConfigError, match="not in the index"):
        index.outline("no/such.py")


def test_what_can_not_be_meant_is_told(changing: tuple[Path, indexer.Index]) -> None:
    _, index = changing
    with pytest.raises(TypeError, match=r"languages.*list of strings"):
        index.search("cart", languages="python")
    with pytest.raises(TypeError, match=r"query.*string"):
        index.search(7)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no mode 'fuzzy'"):
        index.search("cart", mode="fuzzy")  # type: ignore[arg-type]
    index.close()
    with pytest.raises(IndexerError, match="is closed"):
        index.search("cart")


def test_the_door_names_what_there_is() -> None:
    for name in indexer.__all__:
        assert getattr(indexer, name) is not None
    with pytest.raises(AttributeError):
        _ = indexer.no_such_thing
