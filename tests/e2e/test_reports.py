"""What a build and an index tell as a page, as charts on a terminal, and as JSON lines of a log."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from pipelines.stats import Stats
from tests.e2e.conftest import Cli


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with files of two languages and one that is skipped."""
    root = tmp_path / "tea"
    root.mkdir()
    (root / ".indexer.toml").write_text('[encoder]\nname = "hashing"\n')
    (root / "kettle.py").write_text("def boil(kettle):\n    return kettle.heat()\n")
    (root / "cup.go").write_text("package cup\n\nfunc Pour() int {\n\treturn 1\n}\n")
    (root / "<b>.bin").write_bytes(bytes(range(256)) * 9)
    return root


def test_a_build_writes_a_page_about_itself(cli: Cli, root: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    assert cli("build", root, "--report-html", target).code == 0
    html = target.read_text()
    for shown in ("Seconds by stage", "Slowest files", "kettle.py", "&lt;b&gt;.bin", "python", "go", "added: 2"):
        assert shown in html
    assert "<b>.bin" not in html and "<script" not in html
    cli("build", root, "--report-html", target)
    assert "Nothing changed" in target.read_text()
    done = cli("build", root, "--report-html", tmp_path / "missing" / "report.html")
    assert done.code == 1 and "report.html" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "tea"]


def test_a_report_is_written_whole_and_reports_of_ours_are_never_indexed(cli: Cli, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("mine")
    (root / "report.json").symlink_to(outside)
    report = ("--report", root / "report.json", "--report-html", root / "report.html")
    first = cli("build", root, "--json", *report)
    assert outside.read_text() == "mine" and not (root / "report.json").is_symlink()
    assert (root / "report.json").read_text() == first.out
    (root / "status.json").write_text(cli("status", root, "--json").out)
    second = cli("build", root, "--json", *report).json
    assert second["files"]["added"] == 0 and second["skips"] == {"binary": 1, "generated": 3}
    assert second["bytes"] == first.json["bytes"] == cli("stats", root, "--json").json["bytes"]
    third = cli("build", root, "--hash", "--json", *report).json
    assert not third["committed"] and third["files"]["modified"] == 0
    assert "a report of this program" in cli("explain", "report.json", cwd=root).out


def test_a_report_that_could_not_be_written_is_told_before_anything_is_built(
    cli: Cli, root: Path, tmp_path: Path
) -> None:
    for option in ("--report", "--report-html"):
        done = cli("build", root, "--index-dir", tmp_path / "index", option, tmp_path / "none" / "report")
        assert done.code == 1 and f"{tmp_path / 'none' / 'report'}: can't be written" in done.err
        assert not (tmp_path / "index").exists()


def test_stats_are_the_same_on_a_terminal_in_json_and_on_a_page(cli: Cli, root: Path, tmp_path: Path) -> None:
    for number in range(3):
        (root / f"new_{number}.py").write_text(f"def new_{number}():\n    return {number}\n")
        cli("build", root)
    shown = cli("stats", root, "--html", tmp_path / "stats.html")
    assert shown.code == 0 and "█" in shown.out and "<b>.bin" in shown.out
    stats = msgspec.json.decode(cli("stats", root, "--json").out, type=Stats)
    assert [size.generation for size in stats.sizes] == [1, 2, 3]
    assert (stats.languages["python"].files, stats.skips["binary"].count) == (4, 1)
    assert "Size over generations" in (tmp_path / "stats.html").read_text()


def test_the_log_is_json_lines_where_that_is_asked(cli: Cli, root: Path) -> None:
    done = cli("--log-format", "json", "build", root, "--full", "--json")
    assert done.json["committed"]
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert all({"time", "level", "message"} == line.keys() for line in lines)
    failed = cli("--log-format", "json", "status", root / "missing")
    assert failed.code == 3
    assert [json.loads(line)["level"] for line in failed.err.splitlines()] == ["error"]
