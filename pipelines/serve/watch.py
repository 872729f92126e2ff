"""Build whenever files change: debounced, and again until a look finds nothing to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from indexer.errors import IndexerError, LockedError, SourceError, StorageError
from indexer.sources.attributes import ATTRIBUTES_FILE
from indexer.sources.explain import explain_path
from indexer.sources.rules import IGNORE_FILES
from indexer.sources.worktree import Worktree

from ..report import BuildReport
from ..settings import REPOSITORY_FILE

MAX_ASKED = 200
"""Changed paths that are asked about one by one; more of them are a reason to build."""

RETRY_MS = 2_000
"""How long to wait before a build that another writer held up is tried again."""

_RULES = frozenset({*IGNORE_FILES, ATTRIBUTES_FILE, REPOSITORY_FILE})

Reported = Callable[[BuildReport | LockedError], None]


def watch(
    root: Path,
    *,
    build: Callable[[], BuildReport],
    source: Callable[[], Worktree],
    reported: Reported,
    debounce_ms: int,
    stop: threading.Event | None = None,
) -> None:
    """Build now and after each change of a file that the source may list, until `stop` is set.

    `source` gives the source with the rules as they are. `reported` is told of each build that committed, and of one
    that another writer held up, which is tried again. Raises what `build` raises, and StorageError when the system
    watches no more folders; SourceError when the root is gone.
    """
    try:
        waiting = not _settle(build, reported)
        for changed in _changes(root, debounce_ms=debounce_ms, stop=stop):
            if waiting or (changed and (is_relevant(changed, source()) or not root.is_dir())):
                waiting = not _settle(build, reported)
    except IndexerError as error:
        if root.is_dir():
            raise
        raise SourceError(f"{root}: is gone, so there is nothing to watch any more") from error


def is_relevant(changed: Iterable[Path], source: Worktree) -> bool:
    """Whether one of the paths is a file of the source, was one perhaps, or decides which files are."""
    paths = list(changed)
    if len(paths) > MAX_ASKED or any(path.name in _RULES for path in paths):
        return True
    rules = source.rules()
    return any(explain_path(source, path, rules=rules).state not in ("left-out", "skipped") for path in paths)


def _settle(build: Callable[[], BuildReport], reported: Reported) -> bool:
    """Build until nothing is left to do; return whether that was reached."""
    while True:
        try:
            report = build()
        except LockedError as error:
            reported(error)
            return False
        if not report.committed:
            return True
        reported(report)


def _changes(root: Path, *, debounce_ms: int, stop: threading.Event | None) -> Iterator[list[Path]]:
    """Yield changed paths when none came for a while, and an empty list every RETRY_MS without any."""
    from watchfiles import watch as changes

    try:
        for batch in changes(
            root,
            watch_filter=None,
            debounce=debounce_ms,
            rust_timeout=RETRY_MS,
            yield_on_timeout=True,
            stop_event=stop,
            ignore_permission_denied=True,
        ):
            yield [Path(path) for _, path in batch]
    except OSError as error:
        raise StorageError(
            f"{root}: can't be watched ({error.strerror or error}); on Linux, raise fs.inotify.max_user_watches"
        ) from error
