"""The lines of a file, and how a run of them is cut into parts of a bounded size.

Sizes are bytes of text without indentation and blank lines, one more a line: what an encoder's tokens follow.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, count
from operator import add
from typing import Final

import msgspec

_CLOSER: Final = re.compile(rb"[)\]}]|(?:end|else|elif|except|finally|catch|fi|done|esac|then|do|and|or)\b")
_WORD_END: Final = re.compile(rb"[\s,;(){}\[\]<>\"'|&](?![\s,;(){}\[\]<>\"'|&])")
_CLOSER_STARTS: Final = b")]}eacftdo"
_CLOSER_COST: Final = 500
_NO_BREAK: Final = 1 << 30


class Part(msgspec.Struct, frozen=True, gc=False):
    """Some text of lines [first, last], 0-based, and the bytes [start, end) of the source that it stands for.

    `text` shows it, indentation kept; `body` is the same lines stripped, blank ones left out. Where rows of the text
    don't follow one another in the source, `runs` are those at which some that do begin, with their lines, 0-based.
    """

    first: int
    last: int
    start: int
    end: int
    text: bytes
    body: bytes
    runs: tuple[tuple[int, int], ...] = ()


class LineTable:
    """The lines of a source text with their byte offsets and sizes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lines = data.split(b"\n")
        self.stripped = list(map(bytes.strip, self.lines))
        # A line feed counts with each line, and with each stripped one that is not blank.
        self.starts: list[int] = list(map(add, accumulate(map(len, self.lines), initial=0), count()))
        texts, feeds = map(len, self.stripped), map(bool, self.stripped)
        self.sizes: list[int] = list(map(add, accumulate(texts, initial=0), accumulate(feeds, initial=0)))

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
        """Return lines [first, last], neither end blank, as one part."""
        start = self.starts[first]
        text = self.data[start : self.starts[last + 1] - 1].rstrip()
        body = b"\n".join([line for line in self.stripped[first : last + 1] if line])
        return Part(first, last, start, start + len(text), text, body)

    def outline(self, first: int, last: int, code: int, signature: str, line: int) -> Part:
        """Return a signature in place of lines [first, last], indented as line `code` is, for a name on `line`."""
        whole = self.lines[code]
        text = signature.encode("utf-8", "replace")
        indented = whole[: len(whole) - len(whole.lstrip())] + text
        return Part(first, last, self.starts[first], self.starts[last + 1] - 1, indented, text, ((0, line),))

    def cut(self, first: int, last: int, limit: int) -> Iterator[Part]:
        """Yield lines [first, last] in parts of at most `limit`, cut in the second half where the indentation is least.

        A longer line is cut by `cut_line`.
        """
        sizes = self.sizes
        first, last = self.trim(first, last)
        while sizes[last + 1] - sizes[first] > limit:
            stop = bisect_right(sizes, sizes[first] + limit, first, last + 1) - 1
            if stop <= first:
                yield from self.cut_line(first, limit)
                stop = first + 1
            else:
                least = bisect_left(sizes, sizes[first] + limit // 2, first + 1, stop)
                stop = self.best_break(least, stop)
                yield self.join(*self.trim(first, stop - 1))
            first, last = self.trim(stop, last)
        if first <= last:
            yield self.join(first, last)

    def best_break(self, first: int, last: int) -> int:
        """Return the line of [first, last] where a part starts best, the last of equals.

        It is the one with the least indentation, after a blank line if there is one; no blank line, nor a closing one
        unless all are.
        """
        lines, stripped = self.lines, self.stripped
        best, least = last, _NO_BREAK
        for number in range(last, first - 1, -1):
            text = stripped[number]
            if not text:
                continue
            cost = 4 * (len(lines[number].rstrip()) - len(text)) - (not stripped[number - 1])
            if cost < least and text[0] in _CLOSER_STARTS and _CLOSER.match(text):
                cost += _CLOSER_COST
            if cost < least:
                best, least = number, cost
                if cost < 0:
                    break
        return best

    def cut_line(self, number: int, limit: int) -> Iterator[Part]:
        """Yield one line in pieces of about `limit` bytes, cut after a blank or a mark, never within a word.

        A longer word (base64, a hash) stays whole, unless it is mostly of characters outside ASCII, as prose may be.
        """
        text = self.stripped[number]
        line = self.lines[number]
        start = self.starts[number] + len(line) - len(line.lstrip())
        begin = 0
        while begin < len(text):
            end = _piece_end(text, begin, limit)
            piece = text[begin:end]
            if kept := piece.strip():
                yield Part(number, number, start + begin, start + end, piece, kept)
            begin = end


def _piece_end(text: bytes, begin: int, limit: int) -> int:
    """Return where the piece of a line that starts at `begin` ends."""
    if len(text) - begin <= limit:
        return len(text)
    breaks = [match.end() for match in _WORD_END.finditer(text, begin + limit // 2, begin + limit)]
    if breaks:
        return breaks[-1]
    end = begin + limit
    if 2 * sum(byte >= 0x80 for byte in text[begin:end]) > limit:
        while text[end] & 0xC0 == 0x80:
            end -= 1
        return end
    match = _WORD_END.search(text, end)
    return match.end() if match else len(text)


def pack(pieces: Iterable[Part], limit: int) -> Iterator[Part]:
    """Yield pieces joined into parts of at most `limit`, in order; a larger piece stays alone."""
    packed: list[Part] = []
    size = 0
    for piece in pieces:
        added = len(piece.body) + 1
        if packed and size + added > limit:
            yield _joined(packed)
            packed, size = [], 0
        packed.append(piece)
        size += added
    if packed:
        yield _joined(packed)


def _joined(pieces: Sequence[Part]) -> Part:
    text = b"\n".join([piece.text for piece in pieces])
    body = b"\n".join([piece.body for piece in pieces])
    return Part(pieces[0].first, pieces[-1].last, pieces[0].start, pieces[-1].end, text, body, _runs(pieces))


def _runs(pieces: Sequence[Part]) -> tuple[tuple[int, int], ...]:
    """Return the runs of pieces one below the other; none where all rows follow one another in the source."""
    runs: list[tuple[int, int]] = []
    row = 0
    for piece in pieces:
        for start, line in piece.runs or ((0, piece.first),):
            if not runs or line - runs[-1][1] != row + start - runs[-1][0]:
                runs.append((row + start, line))
        row += piece.text.count(b"\n") + 1
    return tuple(runs) if len(runs) > 1 or runs[0] != (0, pieces[0].first) else ()
