"""Documentation without its marks: the text of comments and docstrings in any of the languages."""

from __future__ import annotations

import re
from typing import Final

_BLOCKS: Final = (("/*", "*/"), ("(*", "*)"), ("{-", "-}"), ("<!--", "-->"), ("#=", "=#"))
_OPENERS: Final = (*(opener for opener, _ in _BLOCKS), "--[")
_LUA_BLOCK: Final = re.compile(r"--\[=*\[")
_QUOTES: Final = re.compile(r"""(?:[A-Za-z]{0,3}|~[sS])(\"{3}|'{3}|["'`])(?P<text>.*)\1\Z""", re.DOTALL)
_LINE_MARK: Final = re.compile(r"""(?://[/!]*<?|\#+['!]?|--+(?:\s?[|^])?|;+|%+|\.\\"|")\s?""")
_XML_TAG: Final = re.compile(r"</?(?:summary|remarks|returns|value|para|inheritdoc)\s*/?>")
_POD_COMMAND: Final = re.compile(r"^=(?:(?:over|back|cut|pod)\b.*\n*|[a-z]+\d?[ \t]*)", re.MULTILINE)
_POD_CODE: Final = re.compile(r"\b[A-Z](?:<< +(.*?) +>>|<([^<>]*)>)")
_STAR: Final = re.compile(r"\*+(?:\s|\Z)")


def clean_comment(text: str) -> str:
    """Return the text of one comment, line or block, without its marks and indentation; lines stay lines."""
    text = text.strip()
    if text[:1] == "=":
        return _POD_CODE.sub(r"\1\2", _POD_COMMAND.sub("", text)).strip()
    inner = _block_text(text) if text.startswith(_OPENERS) else None
    if inner is None:
        text = _XML_TAG.sub("", text) if "<" in text else text
        return "\n".join([_unmarked(line.strip()) for line in text.splitlines()]).strip()
    lines = [line.strip() for line in inner.splitlines()]
    return "\n".join([_STAR.sub("", line, count=1) if line[:1] == "*" else line for line in lines]).strip()


def _unmarked(line: str) -> str:
    mark = _LINE_MARK.match(line)
    return line[mark.end() :] if mark else _LINE_MARK.sub("", line, count=1).rstrip()


def _block_text(text: str) -> str | None:
    """Return what is between the marks of a block comment, the extra marks of documentation left out."""
    for opener, closer in _BLOCKS:
        if text.startswith(opener):
            return text[len(opener) :].removesuffix(closer).lstrip("*!<|^ \t").rstrip("* \t")
    if lua := _LUA_BLOCK.match(text):
        return text[lua.end() :].rstrip("]=")
    return None


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
