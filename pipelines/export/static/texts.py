"""The texts that the table is fitted on: what our own parser and chunker embed of packages, and short texts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from indexer.config import Config, ParseOptions
from indexer.languages.detection import detect_language
from indexer.types import (
    Chunk,
    FileRecord,
    IndexedSource,
    LeftOut,
    ParsedFile,
    SkippedFile,
    SourceFile,
    Stat,
)

from ...parsing.pool import parse_files
from ..packages import Package, fetch, members
from .corpus import Rules, is_left_out

Kind = Literal["chunk", "head", "sentence", "question", "name"]
"""An embedded text of a chunk, the beginning of one that has documentation, the first sentence of that, the same as a
person would ask for it, and the words of a symbol's name."""

HEAD_CHARS = 400

MAX_QUESTION_WORDS = 14
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n\s*\n|\n\s*[-*@:\\]")
_MARKUP = re.compile(r"</?\w+[^>]*>|[`*#]+|\{@\w+\s|[{}]")
NAME_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_QUESTIONS = ("{0}", "{0} {1}", "{1} {0}", "how to {0}", "how to {0} in {1}", "{1} how to {0}", "{0} in {1}")


class Text(msgspec.Struct, frozen=True):
    """One text to fit on, and what it is."""

    kind: Kind
    language: str
    text: str


@dataclass(frozen=True)
class _Archive:
    """A package's chosen files as a source, and as its reader."""

    contents: Mapping[str, bytes]
    left_out = LeftOut()
    description = IndexedSource(kind="package", root="")

    def files(self, known: Mapping[str, FileRecord] | None = None) -> Iterator[SourceFile | SkippedFile]:
        return (SourceFile(path, len(content), -1) for path, content in sorted(self.contents.items()))

    def content_id(self, file: SourceFile) -> bytes:
        return b""

    def reader(self) -> _Archive:
        return self

    def read(self, path: str) -> tuple[bytes, Stat]:
        return self.contents[path], (len(self.contents[path]), -1, 0, 0)


def package_texts(package: Package, rules: Rules, packages: Path, folder: Path) -> list[Text]:
    """Return a package's texts, from the file in `folder` that an earlier run left, or parsed and left there."""
    kept = folder / f"{package.sha256}.msgpack"
    if not kept.is_file():
        texts = list(_texts(package, rules, fetch(package, packages)))
        folder.mkdir(parents=True, exist_ok=True)
        staged = kept.with_suffix(".part")
        staged.write_bytes(msgspec.msgpack.encode(texts))
        staged.replace(kept)
    return msgspec.msgpack.decode(kept.read_bytes(), type=list[Text])


def in_fair_order(texts: Iterable[Text], rules: Rules) -> list[Text]:
    """Return distinct texts such that every beginning of the list is a fair sample: languages and kinds by their share.

    Within a language and kind the order is that of the texts' sha256.
    """
    groups: dict[tuple[str, str], dict[bytes, Text]] = {}
    for text in texts:
        key = hashlib.sha256(text.text.encode("utf-8", "replace")).digest()
        groups.setdefault((text.language, text.kind), {})[key] = text
    placed: list[tuple[float, bytes, Text]] = []
    for (language, kind), members_ in groups.items():
        share = rules.languages[language] * rules.kinds[kind]
        placed += [((rank + 0.5) / share, key, members_[key]) for rank, key in enumerate(sorted(members_))]
    placed.sort(key=lambda entry: entry[:2])
    distinct: dict[bytes, Text] = {}
    for _, key, text in placed:
        distinct.setdefault(key, text)
    return list(distinct.values())


def _texts(package: Package, rules: Rules, archive: Path) -> Iterator[Text]:
    return (text for chunk in package_chunks(package, rules, archive) for text in chunk_texts(chunk))


def package_chunks(package: Package, rules: Rules, archive: Path) -> Iterator[Chunk]:
    """Yield the chunks of the files that are chosen of a package."""
    contents = _chosen(package, rules, archive)
    records = [FileRecord(path, len(content), -1, b"") for path, content in sorted(contents.items())]
    # Two workers whatever the machine: what a file yields does not depend on it.
    config = Config(parse=ParseOptions(workers=2))
    for parsed in parse_files(_Archive(contents), records, config):
        if isinstance(parsed, ParsedFile) and parsed.record.language in rules.languages:
            yield from parsed.chunks


def chunk_texts(chunk: Chunk) -> Iterator[Text]:
    """Yield the texts that are made of one chunk; short ones of a symbol's first part alone."""
    yield Text("chunk", chunk.language, chunk.embedded_text)
    if chunk.part or chunk.kind in {"region", "section", "key"}:
        return
    words = [word for word in NAME_BREAK.split(chunk.qualified_name) if word]
    if len(words) > 1:
        yield Text("name", chunk.language, " ".join(words[-6:]).lower())
    sentence = first_sentence(chunk.doc)
    if len(sentence.split()) >= 3:
        yield Text("head", chunk.language, chunk.embedded_text[:HEAD_CHARS].rpartition("\n")[0] or chunk.embedded_text)
        yield Text("sentence", chunk.language, sentence)
        yield Text("question", chunk.language, question(sentence, chunk.language))


def first_sentence(doc: str) -> str:
    """Return the first sentence of a documentation comment on one line, markup left out."""
    first = _SENTENCE_END.split(doc.strip(), maxsplit=1)[0]
    return " ".join(_MARKUP.sub(" ", first).split())


def question(sentence: str, language: str) -> str:
    """Return a sentence the way it is typed into a search box; its own hash chooses among a few forms."""
    words = [word.strip(".,:;!?()\"'") for word in sentence.lower().split()[:MAX_QUESTION_WORDS]]
    stem = " ".join(word for word in words if word)
    form = _QUESTIONS[hashlib.sha256(stem.encode("utf-8", "replace")).digest()[0] % len(_QUESTIONS)]
    return form.format(stem, language)


def _chosen(package: Package, rules: Rules, archive: Path) -> dict[str, bytes]:
    """Return files by path, of each wanted language those whose paths have the smallest sha256, up to a size."""
    found: dict[str, list[tuple[bytes, str, bytes]]] = {}
    for name, content in members(archive):
        path = "/".join(PurePosixPath(name).parts[1:]) or name
        if not rules.min_bytes <= len(content) <= rules.max_bytes or is_left_out(path, rules):
            continue
        language = detect_language(path).language
        if language in rules.languages:
            found.setdefault(language, []).append(
                (hashlib.sha256(path.encode("utf-8", "replace")).digest(), path, content)
            )
    limit = rules.bytes_per_language * rules.large.get(package.name, 1)
    chosen: dict[str, bytes] = {}
    for files in found.values():
        taken = 0
        for _, path, content in sorted(files):
            taken += len(content)
            if taken > limit:
                break
            chosen[path] = content
    return chosen
