"""What holds for the chunks of any file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from indexer.types import Chunk

_WORD = re.compile(rb"[\w\x80-\xff]+")


def check_chunks(data: bytes, chunks: Sequence[Chunk]) -> None:
    """Assert that every non-blank line is in a chunk's span and text, no word is lost, and spans and ids are sound."""
    lines = data.split(b"\n")
    shown: dict[int, list[str]] = {}
    for chunk in chunks:
        assert 0 <= chunk.start_byte < chunk.end_byte <= len(data)
        assert 1 <= chunk.start_line <= chunk.end_line <= len(lines)
        assert data.count(b"\n", 0, chunk.start_byte) + 1 == chunk.start_line
        assert data.count(b"\n", 0, chunk.end_byte) + 1 == chunk.end_line
        assert chunk.text.strip(" \t\r\n\v\f")
        assert len(chunk.text_hash) == 16
        assert 0 <= chunk.id < 1 << 63
        for number in range(chunk.start_line, chunk.end_line + 1):
            shown.setdefault(number, []).append(chunk.text)
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    everything = "".join(chunk.text for chunk in chunks)
    for number, line in enumerate(lines, 1):
        text = line.decode("utf-8", "replace").strip()
        if not text:
            continue
        assert number in shown, f"line {number} is in no chunk: {text!r}"
        around = "".join(shown[number])
        assert all(word.decode("utf-8", "replace") in around for word in _WORD.findall(line)), (
            f"line {number}: {text!r}"
        )
    whole = set(_WORD.findall(everything.encode()))
    assert all(word in whole or word.decode("utf-8", "replace") in everything for word in set(_WORD.findall(data)))
