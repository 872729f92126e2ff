"""The steps of action.yml, each a command of its own, for any CI: install, key, build, verify, summary.

Inputs are variables: INDEX_PATH (default: .), INDEX_CONFIG (a TOML file), INDEX_PRESET (default: ci) and
INDEX_SECONDS (how long a build may go on to better vectors). What a step finds goes to the files that GITHUB_ENV,
GITHUB_OUTPUT and GITHUB_STEP_SUMMARY name, and to stdout where there are none. Standard library only.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DAMAGED = 4
"""Exit code of the program for an index that is damaged, or of another format."""


def install() -> None:
    """Install the program of this checkout into an environment of its own; later steps find it in INDEXER."""
    if os.environ.get("INDEXER"):
        return
    environment = _scratch() / "indexer-venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    pip: list[str | Path] = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, Path(__file__).parents[1]], check=True)
    _give("GITHUB_ENV", {"INDEXER": programs / "indexer"})


def key() -> None:
    """Say which cache entry is this commit's, how those of other commits begin, and which folder it holds."""
    settings = json.loads(_run("config", "show", _root(), *_settings(), "--json"))
    encoder = next(setting["value"] for setting in settings if setting["key"] == "encoder.name")
    index_format = _run("--version").split()[-1]
    prefix = f"indexer-{index_format}-{encoder}-{platform.system().lower()}-{platform.machine().lower()}-"
    commit = os.environ.get("GITHUB_SHA") or os.environ.get("CI_COMMIT_SHA") or "none"
    _give("GITHUB_OUTPUT", {"key": prefix + commit, "prefix": prefix, "folder": _root() / ".indexer"})


def build() -> None:
    """Bring the index up to date, from nothing where the one that was restored can't be used."""
    seconds = os.environ.get("INDEX_SECONDS", "")
    command: list[str | Path] = [
        "build",
        _root(),
        *_settings(),
        "--json",
        *(["--max-seconds", seconds] if seconds else []),
    ]
    done = _start(*command)
    if done.returncode == DAMAGED:
        print(f"the restored index can't be used, so a new one is made: {done.stderr.strip()}", file=sys.stderr)
        done = _start(*command, "--full")
    sys.stderr.write(done.stderr)
    if done.returncode:
        sys.exit(done.returncode)
    report = json.loads(done.stdout)
    _report_file().write_text(done.stdout, encoding="utf-8")
    files = {name: report["files"][name] for name in ("added", "modified", "removed", "unchanged")}
    committed = str(report["committed"]).lower()
    _give(
        "GITHUB_OUTPUT",
        {
            "generation": report["generation"],
            "digest": report["digest"],
            "committed": committed,
            "upgraded": report["upgraded"],
            **files,
        },
    )


def verify() -> None:
    """Fail when a part of the index is damaged."""
    done = _start("verify", _root())
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    sys.exit(done.returncode)


def summary() -> None:
    """Write what the build did as Markdown."""
    if not _report_file().exists():
        _append("GITHUB_STEP_SUMMARY", "### Code index\n\nNo index was built; the log says why.\n")
        return
    report = json.loads(_report_file().read_text(encoding="utf-8"))
    _append("GITHUB_STEP_SUMMARY", markdown(report))


def markdown(report: Mapping[str, Any]) -> str:
    """Return a build's report as Markdown."""
    files, chunks = report["files"], report["chunks"]
    upgraded = 100 if report["upgraded"] == 1 else min(round(100 * report["upgraded"]), 99)
    rows = [
        ("files", f"{files['added']} added, {files['modified']} modified, {files['removed']} removed, "
                  f"{files['unchanged']} unchanged, {files['skipped']} skipped"),
        ("chunks", f"{chunks['total']} in all, {chunks['embedded']} embedded, {chunks['reused']} reused"),
        ("vectors", f"{upgraded}% are the encoder's own, the others static" * (upgraded < 100)),
        ("languages", _counts(report["languages"])),
        ("skipped", _counts(report["skips"])),
        ("seconds", ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report["seconds"].items())),
        ("generation", report["generation"] + ("" if report["committed"] else " (nothing changed)")),
        ("digest", f"`{report['digest']}`"),
        ("made anew", report["rebuilt"]),
    ]  # fmt: skip
    lines = ["### Code index", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {_cell(text)} |" for name, text in rows if text]
    lines += ["", *(f"> {_cell(warning)}" for warning in report["warnings"])]
    return "\n".join(lines).rstrip() + "\n"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'text'} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def _cell(text: str) -> str:
    """Return a text that ends no cell and begins no tag: names in it may come from anybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def _root() -> Path:
    return Path(os.environ.get("INDEX_PATH") or ".")


def _settings() -> list[str]:
    config = os.environ.get("INDEX_CONFIG", "")
    return ["--preset", os.environ.get("INDEX_PRESET") or "ci", *(["--config", config] if config else [])]


def _scratch() -> Path:
    return Path(os.environ.get("RUNNER_TEMP") or os.environ.get("CI_PROJECT_DIR") or ".")


def _report_file() -> Path:
    return _scratch() / ".indexer-report.json"


def _run(*arguments: str | Path) -> str:
    done = _start(*arguments)
    if done.returncode:
        sys.stderr.write(done.stderr)
        sys.exit(done.returncode)
    return done.stdout


def _start(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = os.environ.get("INDEXER") or "indexer"
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def _give(variable: str, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if "\n" in str(value):
            sys.exit(f"{name} has a line feed, which {variable} can't hold")
    _append(variable, "".join(f"{name}={value}\n" for name, value in values.items()))


def _append(variable: str, text: str) -> None:
    target = os.environ.get(variable)
    if target:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)


STEPS = {step.__name__: step for step in (install, key, build, verify, summary)}

if __name__ == "__main__":
    for step in sys.argv[1:] or ["nothing"]:
        if step not in STEPS:
            sys.exit(f"{step}: the steps are {', '.join(STEPS)}")
        STEPS[step]()
