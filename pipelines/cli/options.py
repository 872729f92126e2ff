"""Options that several subcommands share, and the settings of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from indexer.config import Config
from indexer.stores.generation.layout import FOLDER

from ..settings import Chosen, load_config, preset_names, user_file, user_models
from .console import QUIET, tell, write_out

T = TypeVar("T")


def completed_from(names: Callable[[], Iterable[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return what completes an option's value in a shell, the only place where `names` is called."""
    return lambda _context, _parameter, typed: [name for name in names() if name.startswith(typed)]


index_dir_option = click.option(
    "--index-dir",
    type=click.Path(path_type=Path),
    help=f"Where the index is. Default: {FOLDER} in the root.",
)
hash_option = click.option(
    "--hash", "by_content", is_flag=True, help="Tell what changed by content: read every file, trust no stat."
)
wait_option = click.option(
    "--wait", "wait_seconds", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait for the lock."
)
quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    expose_value=False,
    callback=lambda context, _parameter, value: context.meta.update({QUIET: value}),
    help="Print nothing but warnings, errors and what --json asks for; the exit code tells.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
root_argument = click.argument("root", type=click.Path(path_type=Path), required=False)
root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="The indexed folder. Default: the nearest folder upwards that holds an index.",
)


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which settings count; the command gets them as one `chosen`."""

    @click.option(
        "--preset",
        help="Settings for a purpose: ci, precommit, quality or small-memory.",
        shell_complete=completed_from(preset_names),
    )
    @click.option("--config", "file", metavar="FILE", help="A TOML file of settings.")
    @click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="One setting; may be repeated.")
    @click.option("--model", metavar="MODEL", help="The encoder; `indexer model list` shows those there are.")
    @wraps(command)
    def with_settings(
        *arguments: Any,
        preset: str | None,
        file: str | None,
        assignments: tuple[str, ...],
        model: str | None,
        **options: Any,
    ) -> Any:
        if model is not None:
            assignments = (*assignments, f"encoder.name={model}")
        return command(*arguments, chosen=Chosen(preset, file, assignments), **options)

    return with_settings


def index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what most commands begin with: ROOT, where its index is, the settings, and JSON in place of lines."""
    return root_argument(index_dir_option(config_option(json_option(command))))


def settings(root: Path, chosen: Chosen) -> Config:
    """Return the settings of a run, of files, variables and options (see pipelines.settings.load)."""
    return load_config(root, chosen, user=user_file(), models=user_models(), environment=os.environ)


def print_report(report: T, lines: Callable[[T], Iterable[str]], *, as_json: bool) -> None:
    """Print a report as one JSON object, or in lines for a person who did not ask for quiet."""
    if as_json:
        print_json(report)
    else:
        for line in lines(report):
            tell(line)


def aligned(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each name and text, the texts below each other; without a text there is none."""
    return [f"{name:<13}{text}" for name, text in rows if text]


def print_json(value: Any) -> None:
    """Write one JSON object and a line feed to stdout."""
    write_out(encode_json(value) + b"\n")


def encode_json(value: Any) -> bytes:
    """Return JSON; strings with undecodable bytes of file names, which are not Unicode, are made so with U+FFFD."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_unicode(msgspec.to_builtins(value)))


def _unicode(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_unicode(key): _unicode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_unicode(item) for item in value]
    return value
