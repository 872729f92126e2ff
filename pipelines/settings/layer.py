"""One layer of settings: the values of a file, of the environment or of the command line, checked, and their places."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from indexer.config import Config
from indexer.encoders.registry import FOLDER_PREFIX
from indexer.errors import ConfigError
from indexer.regular import read_regular

from .keys import ANY_NAME, Steps, line_of, nearest_key

MAX_FILE_BYTES = 64_000
_LONG_KEY = re.compile(r"""(?:\.[ \t]*+(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+){200}""")
"""The parser's time grows with the square of the steps of a dotted key."""

_PATHS = (("encoder", "path"), ("encoder", "models"), ("cache", "path"))
"""Keys whose value is a path."""

_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)


class Layer(msgspec.Struct, frozen=True):
    """Values by table and key, and where each is set: `file:line`, a variable, an option."""

    values: dict[str, Any]
    place: Callable[[Steps], str]


def read_layer(path: Path, *, follow: bool = True) -> Layer:
    """Return the checked values of a TOML file, with absolute paths; `follow` a link only where the user named it."""
    try:
        content = _read(path, follow=follow)
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {_reason(error)}") from error
    text, values = parse_toml(path, content)
    return layer_of(path, text, values)


def parse_toml(path: Path, content: bytes) -> tuple[str, dict[str, Any]]:
    """Return a TOML file's text and values; raises ConfigError."""
    import tomllib

    try:
        text = content.decode()
        if _LONG_KEY.search(text):
            raise ValueError("a key of 200 steps or more")
        return text, tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def layer_of(path: Path, text: str, values: dict[str, Any], *, within: Steps = ()) -> Layer:
    """Return checked values of a file; they lie in the table `within`. Raises ConfigError."""

    def place(steps: Steps) -> str:
        line = line_of(text, within + steps)
        return f"{path}:{line}" if line else str(path)

    layer = checked(Layer(values, place))
    for table, key in _PATHS:
        if written := values.get(table, {}).get(key):
            values[table][key] = _absolute(written, path)
    name = values.get("encoder", {}).get("name", "")
    if name.startswith(FOLDER_PREFIX):
        values["encoder"]["name"] = FOLDER_PREFIX + _absolute(name.removeprefix(FOLDER_PREFIX), path)
    return layer


def checked(layer: Layer) -> Layer:
    """Return a layer if all its keys exist and its values have their types and bounds; raise ConfigError if not."""
    try:
        msgspec.convert(layer.values, Config)
    except msgspec.ValidationError as error:
        raise _mistake(layer, error) from error
    _check_languages(layer)
    return layer


def _mistake(layer: Layer, error: msgspec.ValidationError) -> ConfigError:
    message, _, written = str(error).partition(" - at `$.")
    steps = tuple(re.sub(r"\[.*?\]", "", written.rstrip("`")).split(".")) if written else ()
    if unknown := _UNKNOWN.fullmatch(message):
        steps = (*steps, unknown[1])
        near = nearest_key(steps)
        hint = f"the nearest is {near}" if near else "configs/default.toml lists every key"
        message = f"there is no such key; {hint}"
    place, key = layer.place(steps), ".".join(steps) or "top level"
    return ConfigError(f"{place}: {message}" if place.endswith(f" {key}") else f"{place}: {key}: {message}")


def _check_languages(layer: Layer) -> None:
    """Raise ConfigError for a language that there is not, and for a malformed glob."""
    languages: dict[str, str] = layer.values.get(ANY_NAME, {})
    if not languages:
        return
    from difflib import get_close_matches

    from indexer.globs import compile_glob
    from indexer.languages.registry import LANGUAGES

    for pattern, language in languages.items():
        where = layer.place((ANY_NAME, pattern))
        if language not in LANGUAGES:
            known = ", ".join(get_close_matches(language, LANGUAGES, cutoff=0.4) or sorted(LANGUAGES))
            raise ConfigError(f"{where}: languages.{pattern!r}: there is no language {language!r}; there is {known}")
        try:
            compile_glob(pattern)
        except ConfigError as error:
            raise ConfigError(f"{where}: languages: {error}") from None


def _read(path: Path, *, follow: bool) -> bytes:
    """Return a settings file's content; raises OSError, EFBIG for one that is too large."""
    if not follow:
        return read_regular(str(path), MAX_FILE_BYTES)
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, f"has outgrown the limit of {MAX_FILE_BYTES:,} bytes", str(path))
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
