"""A flag that several commands have is found in the command that the rest of the query names."""

from __future__ import annotations

from pathlib import Path

import indexer
from indexer.config import Config, EncoderOptions
from pipelines.build import build
from tests.trees import write

CONFIG = Config(encoder=EncoderOptions(name="static"))
COMMANDS = ("attach", "clean", "export", "inspect", "prune", "rename", "restart", "update")
PYTHON = '''
class Command:
    """What the command line asks for."""

    def add_arguments(self, parser):
        parser.add_argument("--depth", type=int, help="How far to look.")
'''
GO = """package {name}

func newCommand() *Command {{
	flags := cmd.Flags()
	flags.BoolVarP(&opts.force, "force", "f", false, "Do not ask")
	return cmd
}}
"""
COMPLETION = "\n".join(f"_tool_{name}() {{\n    COMPREPLY=( $(compgen -W '--force --help') )\n}}" for name in COMMANDS)
TALK = (
    "def prune_option(option):\n    return option.prune(option)\n\n\ndef option_of(prune):\n    return prune.option\n"
)


def first(root: Path, query: str) -> str:
    with indexer.open(root, options=CONFIG.encoder) as index:
        return index.search(query).hits[0].path


def test_the_rest_of_the_query_tells_which_of_many_declarations_is_meant(tmp_path: Path) -> None:
    commands = {f"tool/commands/{name}.py": PYTHON for name in COMMANDS}
    root = write(tmp_path / "tree", commands | {f"tool/prune/option_of_prune{n}.py": TALK for n in range(40)})
    build(root, config=CONFIG)
    assert first(root, "--depth option of prune") == "tool/commands/prune.py"


def test_a_declaration_without_dashes_comes_before_a_shell_completion(tmp_path: Path) -> None:
    commands = {f"command/{name}/{name}.go": GO.format(name=name) for name in COMMANDS}
    root = write(tmp_path / "tree", commands | {"contrib/completion.bash": COMPLETION})
    build(root, config=CONFIG)
    assert first(root, "--force option of prune") == "command/prune/prune.go"
