"""Files of a repository that are odd by their names, their kinds or their history."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from tests.e2e.hostile.place import ESCAPE, Place, device, fifo, link


def names_with_escapes(place: Place) -> None:
    """Names of files that would speak to a terminal, or are no text at all."""
    for number, name in enumerate(
        (f"a{ESCAPE}.py", "line\nfeed.py", "carriage\rreturn.py", "-rf.py", "bell\x07.md", "\u202egnp.py", "\x9b31m.py")
    ):
        (place.repository / name).write_text(f"def odd_{number}():\n    return '{ESCAPE}'\n")
    with open(os.fsencode(place.repository) + b"/bad\xff\xfe.py", "wb") as file:  # noqa: PTH123 - not a str
        file.write(b"def odd():\n    return 1\n")
    (place.repository / f"folder{ESCAPE}").mkdir()
    (place.repository / f"folder{ESCAPE}" / "x.py").write_text(f"# {ESCAPE}\ndef inner():\n    return 1\n")


def a_path_longer_than_the_system_allows(place: Place) -> None:
    """A folder so deep that its path is longer than PATH_MAX; only steps from folder to folder lead there."""
    descriptor = os.open(place.repository, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=descriptor)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    file = os.open("deep.py", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=descriptor)
    os.write(file, b"def deep():\n    return 1\n")
    os.close(file)
    os.close(descriptor)


def special_files_as_sources(place: Place) -> None:
    """Sources that are FIFOs, sockets, devices, and links out of the repository."""
    fifo(place.repository / "pipe.py")
    device(place.repository / "zero.py")
    link(place.repository / "secret.py", "../../.ssh/id_ed25519")
    link(place.repository / "above", "../..")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(place.repository)  # a socket's path may only be short
        try:
            server.bind("socket.py")
        finally:
            os.chdir(here)


def staging_full_of_links(place: Place) -> None:
    """What an unfinished build seems to have left is links to folders of the user's."""
    staging = place.index / "staging"
    staging.mkdir(exist_ok=True)
    for name in ("next", "removed-00000001", "CURRENT"):
        (staging / name).symlink_to("../../../../photos")


def an_index_that_git_tracks(place: Place) -> None:
    """An index that came with the repository's own commits."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(place.repository)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-f", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "all"], check=True)
