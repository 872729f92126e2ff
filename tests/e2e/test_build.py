"""What a user sees of builds: the first, the unchanged, the edited, the refused."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import PROGRAM, Cli, copy_standard_library

HEAVY = ("numpy", "onnxruntime", "fastembed", "tokenizers", "usearch", "tantivy", "sklearn", "tree_sitter", "rich")


def test_an_index_of_the_standard_library_answers_questions(cli: Cli, indexed: Path) -> None:
    hits = cli("search", "parse http response headers", "--root", indexed, "--json").json["hits"]
    assert any(hit["path"] == "http/client.py" or hit["path"].startswith("email/") for hit in hits[:3])


def test_a_second_build_embeds_nothing_and_commits_nothing(cli: Cli, indexed: Path) -> None:
    before = cli("status", indexed, "--json").json
    report = cli("build", indexed, "--json").json
    assert report["committed"] is False
    assert report["chunks"]["embedded"] == 0
    assert report["generation"] == before["generation"]
    assert report["digest"] == before["digest"]
    assert before["stale"] == 0


def test_an_unchanged_build_loads_no_engine(indexed: Path) -> None:
    script = (
        "import sys; from pipelines.cli.main import cli\n"
        "cli.main(sys.argv[1:], standalone_mode=False)\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "build", str(indexed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Nothing changed" in done.stdout
    assert done.stderr.strip() == "[]"


def test_a_build_measures_that_search_finds_what_exact_search_would(cli: Cli, indexed: Path) -> None:
    status = cli("status", indexed, "--json").json
    assert status["recall"]["queries"] == 100
    assert status["recall"]["recall"] > 0.95
    assert 0.7 < status["recall"]["overlap"] < 1
    assert 0.5 < status["drift"]["energy"] < 1
    assert status["warnings"] == []
    assert f"{status['recall']['recall']:.3f} of the 10 nearest are among the first" in cli("status", indexed).out


def test_a_strict_build_with_too_few_dimensions_exits_2_and_commits_nothing(
    cli: Cli, indexed: Path, tmp_path: Path
) -> None:
    config, index_dir = tmp_path / "strict.toml", tmp_path / "index"
    config.write_text("[projection]\ndims = 8\n[recall]\nstrict = true\n")
    command = ("build", indexed, "--index-dir", index_dir, "--config", config)
    done = cli(*command)
    assert done.code == 2
    assert "below recall.floor = 0.85" in done.err
    assert "raise projection.dims (8 now)" in done.err
    assert not (index_dir / "CURRENT").exists()
    config.write_text("[projection]\ndims = 8\n")
    done = cli(*command)
    assert done.code == 0
    assert "warning: recall is " in done.err
    assert "are among the first" in done.out


def test_an_edit_costs_what_changed_and_a_removal_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "library"
    copy_standard_library(root)
    first = cli("build", root, "--json").json
    with (root / "http" / "cookies.py").open("a") as file:
        file.write(
            '\n\ndef brew_rooibos(minutes):\n    """Steep red bush tea in a glass kettle."""\n    return minutes * 60\n'
        )
    second = cli("build", root, "--json").json
    assert second["files"] == first["files"] | {"added": 0, "modified": 1, "unchanged": first["files"]["added"] - 1}
    assert second["chunks"]["embedded"] == 1
    top = cli("search", "steep red bush tea in a kettle", "--root", root, "--json").json["hits"][0]
    assert (top["path"], top["name"]) == ("http/cookies.py", "brew_rooibos")

    (root / "http" / "cookies.py").unlink()
    third = cli("build", root, "--json").json
    assert third["files"]["removed"] == 1
    assert third["chunks"]["embedded"] == 0
    assert third["chunks"]["total"] == second["chunks"]["total"] - third["chunks"]["removed"]
    for mode in ("text", "vector", "hybrid"):
        hits = cli("search", "steep red bush tea cookies", "--root", root, "--mode", mode, "-k", "50", "--json").json[
            "hits"
        ]
        assert hits
        assert all(hit["path"] != "http/cookies.py" for hit in hits)


def test_a_touched_file_is_healed_and_not_indexed_again(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def first():\n    return 1\n")
    cli("build", tmp_path)
    (tmp_path / "a.py").touch()
    report = cli("build", tmp_path, "--json").json
    assert report["committed"] is False
    assert report["files"]["unchanged"] == 1


def test_a_vector_known_from_another_folder_is_not_computed_again(cli: Cli, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tea.py").write_text('def brew_assam():\n    """Make strong tea."""\n    return "assam"\n')
    assert cli("build", tmp_path / "one", "--json").json["chunks"]["embedded"] == 1
    report = cli("build", tmp_path / "two", "--json").json
    assert report["chunks"] == {"total": 1, "embedded": 0, "reused": 1, "removed": 0, "upgraded": 0}
    report = cli("build", tmp_path / "two", "--full", "--no-cache", "--json").json
    assert report["chunks"]["embedded"] == 1


def test_an_empty_folder_is_indexed_with_a_warning(cli: Cli, tmp_path: Path) -> None:
    done = cli("build", tmp_path)
    assert done.code == 0
    assert f"warning: nothing is indexed: {tmp_path} holds no file that the rules let through\n" in done.err
    nothing = cli("search", "anything", "--root", tmp_path, "--json")
    assert nothing.code == 7 and json.loads(nothing.out)["hits"] == []


def test_skips_are_counted_by_reason(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty.py").touch()
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    (tmp_path / "large.txt").write_text("word " * 250_000)
    (tmp_path / "good.py").write_text("answer = 42\n")
    (tmp_path / "link.py").symlink_to("good.py")
    report = cli("build", tmp_path, "--json").json
    assert report["files"]["added"] == 1
    assert report["skips"] == {"binary": 1, "empty": 1, "symlink": 1, "too-large": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["build", "missing"], 2, "missing: there is no such folder"),
        (["build", "file.py"], 2, "file.py: is a file"),
        (["build", ".", "--config", "broken.toml"], 2, "broken.toml:1: walk.max_bites: there is no such key"),
        (["build", ".", "--config", "nowhere"], 2, "no such file"),
        (["search", "anything"], 3, "there is no index here; run `indexer build`"),
        (["status"], 3, "there is no index here"),
        (["search"], 2, "give a QUERY, or --batch FILE"),
        (["brew"], 2, "No such command"),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(
    cli: Cli, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "file.py").write_text("x = 1\n")
    (tmp_path / "broken.toml").write_text("[walk.max_bites]\n")
    done = cli(*arguments, cwd=tmp_path)
    assert done.code == code
    assert message in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


def test_damage_and_other_versions_are_named_and_replaced_only_on_demand(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def first():\n    return 1\n")
    cli("build", tmp_path, "--fast")
    manifest = tmp_path / ".indexer" / "generations" / "00000001" / "generation.json"
    original = manifest.read_bytes()
    for altered, message in [
        (original[: len(original) // 2], "is not a valid manifest"),
        (original.replace(b'"format_version": ', b'"format_version": 99'), "has format version 99"),
        (original.replace(b'"chunks": 1', b'"chunks": 2'), "was altered"),
    ]:
        assert altered != original
        manifest.write_bytes(altered)
        for command in ("build", "search first --root", "status"):
            done = cli(*command.split(), tmp_path)
            assert (done.code, message in done.err, done.out) == (4, True, ""), done
        assert manifest.read_bytes() == altered
    assert cli("build", tmp_path, "--full").code == 0
    assert cli("search", "first", "--root", tmp_path, "--json").json["hits"][0]["name"] == "first"


def test_an_interrupted_build_leaves_the_last_generation(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def first():\n    return 1\n")
    cli("build", tmp_path)
    before = cli("status", tmp_path, "--json").json
    copy_standard_library(tmp_path / "more")
    process = subprocess.Popen([PROGRAM, "build", tmp_path, "--no-cache", "--quiet"], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / ".indexer" / "staging" / "next").exists():
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stays as it was" in err
    shutil.rmtree(tmp_path / "more")
    after = cli("status", tmp_path, "--json").json
    assert after == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs file size limits")
def test_a_write_that_the_system_refuses_is_told_with_its_reason_and_what_is_kept(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "tea.py").write_text("def brew_tea():\n    return 'tea'\n")
    assert cli("build", root, "--fast", "--no-cache", "--quiet").code == 0
    copy_standard_library(root)
    done = cli.whole("build", root, "--fast", "--no-cache", "--quiet", file_bytes=100_000)
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert "/text: File too large; check the free space" in line and line.endswith("what was committed before is kept")
    assert cli("verify", root).code == 0
    assert "tea.py" in cli("search", "brew tea", "--fast", "-l", "--root", root).out
