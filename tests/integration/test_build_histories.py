"""Real builds: any sequence of edits and builds equals a fresh build of the final tree."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.config import Config, EncoderOptions, ParseOptions, ProjectionOptions
from indexer.languages.analyzer import terms
from indexer.stores.generation.layout import default_index_dir
from indexer.stores.generation.reader import Generation, open_generation
from pipelines.build import build
from pipelines.check.verify import verify
from tests.integration.conftest import ram_folder

CONFIG = Config(
    encoder=EncoderOptions(name="hashing"), projection=ProjectionOptions(mode="none"), parse=ParseOptions(workers=1)
)
PATHS = ("main.py", "lib/net.py", "lib/text.go", "notes.md", "data.bin")
CONTENTS = (
    b'def read_socket(sock):\n    """Read from a socket."""\n    return sock.recv(1)\n\n\n'
    b"class Parser:\n    def feed(self, data):\n        self.data = data\n",
    b"def read_socket(sock):\n    return sock.recv(2)\n",
    b"package text\n\n// Join joins lines.\nfunc Join(lines []string) string {\n\treturn lines[0]\n}\n",
    b"# Notes\n\nHow the parser reads a socket.\n",
    b"\0\1\2",
    b"",
)
QUERIES = ("read socket", "parser feed data", "join lines", "notes")

path = st.sampled_from(PATHS)
edit = st.one_of(
    st.tuples(st.just("write"), path, st.sampled_from(CONTENTS)),
    st.tuples(st.just("append"), path),
    st.tuples(st.just("touch"), path),
    st.tuples(st.just("rename"), path, path),
    st.tuples(st.just("remove"), path),
    st.tuples(st.just("build")),
)


def apply(root: Path, step: tuple[object, ...]) -> None:
    """Edit the tree; what can't be done to a missing file is not done."""
    file = root / str(step[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    match step:
        case ("write", _, bytes(content)):
            file.write_bytes(content)
        case ("append", _) if file.exists():
            file.write_bytes(file.read_bytes() + b"\ndef appended():\n    return 'appended'\n")
        case ("touch", _) if file.exists():
            os.utime(file, ns=(1, file.stat().st_mtime_ns + 10**9))
        case ("rename", _, str(target)) if file.exists():
            (root / target).parent.mkdir(parents=True, exist_ok=True)
            file.rename(root / target)
        case ("remove", _):
            file.unlink(missing_ok=True)


def answers(generation: Generation) -> list[object]:
    """What searches by text give."""
    return [
        list(
            generation.text.search(
                {"body": dict.fromkeys(terms(query), 1.0), "names": dict.fromkeys(terms(query), 2.0)}, limit=5
            ).items()
        )
        for query in QUERIES
    ]


@settings(max_examples=6)
@given(st.lists(edit, min_size=4, max_size=14))
def test_any_history_of_builds_equals_a_fresh_build(history: list[tuple[object, ...]]) -> None:
    with ram_folder() as folder:
        grown, fresh = folder / "grown", folder / "fresh"
        grown.mkdir()
        for step in (*history, ("build",)):
            if step == ("build",):
                build(grown, config=CONFIG)
            else:
                apply(grown, step)
        shutil.copytree(grown, fresh, ignore=shutil.ignore_patterns(".indexer"))
        assert build(fresh, config=CONFIG).digest == build(grown, config=CONFIG).digest
        assert verify(default_index_dir(grown)).ok
        with open_generation(default_index_dir(grown)) as a, open_generation(default_index_dir(fresh)) as b:
            assert a.manifest.digest == b.manifest.digest
            assert a.manifest.counts == b.manifest.counts
            assert answers(a) == answers(b)
