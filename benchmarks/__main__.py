"""`make bench`: run every benchmark in turn; each writes its result into benchmarks/results.

python -m benchmarks            all
python -m benchmarks NAME …     those
"""

from __future__ import annotations

import subprocess
import sys

ALL = (
    "encode",
    "cold_build",
    "incremental",
    "commit_time",
    "kill_anytime",
    "parse_throughput",
    "recall",
    "search_latency",
)


def main() -> None:
    """Run the benchmarks named on the command line, or all; stop at the first that fails."""
    for name in sys.argv[1:] or ALL:
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)


if __name__ == "__main__":
    main()
