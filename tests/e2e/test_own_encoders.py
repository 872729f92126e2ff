"""An encoder that a package brings: the documents' example, and an endpoint whose server fails and limits."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

from tests.documents import ROOT, blocks
from tests.e2e.conftest import PROGRAM, Done

ENDPOINT = ROOT / "configs" / "examples" / "openai_encoder.py"
DIMS = 8


class Server(ThreadingHTTPServer):
    """Answers as /v1/embeddings does, the rows in any order, after the failures that it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failures = [503, 429]
        self.batches: list[list[str]] = []
        self.keys: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.failures.pop(0) if self.server.failures else 200
        rows = []
        if status == 200:
            self.server.batches.append(asked["input"])
            self.server.keys.add(self.headers["Authorization"])
            vectors = [[1.0 + text.count(letter) for letter in "abcdefgh"] for text in asked["input"]]
            rows = [{"index": n, "embedding": vector} for n, vector in reversed(list(enumerate(vectors)))]
        content = json.dumps({"data": rows}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of embeddings."""
    with Server() as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def install(site: Path, module: str, code: str, name: str) -> None:
    """Put a module and the metadata of its package where Python finds them."""
    info = site / f"{module}-1.dist-info"
    info.mkdir(parents=True)
    (site / f"{module}.py").write_text(code)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[indexer.encoders]\n{name} = {module}:make\n")


def run(home: Path, *arguments: str | Path, **environment: str) -> Done:
    """Run the command line with the packages of a user's own."""
    folders = {f"XDG_{name}_HOME": str(home) for name in ("CACHE", "CONFIG", "DATA")}
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        env={**os.environ, **folders, "PYTHONPATH": str(home / "site"), "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Done(done.returncode, done.stdout, done.stderr)


async def ask_server(root: Path, home: Path, environment: dict[str, str]) -> str:
    """Return what an agent is answered when the user's own configuration names the encoder."""
    (home / "codebase-indexer").mkdir(exist_ok=True)
    (home / "codebase-indexer" / "config.toml").write_text('[encoder]\nname = "openai"\n')
    folders = {"XDG_CACHE_HOME": str(home), "XDG_CONFIG_HOME": str(home), "PYTHONPATH": str(home / "site")}
    parameters = StdioServerParameters(
        command=str(PROGRAM), args=["mcp", "--root", str(root), "--no-build"], env={**folders, **environment}
    )
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        answer = await session.call_tool("search", {"query": "pour"})
        return "\n".join(getattr(part, "text", "") for part in answer.content)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of a few chunks."""
    root = tmp_path / "root"
    root.mkdir()
    for name in ("brew", "steep", "pour"):
        (root / f"{name}.py").write_text(f"def {name}(tea):\n    return tea.{name}()\n")
    return root


def test_the_example_of_the_documents_is_an_encoder_that_only_the_user_can_choose(root: Path, tmp_path: Path) -> None:
    (example,) = blocks("docs/encoders.md", "python")
    assert len(example.splitlines()) <= 20
    install(tmp_path / "site", "letters", example, "letters")
    built = run(tmp_path, "build", root, "--model", "letters")
    assert built.code == 0 and "leaves this machine" not in built.err
    assert run(tmp_path, "search", "pour", "--mode", "vector", "--root", root, "--model", "letters").code == 0
    unasked = run(tmp_path, "search", "pour", "--root", root)
    assert unasked.code == 6 and "no index chooses what is loaded; say --model letters" in unasked.err
    (root / ".indexer.toml").write_text('[encoder]\nname = "letters"\n')
    refused = run(tmp_path, "build", root)
    assert refused.code == 2 and "a repository may not choose a folder or a package" in refused.err


def test_an_endpoint_gets_batches_is_asked_again_and_is_said_to_get_texts(
    root: Path, tmp_path: Path, server: Server
) -> None:
    install(tmp_path / "site", "openai_encoder", ENDPOINT.read_text(), "openai")
    where = f"http://127.0.0.1:{server.server_port}/v1"
    settings = {
        "EMBEDDINGS_URL": where,
        "EMBEDDINGS_MODEL": "tiny",
        "EMBEDDINGS_DIMS": str(DIMS),
        "EMBEDDINGS_KEY": "secret",
        "EMBEDDINGS_BATCH": "2",
        "EMBEDDINGS_PER_MINUTE": "6000",
        "EMBEDDINGS_QUERY_PREFIX": "query: ",
    }
    unset = run(tmp_path, "build", root, "--model", "openai")
    assert unset.code == 2 and "needs EMBEDDINGS_URL" in unset.err
    built = run(tmp_path, "build", root, "--model", "openai", "--quiet", **settings)
    assert built.code == 0, built.err
    assert f"leaves this machine: the encoder openai sends texts to {where}" in built.err
    assert sorted(map(len, server.batches)) == [1, 2] and not server.failures and server.keys == {"Bearer secret"}
    searched = run(tmp_path, "search", "pour", "--root", root, "--model", "openai", **settings)
    assert searched.code == 0 and "the question leaves this machine" in searched.err
    assert server.batches[-1] == ["query: pour"]
    told = anyio.run(partial(ask_server, root, tmp_path, settings))
    assert f"the question leaves this machine: the encoder openai sends texts to {where}" in told
    (tmp_path / "fleet.toml").write_text('paths = ["root"]\n')
    fleet = ("--file", tmp_path / "fleet.toml", "--model", "openai")
    assert run(tmp_path, "fleet", "build", *fleet, **settings).code == 0
    asked = run(tmp_path, "fleet", "search", "pour", *fleet, **settings)
    assert asked.code == 0 and "the question leaves this machine" in asked.err
    server.failures = [401]
    denied = run(tmp_path, "search", "pour", "--root", root, "--model", "openai", **settings)
    assert denied.code == 6 and "status 401" in denied.err
