"""The `indexer` command: finds a subcommand, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from types import FrameType

import click

from indexer.errors import IndexerError

COMMANDS = {
    "build": "Index a repository, or bring its index up to date.",
    "search": "Search by word and by meaning.",
    "similar": "Find chunks like the one at a line.",
    "status": "Show what the index holds and how fresh it is.",
    "explain": "Say why a file is indexed or not, and what became of it.",
    "verify": "Check that the index is whole.",
    "repair": "Make a damaged index whole.",
    "gc": "Remove old generations.",
}
"""Name and help of each subcommand; its code is `command` in the module of that name, imported when it is called."""

EXIT_UNEXPECTED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class _LazyGroup(click.Group):
    """Imports a subcommand's module only when it runs: a build that changes nothing must not load the search."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pipelines.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="codebase-indexer", prog_name="indexer")
@click.option("--debug", is_flag=True, help="Show a traceback when something unexpected happens.")
def cli(debug: bool) -> None:
    """Index a code base once, keep the index fresh, search it by word and by meaning. All offline."""


def main() -> None:
    """Run the command line and exit with DESIGN's codes: 0, 1, 2, 3, 4, 5, 6 or 130."""
    signal.signal(signal.SIGTERM, _terminated)
    code = _run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _close_broken_pipe()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        result = cli.main(arguments, prog_name="indexer", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; the last committed index is untouched", err=True)
        return EXIT_INTERRUPTED
    except IndexerError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        _close_broken_pipe()
        return 0
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exc()
        click.echo(f"unexpected error: {type(error).__name__}: {error}; --debug shows where", err=True)
        return EXIT_UNEXPECTED


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    # Raised as an exception, so that staging is discarded and the lock released on the way out.
    sys.exit(EXIT_TERMINATED)


def _close_broken_pipe() -> None:
    # The reader of the pipe has gone (`| head`): let the interpreter's last flush go nowhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
