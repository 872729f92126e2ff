"""Which language a file is in, and why."""

from __future__ import annotations

import pytest

from indexer.languages.detection import detect_language
from indexer.languages.registry import LANGUAGES


@pytest.mark.parametrize(
    ("path", "head", "language", "why"),
    [
        ("a/b.py", "", "python", "the extension .py"),
        ("a/B.PY", "", "python", "the extension .py"),
        ("Makefile", "", "make", "the file name Makefile"),
        ("docker/Dockerfile.dev", "", "dockerfile", "the file name Dockerfile.*"),
        ("run", "#!/usr/bin/env -S VAR=1 python3.11 -u\n", "python", "the interpreter python3.11 in the first line"),
        ("run", "#!/bin/sh\n", "bash", "the interpreter sh in the first line"),
        ("run", b"#! /usr/local/bin/node --flag\n", "javascript", "the interpreter node in the first line"),
        ("run", "#!/opt/own/program\n", "text", "nothing says another language"),
        ("notes", "# vim: set ft=ruby ts=2 :\n", "ruby", "the modeline 'vim: set ft=ruby'"),
        ("notes", "x\n" * 50 + "/* -*- mode: c++; tab-width: 4 -*- */\n", "cpp", None),
        ("notes", "; -*- Clojure -*-\n", "clojure", "the modeline '-*- Clojure -*-'"),
        ("a.h", "int f(void);\n", "c", "the extension .h and no sign of C++"),
        ("a.h", "// -*- C++ -*-\nint f();\n", "cpp", "the modeline '-*- C++ -*-'"),
        ("a.h", "#include <stdint.h>\nstruct klass { int class_; };\n", "c", None),
        ("a.h", "#include <vector>\n", "cpp", "the extension .h and C++ declarations"),
        ("a.h", "namespace a {\nclass B;\n}\n", "cpp", None),
        ("a.h", '#ifdef __cplusplus\nextern "C++" {\nclass A;\n}\n#endif\nint f(void);\n', "c", None),
        ("a.h", "/* using this class:\n class of\n virtual memory */\nint f(void);\n", "c", None),
        ("a.h", "class EXPORT A final : public B\n{\n};\n", "cpp", None),
        ("a.h", "#import <Foundation/Foundation.h>\n@interface A : NSObject\n@end\n", "objc", None),
        ("a.C", "class A {\n};\n", "cpp", "the extension .C and C++ declarations"),
        ("A.C", "int f(void);\n", "c", "the extension .C and no sign of C++"),
        ("a.m", "% Solves.\nfunction x = solve(a)\n", "matlab", None),
        ("a.m", '#import "A.h"\n@implementation A\n@end\n', "objc", None),
        ("a.unknown", "words", "text", "nothing says another language"),
        (".bashrc", "", "bash", "the file name .bashrc"),
        ("LICENSE", "Permission is granted", "text", "nothing says another language"),
    ],
)
def test_detects_by_name_extension_interpreter_modeline_and_content(
    path: str, head: str | bytes, language: str, why: str | None
) -> None:
    detection = detect_language(path, head)
    assert detection.language == language
    assert why is None or detection.why == why


def test_overrides_come_first() -> None:
    overrides = {"*.inc": "php", "lib/**/*.{py,pyw}": "ruby", "old/": "perl", "src/*.py": "go", "*.py": "java"}
    assert detect_language("a/b.inc", "", overrides) == ("php", "the setting '*.inc'")
    assert detect_language("lib/x/b.py", "", overrides) == ("ruby", "the setting 'lib/**/*.{py,pyw}'")
    assert detect_language("a/old/x/b.py", "", overrides).language == "perl"
    assert detect_language("src/b.py", "", overrides).language == "go"
    assert detect_language("src/x/b.py", "", overrides).language == "java"
    assert detect_language("b.pyw", "", overrides).language == "python"


def test_no_two_rows_claim_the_same_key() -> None:
    for keys in (
        [key for row in LANGUAGES.values() for key in row.extensions],
        [key for row in LANGUAGES.values() for key in row.filenames],
        [key for row in LANGUAGES.values() for key in row.interpreters],
        [key for row in LANGUAGES.values() for key in (row.name, *row.aliases)],
    ):
        assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)


def test_extensions_are_written_as_they_are_looked_up() -> None:
    for row in LANGUAGES.values():
        assert all(key == key.lower() and not key.startswith(".") for key in row.extensions)
