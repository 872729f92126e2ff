"""TOML files to `Config`: the user's own file, over it the repository's, over that what `--config` names.

A repository's file comes with code that somebody else wrote. It may choose what is indexed and how, and nothing else:
`REPOSITORY_MAY_SET` lists its keys, and the limits in indexer.config hold for every file.
"""

from __future__ import annotations

import errno
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from indexer.config import Config, EncoderOptions
from indexer.errors import ConfigError, ModelError
from indexer.regular import read_regular

_CONFIGS = f"{(__package__ or '').removesuffix('pipelines')}configs"
"""Beside the pipelines, wherever these are."""

REPOSITORY_FILE = ".indexer.toml"
"""Settings that a repository carries, read from its root."""

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

_PATHS = (("encoder", "path"), ("cache", "path"))
"""Keys whose value is a path."""

_MAX_FILE_BYTES = 64_000
_LONG_KEY = re.compile(r"""(?:\.[ \t]*+(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+){200}""")
"""The parser's time grows with the square of the steps of a dotted key."""


def user_file() -> Path:
    """Return where a user's own settings are, on this platform; it need not exist."""
    import platformdirs

    return platformdirs.user_config_path("codebase-indexer", appauthor=False) / "config.toml"


def load_config(root: Path, *, chosen: str | None = None, user: Path | None = None) -> Config:
    """Merge the settings that apply to a repository, later ones over earlier ones, key by key.

    `user` is the user's own file, `chosen` the name of a preset (`ci`, `precommit`, …) or the path of a TOML file. A
    path in a file is relative to that file, and `~` is the home folder. Where no file gives `chunk.max_chars`, it is
    what the chosen encoder suggests. Raises ConfigError that names the file and the key when a file can't be read, is
    not TOML, holds an unknown key, a value of the wrong type or out of bounds, or a key that a repository may not set.
    """
    merged: dict[str, Any] = {}
    if user is not None and _is_there(user):
        _merge(merged, _read_layer(user))
    own = root / REPOSITORY_FILE
    if _is_there(own):
        layer = _read_layer(own, follow=False)
        _check_allowed(own, layer, user)
        _merge(merged, layer)
    if chosen is not None:
        _merge(merged, _read_layer(_locate(chosen)))
    config = msgspec.convert(merged, Config)
    is_bundled = (config.encoder.name, config.encoder.path) == (EncoderOptions().name, "")
    if is_bundled or "max_chars" in merged.get("chunk", {}):
        return config
    return _sized_for_encoder(config)


def preset_names() -> list[str]:
    """Return the names of the presets in the package."""
    folder = resources.files(_CONFIGS)
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def _sized_for_encoder(config: Config) -> Config:
    from indexer.encoders.registry import find_encoder

    try:
        max_chars = find_encoder(config.encoder).spec.chunk_chars
    except ModelError:
        return config  # no build gets far without it, and what needs no encoder goes on
    return msgspec.structs.replace(config, chunk=msgspec.structs.replace(config.chunk, max_chars=max_chars))


def _locate(chosen: str) -> Path:
    # A preset first: a file of that name in the working directory may be anybody's.
    if chosen in preset_names():
        return Path(str(resources.files(_CONFIGS) / f"{chosen}.toml"))
    path = Path(chosen)
    if path.suffix == ".toml" or path.exists():
        return path
    raise ConfigError(f"--config {chosen}: no such file or preset; the presets are {', '.join(preset_names())}")


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {_reason(error)}") from error
    return True


def _read_layer(path: Path, *, follow: bool = True) -> dict[str, Any]:
    """Return the checked values of one file, with absolute paths; a link is followed only where the user named it."""
    try:
        text = _read(path, follow=follow).decode()
        if _LONG_KEY.search(text):
            raise ValueError("a key of 200 steps or more")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {_reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    try:
        msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        key = place.rstrip("`") or "top level"
        raise ConfigError(f"{path}: {key}: {message}; configs/default.toml lists every key") from error
    if "languages" in values:
        _check_languages(path, values["languages"])
    for table, key in _PATHS:
        if values.get(table, {}).get(key):
            values[table][key] = _absolute(values[table][key], path)
    return values


def _read(path: Path, *, follow: bool) -> bytes:
    """Return a settings file's content; raises OSError, EFBIG for one that is too large."""
    if not follow:
        return read_regular(str(path), _MAX_FILE_BYTES)
    with path.open("rb") as file:
        content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, f"has outgrown the limit of {_MAX_FILE_BYTES:,} bytes", str(path))
    return content


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "is a symbolic link, and a repository's links are not followed; replace it with the file"
    return error.strerror or str(error)


def _absolute(written: str, file: Path) -> str:
    try:
        return str(file.absolute().parent / Path(written).expanduser())
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"{file}: {written!r}: {error}; write the path in full") from error


def _check_allowed(path: Path, layer: dict[str, Any], user: Path | None) -> None:
    """Raise ConfigError for the first key that a repository may not set."""
    for table, values in layer.items():
        allowed = REPOSITORY_MAY_SET.get(table, frozenset())
        for key in values:
            if allowed is not _EVERY_KEY and key not in allowed:
                raise ConfigError(
                    f"{path}: {table}.{key}: a repository may not set this; if you want it, write it into "
                    f"{user or 'your own configuration'}, or into a file that you name with --config"
                )


def _check_languages(path: Path, languages: dict[str, str]) -> None:
    """Raise ConfigError for a language that there is not, and for a malformed glob."""
    from indexer.globs import compile_glob
    from indexer.languages.registry import LANGUAGES

    for pattern, language in languages.items():
        if language not in LANGUAGES:
            known = ", ".join(get_close_matches(language, LANGUAGES, cutoff=0.4) or sorted(LANGUAGES))
            raise ConfigError(f"{path}: languages.{pattern!r}: there is no language {language!r}; there is {known}")
        try:
            compile_glob(pattern)
        except ConfigError as error:
            raise ConfigError(f"{path}: languages: {error}") from None


def _merge(base: dict[str, Any], layer: dict[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value
