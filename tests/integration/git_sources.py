"""What git holds of a repository, as a source gives it, and an index of it."""

from __future__ import annotations

import pickle
from pathlib import Path

from indexer.config import Config, EncoderOptions, ParseOptions, ProjectionOptions, WalkOptions
from indexer.types import SourceFile
from pipelines.build import build
from pipelines.report import BuildReport
from pipelines.source import open_source

CONFIG = Config(
    encoder=EncoderOptions(name="hashing"), projection=ProjectionOptions(mode="none"), parse=ParseOptions(workers=1)
)


def contents(root: Path, kind: str = "staged", options: WalkOptions | None = None) -> dict[str, str]:
    """Return what a source gives for each file that it takes."""
    source = open_source(root, Config(walk=options or WalkOptions()), kind=kind)
    taken = [file for file in source.files() if isinstance(file, SourceFile)]
    reader = pickle.loads(pickle.dumps(source.reader()))
    read = {file.path: reader.read(file.path) for file in taken}
    assert [file.stat for file in taken] == [stat for _, stat in read.values()]
    return {path: content.decode() for path, (content, _) in read.items()}


def made(root: Path, kind: str | None = None) -> BuildReport:
    return build(root, config=CONFIG, source_kind=kind)
