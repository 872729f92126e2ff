"""Indexes that tests then alter."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from indexer.config import Config
from indexer.stores.generation import staged_text
from indexer.stores.vectors import segment_file, segments
from pipelines.status import read_status
from tests.integration.hostile.indexes import EDITED, TREE
from tests.integration.hostile.projects import OLD
from tests.synthetic import commit_tree

if sys.platform == "win32":
    collect_ignore_glob = ["*"]  # they need FIFOs, sockets and links


@pytest.fixture
def mine(ram_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of two text segments, one with dead documents, and of a vector segment with a graph and one without."""
    index_dir = ram_path / "index"
    for module in (segment_file, segments):
        monkeypatch.setattr(module, "GRAPH_VECTORS", 50)
    with monkeypatch.context() as patch:
        patch.setattr(staged_text, "SMALL_DOCUMENTS", 0)
        commit_tree(index_dir, TREE)
        commit_tree(index_dir, EDITED)
    return index_dir


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a small index in its second generation, and a stat cache; copied, never changed."""
    project = tmp_path_factory.mktemp("template") / "project"
    project.mkdir()
    (project / "old.py").write_text("only in the old one")
    commit_tree(project / ".indexer", {})
    commit_tree(project / ".indexer", OLD)
    read_status(project, project / ".indexer", config=Config())
    assert (project / ".indexer" / "stat_cache").is_file()
    return project


@pytest.fixture
def project(template: Path, ram_path: Path) -> Path:
    """A copy of the project, in a folder that also holds another one."""
    shutil.copytree(template, ram_path / "project")
    shutil.copytree(template, ram_path / "other")
    for number in (1, 3, 77):
        (ram_path / "other" / ".indexer" / "generations" / f"{number:08d}").mkdir(exist_ok=True)
        (ram_path / "other" / ".indexer" / "generations" / f"{number:08d}" / "photo").write_text("dear to me")
    return ram_path / "project"
