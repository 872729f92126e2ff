"""What of a chunk is embedded."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_WORD_BREAK: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9\x80-\U0010ffff]+")
_JSON_LINE: Final = re.compile(r'^(?:"source": )?"(.*?)(?:\\n)?",?$', re.MULTILINE)


def embedded_text(*, path: str, qualified_name: str, signature: str, body: str, part: int) -> str:
    """Return what is embedded for a chunk: words of the path, the symbol's names, then the code.

    The body of a symbol's first part holds its signature and documentation; the later parts are given the signature.
    Bytes of a path that are not UTF-8 become question marks, as what is stored of a text can't hold them.
    """
    header = [path_words(path if path.isascii() else path.encode("utf-8", "replace").decode())]
    if qualified_name:
        header.append(qualified_name)
    if part and signature:
        header.append(signature)
    return "\n".join([*header, body])


@lru_cache(maxsize=1024)
def path_words(path: str) -> str:
    """Return the words of the last three steps of a path, extension left out."""
    steps = path.rsplit("/", 3)[-3:]
    steps[-1] = steps[-1].rpartition(".")[0] or steps[-1]
    return " ".join(_WORD_BREAK.sub(" ", step).strip() for step in steps)


def notebook_body(body: str) -> str:
    """Return lines of a notebook's JSON with the strings among them as they read: without quotes and escapes."""
    return _JSON_LINE.sub(lambda match: match[1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\"), body)
