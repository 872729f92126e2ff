"""What an agent can ask of a fleet; plain functions from arguments to short text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from indexer.config import Config
from indexer.encoders.registry import own_options

from ..fleet.search import Fleet, FleetResult, open_fleet
from ..models.choice import leaving
from ..report_text import upgraded_text
from ..settings import load_config, user_file, user_models
from .text import Place, count_tokens, hits_text, is_named, symbols_text
from .tools import SYMBOL_HITS, check_room

INSTRUCTIONS = """\
Search many repositories by meaning, words and names before grep: `search` for how or where something is done, `symbol`
for a definition by name, `status` for what there is. Paths begin with the repository's name."""


class FleetTools:
    """Each method is a tool, and its docstring what the agent reads of it. Raises IndexerError for what can't be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fleet: Fleet | None = None

    def search(
        self,
        query: str,
        keywords: Sequence[str] = (),
        repository: str = "",
        path: str = "",
        lang: str = "",
        k: int = 5,
        lines: int = 10,
        distinct: bool = True,
    ) -> str:
        """Find code in all repositories by meaning and by words.

        query: a question, a name, an error message. keywords: words or literals that the code should contain.
        repository: only this one. path: a glob, which begins with the repository's name. lang: a language, such as
        python. k: how many hits, 1 to 50. lines: of code, at most, each, 0 to 40. distinct: show a text once, wherever
        it was copied to.
        """
        check_room(k, lines)
        result = self._open().search(
            " ".join((query, *keywords)),
            k=k,
            languages=[lang] if lang else [],
            paths=[path, f"{path.rstrip('/')}/**"] if path else [],
            repositories=[repository] if repository else [],
            distinct=distinct,
        )
        encoder = own_options(self._config.encoder, self._open().manifest.encoder.name)
        state = "; ".join((_state(result), *leaving(encoder, builds=False)))
        places: list[Place] = [("", hit) for hit in result.hits]
        return "\n".join((hits_text(places, lines=lines, spent=count_tokens(state)) or "no hits", state))

    def symbol(self, name: str) -> str:
        """Find definitions by name in all repositories, such as `dispatch_request` or `Flask.dispatch_request`."""
        result = self._open().search(name, k=SYMBOL_HITS, mode="text")
        named = {
            (hit.path, hit.qualified_name or hit.name, hit.kind): ("", hit)
            for hit in reversed(result.hits)
            if is_named(hit, name)
        }
        if named:
            return "\n".join((symbols_text(reversed(named.values())), _state(result)))
        near = symbols_text([("", hit) for hit in result.hits[:5]])
        found = f"no definition of {name} is indexed" + ("; nearest:" if near else "")
        return "\n".join(filter(None, (found, near, _state(result))))

    def status(self) -> str:
        """Say which repositories are indexed, and how large they are."""
        manifest = self._open().manifest
        chunks: dict[str, int] = {}
        for shard in manifest.shards:
            chunks[shard.repository] = chunks.get(shard.repository, 0) + shard.chunks
        told = ", ".join(f"{name} {count}" for name, count in sorted(chunks.items()))
        return f"manifest {manifest.number} of {manifest.created}; chunks by repository: {told}"

    def is_building(self) -> bool:
        """Whether a build is under way: a fleet is built by itself, never by a server."""
        return False

    def close(self) -> None:
        """Close the fleet."""
        if self._fleet is not None:
            self._fleet.close()
            self._fleet = None

    @cached_property
    def _config(self) -> Config:
        return load_config(self._folder, user=user_file(), models=user_models())

    def _open(self) -> Fleet:
        if self._fleet is None:
            self._fleet = open_fleet(self._folder, options=self._config.encoder, vectors=self._config.vectors)
        return self._fleet


def _state(result: FleetResult) -> str:
    vectors = f"; of the vectors {upgraded_text(result.upgraded)}" if result.upgraded < 1 else ""
    return f"[fleet manifest {result.number}{vectors}]"
