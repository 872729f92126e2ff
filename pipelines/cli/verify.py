"""`indexer verify`: is the index whole, and do its parts belong together?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.config import EncoderOptions
from indexer.errors import DamagedIndexError
from indexer.stores.generation.reader import open_generation
from indexer.types import Encoder
from pipelines.check.verify import verify
from pipelines.cli.console import printable
from pipelines.cli.options import find_index, index_dir_option, json_option, print_json
from pipelines.settings import load_config

if TYPE_CHECKING:
    from indexer.stages.reduce import Projection


@click.command(name="verify")
@click.argument("root", type=click.Path(path_type=Path), required=False)
@index_dir_option
@click.option("--deep", is_flag=True, help="Also embed a sample of chunks again and compare.")
@json_option
def command(root: Path | None, index_dir: Path | None, deep: bool, as_json: bool) -> int:
    """Check every checksum, that text, vectors and catalog hold the same chunks, and the digest. Exit 4 on findings."""
    root, index_dir = find_index(root, index_dir)
    report = verify(index_dir)
    if deep and report.ok:
        report = verify(index_dir, deep=_space(index_dir, load_config(root).encoder))
    if as_json:
        print_json(report)
    elif report.ok:
        extra = f", {report.reembedded} embedded again" if deep else ""
        click.echo(f"ok: generation {report.generation}, {report.files} files, {report.chunks} chunks{extra}")
    for finding in report.findings:
        click.echo(printable(f"{finding.kind}: {finding.file}: {finding.message}"), err=True)
    return 0 if report.ok else DamagedIndexError.exit_code


def _space(index_dir: Path, options: EncoderOptions) -> tuple[Encoder, Projection]:
    from indexer.search.encoding import load_encoder, load_projection

    with open_generation(index_dir) as generation:
        return load_encoder(generation, options), load_projection(generation, options)
