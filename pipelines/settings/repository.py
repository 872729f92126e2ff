"""A repository's own settings: .indexer.toml, or [tool.indexer] in pyproject.toml.

They come with code that somebody else wrote, and may choose what is indexed and how, and nothing else:
`REPOSITORY_MAY_SET` lists the keys, and the limits in indexer.config hold for every file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from indexer.encoders.registry import FOLDER_PREFIX, is_code
from indexer.errors import ConfigError
from indexer.regular import read_regular

from .layer import Layer, layer_of, parse_toml, read_layer

REPOSITORY_FILE = ".indexer.toml"
"""Settings that a repository carries, read from its root."""

PROJECT_FILE = "pyproject.toml"
_MAX_PROJECT_BYTES = 1 << 20
_TABLE = ("tool", "indexer")

_EVERY_KEY = frozenset({"*"})
REPOSITORY_MAY_SET: Mapping[str, frozenset[str]] = {
    "build": _EVERY_KEY,
    "walk": _EVERY_KEY,
    "languages": _EVERY_KEY,
    "chunk": _EVERY_KEY,
    "projection": _EVERY_KEY,
    "vectors": _EVERY_KEY,
    "recall": _EVERY_KEY,
    "parse": frozenset({"timeout_seconds"}),
    "encoder": frozenset({"name", "queries", "token_budget", "window_chunks"}),
}
"""By table, what a repository's own file may set. Paths, threads, processes, memory and caches are the user's."""


def repository_layer(root: Path, user: Path | None) -> Layer | None:
    """Return what a repository sets, or None; `user` is named where it may not.

    A pyproject.toml that is a link or larger than 1 MB is left unread. Raises ConfigError as `read_layer` does, and
    when both files have settings.
    """
    own = root / REPOSITORY_FILE
    project = _project_layer(root / PROJECT_FILE)
    if not is_there(own):
        layer = project
    elif project is None:
        layer = read_layer(own, follow=False)
    else:
        raise ConfigError(f"{project.place(())}: has settings, and so has {own}; keep one of the two")
    if layer is not None:
        _check_allowed(layer, user)
    return layer


def is_there(path: Path) -> bool:
    """Whether there is a file, or a link, of this name; raises ConfigError where that can't be told."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror or error}") from error
    return True


def _project_layer(path: Path) -> Layer | None:
    try:
        content = read_regular(str(path), _MAX_PROJECT_BYTES)
    except OSError:
        return None
    if b"indexer" not in content:  # most are of no concern, and parsing takes longer than this look
        return None
    text, values = parse_toml(path, content)
    for step in _TABLE:
        inner = values.get(step)
        if not isinstance(inner, dict):
            return None
        values = inner
    return layer_of(path, text, values, within=_TABLE)


def _check_allowed(layer: Layer, user: Path | None) -> None:
    """Raise ConfigError for the first key that a repository may not set."""
    for table, values in layer.values.items():
        allowed = REPOSITORY_MAY_SET.get(table, frozenset())
        for key in values:
            if allowed is not _EVERY_KEY and key not in allowed:
                raise ConfigError(
                    f"{layer.place((table, key))}: {table}.{key}: a repository may not set this; if you want it, write "
                    f"it into {user or 'your own configuration'}, or into a file that you name with --config"
                )
    name = layer.values.get("encoder", {}).get("name", "")
    if name and (name.startswith(FOLDER_PREFIX) or is_code(name)):
        raise ConfigError(
            f"{layer.place(('encoder', 'name'))}: encoder.name: a repository may not choose a folder or a package that "
            f"is loaded; if you want it, write it into {user or 'your own configuration'}, or say --model {name}"
        )
