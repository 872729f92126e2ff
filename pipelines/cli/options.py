"""Options that several subcommands share, and where an index is when none is named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from indexer.stores.generation.layout import FOLDER, default_index_dir

index_dir_option = click.option(
    "--index-dir",
    type=click.Path(path_type=Path),
    help=f"Where the index is. Default: {FOLDER} in the root.",
)
hash_option = click.option(
    "--hash", "by_content", is_flag=True, help="Tell what changed by content: read every file, trust no stat."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
root_argument = click.argument("root", type=click.Path(path_type=Path), default=".")
root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="The indexed folder. Default: the nearest folder upwards that holds an index.",
)


def find_index(root: Path | None, index_dir: Path | None) -> tuple[Path, Path]:
    """Return the indexed folder and its index folder from what the user gave.

    Without either, the nearest folder from here upwards that holds an index; an index folder alone belongs to the
    folder that contains it.
    """
    if index_dir is not None:
        return root or index_dir.absolute().parent, index_dir
    if root is None:
        here = Path.cwd()
        root = next((folder for folder in (here, *here.parents) if (folder / FOLDER).is_dir()), here)
    return root, default_index_dir(root)


def print_json(value: Any) -> None:
    """Write one JSON object and a line feed to stdout; undecodable bytes of file names become U+FFFD."""
    sys.stdout.buffer.write(encode_json(value) + b"\n")
    sys.stdout.buffer.flush()


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
