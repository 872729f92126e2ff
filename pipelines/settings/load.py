"""All settings of a run, later ones over earlier ones, key by key.

1. a preset (`--preset`), 2. the user's own file, 3. the repository's, 4. the file that `--config` names, 5. variables
`INDEXER_<TABLE>_<KEY>`, 6. `--set TABLE.KEY=VALUE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import FOLDER_PREFIX
from indexer.errors import ConfigError, ModelError

from .keys import ANY_NAME, Steps, every_key, nearest_key, value_of
from .layer import Layer, checked, read_layer
from .repository import is_there, repository_layer
from .tuned import FILE, read_tuned, this_host

_CONFIGS = Path(__file__).parents[2] / "configs"
"""Beside the pipelines, wherever these are."""

_VARIABLE = "INDEXER_"

_MODEL = "INDEXER_MODEL"
"""A shorter name of INDEXER_ENCODER_NAME, which it comes before."""

_DEFAULT = "default"

_BOUNDED = (("encoder", "token_budget"), ("encoder", "threads"), ("parse", "workers"))
"""What a limit of memory may lower."""


class Chosen(NamedTuple):
    """What the command line says of settings: a preset's name, a TOML file, and `TABLE.KEY=VALUE` texts."""

    preset: str | None = None
    file: str | None = None
    assignments: tuple[str, ...] = ()


NOTHING_CHOSEN = Chosen()


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One effective value, and where it is from: "default", `file:line`, a preset, a variable or an option."""

    key: str
    value: Any
    origin: str


def user_file() -> Path:
    """Return where a user's own settings are, on this platform; it need not exist."""
    import platformdirs

    return platformdirs.user_config_path("codebase-indexer", appauthor=False) / "config.toml"


def user_models() -> Path:
    """Return where models that were pulled are kept, on this platform; it need not exist."""
    import platformdirs

    return platformdirs.user_data_path("codebase-indexer", appauthor=False) / "models"


def preset_names() -> list[str]:
    """Return the names of the presets in the package."""
    return sorted(path.stem for path in _CONFIGS.glob("*.toml") if "." not in path.stem)


def load_config(
    root: Path,
    chosen: Chosen = NOTHING_CHOSEN,
    *,
    user: Path | None = None,
    models: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """Merge the settings that apply to a repository; `user` is the user's own file, which need not exist.

    `models` is where pulled models are, where no setting says so.

    A path in a file is relative to that file, and `~` is the home folder. Where nothing gives `chunk.max_chars`, it is
    what the chosen encoder suggests. Raises ConfigError that names the place, the key and the nearest valid one when a
    file can't be read, is not TOML, or holds an unknown key, a value of the wrong type or out of bounds, or a key that
    a repository may not set.
    """
    return _merged(_layers(root, chosen, user, environment or {}), models, user)[0]


def effective_settings(
    root: Path,
    chosen: Chosen = NOTHING_CHOSEN,
    *,
    user: Path | None = None,
    models: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[Setting]:
    """Return every key's value with its origin, in the order of indexer.config; raises as `load_config`."""
    layers = list(_layers(root, chosen, user, environment or {}))
    config, derived = _merged(layers, models, user)
    values: dict[str, dict[str, Any]] = msgspec.to_builtins(config)
    keys = list(every_key())
    place = next(number for number, key in enumerate(keys) if key[0] == "parse")
    keys[place:place] = [(ANY_NAME, pattern) for pattern in config.languages]
    found = []
    for steps in keys:
        origin = derived.get(steps, _DEFAULT)
        for layer in layers:
            if steps[1] in layer.values.get(steps[0], {}) and not (steps in _BOUNDED and steps in derived):
                origin = layer.place(steps)
        found.append(Setting(key=".".join(steps), value=values[steps[0]][steps[1]], origin=origin))
    return found


def _layers(root: Path, chosen: Chosen, user: Path | None, environment: Mapping[str, str]) -> Iterator[Layer]:
    if chosen.preset is not None:
        yield _preset(chosen.preset)
    if user is not None and is_there(user):
        yield read_layer(user)
    if own := repository_layer(root, user):
        yield own
    if chosen.file is not None:
        yield read_layer(_named_file(chosen.file))
    if variables := list(_variables(environment)):
        yield _of_texts(variables)
    if chosen.assignments:
        yield _of_texts(_assignment(text) for text in chosen.assignments)


def _merged(layers: Iterable[Layer], models: Path | None, user: Path | None) -> tuple[Config, dict[Steps, str]]:
    """Return the settings, and where those are from that no layer has: of the encoder, and of how it was tuned."""
    merged: dict[str, Any] = {}
    for layer in layers:
        _merge(merged, layer.values)
    config = msgspec.convert(merged, Config)
    config = msgspec.structs.replace(config, encoder=_placed(config.encoder, models))
    config, derived = _tuned(config, merged.get("encoder", {}), user)
    is_bundled = (config.encoder.name, config.encoder.path) == (EncoderOptions().name, "")
    if not is_bundled and "max_chars" not in merged.get("chunk", {}):
        config = _sized_for_encoder(config)
        derived[("chunk", "max_chars")] = f"encoder {config.encoder.name}"
    if config.encoder.memory_limit:
        config = _within_memory(config)
        derived |= dict.fromkeys(_BOUNDED, "encoder.memory_limit")
    return config, derived


def _within_memory(config: Config) -> Config:
    from .memory import within_memory

    try:
        return within_memory(config)
    except ModelError:
        return config  # no build gets far without it


def _tuned(config: Config, stated: Mapping[str, Any], user: Path | None) -> tuple[Config, dict[Steps, str]]:
    """Return the settings with what was found to be best for this host and encoder, where none is stated."""
    path = user and user.with_name(FILE)
    if path is None or not is_there(path):
        return config, {}
    from indexer.encoders.registry import find_encoder

    try:
        best = read_tuned(path).get(this_host(), {}).get(find_encoder(config.encoder).identity.digest)
    except ModelError:
        return config, {}  # no build gets far without it
    if best is None:
        return config, {}
    values = {key: value for key, value in msgspec.structs.asdict(best).items() if key not in stated}
    encoder = msgspec.structs.replace(config.encoder, **values)
    return msgspec.structs.replace(config, encoder=encoder), {("encoder", key): f"tuned, {path}" for key in values}


def _placed(options: EncoderOptions, models: Path | None) -> EncoderOptions:
    """Return options with the folder of models, and a named folder by its whole path."""
    name = options.name
    if name.startswith(FOLDER_PREFIX):
        name = FOLDER_PREFIX + str(Path(name.removeprefix(FOLDER_PREFIX)).expanduser().absolute())
    return msgspec.structs.replace(options, name=name, models=options.models or str(models or ""))


def _sized_for_encoder(config: Config) -> Config:
    from indexer.encoders.registry import find_encoder

    try:
        max_chars = find_encoder(config.encoder).spec.chunk_chars
    except ModelError:
        return config  # no build gets far without it, and what needs no encoder goes on
    return msgspec.structs.replace(config, chunk=msgspec.structs.replace(config.chunk, max_chars=max_chars))


def _preset(name: str) -> Layer:
    if name not in preset_names():
        raise ConfigError(f"--preset {name}: no such preset; the presets are {', '.join(preset_names())}")
    layer = read_layer(_CONFIGS / f"{name}.toml")
    return Layer(layer.values, lambda _: f"preset {name}")


def _named_file(name: str) -> Path:
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return path
    hint = f"; --preset {name} is a preset" if name in preset_names() else ""
    raise ConfigError(f"--config {name}: no such file{hint}")


def _variables(environment: Mapping[str, str]) -> Iterator[tuple[Steps, str, str]]:
    """Yield key, value and name of each variable of ours; one that begins with no table's name may be anybody's."""
    keys = {_VARIABLE + "_".join(steps).upper(): steps for steps in every_key()}
    tables = tuple(sorted({f"{_VARIABLE}{steps[0].upper()}_" for steps in keys.values()}))
    for name, text in sorted(environment.items()):
        if name == _MODEL:
            yield ("encoder", "name"), text, name
        elif name in keys:
            yield keys[name], text, name
        elif name.startswith(tables):
            table, _, key = name.removeprefix(_VARIABLE).lower().partition("_")
            near = nearest_key((table, key))
            hint = f"; the nearest is {_VARIABLE}{near.replace('.', '_').upper()}" if near else ""
            raise ConfigError(f"{name}: there is no such variable{hint}")


def _assignment(text: str) -> tuple[Steps, str, str]:
    key, equals, value = text.partition("=")
    table, _, name = key.strip().partition(".")
    if not equals or not name:
        raise ConfigError(f"--set {text}: write TABLE.KEY=VALUE, as in encoder.threads=2")
    return (table, name.strip('"')), value, f"--set {key}"


def _of_texts(texts: Iterable[tuple[Steps, str, str]]) -> Layer:
    """Return a layer of key, value and origin, all texts."""
    values: dict[str, dict[str, Any]] = {}
    origins = {}
    for steps, text, origin in texts:
        values.setdefault(steps[0], {})[steps[1]] = value_of(steps, text.strip())
        origins[steps] = origin
    return checked(Layer(values, lambda steps: origins.get(steps, next(iter(origins.values())))))


def _merge(base: dict[str, Any], layer: dict[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value
