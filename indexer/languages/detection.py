"""Which language a file is written in, and how that is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from indexer.globs import compile_glob
from indexer.languages.registry import LANGUAGES, PLAIN_TEXT, Language

HEAD_CHARS: Final = 65_536
"""How much of a file is looked at, at most."""

_SHEBANG: Final = re.compile(r"#!\s*(\S+)(?:[ \t]+(.*))?")
_VIM: Final = re.compile(r"(?:^|\s)(?:vi|vim|ex):.*?\b(?:ft|filetype|syntax)=([\w+#-]+)")
_EMACS: Final = re.compile(r"-\*-\s*(?:.*?\bmode:\s*)?([\w+#-]+?)\s*(?:;.*)?-\*-", re.IGNORECASE)
_CPP: Final = re.compile(
    r"""^\s*(?:class\s+(?:\w+\s+)?\w+\s*(?:final\s*)?(?::\s*(?:public|private|protected|virtual)\b|[{;])
        |template\s*<|(?:inline\s+)?namespace\b\s*[\w:]*\s*\{|(?:public|private|protected)\s*:\s*$
        |using\s+(?:namespace\s|\w+\s*=|\w+::)|virtual\s[\w\s:<>*&~]+\(|constexpr\s|enum\s+class\b
        |\#\s*include\s*<[a-z_]+>)|\bstd::\w""",
    re.MULTILINE | re.VERBOSE,
)
_CPP_ONLY: Final = re.compile(
    r"^\s*#\s*if(?:def\s+|\s+defined\s*\(?\s*)__cplusplus\b.*?^\s*#\s*(?:endif|else)", re.MULTILINE | re.DOTALL
)
"""What a C header shows to C++ compilers alone."""

_OBJC: Final = re.compile(r"^\s*(?:@(?:interface|protocol|implementation|import|class|property)\b|#\s*import\s)", re.M)
_MATLAB: Final = re.compile(r"^\s*(?:%|function\b.*$|classdef\b|\w+\s*=.*;\s*%)", re.MULTILINE)


class Detection(NamedTuple):
    """A language's name, and the reason in a few words."""

    language: str
    why: str


def detect_language(path: str, head: str | bytes = "", overrides: Mapping[str, str] | None = None) -> Detection:
    """Return the language of a file and why.

    Asked in order: `overrides` (from globs to languages, the first that matches the path), file
    name, extension, interpreter line, modeline. `head` is the start of the content, which tells what `.h`, `.C` and
    `.m` are. A file that nothing claims is plain text. Raises ConfigError for a malformed glob.
    """
    name = path.rpartition("/")[2]
    for pattern, language in (overrides or {}).items():
        if compile_glob(pattern).fullmatch(path):
            return Detection(language, f"the setting {pattern!r}")
    if name in _BY_NAME:
        return Detection(_BY_NAME[name], f"the file name {name}")
    written = name.rpartition(".")[2] if "." in name.lstrip(".") else ""
    extension = written.lower()
    if extension in _BY_CONTENT or written == _C_OR_CPP:
        return _detect_by_content(extension, written, _decoded(head))
    if extension in _BY_EXTENSION:
        return Detection(_BY_EXTENSION[extension], f"the extension .{extension}")
    for pattern, language in _NAME_GLOBS:
        if compile_glob(pattern).fullmatch(name):
            return Detection(language, f"the file name {pattern}")
    text = _decoded(head)
    return _detect_shebang(text) or _detect_modeline(text) or Detection(PLAIN_TEXT, "nothing says another language")


def language_named(written: str) -> str:
    """Return the language that a person means by its name, another one, an extension or an interpreter; "" for none."""
    name = written.lower().removeprefix(".")
    for known in (_BY_ALIAS, _BY_EXTENSION, _BY_INTERPRETER):
        if name in known:
            return known[name]
    return ""


def _decoded(head: str | bytes) -> str:
    return head[:HEAD_CHARS] if isinstance(head, str) else head[:HEAD_CHARS].decode("utf-8", "replace")


def _detect_by_content(extension: str, written: str, text: str) -> Detection:
    modeline = _detect_modeline(text)
    if modeline is not None:
        return modeline
    why = f"the extension .{written} and "
    if _OBJC.search(text):
        return Detection("objc", why + "Objective-C directives")
    if extension == "m":
        if _MATLAB.search(text):
            return Detection("matlab", why + "MATLAB comments or functions")
        return Detection("objc", why + "no sign of MATLAB")
    if "__cplusplus" in text:
        text = _CPP_ONLY.sub("", text)
    if _CPP.search(text):
        return Detection("cpp", why + "C++ declarations")
    return Detection("c", why + "no sign of C++")


def _detect_shebang(text: str) -> Detection | None:
    match = _SHEBANG.match(text)
    if match is None:
        return None
    program = match[1].rpartition("/")[2]
    if program == "env":
        words = [word for word in (match[2] or "").split() if not word.startswith("-") and "=" not in word]
        program = words[0].rpartition("/")[2] if words else ""
    language = _BY_INTERPRETER.get(program.lower()) or _BY_INTERPRETER.get(program.lower().rstrip("0123456789.-"))
    return Detection(language, f"the interpreter {program} in the first line") if language else None


def _detect_modeline(text: str) -> Detection | None:
    lines = text.splitlines() if text.count("\n") < 10 else [*text.split("\n", 5)[:5], *text.rsplit("\n", 5)[1:]]
    for line in lines:
        match = _VIM.search(line) or _EMACS.search(line)
        if match and (language := _BY_ALIAS.get(match[1].lower())):
            return Detection(language, f"the modeline {match[0].strip()!r}")
    return None


def _index(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a map from keys to languages; the row that stands first keeps a key that two rows claim."""
    index: dict[str, str] = {}
    for key, language in pairs:
        index.setdefault(key, language)
    return index


_ROWS: Final[tuple[Language, ...]] = tuple(LANGUAGES.values())
_BY_NAME: Final = _index((name, row.name) for row in _ROWS for name in row.filenames if "*" not in name)
_NAME_GLOBS: Final = [(name, row.name) for row in _ROWS for name in row.filenames if "*" in name]
_BY_EXTENSION: Final = _index((extension, row.name) for row in _ROWS for extension in row.extensions)
_BY_INTERPRETER: Final = _index((program, row.name) for row in _ROWS for program in row.interpreters)
_BY_ALIAS: Final = _index((alias, row.name) for row in _ROWS for alias in (row.name, *row.aliases))
_BY_CONTENT: Final = frozenset({"h", "m"})
_C_OR_CPP: Final = "C"
"""C++ by an old custom of Unix; C where file names are all in capitals."""
