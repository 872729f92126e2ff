"""Tokens of an agent's search, beside those of grep and of reading the same places.

python -m benchmarks.agent_answers

Questions about the standard library's asyncio, email and http, each with the word that somebody would grep for. Beside
the answer of the tool `search` (five hits) stand `grep -rniw WORD`, as whole and cut at 50 lines, and the source lines
of the five hits read in full, with path and line numbers as `grep -n` writes them. Tokens are word pieces of BERT's
uncased vocabulary, which is in the package; of code they are more than those of most models, on all sides alike.
"""

from __future__ import annotations

import re
import shutil
import statistics
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import indexer
from benchmarks.measure import write_result
from indexer.config import Config, EncoderOptions
from pipelines.serve.project import Project
from pipelines.serve.text import count_tokens
from pipelines.serve.tools import Tools

PACKAGES = ("asyncio", "email", "http")
GREP_LINES = 50
HITS = 5

QUESTIONS = (
    ("decode quoted printable text", "quopri"),
    ("how are http response headers parsed", "headers"),
    ("cancel all tasks when the loop shuts down", "cancel"),
    ("set a cookie's expiry", "expires"),
    ("parse a date with a time zone", "timezone"),
    ("wait for the first of several futures", "wait"),
    ("limit how many tasks hold a resource", "semaphore"),
    ("boundary of multipart messages", "boundary"),
    ("fold long header lines", "fold"),
    ("serve files of a directory", "directory"),
    ("send a chunked request body", "chunked"),
    ("start a subprocess and read its output", "subprocess"),
    ("detect that the connection was closed by the peer", "eof"),
    ("encode a header that is not ascii", "encode"),
    ("run blocking code in a thread", "executor"),
    ("time out an operation", "timeout"),
    ("set up tls on a stream", "ssl"),
    ("attach a file to a mail", "attachment"),
    ("log requests of the server", "log"),
    ("what happens with an exception that nobody handles", "exception"),
)


def grep(root: Path, word: str) -> Iterator[str]:
    """Yield what `grep -rniw WORD` prints for the .py files."""
    pattern = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
    for path in sorted(root.rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if pattern.search(line):
                yield f"{path.relative_to(root)}:{number}:{line}"


def read_places(root: Path, places: list[tuple[str, int, int]]) -> str:
    """Return the lines of places in full, numbered."""
    rows = []
    for path, start, end in places:
        lines = (root / path).read_text().splitlines()[start - 1 : end]
        rows += [path, *(f"{number}:{line}" for number, line in enumerate(lines, start))]
    return "\n".join(rows)


def measure(root: Path) -> dict[str, Any]:
    """Ask each question and count."""
    config = Config(encoder=EncoderOptions(name="minilm"))
    indexer.build(root, config=config)
    project = Project("library", root, builds=False)
    tools = Tools([project])
    rows: list[dict[str, Any]] = []
    for question, word in QUESTIONS:
        answer = tools.search(question, k=HITS)
        hits = project.index.search(question, k=HITS).hits
        found = list(grep(root, word))
        rows.append(
            {
                "question": question,
                "grep_for": word,
                "answer": count_tokens(answer),
                "grep": count_tokens("\n".join(found)),
                "grep_50_lines": count_tokens("\n".join(found[:GREP_LINES])),
                "read": count_tokens(read_places(root, [(hit.path, hit.start_line, hit.end_line) for hit in hits])),
            }
        )
    tools.close()
    names = ("answer", "grep", "grep_50_lines", "read")
    return {
        "median": {name: statistics.median(row[name] for row in rows) for name in names},
        "largest": {name: max(row[name] for row in rows) for name in names},
        "questions": rows,
    }


def main() -> None:
    """Measure and write the result."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "library"
        for name in PACKAGES:
            source = Path(sysconfig.get_path("stdlib")) / name
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        figures = measure(root)
    print(figures["median"], figures["largest"], file=sys.stderr)
    write_result("agent_answers", "python -m benchmarks.agent_answers", figures)


if __name__ == "__main__":
    main()
