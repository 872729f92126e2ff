"""What the table is fitted on: pinned packages, and how texts are drawn from them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..packages import Package

MANIFEST = Path(__file__).parent / "corpus.toml"
_VERSION = re.compile(r"[-_.]?v?\d+([._-]\d+)*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How texts are drawn: sizes are bytes of a file and of a language's files of one package.

    `large` names packages that may give so many times as much.
    `languages` and `kinds` are shares of the texts. A file below a folder named in `exclude`, versions and case aside,
    is left out.
    """

    min_bytes: int
    max_bytes: int
    bytes_per_language: int
    large: dict[str, int]
    languages: dict[str, float]
    kinds: dict[str, float]
    exclude: frozenset[str]


@dataclass(frozen=True, slots=True)
class StaticCorpus:
    """pipelines/export/static/corpus.toml as data."""

    rules: Rules
    packages: tuple[Package, ...]


def read_corpus(path: Path = MANIFEST) -> StaticCorpus:
    """Parse the manifest; a missing key raises KeyError, an unknown one TypeError."""
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    sample = dict(table["sample"])
    exclude = frozenset(sample.pop("exclude"))
    rules = Rules(exclude=exclude, languages=table["languages"], kinds=table["kinds"], **sample)
    return StaticCorpus(rules, tuple(Package(**entry) for entry in table["packages"]))


def is_left_out(path: str, rules: Rules) -> bool:
    """Tell whether a step of the path names a folder to leave out: `Serde_json-1.0` is `serde-json`."""
    return any(not rules.exclude.isdisjoint(_plain(step)) for step in PurePosixPath(path).parts)


def _plain(step: str) -> set[str]:
    """Return a step in lower case without its version, and without what follows its first point."""
    names = {step.lower(), step.lower().partition(".")[0]}
    return {_VERSION.sub("", name).replace("_", "-").replace(".", "-") for name in names}
