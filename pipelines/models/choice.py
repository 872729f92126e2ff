"""What a user must know of an encoder that was chosen, and whether its files are still to be fetched."""

from __future__ import annotations

from pathlib import Path

from indexer.config import EncoderOptions
from indexer.encoders.models import folder_of, known_model
from indexer.encoders.registry import FOLDER_PREFIX, VARIANTS, find_encoder, find_static, is_code, sends_texts_to
from indexer.types import Tier


def is_to_fetch(options: EncoderOptions) -> bool:
    """Whether the model is one that can be fetched, is not here, and may be fetched without being asked for."""
    name = options.name
    if not options.download or options.path or name in VARIANTS or name.startswith(FOLDER_PREFIX):
        return False
    folder = folder_of(Path(options.models), name)
    return folder is not None and not folder.is_dir() and known_model(name) is not None


def leaving(options: EncoderOptions, *, builds: bool) -> list[str]:
    """Return a sentence when texts leave the machine with an encoder; raises as `find_encoder`."""
    if not is_code(options.name) or not (where := sends_texts_to(find_encoder(options))):
        return []
    what = "every new chunk of this repository" if builds else "the question"
    return [f"{what} leaves this machine: the encoder {options.name} sends texts to {where}"]


def notes(options: EncoderOptions, *, builds: bool) -> list[str]:
    """Return what else a user should know who builds or searches with an encoder; raises as `find_encoder`."""
    name = options.name
    if name == "hashing":
        return ["the encoder hashing knows words and parts of words, and no meaning"]
    if not builds or (name in VARIANTS and not options.path) or find_encoder(options).identity.tier is Tier.STATIC:
        return []
    if find_static(options) is not None:
        return []
    return [
        f"{name} has no static table, so the index is searchable when all is embedded, with contextual vectors only; "
        f"`indexer model distil {name}` makes one"
    ]
