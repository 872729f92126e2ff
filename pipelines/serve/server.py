"""The server for agents: the tools over MCP on stdin and stdout, with the official SDK."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import getdoc, signature
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from indexer.errors import IndexerError

from .builder import NotYetError
from .fleet_tools import INSTRUCTIONS as FLEET_INSTRUCTIONS
from .fleet_tools import FleetTools
from .process import AnsweringProcess, Folder
from .tools import INSTRUCTIONS, Tools

TOOLS = (Tools.search, Tools.symbol, Tools.outline, Tools.similar, Tools.read, Tools.status)


FLEET_TOOLS = (FleetTools.search, FleetTools.symbol, FleetTools.status)


def serve(folders: Sequence[Folder], *, version: str, idle_seconds: float, fleet: Path | None = None) -> None:
    """Answer on stdin and stdout until the client closes them: about folders, or about the fleet in a folder.

    What answers leaves the memory when nobody asked for `idle_seconds`, until the next question.
    """
    answering = AnsweringProcess(folders, fleet=fleet)
    instructions = INSTRUCTIONS if fleet is None else FLEET_INSTRUCTIONS
    server = MCPServer("indexer", instructions=instructions, version=version, log_level="WARNING")
    tools: Sequence[Callable[..., str]] = TOOLS if fleet is None else FLEET_TOOLS
    for tool in tools:
        server.add_tool(_asking(tool, answering), name=tool.__name__, description=getdoc(tool), structured_output=False)
    ended = threading.Event()
    threading.Thread(target=_stop_idle, args=(answering, idle_seconds, ended), daemon=True).start()
    try:
        server.run("stdio")
    finally:
        ended.set()
        answering.stop()


def _asking(tool: Callable[..., str], answering: AnsweringProcess) -> Callable[..., str]:
    """Return a function like the tool, without self, that has the other process answer.

    Mistakes are told to the agent as such; that an index is not there yet is an answer.
    """
    own = signature(tool, eval_str=True)

    @wraps(tool)
    def ask(**arguments: object) -> str:
        try:
            return answering.ask(tool.__name__, arguments)
        except NotYetError as error:
            return f"[{error}]"
        except IndexerError as error:
            raise ToolError(str(error)) from error

    ask.__signature__ = own.replace(parameters=list(own.parameters.values())[1:])  # type: ignore[attr-defined]
    ask.__annotations__ = {name: kind for name, kind in tool.__annotations__.items() if name != "self"}
    return ask


def _stop_idle(answering: AnsweringProcess, seconds: float, ended: threading.Event) -> None:
    while not ended.wait(min(15.0, max(0.1, seconds / 4))):
        answering.stop_idle(seconds)
