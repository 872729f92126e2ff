"""What a person sees: every line that is printed goes through here.

Text that a program reads (JSON) goes out as it is; all other text is escaped, since paths, names, settings and messages
come from strangers' repositories.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click

from indexer.errors import StorageError

from .log import log_line

QUIET = f"{__name__}.quiet"
"""Where a command's context remembers that it was given -q."""


def color_wanted() -> bool | None:
    """Return whether lines are coloured: as NO_COLOR, FORCE_COLOR and TERM say, in this order, else None.

    None is for a terminal alone. See no-color.org and force-color.org.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def printable(text: str) -> str:
    """Return text that is safe on a terminal.

    Control characters, line feeds, marks that reverse the direction of writing or can't be seen, and undecodable bytes
    are shown as escapes.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def style(text: str, **styles: Any) -> str:
    """Return text made safe, in the given colours (click.style)."""
    return click.style(printable(text), **styles)


def echo(line: str, *, err: bool = False) -> None:
    """Print a line, made safe; on stderr in the form that was chosen for logs."""
    echo_styled(log_line(printable(line)) if err else printable(line), err=err)


def echo_styled(line: str, *, err: bool = False) -> None:
    """Print a line made of nothing but what `style` and `printable` returned.

    A message on stderr that nobody can receive is lost; that results can't be written is an error.
    """
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    known = line.encode(encoding, "backslashreplace").decode(encoding)
    if err:
        with suppress(OSError):
            click.echo(known, err=True)
    else:
        with _results():
            click.echo(known)


def print_lines(lines: Sequence[str], *, paged: bool) -> None:
    """Print lines made safe, on a terminal that they don't fit on in the user's pager when they may be `paged`.

    PAGER="" is for none. Where LESS says nothing, less is told to show colours and to end at the end, as git does.
    """
    import shutil

    is_long = len(lines) >= shutil.get_terminal_size().lines
    wanted = paged and os.environ.get("PAGER") != "" and os.environ.get("TERM") != "dumb"
    if wanted and is_long and sys.stdout.isatty():
        os.environ.setdefault("LESS", "FRX")
        with _results():
            click.echo_via_pager("".join(f"{line}\n" for line in lines))
        return
    for line in lines:
        echo_styled(line)


def is_quiet() -> bool:
    """Whether the command that runs in this thread was given -q: only warnings, errors and JSON are printed then."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(QUIET))


def tell(line: str) -> None:
    """Print a line of a report for a person, made safe, unless asked to be quiet."""
    if not is_quiet():
        echo(line)


def note(text: str) -> None:
    """Tell the user something on stderr that is no error, unless asked to be quiet."""
    if not is_quiet():
        echo(f"note: {text}", err=True)


def warn(text: str) -> None:
    """Tell the user on stderr what is no error and must be known all the same."""
    echo(f"warning: {text}", err=True)


def write_out(content: bytes) -> None:
    """Write bytes for a program to stdout."""
    with _results():
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


@contextmanager
def _results() -> Iterator[None]:
    """Turn a failure to write results into StorageError; that the reader of a pipe has gone stays BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(f"stdout: {error.strerror}; the results could not be written") from error


def open_closed_streams() -> None:
    """Let standard streams that were closed (`>&-`) lead nowhere, before a file of an index gets their number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None and name != "stdin":
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
