"""What `explain` says of files on disk, and that a file on which its grammar fails is told everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.config import Config, EncoderOptions, ParseOptions, ProjectionOptions
from pipelines.build import build
from pipelines.cli.build import summary
from pipelines.explain import explain, explain_paths
from pipelines.parsing import process as parse_process
from pipelines.plan import plan
from pipelines.status import read_status
from tests.integration import misbehaving
from tests.trees import git, repository, write

CONFIG = Config(
    encoder=EncoderOptions(name="hashing"), projection=ProjectionOptions(mode="none"), parse=ParseOptions(workers=1)
)


def test_paths_of_every_kind_are_explained_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.py").write_text("def pour():\n    return 1\n")
    (tmp_path / "data.bin").write_bytes(b"\0\1\2" * 50)
    (tmp_path / "empty.py").write_bytes(b"")
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "x.log").write_text("x\n")
    paths = ["x.log", "lib/a.py", "lib", "gone.py", "data.bin", "empty.py", "lib/a.py"]
    found = list(explain_paths(tmp_path, paths, config=CONFIG))
    assert [(one.path, one.state) for one in found] == [
        ("x.log", "left-out"),
        ("lib/a.py", "indexed"),
        ("lib", "folder"),
        ("gone.py", "missing"),
        ("data.bin", "skipped"),
        ("empty.py", "skipped"),
        ("lib/a.py", "indexed"),
    ]
    assert found[0].rule == ".gitignore:1 *.log"
    assert [(one.kind, one.name, one.vector) for one in found[1].chunks] == [("function", "pour", "")]
    assert found[4].message.endswith("NUL bytes")
    assert found[5].message == "the file has no content but white space: 0 bytes"
    build(tmp_path, config=CONFIG)
    assert [one.vector for one in explain(tmp_path, "lib/a.py", config=CONFIG).chunks] == ["current"]


def test_what_is_explained_is_what_the_index_is_of(tmp_path: Path) -> None:
    root = repository(tmp_path / "root", {"lib/a.py": "def pour():\n    return 1\n", "gen.py": "g = 1\n", ".x.py": ""})
    write(root, {".gitattributes": "gen.py linguist-generated\n", "old/o.py": "o = 1\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    build(root, config=CONFIG, source_kind="rev:HEAD")
    write(root, {"lib/a.py": "# moved down\n\ndef pour_out():\n    return 1\n", "new.py": "n = 1\n"})
    (root / "old" / "o.py").unlink()
    git(root.parent, "clone", "-q", "--bare", "root", "bare.git")
    bare = root.parent / "bare.git"
    build(bare, config=CONFIG)
    paths = ["lib/a.py", "old/o.py", "lib", "gen.py", ".x.py", ".x.py/y", "new.py", "../other"]
    for folder, kind in ((root, "rev:HEAD"), (bare, "rev:HEAD")):
        found = list(explain_paths(folder, [*paths, str(folder / "lib" / "a.py")], config=CONFIG))
        assert {one.source for one in found} == {kind}
        assert [one.state for one in found] == [
            "indexed", "indexed", "folder", "skipped", "left-out", "left-out", "missing", "left-out", "indexed",
        ]  # fmt: skip
        (chunk,) = found[0].chunks
        assert (chunk.name, chunk.start_line, chunk.vector) == ("pour", 1, "current")
        assert found[3].message.endswith(": .gitattributes:1 gen.py linguist-generated")
        assert found[6].message == "there is no such file in rev:HEAD"
    git(root, "add", "-A")
    build(root, config=CONFIG, source_kind="staged")
    (chunk,) = explain(root, "lib/a.py", config=CONFIG).chunks
    assert (chunk.name, chunk.end_line) == ("pour_out", 4)
    assert explain(root, "old/o.py", config=CONFIG).message == "there is no such file in staged"


def test_a_file_whose_grammar_fails_is_indexed_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_process, "_BOOT", misbehaving.BOOT)
    (tmp_path / "a.py").write_text("crash\n\ndef pour():\n    return 1\n")
    (tmp_path / "b.py").write_text("def fill():\n    return 2\n")
    planned = {file.path: (file.action, file.detail) for file in plan(tmp_path, config=CONFIG)}
    assert planned == {"a.py": ("add", "crashed with SIGSEGV"), "b.py": ("add", "")}
    report = build(tmp_path, config=CONFIG)
    assert (report.files.added, report.files.skipped, report.parser_failures) == (2, 0, {"python": 1})
    assert "by lines     python 1" in "\n".join(summary(report))
    status = read_status(tmp_path, tmp_path / ".indexer", config=CONFIG)
    assert (status.languages["python"].failures, status.stale) == (1, 0)
    explained = explain(tmp_path, "a.py", config=CONFIG)
    assert (explained.state, explained.parser_failure) == ("indexed", "crashed with SIGSEGV")
    assert [(one.kind, one.start_line, one.end_line) for one in explained.chunks] == [("region", 1, 4)]
    assert not build(tmp_path, config=CONFIG).committed
