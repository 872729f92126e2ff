"""A fleet built on a cluster of two nodes on this machine: what is lost is built again, and the result is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipelines.fleet.local import LocalEngine
from pipelines.fleet.store import FOLDER
from pipelines.fleet.verify import verify_fleet
from tests.integration.fleet.fleets import bring_up_to_date, job_of, make

pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")

REPOSITORIES = {
    f"repository{number}": {f"m{file}.py": f"def f{number}_{file}():\n    return {file}\n" for file in range(30)}
    for number in range(6)
}
DRIVER = """
import sys
from tests.integration.fleet.fleets import bring_up_to_date
from pipelines.fleet.on_ray import RayEngine
from pathlib import Path
bring_up_to_date(Path(sys.argv[1]), RayEngine(address=sys.argv[2]))
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A cluster of two nodes with a core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    from pipelines.fleet.on_ray import cluster

    made: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        made.add_node(num_cpus=1)
        made.wait_for_nodes()
        with cluster(made.address):
            yield made
    finally:
        made.shutdown()


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the fleet as the local engine builds it."""
    return bring_up_to_date(make(tmp_path_factory.mktemp("local"), REPOSITORIES), LocalEngine(jobs=2)).digest


def once(action: Callable[[], None]) -> Callable[[str, int, int], None]:
    """Return what does something when the first shard is done."""
    left = [action]
    return lambda _shard, _done, _total: left.pop()() if left else None


def kill_a_builder() -> None:
    ours = psutil.Process().children(recursive=True)
    builders = [own for own in ours if "ray::ShardBuilder" in " ".join(own.cmdline())]
    builders[0].kill()


def test_killed_workers_nodes_and_drivers_cost_shards_in_flight_alone(nodes: Any, wanted: str, tmp_path: Path) -> None:
    from pipelines.fleet.build import build_fleet
    from pipelines.fleet.on_ray import RayEngine

    folder = make(tmp_path / "worker", REPOSITORIES)
    report = build_fleet(job_of(folder, RayEngine(), told=once(kill_a_builder)))
    assert (report.digest, report.failed) == (wanted, ())

    folder = make(tmp_path / "driver", REPOSITORIES)
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(folder), nodes.address])
    until = time.monotonic() + 120
    while not any((folder / FOLDER / "shards").glob("*/CURRENT")) and time.monotonic() < until:
        assert driver.poll() is None
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    done = len(list((folder / FOLDER / "shards").glob("*/CURRENT")))
    report = bring_up_to_date(folder, RayEngine())
    assert (report.digest, report.failed) == (wanted, ())
    assert len(report.built) <= len(REPOSITORIES) - done + 2

    folder = make(tmp_path / "node", REPOSITORIES)
    report = build_fleet(job_of(folder, RayEngine(), told=once(lambda: nodes.remove_node(nodes.list_all_nodes()[-1]))))
    assert (report.digest, report.failed) == (wanted, ())
    assert verify_fleet(folder / FOLDER).ok
