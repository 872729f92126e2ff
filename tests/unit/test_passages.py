"""Which chunks of a file are shown, and in which order chunks of several files come."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.search.candidates import Asked, Found
from indexer.search.features import Definition, Evidence
from indexer.search.passages import MOST_OF_A_FILE, arrange, chunk_scores, closer_look
from indexer.search.query import Query, read_query
from indexer.search.ranking import shipped_ranker
from indexer.search.scoring import FileScores
from indexer.stores.text.document import StoredChunk
from indexer.stores.text.statistics import Statistics
from indexer.types import DefinedName, SymbolKind

WEIGHTS = shipped_ranker().passages.weights


def stored(number: int, name: str, kind: SymbolKind = SymbolKind.FUNCTION, *, part: int = 0) -> StoredChunk:
    defined = () if part else (DefinedName(name, name, 1),)
    fields = (number, "a.py", "python", kind, name, name, "", "", "", part, 1, 2, 0, 9, "text", b"", "", True, defined)
    return StoredChunk(*fields)


def shown_first(query: Query, *chunks: StoredChunk) -> str:
    """Return the name of the chunk that is shown when nothing but names and kinds differ."""
    weights = dict.fromkeys(query.words, 1 / len(query.words))
    looked = closer_look(query, weights, {chunk.id: 1.0 for chunk in chunks}, chunks, WEIGHTS)
    return next(chunk.name for chunk in chunks if chunk.id == next(iter(looked)))


def test_the_function_that_is_named_as_the_question_asks_comes_first() -> None:
    query = read_query("parse the headers of a response")
    assert shown_first(query, stored(1, "send_body"), stored(2, "parse_headers"), stored(3, "parse_url")) == (
        "parse_headers"
    )
    query = read_query("read rows as dictionaries")
    assert shown_first(query, stored(1, "RowWriter"), stored(2, "DictReader")) == "DictReader"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (stored(2, "send"), stored(1, "__all__", SymbolKind.REGION)),
        (stored(2, "send"), stored(1, "send", part=1)),
        (stored(2, "send"), stored(1, "_send")),
    ],
)
def test_definitions_beginnings_and_public_names_come_first(better: StoredChunk, worse: StoredChunk) -> None:
    assert shown_first(read_query("how is a message posted"), better, worse) == better.name
    assert closer_look(read_query("posted"), {"post": 1.0}, {1: 1.0, 2: 1.0}, [worse, better], WEIGHTS).keys() == {2, 1}
    assert next(iter(closer_look(read_query("posted"), {"post": 1.0}, {1: 1.0, 2: 1.0}, [worse, better], WEIGHTS))) == 2


def test_a_private_name_that_is_asked_for_is_not_held_against_it() -> None:
    query = read_query("_send")
    looked = closer_look(query, {"send": 1.0}, {1: 1.0, 2: 1.0}, [stored(1, "_send"), stored(2, "send")], WEIGHTS)
    assert looked[1] == looked[2]


def test_chunks_that_were_not_looked_at_follow_in_their_order() -> None:
    looked = closer_look(read_query("send"), {"send": 1.0}, {1: 3.0, 2: 2.0, 3: 1.0}, [stored(1, "receive")], WEIGHTS)
    assert list(looked) == [1, 2, 3]


def scored(query: str, definitions: dict[int, Definition], *, cosines: list[float]) -> list[float]:
    """Return the scores of the chunks of one file that differ in their cosines and definitions alone."""
    count = len(cosines)
    asked = Asked(read_query(query), None, True, Statistics(count, {}))
    scores = FileScores(
        spaces=np.zeros(1, np.int64),
        paths=("a.py",),
        ids=np.arange(1, count + 1),
        file_of=np.zeros(count, np.int64),
        starts=np.zeros(1, np.int64),
        terms=np.zeros((len(asked.query.words), count), np.bool_),
        cosines=np.array(cosines),
        centroids=np.zeros(1),
    )
    evidence = Evidence(asked, [Found({}, {}, {})], scores, np.zeros(count), [definitions])
    return [float(score) for score in chunk_scores(evidence, WEIGHTS)]


def definition(kind: str, qualified_name: str, *, part: int = 0) -> Definition:
    return Definition("a.py", kind, qualified_name.rpartition(".")[2], qualified_name, is_head=not part)


@pytest.mark.parametrize(
    ("query", "meant", "other"),
    [
        ("Session", definition("class", "Session"), definition("function", "session")),
        ("Shop::Session", definition("class", "Shop.Session"), definition("class", "Bank.Session")),
        ("Session", definition("class", "Session"), definition("class", "Session", part=1)),
        ("open Session", definition("class", "Session"), definition("function", "open")),
    ],
)
def test_what_a_query_names_beats_what_only_sounds_like_it(query: str, meant: Definition, other: Definition) -> None:
    by_name = scored(query, {1: meant, 2: other}, cosines=[0.5, 0.5])
    assert by_name[0] >= by_name[1]
    if query != "open Session":
        assert scored(query, {1: meant, 2: other}, cosines=[0.5, 0.7])[0] > by_name[1]


def test_a_plain_word_of_a_sentence_names_nothing() -> None:
    by_chance, other = scored("open the session", {1: definition("function", "open")}, cosines=[0.5, 0.5])
    assert by_chance == other


utilities = st.floats(-20, 20, allow_nan=False)
ranked_files = st.lists(st.tuples(utilities, st.lists(utilities, min_size=1, max_size=6)), min_size=1, max_size=8)


@given(ranked_files, st.integers(1, 60))
def test_an_answer_repeats_nothing_and_shows_every_file_before_too_much_of_one(
    values: list[tuple[float, list[float]]], count: int
) -> None:
    files = []
    for place, (score, chunks) in enumerate(sorted(values, key=lambda pair: -pair[0])):
        ordered = sorted(chunks, reverse=True)
        files.append((round(score, 4), {place * 10 + turn: value for turn, value in enumerate(ordered)}))
    answer = arrange(files, count=count)
    assert len(answer) == min(count, sum(len(chunks) for _, chunks in files))
    ids = [chunk_id for _, chunk_id, _ in answer]
    assert len(set(ids)) == len(ids)
    assert all(chunk_id in files[place][1] for place, chunk_id, _ in answer)
    for place, (_, known) in enumerate(files):
        own = [chunk_id for found, chunk_id, _ in answer if found == place]
        assert own == list(known)[: len(own)]
    limited = answer[: sum(min(MOST_OF_A_FILE, len(chunks)) for _, chunks in files)]
    assert max(Counter(place for place, _, _ in limited).values()) <= MOST_OF_A_FILE
    assert [score for *_, score in limited] == sorted((score for *_, score in limited), reverse=True)


def test_more_of_a_sure_file_comes_before_unlikely_files() -> None:
    files = [(12.0, {1: 5.0, 2: 4.8}), (11.0, {3: 9.0}), (3.0, {4: 9.0})]
    assert [chunk_id for _, chunk_id, _ in arrange(files, count=4)] == [1, 3, 2, 4]
