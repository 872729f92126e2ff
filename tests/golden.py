"""Golden files: a sample of each language beside a readable list of its symbols.

`python -m tests.golden [LANGUAGE ...]` writes the lists anew; read the difference before you commit it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from indexer.stages.parse.parser import parse
from indexer.types import Symbol

SAMPLES = Path(__file__).parent / "data" / "languages"


def sample_of(language: str) -> Path:
    """Return a language's sample: the one file of its folder that is not the list of symbols."""
    (sample,) = [path for path in (SAMPLES / language).iterdir() if path.name != "symbols.txt"]
    return sample


def render(symbols: tuple[Symbol, ...], errors: int) -> str:
    """Return symbols as text: lines, kind and qualified name; then signature and documentation, indented."""
    lines = [f"errors: {errors}"]
    for symbol in symbols:
        parent = f" (in {symbol.parent})" if symbol.parent else ""
        lines += ["", f"{symbol.start_line}-{symbol.end_line} {symbol.kind} {symbol.qualified_name}{parent}"]
        lines += [f"    {symbol.signature}"]
        lines += [f"    | {line}".rstrip() for line in symbol.doc.splitlines()]
    return "\n".join(lines) + "\n"


def rendered(language: str) -> str:
    """Return the symbols that the parser finds in a language's sample, as text."""
    result = parse(sample_of(language).read_bytes(), language)
    return render(result.symbols, result.errors)


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(path.name for path in SAMPLES.iterdir()):
        (SAMPLES / name / "symbols.txt").write_text(rendered(name), encoding="utf-8")
