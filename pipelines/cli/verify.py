"""`indexer verify`: is the index whole, and do its parts belong together?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.config import EncoderOptions
from indexer.errors import DamagedIndexError
from indexer.stores.generation.manifest import STATIC
from indexer.stores.generation.reader import open_generation
from indexer.types import Encoder

from ..check.source import SourceReport
from ..check.verify import verify
from ..report_text import counted
from ..settings import Chosen
from ..source import open_source, recorded_kind
from .console import echo, note
from .options import index_options, print_json, settings
from .root import find_index, find_index_dir

if TYPE_CHECKING:
    from indexer.stages.reduce import Projection


MAX_PATHS = 5
"""Names of files that are shown where none of them is a finding; --json has all."""


@click.command(name="verify")
@index_options
@click.option("--deep", is_flag=True, help="Also embed a sample of chunks again and compare.")
@click.option(
    "--source", "compares", is_flag=True, help="Also parse all files again and compare what is stored of them."
)
def command(
    root: Path | None, index_dir: Path | None, deep: bool, compares: bool, chosen: Chosen, as_json: bool
) -> int:
    """Check every checksum, that text, vectors and catalog hold the same chunks, and the digest. Exit 4 on findings.

    Files that changed since the build are no finding of --source; they are counted apart.
    """
    given, index_dir = index_dir, find_index_dir(root, index_dir)
    report = verify(index_dir)
    if (deep or compares) and report.ok:
        root, _ = find_index(root, given)
        config = settings(root, chosen)
        spaces = _spaces(index_dir, config.encoder) if deep else ()
        source = (
            (open_source(root, config, index_dir=index_dir, kind=recorded_kind(index_dir, root)), config)
            if compares
            else None
        )
        report = verify(index_dir, deep=spaces, source=source)
    if as_json:
        print_json(report)
    else:
        if report.ok:
            extra = f", {report.reembedded} embedded again" if deep else ""
            extra += f" ({report.rounded} rounded otherwise then)" if report.rounded else ""
            echo(
                f"ok: generation {report.generation}, {report.files} files of the index, {report.chunks} chunks{extra}"
            )
        if report.source:
            for line in _source_lines(report.source):
                echo(line)
    for finding in report.findings:
        echo(f"{finding.kind}: {finding.file}: {finding.message}", err=True)
    if report.findings:
        note("`indexer repair` mends what it can; `indexer build --full` makes the index anew")
    return 0 if report.ok else DamagedIndexError.exit_code


def _source_lines(report: SourceReport) -> Iterator[str]:
    yield f"source: {counted(report.files, 'file')} parsed again and compared"
    for paths, why in ((report.stale, "changed since the build"), (report.not_compared, "failed to parse once")):
        if paths:
            yield f"{counted(len(paths), 'file')} {why}, and not compared: {', '.join(paths[:MAX_PATHS])}" + (
                ", …" if len(paths) > MAX_PATHS else ""
            )


def _spaces(index_dir: Path, options: EncoderOptions) -> list[tuple[Encoder, Projection]]:
    from indexer.search.encoding import load_encoder, load_projection, load_static

    with open_generation(index_dir) as generation:
        projection = load_projection(generation, options)
        spaces = [(load_encoder(generation, options), projection)]
        if STATIC in generation.manifest.made_with:
            spaces.append((load_static(generation, options), projection))
        return spaces
