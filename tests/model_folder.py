"""A model folder whose files are a few bytes each: enough to be described and listed, not to be loaded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from indexer.encoders.bundle import LOADED, SUMS
from indexer.encoders.spec import DESCRIPTION

DESCRIBED = {"name": "tiny", "dims": 4, "max_tokens": 8, "pooling": "mean", "chunk_chars": 300}


def make_folder(folder: Path, **changes: bytes) -> Path:
    """Write a model folder whose files are a few bytes each."""
    content = {name: name.encode() for name in LOADED}
    content[DESCRIPTION] = json.dumps(DESCRIBED).encode()
    content.update({name.replace("_", "."): value for name, value in changes.items()})
    for name, value in content.items():
        (folder / name).write_bytes(value)
    lines = [f"{hashlib.sha256(value).hexdigest()}  {name}\n" for name, value in sorted(content.items())]
    (folder / SUMS).write_text("".join(lines))
    return folder
