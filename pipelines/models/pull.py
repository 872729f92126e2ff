"""Brings a model's files into the folder of models: over HTTP, from a folder, or from an archive; whole or not at all.

They are collected in a folder beside it, so that an interrupted pull goes on where it was, and are checked, described
and tried with one text before the folder has its name.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec

from indexer.encoders.bundle import SUMS, WEIGHTS, open_bundle
from indexer.encoders.known import ALIASES, TOKENIZER_FILES, KnownModel
from indexer.encoders.local import PLACES, POOLING, derive, described
from indexer.encoders.models import folder_of, known_model
from indexer.encoders.registry import VARIANTS
from indexer.encoders.spec import DESCRIPTION, encode_spec
from indexer.errors import ConfigError, LockedError, ModelError, StorageError

from .download import NotThereError, Patience, download, open_client
from .lock import PACKAGED, known_sums, locked_revision, read_sums, record
from .unpack import unpack

HUB = "https://huggingface.co"
NEWEST = "main"
"""The revision that is asked for of a model whose files the package does not know."""
CONFIGS = (*TOKENIZER_FILES, "sentence_bert_config.json", "config_sentence_transformers.json", POOLING)
"""Files beside a graph that say how it is used; the first must be there."""

_SLACK = 200_000_000
"""Bytes that a file may be larger than the whole model is said to be."""

Trust = Literal["locked", "recorded before", "recorded now"]
OnBytes = Callable[[str, int, int | None], None]


class PulledFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its checksum, and whether that was known before."""

    file: str
    bytes: int
    sha256: str
    trust: Trust


class PulledModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is here now; `fetched` names what was not here before."""

    name: str
    folder: str
    dims: int
    files: tuple[PulledFile, ...]
    fetched: tuple[str, ...]


def pull(
    name: str,
    models: Path,
    *,
    source: Path | None = None,
    mirror: str | None = None,
    patience: Patience | None = None,
    on_bytes: OnBytes = lambda _file, _done, _total: None,
) -> PulledModel:
    """Bring a model by its name, from its hub or a mirror of it, or from `source`, a folder or an archive.

    What is here already is checked, and only what is missing or not what it was is fetched again. From a source a model
    may have any name. Raises ConfigError for a name that can't be pulled, LockedError while another process pulls,
    StorageError when the system refuses a write, and ModelError when the files can't be had, are not those that are
    known, or make no encoder.
    """
    name = ALIASES.get(name, name)
    folder = folder_of(models, name)
    if folder is None or name in VARIANTS:
        raise ConfigError(f"{name}: no model can be pulled by this name")
    known = known_model(name)
    if known is None and source is None:
        raise ConfigError(
            f"{name}: is no known model; `indexer model list` shows them, --from takes files of any other"
        )
    if known is not None and known.unusable:
        raise ConfigError(f"{name}: can't be used: {known.unusable}")
    with _alone(models):
        if source is None and (whole := _if_whole(name, folder, known_sums(models, name))):
            return whole
        staged = models / f".{folder.name}"
        staged.mkdir(exist_ok=True)
        sums = known_sums(models, name)
        _keep_whole_files(folder, staged, sums)
        if source is not None:
            fetched = _take(source, staged, known, sums)
        else:
            assert known is not None
            fetched = _fetch(known, mirror or HUB, staged, sums, patience or Patience(), on_bytes)
        return _publish(name, known, staged, folder, sums, fetched, models)


def _if_whole(name: str, folder: Path, sums: dict[str, str]) -> PulledModel | None:
    """Return what is here already if every file is what it was, without asking anybody for more."""
    try:
        bundle = open_bundle(folder)
        bundle.verify()
    except ModelError:
        return None
    published = {file: own for file, own in bundle.sums.items() if file in sums}
    if any(sums[file] != own for file, own in published.items()):
        return None
    packaged = read_sums(PACKAGED).get(name, {})
    return PulledModel(
        name=name,
        folder=str(folder),
        dims=bundle.spec.dims,
        files=_report(folder, published, packaged, sums),
        fetched=(),
    )


def _report(
    folder: Path, published: dict[str, str], packaged: dict[str, str], sums: dict[str, str]
) -> tuple[PulledFile, ...]:
    """Say of each file what vouches for it."""

    def trust(file: str) -> Trust:
        return "locked" if file in packaged else "recorded before" if file in sums else "recorded now"

    return tuple(
        PulledFile(file=file, bytes=(folder / file).stat().st_size, sha256=own, trust=trust(file))
        for file, own in sorted(published.items())
    )


def _keep_whole_files(folder: Path, staged: Path, sums: dict[str, str]) -> None:
    """Move what is here and is what it was to what is collected; anything else of it is removed."""
    if folder.is_dir():
        for path in _files(folder):
            file = path.relative_to(folder).as_posix()
            if sums.get(file) == _sha256(path):
                (staged / file).parent.mkdir(parents=True, exist_ok=True)
                path.replace(staged / file)
        table = folder / "static"
        if table.is_dir() and not (staged / "static").exists():
            table.replace(staged / "static")
        shutil.rmtree(folder)
    for path in _files(staged):
        file = path.relative_to(staged).as_posix()
        if file in sums and sums[file] != _sha256(path):
            path.unlink()


def _fetch(
    known: KnownModel, base: str, staged: Path, sums: dict[str, str], patience: Patience, on_bytes: OnBytes
) -> list[str]:
    fetched = []
    at = f"{base.rstrip('/')}/{known.repository}/resolve/{locked_revision(known.name) or NEWEST}"
    with open_client(patience) as client:
        for file in (*CONFIGS, known.model, *known.weights):
            if (staged / file).is_file():
                continue
            try:
                download(
                    client,
                    f"{at}/{file}",
                    staged / file,
                    sha256=sums.get(file),
                    most_bytes=1_000_000 * known.megabytes * 3 // 2 + _SLACK,
                    patience=patience,
                    on_bytes=lambda done, total, file=file: on_bytes(file, done, total),  # type: ignore[misc]
                )
            except NotThereError:
                if file not in CONFIGS[1:] or file in sums:
                    raise
            else:
                fetched.append(file)
    return fetched


def _take(source: Path, staged: Path, known: KnownModel | None, sums: dict[str, str]) -> list[str]:
    """Copy the files of a model from a folder or an archive.

    Of what an earlier attempt left, only files with known sums stay: others may be cut off, or of another source.
    """
    for path in _files(staged):
        if path.relative_to(staged).as_posix() not in sums:
            path.unlink()
    with tempfile.TemporaryDirectory(dir=staged.parent, prefix=".unpacked-") as temporary:
        if source.is_file():
            source = unpack(source, Path(temporary))
        elif not source.is_dir():
            raise ConfigError(f"{source}: there is no such folder or archive")
        model = known.model if known and (source / known.model).is_file() else None
        model = model or _stated_model(source)
        beside = [path for path in (source / model).parent.iterdir() if path.name.endswith(WEIGHTS)]
        names = [model, *(path.relative_to(source).as_posix() for path in beside), *CONFIGS]
        if known is None:
            names.append(DESCRIPTION)
        taken = []
        for file in names:
            path = source / file
            if path.is_symlink() and not path.resolve().is_file():
                raise ModelError(f"{path}: is a link to nothing")
            if not path.is_file() or (staged / file).is_file():
                continue
            if file in sums and _sha256(path) != sums[file]:
                raise ModelError(
                    f"{path}: is not the file that was locked: sha256 {_sha256(path)[:12]}, not {sums[file][:12]}"
                )
            (staged / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, staged / file)
            taken.append(file)
        return taken


def _stated_model(source: Path) -> str:
    if (source / DESCRIPTION).is_file():
        return described(source)[0].model
    found = next((name for name in PLACES if (source / name).is_file()), None)
    if found is None:
        raise ModelError(f"{source}: there is no ONNX graph in it, at {' or '.join(PLACES)}")
    return found


def _publish(
    name: str,
    known: KnownModel | None,
    staged: Path,
    folder: Path,
    sums: dict[str, str],
    fetched: Sequence[str],
    models: Path,
) -> PulledModel:
    """Describe what was collected, try it, list its checksums, and give it its name."""
    if known is None and (staged / DESCRIPTION).is_file():
        spec = described(staged)[0]
    else:
        spec = derive(staged, _stated(known, staged) if known else {"name": name})
    (staged / DESCRIPTION).write_bytes(encode_spec(spec))
    own = {path.relative_to(staged).as_posix(): _sha256(path) for path in _files(staged)}
    (staged / SUMS).write_text("".join(f"{own[file]}  {file}\n" for file in sorted(own)), encoding="utf-8")
    _try(staged)
    packaged = read_sums(PACKAGED).get(name, {})
    published = {file: value for file, value in own.items() if file != DESCRIPTION or known is None}
    record(models, name, {file: value for file, value in published.items() if file not in packaged})
    staged.replace(folder)
    files = _report(folder, published, packaged, sums)
    return PulledModel(name=name, folder=str(folder), dims=spec.dims, files=files, fetched=tuple(fetched))


def _stated(known: KnownModel, staged: Path) -> dict[str, Any]:
    stated = {
        "name": known.name,
        "dims": known.dims,
        "pooling": known.pooling,
        "query_prefix": known.query_prefix,
        "passage_prefix": known.passage_prefix,
    }
    if (staged / known.model).is_file():
        stated["model"] = known.model
    if known.max_tokens:
        stated["max_tokens"] = known.max_tokens
    return stated


def _try(folder: Path) -> None:
    """Encode one text; raises ModelError when that gives no vector."""
    import numpy as np

    from indexer.encoders import onnx

    open_bundle(folder)
    (vector,) = onnx.load(folder, threads=0, light=True).encode(["where is the header parsed"])
    if not np.isfinite(vector).all() or not abs(float(np.linalg.norm(vector)) - 1) < 1e-3:
        raise ModelError(f"{folder}: the model's vector of a text has no length, or one that is no number")


@contextmanager
def _alone(models: Path) -> Iterator[None]:
    """Keep other pulls out; raises LockedError, and StorageError for what the system refuses meanwhile."""
    import filelock

    try:
        models.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(models / ".lock", timeout=0):
            yield
    except filelock.Timeout as error:
        raise LockedError(f"{models}: another process is fetching a model; try again when it is done") from error
    except OSError as error:
        where = error.filename2 or error.filename or models
        raise StorageError(
            f"{where}: {error.strerror or error}; check the free space and the permissions, and pull again"
        ) from error


def _files(folder: Path) -> list[Path]:
    """Return the files of a model, without what is of an unfinished fetch, its list of checksums and its table."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.name.endswith((".part", ".etag"))
        and path.name != SUMS
        and path.relative_to(folder).parts[0] != "static"
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
