"""Questions and the code that answers each, drawn from packages: what is said of code, and that code without it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from indexer.types import Chunk, SymbolKind

from ..packages import Package, fetch
from ..static.corpus import Rules
from ..static.texts import NAME_BREAK, first_sentence, package_chunks, question

MANIFEST = Path(__file__).parent / "corpus.toml"

Kind = Literal["doc", "name", "comment", "heading"]
"""The first sentence of a symbol's documentation and the symbol; the words of its name and the symbol with the name
left out; a comment and the lines below it; a heading and its section."""

_KEPT_CHARS, _CODE_CHARS = 700, 500
_COMMENT = re.compile(r"^\s*(?:#|//|--|;)+\s*(.*)$")
_COMMENT_SIGNS = re.compile(r"[/*#\"'\-!;<>{|}=]+")
_WORD_SIGN = re.compile(r"[A-Za-z0-9]")
_BLOCK_LINES = 12
_PROSE = frozenset({"markdown", "restructuredtext"})


class Pair(msgspec.Struct, frozen=True):
    """What may be asked, and the text of a passage that answers it."""

    kind: Kind
    language: str
    asked: str
    answer: str

    def forms(self) -> tuple[str, str]:
        """Return the question as it is written, and as it is typed into a search box."""
        sentence = self.kind in {"doc", "comment"}
        return self.asked, question(self.asked, self.language) if sentence else self.asked.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRules:
    """Which pairs are drawn: how many, shares of `kinds`, shares of `languages` that differ from the corpus's.

    Packages named in `without` gave none.
    """

    pairs: int
    without: frozenset[str]
    kinds: dict[Kind, float]
    languages: dict[str, float]


def read_rules(path: Path = MANIFEST) -> PairRules:
    """Parse the manifest; a missing key, or an unknown one, raises TypeError."""
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return PairRules(**{**table, "without": frozenset(table["without"])})


def package_pairs(package: Package, rules: Rules, packages: Path, folder: Path) -> list[Pair]:
    """Return a package's pairs, from the file in `folder` that an earlier run left, or parsed and left there."""
    kept = folder / f"{package.sha256}.msgpack"
    if not kept.is_file():
        found: dict[tuple[str, str, str], Pair] = {}
        for chunk in package_chunks(package, rules, fetch(package, packages)):
            for pair in chunk_pairs(chunk):
                found.setdefault((pair.kind, pair.language, pair.asked), pair)
        folder.mkdir(parents=True, exist_ok=True)
        staged = kept.with_suffix(".part")
        staged.write_bytes(msgspec.msgpack.encode(list(found.values())))
        staged.replace(kept)
    return msgspec.msgpack.decode(kept.read_bytes(), type=list[Pair])


def in_fair_order(
    drawn: Mapping[str, Iterable[Pair]], rules: PairRules, languages: Mapping[str, float]
) -> list[tuple[str, Pair]]:
    """Return pairs with the name of their package, such that languages and kinds have their share of every beginning.

    `drawn` has the pairs by package. Each question and each answer is used once; within a language and kind the order
    is that of the sha256.
    """
    shares = {**languages, **rules.languages}
    groups: dict[tuple[str, Kind], dict[bytes, tuple[str, Pair]]] = {}
    for package, pairs in drawn.items():
        for pair in pairs:
            cut = msgspec.structs.replace(pair, answer=pair.answer[:_CODE_CHARS])
            key = hashlib.sha256(f"{cut.asked}\0{cut.answer}".encode("utf-8", "replace")).digest()
            groups.setdefault((pair.language, pair.kind), {})[key] = (package, cut)
    placed: list[tuple[float, bytes, tuple[str, Pair]]] = []
    for (language, kind), members in groups.items():
        share = shares[language] * rules.kinds[kind]
        placed += [((rank + 0.5) / share, key, members[key]) for rank, key in enumerate(sorted(members))]
    placed.sort(key=lambda entry: entry[:2])
    asked: set[str] = set()
    answers: set[str] = set()
    chosen: list[tuple[str, Pair]] = []
    for _, _, (package, pair) in placed:
        if pair.asked not in asked and pair.answer not in answers:
            asked.add(pair.asked)
            answers.add(pair.answer)
            chosen.append((package, pair))
    return chosen


def chunk_pairs(chunk: Chunk) -> Iterator[Pair]:
    """Yield the pairs that one chunk gives."""
    lines = chunk.embedded_text.split("\n")
    head = 2 if chunk.qualified_name else 1
    header, body = "\n".join(lines[:head]) + "\n", lines[head:]
    if chunk.kind is SymbolKind.SECTION:
        name = chunk.name.strip()
        section = "\n".join(line for line in body if name not in line)
        if len(name.split()) >= 2 and len(section) > 80:
            yield Pair("heading", chunk.language, name, section[:_KEPT_CHARS])
        return
    if not chunk.part and chunk.kind not in {SymbolKind.REGION, SymbolKind.KEY}:
        yield from _symbol_pairs(chunk, header, _without_doc(body, chunk.doc))
    if chunk.language not in _PROSE:
        yield from _comment_pairs(chunk.language, body)


def _symbol_pairs(chunk: Chunk, header: str, code: str) -> Iterator[Pair]:
    sentence = first_sentence(chunk.doc)
    if 3 <= len(sentence.split()) <= 40 and len(code) > 40 and sentence[:25] not in code:
        yield Pair("doc", chunk.language, sentence, (header + code)[:_KEPT_CHARS])
    words = [word for word in NAME_BREAK.split(chunk.name) if word]
    nameless = re.sub(rf"\b{re.escape(chunk.name)}\b", "_", code)
    if len(words) >= 2 and len(nameless) > 80:
        yield Pair("name", chunk.language, " ".join(words).lower(), nameless[:_KEPT_CHARS])


def _comment_pairs(language: str, lines: list[str]) -> Iterator[Pair]:
    place = 0
    while place < len(lines):
        start = place
        while place < len(lines) and (found := _COMMENT.match(lines[place])):
            # What begins with few words is a heading of its own or commented code; a block of comments is one comment.
            if place == start and (len(found[1].split()) < 4 or not _WORD_SIGN.search(found[1])):
                break
            place += 1
        comment = [match[1] for line in lines[start:place] if (match := _COMMENT.match(line))]
        if not comment:
            place = start + 1
            continue
        code: list[str] = []
        while place < len(lines) and len(code) < _BLOCK_LINES:
            if not lines[place].strip() or _COMMENT.match(lines[place]):
                break
            code.append(lines[place])
            place += 1
        asked, answer = first_sentence(" ".join(comment)), "\n".join(code)
        # A comment on the first line is the symbol's documentation.
        if start and len(code) >= 2 and len(answer) > 60 and 4 <= len(asked.split()) <= 30:
            yield Pair("comment", language, asked, answer[:_KEPT_CHARS])


def _without_doc(lines: list[str], doc: str) -> str:
    """Return code without the lines that documentation stands on, and without those of comment signs alone."""
    written = {line.strip() for line in doc.split("\n") if len(line.strip()) >= 3}
    longest = max(map(len, written), default=0) + 12
    kept: list[str] = []
    for line in lines:
        own = line.strip()
        documents = own and len(own) <= longest and any(part in own for part in written)
        signs = own not in {"{", "}", "{}"} and _COMMENT_SIGNS.fullmatch(own)
        if not documents and not signs:
            kept.append(line)
    return "\n".join(kept)
