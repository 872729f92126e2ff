"""The server for agents, asked by the SDK's own client over stdio."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

from pipelines.serve.text import count_tokens
from tests.e2e.conftest import PROGRAM, Cli, copy_standard_library
from tests.trees import git

SETTINGS = '[encoder]\nname = "static"\n'
MAX_TOKENS = 400
IDLE_BYTES = 150 << 20
PATIENCE = 120


class Agent:
    """A client with one server."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def ask(self, tool: str, /, **arguments: Any) -> str:
        """Return the text of a tool's answer, which is no error."""
        answer = await self.session.call_tool(tool, arguments)
        assert not answer.is_error, answer
        return "\n".join(getattr(part, "text", "") for part in answer.content)

    async def fails(self, tool: str, /, **arguments: Any) -> str:
        """Return what a tool says is wrong."""
        answer = await self.session.call_tool(tool, arguments)
        assert answer.is_error, answer
        return "\n".join(getattr(part, "text", "") for part in answer.content)

    async def until(self, wanted: str, tool: str, /, **arguments: Any) -> str:
        """Ask until the answer holds something."""
        with anyio.fail_after(PATIENCE):
            while wanted not in (answer := await self.ask(tool, **arguments)):
                await anyio.sleep(0.3)
        return answer


@contextlib.asynccontextmanager
async def serving(cli: Cli, *arguments: str | Path, cwd: Path | None = None) -> AsyncIterator[Agent]:
    """Give an agent whose server was started as agents do: with few variables."""
    parameters = StdioServerParameters(
        command=str(PROGRAM),
        args=["mcp", *map(str, arguments)],
        env={"XDG_CACHE_HOME": str(cli.cache), "XDG_CONFIG_HOME": str(cli.cache)},
        cwd=cwd,
    )
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield Agent(session)


def run(conversation: Callable[[], Awaitable[None]]) -> None:
    """Hold a conversation."""
    anyio.run(conversation)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> Path:
    """Parts of the standard library, indexed; tests leave it as they find it."""
    root = tmp_path_factory.mktemp("library")
    copy_standard_library(root)
    (root / ".indexer.toml").write_text(SETTINGS)
    (root / "secret.log").write_text("password\n")
    (root / ".ignore").write_text("secret.log\n")
    assert cli("build", root, "--quiet").code == 0
    return root


@pytest.fixture
def tea(tmp_path: Path) -> Path:
    """A small project without an index."""
    root = tmp_path / "tea"
    root.mkdir()
    (root / ".indexer.toml").write_text(SETTINGS)
    (root / "kettle.py").write_text("def boil_water(kettle):\n    return kettle.heat(100)\n")
    return root


QUESTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("search", {"query": "decode quoted printable text"}, "email/quoprimime.py"),
    ("search", {"query": "how are http response headers parsed"}, "http/client.py"),
    ("search", {"query": "cancel all tasks when the loop shuts down"}, "asyncio/runners.py"),
    ("search", {"query": "set a cookie's expiry", "path": "http"}, "http/cookie"),
    ("search", {"query": "parse a date", "keywords": ["timezone"]}, "email/_parseaddr.py"),
    ("search", {"query": "wait for the first of several futures", "lang": "python", "k": 3}, "asyncio/tasks.py"),
    ("search", {"query": "HTTPConnection.putrequest"}, "http/client.py"),
    ("search", {"query": "wait until a lock is released", "path": "asyncio"}, "asyncio/locks.py"),
    ("search", {"query": "boundary of multipart messages"}, "email/"),
    ("search", {"query": "fold long header lines", "path": "email/*.py"}, "email/"),
    ("search", {"query": "serve files of a directory"}, "http/server.py"),
    ("symbol", {"name": "gather"}, "asyncio/tasks.py"),
    ("symbol", {"name": "Semaphore.acquire"}, "asyncio/locks.py"),
    ("symbol", {"name": "BaseCookie"}, "http/cookies.py"),
    ("symbol", {"name": "no_such_symbol_here"}, "no definition of no_such_symbol_here"),
    ("outline", {"path": "http/cookies.py"}, "class Morsel"),
    ("similar", {"path": "asyncio/locks.py", "line": 100}, "asyncio/"),
    ("read", {"path": "http/__init__.py", "start": 1, "end": 5}, "from enum import StrEnum"),
    ("read", {"path": "email/charset.py", "start": 200}, "email/charset.py:200-"),
    ("status", {}, "up to date"),
]


def test_an_agent_asks_twenty_questions(cli: Cli, library: Path) -> None:
    async def conversation() -> None:
        async with serving(cli, "--root", library) as agent:
            assert {tool.name for tool in (await agent.session.list_tools()).tools} == {
                "search",
                "symbol",
                "outline",
                "similar",
                "read",
                "status",
            }
            for tool, arguments, expected in QUESTIONS:
                answer = await agent.ask(tool, **arguments)
                assert expected in answer, (tool, arguments, answer)
                assert tool == "read" or "up to date" in answer
                if tool in ("search", "similar"):
                    assert count_tokens(answer) <= MAX_TOKENS
            for given, limits in (({"k": 51}, "k is 51; give a number from 1 to 50"), ({"lines": -1}, "from 0 to 40")):
                assert limits in await agent.fails("search", query="parse a date", **given)
                assert limits in await agent.fails("similar", path="asyncio/locks.py", line=100, **given)
            lines = (library / "http" / "__init__.py").read_text().count("\n")
            assert f":{lines}-{lines} of {lines}\n" in await agent.ask("read", path="http/__init__.py", start=lines)
            for start, end in ((lines + 1, 0), (9, 3)):
                refused = await agent.fails("read", path="http/__init__.py", start=start, end=end)
                assert f"has {lines} lines, and none from {start} to" in refused

    run(conversation)


def test_nothing_but_indexed_files_is_read(cli: Cli, library: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("password = 1\n")

    async def conversation() -> None:
        async with serving(cli, "--root", library, "--no-build") as agent:
            for path in (
                "secret.log",
                "../outside.py",
                str(tmp_path / "outside.py"),
                "/etc/passwd",
                ".indexer/CURRENT",
                "",
            ):
                assert "password" not in await agent.fails("read", path=path)
            assert "is empty" in await agent.fails("search", query=" ")
            assert "is not in the index" in await agent.fails("outline", path="nowhere.py")

    run(conversation)


def test_an_index_of_a_revision_is_read_as_it_was_indexed_with_or_without_a_work_tree(cli: Cli, tea: Path) -> None:
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "one")):
        git(tea, *arguments)
    git(tea.parent, "clone", "-q", "--bare", tea, "tea.git")
    (own,) = (line for line in git(tea, "ls-files").splitlines() if line.endswith(".py"))
    text = (tea / own).read_text()
    for folder in (tea, tea.parent / "tea.git"):
        assert cli("build", folder, "-q", "--source", "rev:HEAD").code == 0
    (tea / own).write_text("password = 1\n")

    async def conversation() -> None:
        for folder in (tea, tea.parent / "tea.git"):
            async with serving(cli, "--root", folder, "--no-build") as agent:
                assert (await agent.ask("read", path=own)).split("\n", 1)[1] + "\n" == text
                assert "is not in the index" in await agent.fails("read", path="HEAD")
                git(tea, "commit", "-qam", "two")
                assert "password" not in await agent.ask("read", path=own)
                git(tea, "reset", "-q", "--soft", "HEAD~1")

    run(conversation)


def test_a_folder_that_became_a_link_is_not_followed(cli: Cli, tea: Path, tmp_path: Path) -> None:
    (tea / "inner").mkdir()
    (tea / "inner" / "cup.py").write_text("def pour(cup):\n    return cup\n")
    assert cli("build", tea, "-q").code == 0
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "cup.py").write_text("password = 1\n")
    (tea / "inner").rename(tmp_path / "moved")
    (tea / "inner").symlink_to(tmp_path / "outside")

    async def conversation() -> None:
        async with serving(cli, "--root", tea, "--no-build") as agent:
            assert "leads out" in await agent.fails("read", path="inner/cup.py")

    run(conversation)


def test_the_first_question_makes_the_index_and_a_change_the_next_one(cli: Cli, tea: Path) -> None:
    async def conversation() -> None:
        async with serving(cli, "--root", tea) as agent:
            assert "kettle.py" in await agent.ask("search", query="boil water")
            assert "kettle.py" in await agent.until("[index 1, up to date]", "search", query="boil water")
            (tea / "cup.py").write_text("def pour_into_cup(tea):\n    return tea.pour()\n")
            await agent.until("1 file changed", "status")
            await agent.until("cup.py", "search", query="pour into a cup")
            await agent.until("index 2, up to date", "status")

    run(conversation)


def test_an_index_that_is_removed_is_made_again(cli: Cli, tea: Path) -> None:
    async def conversation() -> None:
        async with serving(cli, "--root", tea) as agent:
            await agent.until("[index 1, up to date]", "search", query="boil water")
            shutil.rmtree(tea / ".indexer")
            await agent.until("[index 1, up to date]", "search", query="boil water")
            assert (tea / ".indexer" / "CURRENT").exists()

    run(conversation)


def test_without_an_index_the_files_themselves_answer_and_the_answer_says_so(cli: Cli, tea: Path) -> None:
    (tea / "secret.log").write_text("boil water password\n")
    (tea / ".ignore").write_text("secret.log\n")
    (tea.parent / "outside.py").write_text("password = 1\n")
    (tea / ".git").mkdir()
    (tea / ".git" / "config").write_text("password")

    async def conversation() -> None:
        async with serving(cli, "--root", tea, "--no-build") as agent:
            assert "there is no index of" in await agent.ask("status")
            assert "there is no index of" in await agent.ask("outline", path="kettle.py")
            answer = await agent.ask("search", query="boil some water")
            assert "kettle.py:1 def boil_water(kettle):" in answer and "there is no index of" in answer
            assert "no hits" in await agent.ask("search", query="boil", path="elsewhere")
            assert "kettle.py:1 def boil_water(kettle):" in await agent.ask("symbol", name="Pot.boil_water")
            assert "heat(100)" in await agent.ask("read", path="kettle.py")
            for path in ("secret.log", "../outside.py", "/etc/passwd", ".git/config", ""):
                assert "is no file that is indexed" in await agent.fails("read", path=path)

    run(conversation)
    assert not (tea / ".indexer").exists()


def test_what_stops_a_build_is_told(cli: Cli, tea: Path) -> None:
    (tea / ".indexer.toml").write_text('[cache]\npath = "/elsewhere"\n')

    async def conversation() -> None:
        async with serving(cli, "--root", tea) as agent:
            assert "cache.path" in await agent.fails("search", query="boil water")
            (tea / ".indexer.toml").write_text(SETTINGS)
            await agent.until("kettle.py", "search", query="boil water")

    run(conversation)


def test_several_projects_answer_together(cli: Cli, tea: Path, library: Path) -> None:
    assert cli("build", tea, "-q").code == 0

    async def conversation() -> None:
        async with serving(cli, "--root", library, "--root", tea) as agent:
            answer = await agent.ask("search", query="boil water in a kettle", k=6)
            assert "tea/kettle.py" in answer and f"{library.name}/" in answer
            assert "return kettle.heat(100)" in await agent.ask("read", path="tea/kettle.py")
            assert "kettle.py" not in await agent.ask("search", query="boil water", path=f"{library.name}/http")
            assert "begin it with" in await agent.fails("read", path="kettle.py")

    run(conversation)


def _answers(child: psutil.Process) -> bool:
    """Whether a process is the one that holds the index; one that has just ended is none."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return "spawn_main" in " ".join(child.cmdline())
    return False


def test_the_memory_of_an_idle_server_is_small_and_it_answers_again(cli: Cli, library: Path) -> None:
    def family() -> list[psutil.Process]:
        return [child for child in psutil.Process().children(recursive=True) if "mcp" in " ".join(child.cmdline())]

    async def conversation() -> None:
        async with serving(cli, "--root", library, "--idle", "0.5", "--no-build") as agent:
            assert "email" in await agent.ask("search", query="quoted printable")
            server = family()[0]
            with anyio.fail_after(PATIENCE):
                while any(map(_answers, server.children())):
                    await anyio.sleep(0.1)
            assert server.memory_info().rss < IDLE_BYTES
            assert "email" in await agent.ask("search", query="quoted printable")

    run(conversation)


def test_no_process_outlives_the_conversation(cli: Cli, tea: Path) -> None:
    for number in range(300):
        functions = "".join(f"def brew_{number}_{n}(pot):\n    return pot\n\n\n" for n in range(50))
        (tea / f"tea_{number}.py").write_text(functions)
    others = set(psutil.Process().children(recursive=True))
    left: list[psutil.Process] = []

    async def conversation() -> None:
        async with serving(cli, "--root", tea) as agent:
            await agent.ask("status")
            left.extend(set(psutil.Process().children(recursive=True)) - others)

    run(conversation)
    deadline = time.monotonic() + PATIENCE
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in left):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert cli("build", tea, "-q").code == 0


def test_a_folder_that_is_nobodys_project_is_not_indexed_unasked(cli: Cli, tmp_path: Path) -> None:
    done = cli("mcp", cwd=tmp_path)
    assert done.code == 2 and "--root" in done.err


def test_agents_are_told_and_untold(cli: Cli, tea: Path) -> None:
    shown = cli("mcp", "install", "all", "--root", tea, "--print")
    assert shown.code == 0 and ".gemini/settings.json" in shown.out
    before = sorted(path.name for path in tea.iterdir())
    assert cli("mcp", "install", "cursor", "codex", "--root", tea).code == 0
    assert (tea / ".cursor" / "mcp.json").exists() and (tea / ".codex" / "config.toml").exists()
    assert str(cli.cache) in (tea / ".codex" / "config.toml").read_text()
    assert cli("mcp", "remove", "all", "--root", tea).code == 0
    assert sorted(path.name for path in tea.iterdir()) == before
