"""Models by name: which there are, and where each is kept."""

from __future__ import annotations

import re
from pathlib import Path

from indexer.encoders.known import ALIASES, OWN, KnownModel

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")


def known_model(name: str) -> KnownModel | None:
    """Return the model of a name, ours or one that fastembed lists, or None; imports fastembed only for the latter."""
    if name in OWN:
        return OWN[name]
    from indexer.encoders.fastembed_models import listed

    return listed().get(ALIASES.get(name, name))


def every_model() -> list[KnownModel]:
    """Return all models that can be pulled by name, ours first."""
    from indexer.encoders.fastembed_models import listed

    return [*OWN.values(), *listed().values()]


def folder_of(models: Path, name: str) -> Path | None:
    """Return where a model's files are kept below a folder of models, or None for what can't be a model's name."""
    if not _NAME.fullmatch(name) or ".." in name:
        return None
    return models / ALIASES.get(name, name).replace("/", "--")
