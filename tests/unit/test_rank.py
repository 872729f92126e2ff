"""The order of files and of their chunks, from evidence made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from indexer.search.candidates import Asked, Found
from indexer.search.features import Definition, Evidence, features, told_by_path
from indexer.search.query import read_query
from indexer.search.ranking import Ranker, meaning_alone, rank, shipped_ranker
from indexer.search.scoring import FileScores
from indexer.stores.text.statistics import Statistics


def evidence(
    query: str,
    files: Mapping[str, int],
    *,
    words: Mapping[int, float] | None = None,
    cosines: Mapping[int, float] | None = None,
    definitions: Mapping[int, Definition] | None = None,
) -> Evidence:
    """Return evidence over files with so many chunks each, numbered from 1 in the order of their paths."""
    asked = read_query(query)
    paths = tuple(sorted(files))
    sizes = [files[path] for path in paths]
    count = sum(sizes)

    def column(values: Mapping[int, float] | None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([(values or {}).get(number, 0.0) for number in range(1, count + 1)])

    scores = FileScores(
        spaces=np.zeros(len(paths), np.int64),
        paths=paths,
        ids=np.arange(1, count + 1),
        file_of=np.repeat(np.arange(len(paths)), sizes),
        starts=np.cumsum([0, *sizes])[:-1],
        terms=np.tile(column(words) > 0, (len(asked.words), 1)),
        cosines=column(cosines),
        centroids=np.zeros(len(paths)),
    )
    found = Found({"text": dict(words or {})}, {}, {})
    return Evidence(
        Asked(asked, None, True, Statistics(count, {})), [found], scores, column(words), [dict(definitions or {})]
    )


def order(given: Evidence, ranker: Ranker | None = None) -> list[str]:
    return [file.path for file in rank(given, ranker or shipped_ranker())]


def test_the_shipped_weights_are_of_features_that_there_are() -> None:
    names, matrix = features(evidence("total price", {"a.py": 2, "b.py": 1}))
    assert set(shipped_ranker().files.weights) == set(names)
    assert matrix.shape == (2, len(names))


def test_more_words_come_first_and_equal_files_by_path() -> None:
    assert order(evidence("price", {"a.py": 1, "b.py": 1}, words={2: 3.0, 1: 1.0}))[0] == "b.py"
    assert order(evidence("price", {"b.py": 1, "a.py": 1})) == ["a.py", "b.py"]


def test_words_that_stand_in_one_chunk_tell_more_than_the_same_in_several() -> None:
    given = evidence("total price", {"a.py": 2, "b.py": 2}, words=dict.fromkeys(range(1, 5), 1.0))
    terms = np.array([[True, False, True, False], [False, True, True, False]])
    assert order(replace(given, scores=replace(given.scores, terms=terms))) == ["b.py", "a.py"]


def test_a_larger_file_is_before_unless_files_are_single_functions() -> None:
    large = order(evidence("price", {"a.py": 1, "b.py": 4, "c.py": 60}))
    assert large.index("b.py") < large.index("a.py")
    single = order(evidence("price", {"a.py": 2, **{f"{name}.py": 1 for name in "bcdefghijk"}}))
    assert single[-1] == "a.py"


def test_a_definition_comes_before_uses() -> None:
    files = {"cart.py": 1, "uses.py": 1}
    found = {1: Definition("cart.py", "class", "Price", "Price")}
    assert order(evidence("Price", files, words={1: 2.0, 2: 3.0}, definitions=found))[0] == "cart.py"


@pytest.mark.parametrize("path", ["tests/a.py", "a_test.go", "src/legacy/a.c", "docs/a.md", "examples/a.rs"])
def test_code_comes_before_what_is_around_it(path: str) -> None:
    files = {path: 1, "src/z.py": 1}
    assert order(evidence("how is it priced", files, words={1: 1.0, 2: 1.0}))[0] == "src/z.py"


def test_tests_come_first_when_they_are_asked_for() -> None:
    files = {"tests/a.py": 1, "tests_of_price.py": 1}
    names, matrix = features(evidence("tests of prices", files))
    assert not matrix[:, names.index("test")].any()


def test_chunks_of_a_file_are_in_order_and_contributions_add_up() -> None:
    given = evidence("price", {"a.py": 3}, words={1: 1.0, 3: 2.0}, cosines={2: 0.5, 3: 0.4})
    (file,) = rank(given, shipped_ranker(), explain=True)
    assert list(file.chunks) == [3, 2, 1]
    assert file.score == pytest.approx(sum(file.contributions.values()), abs=1e-3)
    assert rank(given, shipped_ranker())[0].contributions == {}


def test_by_meaning_alone_the_nearest_chunk_decides() -> None:
    given = evidence("price", {"a.py": 2, "b.py": 1}, words={1: 9.0}, cosines={1: 0.2, 2: 0.3, 3: 0.4})
    assert order(given, meaning_alone()) == ["b.py", "a.py"]


def test_no_candidates_no_files() -> None:
    assert rank(evidence("price", {}), shipped_ranker()) == []


@pytest.mark.parametrize(
    ("path", "words", "name"),
    [
        ("src/SqlMapper.cs", ("sql", "mapper"), "sqlmapper"),
        ("shop/__init__.py", ("shop",), "shop"),
        ("routing/mod.rs", ("rout",), "routing"),
        ("http_client.py", ("http", "client"), "httpclient"),
        ("Makefile", ("makefil",), "makefile"),
    ],
)
def test_the_name_a_file_goes_by(path: str, words: tuple[str, ...], name: str) -> None:
    told = told_by_path(path)
    assert (told.words, told.name) == (words, name)
