"""The folder of models: what lies in it, whether it is whole, and where each is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import msgspec

from indexer.config import EncoderOptions
from indexer.encoders.bundle import BUNDLED, BUNDLED_STATIC, STATIC_LOADED, Bundle, open_bundle
from indexer.encoders.local import open_local
from indexer.encoders.models import folder_of
from indexer.encoders.registry import FOLDER_PREFIX
from indexer.errors import ConfigError, ModelError
from indexer.types import Tier

State = Literal["in the package", "verified", "damaged", "not here", "no files", "not checked"]


class CheckedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model's folder and what is wrong with its files, by name; nothing when it is whole."""

    name: str
    folder: str
    files: dict[str, str]
    findings: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether every file is what was published."""
        return not self.findings


def open_model(options: EncoderOptions) -> Bundle:
    """Return the files of the model that options name.

    Raises ConfigError for one that has none, and ModelError when they are not here.
    """
    name = options.name
    if name == "minilm" and not options.path:
        return open_bundle(BUNDLED)
    if name == "static" and not options.path:
        return open_bundle(BUNDLED_STATIC, loaded=STATIC_LOADED, tier=Tier.STATIC)
    folder = options.path or (name.removeprefix(FOLDER_PREFIX) if name.startswith(FOLDER_PREFIX) else "")
    if folder:
        return open_local(Path(folder))
    pulled = folder_of(Path(options.models), name)
    if pulled is None or not pulled.is_dir():
        raise ModelError(
            f"there is no model {name} in {options.models}; `indexer model list` shows what is there, or can be pulled"
        )
    return open_local(pulled)


def check(options: EncoderOptions) -> CheckedModel:
    """Compare each file of a model with its checksum; raises as `open_model`."""
    bundle = open_model(options)
    findings = {}
    for name in bundle.sums:
        try:
            bundle.verify([name])
        except ModelError as error:
            findings[name] = str(error)
    return CheckedModel(name=options.name, folder=str(bundle.folder), files=bundle.sums, findings=findings)


def pulled_names(models: Path) -> list[str]:
    """Return the names of the models in a folder of models."""
    if not models.is_dir():
        return []
    return sorted(path.name.replace("--", "/") for path in models.iterdir() if path.is_dir() and path.name[0] != ".")


def remove(models: Path, name: str) -> Path:
    """Remove a pulled model and what was distilled from it, and return where it was; raises ConfigError for others."""
    folder = folder_of(models, name)
    if folder is None or not folder.is_dir():
        there = ", ".join(pulled_names(models)) or "none"
        raise ConfigError(
            f"{name}: is no model in {models}; there are {there}. Others are not this program's to remove"
        )
    shutil.rmtree(folder)
    return folder
