"""Pinned inputs that every machine has or can get from its package registry."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

FLASK = "flask==3.1.2"
CACHE = Path(__file__).parent / ".inputs"


def flask_sources() -> Path:
    """Return a folder with the .py files of flask's source distribution."""
    target = CACHE / "flask"
    if not target.exists():
        archive = _download(FLASK)
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                if member.isfile() and member.name.endswith(".py"):
                    path = target / Path(*Path(member.name).parts[1:])
                    path.parent.mkdir(parents=True, exist_ok=True)
                    content = tar.extractfile(member)
                    assert content is not None
                    path.write_bytes(content.read())
    return target


def standard_library(name: str, *, size: int) -> Path:
    """Return a folder with .py files of the standard library, tests left out, of about `size` bytes in all."""
    target = CACHE / name
    if not target.exists():
        library = Path(sysconfig.get_path("stdlib"))
        copied = 0
        for path in sorted(library.rglob("*.py")):
            relative = path.relative_to(library)
            if {"site-packages", "test", "tests", "idlelib"} & set(relative.parts):
                continue
            if copied >= size:
                break
            copied += path.stat().st_size
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / relative)
    return target


def folder_bytes(folder: Path) -> int:
    """Return the size of a folder's .py files."""
    return sum(path.stat().st_size for path in folder.rglob("*.py"))


def _download(requirement: str) -> Path:
    folder = CACHE / "downloads" / requirement
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*pip, "-d", str(folder), requirement], check=True)
    return next(folder.iterdir())
