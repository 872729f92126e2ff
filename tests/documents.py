"""The commands that the documents name, in the order in which they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "configs/*.toml", "benchmarks/*.md", "indexer/assets/*/MODEL.md")
    for path in ROOT.glob(pattern)
)
PROGRAMS = ("indexer", "make", "python -m")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_REMARK = re.compile(r"\s{2,}.*| #.*| > .*")
"""What stands beside a command in a block, and where its output goes."""


@dataclass(frozen=True)
class Documented:
    """A command line as a document has it, without prompt and remark."""

    document: str
    line: str

    @property
    def words(self) -> list[str]:
        """The line as a shell would split it."""
        return shlex.split(self.line)

    def __str__(self) -> str:
        return f"{self.document}: {self.line}"


def commands(program: str) -> list[Documented]:
    """Return the distinct command lines of a program in all documents."""
    found = (Documented(document, line) for document in DOCUMENTS for line in _lines((ROOT / document).read_text()))
    return list(dict.fromkeys(command for command in found if f"{command.line} ".startswith(f"{program} ")))


def options(document: str) -> list[str]:
    """Return the options that a document names by themselves, `--mode text` and the like."""
    outside = _FENCE.sub("", (ROOT / document).read_text())
    return [text for text in _INLINE.findall(outside) if re.match(r"--?[a-z]", text)]


def blocks(document: str, language: str) -> list[str]:
    """Return the code blocks of a document in a language."""
    return [text for marked, text in _FENCE.findall((ROOT / document).read_text()) if marked == language]


def _lines(text: str) -> Iterator[str]:
    for language, block in _FENCE.findall(text):
        if not language:
            for line in block.splitlines():
                yield from (_REMARK.sub("", part) for part in line.strip().removeprefix("$ ").split(" && "))
    yield from _INLINE.findall(_FENCE.sub("", text))
