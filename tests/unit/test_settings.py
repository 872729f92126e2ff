"""Configuration files: every default is documented, layers override key by key, and mistakes name file and key."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import msgspec
import pytest

from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import find_encoder
from indexer.errors import ConfigError
from pipelines.settings import REPOSITORY_FILE, REPOSITORY_MAY_SET, load_config, preset_names
from tests.model_folder import make_folder

DEFAULT_FILE = Path(__file__).parents[2] / "configs" / "default.toml"


def test_the_default_file_lists_every_key_with_its_default() -> None:
    assert tomllib.loads(DEFAULT_FILE.read_text()) == msgspec.json.decode(msgspec.json.encode(Config()))


def test_every_preset_loads(tmp_path: Path) -> None:
    assert {"default", "ci", "precommit"} <= set(preset_names())
    for name in preset_names():
        assert isinstance(load_config(tmp_path, chosen=name), Config)


def test_the_chosen_file_overrides_the_repository_file_key_by_key(tmp_path: Path) -> None:
    (tmp_path / REPOSITORY_FILE).write_text('[walk]\nmax_file_bytes = 5\nhidden = true\n[languages]\n"*.inc" = "php"\n')
    chosen = tmp_path / "chosen.toml"
    chosen.write_text("[walk]\nmax_file_bytes = 6\n")
    config = load_config(tmp_path, chosen=str(chosen))
    assert config.walk.max_file_bytes == 6
    assert config.walk.hidden
    assert config.languages == {"*.inc": "php"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[walk\n", "not valid TOML"),
        ("[walk]\nmax_bytes = 1\n", "walk: Object contains unknown field `max_bytes`"),
        ("[walk]\nmax_file_bytes = 'big'\n", "walk.max_file_bytes: Expected `int`, got `str`"),
        ("[encoder]\ntoken_budget = 1\n", "encoder.token_budget: Expected `int` >= 256"),
        ('[languages]\n"[inc" = "php"\n', "languages: the glob '[inc': '[' is never closed"),
        ('[languages]\n"*.inc" = "phpp"\n', "languages.'*.inc': there is no language 'phpp'; there is php"),
        ("[nonsense]\n", "top level: Object contains unknown field `nonsense`"),
    ],
)
def test_a_mistake_names_the_file_and_the_key(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, chosen=str(path))
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)


def test_an_unknown_preset_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"presets are .*precommit"):
        load_config(tmp_path, chosen="nightly")


def test_chunks_are_as_large_as_the_chosen_encoder_suggests_unless_a_file_says_otherwise(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)  # suggests 300
    other = f'[encoder]\npath = "{folder}"\n'
    chosen = str(_written(tmp_path / "chosen.toml", other))
    assert load_config(tmp_path, chosen=chosen).chunk.max_chars == 300
    (tmp_path / REPOSITORY_FILE).write_text("[chunk]\nmax_chars = 900\n")
    assert load_config(tmp_path, chosen=chosen).chunk.max_chars == 900


def test_the_default_size_of_a_chunk_is_what_the_bundled_encoder_suggests() -> None:
    assert find_encoder(EncoderOptions()).spec.chunk_chars == Config().chunk.max_chars


def test_an_encoder_that_is_not_there_is_not_asked_for_its_size(tmp_path: Path) -> None:
    chosen = _written(tmp_path / "chosen.toml", '[encoder]\npath = "nowhere"\n')
    assert load_config(tmp_path, chosen=str(chosen)).encoder.path == str(tmp_path / "nowhere")


REFUSED = [
    ("cache.path", '[cache]\npath = "/tmp/elsewhere"\n'),
    ("cache.enabled", "[cache]\nenabled = true\n"),
    ("cache.max_megabytes", "[cache]\nmax_megabytes = 1\n"),
    ("encoder.path", '[encoder]\npath = "model"\n'),
    ("encoder.threads", "[encoder]\nthreads = 2\n"),
    ("parse.workers", "[parse]\nworkers = 2\n"),
    ("parse.memory_megabytes", "[parse]\nmemory_megabytes = 9\n"),
]


@pytest.mark.parametrize(("key", "text"), REFUSED)
def test_a_repository_is_refused_what_is_the_users_and_the_user_is_not(tmp_path: Path, key: str, text: str) -> None:
    user = tmp_path / "home" / "config.toml"
    (tmp_path / REPOSITORY_FILE).write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, user=user)
    assert f"{tmp_path / REPOSITORY_FILE}: {key}: a repository may not set this" in str(caught.value)
    assert str(user) in str(caught.value)
    assert load_config(tmp_path / "elsewhere", chosen=str(_written(tmp_path / "chosen.toml", text))) is not None
    assert load_config(tmp_path / "elsewhere", user=_written(user, text)) is not None


def test_a_key_is_the_users_unless_the_table_says_that_a_repository_may_set_it() -> None:
    keys = {
        (table, key)
        for table, values in msgspec.to_builtins(Config()).items()
        if table != "languages" and "*" not in REPOSITORY_MAY_SET.get(table, set())
        for key in values
        if key not in REPOSITORY_MAY_SET.get(table, set())
    }
    assert {f"{table}.{key}" for table, key in keys} == {key for key, _ in REFUSED}


def test_the_repository_is_over_the_user_and_the_chosen_file_over_both(tmp_path: Path) -> None:
    user = _written(
        tmp_path / "home" / "config.toml", "[walk]\nmax_file_bytes = 1\nhidden = true\n[encoder]\nthreads = 3"
    )
    _written(tmp_path / REPOSITORY_FILE, "[walk]\nmax_file_bytes = 2\n[chunk]\nmax_chars = 900\n")
    chosen = _written(tmp_path / "chosen.toml", "[chunk]\nmax_chars = 800\n")
    config = load_config(tmp_path, chosen=str(chosen), user=user)
    assert (config.walk.max_file_bytes, config.walk.hidden, config.encoder.threads) == (2, True, 3)
    assert config.chunk.max_chars == 800


def test_paths_are_relative_to_the_file_that_states_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.chdir(tmp_path)
    text = '[cache]\npath = "vectors"\n[encoder]\npath = "~/models/own"\n'
    config = load_config(tmp_path, chosen=str(_written(tmp_path / "conf" / "ci.toml", text)))
    assert config.cache.path == str(tmp_path / "conf" / "vectors")
    assert config.encoder.path == str(tmp_path / "me" / "models" / "own")


def test_a_file_named_as_a_preset_does_not_stand_in_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path / "ci", "[encoder]\nthreads = 9\n")
    monkeypatch.chdir(tmp_path)
    assert load_config(tmp_path, chosen="ci").encoder.threads == 0
    assert load_config(tmp_path, chosen="./ci").encoder.threads == 9


@pytest.mark.parametrize(
    "text",
    [
        "[encoder]\nthreads = 100000\n",
        "[encoder]\ntoken_budget = 10000000\n",
        "[walk]\nmax_file_bytes = 10000000000\n",
        "[chunk]\nmax_chars = 1000000\n",
        "[parse]\ntimeout_seconds = 1e9\n",
        "[parse]\ntimeout_seconds = inf\n",
        "[parse]\ntimeout_seconds = nan\n",
        "[vectors]\nexpansion_add = 1000000\n",
        f"[walk]\nexclude = {['x'] * 1001}\n",
        f'[walk]\nexclude = ["{"x" * 257}"]\n',
        f'[languages]\n"{"x" * 257}" = "python"\n',
        "[languages]\n" + "".join(f'"*.{n}" = "php"\n' for n in range(1001)),
    ],
)
def test_every_number_and_list_has_an_upper_bound(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=str(tmp_path)):
        load_config(tmp_path, chosen=str(_written(tmp_path / "chosen.toml", text)))


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 20_000, "a" + ".a" * 30_000 + " = 1", "a = " + "9" * 5000, "#" * 70_000, "\udcff"]
)
def test_a_file_made_to_break_the_parser_is_a_mistake_like_any_other(tmp_path: Path, text: str) -> None:
    _written(tmp_path / REPOSITORY_FILE, text)
    with pytest.raises(ConfigError, match=REPOSITORY_FILE):
        load_config(tmp_path)


def test_a_repositorys_file_is_a_file(tmp_path: Path) -> None:
    own = tmp_path / REPOSITORY_FILE
    own.symlink_to(_written(tmp_path / "other", ""))
    with pytest.raises(ConfigError, match="symbolic link"):
        load_config(tmp_path)
    own.unlink()
    os.mkfifo(own)
    with pytest.raises(ConfigError, match="not a regular file"):
        load_config(tmp_path)


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path
