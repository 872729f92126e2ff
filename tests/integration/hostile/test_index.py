"""An index of which anything is altered, with right checksums, or that is another user's."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.stores.generation import layout
from indexer.stores.text.files import TEXT_LOCKS
from pipelines.check.repair import repair
from pipelines.check.verify import verify
from tests.damage import ANSWERED, REFUSED, mutate, reseal, tried
from tests.integration.hostile.indexes import read


@pytest.mark.parametrize("folder", [layout.TEXT, layout.VECTORS, layout.CATALOG])
def test_no_alteration_ends_the_process_or_takes_its_memory(mine: Path, folder: str) -> None:
    """benchmarks/ runs many more."""
    source = random.Random(9)
    generation = reseal(mine)
    place = generation / folder
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    files = [path for path in files if path.name not in TEXT_LOCKS]
    assert tried(lambda: read(mine)) == ANSWERED
    found = set()
    for _ in range(50):
        path = source.choice(files)
        content = path.read_bytes()
        path.unlink()  # the file may be a hard link
        path.write_bytes(mutate(content, source))
        reseal(mine)
        found.add(tried(lambda: read(mine)))
        path.write_bytes(content)
    assert found == {ANSWERED, REFUSED}


def test_vectors_with_a_graph_that_leads_out_are_named_and_repaired(mine: Path) -> None:
    right = read(mine)
    path = reseal(mine) / layout.VECTORS / "00000001.vectors"
    content = bytearray(path.read_bytes())
    rows = int.from_bytes(content[:4], "little")
    at = content.index(b"usearch") + 104 + 2 * rows + 14  # the first link of the first node
    content[at : at + 4] = b"\xff\xff\xff\x7f"
    path.unlink()
    path.write_bytes(content)
    reseal(mine)
    assert tried(lambda: read(mine)) == REFUSED
    assert not verify(mine).ok
    repair(mine, rebuild=lambda: pytest.fail("the text index has all vectors"))
    assert verify(mine).ok
    assert read(mine)[-5:] == right[-5:]


SERVES = """
import os, sys
from pathlib import Path
from indexer.stores.vectors import segment_file
from tests.integration.hostile import indexes
segment_file.GRAPH_VECTORS = 50
index_dir = Path(sys.argv[1])
indexes.read(index_dir)  # imports all there is to import
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
assert not os.access(index_dir, os.W_OK)
print(len(indexes.read(index_dir)))
"""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be somebody else")
def test_an_index_of_another_user_serves(mine: Path) -> None:
    """usearch opens files with O_NOATIME, which the system allows their owner alone."""
    mine.parent.chmod(0o755)
    read(mine)  # as its owner, who may make Tantivy's lock
    before = sorted(mine.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", SERVES, str(mine)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "TMPDIR": "/tmp"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "14\n"
    assert sorted(mine.rglob("*")) == before
