"""The options that searches share: how many hits, of what, and how they are shown; and how a question is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, get_args

import click

from indexer.index import MAX_HITS
from indexer.languages.registry import LANGUAGES
from indexer.search.answer import SNIPPET_LINES
from indexer.search.passages import MOST_OF_A_FILE
from indexer.types import SearchMode, SymbolKind

from .hits import LINE_FORMATS, Shown
from .options import completed_from, quiet_option

ALL_LINES = 1_000_000
EXIT_NO_HIT = 7
"""What tells that nothing was found; grep's 1 is of errors here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What these options say; `k` counts hits, or files where their names alone are shown."""

    k: int
    languages: tuple[str, ...]
    kinds: tuple[str, ...]
    paths: tuple[str, ...]
    line_format: str | None
    files_only: bool
    null: bool
    lines: int
    full: bool
    no_pager: bool

    @property
    def hits(self) -> int:
        """How many hits are enough to show what is wanted."""
        return min(MAX_HITS, self.k * MOST_OF_A_FILE) if self.files_only else self.k

    @property
    def lines_a_hit(self) -> int:
        """How many lines of a hit are shown at most."""
        return ALL_LINES if self.full else self.lines

    def shown(self, *, as_json: bool, explain: bool = False) -> Shown:
        """Return how the answer is printed; raises UsageError for more than one form of it."""
        forms = {"--json": as_json, "--format": self.line_format, "-l": self.files_only}
        if len(named := [option for option, given in forms.items() if given]) > 1:
            raise click.UsageError(f"{' and '.join(named)} are forms of the same answer; give one")
        if self.null and not self.files_only:
            raise click.UsageError("-0 ends the names that -l prints; give both")
        return Shown(
            as_json=as_json,
            line_format=self.line_format,
            files_only=self.files_only,
            null=self.null,
            k=self.k,
            explain=explain,
            paged=not self.no_pager,
        )


@dataclass(frozen=True, slots=True)
class Question:
    """How the words of a question are read, and inside what they are looked for."""

    mode: SearchMode
    within: str
    pattern: str
    fast: bool
    explain: bool


def _color(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value in ("always", "never"):
        context.color = value == "always"


def search_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all searches have; the command gets them as `asked`."""
    return _gathered(
        command,
        "asked",
        Asked,
        (
            click.option("-k", type=click.IntRange(1, MAX_HITS), default=10, help="How many hits, or files; 10."),
            click.option(
                "--lang",
                "languages",
                multiple=True,
                help="Only this language (py, c++); may be repeated.",
                shell_complete=completed_from(lambda: LANGUAGES),
            ),
            click.option(
                "--kind",
                "kinds",
                multiple=True,
                help="Only this kind of symbol; may be repeated.",
                shell_complete=completed_from(lambda: SymbolKind),
            ),
            click.option("--path", "paths", multiple=True, help="Only paths that match this glob; !GLOB leaves out."),
            click.option("--format", "line_format", type=click.Choice(list(LINE_FORMATS)), help="A line a hit."),
            click.option("-l", "files_only", is_flag=True, help="Only the names of the files."),
            click.option("-0", "null", is_flag=True, help="With -l: names as they are, each ended by NUL (xargs -0)."),
            click.option("--lines", type=click.IntRange(1, 1000), default=SNIPPET_LINES, help="Lines a hit; 8."),
            click.option("--full", is_flag=True, help="All lines of each hit's chunk."),
            quiet_option,
            click.option("--no-pager", is_flag=True, help="Never show long output in $PAGER."),
            click.option(
                "--color",
                type=click.Choice(["auto", "always", "never"]),
                callback=_color,
                expose_value=False,
                help="Colours: on a terminal alone, always or never.",
            ),
        ),
    )


def question_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of searches by words; the command gets them as `question`."""
    return _gathered(
        command,
        "question",
        Question,
        (
            click.option(
                "--mode", type=click.Choice(get_args(SearchMode)), default="hybrid", help="Words, meaning, or both."
            ),
            click.option("--in", "within", default="", help="Only inside the symbol of this name."),
            click.option(
                "--grep",
                "pattern",
                metavar="REGEX",
                default="",
                help="Only chunks that this expression (re2) matches.",
            ),
            click.option(
                "--fast", is_flag=True, help="Read the query with the static encoder: sooner, finds somewhat less."
            ),
            click.option("--explain", is_flag=True, help="Show each hit's ranks and what made its score."),
        ),
    )


def _gathered(
    command: Callable[..., Any], name: str, kind: type[Asked | Question], options: Sequence[Callable[..., Any]]
) -> Callable[..., Any]:
    """Add options to a command, which gets their values as one argument."""

    @wraps(command)
    def with_one(*arguments: Any, **given: Any) -> Any:
        gathered = kind(**{own.name: given.pop(own.name) for own in fields(kind)})
        return command(*arguments, **{name: gathered}, **given)

    taken: Callable[..., Any] = with_one
    for option in reversed(options):
        taken = option(taken)
    return taken
