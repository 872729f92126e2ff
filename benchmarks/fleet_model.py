"""What a fleet of another size would take: a cost model, checked against measurements, and a simulation of builders.

    python -m benchmarks.fleet_model [--repositories 10000] [--terabytes 1] [--cores 2 64] [--lost-an-hour 0.05]

Seconds of a shard are a share for each shard and one for each megabyte of source, by least squares over the shards of
results/fleet_engines.json; the error is that of each shard predicted from the others. The simulation draws sizes from
those repositories, scaled to the total and cut as the default is, and what a shard takes more or less than the model
from the residuals; the largest waiting shard goes to the first free builder; builders are lost at a rate, with the
shard in flight, which is tried again after the pause that the engines make. Its check is the local pool's own time.
"""

from __future__ import annotations

import argparse
import heapq
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import RESULTS, write_result
from pipelines.fleet.config import CutOptions
from pipelines.fleet.tries import wait_seconds

SEED = 15
ROUNDS = 20
HOUR = 3600.0
START_SECONDS = 1.0
"""A builder's process imports what it needs."""


def fit(megabytes: NDArray[np.float64], seconds: NDArray[np.float64]) -> tuple[float, float]:
    """Return seconds a shard and seconds a megabyte, neither below nothing."""
    table = np.stack([np.ones(len(megabytes)), megabytes], axis=1)
    fixed, rate = np.linalg.lstsq(table, seconds, rcond=None)[0]
    return max(0.0, float(fixed)), max(0.0, float(rate))


def left_out_errors(megabytes: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the relative error of each shard's seconds as predicted from the others."""
    errors = []
    for place in range(len(seconds)):
        others = np.arange(len(seconds)) != place
        fixed, rate = fit(megabytes[others], seconds[others])
        errors.append((fixed + rate * megabytes[place]) / seconds[place] - 1)
    return np.array(errors)


def simulate(seconds: Sequence[float], builders: int, lost_an_hour: float, random: np.random.Generator) -> float:
    """Return the seconds until all shards are built, largest first, by so many builders of which some are lost."""
    free = [(START_SECONDS, builder) for builder in range(builders)]
    heapq.heapify(free)
    waiting = sorted(seconds, reverse=True)
    again: list[tuple[float, float, int]] = []
    end = 0.0
    place = 0
    while place < len(waiting) or again:
        now, builder = heapq.heappop(free)
        if again and (place >= len(waiting) or again[0][0] <= now):
            ready, own, tries = heapq.heappop(again)
            now = max(now, ready)
        else:
            own, tries = waiting[place], 0
            place += 1
        lost = random.exponential(HOUR / lost_an_hour) if lost_an_hour else float("inf")
        if lost < own:
            heapq.heappush(again, (now + lost + wait_seconds(min(tries + 1, 2)), own, tries + 1))
            heapq.heappush(free, (now + lost + START_SECONDS, builder))
        else:
            end = max(end, now + own)
            heapq.heappush(free, (now + own, builder))
    return end


def main() -> None:
    """Fit, check, simulate, and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repositories", type=int, default=10_000)
    parser.add_argument("--terabytes", type=float, default=1.0)
    parser.add_argument("--cores", type=int, nargs="+", default=[2, 64, 256, 1024])
    parser.add_argument("--lost-an-hour", type=float, default=0.05)
    arguments = parser.parse_args()
    measured = json.loads((RESULTS / "fleet_engines.json").read_bytes())["figures"]
    shards = list(measured["shards"].values())
    megabytes = np.array([shard["megabytes"] for shard in shards])
    seconds = np.array([shard["seconds"] for shard in shards])
    fixed, rate = fit(megabytes, seconds)
    errors = np.abs(left_out_errors(megabytes, seconds))
    noise = seconds / (fixed + rate * megabytes)
    random = np.random.default_rng(SEED)
    pool = simulate(seconds.tolist(), 2, 0.0, random)
    figures: dict[str, Any] = {
        "seconds_a_shard": fixed,
        "seconds_a_megabyte": rate,
        "median_error": float(np.median(errors)),
        "worst_error": float(errors.max()),
        "chunks_a_megabyte": float(sum(s["chunks"] for s in shards) / megabytes.sum()),
        "index_megabytes_a_megabyte": float(sum(s["index_megabytes"] for s in shards) / megabytes.sum()),
        "local_pool": {"simulated": pool, "measured": float(np.median(measured["seconds"]["local"]))},
    }
    total = arguments.terabytes * 1e6
    sizes = random.choice(megabytes, arguments.repositories)
    sizes *= total / sizes.sum()
    target = CutOptions().megabytes
    parts = np.concatenate(
        [np.full(max(1, round(size / target)), size / max(1, round(size / target))) for size in sizes]
    )
    figures["shards"] = len(parts)
    figures["cpu_hours"] = float((fixed + rate * parts).sum() / HOUR)
    figures["hours_by_cores"] = {}
    for cores in arguments.cores:
        for lost in (0.0, arguments.lost_an_hour):
            ends = [
                simulate(((fixed + rate * parts) * random.choice(noise, len(parts))).tolist(), cores, lost, random)
                for _ in range(ROUNDS if cores > 2 else 1)
            ]
            figures["hours_by_cores"][f"{cores} cores, {lost} of them lost an hour"] = {
                "median": float(np.median(ends) / HOUR),
                "worst": float(np.max(ends) / HOUR),
                "ideal": figures["cpu_hours"] / cores,
            }
    write_result("fleet_model", "python -m benchmarks.fleet_model", figures)


if __name__ == "__main__":
    main()
