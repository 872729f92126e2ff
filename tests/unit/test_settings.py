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
from pipelines.settings import (
    REPOSITORY_FILE,
    REPOSITORY_MAY_SET,
    Chosen,
    effective_settings,
    load_config,
    preset_names,
)
from tests.model_folder import make_folder


def file_of(path: Path | str) -> Chosen:
    return Chosen(file=str(path))


DEFAULT_FILE = Path(__file__).parents[2] / "configs" / "default.toml"


def test_the_default_file_lists_every_key_with_its_default() -> None:
    assert tomllib.loads(DEFAULT_FILE.read_text()) == msgspec.json.decode(msgspec.json.encode(Config()))


def test_every_preset_loads(tmp_path: Path) -> None:
    assert set(preset_names()) == {"default", "ci", "precommit", "quality", "small-memory"}
    for name in preset_names():
        assert isinstance(load_config(tmp_path, Chosen(preset=name)), Config)


def test_the_chosen_file_overrides_the_repository_file_key_by_key(tmp_path: Path) -> None:
    (tmp_path / REPOSITORY_FILE).write_text('[walk]\nmax_file_bytes = 5\nhidden = true\n[languages]\n"*.inc" = "php"\n')
    chosen = tmp_path / "chosen.toml"
    chosen.write_text("[walk]\nmax_file_bytes = 6\n")
    config = load_config(tmp_path, chosen=file_of(chosen))
    assert config.walk.max_file_bytes == 6
    assert config.walk.hidden
    assert config.languages == {"*.inc": "php"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[walk\n", "not valid TOML"),
        (
            "[walk]\nmax_bytes = 1\n",
            ":2: walk.max_bytes: there is no such key; the nearest is walk.max_file_bytes",
        ),
        ("[walk]\nmax_file_bytes = 'big'\n", "broken.toml:2: walk.max_file_bytes: Expected `int`, got `str`"),
        ("[encoder]\ntoken_budget = 1\n", "encoder.token_budget: Expected `int` >= 256"),
        ('[languages]\n"[inc" = "php"\n', "languages: the glob '[inc': '[' is never closed"),
        ('[languages]\n"*.inc" = "phpp"\n', "languages.'*.inc': there is no language 'phpp'; there is php"),
        ("[nonsense]\n", "broken.toml:1: nonsense: there is no such key; configs/default.toml lists every key"),
    ],
)
def test_a_mistake_names_the_file_and_the_key(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, chosen=file_of(path))
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)


def test_an_unknown_preset_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"presets are .*precommit"):
        load_config(tmp_path, Chosen(preset="nightly"))


def test_chunks_are_as_large_as_the_chosen_encoder_suggests_unless_a_file_says_otherwise(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)  # suggests 300
    other = f'[encoder]\npath = "{folder}"\n'
    chosen = file_of(_written(tmp_path / "chosen.toml", other))
    assert load_config(tmp_path, chosen=chosen).chunk.max_chars == 300
    (tmp_path / REPOSITORY_FILE).write_text("[chunk]\nmax_chars = 900\n")
    assert load_config(tmp_path, chosen=chosen).chunk.max_chars == 900


def test_the_default_size_of_a_chunk_is_what_the_bundled_encoder_suggests() -> None:
    assert find_encoder(EncoderOptions()).spec.chunk_chars == Config().chunk.max_chars


def test_an_encoder_that_is_not_there_is_not_asked_for_its_size(tmp_path: Path) -> None:
    chosen = _written(tmp_path / "chosen.toml", '[encoder]\npath = "nowhere"\n')
    assert load_config(tmp_path, chosen=file_of(chosen)).encoder.path == str(tmp_path / "nowhere")


REFUSED = [
    ("cache.path", '[cache]\npath = "/tmp/elsewhere"\n'),
    ("cache.enabled", "[cache]\nenabled = true\n"),
    ("cache.max_megabytes", "[cache]\nmax_megabytes = 1\n"),
    ("encoder.path", '[encoder]\npath = "model"\n'),
    ("encoder.models", '[encoder]\nmodels = "models"\n'),
    ("encoder.download", "[encoder]\ndownload = true\n"),
    ("encoder.memory_limit", '[encoder]\nmemory_limit = "600MB"\n'),
    ("encoder.mirror", '[encoder]\nmirror = "https://example.org"\n'),
    ("encoder.dims", "[encoder]\ndims = 384\n"),
    ("encoder.providers", '[encoder]\nproviders = ["cpu"]\n'),
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
    assert f"{tmp_path / REPOSITORY_FILE}:2: {key}: a repository may not set this" in str(caught.value)
    assert str(user) in str(caught.value)
    assert load_config(tmp_path / "elsewhere", chosen=file_of(_written(tmp_path / "chosen.toml", text))) is not None
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
    config = load_config(tmp_path, chosen=file_of(chosen), user=user)
    assert (config.walk.max_file_bytes, config.walk.hidden, config.encoder.threads) == (2, True, 3)
    assert config.chunk.max_chars == 800


def test_paths_are_relative_to_the_file_that_states_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.chdir(tmp_path)
    text = '[cache]\npath = "vectors"\n[encoder]\npath = "~/models/own"\n'
    config = load_config(tmp_path, chosen=file_of(_written(tmp_path / "conf" / "ci.toml", text)))
    assert config.cache.path == str(tmp_path / "conf" / "vectors")
    assert config.encoder.path == str(tmp_path / "me" / "models" / "own")


def test_a_file_named_as_a_preset_does_not_stand_in_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path / "ci", "[encoder]\nthreads = 9\n")
    monkeypatch.chdir(tmp_path)
    assert load_config(tmp_path, Chosen(preset="ci")).encoder.threads == 0
    assert load_config(tmp_path, chosen=file_of("./ci")).encoder.threads == 9


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
        load_config(tmp_path, chosen=file_of(_written(tmp_path / "chosen.toml", text)))


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[walk]\nhidden = 1\n", ":2: walk.hidden"),
        ("walk.hidden = 1\n", ":1: walk.hidden"),
        ("# walk\n\n[ walk ] # here\n'hidden' = 1\n", ":4: walk.hidden"),
        ("walk = { hidden = 1 }\n", ":1: walk.hidden"),
        ("[encoder]\nhidden = true\n", ":2: encoder.hidden: there is no such key; the nearest is walk.hidden"),
        ("[walk]\nexclude = [\n  3,\n]\n", ":2: walk.exclude"),
        ("[languages]\n'*.a' = 'php'\n'*.b' = 'phpp'\n", ":3: languages"),
        ("[wlak]\nhidden = true\n", ":1: wlak"),
    ],
)
def test_a_mistake_is_shown_at_its_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, chosen=file_of(_written(tmp_path / "broken.toml", text)))
    assert f"broken.toml{expected}" in str(caught.value)


def test_a_project_file_holds_the_repositorys_settings_too(tmp_path: Path) -> None:
    project = _written(tmp_path / "pyproject.toml", "[project]\nname = 'x'\n[tool.indexer.walk]\nhidden = true\n")
    assert load_config(tmp_path).walk.hidden
    project.write_text("[tool.indexer]\nencoder.threads = 2\n")
    with pytest.raises(ConfigError, match=r"pyproject.toml:2: encoder.threads: a repository may not set this"):
        load_config(tmp_path)
    project.write_text("[tool.indexer.walk]\nhiden = true\n")
    with pytest.raises(ConfigError, match=r"pyproject.toml:2: walk.hiden: .*nearest is walk.hidden"):
        load_config(tmp_path)
    project.write_text("[tool.indexer.walk]\nhidden = true\n")
    _written(tmp_path / REPOSITORY_FILE, "")
    with pytest.raises(ConfigError, match="keep one of the two"):
        load_config(tmp_path)
    (tmp_path / REPOSITORY_FILE).unlink()
    project.write_text("[tool.other]\nindexer = 1\n")
    assert load_config(tmp_path) == Config()


def test_a_project_file_that_is_a_link_or_no_concern_of_ours_is_left_unread(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").symlink_to(_written(tmp_path / "other", "[tool.indexer.walk]\nhidden = true\n"))
    assert load_config(tmp_path) == Config()
    (tmp_path / "pyproject.toml").unlink()
    _written(tmp_path / "pyproject.toml", "[tool.other\n")
    assert load_config(tmp_path) == Config()


VARIABLE = "INDEXER_ENCODER_TOKEN_BUDGET"
LAYERS = ["preset small-memory", "config.toml:2", ".indexer.toml:2", "chosen.toml:2", VARIABLE, "--set"]


@pytest.mark.parametrize("count", range(len(LAYERS) + 1))
def test_later_layers_win_and_each_value_says_where_it_is_from(tmp_path: Path, count: int) -> None:
    given = LAYERS[:count]
    user = tmp_path / "home" / "config.toml"
    if "config.toml:2" in given:
        _written(user, "[encoder]\ntoken_budget = 1025\n")
    if ".indexer.toml:2" in given:
        _written(tmp_path / REPOSITORY_FILE, "[encoder]\ntoken_budget = 1026\n")
    chosen = Chosen(
        preset="small-memory" if given else None,
        file=str(_written(tmp_path / "chosen.toml", "[encoder]\ntoken_budget = 1027\n")) if count > 3 else None,
        assignments=("encoder.token_budget=1029",) if count > 5 else (),
    )
    environment = {VARIABLE: "1028", "INDEXER_URL": "another program's"} if count > 4 else {}
    expected = [2048, 1024, 1025, 1026, 1027, 1028, 1029][count]
    assert load_config(tmp_path, chosen, user=user, environment=environment).encoder.token_budget == expected
    (setting,) = [
        setting
        for setting in effective_settings(tmp_path, chosen, user=user, environment=environment)
        if setting.key == "encoder.token_budget"
    ]
    assert setting.value == expected
    assert (given[-1] if given else "default") in setting.origin


def test_every_setting_is_shown_once_with_its_effective_value(tmp_path: Path) -> None:
    chosen = Chosen(assignments=("encoder.name=hashing", 'languages."*.inc"=php', "walk.exclude=['a', 'b']"))
    found = {setting.key: (setting.value, setting.origin) for setting in effective_settings(tmp_path, chosen)}
    keys = {f"{table}.{key}" for table, values in msgspec.to_builtins(Config()).items() for key in values}
    assert set(found) == keys | {"languages.*.inc"}
    assert found["walk.exclude"] == (("a", "b"), "--set walk.exclude")
    assert found["chunk.max_chars"][1] == "encoder hashing"
    assert found["walk.hidden"] == (False, "default")


@pytest.mark.parametrize(
    ("environment", "assignments", "expected"),
    [
        ({"INDEXER_WALK_HIDEN": "1"}, (), "INDEXER_WALK_HIDEN: .*nearest is INDEXER_WALK_HIDDEN"),
        ({"INDEXER_WALK_HIDDEN": "perhaps"}, (), "INDEXER_WALK_HIDDEN: walk.hidden: Expected `bool`, got `str`"),
        ({}, ("walk.hiden=true",), "--set walk.hiden: .*nearest is walk.hidden"),
        ({}, ("walk.hidden",), "write TABLE.KEY=VALUE"),
        ({}, ("encoder.token_budget=9",), "--set encoder.token_budget: Expected `int` >= 256"),
    ],
)
def test_mistakes_in_variables_and_options_are_named(
    tmp_path: Path, environment: dict[str, str], assignments: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        load_config(tmp_path, Chosen(assignments=assignments), environment=environment)


def test_a_limit_of_memory_lowers_processes_and_batches_and_raises_neither(tmp_path: Path) -> None:
    def of(limit: str, *more: str) -> tuple[int, int]:
        stated = ("encoder.token_budget=8192", "parse.workers=4", f"encoder.memory_limit={limit}", *more)
        config = load_config(tmp_path, Chosen(assignments=stated))
        return config.parse.workers, config.encoder.token_budget

    assert of("64GB") == (4, 8192)
    (few, small), (some, larger) = of("450MB"), of("900MB")
    assert 1 <= few <= some <= 4 and 256 <= small < larger <= 8192 and (few, small) != (some, larger)
    assert of("900MB", "encoder.token_budget=300", "parse.workers=1") == (1, 300)
    with pytest.raises(ConfigError, match=r"encoder\.memory_limit: 100MB is not enough for minilm, which needs \d+MB"):
        of("100MB")
    with pytest.raises(ConfigError, match="'lots' is no size"):
        of("lots")
