"""The process that holds indexes and encoder while questions come, and is gone, with all its memory, when none do.

Nothing else gives memory back for certain: allocators keep what engines once needed. And what an engine makes of a
damaged index can end this process alone, not the server.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from indexer.errors import IndexerError

from ..spawned import start
from .builder import NotYetError

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Folder:
    """An indexed folder to answer about; `index_dir` None is the default place in it."""

    name: str
    root: Path
    index_dir: Path | None = None
    builds: bool = True


class AnsweringProcess:
    """Asks `Tools` in another process, which is started by the first question; safe to share between threads.

    Of `fleet`, the folder of one, it asks `FleetTools`.
    """

    def __init__(self, folders: Sequence[Folder], *, fleet: Path | None = None) -> None:
        self._fleet = fleet
        self._folders = tuple(folders)
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._asked = 0.0
        self._lock = threading.Lock()

    def ask(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Return a tool's answer; raises NotYetError, what the tool raises, and IndexerError when the process died."""
        with self._lock:
            try:
                answer = self._exchange(tool, arguments)
            except (EOFError, OSError):
                self._stop()
                raise IndexerError(
                    "the process that answers ended unexpectedly; ask again, and if it happens again "
                    "run `indexer verify`"
                ) from None
            self._asked = time.monotonic()
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, str)
        return answer

    def stop_idle(self, seconds: float) -> None:
        """End the process if nobody asked for so long and no build is under way."""
        with self._lock, suppress(EOFError, OSError):
            idle = self._process is not None and time.monotonic() - self._asked >= seconds
            if idle and self._exchange("is_building", {}) is False:
                self._stop()

    def stop(self) -> None:
        """End the process, and with it a build that is under way."""
        with self._lock:
            self._stop()

    def _exchange(self, tool: str, arguments: Mapping[str, Any]) -> object:
        if self._connection is None:
            self._connection, own = _SPAWN.Pipe()
            self._process = _SPAWN.Process(
                target=_answer, args=(own, self._folders, self._fleet), name="indexer mcp: answers"
            )
            start(self._process)
            own.close()
        self._connection.send((tool, dict(arguments)))
        return self._connection.recv()

    def _stop(self) -> None:
        """Let the process end by closing what it reads from."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.join()
        self._process = self._connection = None


def _answer(connection: Connection, folders: Sequence[Folder], fleet: Path | None) -> None:
    """Answer until the other end is closed, by whatever way the server ends."""
    from .fleet_tools import FleetTools
    from .project import Project
    from .tools import Tools

    tools: Tools | FleetTools
    if fleet is not None:
        tools = FleetTools(fleet)
    else:
        tools = Tools([Project(own.name, own.root, index_dir=own.index_dir, builds=own.builds) for own in folders])
    try:
        while True:
            tool, arguments = connection.recv()
            try:
                answer: object = getattr(tools, tool)(**arguments)
            except (IndexerError, NotYetError) as error:
                answer = error
            except Exception as error:  # the next question may be answered all the same
                answer = IndexerError(f"unexpected error: {type(error).__name__}: {error}")
            connection.send(answer)
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        pass
    finally:
        tools.close()
