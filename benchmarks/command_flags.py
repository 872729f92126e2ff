"""Whether a flag and the name of its command find the file that declares it, where several commands have that flag.

    python -m benchmarks.command_flags ROOT 'src/cli/*.py' '"--([a-z][\\w-]+)"' [--parents]

ROOT is a checkout, the glob the files that make its commands, each named as its command, and the expression's group a
flag that such a file declares. Three ways to ask for each flag that two files or more declare, up to 150 questions.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import indexer

WAYS = ("{command} --{flag}", "--{flag} option of {command}", "what does --{flag} do in {command}")
MOST_QUESTIONS = 150
FILES = 5


def questions(root: Path, glob: str, pattern: str, *, parents: bool) -> list[tuple[str, str]]:
    """Return what is asked, each with the path that answers it."""
    declared: dict[str, set[Path]] = defaultdict(set)
    for path in root.glob(glob):
        for flag in re.findall(pattern, path.read_text(encoding="utf-8")):
            declared[flag].add(path)
    asked = [
        (way.format(flag=flag, command=f"{path.parent.name} {path.stem}" if parents else path.stem), path)
        for flag, paths in sorted(declared.items())
        if len(paths) > 1
        for path in sorted(paths)
        for way in WAYS
    ]
    step = max(1, len(asked) // MOST_QUESTIONS)
    return [(question, path.relative_to(root).as_posix()) for question, path in asked[::step]]


def shares(found: Sequence[int]) -> dict[str, float]:
    """Return the shares that are first, and among the first five, of places from 0."""
    return {
        "first": sum(place == 0 for place in found) / len(found),
        "among_five": sum(place < FILES for place in found) / len(found),
    }


def main() -> None:
    """Ask and print; the root must be indexed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("glob")
    parser.add_argument("pattern")
    parser.add_argument("--parents", action="store_true", help="a command is named by its folder and its file")
    arguments = parser.parse_args()
    asked = questions(arguments.root, arguments.glob, arguments.pattern, parents=arguments.parents)
    places = []
    with indexer.open(arguments.root) as index:
        for question, path in asked:
            files = list(dict.fromkeys(hit.path for hit in index.search(question, k=10).hits))
            places.append(files.index(path) if path in files else len(files) + FILES)
    print({"questions": len(asked)} | shares(places))


if __name__ == "__main__":
    main()
