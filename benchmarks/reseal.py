"""Make an altered index consistent again, as who ships an index can: every checksum right, CURRENT included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import xxhash

Change = Callable[[dict[str, Any]], object]


def served_folder(index_dir: Path) -> Path:
    """Return the folder of the generation that CURRENT names."""
    return index_dir / "generations" / (index_dir / "CURRENT").read_text().split()[0]


def reseal(index_dir: Path, change: Change = lambda _: None) -> None:
    """Take the checksums of the files as they are now, apply a change to the manifest, and seal it.

    The manifest is changed as plain JSON, so that it may become one that no version ever wrote.
    """
    folder = served_folder(index_dir)
    path = folder / "generation.json"
    manifest: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    for name in manifest["files"]:
        file = folder / name
        if file.is_file():
            manifest["files"][name] = file_sum(file)
    change(manifest)
    # What the program hashes: the manifest's JSON without blanks, its checksum empty.
    manifest["checksum"] = ""
    checksum = manifest["checksum"] = xxhash.xxh3_128_hexdigest(msgspec.json.encode(manifest))
    path.write_bytes(msgspec.json.encode(manifest))
    (index_dir / "CURRENT").write_text(f"{folder.name} {checksum}\n")


def file_sum(path: Path) -> list[Any]:
    """Return a file's size and xxh3_128 as a manifest holds them."""
    content = path.read_bytes()
    return [len(content), xxhash.xxh3_128_hexdigest(content)]
