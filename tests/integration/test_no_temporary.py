"""Where the system has no place for temporary files: what needs one says so, and what to do."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from indexer.config import Config
from indexer.errors import StorageError
from indexer.stores.text.files import temporary_folder
from pipelines.parsing.pool import Workers


def test_what_needs_a_temporary_file_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageError, match=r"no temporary file can be made .*TMPDIR"):
        Workers(Config())
    with pytest.raises(StorageError, match=r"no temporary folder can be made .*TMPDIR"), temporary_folder():
        pass
