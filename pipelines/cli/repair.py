"""`indexer repair`: make a damaged index whole from what is sound."""

from __future__ import annotations

from pathlib import Path

import click

from ..build import build
from ..check.repair import repair
from ..settings import Chosen
from .build import cache_folder
from .console import echo
from .model import say
from .options import index_options, print_json, settings, wait_option
from .root import find_index_dir, root_to_build


@click.command(name="repair")
@index_options
@wait_option
def command(root: Path | None, index_dir: Path | None, wait_seconds: float, chosen: Chosen, as_json: bool) -> None:
    """Verify the index and mend it: vectors from the text index, or everything from the sources."""
    root = root_to_build(root, index_dir)
    index_dir = find_index_dir(root, index_dir)
    config = settings(root, chosen)

    def rebuild() -> None:
        say(config.encoder, builds=True)
        build(
            root,
            config=config,
            index_dir=index_dir,
            full=True,
            wait_seconds=wait_seconds,
            cache_dir=cache_folder(config.cache),
        )

    report = repair(index_dir, rebuild=rebuild, wait_seconds=wait_seconds, options=config.vectors)
    if as_json:
        print_json(report)
        return
    for finding in report.findings:
        echo(f"{finding.kind}: {finding.file}: {finding.message}", err=True)
    echo(f"{report.message} (generation {report.generation})")
