"""What goes to a terminal, into pipes that end early, and to streams that are closed or full."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import PROGRAM, Cli, Done

ESCAPE = "\x1b]0;owned\x07\u202e\x9b31m"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A small indexed folder, one of whose names is not UTF-8; tests leave it as they find it."""
    root = tmp_path_factory.mktemp("tree")
    (root / ".indexer.toml").write_text('[encoder]\nname = "hashing"\n')
    (root / "tea.py").write_text("def brew_tea():\n    return 'tea'\n")
    (root / "caf\udce9.py").write_text("def pour_coffee():\n    return 'coffee'\n")
    assert cli("build", root).code == 0
    return root


def shell(cli: Cli, command: str, cwd: Path) -> Done:
    """Run a line of bash in which `indexer` is the program."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cli.cache), "XDG_CONFIG_HOME": str(cli.cache)}
    script = f'set -o pipefail; indexer() {{ "{PROGRAM}" "$@"; }}; {command}'
    done = subprocess.run(
        ["bash", "-c", script], cwd=cwd, env=environment, capture_output=True, check=False, timeout=120
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize(
    "arguments",
    [
        ("search",),
        (f"--{ESCAPE}",),
        (ESCAPE,),
        ("status", f"--{ESCAPE}"),
        ("build", f"no{ESCAPE}"),
        ("build", "--config", f"no{ESCAPE}"),
        ("search", "tea", "--lang", ESCAPE),
        ("search", "tea", "--path", f"[{ESCAPE}"),
        ("search", "tea", "-k", ESCAPE),
        ("search", "--batch", ESCAPE),
        ("similar", f"{ESCAPE}:1"),
        ("explain", ESCAPE),
        ("verify", "--index-dir", ESCAPE),
        ("gc", "--index-dir", ESCAPE, "--keep", "1"),
    ],
)
def test_no_message_carries_a_control_character(cli: Cli, tree: Path, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments, cwd=tree)
    shown = (done.out + done.err).replace("\n", "")
    assert shown
    assert "Traceback" not in shown
    assert "unexpected" not in shown
    assert shown.isprintable()


def test_a_key_of_a_settings_file_is_shown_escaped(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".indexer.toml").write_text('[walk]\n"\\u001b[31mred" = 1\n')
    done = cli("build", tmp_path)
    assert done.code == 2
    assert "\\x1b[31mred" in done.err
    assert "\x1b" not in done.err


def _errors(done: Done) -> list[str]:
    """Return the lines on stderr that are no notes."""
    return [line for line in done.err.splitlines() if not line.startswith("note: ")]


@pytest.mark.parametrize("command", ["search tea", "search tea --json", "status", "--help", "build --dry-run --full"])
def test_a_reader_that_leaves_early_ends_a_command_as_sigpipe_does(cli: Cli, tree: Path, command: str) -> None:
    done = shell(cli, f"indexer {command} | true", tree)
    assert (done.code, _errors(done)) == (141, [])


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("command", ["search tea", "search tea --json", "build", "search ''"])
def test_closed_streams_are_as_good_as_dev_null(cli: Cli, tree: Path, command: str, closed: str) -> None:
    done = shell(cli, f"indexer {command} {closed}", tree)
    assert done.code == (2 if "''" in command else 0)
    assert "Traceback" not in done.err
    assert "unexpected" not in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_results_that_cannot_be_written_are_an_error_and_messages_are_not(cli: Cli, tree: Path) -> None:
    for command in ("search tea", "search tea --json", "status"):
        done = shell(cli, f"indexer {command} > /dev/full", tree)
        assert (done.code, _errors(done)) == (
            1,
            ["error: stdout: No space left on device; the results could not be written"],
        )
    assert shell(cli, "indexer build 2> /dev/full", tree).code == 0


def test_a_terminal_that_knows_no_unicode_gets_escapes(cli: Cli, tree: Path) -> None:
    done = shell(cli, "PYTHONIOENCODING=ascii indexer search coffee -l --path '*.py'", tree)
    assert done.code == 0, done.err
    assert "caf\\udce9.py" in done.out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"id": 1, "query": "\xff"}', "line 2"),
        (b"[" * 100_000, "line 2"),
        (b'{"id": ' + b"[" * 100_000, "line 2"),
        (b'{"id": 1, "query": "' + b"a" * 2_000_000, "line 2: is longer than"),
        (b'{"id": 1, "query": " "}', "line 2: the query is empty"),
    ],
)
def test_a_line_of_a_batch_that_is_no_query_is_named(
    cli: Cli, tree: Path, tmp_path: Path, line: bytes, said: str
) -> None:
    batch = tmp_path / "batch"
    batch.write_bytes(b'{"id": 0, "query": "tea"}\n' + line + b"\n")
    done = cli("search", "--batch", batch, cwd=tree)
    assert (done.code, len(done.out.splitlines())) == (2, 1)
    assert said in done.err


def test_a_batch_without_anything_to_read_is_named(cli: Cli, tree: Path, tmp_path: Path) -> None:
    for command, said in (("--batch - <&-", "stdin is closed"), (f"--batch {tmp_path}", "can't be read")):
        done = shell(cli, f"indexer search {command}", tree)
        assert done.code == 2
        assert said in done.err


@pytest.mark.parametrize("line", ["9" * 5000, "-1", "1_0", ""])
def test_a_line_number_that_is_none_is_named(cli: Cli, tree: Path, line: str) -> None:
    done = cli("similar", f"tea.py:{line}", cwd=tree)
    assert done.code == 2
    assert "is not PATH:LINE" in done.err


def test_names_of_files_go_to_xargs_as_they_are(cli: Cli, tree: Path) -> None:
    done = shell(cli, "indexer search pour_coffee -l0 -k 1 | xargs -0 cat", tree)
    assert (done.code, done.out) == (0, "def pour_coffee():\n    return 'coffee'\n")
    assert cli("search", "pour_coffee", "-0", cwd=tree).code == 2


def test_a_path_that_is_not_utf8_passes_a_deep_verification(cli: Cli, tree: Path) -> None:
    done = cli("verify", "--deep", cwd=tree)
    assert done.code == 0, done.out
    assert "embedded again" in done.out


def test_json_keeps_the_bytes_of_a_path_that_is_not_utf8(cli: Cli, tree: Path) -> None:
    listed = cli("build", "--dry-run", "--full", "--json", cwd=tree).json["files"]
    for entry in (
        cli("search", "pour_coffee", "--json", cwd=tree).json["hits"][0],
        next(file for file in listed if file["path"].startswith("caf")),
        cli("explain", "caf\udce9.py", "--json", cwd=tree).json,
    ):
        assert entry["path"] == "caf\ufffd.py"
        assert base64.b64decode(entry["path_bytes"]) == b"caf\xe9.py"
    assert "path_bytes" not in cli("search", "brew_tea", "--json", cwd=tree).json["hits"][0]
