"""An index of any past format is told by its version, never misread; tests/data/formats holds one of each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from indexer.errors import FormatVersionError
from indexer.stores.generation.manifest import FORMAT_VERSION
from indexer.stores.generation.reader import open_generation
from pipelines.build import build
from pipelines.check.verify import verify

FORMATS = Path(__file__).parents[1] / "data" / "formats"
PAST = sorted(folder.name for folder in FORMATS.iterdir() if folder.is_dir())


@pytest.mark.parametrize("version", PAST)
def test_a_past_format_is_named_and_a_full_build_replaces_it(tmp_path: Path, version: str) -> None:
    index_dir = tmp_path / ".indexer"
    shutil.copytree(FORMATS / version, index_dir)
    (tmp_path / "kept.py").write_text("def kept():\n    return 1\n")
    with pytest.raises(FormatVersionError, match=f"format version {version}.*build --full") as raised:
        open_generation(index_dir)
    assert raised.value.exit_code == 4
    assert not verify(index_dir).ok
    with pytest.raises(FormatVersionError):
        build(tmp_path)
    assert build(tmp_path, full=True).files.added == 1
    assert verify(index_dir).ok


def test_each_format_before_todays_has_its_index_here_from_the_second_on() -> None:
    assert [*range(2, FORMAT_VERSION)] == [int(version) for version in PAST]
