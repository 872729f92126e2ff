"""The command line in a process forked from a warm server (benchmarks.fork_server), so without start and imports."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.fork_server import ForkedWorker, forked

LIMIT_SECONDS = 400.0


def run_forked(
    arguments: Sequence[str], *, cwd: Path | None, environment: Mapping[str, str], stdin: str
) -> tuple[int, str, str]:
    """Run `indexer` to its end; return its exit code and what it printed. Raises TimeoutError."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("in", "out", "err")]
        streams[0].write_text(stdin, encoding="utf-8")
        more = list(map(str, streams)), os.fspath(cwd or Path.cwd()), dict(environment)
        code, in_time, _ = forked(be_command, (list(arguments), *more), LIMIT_SECONDS)
        if not in_time:
            raise TimeoutError(f"indexer {' '.join(arguments)} takes more than {LIMIT_SECONDS} s")
        _, out, err = streams
        return code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")


def be_command(arguments: list[str], streams: list[str], cwd: str, environment: dict[str, str]) -> None:
    """Be the program in this process, with files for its standard streams, to its end."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        descriptor = os.open(path, (os.O_WRONLY | os.O_CREAT) if number else os.O_RDONLY, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = [str(Path(sys.executable).with_name("indexer")), *arguments]
    from pipelines.cli.main import main
    from pipelines.parsing import process

    process.start_worker = ForkedWorker
    main()
