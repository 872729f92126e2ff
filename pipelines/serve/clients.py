"""The configuration files of agents, and our entry in them: written, shown, taken out, and nobody else's touched."""

from __future__ import annotations

import json
import re
import stat
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from indexer.errors import ConfigError, StorageError
from indexer.stores.folder import Folder

NAME = "indexer"
"""What the server is called in every file."""

_MAX_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """How an agent starts the server; of its own environment a child inherits little, so `env` has the rest."""

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]


class Format(Protocol):
    """A file's syntax: each function returns the new text, or raises ConfigError for what is not ours to change."""

    def put(self, text: str, entry: Entry) -> str:
        """Return the text with our entry in it."""

    def drop(self, text: str) -> str:
        """Return the text without our entry; empty when nothing else is in it."""


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """A JSON object whose member `key` maps names to servers; with `typed`, a server has a member `type`."""

    key: str
    typed: bool = False

    def put(self, text: str, entry: Entry) -> str:
        """Return the text with our entry in it, all else in its order."""
        document, servers = self._read(text)
        made: dict[str, object] = {"command": entry.command, "args": list(entry.args)}
        made |= {"env": dict(entry.env)} if entry.env else {}
        servers[NAME] = {"type": "stdio", **made} if self.typed else made
        return _json({**document, self.key: servers}, text)

    def drop(self, text: str) -> str:
        """Return the text without our entry; empty when nothing else is in it."""
        document, servers = self._read(text)
        if NAME not in servers:
            return text
        del servers[NAME]
        return _json({**document, self.key: servers}, text) if servers or len(document) > 1 else ""

    def _read(self, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            document = json.loads(text or "{}")
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"is no plain JSON ({error}); add the entry by hand, --print shows it") from None
        servers = document.get(self.key, {}) if isinstance(document, dict) else None
        if not isinstance(servers, dict):
            raise ConfigError(f"has something else where {self.key} should be; add the entry by hand")
        _require_ours(servers.get(NAME))
        return document, servers


class TomlFormat:
    """Codex's TOML: our tables stand between two comments, so that all else keeps its text."""

    _begin, _end = "# >>> indexer mcp >>>", "# <<< indexer mcp <<<"
    _block = re.compile(rf"\n*^{_begin}$.*?^{_end}$\n?", re.MULTILINE | re.DOTALL)

    def put(self, text: str, entry: Entry) -> str:
        """Return the text with our tables at its end."""
        rest = self.drop(text)
        lines = [f"command = {_quoted(entry.command)}", f"args = {_quoted(list(entry.args))}"]
        if entry.env:
            lines.append(f"\n[mcp_servers.{NAME}.env]")
            lines += [f"{_quoted(name)} = {_quoted(value)}" for name, value in entry.env.items()]
        block = "\n".join((self._begin, f"[mcp_servers.{NAME}]", *lines, self._end, ""))
        return f"{rest.rstrip()}\n\n{block}" if rest.strip() else block

    def drop(self, text: str) -> str:
        """Return the text without our tables."""
        rest = self._block.sub("\n", text).lstrip("\n")
        try:
            servers = tomllib.loads(rest).get("mcp_servers", {})
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigError(f"is no valid TOML ({error}); mend it first") from None
        if isinstance(servers, dict) and NAME in servers:
            raise ConfigError(f"has a server {NAME!r} that was not written by `indexer mcp install`; remove it first")
        return rest


CLIENTS: Mapping[str, tuple[str, Format]] = {
    "claude-code": (".mcp.json", JsonFormat("mcpServers", typed=True)),
    "codex": (".codex/config.toml", TomlFormat()),
    "cursor": (".cursor/mcp.json", JsonFormat("mcpServers")),
    "vscode": (".vscode/mcp.json", JsonFormat("servers", typed=True)),
    "gemini": (".gemini/settings.json", JsonFormat("mcpServers")),
}
"""By agent, its file in a project, and the file's format, as its documentation has it (November 2026)."""


def shown(client: str, entry: Entry) -> str:
    """Return the text of a file that holds our entry alone."""
    return CLIENTS[client][1].put("", entry)


def install(root: Path, client: str, entry: Entry) -> bool:
    """Write our entry into an agent's file in a project; return whether that changed it.

    Raises ConfigError where the entry of that name is somebody else's or the file is not what it should be, and
    StorageError.
    """
    return _change(root, client, lambda format_, text: format_.put(text, entry))


def remove(root: Path, client: str) -> bool:
    """Take our entry out, and the file with it if nothing else is in it; return whether there was one."""
    return _change(root, client, lambda format_, text: format_.drop(text) if text else text)


def _change(root: Path, client: str, change: Any) -> bool:
    name, format_ = CLIENTS[client]
    *folders, last = name.split("/")
    try:
        with Folder(root) as top:
            for folder in folders:
                top.make(folder)
            with top.folder(folders[0]) if folders else Folder(root) as parent:
                old, mode = _read(parent, last)
                new = change(format_, old)
                if new == old:
                    return False
                if new:
                    parent.replace(last, new.encode(), mode=mode)
                else:
                    parent.unlink(last)
                return True
    except ConfigError as error:
        raise ConfigError(f"{root / name}: {error}") from None
    except OSError as error:
        raise StorageError(f"{error.filename or root / name}: {error.strerror}; the entry was not changed") from error
    finally:
        for folder in folders:
            with suppress(OSError):
                (root / folder).rmdir()  # only if it is empty


def _read(parent: Folder, name: str) -> tuple[str, int]:
    """Return a file's text and its mode; those of a new one when there is none. Links are refused."""
    status = parent.status(name)
    if status is None:
        return "", 0o666
    try:
        return parent.read(name, _MAX_BYTES).decode(), stat.S_IMODE(status.st_mode)
    except UnicodeDecodeError as error:
        raise ConfigError(f"is no UTF-8 text ({error})") from None


def _require_ours(found: object) -> None:
    """Raise ConfigError for an entry that is there and does not start `indexer mcp`."""
    if found is None:
        return
    args = found.get("args") if isinstance(found, dict) else None
    if not isinstance(args, list) or "mcp" not in args or "--root" not in args:
        raise ConfigError(f"has a server {NAME!r} that was not written by `indexer mcp install`; remove it first")


def _quoted(value: object) -> str:
    """Return strings as both JSON and TOML have them."""
    return json.dumps(value, ensure_ascii=False)


def _json(document: object, before: str) -> str:
    indent = re.search(r"^([ \t]+)\S", before, re.MULTILINE)
    return json.dumps(document, indent=indent[1] if indent else 2, ensure_ascii=False) + "\n"
