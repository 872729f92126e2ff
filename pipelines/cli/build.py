"""`indexer build`: index a folder, or bring its index up to date."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.config import CacheOptions, Config
from pipelines.build import build
from pipelines.cli.console import printable, progress
from pipelines.cli.options import hash_option, index_dir_option, json_option, print_json, root_argument
from pipelines.quality.figures import recall_text
from pipelines.report import BuildReport
from pipelines.settings import load_config

MAX_LANGUAGES = 8


@click.command(name="build")
@root_argument
@index_dir_option
@click.option("--full", is_flag=True, help="Start from nothing; replaces a damaged index too.")
@hash_option
@click.option("--config", "chosen", help="A preset (default, ci, precommit) or a TOML file.")
@click.option("--wait", "wait_seconds", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait for the lock.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the embedding cache.")
@click.option("--dry-run", is_flag=True, help="List what would be indexed and skipped, and why; write nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@json_option
def command(
    root: Path,
    index_dir: Path | None,
    full: bool,
    by_content: bool,
    chosen: str | None,
    wait_seconds: float,
    no_cache: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Index ROOT (default: here), or bring its index up to date.

    Only what changed is parsed and embedded. The new index is published at once, or not at all.
    """
    config = load_config(root, chosen=chosen)
    if dry_run:
        _list_plan(root, config, index_dir, full=full, by_content=by_content, as_json=as_json)
        return
    with progress(quiet=quiet) as display:
        report = build(
            root,
            config=config,
            index_dir=index_dir,
            full=full,
            by_content=by_content,
            wait_seconds=wait_seconds,
            cache_dir=None if no_cache else cache_folder(config.cache),
            progress=display,
        )
    for warning in report.warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    if as_json:
        print_json(report)
    else:
        click.echo(summary(report))


def _list_plan(
    root: Path, config: Config, index_dir: Path | None, *, full: bool, by_content: bool, as_json: bool
) -> None:
    from pipelines.plan import plan

    for file in plan(root, config=config, index_dir=index_dir, full=full, by_content=by_content):
        if as_json:
            print_json(file)
        else:
            reason = f"{file.reason}: {file.detail}" if file.reason and file.detail else file.reason or file.detail
            click.echo(printable("  ".join(filter(None, (f"{file.action:<6}", file.path, file.language, reason)))))


def cache_folder(options: CacheOptions) -> Path | None:
    """Return where embeddings are cached: the configured folder, the platform's, or nowhere."""
    if not options.enabled:
        return None
    if options.path:
        return Path(options.path)
    import platformdirs

    return platformdirs.user_cache_path("codebase-indexer", appauthor=False)


def summary(report: BuildReport) -> str:
    """Return what a build did, for a person."""
    files, chunks = report.files, report.chunks
    total = sum(report.seconds.values())
    if not report.committed:
        return (
            f"Nothing changed: {files.unchanged} files, {chunks.total} chunks, "
            f"generation {report.generation} stays ({1000 * total:.0f} ms)."
        )
    skips = ", ".join(f"{reason} {count}" for reason, count in report.skips.items())
    languages = sorted(report.languages.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{name} {count}" for name, count in languages[:MAX_LANGUAGES])
    rest = f", {len(languages) - MAX_LANGUAGES} more" if len(languages) > MAX_LANGUAGES else ""
    errors = ", ".join(f"{name} {count}" for name, count in report.parse_errors.items())
    failures = ", ".join(f"{name} {count}" for name, count in report.parser_failures.items())
    rows = [
        (
            "files",
            f"{files.added} added, {files.modified} modified, {files.removed} removed, "
            f"{files.unchanged} unchanged, {files.skipped} skipped",
        ),
        ("skipped", skips),
        (
            "chunks",
            f"{chunks.total} in all: {chunks.embedded} embedded, {chunks.reused} reused, {chunks.removed} removed",
        ),
        ("languages", shown + rest),
        ("coverage", f"{report.bytes / 1e6:.2f} MB indexed in {len(report.languages)} languages"),
        ("parse errors", errors),
        ("by lines", f"{failures} (files on which the grammar failed)" if failures else ""),
        ("recall", recall_text(report.recall) if report.recall and not (report.drift and report.drift.added) else ""),
        ("seconds", ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in report.seconds.items())),
        ("rebuilt", report.rebuilt),
        ("generation", f"{report.generation}  digest {report.digest}"),
    ]
    return "\n".join(f"{name:<13}{printable(text)}" for name, text in rows if text)
