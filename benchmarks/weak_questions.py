"""Makes questions with known answers from repositories: what commits say and change, and what comments say of code.

    python -m benchmarks.weak_questions CLONES WORK [--commits 30] [--docs 20]

CLONES holds a bare clone of each repository of weak_repositories.txt as OWNER+NAME, with the revision that stands
there. WORK becomes a set as benchmarks.retrieval's code_search is, read with `code_search(WORK, WORK / "repos")`. A
question is the subject of a commit, answered by the few source files that it changed and that are still there, or the
first sentence of a comment on a definition, answered by its file, from which the sentence was removed. No file answers
more than a few. A repository whose questions are in WORK is not asked again. Nothing of the repositories is kept in
this project.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

import indexer
from indexer.config import Config, EncoderOptions
from indexer.search.file_kinds import FileKind, file_kind
from indexer.types import SymbolKind
from pipelines.build import build

REPOSITORIES = Path(__file__).with_name("weak_repositories.txt")
NOT_CODE = frozenset(("markdown", "json", "yaml", "toml", "html", "css", "scss", "notebook", "text"))
COMMITS_READ = 2_500
MOST_FILES = 5
"""A commit that changed more is about more than one thing."""
MOST_ANSWERS = 3
MOST_OF_A_FILE = 3
"""So many questions of a kind one file answers: what changes often is not what is asked for often."""
MIN_WORDS, MAX_WORDS = 4, 25
SEED = 1

_CHORE = re.compile(
    r"\b(?:merge|bump|release|revert|typo|changelog|version|lint|format|formatting|upgrade|update dep\w*|dependenc\w+"
    r"|dependabot|ci|travis|github actions?|workflow|readme|copyright|license|whitespace|prepare|prettier|clippy"
    r"|rubocop|cleanup|clean up|snapshot|wip|nit|review|warnings?)\b|\bv?\d+\.\d+",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"^(?:\w+(?:\([^)]*\))?!?:\s+|\[[^\]]*\]:?\s*|:\w+:\s*)+")
_NUMBER = re.compile(r"\s*(?:\((?:#|gh-|closes |fixes )*\d+\)|(?:fix(?:es)?|closes?|refs?)?\s*#\d+)\.?", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[.!?:](?=\s|$)|\n\s*\n")

Row = dict[str, Any]


def main() -> None:
    """Check out, index, ask the histories and the comments, and write the set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("clones", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--commits", type=int, default=30, help="questions a repository")
    parser.add_argument("--docs", type=int, default=20, help="questions a repository")
    arguments = parser.parse_args()
    rows: list[Row] = []
    names: list[str] = []
    for line in REPOSITORIES.read_text(encoding="utf-8").splitlines():
        name, revision = line.split()
        name = name.replace("/", "+")
        kept = arguments.work / "questions" / f"{name}.json"
        if not kept.exists():
            asked = list(questions(arguments.clones / name, revision, arguments.work, name, arguments))
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(msgspec.json.encode(asked))
        found: list[Row] = msgspec.json.decode(kept.read_bytes())
        rows += found
        names += [name] if found else []
        print(name, len(found), flush=True)
    (arguments.work / "queries.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    (arguments.work / "repos.json").write_bytes(msgspec.json.encode([{"name": name} for name in names]))


def questions(clone: Path, revision: str, work: Path, name: str, limits: argparse.Namespace) -> Iterator[Row]:
    """Yield the questions of one repository, whose files come to lie in WORK/repos/NAME, its index in WORK/indexes."""
    root, index_dir = work / "repos" / name, work / "indexes" / name
    if not root.exists():
        archive = _git(clone, "archive", "--format=tar", revision)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(root, filter="data")
    config = Config(encoder=EncoderOptions(name="static"))
    build(root, config=config, index_dir=index_dir)
    with indexer.open(index_dir) as index:
        files = index.generation.catalog.stats()
        code = {path for path in files if file_kind(path) is FileKind.SOURCE}
        chunks = [chunk for chunk in index.chunks() if chunk.path in code and chunk.language not in NOT_CODE]
    code = {chunk.path for chunk in chunks}
    draw = random.Random(f"{SEED} {name}")
    documented = [
        (chunk.path, chunk.name, chunk.doc) for chunk in chunks if chunk.doc and chunk.kind is not SymbolKind.REGION
    ]
    asked = sorted(set(documented))
    draw.shuffle(asked)
    taken = [*comments(root, asked, limits.docs)]
    build(root, config=config, index_dir=index_dir)
    told = _git(
        clone, "log", "--no-merges", f"-n{COMMITS_READ}", "--name-only", "--no-renames", "--format=%x01%s%x02", revision
    )
    changed = [*commits(told.decode(errors="replace"), code, draw, limits.commits)]
    for number, (group, text, paths) in enumerate([*taken, *changed]):
        yield {
            "id": f"{name}-{number}",
            "repo": name,
            "language": group,
            "query": text,
            "relevant": [{"path": path} for path in paths],
        }


def commits(log: str, code: set[str], draw: random.Random, most: int) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield the subjects of commits that say in words what they do to a few source files, with these files."""
    entries = [entry.partition("\x02")[::2] for entry in log.split("\x01") if entry]
    draw.shuffle(entries)
    answers: Counter[str] = Counter()
    for subject, listed in entries:
        changed = [path for path in listed.split("\n") if path]
        paths = [path for path in changed if path in code]
        text = _NUMBER.sub("", _PREFIX.sub("", subject)).strip()
        words = _WORD.findall(text)
        missing = [path for path in changed if path not in code and file_kind(path) is FileKind.SOURCE]
        if not (
            MIN_WORDS <= len(words) <= MAX_WORDS and 1 <= len(paths) <= MOST_ANSWERS and len(changed) <= MOST_FILES
        ):
            continue
        if missing or _CHORE.search(subject) or any(answers[path] >= MOST_OF_A_FILE for path in paths):
            continue
        answers.update(paths)
        yield "commit", text, paths
        most -= 1
        if not most:
            return


def comments(
    root: Path, documented: Sequence[tuple[str, str, str]], most: int
) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield the first sentences of comments on definitions, with their files, and remove them from these."""
    sentences = Counter(" ".join(_words(doc)) for _, _, doc in documented)
    answers: Counter[str] = Counter()
    for path, name, doc in documented:
        words = _words(doc)
        if words and words[0] == name:
            words = words[1:]  # Go's comments begin so
        if not MIN_WORDS < len(words) <= MAX_WORDS or name in words or answers[path] >= MOST_OF_A_FILE:
            continue
        if sentences[" ".join(_words(doc))] > 1:
            continue
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        found = list(re.finditer(r"\W{1,40}?".join(map(re.escape, words)), text))
        if len(found) != 1:
            continue
        start, end = found[0].span()
        removed = re.sub(r"\w", " ", text[start:end])
        (root / path).write_text(text[:start] + removed + text[end:], encoding="utf-8")
        answers[path] += 1
        yield "doc", " ".join(text[start:end].split()) if text[start:end].count("\n") == 0 else " ".join(words), [path]
        most -= 1
        if not most:
            return


def _words(doc: str) -> list[str]:
    return _WORD.findall(_SENTENCE.split(doc, maxsplit=1)[0])


def _git(clone: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", f"--git-dir={clone}", *arguments], check=True, capture_output=True).stdout


if __name__ == "__main__":
    main()
