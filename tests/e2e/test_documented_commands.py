"""Every command and every example in the documents is one that there is, and those of the program run."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from indexer.stores.generation.manifest import FORMAT_VERSION
from pipelines.cli.asked import EXIT_NO_HIT
from pipelines.cli.main import COMMANDS
from pipelines.cli.main import cli as program
from tests.documents import DOCUMENTS, PROGRAMS, ROOT, Documented, blocks, commands, options
from tests.e2e.conftest import Cli
from tests.small_models import write_small_model
from tests.trees import git

PLACES = {
    "PATH": "src/app.py",
    "FILE": "queries.jsonl",
    "SECONDS": "5",
    "ROOT": ".",
    "FOLDER": str(ROOT / "indexer" / "encoders"),
    "QUERY": "value",
    "path/to/clone": ".",
    "path/to/repository.git": ".",
    "s3://bucket/fleet": "file://store",
}
"""What stands in the documents for a user's own, and what it is here."""

NAMES = {
    ("search",),
    ("export",),
    ("import",),
    ("mcp",),
    ("mcp", "install"),
    ("watch",),
    ("model",),
    ("model", "pull"),
    ("model", "distil"),
    ("mcp", "--fleet", "."),
}
"""Commands that a text speaks of by name alone, and that can't be asked so."""

ONLINE = {("model", "pull", "multilingual-e5-small")}
"""Commands that fetch from a hub; tests/integration/test_pull.py has a server of its own."""

ON_RAY = {("fleet", "build", "--engine", "ray")}
"""Commands that start a cluster; tests/integration/fleet/test_on_ray.py has one."""

INDEXER = [
    command
    for command in commands("indexer")
    if len(command.words) > 1 and tuple(command.words[1:]) not in NAMES | ONLINE | ON_RAY
]


def arguments(command: Documented) -> list[str]:
    """Return what follows the program, placeholders replaced."""
    return [PLACES.get(word, word) for word in command.words[1:]]


def asked_of(command: Documented) -> tuple[str, list[str]]:
    """Return the name of the program's command and its own arguments, without options of the program itself."""
    name, *rest = arguments(command)
    while name.startswith("--"):
        _, name, *rest = rest
    return name, rest


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Iterator[Path]:
    """A folder as the README speaks of it, indexed without a model."""
    root = tmp_path_factory.mktemp("documented")
    for folder in (root, root / "library"):
        (folder / "src").mkdir(parents=True)
        (folder / ".indexer.toml").write_text('[encoder]\nname = "static"\n')
        functions = [f"def value_{number}(line):\n    return parse(line, {number})\n\n" for number in range(60)]
        (folder / "src" / "app.py").write_text("\n".join(functions))
    write_small_model(root / "exported")
    (root / "fleet.toml").write_text('paths = ["library"]\n')
    (root / "queries.jsonl").write_text('{"id": "1", "query": "value 7"}\n')
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "one")):
        git(root, *command)
    assert cli("build", root, "--quiet").code == 0
    yield root


def test_the_documents_name_commands_at_all() -> None:
    assert {
        "README.md",
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        "docs/ci.md",
        "docs/pre-commit.md",
        "configs/default.toml",
    } <= set(DOCUMENTS)
    assert all(commands(name) for name in PROGRAMS)
    named = {command.words[1] for command in commands("indexer") if len(command.words) > 1}
    assert named >= set(COMMANDS)


@pytest.mark.parametrize("command", INDEXER, ids=str)
def test_a_command_of_the_program_is_understood(
    command: Documented, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)
    name, rest = asked_of(command)
    found = program.get_command(click.Context(program), name)
    assert found is not None, f"{command}: there is no such command"
    with found.make_context(name, rest):
        pass


def test_the_commands_of_the_program_run(cli: Cli, tree: Path) -> None:
    failed, ran = {}, set()
    for command in INDEXER:
        words = arguments(command)
        if tuple(words) in ran:  # another document has it too
            continue
        ran.add(tuple(words))
        done = cli(*words, cwd=tree)
        if done.code not in (0, EXIT_NO_HIT):
            failed[str(command)] = (done.code, done.err)
    assert failed == {}


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if options(name)])
def test_an_option_belongs_to_a_command(document: str) -> None:
    context = click.Context(program)
    known = {"--help", "-h"}
    groups: list[click.Command] = [program]
    while groups:
        found = groups.pop()
        known.update(option for parameter in found.params for option in parameter.opts)
        if isinstance(found, click.Group):
            groups += filter(None, (found.get_command(context, name) for name in found.list_commands(context)))
    named = {word for text in options(document) for word in text.split() if re.match(r"--?[a-z]", word)}
    assert named <= known


@pytest.mark.parametrize("text", options("README.md"))
def test_an_option_of_the_readme_is_taken_with_its_value(
    text: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)
    words = [PLACES.get(word, word) for word in shlex.split(text)]
    assert any(takes(name, words) for name in COMMANDS) or words[0] in {"--config", "--preset", "--set"}


def takes(name: str, words: list[str]) -> bool:
    """Return whether a command can be asked with these options."""
    found = program.get_command(click.Context(program), name)
    assert found is not None
    try:
        with found.make_context(name, [*words, "src/app.py"]):
            return True
    except click.UsageError:
        return False


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("command", commands("make"), ids=str)
def test_a_target_of_make_is_there_with_its_variables(command: Documented) -> None:
    variables = set(re.findall(r"^([A-Z]+) \?=", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {word.partition("=")[0] for word in command.words[1:] if "=" in word} <= variables
    done = subprocess.run(["make", "-n", *command.words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", commands("python -m"), ids=str)
def test_a_module_to_run_is_there_with_its_options(command: Documented) -> None:
    name = command.words[2].removesuffix(".NAME")
    found = importlib.util.find_spec(name)
    assert found is not None and found.origin is not None
    is_folder = found.submodule_search_locations is not None
    runs = importlib.util.find_spec(f"{name}.__main__") if is_folder else found
    assert runs is not None and runs.origin is not None, f"{name} can't be run"
    source = Path(runs.origin).read_text()
    assert "__main__" in source
    assert [word for word in command.words[3:] if word.startswith("--") and f'"{word}"' not in source] == []


@pytest.mark.parametrize("block", blocks("README.md", "python"))
def test_an_example_in_python_runs(block: str, tree: Path) -> None:
    example = block.replace("path/to/repository", str(tree))
    assert example != block
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "value_" in done.stdout or "src/app.py" in done.stdout


def test_the_format_is_described_in_its_version() -> None:
    text = (ROOT / "docs" / "index-format.md").read_text()
    assert f"\nVersion {FORMAT_VERSION}. " in text
    assert f"| `format_version`, `generation`, `created` | {FORMAT_VERSION}, " in text
