"""TOML files to `Config`: the defaults, then the repository's own file, then what `--config` names."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from indexer.config import Config, EncoderOptions
from indexer.errors import ConfigError, ModelError

REPOSITORY_FILE = ".indexer.toml"
"""Settings that a repository carries, read from its root."""


def load_config(root: Path, *, chosen: str | None = None) -> Config:
    """Merge the settings that apply to a repository, later ones over earlier ones, key by key.

    `chosen` is the name of a preset (`ci`, `precommit`, …) or the path of a TOML file. Raises ConfigError that names
    the file and the key when a file can't be read, is not TOML, or holds an unknown key or a value of the wrong type.
    Where no file gives `chunk.max_chars`, it is what the chosen encoder suggests.
    """
    merged: dict[str, Any] = {}
    own = root / REPOSITORY_FILE
    if own.is_file():
        _merge(merged, _read_layer(own))
    if chosen is not None:
        _merge(merged, _read_layer(_locate(chosen)))
    config = msgspec.convert(merged, Config)
    is_bundled = (config.encoder.name, config.encoder.path) == (EncoderOptions().name, "")
    if is_bundled or "max_chars" in merged.get("chunk", {}):
        return config
    return _sized_for_encoder(config)


def preset_names() -> list[str]:
    """Return the names of the presets in the package."""
    folder = resources.files("configs")
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def _sized_for_encoder(config: Config) -> Config:
    from indexer.encoders.registry import find_encoder

    try:
        max_chars = find_encoder(config.encoder).spec.chunk_chars
    except ModelError:
        return config  # no build gets far without it, and what needs no encoder goes on
    return msgspec.structs.replace(config, chunk=msgspec.structs.replace(config.chunk, max_chars=max_chars))


def _locate(chosen: str) -> Path:
    path = Path(chosen)
    if path.suffix == ".toml" or path.exists():
        return path
    if chosen in preset_names():
        return Path(str(resources.files("configs") / f"{chosen}.toml"))
    raise ConfigError(f"--config {chosen}: no such file or preset; the presets are {', '.join(preset_names())}")


def _read_layer(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    try:
        msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        key = place.rstrip("`") or "top level"
        raise ConfigError(f"{path}: {key}: {message}; configs/default.toml lists every key") from error
    if "languages" in values:
        _check_languages(path, values["languages"])
    return values


def _check_languages(path: Path, languages: dict[str, str]) -> None:
    """Raise ConfigError for a language that there is not."""
    from indexer.languages.registry import LANGUAGES

    for pattern, language in languages.items():
        if language not in LANGUAGES:
            known = ", ".join(get_close_matches(language, LANGUAGES, cutoff=0.4) or sorted(LANGUAGES))
            raise ConfigError(f"{path}: languages.{pattern!r}: there is no language {language!r}; there is {known}")


def _merge(base: dict[str, Any], layer: dict[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value
