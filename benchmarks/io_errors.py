"""Fail the system calls of a build by turns, and see that each failure is named or harmless and the index stays whole.

python -m benchmarks.io_errors [--every N]     default: each call (EIO where it reads, ENOSPC where it writes, or both)

First a build is traced and its calls are counted, call by call; then, for each that concerns the tree, the index or the
cache, the build runs anew and strace answers that call with the error instead of the system. A count is kept by thread
and process, so calls of worker threads and processes with the same number fail too. Each `close` is done and then fails
(benchmarks.failing_close), where there is a C compiler.

Where strace is missing, or may not trace, Python's audit events stand in: before the n-th event of opening, linking,
renaming or removing, OSError is raised. Calls of the engines are not among them, and the result says which was used.

After each failure: the build ended with a documented exit code and a named error, or did without; the index verifies
and serves the old or the new state; and the next build gives the digest of a clean one and leaves nothing over. What
is not so is listed under `harmed`, and the program exits with 1.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import failing_close
from benchmarks.attacked_index import AttackedIndex, attacked_index, restored
from benchmarks.children import Ended, Program, be_program
from benchmarks.fork_server import added_up, in_lanes
from benchmarks.measure import write_result

READS = "fsync fdatasync openat read pread64 lseek newfstatat fstat statx getdents64 flock fcntl mmap"
WRITES = (
    "openat write pwrite64 fsync fdatasync ftruncate fallocate rename renameat renameat2 link linkat unlink unlinkat "
    "mkdir mkdirat rmdir chmod fchmod fchmodat copy_file_range sendfile flock"
)
"""The calls that answer with EIO or ENOSPC on Linux; those that a machine has no name for are left out.

`close` is not among them, which benchmarks.failing_close makes fail.
"""
EVENTS = "open os.chmod os.link os.listdir os.mkdir os.remove os.rename os.rmdir os.scandir os.truncate os.utime"
"""Python's audit events for the same."""
ROUND = 200
"""The result is written after so many failures, so that a run that is cut off leaves a true count."""
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)")

Failure = tuple[str, int, str]
"""A call's name, which of the calls of this name, and the error's name."""
FAILED, FAILED_ELSEWHERE, NOT_REACHED = "failed", "failed elsewhere too", "not reached"
"""What a failure met.

Where the same call of another process failed as well, such as of one that only starts, its message is its own.
"""


def main() -> None:
    """Run, write the result, and fail when a failure was neither named nor harmless."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="only every so many of the calls")
    options = parser.parse_args()
    if not can_trace():
        print("strace is missing or may not trace: only what Python itself opens, links and removes is made to fail")
    figures: dict[str, Any] = {}
    for figures in fail_calls(every=options.every, traced=can_trace(), closes=True):
        print(figures, flush=True)
        if options.every == 1:
            print(write_result("io_errors", "python -m benchmarks.io_errors", figures))
    sys.exit(bool(figures["harmed"]))


def fail_calls(*, every: int, traced: bool, closes: bool, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Fail every so many of a build's calls, one build each, in any order; yield what came of them, round by round."""
    start = time.perf_counter()
    with attacked_index(random.Random(seed)) as attacked:
        attacked.edit(1)
        failures = _traced(attacked) if traced else _audited(attacked)
        library = failing_close.compiled(attacked.folder) if closes else None
        if library:
            _, closed = failing_close.build(attacked, library, 0)
            failures += [("close", number, "EIO") for number in sorted({close.number for close in closed})]
        how = "strace" if traced else "Python's audit events; calls of the engines were not tried"
        how += ", and a library for close" if library else "; close was not tried"
        wanted = failures[::every]
        random.Random(seed).shuffle(wanted)
        done: list[tuple[dict[str, int], list[str]]] = []
        for tried in range(0, len(wanted), ROUND):
            done += in_lanes(_lane, wanted[tried : tried + ROUND], seed, library)
            yield {
                "failed by": how,
                "calls": len(failures),
                "tried": min(tried + ROUND, len(wanted)),
                **added_up(counts for counts, _ in done),
                "harmed": [line for _, lines in done for line in lines],
                "seconds": time.perf_counter() - start,
            }


@cache
def can_trace() -> bool:
    """Whether strace is there and may follow processes."""
    program = shutil.which("strace")
    if program is None:
        return False
    done = subprocess.run([program, "-f", "-o", os.devnull, "true"], capture_output=True, check=False)
    return done.returncode == 0


def _lane(lane: int, failures: Sequence[Failure], seed: int, library: Path | None) -> tuple[dict[str, int], list[str]]:
    """Try the failures one after the other on the same index, put back each time; return counts, and what did harm."""
    counts: Counter[str] = Counter()
    harmed: list[str] = []
    with attacked_index(random.Random(f"{seed}:{lane}")) as attacked:
        saved = attacked.folder / "saved"
        shutil.copytree(attacked.index_dir, saved)
        attacked.edit(1)
        for failure in failures:
            restored(attacked.index_dir, saved)
            done, met = _run(attacked, failure, library)
            counts[met] += 1
            try:
                if met == FAILED:
                    assert not done.fault, done.fault
                    counts["ended with a named error" if done.code else "went on without"] += 1
                # A worker may fail to read a source, and the same call of this process fail after that was published.
                if attacked.verified_digest() in attacked.digests[:2]:
                    counts["serves the old or the new state"] += 1
                else:
                    assert "unreadable" in attacked.run("status", "--json").json["skips"], "serves neither state"
                    counts["left a source out, and said so"] += 1
                attacked.build()
                attacked.assert_tidy()
            except AssertionError as error:
                harmed.append(f"{' '.join(map(str, failure))}: {error}".replace(str(attacked.folder), ""))
                print(harmed[-1], file=sys.stderr, flush=True)
    return counts, harmed


def _run(attacked: AttackedIndex, failure: Failure, library: Path | None) -> tuple[Ended, str]:
    """Build with that failure; return the end, and what the failure met."""
    name, number, _ = failure
    if name == "event":
        return _run_audited(attacked, failure)
    if name == "close" and library:
        done, closed = failing_close.build(attacked, library, number)
        return done, FAILED if any(close.failed for close in closed) else NOT_REACHED
    return _run_traced(attacked, failure)


def _traced(attacked: AttackedIndex) -> list[Failure]:
    """Trace a build and return its calls that concern the folder, with each error to try."""
    assert attacked.run("status", whole=True).code == 0  # its modules are compiled after that
    log = attacked.folder / "trace"
    names = [name for name in dict.fromkeys(f"{READS} {WRITES}".split()) if _known(name)]
    done = _strace(attacked, "-y", "-o", str(log), "-e", f"trace={','.join(names)}")
    assert done.code == 0, done
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[Failure, None] = {}
    for line in log.read_text(errors="replace").splitlines():
        if match := _CALL.match(line):
            process, name, rest = match.groups()
            seen[process, name] += 1
            if str(attacked.folder) in rest:
                number = seen[process, name]
                if name in READS.split():
                    found[name, number, "EIO"] = None
                if name in WRITES.split():
                    found[name, number, "ENOSPC"] = None
    return list(found)


def _run_traced(attacked: AttackedIndex, failure: Failure) -> tuple[Ended, str]:
    """Build under strace with one call answered by an error; return the end, and what the error met."""
    name, number, error = failure
    log = attacked.folder / "trace"
    inject = f"inject={name}:error={error}:when={number}"
    done = _strace(attacked, "-y", "-o", str(log), "-e", f"trace={name}", "-e", inject)
    lines = [line for line in log.read_text(errors="replace").splitlines() if "(INJECTED)" in line]
    ours = [line for line in lines if str(attacked.folder) in line]
    return done, NOT_REACHED if not ours else FAILED if ours == lines else FAILED_ELSEWHERE


def _strace(attacked: AttackedIndex, *options: str) -> Ended:
    """Run a build as a whole program under strace."""
    under = ("strace", "-f", "-qq", "--seccomp-bpf", *options)
    # -y writes the working directory beside a call that starts from it, and only the attacked folder's calls are ours.
    program = replace(attacked.program, folder=Path("/"))
    return program.whole(*attacked.command("build", "--json"), under=under)


def _known(name: str) -> bool:
    """Whether this machine has a call of that name."""
    command = ["strace", "-o", os.devnull, "-e", f"trace={name}", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _audited(attacked: AttackedIndex) -> list[Failure]:
    """Count the audit events of a build that concern the folder."""
    counted = attacked.folder / "counted"
    done = attacked.program.run(
        _be_failing, attacked.command("build", "--json"), str(attacked.folder), 0, "EIO", str(counted)
    )
    assert done.code == 0, done
    total = counted.stat().st_size
    return [("event", number, error) for number in range(1, total + 1) for error in ("EIO", "ENOSPC")]


def _run_audited(attacked: AttackedIndex, failure: Failure) -> tuple[Ended, str]:
    """Build with one event answered by an error; return the end, and what the error met."""
    _, number, error = failure
    counted = attacked.folder / "counted"
    counted.unlink(missing_ok=True)
    more = str(attacked.folder), number, error, str(counted)
    done = attacked.program.run(_be_failing, attacked.command("build", "--json"), *more)
    return done, FAILED if counted.stat().st_size >= number else NOT_REACHED


def _be_failing(arguments: Sequence[str], program: Program, folder: str, number: int, error: str, counted: str) -> None:
    """Be the program while the n-th event that concerns the folder raises OSError; a byte is written for each."""
    code = getattr(errno, error)
    seen = os.open(counted, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    count, events = 0, set(EVENTS.split())

    def hook(event: str, details: tuple[object, ...]) -> None:
        nonlocal count
        paths = details[: 1 if event == "open" else 2]
        if event in events and any(_concerns(path, folder) for path in paths):
            count += 1
            os.write(seen, b".")
            if count == number:
                raise OSError(code, os.strerror(code), str(details[0]))

    be_program(arguments, program, started=lambda: sys.addaudithook(hook))


def _concerns(detail: object, folder: str) -> bool:
    """Whether a path lies in the folder, or is relative to some open folder."""
    if not isinstance(detail, str | bytes | os.PathLike):
        return False
    path = os.fsdecode(detail)
    return path.startswith(folder + os.sep) or not path.startswith(os.sep)


if __name__ == "__main__":
    main()
