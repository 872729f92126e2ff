"""How much of its chunks the encoder reads, by the size that chunks may have; benchmarks/chunking.md has the table.

python -m benchmarks.chunk_sizes FOLDER        each folder in it is a repository

Of each repository up to `MAX_BYTES` of code are taken, files in the order of their content's hash; markup and data are
left out. Nothing is embedded: texts are tokenised without a limit, and what lies beyond the encoder's window counts as
not read.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import write_result
from indexer.config import ChunkOptions, Config
from indexer.encoders.bundle import BUNDLED, TOKENIZER, open_bundle
from indexer.encoders.sessions import open_tokenizer
from indexer.languages.detection import detect_language
from indexer.languages.registry import LANGUAGES
from indexer.sources.worktree import Worktree
from indexer.stages.detect import content_hash, detect
from indexer.types import FileRecord, ParsedFile
from pipelines.parsing.file import parse_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SIZES = (400, 700, 1000, 1200, 2000)
MAX_BYTES = 1_000_000
UNLIMITED = 1 << 20
NO_CODE = {"html", "markdown", "json", "yaml", "toml", "notebook", "css", "scss"}


def sample(root: Path) -> list[tuple[str, bytes]]:
    """Return path and content of the files of a repository that are taken."""
    source = Worktree(root, Config().walk)
    contents = [(record.path, source.reader().read(record.path)[0]) for record in detect(source, {}).added]
    taken, size = [], 0
    for path, content in sorted(contents, key=lambda file: content_hash(file[1])):
        language = LANGUAGES.get(detect_language(path, content).language)
        if size < MAX_BYTES and language is not None and language.has_symbols and language.name not in NO_CODE:
            taken.append((path, content))
            size += len(content)
    return taken


def texts(files: list[tuple[str, bytes]], max_chars: int) -> list[str]:
    """Return what is embedded of files whose chunks have at most so many characters."""
    config = Config(chunk=ChunkOptions(max_chars=max_chars))
    found = []
    for path, content in files:
        parsed = parse_file(FileRecord(path, len(content), -2, b""), content, config)
        if isinstance(parsed, ParsedFile):
            found += [chunk.embedded_text for chunk in parsed.chunks]
    return found


def measure(files: list[tuple[str, bytes]], max_chars: int, tokenizer: Tokenizer, window: int) -> dict[str, Any]:
    """Return how many chunks there are, and how much of their tokens the window holds."""
    lengths = [len(encoding) for encoding in tokenizer.encode_batch(texts(files, max_chars))]
    read = sum(min(length, window) for length in lengths)
    return {
        "chunks": len(lengths),
        "tokens_a_chunk": sum(lengths) / len(lengths),
        "tokens_read": read,
        "percent_of_tokens_read": 100 * read / sum(lengths),
        "percent_of_chunks_read_to_the_end": 100 * sum(length <= window for length in lengths) / len(lengths),
    }


def main() -> None:
    """Measure each size and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    roots = sorted(path for path in folder.iterdir() if path.is_dir())
    files = [(f"{root.name}/{path}", content) for root in roots for path, content in sample(root)]
    bundle = open_bundle(BUNDLED)
    tokenizer = open_tokenizer(bundle.folder / TOKENIZER, max_tokens=UNLIMITED)
    window = bundle.identity.max_tokens
    figures: dict[str, Any] = {
        "repositories": len(roots),
        "files": len(files),
        "bytes": sum(len(content) for _, content in files),
        "window_tokens": window,
    }
    for max_chars in SIZES:
        figures[f"max_chars {max_chars}"] = measure(files, max_chars, tokenizer, window)
        print(max_chars, figures[f"max_chars {max_chars}"])
    print(write_result("chunk_sizes", "python -m benchmarks.chunk_sizes FOLDER", figures))


if __name__ == "__main__":
    main()
