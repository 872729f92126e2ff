"""Configuration files: every default is documented, layers override key by key, and mistakes name file and key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import find_encoder
from indexer.errors import ConfigError
from pipelines.settings import REPOSITORY_FILE, load_config, preset_names
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
    (tmp_path / REPOSITORY_FILE).write_text(other)
    assert load_config(tmp_path).chunk.max_chars == 300
    (tmp_path / REPOSITORY_FILE).write_text(other + "[chunk]\nmax_chars = 900\n")
    assert load_config(tmp_path).chunk.max_chars == 900


def test_the_default_size_of_a_chunk_is_what_the_bundled_encoder_suggests() -> None:
    assert find_encoder(EncoderOptions()).spec.chunk_chars == Config().chunk.max_chars


def test_an_encoder_that_is_not_there_is_not_asked_for_its_size(tmp_path: Path) -> None:
    (tmp_path / REPOSITORY_FILE).write_text('[encoder]\npath = "nowhere"\n')
    assert load_config(tmp_path).encoder.path == "nowhere"
