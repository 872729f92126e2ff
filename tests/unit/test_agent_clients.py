"""Our entry in agents' configuration files: what is theirs stays, and what is not ours is refused."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from indexer.errors import ConfigError, StorageError
from pipelines.serve.clients import CLIENTS, Entry, install, remove, shown

ENTRY = Entry("indexer", ("mcp", "--root", '/home/o\'x "y" ü'), {"XDG_CACHE_HOME": "/c"})
OTHERS = {
    "codex": '# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "other"\n',
    "vscode": '{\n    "inputs": [],\n    "servers": {\n        "other": {\n'
    '            "command": "ü"\n        }\n    }\n}\n',
}
OTHER = '{\n  "theme": "dark",\n  "mcpServers": {\n    "other": {\n      "command": "x"\n    }\n  }\n}\n'


def servers_of(client: str, text: str) -> dict[str, dict[str, object]]:
    """Return the servers in a file, by name, as the agent reads them."""
    document = tomllib.loads(text) if client == "codex" else json.loads(text)
    found: dict[str, dict[str, object]] = document[
        {"codex": "mcp_servers", "vscode": "servers"}.get(client, "mcpServers")
    ]
    return found


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_installed_is_what_was_shown_and_goes_without_a_trace(client: str, tmp_path: Path) -> None:
    path = tmp_path / CLIENTS[client][0]
    assert install(tmp_path, client, ENTRY)
    assert path.read_text() == shown(client, ENTRY)
    server = servers_of(client, path.read_text())["indexer"]
    assert (server["command"], server["args"], server["env"]) == (ENTRY.command, list(ENTRY.args), ENTRY.env)
    assert not install(tmp_path, client, ENTRY)
    assert remove(tmp_path, client)
    assert list(tmp_path.iterdir()) == []
    assert not remove(tmp_path, client)


@pytest.mark.parametrize("client", CLIENTS)
def test_what_else_is_in_a_file_stays_as_it_is(client: str, tmp_path: Path) -> None:
    path = tmp_path / CLIENTS[client][0]
    path.parent.mkdir(exist_ok=True)
    path.write_text(OTHERS.get(client, OTHER))
    path.chmod(0o600)
    assert install(tmp_path, client, ENTRY)
    assert set(servers_of(client, path.read_text())) == {"other", "indexer"}
    assert install(tmp_path, client, Entry("elsewhere", ENTRY.args, {}))
    assert servers_of(client, path.read_text())["indexer"]["command"] == "elsewhere"
    assert path.stat().st_mode & 0o777 == 0o600
    assert remove(tmp_path, client)
    assert path.read_text() == OTHERS.get(client, OTHER)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_somebody_else_wrote_is_not_replaced(client: str, tmp_path: Path) -> None:
    path = tmp_path / CLIENTS[client][0]
    path.parent.mkdir(exist_ok=True)
    path.write_text(OTHERS.get(client, OTHER).replace("other", "indexer"))
    before = path.read_text()
    with pytest.raises(ConfigError, match=path.name):
        install(tmp_path, client, ENTRY)
    with pytest.raises(ConfigError, match=path.name):
        remove(tmp_path, client)
    assert path.read_text() == before


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("text", ["{ // a comment\n}", "[1]", '{"mcpServers": 1, "servers": 1} x', "\udcff"])
def test_a_file_that_is_not_understood_is_left_alone(client: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / CLIENTS[client][0]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    if client == "codex" and text == "[1]":
        return  # a table of that name
    with pytest.raises(ConfigError, match=path.name):
        install(tmp_path, client, ENTRY)
    assert path.read_bytes() == text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_repositorys_links_lead_nowhere(client: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text(OTHERS.get(client, OTHER))
    project = tmp_path / "project"
    first = project / CLIENTS[client][0].split("/")[0]
    project.mkdir()
    first.symlink_to(outside / ("file" if first.suffix else ""))
    with pytest.raises(StorageError, match="symbolic link"):
        install(project, client, ENTRY)
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == OTHERS.get(client, OTHER)
