"""Reading a file: up to its limit, and only what is a regular file."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from indexer.regular import read_regular


def test_a_file_is_read_up_to_the_limit_and_refused_beyond(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    for content in (b"", b"x", b"12345"):
        file.write_bytes(content)
        assert read_regular(str(file), 5) == content
    file.write_bytes(b"123456")
    with pytest.raises(OSError, match="outgrown") as raised:
        read_regular(str(file), 5)
    assert raised.value.errno == errno.EFBIG


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        read_regular(str(tmp_path), 5)
