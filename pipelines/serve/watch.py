"""Build whenever files change: debounced, and again until a look finds nothing to do; upgrade vectors when none do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from pathlib import Path

import watchfiles

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

LOOK_AGAIN = 30
"""Every so many times RETRY_MS without a change, and the first time after one, files are looked at all the same.

What changes before the system tells of changes, or while watchfiles empties its list of them, is in no list.
"""

UPGRADE_SECONDS = 5.0
"""How long vectors are upgraded before files are looked at again."""

_RULES = frozenset({*IGNORE_FILES, ATTRIBUTES_FILE, REPOSITORY_FILE})

_GONE = "{root}: is gone, so there is nothing to watch any more"

Build = Callable[[float], BuildReport]
Reported = Callable[[BuildReport | LockedError], None]


class State(Enum):
    """What is left to do."""

    DONE = "done"
    UPGRADING = "upgrading"
    HELD_UP = "held up"


def watch(
    root: Path,
    *,
    build: Build,
    source: Callable[[], Worktree],
    reported: Reported,
    debounce_ms: int,
    stop: threading.Event | None = None,
) -> None:
    """Build now and after each change of a file that the source may list, until `stop` is set.

    `build` is given the seconds after which it upgrades no more vectors: none after a change, some while nothing does.
    `source` gives the source with the rules as they are. `reported` is told of each build that committed a change, of
    the one that upgraded the last vector, and of one that another writer held up, which is tried again. Raises what
    `build` raises, StorageError when the system watches no more folders, and SourceError when the root is gone.
    """
    try:
        state, quiet = _settle(build, reported), None
        for changed in _changes(root, debounce_ms=debounce_ms, stop=stop):
            if not root.is_dir():  # a folder that was moved away may tell of no change
                raise SourceError(_GONE.format(root=root))
            if changed:
                is_due, quiet = is_relevant(changed, source()), None
            else:
                is_due = quiet is None or quiet >= LOOK_AGAIN
                quiet = 0 if quiet is None or is_due else quiet + 1
            if is_due or state is State.HELD_UP:
                state = _settle(build, reported)
            elif state is State.UPGRADING:
                state = _upgrade(build, reported)
    except IndexerError as error:
        if root.is_dir():
            raise
        raise SourceError(_GONE.format(root=root)) from error


def is_relevant(changed: Iterable[Path], source: Worktree) -> bool:
    """Whether one of the paths is a file of the source, was one perhaps, or decides which files are."""
    paths = list(changed)
    if len(paths) > MAX_ASKED or any(path.name in _RULES for path in paths):
        return True
    rules = source.rules()
    return any(explain_path(source, path, rules=rules).state not in ("left-out", "skipped") for path in paths)


def _settle(build: Build, reported: Reported) -> State:
    """Build until no change is left."""
    while True:
        try:
            report = build(0.0)
        except LockedError as error:
            reported(error)
            return State.HELD_UP
        if not report.committed:
            return State.DONE if report.upgraded == 1 else State.UPGRADING
        reported(report)


def _upgrade(build: Build, reported: Reported) -> State:
    """Upgrade vectors for a while; a build that commits none has no more to upgrade, or was told not to."""
    try:
        report = build(UPGRADE_SECONDS)
    except LockedError:
        return State.UPGRADING
    if report.committed and report.upgraded < 1:
        return State.UPGRADING
    if report.committed:
        reported(report)
    return State.DONE


def _changes(root: Path, *, debounce_ms: int, stop: threading.Event | None) -> Iterator[list[Path]]:
    """Yield changed paths when none came for a while, and an empty list every RETRY_MS without any."""
    try:
        for batch in watchfiles.watch(
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
