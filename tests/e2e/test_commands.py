"""Commands on an index: search in its forms, status, explain, similar, verify, repair, gc."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from indexer.stores.generation.lock import writer_lock
from pipelines.cli import main
from pipelines.cli.asked import EXIT_NO_HIT
from pipelines.schema import PRINTED
from tests.e2e.conftest import PROGRAM, Cli
from tests.trees import write


@pytest.fixture(scope="module")
def tea(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A small folder in two languages, indexed; tests leave it as they find it."""
    root = tmp_path_factory.mktemp("tea")
    (root / "src").mkdir()
    (root / "src" / "kettle.py").write_text(
        "class Kettle:\n"
        '    """Boils water."""\n\n'
        "    def heat_water(self, celsius):\n"
        '        """Bring the water to a temperature, stirring all the while so that it is even."""\n'
        "        while self.temperature < celsius:\n"
        "            self.burn_gas()\n"
        "            self.stir()\n"
        "        return self.temperature\n\n\n"
        "def brew_green(kettle, leaves):\n"
        '    """Steep green leaves in water that does not boil."""\n'
        "    kettle.heat_water(75)\n"
        "    return leaves.steep(kettle.pour(), minutes=2)\n"
    )
    (root / "src" / "cup.go").write_text(
        "package cup\n\n// Fill pours tea into the cup until it is full.\n"
        "func (c *Cup) Fill(tea Tea) error {\n"
        "\tif c.full() {\n\t\treturn ErrFull\n\t}\n\tc.content = tea\n\treturn nil\n}\n"
    )
    (root / ".gitignore").write_text("*.log\n")
    (root / "boil.log").write_text("boiled\n")
    assert cli("build", root).code == 0
    return root


def test_json_output_of_every_command_matches_its_schema(cli: Cli, tea: Path) -> None:
    outputs = {
        "build": cli("build", tea, "--json"),
        "search": cli("search", "fill the cup", "--root", tea, "--json", "--explain"),
        "status": cli("status", tea, "--json"),
        "verify": cli("verify", tea, "--json"),
        "repair": cli("repair", tea, "--json"),
        "explain": cli("explain", "src/cup.go", "--root", tea, "--json"),
    }
    for name, done in outputs.items():
        assert done.code == 0, done.err
        msgspec.json.decode(done.out, type=PRINTED[name], strict=True)


def test_a_hit_has_the_documented_fields(cli: Cli, tea: Path) -> None:
    answer = cli("search", "pour tea into a cup until full", "--root", tea, "--json").json
    assert answer["generation"] == cli("status", tea, "--json").json["generation"]
    assert answer["stale"] == 0
    hit = answer["hits"][0]
    assert {key: hit[key] for key in ("path", "end_line", "language", "kind", "name")} == {
        "path": "src/cup.go",
        "end_line": 10,
        "language": "go",
        "kind": "method",
        "name": "Fill",
    }
    assert hit["signature"].startswith("func (c *Cup) Fill(tea Tea) error")
    assert "Fill pours tea" in hit["doc"]
    assert "ranks" not in hit


def test_plain_output_shows_path_line_and_numbered_source(cli: Cli, tea: Path) -> None:
    done = cli("search", "brew_green", "--root", tea, "-k", "1")
    assert done.out.splitlines()[0] == "src/kettle.py:12  function brew_green"
    assert "    12  def brew_green(kettle, leaves):" in done.out


def test_lines_for_editors_and_files_alone(cli: Cli, tea: Path) -> None:
    assert cli("search", "brew_green", "--root", tea, "-k", "1", "--format", "path:line").out == (
        "src/kettle.py:12:brew_green\tdef brew_green(kettle, leaves):\n"
    )
    assert cli("search", "brew_green", "--root", tea, "-l", "--lang", "python").out == "src/kettle.py\n"


@pytest.mark.parametrize("mode", ["text", "vector", "hybrid"])
def test_filters_hold_in_every_mode(cli: Cli, tea: Path, mode: str) -> None:
    def paths(*filters: str) -> set[str]:
        done = cli("search", "hot tea", "--root", tea, "--json", "--mode", mode, "-k", "50", *filters)
        hits = json.loads(done.out)["hits"]
        assert done.code == (0 if hits else EXIT_NO_HIT)
        return {hit["path"] for hit in hits}

    assert paths("--lang", "go") == {"src/cup.go"}
    assert paths("--path", "src/*.py") <= {"src/kettle.py"}
    assert "src/cup.go" not in paths("--path", "!*.go")
    assert paths("--kind", "method", "--lang", "go") == {"src/cup.go"}


def test_a_batch_answers_each_line_in_order(cli: Cli, tea: Path) -> None:
    lines = "".join(json.dumps({"id": name, "query": name}) + "\n" for name in ("brew_green", "Fill"))
    done = cli("search", "--batch", "-", "--root", tea, "-k", "1", stdin=lines)
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert [(answer["id"], answer["hits"][0]["name"]) for answer in answers] == [
        ("brew_green", "brew_green"),
        ("Fill", "Fill"),
    ]
    assert cli("search", "--batch", "-", "--root", tea, stdin="{}\n").code == 2


def test_an_index_is_found_from_a_folder_below(cli: Cli, tea: Path) -> None:
    assert cli("search", "brew_green", "-l", cwd=tea / "src").out.startswith("kettle.py\n")


def test_similar_finds_the_nearest_but_not_itself(cli: Cli, tea: Path) -> None:
    hits = cli("similar", "src/kettle.py:13", "--root", tea, "--json").json["hits"]
    assert hits
    assert all(hit["name"] != "brew_green" for hit in hits)
    assert cli("similar", "src/kettle.py", "--root", tea).code == 2


def test_explain_names_the_rule_the_language_and_the_chunks(cli: Cli, tea: Path) -> None:
    ignored = cli("explain", "boil.log", "--root", tea, "--json").json
    assert (ignored["state"], ignored["rule"]) == ("left-out", ".gitignore:1 *.log")
    indexed = cli("explain", "src/kettle.py", "--root", tea, "--json").json
    assert (indexed["state"], indexed["language"]) == ("indexed", "python")
    assert "brew_green" in {chunk["name"] for chunk in indexed["chunks"]}
    assert {chunk["vector"] for chunk in indexed["chunks"]} == {"current"}


def test_a_stale_index_says_so_and_can_be_refused(cli: Cli, tea: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(tea, root)
    (root / "src" / "spoon.py").write_text("def stir():\n    return None\n")
    assert cli("status", root, "--json").json["stale"] == 1
    done = cli("search", "brew_green", "--root", root)
    assert done.code == 0
    assert "1 file changed since" in done.err
    refused = cli("search", "brew_green", "--root", root, "--require-fresh")
    assert (refused.code, refused.out) == (3, "")


def test_a_dry_run_lists_files_and_writes_nothing(cli: Cli, tea: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(tea, root)
    (root / "src" / "spoon.py").write_text("def stir():\n    return None\n")
    (root / "src" / "blob.bin").write_bytes(b"\0\1\2\3" * 100)
    (root / "src" / "cup.go").unlink()
    before = (root / ".indexer" / "CURRENT").read_bytes()
    planned = cli("build", root, "--dry-run", "--json").json
    assert planned["actions"] == {"add": 1, "leave-out": 3, "remove": 1, "skip": 1}
    last = cli("build", root, "--dry-run").out.splitlines()[-1]
    assert last == (
        "1 to add, 0 to modify, 1 to remove, 1 to skip, 3 left out (binary 1, git-ignored 1, hidden 1, index 1)"
    )
    assert {(file["path"], file["action"], file["reason"]) for file in planned["files"]} == {
        ("src/cup.go", "remove", ""),
        ("src/spoon.py", "add", ""),
        ("src/blob.bin", "skip", "binary"),
        (".gitignore", "leave-out", "hidden"),
        ("boil.log", "leave-out", "git-ignored"),
        (".indexer/", "leave-out", "index"),
    }
    assert (root / ".indexer" / "CURRENT").read_bytes() == before


def test_an_index_moves_and_verifies_elsewhere(cli: Cli, tea: Path, tmp_path: Path) -> None:
    shutil.copytree(tea / ".indexer", tmp_path / "shipped")
    answer = cli("search", "brew_green", "--index-dir", tmp_path / "shipped", "--json").json
    assert answer["hits"][0]["name"] == "brew_green"
    assert cli("verify", "--index-dir", tmp_path / "shipped", "--deep").code == 0


def test_damage_is_found_repaired_and_said(cli: Cli, tea: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(tea, root)
    digest = cli("status", root, "--json").json["digest"]
    generation = cli("status", root, "--json").json["generation"]
    (segment,) = (root / ".indexer" / "generations" / generation / "vectors").iterdir()
    content = bytearray(segment.read_bytes())
    content[100] ^= 1
    segment.unlink()
    segment.write_bytes(content)
    for options in ([], ["--deep"]):
        found = cli("verify", root, *options)
        assert found.code == 4
        assert f"checksum: generations/{generation}/vectors/{segment.name}" in found.err
        assert found.err.endswith(
            "note: `indexer repair` mends what it can; `indexer build --full` makes the index anew\n"
        )
    assert cli("search", "tea", "--root", root).code == 4
    repaired = cli("repair", root)
    assert "the vector index was rebuilt from the embeddings in the text index" in repaired.out
    assert cli("verify", root, "--deep").code == 0
    assert cli("status", root, "--json").json["digest"] == digest


def test_control_characters_in_names_do_not_reach_the_terminal(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m\nb.py").write_text("def brew():\n    return 1\n")
    (tmp_path / "note.md").write_text("# Brew\n\nA line with \x1b]0;title\x07 in it: brew brew.\n")
    cli("build", tmp_path)
    done = cli("search", "brew", "--root", tmp_path)
    assert "\\x1b[31m\\nb.py:1" in done.out
    assert "\x1b" not in done.out
    assert "\x07" not in done.out


def test_gc_keeps_what_it_is_told(cli: Cli, tea: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(tea, root)
    for number in range(3):
        (root / "more.py").write_text(f"x = {number}\n")
        cli("build", root)
    generations = root / ".indexer" / "generations"
    assert len(list(generations.iterdir())) == 2
    older, newer = sorted(folder.name for folder in generations.iterdir())
    assert cli("gc", root, "--keep", "1", "--json").json == {"removed": [older]}
    assert [folder.name for folder in generations.iterdir()] == [newer]


def test_a_fitted_projection_is_kept_by_increments_and_refitted_by_a_full_build(cli: Cli, tmp_path: Path) -> None:
    functions = (f"def step_{n}(value):\n    return value * {n} + offset_{n * n}\n" for n in range(120))
    for number, function in enumerate(functions):
        (tmp_path / f"step_{number}.py").write_text(function)
    (tmp_path / ".indexer.toml").write_text('[projection]\nmode = "fit"\ndims = 16\n[encoder]\nname = "hashing"\n')
    cli("build", tmp_path)
    first = cli("status", tmp_path, "--json").json["projection"]
    assert (first["mode"], first["dims"]) == ("fit", 16)
    (tmp_path / "added.py").write_text("def other(thing):\n    return thing.other\n")
    cli("build", tmp_path)
    assert cli("status", tmp_path, "--json").json["projection"] == first
    cli("build", tmp_path, "--full")
    assert cli("status", tmp_path, "--json").json["projection"]["digest"] != first["digest"]
    assert cli("search", "step_7", "--root", tmp_path, "--json").json["hits"][0]["name"] == "step_7"


def test_another_encoder_means_a_full_build_and_says_so(cli: Cli, tea: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(tea, root)
    (root / ".indexer.toml").write_text('[encoder]\nname = "hashing"\n')
    report = cli("build", root, "--json").json
    assert report["rebuilt"].startswith("the encoder changed from minilm")
    assert report["files"]["unchanged"] == 0
    assert report["chunks"]["reused"] == 0
    assert cli("search", "brew_green", "--root", root, "--json").json["hits"][0]["name"] == "brew_green"


def test_a_second_writer_is_told_who_holds_the_lock_and_may_wait(cli: Cli, tea: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(tea, root)
    (root / "new.py").write_text("added = 1\n")
    before = (root / ".indexer" / "CURRENT").read_bytes()
    with writer_lock(root / ".indexer"):
        refused = cli("build", root)
        assert refused.code == 5
        assert f"process {os.getpid()} on" in refused.err
        assert cli("build", root, "--wait", "0.2").code == 5
    assert (root / ".indexer" / "CURRENT").read_bytes() == before
    assert cli("build", root, "--wait", "60", "--json").json["committed"] is True


def test_a_system_that_can_not_hold_the_promises_is_refused_in_a_sentence() -> None:
    script = "import os; os.supports_dir_fd = set(); from indexer.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "") and "Linux and macOS" in done.stderr


def without(package: str, *arguments: str | Path, cwd: Path) -> tuple[int, str]:
    """Run the program as where a package is not installed; return the exit code and what is on stderr."""
    code = "import sys; sys.modules[sys.argv.pop(1)] = None; from pipelines.cli.main import main; main()"
    command = [sys.executable, "-c", code, package, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("package", "extra", "command"),
    [
        ("watchfiles", "watch", ("watch",)),
        ("mcp", "mcp", ("mcp",)),
        ("ray", "ray", ("fleet", "build", "--engine", "ray")),
    ],
)
def test_a_command_of_an_extra_names_it(tmp_path: Path, package: str, extra: str, command: tuple[str, ...]) -> None:
    (tmp_path / "tea").mkdir()
    (tmp_path / "fleet.toml").write_text('paths = ["tea"]\n')
    (tmp_path / ".git").mkdir()
    code, err = without(package, *command, cwd=tmp_path)
    assert (code, err) == (2, f"error: this needs {package}: pip install 'codebase-indexer[{extra}]'\n")
    assert not (tmp_path / ".indexer").exists()


def test_missing_rights_are_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(_context: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/closed")

    monkeypatch.setattr(main, "_invoke", refused)
    assert main._run(["status"]) == 1
    assert capsys.readouterr().err == "error: /closed: Permission denied; check the permissions\n"


def test_names_are_the_same_in_every_locale(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path, {"über.py": "def steep():\n    return 3\n", ".indexer.toml": '[encoder]\nname = "static"\n'})
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([PROGRAM, "build", tmp_path, "--no-cache", "-q"], env=ascii_only, check=True, timeout=120)
    assert cli("search", "steep", "-l", cwd=tmp_path).out == "über.py\n"
    assert cli("verify", tmp_path, "--source").code == 0


def test_debug_shows_where_something_unexpected_happened(tea: Path) -> None:
    code, err = without("tantivy", "search", "tea", cwd=tea)
    assert code == 1 and "Traceback" not in err and "--debug shows where" in err
    code, err = without("tantivy", "--debug", "search", "tea", cwd=tea)
    assert code == 1 and "Traceback (most recent call last)" in err
