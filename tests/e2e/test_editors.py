"""The recipes of docs/editors.md, tried in the editors that are there, and the line protocol as it is written down."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.documents import blocks
from tests.e2e.conftest import PROGRAM, Cli

DOCUMENT = "docs/editors.md"
QUERY = "pour tea into a cup"


@pytest.fixture(scope="module")
def tea(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A small indexed folder."""
    root = tmp_path_factory.mktemp("tea")
    (root / "src").mkdir()
    (root / ".indexer.toml").write_text('[encoder]\nname = "hashing"\n')
    (root / "src" / "cup.py").write_text("class Cup:\n    def pour_tea_into_cup(self, tea):\n        return tea\n")
    assert cli("build", root, "-q").code == 0
    return root


def editor(command: Sequence[str | Path], cli: Cli, root: Path) -> str:
    """Run an editor that finds `indexer` on its path, and return what it printed."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cli.cache), "XDG_CONFIG_HOME": str(cli.cache), "NO_COLOR": "1"}
    environment |= {"PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}", "TERM": "dumb", "HOME": str(root)}
    done = subprocess.run(
        list(map(str, command)), cwd=root, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    return done.stdout + done.stderr


def test_a_line_names_path_line_column_and_text(cli: Cli, tea: Path) -> None:
    first = cli("search", QUERY, "--format", "vimgrep", cwd=tea).out.splitlines()[0]
    assert re.fullmatch(r"src/cup\.py:2:5:def pour_tea_into_cup\(self, tea\):", first)


@pytest.mark.skipif(shutil.which("vim") is None, reason="needs vim")
def test_vim_fills_its_quickfix_list(cli: Cli, tea: Path, tmp_path: Path) -> None:
    (settings,) = blocks(DOCUMENT, "vim")
    (tmp_path / "vimrc").write_text(settings)
    show = 'call writefile([bufname(getqflist()[0].bufnr), getqflist()[0].lnum, getqflist()[0].col], "/dev/stdout")'
    command: list[str | Path] = [
        "vim",
        "-u",
        tmp_path / "vimrc",
        "-es",
        "-N",
        "-c",
        f"silent grep! {QUERY}",
        "-c",
        show,
        "-c",
        "qa!",
    ]
    assert "src/cup.py\n2\n5" in editor(command, cli, tea)


@pytest.mark.skipif(shutil.which("emacs") is None, reason="needs Emacs")
def test_emacs_visits_the_hit(cli: Cli, tea: Path, tmp_path: Path) -> None:
    (function,) = blocks(DOCUMENT, "elisp")
    (tmp_path / "recipe.el").write_text(
        function
        + f'(let ((buffer (indexer-search "{QUERY}")))\n'
        + "  (while (get-buffer-process buffer) (accept-process-output nil 0.1))\n"
        + "  (with-current-buffer buffer (next-error))\n"
        + '  (with-current-buffer (window-buffer) (message "at %s:%d" (buffer-name) (line-number-at-pos))))\n'
    )
    assert "at cup.py:2" in editor(["emacs", "--batch", "-l", tmp_path / "recipe.el"], cli, tea)


def test_the_task_of_vs_code_matches_what_is_printed(cli: Cli, tea: Path) -> None:
    (text,) = blocks(DOCUMENT, "json")
    (task,) = json.loads(text)["tasks"]
    arguments = [QUERY if word == "${input:query}" else word for word in task["args"]]
    pattern = task["problemMatcher"]["pattern"]
    found = re.match(pattern["regexp"], cli(*arguments, cwd=tea).out)
    assert found is not None
    assert [found[pattern[name]] for name in ("file", "line", "column")] == ["src/cup.py", "2", "5"]


def test_a_process_answers_line_by_line(cli: Cli, tea: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cli.cache), "XDG_CONFIG_HOME": str(cli.cache)}
    command = [str(PROGRAM), "search", "--batch", "-", "-k", "1"]
    with subprocess.Popen(
        command, cwd=tea, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for number in (1, "two"):
            process.stdin.write("\n" + json.dumps({"id": number, "query": QUERY}) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert (answer["id"], answer["hits"][0]["path"]) == (number, "src/cup.py")
        process.stdin.close()
        assert process.wait(60) == 0
    assert cli("search", "--batch", "-", cwd=tea, stdin="{}\n").code == 2
