"""What people do without thinking: search from a folder below, pipe, mistype, find nothing, read the exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.stores.generation.lock import note_progress, writer_lock
from tests.e2e.conftest import PROGRAM, Cli
from tests.trees import write

STATIC = '[encoder]\nname = "static"\n'
NO_HIT = 7


def make(root: Path, cli: Cli, files: dict[str, str]) -> Path:
    write(root, {".indexer.toml": STATIC, **files})
    assert cli("build", root).code == 0
    return root


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """A folder with folders in it, indexed; tests leave it as they find it."""
    adders = "".join(
        f"    def add_{n}(self, item):\n        self.items_{n}.append(item)\n        self.total_{n} += item.price\n"
        f"        self.log('added {n}', item)\n        return self.total_{n}\n\n"
        for n in range(9)
    )
    files = {
        "shop/cart.py": f'class Cart:\n    """Holds what is bought."""\n\n{adders}',
        "shop/pay/card.py": "def charge_card(card, amount):\n    return bank.charge(card, amount, key='--secret')\n",
        "web/page.cpp": "int draw_page(int width) {\n  return width * 2;\n}\n",
        "web/page.ts": "export function drawPage(width: number): number {\n  return width * 2;\n}\n",
        **{f"parts/part_{n}.py": f"def assemble_{n}(engine):\n    return engine.assemble({n})\n\n\n"
           f"def assemble_again_{n}(engine):\n    return engine.assemble({n})\n" for n in range(12)},
    }  # fmt: skip
    return make(tmp_path_factory.mktemp("habits") / "tree", cli, files)


def test_hits_are_relative_to_the_folder_below_the_root_that_one_is_in(cli: Cli, tree: Path) -> None:
    assert cli("search", "charge_card", "-l", "-k", "1", cwd=tree / "shop" / "pay").out == "card.py\n"
    assert cli("search", "charge_card", "-l", "-k", "1", cwd=tree / "web").out == "../shop/pay/card.py\n"
    assert cli("search", "charge_card", "-l", "-k", "1", cwd=tree).out == "shop/pay/card.py\n"
    assert (
        cli("search", "charge_card", "--json", "-k", "1", cwd=tree / "web").json["hits"][0]["path"]
        == "shop/pay/card.py"
    )


@pytest.mark.parametrize("glob", ["pay/**", "./pay/*.py", "{tree}/shop/pay", "card.py"])
def test_globs_are_relative_to_here_or_absolute(cli: Cli, tree: Path, glob: str) -> None:
    done = cli("search", "charge", "--path", glob.format(tree=tree), "-l", cwd=tree / "shop")
    assert done.out == "pay/card.py\n"


def test_a_glob_that_leads_out_of_the_root_is_refused(cli: Cli, tree: Path) -> None:
    done = cli("search", "charge", "--path", "/etc/**", cwd=tree)
    assert (done.code, done.out) == (2, "") and "lies outside the indexed folder" in done.err


def test_similar_takes_paths_as_seen_from_here_and_absolute_ones(cli: Cli, tree: Path) -> None:
    from_root = cli("similar", "shop/pay/card.py:1", "--json", cwd=tree).json["hits"]
    assert cli("similar", "card.py:1", "--json", cwd=tree / "shop" / "pay").json["hits"] == from_root
    assert cli("similar", f"{tree}/shop/pay/card.py:1", "--json", cwd=tree / "web").json["hits"] == from_root
    assert cli("similar", "shop/pay/card.py:1", "--json", cwd=tree / "web").json["hits"] == from_root


def test_two_roots_are_searched_together(cli: Cli, tree: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "other", cli, {"bank.py": "def refund_card(card):\n    return card.refund()\n"})
    done = cli("search", "card", "--root", tree, "--root", other, "-l")
    assert {f"{tree}/shop/pay/card.py", f"{other}/bank.py"} <= set(done.out.splitlines())
    (other / "bank.py").write_text("def refund_card(): 1  # changed\n")
    found = cli("search", "refund_card", "--root", tree, "--root", other, "--json").json
    assert (found["hits"][0]["root"], found["hits"][0]["path"]) == (str(other), "bank.py")
    assert (found["root"], found["stale"]) == (str(tree), 0)
    assert found["beside"] == [{"root": str(other), "generation": "00000001", "stale": 1, "upgraded": 1.0}]


def test_two_roots_of_different_models_are_compared_by_words_alone(cli: Cli, tree: Path, tmp_path: Path) -> None:
    other = make(
        tmp_path / "other", cli, {".indexer.toml": '[encoder]\nname = "hashing"\n', "bank.py": "def refund(): 0\n"}
    )
    asked = ("search", "refund", "--root", tree, "--root", other, "-l")
    assert cli(*asked).code == 2
    assert cli(*asked, "--mode", "text").out == f"{other}/bank.py\n"


def colored(tree: Path, *arguments: str, **variables: str) -> bool:
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    done = subprocess.run(
        [str(PROGRAM), "search", "charge_card", "--root", str(tree), *arguments],
        capture_output=True, check=True, env={**environment, "TERM": "xterm", **variables},
    )  # fmt: skip
    return b"\x1b[" in done.stdout


def test_colours_are_as_the_environment_and_the_option_say(tree: Path) -> None:
    assert not colored(tree)
    assert colored(tree, FORCE_COLOR="1")
    assert not colored(tree, FORCE_COLOR="1", NO_COLOR="1")
    assert colored(tree, "--color", "always", NO_COLOR="1")
    assert not colored(tree, "--color", "never", FORCE_COLOR="1")
    assert not colored(tree, TERM="dumb")


def test_a_query_that_looks_like_an_option_is_told_how_to_ask(cli: Cli, tree: Path) -> None:
    done = cli("search", "--secret", cwd=tree)
    assert done.code == 2 and "indexer search -- --secret" in done.err
    assert cli("search", "-l", "-k", "1", "--", "--secret", cwd=tree).out == "shop/pay/card.py\n"


def test_a_mistyped_command_is_told_the_right_one(cli: Cli) -> None:
    done = cli("serach", "cart")
    assert done.code == 2 and "is it 'search'?" in done.err


@pytest.mark.parametrize("group", ["fleet", "model", "hook", "config"])
def test_a_command_of_several_alone_shows_its_help(cli: Cli, group: str) -> None:
    assert cli(group) == cli(group, "--help")


@pytest.mark.parametrize("group", ["fleet", "model", "hook", "config", "mcp"])
def test_what_each_command_of_several_does_is_told_to_its_end(cli: Cli, group: str) -> None:
    commands = cli(group, "--help").out.partition("Commands:\n")[2].splitlines()
    assert commands and [line for line in commands if line.endswith("...")] == []


@pytest.mark.parametrize(
    ("language", "path"),
    [("py", "shop/pay/card.py"), ("c++", "web/page.cpp"), ("ts", "web/page.ts"), ("C++", "web/page.cpp")],
)
def test_languages_go_by_their_short_names(cli: Cli, tree: Path, language: str, path: str) -> None:
    assert (
        path
        in cli("search", "charge card or draw page", "--lang", language, "-l", "-k", "50", cwd=tree).out.splitlines()
    )


def test_an_unknown_language_is_told_a_likely_one(cli: Cli, tree: Path) -> None:
    done = cli("search", "cart", "--lang", "pyhton", cwd=tree)
    assert done.code == 2 and "is it 'python'?" in done.err


def test_nothing_found_is_told_by_the_exit_code(cli: Cli, tree: Path) -> None:
    for form in ((), ("-l",), ("--format", "path:line")):
        done = cli("search", '"no such text here"', *form, cwd=tree)
        assert (done.code, done.out) == (NO_HIT, "")
    done = cli("search", '"no such text here"', "--json", cwd=tree)
    assert done.code == NO_HIT and json.loads(done.out)["hits"] == []
    assert cli("search", "charge_card", cwd=tree).code == 0


def test_as_many_files_as_asked_for_are_named(cli: Cli, tree: Path) -> None:
    assert len(cli("search", "assemble the engine", "-l", "-k", "12", cwd=tree).out.splitlines()) == 12
    assert len(cli("search", "assemble the engine", "-l", "-k", "3", cwd=tree).out.splitlines()) == 3
    assert len(cli("similar", "shop/cart.py:5", "-l", "-k", "12", cwd=tree).out.splitlines()) == 12


@pytest.mark.parametrize("command", [("search", "cart"), ("similar", "shop/cart.py:5"), ("fleet", "search", "cart")])
def test_two_forms_of_one_answer_are_refused(cli: Cli, tree: Path, command: tuple[str, ...]) -> None:
    done = cli(*command, "-l", "--json", cwd=tree)
    assert done.code == 2 and "--json and -l are forms of the same answer; give one" in done.err


def test_whole_chunks_and_as_many_lines_as_asked_for(cli: Cli, tree: Path) -> None:
    asked = ("search", "Cart", "--in", "Cart", "--json", "-k", "1")
    hit = cli(*asked, "--full", cwd=tree).json["hits"][0]
    assert hit["snippet"].count("\n") + 1 == len(hit["snippet_lines"]) > 8
    hit = cli(*asked, "--lines", "2", cwd=tree).json["hits"][0]
    assert len(hit["snippet_lines"]) == 2 and hit["line"] in hit["snippet_lines"]


def test_lines_for_editors_name_the_best_line_and_its_text(cli: Cli, tree: Path) -> None:
    done = cli("search", "added 7", "--format", "path:line", "-k", "1", cwd=tree / "shop")
    assert done.out == "cart.py:49:Cart.add_7\tself.log('added 7', item)\n"


def test_an_outline_shows_its_head_and_numbered_lines(cli: Cli, tree: Path) -> None:
    hit = cli("search", "class Cart holds what is bought", "--kind", "class", "--json", cwd=tree).json["hits"][0]
    source = (tree / "shop" / "cart.py").read_text().split("\n")
    assert hit["snippet_lines"][0] == 1
    assert all(text.strip() in source[line - 1] for line, text in
               zip(hit["snippet_lines"], hit["snippet"].split("\n"), strict=True))  # fmt: skip


def test_an_expression_keeps_what_matches(cli: Cli, tree: Path) -> None:
    done = cli("search", "draw", "--grep", r"int draw_\w+\(", "-l", cwd=tree)
    assert done.out == "web/page.cpp\n"
    both = cli("search", "draw", "--grep", r"^nothing|^int draw_", "-l", cwd=tree)
    assert both.out == "web/page.cpp\n"  # ^ is the start of a line in each branch


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("(", "missing )"),
        ("draw)(cart", "unexpected )"),
        ("draw[", "missing ]: [ at character 5"),
        ("a**", "bad repetition operator: ** at character 2"),
        (r"\**|a**", "bad repetition operator: **"),
        ("(?P<x", "invalid named capture group"),
    ],
)
def test_a_wrong_expression_is_shown_as_it_was_typed_with_the_place(
    cli: Cli, tree: Path, expression: str, told: str
) -> None:
    done = cli("search", "draw", "--grep", expression, cwd=tree)
    assert (done.code, done.err) == (2, f"error: '{expression}': is no expression that re2 can read: {told}\n")


def test_errors_under_json_are_json_too(cli: Cli, tree: Path, tmp_path: Path) -> None:
    for asked, kind, code in (
        (("search", "cart", "--lang", "klingon", "--json"), "ConfigError", 2),
        (("search", "--json", "--sevret"), "UsageError", 2),
    ):
        done = cli(*asked, cwd=tree)
        error = json.loads(done.out)["error"]
        assert (done.code, error["kind"], error["exit_code"]) == (code, kind, code)
    done = cli("search", "cart", "--json", cwd=tmp_path)
    assert json.loads(done.out)["error"]["kind"] == "NoIndexError"


def test_explain_without_an_index_says_nothing_of_vectors(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tea.py").write_text("def brew_tea():\n    return 'tea'\n")
    done = cli("explain", "tea.py", cwd=tmp_path)
    assert "brew_tea" in done.out and "vector" not in done.out


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("sea", ["search"]),
        ("search --lang ru", ["rust", "ruby"]),
        ("similar --kind meth", ["method"]),
        ("build --preset s", ["small-memory"]),
    ],
)
def test_a_shell_is_told_how_to_complete(typed: str, names: list[str]) -> None:
    words = {"COMP_WORDS": f"indexer {typed}", "COMP_CWORD": str(len(typed.split()))}
    done = subprocess.run(
        [str(PROGRAM)], capture_output=True, text=True, check=False,
        env={**os.environ, "_INDEXER_COMPLETE": "bash_complete", **words},
    )  # fmt: skip
    assert done.stdout == "".join(f"plain,{name}\n" for name in names)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_long_output_on_a_terminal_goes_through_the_pager(cli: Cli, tree: Path) -> None:
    import pty

    script = f"import pty, sys; sys.exit(pty.spawn({[str(PROGRAM), 'search', 'assemble', '--root', str(tree)]!r}) >> 8)"

    def shown(pager: str) -> bytes:
        return subprocess.run(
            [sys.executable, "-c", script], capture_output=True, check=True, stdin=subprocess.DEVNULL, timeout=60,
            env={**os.environ, "PAGER": pager, "TERM": "xterm", "LINES": "10", "COLUMNS": "80"},
        ).stdout  # fmt: skip

    assert pty and b"paged:" in shown("sed s/^/paged:/")
    assert b"assemble" in shown("")


def test_a_search_during_the_first_build_says_who_builds_and_how_far(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".indexer").mkdir()
    with writer_lock(tmp_path / ".indexer"):
        note_progress(tmp_path / ".indexer", "files parsed: 12 of 40, chunks: 99")
        done = cli("search", "tea", "--root", tmp_path)
    assert done.code == 3
    assert f"process {os.getpid()} on " in done.err and "(files parsed: 12 of 40, chunks: 99)" in done.err


def test_ctrl_c_that_a_module_takes_for_a_failed_import_is_still_an_interruption(tmp_path: Path) -> None:
    (tmp_path / "tea.py").write_text("def brew(): 0\n")
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "tantivy.py").write_text(
        "import os, signal\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "except KeyboardInterrupt:\n"
        "    raise ImportError('half imported') from None\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "modules")}
    done = subprocess.run(
        [str(PROGRAM), "build", str(tmp_path)], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert (done.returncode, "there is no index yet" in done.stderr) == (130, True), done.stderr


@pytest.mark.parametrize(("has_index", "told"), [(False, "there is no index yet"), (True, "generation 00000001 stays")])
def test_ctrl_c_before_a_commit_says_what_is_kept(cli: Cli, tmp_path: Path, has_index: bool, told: str) -> None:
    root = tmp_path / "root"
    if has_index:
        make(root, cli, {"tea.py": "def brew(): 0\n"})
    (root / ".indexer").mkdir(parents=True, exist_ok=True)
    (root / "cup.py").write_text("def pour(): 0\n")
    command = [str(PROGRAM), "build", str(root), "--wait", "60", "--json"]
    with writer_lock(root / ".indexer"):
        build = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert build.stderr is not None
        assert f"process {os.getpid()} " in (line := build.stderr.readline()) and "waiting for it to end" in line
        build.send_signal(signal.SIGINT)
        out, err = build.communicate(timeout=60)
    assert build.returncode == 130
    assert "interrupted before anything was committed" in err and told in err
    error = json.loads(out)["error"]
    assert (error["kind"], error["exit_code"]) == ("Interrupted", 130) and told in error["message"]
