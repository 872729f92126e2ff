"""Answers for a language model: few tokens, each path once, lines that can be cited, nothing said twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import resources
from textwrap import dedent

from indexer.encoders.wordpiece import WordPieces
from indexer.types import Chunk, Hit

TOKENS_A_LINE = 8
"""An answer has so many tokens for each line of each hit that may be shown: 400 for five hits of ten lines."""

MAX_LINE_CHARS = 200

_NUMBER = 4
"""Tokens at most of the number of a hit's first line that is shown."""

Place = tuple[str, Hit]
"""What the hit's path begins with, and the hit."""


@cache
def _pieces() -> WordPieces:
    vocabulary = resources.files("indexer") / "assets" / "all-minilm-l6-v2-static" / "vocabulary.txt"
    return WordPieces(vocabulary.read_text("utf-8").split("\n")[:-1])


def count_tokens(text: str) -> int:
    """Return how many word pieces of BERT's uncased vocabulary a text has; of code these are more than most models'."""
    return len(_pieces().tokens(text))


def hits_text(
    places: Sequence[Place], *, lines: int, count: Callable[[str], int] = count_tokens, spent: int = 0
) -> str:
    """Return hits, each file once, and of each up to `lines` lines of code while the tokens for them last.

    A hit always has its own line: lines of the file, kind and name. Code goes to the best hits first; `spent` tokens
    of the answer are taken by something else.
    """
    heads = [_head(hit) for _, hit in places]
    paths = dict.fromkeys(prefix + hit.path for prefix, hit in places)
    left = TOKENS_A_LINE * lines * len(places) - spent - sum(map(count, (*paths, *heads))) - len(places) * _NUMBER
    shown: list[list[str]] = []
    for place, (_, hit) in enumerate(places):
        own, waiting = [], len(places) - place
        share = 2 * left / (waiting + 1)
        for line in _code(hit)[:lines]:
            cost = count(line)
            if cost > share:
                break
            share, left = share - cost, left - cost
            own.append(line)
        while own and not own[-1]:
            own.pop()
        shown.append(own)
    by_path: dict[str, list[str]] = {path: [] for path in paths}
    for (prefix, hit), head, own in zip(places, heads, shown, strict=True):
        number = f" @{hit.snippet_line}" if own and hit.snippet_line and hit.snippet_line != hit.start_line else ""
        by_path[prefix + hit.path] += [head + number, *(f"  {line}" for line in own)]
    return "\n".join(line for path, block in by_path.items() for line in (path, *block))


def symbols_text(places: Iterable[Place]) -> str:
    """Return definitions: where they are, their signature and the first line of what is said about them."""
    rows = []
    for prefix, hit in places:
        doc = hit.doc.strip().partition("\n")[0]
        told = " | ".join(one_line(part) for part in (hit.signature or hit.qualified_name, doc) if part)
        kind = "" if told.startswith(f"{hit.kind} ") else f"{hit.kind} "  # `class Flask` says it already
        rows.append(f"{prefix}{hit.path}:{hit.start_line}-{hit.end_line} {kind}{told}")
    return "\n".join(rows)


def outline_text(chunks: Sequence[Chunk], *, limit: int) -> str:
    """Return the symbols of a file, indented as they lie in one another."""
    rows = []
    for chunk in chunks[:limit]:
        depth = len(steps(chunk.qualified_name)) - 1
        rows.append(f"{'  ' * depth}{chunk.start_line}-{chunk.end_line} {chunk.kind} {one_line(chunk.name)}")
    if len(chunks) > limit:
        rows.append(f"… {len(chunks) - limit} more")
    return "\n".join(rows)


def is_named(hit: Hit, name: str) -> bool:
    """Whether a hit is the definition of a name, with or without what it lies in."""
    own, asked = steps(hit.qualified_name or hit.name), steps(name)
    return bool(asked) and own[-len(asked) :] == asked


def steps(name: str) -> list[str]:
    """Return the parts of a qualified name in any language."""
    return [step for step in re.split(r"::|[.#/]", name) if step]


def _head(hit: Hit) -> str:
    name = one_line(hit.qualified_name or hit.name)
    return f"{hit.start_line}-{hit.end_line} {hit.kind} {name}".rstrip()


def _code(hit: Hit) -> list[str]:
    rows = dedent(hit.snippet.expandtabs(4)).split("\n")
    while rows and not rows[-1].strip():
        rows.pop()
    return [row.rstrip()[:MAX_LINE_CHARS] for row in rows]


def one_line(text: str) -> str:
    """Return a text in a line of bounded length."""
    return " ".join(text.split())[:MAX_LINE_CHARS]
