"""fleet.toml: which repositories make a fleet, and how a large one is cut."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from indexer.config import FolderPath, Options
from indexer.errors import ConfigError
from indexer.regular import read_regular

from ..settings.layer import parse_toml

FILE = "fleet.toml"
MAX_FILE_BYTES = 16 << 20
"""A hundred thousand repositories of 160 bytes each."""
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.(\w+))?", re.DOTALL)

NAME_PATTERN = r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z"
"""What a repository may be called: it becomes a folder's name, and the first step of its paths."""

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
RevisionName = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"\A[^-\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z")]


class CutOptions(Options, frozen=True):
    """How a large repository becomes several shards: of about so many megabytes of source each."""

    megabytes: Annotated[float, Meta(ge=0.001, le=100_000)] = 256.0


class Entry(Options, frozen=True):
    """One repository: a folder, or a git URL that is cloned already; `revision` in place of the work tree.

    `name` is what its paths begin with; by default the folder's, or the URL's last step.
    """

    path: FolderPath = ""
    url: Annotated[str, Meta(max_length=1000)] = ""
    revision: RevisionName | None = None
    name: Name | None = None


class FleetFile(Options, frozen=True):
    """The content of fleet.toml; paths are relative to its folder.

    `paths` are folders, or globs of folders (`*`, `?` and `[...]` within a step), a repository each. `clones` is the
    folder in which git URLs are cloned, as HOST/OWNER/NAME, OWNER/NAME or NAME.
    """

    paths: Annotated[tuple[FolderPath, ...], Meta(max_length=100_000)] = ()
    clones: FolderPath = ""
    repository: Annotated[tuple[Entry, ...], Meta(max_length=100_000)] = ()
    cut: CutOptions = CutOptions()


def read_fleet_file(path: Path) -> FleetFile:
    """Return what a fleet.toml says; a link is not followed. Raises ConfigError that names the file and the key."""
    try:
        content = read_regular(str(path), MAX_FILE_BYTES)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; write one (docs/fleet.md), or name another") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}); a fleet's file is no link") from error
    _, values = parse_toml(path, content)
    try:
        fleet = msgspec.convert(values, FleetFile)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_mistake(str(error))}") from error
    for number, entry in enumerate(fleet.repository, 1):
        if bool(entry.path) == bool(entry.url):
            raise ConfigError(f"{path}: repository {number}: give either path or url")
        if entry.url and entry.revision is None:
            raise ConfigError(f"{path}: repository {entry.url!a}: give the revision to index")
        if entry.url and not fleet.clones:
            raise ConfigError(f"{path}: repository {entry.url!a}: say with `clones` where it is cloned")
    if not fleet.paths and not fleet.repository:
        raise ConfigError(f"{path}: names no repository; give `paths`, or [[repository]]")
    return fleet


def _mistake(message: str) -> str:
    """Return what is wrong with the file, and of a key that there is not the nearest that there is in its table."""
    unknown = _UNKNOWN.match(message)
    if unknown is None:
        return message
    from difflib import get_close_matches

    table = {"repository": Entry, "cut": CutOptions}.get(unknown[2] or "", FleetFile)
    keys = table.__struct_fields__
    near = get_close_matches(unknown[1], keys, n=1)
    return f"{message}; " + (f"the nearest is {near[0]}" if near else f"there are {', '.join(keys)}")
