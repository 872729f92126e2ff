"""`indexer repair`: make a damaged index whole from what is sound."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.build import build
from pipelines.check.repair import repair
from pipelines.cli.build import cache_folder
from pipelines.cli.console import printable
from pipelines.cli.options import find_index, index_dir_option, json_option, print_json
from pipelines.settings import load_config


@click.command(name="repair")
@click.argument("root", type=click.Path(path_type=Path), required=False)
@index_dir_option
@click.option("--wait", "wait_seconds", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait for the lock.")
@click.option("--config", "chosen", help="A preset or a TOML file, as for build.")
@json_option
def command(root: Path | None, index_dir: Path | None, wait_seconds: float, chosen: str | None, as_json: bool) -> None:
    """Verify the index and mend it: vectors from the text index, or everything from the sources."""
    root, index_dir = find_index(root, index_dir)
    config = load_config(root, chosen=chosen)

    def rebuild() -> None:
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
        click.echo(printable(f"{finding.kind}: {finding.file}: {finding.message}"), err=True)
    click.echo(f"{report.message} (generation {report.generation})")
