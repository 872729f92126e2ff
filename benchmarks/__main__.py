"""`make bench`: run every benchmark in turn; each writes its result into benchmarks/results.

python -m benchmarks            all that a fresh clone can run; the others are named with what they need
python -m benchmarks NAME …     those
"""

from __future__ import annotations

import subprocess
import sys

ALL = (
    "encode",
    "side_by_side_encoders",
    "encoder_memory",
    "encoder_speed",
    "tune",
    "static_speed",
    "agent_answers",
    "cold_build",
    "cold_search",
    "upgrade_cost",
    "incremental",
    "commit_time",
    "hook_times",
    "parse_throughput",
    "recall",
    "train_passages",
    "search_latency",
    "fuzz_parse",
    "fuzz_queries",
    "damage_index",
    "io_errors",
    "kill_anytime",
)
"""Shortest first, attacks last."""
NEED_MORE = {
    "bodies": "folders of C, Go or Python",
    "chunk_sizes": "a folder of repositories",
    "command_flags": "a repository with commands, indexed",
    "coverage": "a folder of repositories",
    "distil": "a repository, and an evaluation set",
    "first_index": "trees, and a peer's command to stand beside",
    "fleet": "a folder of repositories, and Ray for its engine",
    "fleet_search": "a folder of repositories, and questions",
    "fleet_model": "the results of fleet",
    "hundred_questions": "checkouts of five repositories",
    "known_items": "repositories, any",
    "mixed_tiers": "an evaluation set, and the repositories that it asks about",
    "nonsense": "indexes, and questions asked of them",
    "encoder_variants": "the published weights that pipelines.export_model downloads",
    "retrieval": "an evaluation set, and the repositories that it asks about",
    "side_by_side": "two checkouts of this project, and a repository",
    "side_by_side_searches": "two checkouts of this project",
    "static_encoder": "texts that pipelines.export_static taught, and the evaluation sets",
    "train_ranker": "the evaluation sets, and the repositories that they ask about",
    "weak_questions": "bare clones of the repositories that it makes questions from",
}


def main() -> None:
    """Run the benchmarks named on the command line, or all; stop at the first that fails."""
    for name in sys.argv[1:] or ALL:
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
    if not sys.argv[1:]:
        for name, what in NEED_MORE.items():
            print(f"not run: {name}: needs {what}; see its docstring")


if __name__ == "__main__":
    main()
