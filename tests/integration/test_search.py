"""Searching small trees with the real stores and the hashing encoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import indexer
from indexer.config import Config, EncoderOptions
from indexer.encoders.hashing import HashingEncoder
from indexer.errors import ConfigError, ModelError, NoIndexError
from indexer.index import Index
from indexer.search import filters, meaning
from indexer.search.passages import MOST_OF_A_FILE
from indexer.stores.text import index as text_index
from indexer.types import EncoderIdentity
from pipelines.build import build
from tests.trees import write

CONFIG = Config(encoder=EncoderOptions(name="hashing"))

FILES = {
    "shop/cart.py": '''"""Shopping carts."""


class Cart:
    """What a customer wants to buy."""

    def __init__(self):
        self.items = []
        self.discounts = []

    def total_price(self):
        """Sum the prices of all items, discounts taken off."""
        full = sum(item.price for item in self.items)
        off = sum(discount.amount for discount in self.discounts)
        return max(0, full - off)

    def add_item(self, item):
        """Put an item into the cart unless it is sold out."""
        if item.stock == 0:
            raise ValueError("sold out")
        self.items.append(item)
''',
    "shop/payment.py": '''"""Payments by credit card."""

from shop.cart import Cart


def charge_card(cart: Cart, card):
    """Charge a credit card with the total price of a cart, and retry when the bank is busy."""
    for attempt in range(3):
        answer = card.bank.charge(card.number, cart.total_price())
        if answer.ok:
            return answer.receipt
    raise RuntimeError("the bank is busy")


def refund(receipt):
    """Give the money of a receipt back to the customer."""
    return receipt.bank.refund(receipt.number, receipt.amount)
''',
    "shop/web/session.go": """package web

// Session holds the state of one visitor between requests.
type Session struct {
	ID      string
	Visitor string
	Expires int64
}

// ParseHeaders reads the session's cookie out of the request headers.
func (s *Session) ParseHeaders(headers map[string]string) error {
	cookie, ok := headers["Cookie"]
	if !ok {
		return ErrNoCookie
	}
	s.ID = cookie
	return nil
}
""",
    "tests/test_cart.py": '''"""Tests of carts."""

from shop.cart import Cart


def test_total_price_of_a_cart():
    """The total price of an empty cart is zero, and the sum of the prices of its items otherwise."""
    cart = Cart()
    assert cart.total_price() == 0
    cart.add_item(Item(price=3))
    assert cart.total_price() == 3
''',
    "docs/payment.md": """# Payment

How a credit card is charged with the total price, and how money is given back to the customer as a refund.
""",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("shop"), FILES)
    build(folder, config=CONFIG)
    return folder


@pytest.fixture(scope="module")
def index(root: Path) -> Iterator[Index]:
    with indexer.open(root, options=CONFIG.encoder) as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "path", "name"),
    [
        ("Cart", "shop/cart.py", "Cart"),
        ("charge_card", "shop/payment.py", "charge_card"),
        ("Cart.total_price", "shop/cart.py", "total_price"),
        ("parseHeaders", "shop/web/session.go", "ParseHeaders"),
        ("parse_headers", "shop/web/session.go", "ParseHeaders"),
        ("refund()", "shop/payment.py", "refund"),
    ],
)
def test_a_name_finds_its_definition_first(index: Index, query: str, path: str, name: str) -> None:
    first = index.search(query).hits[0]
    assert (first.path, first.name) == (path, name)


@pytest.mark.parametrize("query", ["shop/payment.py", "payment.py", "./shop/payment.py", "/srv/app/shop/payment.py"])
def test_a_path_finds_its_file_first(index: Index, query: str) -> None:
    assert index.search(query).hits[0].path == "shop/payment.py"


def test_a_question_finds_code_before_tests_and_documents(index: Index) -> None:
    paths = [hit.path for hit in index.search("how is the total price of a cart computed").hits]
    assert paths[0] == "shop/cart.py"
    assert paths.index("shop/cart.py") < paths.index("tests/test_cart.py")
    assert index.search("tests of the total price of carts").hits[0].path == "tests/test_cart.py"


def test_a_stack_trace_finds_the_file_it_names(index: Index) -> None:
    trace = (
        "Traceback (most recent call last):\n"
        '  File "/opt/app/lib/shop/payment.py", line 9, in charge_card\n'
        "RuntimeError: the bank is busy\n"
    )
    first = index.search(trace).hits[0]
    assert (first.path, first.name) == ("shop/payment.py", "charge_card")


def test_a_long_text_is_read_for_its_names(index: Index) -> None:
    text = "I pay twice. " + "It happens now and then, for no reason that we see, on all of our machines. " * 40
    assert index.search(text + "Maybe `charge_card` asks again after the bank took it.").hits[0].name == "charge_card"


def test_no_file_fills_an_answer_and_every_chunk_comes_once(index: Index) -> None:
    hits = index.search("total price of a cart", k=50, explain=True).hits
    paths = [hit.path for hit in hits]
    assert len({hit.id for hit in hits}) == len(hits) > len(set(paths)) == len(FILES)
    assert max(Counter(paths[:5]).values()) <= MOST_OF_A_FILE
    for hit in hits:
        assert hit.score == pytest.approx(sum(hit.contributions.values()), abs=0.01)


def test_filters(index: Index) -> None:
    query = "total price of a cart in a session"
    assert {hit.language for hit in index.search(query, languages=["go"]).hits} == {"go"}
    assert {hit.kind for hit in index.search(query, kinds=["method"]).hits} == {"method"}
    assert {hit.path for hit in index.search(query, paths=["shop/**", "!*.go"]).hits} == {
        "shop/cart.py",
        "shop/payment.py",
    }
    inside = index.search(query, within="Cart").hits
    assert {hit.path for hit in inside} == {"shop/cart.py"}
    assert "total_price" in {hit.name for hit in inside}
    assert {hit.name for hit in index.search(query, within="Session", kinds=["method"]).hits} == {"ParseHeaders"}
    assert index.search(query, within="NoSuchThing").hits == ()
    assert index.search(query, languages=["rust"]).hits == ()


@pytest.mark.parametrize("mode", ["hybrid", "text", "vector"])
def test_filters_hold_in_every_mode(index: Index, mode: str) -> None:
    for hit in index.search("charge a card", k=50, mode=mode, paths=["!shop"], languages=["python"]).hits:  # type: ignore[arg-type]
        assert hit.path == "tests/test_cart.py"


@pytest.mark.parametrize(("looked_up", "within"), [(4000, ""), (4000, "Cart"), (0, ""), (0, "Cart")])
def test_a_filter_that_lets_much_through_finds_the_same(
    index: Index, monkeypatch: pytest.MonkeyPatch, looked_up: int, within: str
) -> None:
    def found() -> list[tuple[int, float]]:
        hits = index.search("prices of items", k=20, languages=("python",), paths=("!tests",), within=within).hits
        return [(hit.id, hit.score) for hit in hits]

    compared = found()
    monkeypatch.setattr(meaning, "EXACT_FILTERED", 0)
    monkeypatch.setattr(meaning, "LOOKED_UP", looked_up)
    assert len(compared) > 2 and found() == compared


@pytest.mark.parametrize("asked", [{"query": 'where is "the" price'}, {"query": "price", "pattern": "item|card"}])
@pytest.mark.parametrize("mode", ["hybrid", "text", "vector"])
@pytest.mark.parametrize("compared", [0, 4, 20_000])
def test_what_a_text_must_hold_is_the_same_whether_all_that_may_are_read(
    index: Index, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], mode: str, compared: int
) -> None:
    def found() -> list[tuple[int, float]]:
        index.search("another question")  # so that the choice is made anew
        return [(hit.id, hit.score) for hit in index.search(**asked, k=20, mode=mode).hits]  # type: ignore[arg-type]

    all_read = found()
    monkeypatch.setattr(filters, "READ_ALL", 0)
    monkeypatch.setattr(meaning, "EXACT_FILTERED", compared)
    assert len(all_read) > 1 and found() == all_read


def test_of_many_that_a_choice_leaves_all_are_compared(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> list[int]:
        return [hit.id for hit in index.search("price", mode="vector", k=20, pattern="bank|Cookie").hits]

    looked_up = found()
    monkeypatch.setattr(meaning, "LOOKED_UP", 0)
    monkeypatch.setattr(meaning, "EXACT_FILTERED", len(looked_up))
    assert len(looked_up) > 1 and found() == looked_up


def test_bad_requests_are_refused(index: Index) -> None:
    for bad in ({"languages": ["klingon"]}, {"kinds": ["thing"]}, {"paths": ["[ab"]}, {"k": 0}, {"within": "."}):
        with pytest.raises(ConfigError):
            index.search("cart", **bad)
    with pytest.raises(ConfigError, match="empty"):
        index.search(" ")


def test_words_that_nothing_has_find_nothing(index: Index) -> None:
    assert index.search("xylophone", mode="text").hits == ()
    assert index.search("?!", mode="text").hits == ()


def test_a_hit_says_where_and_why(index: Index) -> None:
    result = index.search("charge a credit card", explain=True)
    assert result.generation == index.generation.number
    hit = result.hits[0]
    lines = FILES[hit.path].split("\n")
    assert hit.snippet.split("\n")[0] == lines[hit.snippet_line - 1]
    assert set(hit.ranks) <= {"text", "vector", "name"}
    assert hit.score == pytest.approx(sum(hit.contributions.values()), abs=0.01)
    assert index.search("charge a credit card").hits[0].contributions == {}


def test_answers_repeat_and_threads_share_an_index(root: Path) -> None:
    queries = ["Cart", "total price", "shop/cart.py", "bank is busy", "parse headers"] * 4
    with indexer.open(root, options=CONFIG.encoder) as index:
        alone = [index.search(query) for query in queries]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(index.search, queries)) == alone


def test_answers_are_the_same_however_few_chunks_are_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = ("total price", "charge a credit card", "refund", "shop/cart.py")
    with indexer.open(root) as index:
        expected = [index.search(query, k=20) for query in queries]
        assert [index.search(query, k=20) for query in queries] == expected
    monkeypatch.setattr(text_index, "_MOST_BYTES", 1000)  # of two chunks or so
    with indexer.open(root) as index:
        assert [index.search(query, k=20) for query in queries * 2] == expected * 2


def test_similar_chunks_leave_out_the_one_asked_about(index: Index) -> None:
    result = index.similar("shop/cart.py", 12, k=3)
    assert len(result.hits) == 3
    assert ("shop/cart.py", "total_price") not in {(hit.path, hit.name) for hit in result.hits}
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)
    with pytest.raises(ConfigError, match="not in the index"):
        index.similar("no/such.py", 1)
    with pytest.raises(ConfigError, match="no chunk"):
        index.similar("shop/cart.py", 999)


def test_an_increment_answers_like_a_fresh_build(root: Path, tmp_path: Path) -> None:
    changing = write(tmp_path / "changing", {name: text.replace("cart", "basket") for name, text in FILES.items()})
    build(changing, config=CONFIG)
    write(changing, FILES)
    build(changing, config=CONFIG)
    with indexer.open(changing, options=CONFIG.encoder) as grown, indexer.open(root, options=CONFIG.encoder) as fresh:
        for query in ("Cart", "how is a credit card charged", "session cookie"):
            assert grown.search(query).hits == fresh.search(query).hits


def test_opening_what_is_no_index(tmp_path: Path, root: Path) -> None:
    with pytest.raises(NoIndexError):
        indexer.open(tmp_path)
    with pytest.raises(NoIndexError, match="no index here"):
        indexer.open(tmp_path / "nowhere")
    with indexer.open(root / ".indexer", options=CONFIG.encoder) as index:
        assert index.search("Cart").hits


def test_another_encoder_is_refused_and_words_need_none(root: Path) -> None:
    class Other(HashingEncoder):
        identity = EncoderIdentity("other", "0" * 32, 256, 256)

    with pytest.raises(ModelError, match="built with hashing"):
        indexer.open(root, encoder=Other())
    with indexer.open(root, options=EncoderOptions(name="minilm", path="/nowhere")) as index:
        assert index.search("Cart", mode="text").hits[0].path == "shop/cart.py"


def test_an_empty_index_has_no_hits(tmp_path: Path) -> None:
    build(tmp_path, config=CONFIG)
    with indexer.open(tmp_path, options=CONFIG.encoder) as index:
        assert index.search("anything at all").hits == ()
