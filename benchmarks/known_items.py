"""How often search puts what is known to stand in one place first: random unique literals, and definitions by name.

    python -m benchmarks.known_items REPO... [--indexes DIR] [--count 1000] [--seed 1] [--encoder NAME] [--misses FILE]

From each repository, `--count` literals that occur once in all indexed files, as many of each kind as there are, and
as many names that one definition alone has. Literals: string literals; parts of 3 to 8 words of comments; flags;
constants in capitals; the text of TODO lines; error texts, which are format strings with other values filled in.
Messages of two words beside their values (`short`) are asked besides, a fifth of `--count`, and are not among the
literals. Names: those of chunks of their own, and those of chunks that group several, of three characters or more. A
hit is right when it is of the literal's, or definition's, file and spans its line; `line` is the share of right first
hits whose best line this is. Indexes are made in DIR by folder name and kept. --misses writes each item that is not
first: kind, place among the hits, text, and where it stands.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import indexer
from benchmarks.measure import write_result
from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import VARIANTS
from indexer.index import Index
from indexer.languages.registry import LANGUAGES
from indexer.stages.decode import NotText, decode
from indexer.stages.parse.parser import parse
from indexer.types import SymbolKind
from pipelines.build import build

FIRST_HITS = 5
NOT_CODE = frozenset(("markdown", "json", "yaml", "toml", "html", "css", "scss", "notebook", "text"))
NOT_NAMED = frozenset((SymbolKind.SECTION, SymbolKind.CELL, SymbolKind.ELEMENT))
"""Titles and elements of documents, which are no definitions."""

_STRING = re.compile(r"\"([^\"\\\n]{6,80})\"|'([^'\\\n]{6,80})'")
_COMMENT = re.compile(r"^\s*(?:#+|//+[/!]?|/?\*+|--+|;+|%+)\s+(\S.*?)\s*(?:\*/)?$")
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?![\w-])")
_CAPITALS = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_TODO = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b.*\S")
_VALUE = re.compile(
    r"%\(\w+\)[sdr]|%[-+#0 ]*\d*(?:\.\d+)?(?:l{0,2}|z)[sdrfiuxXcpqvgT]\b|[#$]\{[^{}\n]+\}|\{[^{}\n]*\}|(?<![\w$])\$\w+"
)
_SHORT = re.compile(r"[\w\s.,:;!?'\"()\x00-]+")
"""What a message of a person's language has, values left out."""
_TOLD = re.compile(r"log|print|info|debug|notice|echo|message|notif", re.IGNORECASE)
_ERROR = re.compile(r"err|raise|throw|panic|fatal|warn|fail|abort|exception|invalid", re.IGNORECASE)
_FILLED = ("17", "index", "my_value", "/var/run/app.sock", "Foo", "42", "none", "alpha-2")


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked for, of which kind, and where it stands."""

    kind: str
    text: str
    path: str
    line: int


def main() -> None:
    """Make the items, ask for each, print the figures, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("repos", type=Path, nargs="+")
    parser.add_argument("--indexes", type=Path, default=Path("build/known-items-indexes"))
    parser.add_argument("--cache", type=Path, default=Path("build/retrieval-cache"), help="embeddings kept")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--encoder", default="minilm", choices=sorted(VARIANTS), help="what indexes are made with")
    parser.add_argument("--misses", type=Path, help="write what was not first")
    arguments = parser.parse_args()
    config = Config(encoder=EncoderOptions(name=arguments.encoder))
    found: list[tuple[Item, int, bool]] = []
    for root in arguments.repos:
        index_dir = arguments.indexes / arguments.encoder / root.name
        build(root, config=config, index_dir=index_dir, cache_dir=arguments.cache)
        with indexer.open(index_dir, options=config.encoder) as index:
            items = make_items(index, root, count=arguments.count, seed=arguments.seed)
            found.extend((item, *place(index, item)) for item in items)
        print(root.name, len(items), flush=True)
    result = figures(found)
    for kind, row in result.items():
        print(f"{kind:<10}", row)
    if arguments.misses:
        lines = [f"{i.kind}\t{rank}\t{i.text}\t{i.path}:{i.line}" for i, rank, _ in found if rank != 1]
        arguments.misses.write_text("\n".join([*lines, ""]), encoding="utf-8")
    names = [root.name for root in arguments.repos]
    command = f"python -m benchmarks.known_items REPO... --count {arguments.count} --encoder {arguments.encoder}"
    name = "known_items" if arguments.encoder == "minilm" else f"known_items_{arguments.encoder}"
    write_result(name, command, {"repositories": names, **result})


def make_items(index: Index, root: Path, *, count: int, seed: int) -> list[Item]:
    """Return `count` literals and `count` names of an indexed repository, fewer where it has no more."""
    texts: dict[str, str] = {}
    languages: dict[str, str] = {}
    for path, language in sorted({chunk.path: chunk.language for chunk in index.chunks()}.items()):
        decoded = decode((root / path).read_bytes())
        if not isinstance(decoded, NotText):
            texts[path], languages[path] = decoded.text, language
    chance = random.Random(f"{seed} {root.name}")
    everything = "\n".join(texts.values())
    whole: dict[str, Item] = {}  # by what must be unique, such as a format string, the item that asks for it
    for item, text in _literals(texts, languages, chance):
        whole.setdefault(text, item)
    literals = [(item, text) for text, item in whole.items() if item.kind != "short"]
    short = [(item, text) for text, item in whole.items() if item.kind == "short"]
    names = [(item, item.text) for item in _names(index, texts, languages)]
    return [
        *_sample(literals, count, chance, is_unique=lambda text: _stands_once(everything, text)),
        *_sample(names, count, chance, is_unique=lambda _: True),
        *_sample(short, count // 5, chance, is_unique=lambda text: _stands_once(everything, text)),
    ]


def place(index: Index, item: Item) -> tuple[int, bool]:
    """Return the place of the right hit among the first, 0 for none, and whether a right first one shows the line."""
    hits = index.search(item.text, k=FIRST_HITS).hits
    for rank, hit in enumerate(hits, 1):
        if hit.path == item.path and hit.start_line <= item.line <= hit.end_line:
            return rank, rank == 1 and hit.line == item.line
    return 0, False


def figures(found: Sequence[tuple[Item, int, bool]]) -> dict[str, dict[str, float]]:
    """Return for each kind, and for literals and names together, how many there are and the shares found."""
    groups: dict[str, list[tuple[int, bool]]] = {}
    for item, rank, shown in found:
        group = "names" if item.kind in ("own", "grouped") else "literals"
        for kind in (item.kind, group) if item.kind != "short" else ("short",):
            groups.setdefault(kind, []).append((rank, shown))
    return {
        kind: {
            "items": len(rows),
            "first": round(sum(rank == 1 for rank, _ in rows) / len(rows), 4),
            "among_five": round(sum(rank > 0 for rank, _ in rows) / len(rows), 4),
            "line": round(sum(shown for _, shown in rows) / max(1, sum(rank == 1 for rank, _ in rows)), 4),
        }
        for kind, rows in sorted(groups.items())
    }


def _literals(
    texts: Mapping[str, str], languages: Mapping[str, str], chance: random.Random
) -> Iterator[tuple[Item, str]]:
    """Yield literals, unique or not, each with what must be unique: itself, or its format string."""
    for path, text in texts.items():
        is_code = LANGUAGES[languages[path]].has_symbols and languages[path] not in NOT_CODE
        rows = text.splitlines()
        for number, row in enumerate(rows, 1):
            if len(row) > 1000:
                continue
            for match in _FLAG.finditer(row):
                yield Item("flag", match[0], path, number), match[0]
            for match in _CAPITALS.finditer(row):
                yield Item("capitals", match[0], path, number), match[0]
            for match in _TODO.finditer(row):
                words = match[0].split(" ")[:8]
                if len(words) >= 3:
                    yield Item("todo", " ".join(words), path, number), " ".join(words)
            if is_code:
                near = " ".join(rows[max(0, number - 3) : number])
                is_error = bool(_ERROR.search(near))
                is_told = is_error or bool(_TOLD.search(near))
                yield from _of_code(path, number, row, chance, is_error=is_error, is_told=is_told)


def _of_code(
    path: str, number: int, row: str, chance: random.Random, *, is_error: bool, is_told: bool
) -> Iterator[tuple[Item, str]]:
    comment = _COMMENT.match(row)
    if comment:
        words = comment[1].split(" ")
        size = chance.randint(3, 8)
        if len(words) >= size and all(words):
            start = chance.randint(0, len(words) - size)
            part = " ".join(words[start : start + size])
            yield Item("comment", part, path, number), part
        return
    for match in _STRING.finditer(row):
        text = match[1] or match[2]
        if text != text.strip() or not re.search(r"[^\W\d_]{3}", text):
            continue
        if not _VALUE.search(text):
            yield Item("string", text, path, number), text
            continue
        words = len(re.findall(r"[^\W\d_]{2,}", _VALUE.sub(" ", text)))
        if is_error and words >= 3:
            yield Item("error", _filled(text, chance), path, number), text
        elif is_told and words == 2 and " " in text and _SHORT.fullmatch(_VALUE.sub("\0", text)):
            yield Item("short", _filled(text, random.Random(text)), path, number), text


def _filled(text: str, chance: random.Random) -> str:
    return _VALUE.sub(lambda _: chance.choice(_FILLED), text)


def _stands_once(everything: str, text: str) -> bool:
    return everything.find(text, everything.find(text) + 1) < 0


def _names(index: Index, texts: Mapping[str, str], languages: Mapping[str, str]) -> list[Item]:
    """Return the names that one definition alone has, whatever their case, with the lines that they stand on."""
    own = {(chunk.path, chunk.qualified_name) for chunk in index.chunks()}
    found: list[Item] = []
    for path, text in texts.items():
        for symbol in parse(text, languages[path]).symbols:
            if symbol.kind in NOT_NAMED or len(symbol.name) < 3:
                continue
            kind = "own" if (path, symbol.qualified_name) in own else "grouped"
            found.append(Item(kind, symbol.name, path, symbol.line))
    times = Counter(item.text.lower() for item in found)
    return [item for item in found if times[item.text.lower()] == 1]


def _sample(
    items: Sequence[tuple[Item, str]], count: int, chance: random.Random, *, is_unique: Callable[[str], bool]
) -> list[Item]:
    """Return `count` of the items whose texts are unique, as many of each kind as there are."""
    kinds: dict[str, list[tuple[Item, str]]] = {}
    for item, text in items:
        kinds.setdefault(item.kind, []).append((item, text))
    # Asked for in a random order and no further than needed, since to look through everything takes long.
    unique = {
        kind: list(islice((item for item, text in chance.sample(own, len(own)) if is_unique(text)), count))
        for kind, own in kinds.items()
    }
    chosen: list[Item] = []
    for place, kept in enumerate(sorted(unique.values(), key=len)):
        chosen.extend(kept[: (count - len(chosen)) // (len(kinds) - place)])
    return chosen


if __name__ == "__main__":
    main()
