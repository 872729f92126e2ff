"""The repositories that a fleet.toml means: real folders below its own folder, or below roots that the user named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from indexer.errors import ConfigError
from indexer.git.repository import is_bare, is_repository
from indexer.sources.git_tree import REVISION
from indexer.sources.worktree import KIND as WORKTREE

from ..source import default_kind
from .config import NAME_PATTERN, Entry, FleetFile
from .manifest import Failure

_WILD = re.compile(r"[*?\[]")
_URL = re.compile(r"(?:[a-z+]+://)?(?:[^@/]+@)?([A-Za-z0-9.-]+)(?::[0-9]+)?[:/]([A-Za-z0-9._/~-]+?)(?:\.git)?/?")
MAX_ENTRIES = 1_000_000
"""Entries of folders that all globs together look at."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of a fleet: its name, its folder, and the kind of its source."""

    name: str
    root: Path
    kind: str = WORKTREE


class _NotThereError(ConfigError):
    """A repository that the fleet's file names can't be had; the file may be right."""


def find_repositories(
    file: Path, fleet: FleetFile, roots: Sequence[Path] = (), *, missing: list[Failure] | None = None
) -> list[Repository]:
    """Return the repositories of the fleet that `file` describes, by name.

    One that is not there is added to `missing`. Raises ConfigError for one where that is None, for a folder that is
    reached over a link, or lies neither below the file's folder nor below one of the `roots`, for a glob that no folder
    matches, and for two repositories of one name.
    """
    base = file.absolute().parent.resolve()
    allowed = [base, *(root.resolve() for root in roots)]
    found: dict[str, Repository] = {}
    looked = iter(range(MAX_ENTRIES))
    entries = list(fleet.repository)
    for written in fleet.paths:
        if not _WILD.search(written):
            entries.append(Entry(path=written))
            continue
        matches = list(_expand(base, written, looked, file))
        if not matches:
            raise ConfigError(f"{file}: {written!a}: no folder is there; correct the path, or take it out")
        for folder in matches:
            _add(found, _checked(Entry(path=written), folder, allowed, file), file)
    for entry in entries:
        try:
            folder = base / entry.path if entry.path else _clone(base / fleet.clones, entry.url, file)
            _add(found, _checked(entry, folder, allowed, file), file)
        except _NotThereError as error:
            name = entry.name or (entry.path or entry.url).rstrip("/").removesuffix(".git").rpartition("/")[2]
            if missing is None or not re.match(NAME_PATTERN, name):
                raise ConfigError(
                    f"{error}; correct or remove it in the file, or build without it: --partial"
                ) from error
            missing.append(Failure(id=name, message=str(error)))
    return [found[name] for name in sorted(found)]


def _checked(entry: Entry, folder: Path, allowed: Sequence[Path], file: Path) -> Repository:
    folder = Path(os.path.normpath(folder))
    try:
        real = folder.resolve(strict=True)
        is_folder = real.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise _NotThereError(f"{file}: {entry.path or entry.url!a}: {folder} can't be read ({why})") from None
    if not is_folder:
        raise _NotThereError(f"{file}: {entry.path or entry.url!a}: {folder} is no folder")
    if not any(real.is_relative_to(root) for root in allowed):
        raise ConfigError(
            f"{file}: {entry.path or entry.url!a}: {real} lies outside the fleet's folder; "
            f"if you want it indexed, name a folder that holds it with --root"
        )
    if real != folder and _has_link(folder, allowed):
        raise ConfigError(f"{file}: {entry.path or entry.url!a}: is reached over a link, and links are not followed")
    name = entry.name or (_split_url(entry.url, file)[-1] if entry.url else real.name.removesuffix(".git"))
    if not re.match(NAME_PATTERN, name):
        raise ConfigError(f"{file}: {folder}: {name!a} can't be a repository's name; give one with `name`")
    if entry.revision is not None and not is_repository(real) and not is_bare(real):
        raise _NotThereError(f"{file}: {folder}: is no git repository, so there is no revision {entry.revision!a}")
    return Repository(name, real, default_kind(real) if entry.revision is None else REVISION + entry.revision)


def _has_link(folder: Path, allowed: Sequence[Path]) -> bool:
    """Whether a step of a path below the allowed folder that it is written through is a link."""
    for root in allowed:
        if folder.is_relative_to(root):
            steps = [root.joinpath(*folder.relative_to(root).parts[:n]) for n in range(1, len(folder.parts) + 1)]
            return any(step.is_symlink() for step in steps)
    return True


def _add(found: dict[str, Repository], repository: Repository, file: Path) -> None:
    other = found.setdefault(repository.name, repository)
    if other != repository:
        raise ConfigError(
            f"{file}: {other.root} and {repository.root} are both called {repository.name!a}; "
            "give one of them another `name` in a [[repository]] of its own"
        )


def _expand(base: Path, written: str, looked: Iterator[int], file: Path) -> Iterator[Path]:
    """Yield the folders that a path with wildcards matches, by name; hidden ones only where the step says so."""
    if "\0" in written:
        raise ConfigError(f"{file}: {written!a}: is no path")
    folders = [Path(os.path.normpath(base))]
    for step in Path(written).parts:
        if not _WILD.search(step):
            folders = [Path(os.path.normpath(folder / step)) for folder in folders]
            continue
        if "**" in step:
            raise ConfigError(f"{file}: {written!a}: ** is not known here; write a * for each step")
        matches: list[Path] = []
        for folder in folders:
            try:
                with os.scandir(folder) as listing:
                    for entry in listing:
                        if next(looked, None) is None:
                            raise ConfigError(f"{file}: the globs look at more than {MAX_ENTRIES:,} entries")
                        hidden = entry.name.startswith(".") and not step.startswith(".")
                        if not hidden and fnmatchcase(entry.name, step) and entry.is_dir(follow_symlinks=False):
                            matches.append(folder / entry.name)
            except OSError:
                continue
        folders = sorted(matches)
    yield from (folder for folder in folders if folder.is_dir())


def _clone(clones: Path, url: str, file: Path) -> Path:
    """Return where a git URL is cloned; nothing is fetched."""
    host, *steps = _split_url(url, file)
    for lead in ((host, *steps), tuple(steps), (steps[-1],)):
        folder = clones.joinpath(*lead)
        for found in (folder, folder.with_name(f"{folder.name}.git")):
            if found.is_dir():
                return found
    raise _NotThereError(
        f"{file}: {url!a}: is not cloned below {clones}; clone it as {clones.joinpath(host, *steps)}: "
        "nothing is fetched here"
    )


def _split_url(url: str, file: Path) -> tuple[str, ...]:
    match = _URL.fullmatch(url)
    steps = match[2].split("/") if match else []
    if match is None or any(step in ("", ".", "..") for step in steps):
        raise ConfigError(f"{file}: {url!a}: is no URL of a repository")
    return (match[1], *steps)
