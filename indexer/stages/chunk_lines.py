"""The lines of a file, and how a run of them is cut into parts of a bounded size.

Sizes are bytes of text without indentation and blank lines, one more a line: what an encoder's tokens follow.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

_CLOSER: Final = re.compile(rb"[)\]}]|(?:end|else|elif|except|finally|catch|fi|done|esac|then|do|and|or)\b")
_WORD_END: Final = re.compile(rb"[\s,;(){}\[\]<>\"'|&](?![\s,;(){}\[\]<>\"'|&])")
_BAD_BREAK: Final = 1_000


class Part(NamedTuple):
    """Some text of lines [first, last], 0-based, and the bytes [start, end) of the source that it stands for.

    `text` shows it, indentation kept; `body` is the same lines stripped, blank ones left out.
    """

    first: int
    last: int
    start: int
    end: int
    text: bytes
    body: bytes


class LineTable:
    """The lines of a source text with their byte offsets and sizes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lines = data.split(b"\n")
        self.stripped = [line.strip() for line in self.lines]
        self.starts = [0, *accumulate([len(line) + 1 for line in self.lines])]
        self.sizes = [0, *accumulate([len(text) + 1 if text else 0 for text in self.stripped])]

    def size(self, first: int, last: int) -> int:
        """Return the size of lines [first, last]."""
        return self.sizes[last + 1] - self.sizes[first]

    def trim(self, first: int, last: int) -> tuple[int, int]:
        """Return [first, last] without blank lines at its ends; last < first when all are blank."""
        stripped = self.stripped
        while first <= last and not stripped[first]:
            first += 1
        while last >= first and not stripped[last]:
            last -= 1
        return first, last

    def join(self, first: int, last: int) -> Part:
        """Return lines [first, last] as one part."""
        start = self.starts[first]
        end = start + len(self.data[start : self.starts[last + 1] - 1].rstrip())
        body = b"\n".join([line for line in self.stripped[first : last + 1] if line])
        return Part(first, last, start, end, self.data[start:end], body)

    def outline(self, first: int, last: int, code: int, signature: str) -> Part:
        """Return a signature in place of lines [first, last], indented as line `code` is."""
        whole = self.lines[code]
        text = signature.encode("utf-8", "replace")
        indented = whole[: len(whole) - len(whole.lstrip())] + text
        return Part(first, last, self.starts[first], self.starts[last + 1] - 1, indented, text)

    def each(self, first: int, last: int, limit: int) -> Iterator[Part]:
        """Yield lines [first, last] one by one, those larger than `limit` in pieces."""
        for number in range(first, last + 1):
            text = self.stripped[number]
            start = self.starts[number]
            if len(text) < limit:
                line = self.lines[number].rstrip()
                yield Part(number, number, start, start + len(line), line, text)
                continue
            start += len(self.lines[number]) - len(self.lines[number].lstrip())
            for begin, end in cut_line(text, limit):
                piece = text[begin:end]
                yield Part(number, number, start + begin, start + end, piece, piece)


def cut_line(text: bytes, limit: int) -> Iterator[tuple[int, int]]:
    """Yield [begin, end) pieces of a line, of about `limit` bytes, cut after a blank or a mark, never within a word.

    A longer word (base64, a hash) stays whole, unless it is mostly of characters outside ASCII, as prose may be.
    """
    begin = 0
    while len(text) - begin > limit:
        breaks = [match.end() for match in _WORD_END.finditer(text, begin + limit // 2, begin + limit)]
        window = text[begin : begin + limit]
        if breaks:
            end = breaks[-1]
        elif 2 * sum(byte >= 0x80 for byte in window) > limit:
            end = begin + limit
            while text[end] & 0xC0 == 0x80:
                end -= 1
        else:
            match = _WORD_END.search(text, begin + limit)
            end = match.end() if match else len(text)
        yield begin, end
        begin = end
    if begin < len(text):
        yield begin, len(text)


def split(lines: Sequence[Part], limit: int) -> Iterator[Part]:
    """Yield lines joined into parts of at most `limit`, cut in their second half where the indentation is least."""
    sizes = [0, *accumulate([len(line.body) + 1 if line.body else 0 for line in lines])]
    begin = 0
    while begin < len(lines):
        if sizes[-1] - sizes[begin] <= limit:
            yield from _joined(lines[begin:])
            return
        most = max(begin + 1, bisect_right(sizes, sizes[begin] + limit) - 1)
        least = bisect_left(sizes, sizes[begin] + limit // 2, begin + 1, most)
        stop = min(range(most, least - 1, -1), key=lambda place: _break_cost(lines, place))
        yield from _joined(lines[begin:stop])
        begin = stop


def _break_cost(lines: Sequence[Part], place: int) -> int:
    """Return how bad it is to start a part with a line: its indentation, more for a closing or blank line."""
    if place == len(lines):
        return 0
    line = lines[place]
    if not line.body:
        return _BAD_BREAK
    indent = len(line.text) - len(line.text.lstrip())
    if place and not lines[place - 1].body:
        indent -= 1
    return 4 * indent + (_BAD_BREAK // 2 if _CLOSER.match(line.body) else 0)


def _joined(lines: Sequence[Part]) -> Iterator[Part]:
    """Yield the lines as one part without the blank ones at its ends; nothing when all are blank."""
    kept = [place for place, line in enumerate(lines) if line.body]
    if not kept:
        return
    lines = lines[kept[0] : kept[-1] + 1]
    pieces: list[bytes] = []
    for place, line in enumerate(lines):
        if place and line.first > lines[place - 1].last:
            pieces.append(b"\n")
        pieces.append(line.text)
    body = b"\n".join([line.body for line in lines if line.body])
    yield Part(lines[0].first, lines[-1].last, lines[0].start, lines[-1].end, b"".join(pieces), body)
