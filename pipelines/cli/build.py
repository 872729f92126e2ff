"""`indexer build`: index a folder, or bring its index up to date."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from indexer.config import CacheOptions, Config
from indexer.errors import StorageError
from indexer.stores.generation.layout import default_index_dir

from ..build import build
from ..report import BuildReport
from ..report_text import counted, left_out_text, recall_text, source_text, upgraded_text
from ..settings import Chosen
from ..whole_file import whole_file
from .console import tell, warn
from .display import progress
from .interrupted import saying_what_is_kept
from .model import say, settings_with_model
from .options import (
    aligned,
    encode_json,
    hash_option,
    index_options,
    print_json,
    print_report,
    quiet_option,
    wait_option,
)
from .root import root_to_build

if TYPE_CHECKING:
    from ..plan import PlannedFile

MAX_LANGUAGES = 8


@click.command(name="build")
@index_options
@click.option("--full", is_flag=True, help="Start from nothing; replaces a damaged index too.")
@hash_option
@click.option(
    "--source", "source_kind", metavar="SOURCE", help="worktree, staged or rev:REV. Default: as the index is."
)
@wait_option
@click.option("--fast", is_flag=True, help="Stop when all is searchable; upgrade no vectors.")
@click.option("--max-seconds", type=click.FloatRange(min=0), help="Upgrade vectors until the build takes so long.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the embedding cache.")
@click.option("--dry-run", is_flag=True, help="List what would be indexed and skipped, and why; write nothing.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write the JSON report into a file.")
@click.option("--report-html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page about the build.")
@quiet_option
def command(
    root: Path | None,
    index_dir: Path | None,
    full: bool,
    by_content: bool,
    source_kind: str | None,
    chosen: Chosen,
    wait_seconds: float,
    fast: bool,
    max_seconds: float | None,
    no_cache: bool,
    dry_run: bool,
    report: Path | None,
    report_html: Path | None,
    as_json: bool,
) -> None:
    """Index ROOT, or bring its index up to date.

    ROOT defaults to the nearest folder upwards that holds an index, and else to here.
    Only what changed is parsed and embedded. The new index is published at once, or not at all. It is searchable with
    static vectors first; these are then replaced by the encoder's own, and what is done stays when that is stopped.
    """
    root = root_to_build(root, index_dir)
    config = settings_with_model(root, chosen)
    if fast:
        config = replace(config, build=replace(config.build, upgrade="never"))
    if dry_run:
        _list_plan(root, config, index_dir, full=full, by_content=by_content, source_kind=source_kind, as_json=as_json)
        return
    for file in filter(None, (report, report_html)):
        if not os.access(file.parent, os.W_OK):
            raise StorageError(f"{file}: can't be written; is {file.parent} a folder, and yours to write?")
    say(config.encoder, builds=True)
    cache_dir = None if no_cache else cache_folder(config.cache)
    with (
        saying_what_is_kept(index_dir or default_index_dir(root), caches=cache_dir is not None),
        progress() as display,
    ):
        built = build(
            root,
            config=config,
            index_dir=index_dir,
            full=full,
            by_content=by_content,
            source_kind=source_kind,
            wait_seconds=wait_seconds,
            max_seconds=max_seconds,
            cache_dir=cache_dir,
            progress=display,
        )
    for warning in built.warnings:
        warn(warning)
    if report_html is not None:
        from .stats import write_report_page

        write_report_page(report_html, root, index_dir or default_index_dir(root), built)
    if report is not None:
        with whole_file(report) as target:
            target.write(encode_json(built) + b"\n")
    print_report(built, summary, as_json=as_json)


def _list_plan(
    root: Path,
    config: Config,
    index_dir: Path | None,
    *,
    full: bool,
    by_content: bool,
    source_kind: str | None,
    as_json: bool,
) -> None:
    from ..plan import Plan, plan

    files = plan(root, config=config, index_dir=index_dir, full=full, by_content=by_content, source_kind=source_kind)
    if as_json:
        print_json(Plan.of(files))
        return
    listed: list[PlannedFile] = []
    for file in files:
        reason = f"{file.reason}: {file.detail}" if file.reason and file.detail else file.reason or file.detail
        tell("  ".join(filter(None, (f"{file.action:<9}", file.path, file.language, reason))))
        listed.append(file)
    planned = Plan.of(listed)
    actions = ", ".join(f"{planned.actions.get(name, 0)} to {name}" for name in ("add", "modify", "remove", "skip"))
    reasons = ", ".join(f"{reason} {count}" for reason, count in planned.reasons.items())
    tell(f"{actions}, {planned.actions.get('leave-out', 0)} left out{f' ({reasons})' if reasons else ''}")


def cache_folder(options: CacheOptions) -> Path | None:
    """Return where embeddings are cached: the configured folder, the platform's, or nowhere."""
    if not options.enabled:
        return None
    if options.path:
        return Path(options.path)
    import platformdirs

    return platformdirs.user_cache_path("codebase-indexer", appauthor=False)


def summary(report: BuildReport) -> list[str]:
    """Return what a build did, in lines for a person."""
    files, chunks = report.files, report.chunks
    total = sum(report.seconds.values())
    source = source_text(report.source)
    if not report.committed:
        return [
            f"Nothing changed: {counted(files.unchanged, 'file')}, {counted(chunks.total, 'chunk')}, "
            f"generation {report.generation} stays ({1000 * total:.0f} ms).",
            *aligned([("source", source)]),
        ]
    skips = ", ".join(f"{reason} {count}" for reason, count in report.skips.items())
    languages = sorted(report.languages.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{name} {count}" for name, count in languages[:MAX_LANGUAGES])
    rest = f", {len(languages) - MAX_LANGUAGES} more" if len(languages) > MAX_LANGUAGES else ""
    errors = ", ".join(f"{name} {count}" for name, count in report.parse_errors.items())
    failures = ", ".join(f"{name} {count}" for name, count in report.parser_failures.items())
    left_out, tracked = left_out_text(report.left_out)
    rows = [
        (
            "files",
            f"{files.added} added, {files.modified} modified, {files.removed} removed, "
            f"{files.unchanged} unchanged, {files.skipped} skipped",
        ),
        ("skipped", skips),
        ("left out", left_out),
        ("tracked", tracked),
        (
            "chunks",
            f"{chunks.total} in all: {chunks.embedded} embedded, {chunks.reused} reused, {chunks.removed} removed",
        ),
        ("vectors", upgraded_text(report.upgraded)),
        ("searchable", f"after {report.searchable_seconds:.1f} s" if report.searchable_seconds else ""),
        ("languages", shown + rest),
        ("coverage", f"{report.bytes / 1e6:.2f} MB indexed in {counted(len(report.languages), 'language')}"),
        ("parse errors", errors),
        ("by lines", f"{failures} (files on which the grammar failed)" if failures else ""),
        ("recall", recall_text(report.recall) if report.recall and not (report.drift and report.drift.added) else ""),
        ("seconds", ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in report.seconds.items())),
        ("source", source),
        ("rebuilt", report.rebuilt),
        ("generation", f"{report.generation}  digest {report.digest}"),
    ]
    return aligned(rows)
