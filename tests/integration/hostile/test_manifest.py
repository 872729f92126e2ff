"""A manifest that somebody wrote: its checksum is right, and its numbers lie."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from indexer.stores.generation import layout
from indexer.stores.generation import manifest as manifests
from indexer.stores.generation.manifest import Manifest
from pipelines.check.verify import verify
from tests.damage import ANSWERED, REFUSED, reseal, tried
from tests.integration.hostile.indexes import read


def with_segment(**values: int) -> Callable[[Manifest], Manifest]:
    """Change what the manifest says of the first segment."""

    def change(manifest: Manifest) -> Manifest:
        first = msgspec.structs.replace(manifest.segments[0], **values)
        return msgspec.structs.replace(manifest, segments=(first, *manifest.segments[1:]))

    return change


def with_dims(part: str, dims: int) -> Callable[[Manifest], Manifest]:
    return lambda manifest: msgspec.structs.replace(
        manifest, **{part: msgspec.structs.replace(getattr(manifest, part), dims=dims)}
    )


@pytest.mark.parametrize(
    "change",
    [
        with_segment(vectors=1 << 40),
        with_segment(vectors=(1 << 32) - 1),
        with_segment(vectors=0),
        with_segment(vectors=-1),
        with_segment(live=1 << 40),
        with_segment(live=-5),
        with_segment(number=0),
        with_segment(number=2),
        with_segment(number=7),
        with_segment(number=1 << 80),
        with_dims("projection", 10**9),
        with_dims("projection", 4096),
        with_dims("projection", 0),
        with_dims("encoder", 10**9),
        with_dims("encoder", -1),
        lambda m: msgspec.structs.replace(m, counts=msgspec.structs.replace(m.counts, chunks=1 << 62)),
        lambda m: msgspec.structs.replace(m, segments=m.segments * 2),
    ],
)
def test_a_manifest_with_numbers_that_lie_is_refused(mine: Path, change: Callable[[Manifest], Manifest]) -> None:
    reseal(mine, change)
    assert tried(lambda: read(mine)) == REFUSED
    assert not verify(mine).ok


def test_mutated_manifests_are_refused_or_harmless(mine: Path) -> None:
    source = random.Random(3)
    folder = reseal(mine)
    original = (folder / layout.MANIFEST).read_bytes()
    found = set()
    for _ in range(80):
        value = json.loads(original)
        _alter(value, source)
        value["checksum"] = ""
        try:
            sealed = manifests.seal(msgspec.convert(value, Manifest))
        except (msgspec.ValidationError, OverflowError):
            (folder / layout.MANIFEST).write_text(json.dumps(value))
        else:
            (folder / layout.MANIFEST).write_bytes(manifests.encode(sealed))
            (mine / "CURRENT").write_bytes(layout.Current(sealed.generation, sealed.checksum).to_bytes())
        found.add(tried(lambda: read(mine)))
        (folder / layout.MANIFEST).write_bytes(original)
    assert found <= {ANSWERED, REFUSED}, found


def _alter(value: Any, source: random.Random) -> None:
    """Replace one number, text or list somewhere in a JSON value."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = source.choice(keys)
        if isinstance(value[key], dict | list) and source.random() < 0.8:
            value = value[key]
            continue
        value[key] = source.choice([0, -1, 1, 2**31, 2**40, 2**63, 2**64, 10**30, 1.5, "", "x" * 1000, None, [], {}])
        return
