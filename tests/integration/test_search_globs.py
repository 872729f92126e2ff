"""Globs of paths in a real index: those whose automaton is too large are refused, and none is a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import indexer
from indexer.config import Config, EncoderOptions
from indexer.errors import ConfigError
from indexer.types import SearchResult
from pipelines.build import build

Search = Callable[[list[str]], SearchResult]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    root = tmp_path_factory.mktemp("shop")
    for name in ("cart.py", "src/cart.go", "caf\udce9.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("cart = 1\n")
    config = Config(encoder=EncoderOptions(name="hashing"))
    build(root, config=config)
    with indexer.open(root, options=config.encoder) as index:
        yield lambda paths: index.search("cart", paths=paths, mode="text")


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from([*"ab/*?[]{},!-&~^.\\|()+$#@ \n\0é\udce9", "**/", "[a-b]", "cart", "*.py"]), max_size=40)
)
def test_any_glob_filters_or_is_refused_with_a_reason(search: Search, pieces: list[str]) -> None:
    with suppress(ConfigError):
        search(["".join(pieces)])


@pytest.mark.parametrize("paths", [["?" * 200], ["*a" + "?" * 30], ["!*a" + "?" * 30], ["*.py"] * 101])
def test_a_filter_that_asks_for_too_much_is_refused(search: Search, paths: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"give simpler ones|give no more than"):
        search(paths)


def test_many_simple_globs_are_fine_and_bytes_that_are_not_utf8_match_themselves(search: Search) -> None:
    found = search([f"*.x{number}" for number in range(99)] + ["*.go"])
    assert [hit.path for hit in found.hits] == ["src/cart.go"]
    assert [hit.path for hit in search(["caf\udce9.*"]).hits] == ["caf\udce9.py"]
