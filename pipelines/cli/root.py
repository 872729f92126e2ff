"""Which folder a command is about, and where its index is: one rule for all commands.

1. A named root is taken, and a named index folder too.
2. An index folder alone belongs to the root that its manifest records.
3. Without either, the nearest folder from here upwards with an index of this user's own; else here, whosever is here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from indexer.errors import ConfigError, DamagedIndexError, NoIndexError, SourceError
from indexer.stores.folder import owner_is_trusted
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import open_generation

from .console import note


def find_index(root: Path | None, index_dir: Path | None) -> tuple[Path, Path]:
    """Return the indexed folder and its index folder, for a command that reads what is indexed.

    Raises NoIndexError for a named root without an index when an index above holds it, SourceError when the working
    directory is gone, and ConfigError when an index names a root that can't be taken on its word.
    """
    if index_dir is not None:
        return root or _recorded_root(index_dir), index_dir
    if root is None:
        root = nearest_root() or _here()
    elif not os.path.lexists(default_index_dir(root)) and (above := _holder(_parents(root), {})):
        raise NoIndexError(f"{root}: has no index of its own, but is in that of {above}; give --root {above}")
    return root, default_index_dir(root)


def find_index_dir(root: Path | None, index_dir: Path | None) -> Path:
    """Return the index folder, for a command to which it does not matter what is indexed."""
    return index_dir or find_index(root, None)[1]


def root_to_build(root: Path | None, index_dir: Path | None) -> Path:
    """Return the folder that a build indexes, and say so where it is not the one that was named, or here.

    Raises as `find_index`, and ConfigError for an index folder alone whose root it doesn't lie in: an index may come
    from elsewhere, and does not choose what is read into it.
    """
    if root is not None:
        if index_dir is None and root.is_dir() and not os.path.lexists(default_index_dir(root)):
            above = _holder(_parents(root), {})
            if above:
                held = root.absolute()
                note(f"{above} has an index that holds {held}; this one is made beside it, and is used from there down")
        return root
    here = _here()
    if index_dir is None:
        found = nearest_root() or here
    else:
        try:
            found = _recorded_root(index_dir, inside=True)
        except NoIndexError:
            found = here
        except DamagedIndexError as error:
            raise ConfigError(
                f"{index_dir}: can't say which folder it is an index of; name it, as in "
                f"`indexer build ROOT --index-dir {index_dir}` ({error})"
            ) from error
    if found != here:
        note(f"{found} is what is indexed")
    return found


def nearest_root() -> Path | None:
    """Return the nearest folder from here upwards with an index of this user's own, and say which are passed over."""
    here = _here()
    passed: dict[Path, str] = {}
    found = _holder((here, *here.parents), passed)
    for folder, why in passed.items():
        is_used = folder == here and found is None  # where one is, is as good as named
        unless = ", so it is passed over; to use it all the same, name its folder, or --index-dir"
        note(f"{default_index_dir(folder)}: {why}" + ("" if is_used else unless))
    return found


def _holder(folders: Iterable[Path], passed: dict[Path, str]) -> Path | None:
    """Return the first folder with an index that is a real folder of this user's; `passed` gets those before it."""
    for folder in folders:
        index_dir = default_index_dir(folder)
        try:
            status = index_dir.lstat()
        except OSError:
            continue
        if not stat.S_ISDIR(status.st_mode):
            why = "is not a folder"
        elif not owner_is_trusted(index_dir, also=_sudo_user()):
            why = f"belongs to another user (id {status.st_uid})"
        else:
            return folder
        passed[folder] = why
    return None


def _sudo_user() -> tuple[int, ...]:
    """Return the user who runs this by sudo, whom git, too, trusts with a repository."""
    user = os.environ.get("SUDO_UID", "")
    return (int(user),) if hasattr(os, "geteuid") and os.geteuid() == 0 and user.isdecimal() else ()


def _recorded_root(index_dir: Path, *, inside: bool = False) -> Path:
    """Return the folder that an index says it is of, which need not be there; with `inside`, one that it lies in.

    That is the folder that holds it, or one named by its whole path: steps further up lead an index that came from
    elsewhere to folders that its maker has not seen, such as the home folder. Where one is, is as good as named.
    """
    with open_generation(index_dir, check_files=False) as generation:
        source = generation.manifest.source
    absolute = Path(source.root).is_absolute()
    root = Path(os.path.normpath(index_dir.resolve() / source.root))
    with suppress(SourceError):
        if root == _here():
            return root
    foreign = os.path.lexists(root) and not owner_is_trusted(root, also=_sudo_user())
    if foreign or (inside and absolute) or (not absolute and source.root != ".."):
        raise ConfigError(f"{index_dir}: says that it is an index of {root}; if it is, name that folder too")
    return root


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise SourceError(f"the working directory can't be told ({error.strerror}); go to one that exists") from error


def _parents(root: Path) -> Iterable[Path]:
    try:
        return root.resolve().parents
    except (OSError, RuntimeError):
        return ()
