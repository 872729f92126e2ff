"""The steps of action.yml run as they stand there, cold and from a restored cache; so do the example for GitLab's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from action.steps import markdown
from indexer.stores.generation.manifest import FORMAT_VERSION
from tests.e2e.conftest import PROGRAM, Cli
from tests.trees import git, repository, write

ROOT = Path(__file__).parents[2]
FILES = {
    ".indexer.toml": '[encoder]\nname = "hashing"\n',
    **{f"tea_{n}.py": f"def brew_{n}(x):\n    return x + {n}\n" for n in range(20)},
}
_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")


@dataclass
class Runner:
    """What runs a composite action: a checkout, a cache of immutable entries, and files for outputs."""

    checkout: Path
    scratch: Path
    cache: Path
    inputs: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    summary: str = ""

    def run(self) -> dict[str, str]:
        """Run every step; return the action's outputs."""
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        self.inputs = {name: given["default"] for name, given in action["inputs"].items()} | self.inputs
        for step in action["runs"]["steps"]:
            name = step["id"]
            self.outputs[name] = {}
            if "uses" in step:
                self._cache(step)
            else:
                self._shell(step, name)
        return {name: self._filled(given["value"]) for name, given in action["outputs"].items()}

    def _filled(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            kind, *steps = match[1].split(".")
            return self.inputs[steps[0]] if kind == "inputs" else self.outputs[steps[0]].get(steps[2], "")

        return _EXPRESSION.sub(value, text)

    def _shell(self, step: dict[str, Any], name: str) -> None:
        """Run a step's script in bash; inputs reach it as variables alone."""
        assert step["shell"] == "bash" and "${{" not in step["run"]
        files = {variable: self.scratch / f"{variable}.{name}" for variable in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=self.checkout,
            env={
                **{key: value for key, value in os.environ.items() if not key.startswith("GIT")},
                **{key: self._filled(value) for key, value in step.get("env", {}).items()},
                **{key: str(path) for key, path in files.items()},
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_SHA": git(self.checkout, "rev-parse", "HEAD"),
                "RUNNER_TEMP": str(self.scratch),
                "INDEXER": str(PROGRAM),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        if files["GITHUB_OUTPUT"].exists():
            lines = files["GITHUB_OUTPUT"].read_text().splitlines()
            self.outputs[name] = dict(line.split("=", 1) for line in lines)
        if files["GITHUB_STEP_SUMMARY"].exists():
            self.summary = files["GITHUB_STEP_SUMMARY"].read_text()

    def _cache(self, step: dict[str, Any]) -> None:
        given = {name: self._filled(value) for name, value in step["with"].items()}
        entry, target = self.cache / given["key"], self.checkout / given["path"]
        if step["uses"].startswith("actions/cache/save@"):
            if self.outputs["restore"]["cache-hit"] != "true":
                assert not entry.exists()
                shutil.copytree(target, entry)
            return
        others = sorted(self.cache.glob(given["restore-keys"] + "*"))
        self.outputs[step["id"]] = {"cache-hit": str(entry.exists()).lower()}
        if found := [path for path in (entry, *others) if path.exists()]:
            shutil.copytree(found[0], target)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return repository(tmp_path / "origin", FILES)


def job(origin: Path, name: str, **inputs: str) -> Runner:
    """Return a new job: a fresh clone, an empty scratch folder, the cache of all jobs."""
    folder = origin.parent / name
    (folder / "scratch").mkdir(parents=True)
    (origin.parent / "cache").mkdir(exist_ok=True)
    git(folder, "clone", "-q", str(origin), "checkout")
    return Runner(folder / "checkout", folder / "scratch", origin.parent / "cache", inputs)


def test_a_cold_job_a_restored_one_and_one_of_the_next_commit(origin: Path) -> None:
    cold = job(origin, "cold")
    outputs = cold.run()
    assert outputs["committed"] == "true" and outputs["cache-hit"] == "false"
    assert (outputs["added"], outputs["generation"]) == ("20", "00000001")
    first = git(origin, "rev-parse", "HEAD")
    assert re.fullmatch(rf"indexer-{FORMAT_VERSION}-hashing-\w+-\w+-{first}", cold.outputs["key"]["key"])
    assert "| files | 20 added" in cold.summary and outputs["digest"] in cold.summary

    restored = job(origin, "restored").run()
    assert (restored["committed"], restored["cache-hit"], restored["digest"]) == ("false", "true", outputs["digest"])

    write(origin, {"tea_3.py": "def brew_rooibos(x):\n    return x\n", "cup.py": "def fill():\n    return 1\n"})
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "two")
    following = job(origin, "following")
    outputs = following.run()
    assert outputs["cache-hit"] == "false"
    assert (outputs["added"], outputs["modified"], outputs["removed"]) == ("1", "1", "0")
    assert len(list((origin.parent / "cache").iterdir())) == 2
    fresh = job(origin, "fresh")
    fresh.cache = origin.parent / "empty"
    fresh.cache.mkdir()
    assert fresh.run()["digest"] == outputs["digest"]


def test_a_cache_entry_that_can_not_be_used_costs_a_full_build(origin: Path) -> None:
    first = job(origin, "first").run()
    (entry,) = (origin.parent / "cache").iterdir()
    for file in entry.glob("generations/*/catalog.sqlite"):
        file.chmod(0o600)
        file.write_bytes(b"damage")
    again = job(origin, "again")
    outputs = again.run()
    assert (outputs["committed"], outputs["digest"]) == ("true", first["digest"])
    assert "a full build was asked for" in again.summary


def test_a_path_and_a_file_of_settings_are_taken_as_they_are_written(origin: Path) -> None:
    odd = "b $(touch ran)"
    write(
        origin, {f"{odd}/c.py": "c = 1\n", "my settings.toml": "[walk]\nhidden = true\n", f"{odd}/.h/d.py": "d = 1\n"}
    )
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "two")
    runner = job(origin, "odd", path=odd, config="my settings.toml", **{"upgrade-seconds": "60"})
    config = runner.checkout / odd / ".indexer.toml"
    config.write_text(FILES[".indexer.toml"])
    assert runner.run()["added"] == "3"
    assert not (runner.checkout / "ran").exists()


def test_names_of_anybody_end_no_cell_of_the_summary() -> None:
    report: dict[str, Any] = {
        "files": dict.fromkeys(("added", "modified", "removed", "unchanged", "skipped"), 0),
        "chunks": dict.fromkeys(("total", "embedded", "reused"), 0),
        "languages": {"": 1},
        "skips": {},
        "seconds": {"parse": 1.25},
        "generation": "00000001",
        "committed": False,
        "upgraded": 0.25,
        "digest": "d",
        "rebuilt": "",
        "warnings": ["<img src=x>|\n# no heading"],
    }
    text = markdown(report)
    assert "> &lt;img src=x>\\| # no heading" in text and "nothing changed" in text
    assert "| vectors | 25% are the encoder's own" in text
    assert "made anew" not in text and "| languages | text 1 |" in text
    assert "| vectors | 99% are the encoder's own, the others static" in markdown({**report, "upgraded": 0.9997})
    assert "| vectors |" not in markdown({**report, "upgraded": 1.0})


def test_the_example_for_gitlab_runs_cold_and_restored(origin: Path, cli: Cli) -> None:
    script = yaml.safe_load((ROOT / "configs" / "examples" / "gitlab-ci.yml").read_text())["index"]
    runner = job(origin, "gitlab")
    variables = {"TOOL": str(ROOT), "INDEXER": str(PROGRAM), "CI_PROJECT_DIR": str(runner.checkout)}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GIT", "RUNNER"))}
    for expected in ("20 added", "nothing changed"):
        done = subprocess.run(
            ["bash", "-e", "-c", "\n".join(script["script"])],
            cwd=runner.checkout,
            env={**environment, **script["variables"], **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert expected in (runner.checkout / ".index-summary.md").read_text()
    assert (runner.checkout / script["cache"][0]["paths"][0]).is_dir()


def test_the_example_workflow_names_inputs_and_outputs_that_there_are() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    workflow = (ROOT / "configs" / "examples" / "github-workflow.yml").read_text()
    (job_,) = yaml.safe_load(workflow)["jobs"].values()
    (step,) = [step for step in job_["steps"] if step.get("id") == "index"]
    assert set(step["with"]) <= set(action["inputs"])
    assert set(re.findall(r"steps\.index\.outputs\.([\w-]+)", workflow)) <= set(action["outputs"])


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_example_makefile_runs(origin: Path, cli: Cli) -> None:
    shutil.copy(ROOT / "configs" / "examples" / "Makefile", origin)

    def make(*arguments: str) -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
        environment |= {"XDG_CACHE_HOME": str(cli.cache), "XDG_CONFIG_HOME": str(cli.cache)}
        done = subprocess.run(
            ["make", "-s", *arguments, f"INDEXER={PROGRAM}"],
            cwd=origin,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "21 added" in make("index")  # the Makefile too
    assert "Nothing changed" in make("index")
    assert "ok: generation 00000001" in make("index-verify")
    assert "tea_7.py" in make("search", "Q=brew_7 $(touch ran)")
    assert not (origin / "ran").exists()
    assert "00000002" in make("index-full")
