"""`indexer search`: ask the index, or several."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click
from msgspec.structs import replace

import indexer
from indexer.config import Config
from indexer.encoders.registry import own_options
from indexer.errors import ConfigError, StaleIndexError
from indexer.index import Index
from indexer.stores.generation.reader import Generation
from indexer.types import SearchResult

from ..answer import BatchAnswer, answer
from ..freshness import count_stale
from ..report_text import counted
from ..settings import Chosen
from .asked import EXIT_NO_HIT, Asked, Question, question_options, search_options
from .batch import batch_queries
from .console import is_quiet, note, write_out
from .here import glob_from_here
from .hits import show
from .model import fetch_missing, say
from .options import config_option, encode_json, index_dir_option, json_option, settings
from .root import find_index


@click.command(name="search")
@click.argument("words", nargs=-1, metavar="QUERY")
@click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The indexed folder; several are searched together. Default: the nearest one upwards that holds an index.",
)
@index_dir_option
@question_options
@search_options
@click.option("--batch", metavar="FILE", help='JSON lines {"id","query"} in, {"id","hits"} out; - is stdin.')
@click.option("--require-fresh", is_flag=True, help="Exit 3 when a file's content is not what is indexed.")
@config_option
@json_option
def command(
    words: tuple[str, ...],
    roots: tuple[Path, ...],
    index_dir: Path | None,
    question: Question,
    asked: Asked,
    batch: str | None,
    require_fresh: bool,
    chosen: Chosen,
    as_json: bool,
) -> int:
    """Find code by word and by meaning.

    QUERY is a question, an identifier, a path, an error message, or code. What stands in "double quotes" must stand so
    in the code. A QUERY that begins with a dash comes after --. Exits with 7 when nothing is found.
    """
    shown = asked.shown(as_json=as_json, explain=question.explain)
    if bool(words) == (batch is not None):
        raise click.UsageError("--batch takes no QUERY" if words else "give a QUERY, or --batch FILE")
    if index_dir is not None and len(roots) > 1:
        raise ConfigError("--index-dir is of one index; leave it out with several --root")
    with ExitStack() as stack:
        opened: list[tuple[Path, Index]] = []
        for named in roots or (None,):
            root, folder = find_index(named, index_dir)
            config = settings(root, chosen)
            if question.fast:
                config = replace(config, encoder=replace(config.encoder, queries="static"))
            index = stack.enter_context(open_index(root, folder, config, by_content=require_fresh))
            made_with = replace(config.encoder, name=index.generation.manifest.encoder.name)
            fetch_missing(made_with)
            if question.mode != "text":
                say(own_options(config.encoder, made_with.name), builds=False)
            if require_fresh and (stale := index.stale()) != 0:
                raise StaleIndexError(_staleness(root, stale) + "; run `indexer build`, or leave out --require-fresh")
            opened.append((root, index))
        searched = [root for root, _ in opened]
        first, *others = (index for _, index in opened)
        globs = [glob if others else glob_from_here(glob, searched[0]) for glob in asked.paths]

        def ask(text: str) -> SearchResult:
            return first.search(
                text,
                k=asked.hits,
                mode=question.mode,
                languages=asked.languages,
                kinds=asked.kinds,
                paths=globs,
                within=question.within,
                pattern=question.pattern,
                explain=question.explain,
                lines=asked.lines_a_hit,
                beside=others,
            )

        if batch is not None:
            for query in batch_queries(batch):
                found = answer(ask(query.query), searched, explain=question.explain)
                line = BatchAnswer(
                    id=query.id,
                    generation=found.generation,
                    stale=found.stale,
                    upgraded=found.upgraded,
                    beside=found.beside,
                    hits=found.hits,
                )
                write_out(encode_json(line) + b"\n")
            return 0
        result = ask(" ".join(words))
        upgraded_by = "indexer build" if config.build.upgrade == "now" else ""
        show(result, searched, shown, upgraded_by=upgraded_by)
        for root, index in opened:
            if not (as_json or is_quiet()) and (stale := index.stale()):
                note(f"{_staleness(root, stale)}; `indexer build` brings it up to date")
    return 0 if result.hits else EXIT_NO_HIT


def open_index(root: Path, index_dir: Path, config: Config, *, by_content: bool = False) -> Index:
    """Open an index whose answers say how far it is behind the files below `root`; `by_content` reads every one."""

    def stale(generation: Generation) -> int | None:
        return count_stale(root, generation, config, by_content=by_content)

    return indexer.open(index_dir, options=config.encoder, vectors=config.vectors, count_stale=stale)


def _staleness(root: Path, stale: int | None) -> str:
    if stale is None:
        return f"{root}: the indexed files are not here, so the index can't be compared with them"
    return f"{root}: {counted(stale, 'file')} changed since the index was built"
