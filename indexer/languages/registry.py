"""The languages: one row each, from extension, file name or interpreter to the grammar and query that find symbols.

A row whose `grammar` is set has symbols: it needs queries/<name>.scm and a golden sample in
tests/data/languages/<name>/. A row without one gives a file its language's name; its text becomes region chunks.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

PLAIN_TEXT = "text"
"""The language of a file that no row, shebang or modeline claims."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    `grammar` names the tree-sitter grammar. `extensions` carry no dot and are lower case; `filenames` are whole names
    or globs; `interpreters` are the programs of a shebang line, version digits left out; `aliases` are the other names
    that editors' modelines use. `separator` joins a qualified name, `method_separator` the last step to a member.
    """

    name: str
    grammar: str = ""
    extensions: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    separator: str = "."
    method_separator: str = ""

    @property
    def has_symbols(self) -> bool:
        """Whether a grammar and a query find symbols in this language."""
        return bool(self.grammar)


_ROWS = (
    Language("python", "python", ("py", "pyi", "pyw"), ("SConstruct", "SConscript"), ("python", "pypy")),
    Language(PLAIN_TEXT, extensions=("txt", "text", "log")),
)

LANGUAGES: dict[str, Language] = {row.name: row for row in _ROWS}


def load_query(language: str) -> str:
    """Return the text of a language's query, what it inherits first (a first line `; inherits: a, b`).

    Raises FileNotFoundError when the package lacks the file.
    """
    text = files("indexer.languages").joinpath("queries", f"{language}.scm").read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    if not first.startswith("; inherits:"):
        return text
    bases = first.removeprefix("; inherits:").split(",")
    return "\n".join([*(load_query(base.strip()) for base in bases), text])
