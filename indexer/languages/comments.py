"""Documentation without its marks: the text of comments and docstrings in any of the languages."""

from __future__ import annotations

import re
from typing import Final

_BLOCK: Final = re.compile(
    r"""(?:/\*+!?<?(?P<c>.*?)(?:\*+/)?        # C and its family: /* */, /** */, /*! */
        |\(\*+(?P<ml>.*?)(?:\*+\))?           # OCaml
        |\{-\s?[|^]?(?P<hs>.*?)(?:-\})?   # Haskell
        |<!--(?P<html>.*?)(?:-->)?        # HTML, Markdown
        |\#=(?P<jl>.*?)(?:=\#)?           # Julia
        |--\[=*\[(?P<lua>.*?)(?:\]=*\])?  # Lua
        )\Z""",
    re.VERBOSE | re.DOTALL,
)
_QUOTES: Final = re.compile(r"""(?:[A-Za-z]{0,3}|~[sS])(\"{3}|'{3}|["'`])(?P<text>.*)\1\Z""", re.DOTALL)
_LINE_MARK: Final = re.compile(r"""(?://[/!]*<?|\#+['!]?|--+(?:\s?[|^])?|;+|%+|\.\\"|")\s?""")
_XML_TAG: Final = re.compile(r"</?(?:summary|remarks|returns|value|para|inheritdoc)\s*/?>")
_STAR: Final = re.compile(r"\*+(?:\s|\Z)")


def clean_comment(text: str) -> str:
    """Return the text of one comment, line or block, without its marks and indentation; lines stay lines."""
    text = text.strip()
    block = _BLOCK.match(text)
    if block is None:
        text = _XML_TAG.sub("", text) if "<" in text else text
        return "\n".join([_LINE_MARK.sub("", line.strip(), count=1).rstrip() for line in text.splitlines()]).strip()
    lines = [line.strip() for line in block[block.lastgroup or 0].splitlines()]
    return "\n".join([_STAR.sub("", line, count=1) for line in lines]).strip()


def clean_docstring(text: str) -> str:
    """Return the text of a string literal without prefix, quotes and indentation; other text is a comment's."""
    text = text.strip()
    quoted = _QUOTES.match(text)
    if quoted is None:
        return clean_comment(text)
    return "\n".join([line.strip() for line in quoted["text"].splitlines()]).strip()


def fold(text: bytes, limit: int) -> str:
    """Return UTF-8 text on one line, each run of white space one blank, at most `limit` bytes before decoding."""
    folded = b" ".join(text[: 4 * limit].split())
    if len(folded) <= limit:
        return folded.decode("utf-8", "replace")
    return folded[:limit].decode("utf-8", "ignore").rstrip() + " …"
