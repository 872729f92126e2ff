"""`indexer config show`: the settings that apply, and where each is from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ..settings import Chosen, Setting, effective_settings, user_file, user_models
from .options import config_option, json_option, print_report, root_argument
from .root import nearest_root


@click.group(name="config")
def command() -> None:
    """Look at settings."""


@command.command(name="show", short_help="Print each setting, and where it is from.")
@root_argument
@config_option
@json_option
def show(root: Path | None, chosen: Chosen, as_json: bool) -> None:
    """Print each setting of ROOT with its value and where it is from, as TOML.

    ROOT defaults to the nearest folder upwards that holds an index, and else to here.
    """
    root = root or nearest_root() or Path()
    found = effective_settings(root, chosen, user=user_file(), models=user_models(), environment=os.environ)
    print_report(found, _lines, as_json=as_json)


def _lines(settings: list[Setting]) -> Iterator[str]:
    before = ""
    for setting in settings:
        table, _, key = setting.key.partition(".")
        if table != before:
            if before:
                yield ""
            yield f"[{table}]"
        before = table
        name = key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)
        yield f"{f'{name} = {_toml(setting.value)}':<32}# {setting.origin}"


def _toml(value: Any) -> str:
    """Return a value as TOML writes it, which for texts, lists of texts and booleans is as JSON does."""
    return json.dumps(value, ensure_ascii=False)
