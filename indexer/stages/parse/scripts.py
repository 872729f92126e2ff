"""The scripts of a component file, Vue's or Svelte's, alone: everything around them is blank to the grammar."""

from __future__ import annotations

import re

COMPONENTS = frozenset(("svelte", "vue"))
"""Languages whose definitions are in their files' <script> elements."""

_OPENS = re.compile(rb"<script\b[^<>]{0,1000}>", re.IGNORECASE)
_CLOSES = re.compile(rb"</script\s{0,100}>", re.IGNORECASE)
_BLANK = bytes(byte if byte == 0x0A else 0x20 for byte in range(256))


def scripts_alone(data: bytes) -> bytes:
    """Return a component's text with blanks for all that is no script, every line and byte in its place."""
    pieces: list[bytes] = []
    end = 0
    while opens := _OPENS.search(data, end):
        closes = _CLOSES.search(data, opens.end())
        stop = closes.start() if closes else len(data)
        pieces += [data[end : opens.end()].translate(_BLANK), data[opens.end() : stop]]
        end = stop
    return b"".join([*pieces, data[end:].translate(_BLANK)])
