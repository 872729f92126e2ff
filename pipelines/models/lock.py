"""Checksums of published model files: those that the package knows, and those that this user got at first.

models.lock.toml has a table a model, in it a sha256 a file, and in the package's the revision of its repository that
they are of. What the package's has comes first. A file that neither has is believed once: its sum is recorded in the
user's own, and held against every later fetch.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from indexer.errors import ModelError

from ..whole_file import whole_file

NAME = "models.lock.toml"
PACKAGED = Path(__file__).parents[2] / "configs" / NAME

Sums = dict[str, dict[str, str]]
"""A sha256 by model and file."""
_REVISION = "revision"


def read_sums(path: Path) -> Sums:
    """Return the sums in a file, none where there is no such file; raises ModelError when it is malformed."""
    return {
        model: {file: own for file, own in files.items() if file != _REVISION} for model, files in _read(path).items()
    }


def locked_revision(name: str) -> str | None:
    """Return the revision that the package's sums of a model are of, 40 hexadecimal digits; None where it has none."""
    return _read(PACKAGED).get(name, {}).get(_REVISION)


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: can't be read as TOML: {error}") from error
    for model, files in found.items():
        if not isinstance(files, dict) or not all(
            isinstance(text, str) and len(text) == (40 if file == _REVISION else 64) for file, text in files.items()
        ):
            raise ModelError(f"{path}: {model}: has something that is no sha256")
    return found


def known_sums(models: Path, name: str) -> dict[str, str]:
    """Return the sums of a model's files that are to be held, the package's before those of this user."""
    return {**read_sums(models / NAME).get(name, {}), **read_sums(PACKAGED).get(name, {})}


def record(models: Path, name: str, sums: dict[str, str]) -> None:
    """Add sums to those of this user; a file that has one keeps it."""
    kept = read_sums(models / NAME)
    kept[name] = {**sums, **kept.get(name, {})}
    lines = ["# What `indexer model pull` got at first; later fetches must be the same."]
    for model, files in sorted(kept.items()):
        lines += [
            "",
            f"[{json.dumps(model)}]",
            *(f'{json.dumps(file)} = "{own}"' for file, own in sorted(files.items())),
        ]
    with whole_file(models / NAME) as file:
        file.write(("\n".join(lines) + "\n").encode("utf-8"))
