"""The regular expression of a pattern with wildcards that takes no long time, whoever wrote it.

A wildcard ends at the first place where what follows it matches, as an atomic group, which suffices since the next
wildcard takes up the rest. Python's re would try all places.
"""

from __future__ import annotations

from collections.abc import Iterable

Piece = tuple[str, str]
"""A part of a pattern: "star" for `*`, "deep" for `**/`, any other word for a regular expression, which follows."""


def bounded_regex(pieces: Iterable[Piece]) -> str:
    """Return an expression for what the pieces match in turn, with atomic groups for all wildcards but the last.

    For bytes, decode what is fixed as Latin-1 and encode what is returned so.
    """
    segments = [[""]]  # divided by **/, and each of them by *
    for kind, regex in pieces:
        if kind == "deep":
            segments.append([""])
        elif kind == "star":
            segments[-1].append("")
        else:
            segments[-1][-1] += regex
    parts = []
    for place, (first, *rest) in enumerate(segments):
        is_last = place == len(segments) - 1
        body = first
        for number, fixed in enumerate(rest, 1):
            ends = is_last and number == len(rest)
            body += f"[^/]*{fixed}" if ends else f"(?>[^/]*?{fixed})"
        if place:
            body = f"(?:[^/]*/)*{body}" if is_last else f"(?>(?:[^/]*/)*?{body})"
        parts.append(body)
    return "".join(parts)
