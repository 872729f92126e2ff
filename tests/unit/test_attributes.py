"""What .gitattributes files say of a file's origin."""

from __future__ import annotations

import pytest

from indexer.sources.attributes import Attributes, Verdict
from indexer.types import SkipReason

VENDORED, GENERATED = SkipReason.VENDORED, SkipReason.GENERATED


def reason(verdict: Verdict | None) -> SkipReason | str | None:
    """Return the reason of a verdict, "kept", or None."""
    return None if verdict is None else verdict.reason or "kept"


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        ("*.pb.go linguist-generated", "a/b.pb.go", GENERATED),
        ("*.pb.go linguist-generated=true", "b.pb.go", GENERATED),
        ("*.pb.go -linguist-generated", "b.pb.go", "kept"),
        ("*.pb.go linguist-generated=false", "b.pb.go", "kept"),
        ("vendor/** linguist-vendored", "vendor/a/b.c", VENDORED),
        ("vendor/* linguist-vendored", "vendor/a/b.c", None),
        ("vendor/ linguist-vendored", "vendor/b.c", None),
        ("vendor linguist-vendored", "vendor/b.c", None),
        ("/lib/*.js text eol=lf linguist-vendored -diff", "lib/a.js", VENDORED),
        ("/lib/*.js linguist-vendored", "src/lib/a.js", None),
        ('"my file.js" linguist-vendored', "my file.js", VENDORED),
        ("docs/** linguist-documentation", "docs/a.md", None),
        ("*.py linguist-language=Java linguist-detectable", "a.py", None),
        ("# *.py linguist-vendored", "a.py", None),
        ("!*.py linguist-vendored", "a.py", None),
        ("*.py", "a.py", None),
        ("*.{js,ts} linguist-vendored", "a.js", None),
    ],
)
def test_one_line(line: str, path: str, expected: SkipReason | str | None) -> None:
    attributes = Attributes()
    attributes.add("", f"# linguist-\n{line}\n".encode())
    assert reason(attributes.verdict(path)) == expected


def test_the_rule_names_file_and_line() -> None:
    attributes = Attributes()
    attributes.add("sub", b"* text\n\n*.js linguist-vendored\n")
    assert attributes.verdict("sub/a.js") == Verdict(VENDORED, "sub/.gitattributes:3 *.js linguist-vendored")
    assert attributes.verdict("a.js") is None


def test_the_last_line_and_the_nearest_file_win() -> None:
    attributes = Attributes()
    attributes.add("", b"*.js linguist-vendored\nown.js -linguist-vendored\n")
    attributes.add("lib", b"own.js linguist-vendored\nplain.js !linguist-vendored\n")
    assert reason(attributes.verdict("a.js")) == VENDORED
    assert reason(attributes.verdict("own.js")) == "kept"
    assert reason(attributes.verdict("lib/own.js")) == VENDORED
    assert reason(attributes.verdict("lib/plain.js")) is None


def test_either_attribute_alone_skips() -> None:
    attributes = Attributes()
    attributes.add("", b"*.js linguist-generated -linguist-vendored\n")
    assert reason(attributes.verdict("a.js")) == GENERATED


def test_macros_are_expanded() -> None:
    attributes = Attributes()
    attributes.add("", b"[attr]machine linguist-generated -diff\n*.gen machine\n")
    attributes.add("sub", b"*.out machine\n")
    assert reason(attributes.verdict("a.gen")) == GENERATED
    assert reason(attributes.verdict("sub/a.out")) == GENERATED


def test_malformed_files_say_nothing() -> None:
    attributes = Attributes()
    attributes.add("", b"\xff\xfe linguist-\n[ linguist-vendored\n*\\ \n\\ linguist-vendored\n")
    assert attributes.verdict("a.js") is None
