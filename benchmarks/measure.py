"""Run commands and write down what they took, with the machine they ran on.

Times on shared machines drift, so comparisons run side by side, alternating, and quote the median of the ratios.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil

T = TypeVar("T")

RESULTS = Path(__file__).parent / "results"
ENGINES = ("tantivy", "usearch", "onnxruntime", "fastembed", "tree-sitter", "tree-sitter-language-pack", "numpy")
SAMPLE_SECONDS = 0.02
MAXRSS_UNIT = 1 if platform.system() == "Darwin" else 1024
"""Bytes: macOS reports ru_maxrss in bytes, Linux in kilobytes."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall and CPU seconds, peak resident megabytes of itself and of its whole tree."""

    wall_seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    peak_tree_rss_mb: float
    stdout: str


def run(command: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> Run:
    """Run a command to its end; raise CalledProcessError when it fails.

    The process's own peak is the kernel's figure (ru_maxrss), which is never below this process's at the start; the
    tree's is sampled every 20 ms, pages shared between processes counted once for each.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], cwd=cwd, env=_environment() | (env or {}), stdout=subprocess.PIPE, text=True
    )
    peak_tree = 0.0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak_tree
        while not done.wait(SAMPLE_SECONDS):
            peak_tree = max(peak_tree, _tree_rss_mb(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert process.stdout is not None
    stdout = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    done.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(map(str, command)), stdout)
    peak = usage.ru_maxrss * MAXRSS_UNIT / 1e6
    return Run(wall, usage.ru_utime + usage.ru_stime, peak, max(peak_tree, peak), stdout)


def _environment() -> dict[str, str]:
    """Return a user's environment: compiled modules are kept, or each start would compile those of a fresh install."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _tree_rss_mb(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        members = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0.0
    total = 0
    for member in members:
        try:
            total += member.memory_info().rss
        except psutil.Error:
            continue
    return total / 1e6


def alternate(first: Callable[[], T], second: Callable[[], T], *, rounds: int) -> tuple[list[T], list[T]]:
    """Call both in turn after one uncounted round of each, and return what each returned; either begins as often."""
    first(), second()
    returned: tuple[list[T], list[T]] = ([], [])
    for number in range(rounds):
        for work, into in ((first, returned[0]), (second, returned[1]))[:: -1 if number % 2 else 1]:
            into.append(work())
    return returned


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Return the median of the ratios, pair by pair."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def machine() -> dict[str, Any]:
    """Describe processor, cores, system, Python and engines."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "engines": {name: version(name) for name in ENGINES},
    }


def write_result(name: str, command: str, figures: dict[str, Any]) -> Path:
    """Write benchmarks/results/NAME.json: the command that makes it, the machine, the figures."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    result = {"command": command, "machine": machine(), "figures": _rounded(figures)}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    return path


def added(figures: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return figures with more of them: numbers and lists are added up by name."""
    return {
        name: figures[name] + more[name] if name in figures and name in more else (figures | more)[name]
        for name in figures | more
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
