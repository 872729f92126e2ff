"""A hundred questions as people type them, over five repositories outside every set: is the right place first, or near?

    python -m benchmarks.hundred_questions REPOS [--set NAME] [--indexes DIR] [--encoder NAME] [--misses FILE]

REPOS holds a checkout of each repository of the set, by its own name, at the commit in PINNED. There are five sets of
a hundred: `hundred` is what search was mended by; `unseen`, `third`, `fourth` and `fifth`, of five other repositories
each, were measured before anything was mended by them. Questions and answers (data/NAME_questions.jsonl)
were written from the repositories with `git grep` before any search was made: error texts as a person sees them, flags,
config keys, environment variables, texts of TODOs, constants, macros, "where is … configured", CI files, definitions,
and questions in words. An answer is a path, and where it matters a line: the place that prints, parses, defines or
documents what is asked for, not those that merely mention it. A hit is right when it is of an answer's file and spans
its line.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

import indexer
from benchmarks.measure import write_result
from indexer.config import Config, EncoderOptions
from indexer.encoders.registry import VARIANTS
from indexer.index import Index
from pipelines.build import build

DATA = Path(__file__).parent / "data"
FIRST_HITS = 5
PINNED = {
    "hundred": {
        "celery/celery": "5dc781f0bd5f36186bfcc74e0a4f9f654452c69b",
        "jj-vcs/jj": "9d905d5432869c7aa9539e6e5c7fece5842bed37",
        "mpv-player/mpv": "b955aa28f3dc93dc6b21485a0d5b7feb8e6dc10f",
        "restic/restic": "a80be1478a4c537f8396e0db2b05120aa78f11e0",
        "typeorm/typeorm": "281bfba42a5813b106bcf5ba79bc7f7251bd1e73",
    },
    "unseen": {
        "mitmproxy/mitmproxy": "8fc25b3045934777b0796d8ec7958bbc257d7bb5",
        "helix-editor/helix": "079a789e8cb08ead67f19e1971a1b7438b37354b",
        "i3/i3": "47cab33aa8b3c8b47e34de6148440a1bc30a2297",
        "traefik/traefik": "fd5a576df2e8aeb0bfc8a96b6ef6e60a61f7ec0a",
        "excalidraw/excalidraw": "4872083c044491b6d5c96ae134a75464f96d6831",
    },
    "third": {
        "pinterest/ktlint": "8b3c23803408b99d90c89ae54f2aa18a49851595",
        "roundcube/roundcubemail": "28b44419ee44c8749a85e7183325055c2cf68a4d",
        "fluent/fluentd": "ff8682d797436bdadca8da39b862eb23f6700515",
        "keepassxreboot/keepassxc": "95bae8377c88f46fda565e09fee25d7ba684fe9e",
        "certbot/certbot": "f769e35e77f1fa21a75cd5418641502dad8a37c5",
    },
    "fourth": {
        "syncthing/syncthing": "328d910aee822178f55442c76bc7e35ce34d68cc",
        "zellij-org/zellij": "bf8d23a4f774abf27a108da2a1a2689e7d8d0d23",
        "outline/outline": "d77dcdf853868c5d5fe125c895c9b71f0eff5c68",
        "gatling/gatling": "8bb193bdf5d0f54cf803dcbc3c6846306c38c202",
        "koreader/koreader": "fc88887662c27fbef956a46d7772f2dde1658384",
    },
    "fifth": {
        "weechat/weechat": "fb69b4affb1832cfa91dc9611692d6848465cd92",
        "miniflux/v2": "106cdd09e1557222303f3ed1376e1dadf0638621",
        "BookStackApp/BookStack": "6f1c54d018f7d55301eb4c31055b04769f5924d7",
        "jellyfin/jellyfin": "c3ed1407ca698b0905de99da87b67415e6a62dbd",
        "OpenRefine/OpenRefine": "ff43aa1b531e25b81cc715df63dca3d75ae87a50",
    },
}


class Place(msgspec.Struct, frozen=True):
    """Where an answer stands; without a line the whole file is one."""

    path: str
    line: int = 0


class Question(msgspec.Struct, frozen=True):
    """What is typed, of which kind, and where the answers stand."""

    repository: str
    kind: str
    query: str
    answers: tuple[Place, ...]


def main() -> None:
    """Build what is missing, ask, print the figures, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("repos", type=Path)
    parser.add_argument("--set", default="hundred", choices=sorted(PINNED), help="which questions")
    parser.add_argument("--indexes", type=Path, default=Path("build/hundred-questions-indexes"))
    parser.add_argument("--cache", type=Path, default=Path("build/retrieval-cache"), help="embeddings kept")
    parser.add_argument("--encoder", default="minilm", choices=sorted(VARIANTS), help="what indexes are made with")
    parser.add_argument("--misses", type=Path, help="write what was not first, with the first hits")
    arguments = parser.parse_args()
    source = DATA / f"{arguments.set}_questions.jsonl"
    questions = [msgspec.json.decode(line, type=Question) for line in source.read_bytes().splitlines()]
    config = Config(encoder=EncoderOptions(name=arguments.encoder))
    ranks: list[tuple[Question, int]] = []
    misses: list[str] = []
    for repository, commit in PINNED[arguments.set].items():
        root = arguments.repos / repository.split("/")[1]
        head = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        if head.stdout.strip() != commit:
            raise SystemExit(f"{root}: is not at {commit}")
        index_dir = arguments.indexes / arguments.encoder / root.name
        build(root, config=config, index_dir=index_dir, cache_dir=arguments.cache)
        with indexer.open(index_dir, options=config.encoder) as index:
            for question in questions:
                if question.repository == repository:
                    rank, shown = place(index, question)
                    ranks.append((question, rank))
                    if rank != 1:
                        misses.append(f"{question.kind}\t{rank}\t{repository}\t{question.query}\t{'; '.join(shown)}")
    result = figures(ranks)
    for kind, row in result.items():
        print(f"{kind:<12}", row)
    if arguments.misses:
        arguments.misses.write_text("\n".join([*misses, ""]), encoding="utf-8")
    name = f"{arguments.set}_questions" + ("" if arguments.encoder == "minilm" else f"_{arguments.encoder}")
    flags = "" if arguments.set == "hundred" else f" --set {arguments.set}"
    flags += "" if arguments.encoder == "minilm" else f" --encoder {arguments.encoder}"
    pinned = PINNED[arguments.set]
    write_result(name, f"python -m benchmarks.hundred_questions REPOS{flags}", {"pinned": pinned, **result})


def place(index: Index, question: Question) -> tuple[int, list[str]]:
    """Return the place of the first right hit among the first, 0 for none, and where the hits stand."""
    hits = index.search(question.query, k=FIRST_HITS).hits
    shown = [f"{hit.path}:{hit.start_line}-{hit.end_line}" for hit in hits]
    for rank, hit in enumerate(hits, 1):
        for answer in question.answers:
            if hit.path == answer.path and (not answer.line or hit.start_line <= answer.line <= hit.end_line):
                return rank, shown
    return 0, shown


def figures(ranks: Sequence[tuple[Question, int]]) -> Mapping[str, Mapping[str, int]]:
    """Return for each kind, repository, and all: how many are asked, found first, and found among five."""
    groups: dict[str, list[int]] = {"all": []}
    for question, rank in ranks:
        for group in ("all", question.kind, question.repository):
            groups.setdefault(group, []).append(rank)
    return {
        group: {
            "asked": len(own),
            "first": sum(rank == 1 for rank in own),
            "among_five": sum(rank > 0 for rank in own),
        }
        for group, own in groups.items()
    }


if __name__ == "__main__":
    main()
