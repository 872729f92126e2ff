"""The `indexer` command: finds a subcommand, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import keyword
import os
import signal
import sys
from contextlib import suppress
from types import FrameType

import click

from indexer.errors import ConfigError, IndexerError

from .console import color_wanted, echo, open_closed_streams
from .log import set_log_format

COMMANDS = {
    "build": "Index a repository, or bring its index up to date.",
    "search": "Search by word and by meaning.",
    "similar": "Find chunks like the one at a line.",
    "stats": "Show the index in charts, on a terminal or a page.",
    "status": "Show what the index holds and how fresh it is.",
    "explain": "Say why a file is indexed or not, and what became of it.",
    "verify": "Check that the index is whole.",
    "repair": "Make a damaged index whole.",
    "hook": "Keep an index up to date from git's hooks.",
    "model": "List, fetch, check and remove models; make them fast.",
    "tune": "Find out how the encoder is fed best on this machine.",
    "config": "Show the settings that apply, and where each is from.",
    "gc": "Remove old generations.",
    "export": "Write the index into one file to hand on.",
    "import": "Take over an index from such a file, or from another folder.",
    "watch": "Keep the index fresh while files change.",
    "mcp": "Answer an agent's questions (Model Context Protocol).",
    "fleet": "Index many repositories as one, on one machine or more.",
}
"""Name and help of each subcommand; its code is `command` in the module of that name, imported when it is called.

A name that Python keeps for itself has an underscore behind it as a module.
"""

EXTRAS = {"mcp": "mcp", "ray": "ray", "watchfiles": "watch"}
"""Packages that commands import when they run, and the extras that install them."""

COMPLETE = "_INDEXER_COMPLETE"
"""The variable by which a shell asks for completions."""

EXIT_UNEXPECTED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
EXIT_TERMINATED = 143


class _LazyGroup(click.Group):
    """Imports a subcommand's module only when it runs: a build that changes nothing must not load the search."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f".{name}", __package__)
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            from difflib import get_close_matches

            if near := get_close_matches(args[0], COMMANDS, n=1):
                raise click.UsageError(f"there is no command {args[0]!r}; is it {near[0]!r}?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the program's version and that of the indexes that it writes, which is part of a cache's key."""
    if not wanted or context.resilient_parsing:
        return
    from importlib.metadata import version

    from indexer.stores.generation.manifest import FORMAT_VERSION

    echo(f"indexer {version('codebase-indexer')}, index format {FORMAT_VERSION}")
    context.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
@click.option("--debug", is_flag=True, help="Show a traceback when something unexpected happens.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Form of lines on stderr.")
def cli(debug: bool, log_format: str) -> None:
    """Index a code base once, keep the index fresh, search it by word and by meaning. All offline."""
    set_log_format(log_format)


def main() -> None:
    """Run the command line and exit with the code that README's table has for what happened.

    A standard stream that is closed is as good as /dev/null. When the reader of a pipe leaves early (`| head`) the exit
    code is 141, as of any program that SIGPIPE ends: what was asked for was not all delivered.
    """
    open_closed_streams()
    if sys.getfilesystemencoding() != "utf-8" and "utf8" not in sys._xoptions:
        # An index holds names as text: read by another locale's rules, the same name would be another there.
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    if os.open not in os.supports_dir_fd:  # Windows: what keeps an index from leading elsewhere can't be had there
        echo("error: indexer runs on Linux and macOS; on Windows, run it in the Windows Subsystem for Linux", err=True)
        sys.exit(EXIT_USAGE)
    # Its matrices are small: threads would mostly wait, spinning, for cores that the parsers use. Read by numpy's BLAS.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(cli, {}, "indexer", COMPLETE, instruction))
    signal.signal(signal.SIGTERM, _terminated)
    code = _run(sys.argv[1:] or ["--help"])
    if code in (EXIT_PIPE, EXIT_UNEXPECTED):
        _drop_output()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        # Not cli.main, which takes a broken pipe for itself.
        with cli.make_context("indexer", list(arguments)) as context:
            context.color = color_wanted()
            result = _invoke(context)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        for line in error.format_message().splitlines():
            echo(line)
        return 0
    except click.ClickException as error:
        _show(error)
        _show_json(arguments, "UsageError", error.format_message(), EXIT_USAGE)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort) as error:
        told = str(error) or "interrupted; what was committed stays, and the next build goes on from there"
        echo(told, err=True)
        _show_json(arguments, "Interrupted", told, EXIT_INTERRUPTED)
        return EXIT_INTERRUPTED
    except IndexerError as error:
        echo(f"error: {error}", err=True)
        _show_json(arguments, type(error).__name__, str(error), error.exit_code)
        return error.exit_code
    except BrokenPipeError:
        return EXIT_PIPE
    except PermissionError as error:
        told = f"{error.filename or 'a file'}: {error.strerror}; check the permissions"
        echo(f"error: {told}", err=True)
        _show_json(arguments, "StorageError", told, EXIT_UNEXPECTED)
        return EXIT_UNEXPECTED
    except Exception as error:
        if "--debug" in arguments:
            import traceback

            for line in traceback.format_exc().splitlines():
                echo(line, err=True)
        echo(f"unexpected error: {type(error).__name__}: {error}; --debug shows where", err=True)
        _show_json(arguments, type(error).__name__, str(error), EXIT_UNEXPECTED)
        return EXIT_UNEXPECTED


def _invoke(context: click.Context) -> object:
    """Run the command; raises ConfigError where it needs a package that an extra of this one installs."""
    try:
        return cli.invoke(context)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise ConfigError(f"this needs {package}: pip install 'codebase-indexer[{EXTRAS[package]}]'") from error


def _show(error: click.ClickException) -> None:
    """Print a mistake in the arguments, which may hold anything, and how the command is called."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        for line in error.ctx.get_usage().splitlines():
            echo(line, err=True)
        echo(f"Try '{error.ctx.command_path} --help' for help.", err=True)
    echo(f"error: {error.format_message()}", err=True)
    if isinstance(error, click.NoSuchOption) and error.ctx is not None and error.ctx.command.name == "search":
        echo(f"To search for it, write -- before it: indexer search -- {error.option_name}", err=True)


def _show_json(arguments: list[str], kind: str, message: str, code: int) -> None:
    """Print an error as one JSON object on stdout where JSON was asked for."""
    if "--json" in arguments:
        from ..answer import ErrorAnswer, ErrorDetails
        from .options import print_json

        with suppress(IndexerError, BrokenPipeError):
            print_json(ErrorAnswer(error=ErrorDetails(kind=kind, message=message, exit_code=code)))


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    # Raised as an exception, so that staging is discarded and the lock released on the way out.
    sys.exit(EXIT_TERMINATED)


def _drop_output() -> None:
    # What could not be written can't be written at exit either: let the interpreter's last flush go nowhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
