"""Every encoder that can be named, and what is known of each."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from indexer.config import EncoderOptions
from indexer.encoders import own
from indexer.encoders.known import ALIASES, KnownModel
from indexer.encoders.models import every_model, folder_of
from indexer.encoders.registry import VARIANTS, find_encoder, find_static, sends_texts_to
from indexer.errors import IndexerError

from .store import State, check, pulled_names

LICENCES = {"minilm": "apache-2.0", "static": "apache-2.0", "hashing": "mit"}


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One encoder: `window` is what it reads of a text, in tokens, 0 where only its files say.

    `fast_tier` says whether it has a static table, `source` where its files are from, `folder` where they are, `note`
    what else a user must know before choosing it.
    """

    name: str
    source: str
    state: State
    dims: int = 0
    window: int = 0
    megabytes: float = 0
    licence: str = ""
    languages: str = ""
    query_prefix: str = ""
    passage_prefix: str = ""
    fast_tier: bool = False
    folder: str = ""
    note: str = ""


def list_models(options: EncoderOptions) -> list[ListedModel]:
    """Return the package's encoders, pulled models, those of other packages, and all that can be pulled, in this order.

    Files that are here are read and compared with their checksums.
    """
    bare = replace(options, path="", dims=0, providers=())
    here = [_here(replace(bare, name=name)) for name in (*VARIANTS, *pulled_names(Path(options.models or ".")))]
    others = [_other(name, bare) for name in sorted(own.names())]
    listed = {model.name for model in here}
    aliases = {name: alias for alias, name in ALIASES.items()}
    far = [_far(model, aliases) for model in every_model() if model.name not in listed]
    return [*here, *others, *far]


def _here(options: EncoderOptions) -> ListedModel:
    name, in_package = options.name, options.name in VARIANTS
    known = next((model for model in every_model() if _is(model, name, options)), None)
    try:
        found = find_encoder(options)
        table = find_static(options) is not None
    except IndexerError as error:
        return ListedModel(name=name, source="folder", state="damaged", note=str(error))
    listed = ListedModel(
        name=name,
        dims=found.identity.dims,
        window=found.identity.max_tokens,
        licence=known.licence if known else LICENCES.get(name, ""),
        languages=known.languages if known else "English and code" if in_package else "",
        query_prefix=found.spec.query_prefix,
        passage_prefix=found.spec.passage_prefix,
        fast_tier=table,
        source=known.repository if known else "package" if in_package else "folder",
        state="no files",
        note="knows no meaning, only words and parts of words; used only when named",
    )
    if name == "hashing":
        return listed
    checked = check(options)
    sizes = [(Path(checked.folder) / file).stat().st_size for file in checked.files if file not in checked.findings]
    whole: State = "in the package" if in_package else "verified"
    return replace(
        listed,
        megabytes=round(sum(sizes) / 1e6, 1),
        state=whole if checked.ok else "damaged",
        folder=checked.folder,
        note="; ".join(checked.findings.values()),
    )


def _is(model: KnownModel, name: str, options: EncoderOptions) -> bool:
    return folder_of(Path(options.models), model.name) == folder_of(Path(options.models), name)


def _other(name: str, options: EncoderOptions) -> ListedModel:
    try:
        found = find_encoder(replace(options, name=name))
    except IndexerError as error:
        return ListedModel(name=name, source="another package", state="no files", note=str(error))
    sends = sends_texts_to(found)
    return ListedModel(
        name=name,
        dims=found.identity.dims,
        window=found.identity.max_tokens,
        source="another package",
        state="no files",
        note=f"sends texts to {sends}" if sends else "",
    )


def _far(model: KnownModel, aliases: dict[str, str]) -> ListedModel:
    notes = [f"can't be used: {model.unusable}" if model.unusable else ""]
    if model.needs_prefix and not (model.query_prefix or model.passage_prefix or model.unusable):
        notes.append("wants prefixes, which are not known here")
    return ListedModel(
        name=aliases.get(model.name, model.name),
        dims=model.dims,
        window=model.max_tokens,
        megabytes=model.megabytes,
        licence=model.licence,
        languages=model.languages,
        query_prefix=model.query_prefix,
        passage_prefix=model.passage_prefix,
        source=model.repository,
        state="not here",
        note="; ".join(filter(None, notes)),
    )
