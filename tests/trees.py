"""Trees of files, and git repositories of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

SETTINGS = ("protocol.file.allow=always", "user.name=a", "user.email=a@b", "commit.gpgSign=false")
FILES = {"a.py": "a = 1\n", "b/c.py": "c = 1\n", "b/d/e.py": "e = 1\n"}


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder, and return the folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return root


def git(folder: Path, *arguments: str | Path, text: str = "", check: bool = True) -> str:
    """Run git without the settings of the machine, `text` its input; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true"}
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    done = subprocess.run(
        ["git", *settings, *arguments],
        cwd=folder,
        env=environment,
        input=text.encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0 or not check, done.stderr
    return os.fsdecode(done.stdout).strip()


def repository(root: Path, files: Mapping[str, str | bytes] = FILES, *arguments: str) -> Path:
    """Make a repository with one commit."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main", *arguments)
    write(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    return root
