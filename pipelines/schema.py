"""JSON Schemas of what the commands print, made from the types they print; `python -m pipelines.schema` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from .answer import BatchAnswer, BatchQuery, ErrorAnswer, SearchAnswer
from .check.repair import RepairReport
from .check.verify import VerifyReport
from .explain import ExplainedPath
from .fleet.answer import FleetSearchAnswer
from .fleet.build import FleetReport
from .fleet.exchange import FleetExchange
from .fleet.gc import FleetRemoved
from .fleet.status import FleetStatus
from .fleet.verify import FleetVerifyReport
from .models.distil import DistilledModel
from .models.listing import ListedModel
from .models.pull import PulledModel
from .models.store import CheckedModel
from .models.tune import TuneReport
from .plan import Plan
from .report import BuildReport
from .share import SharedIndex
from .stats import Stats
from .status import Status

FOLDER = Path(__file__).parent / "schemas"
PRINTED: dict[str, Any] = {
    "build": BuildReport,
    "build-dry-run": Plan,
    "error": ErrorAnswer,
    "explain": ExplainedPath,
    "export": SharedIndex,
    "fleet-build": FleetReport,
    "fleet-gc": FleetRemoved,
    "fleet-pull": FleetExchange,
    "fleet-push": FleetExchange,
    "fleet-search": FleetSearchAnswer,
    "fleet-status": FleetStatus,
    "fleet-verify": FleetVerifyReport,
    "import": SharedIndex,
    "model-distil": DistilledModel,
    "model-list": list[ListedModel],
    "model-pull": PulledModel,
    "model-verify": list[CheckedModel],
    "repair": RepairReport,
    "search": SearchAnswer,
    "search-batch-in": BatchQuery,
    "search-batch-out": BatchAnswer,
    "stats": Stats,
    "tune": TuneReport,
    "status": Status,
    "verify": VerifyReport,
}


def schema_json(name: str) -> bytes:
    """Return the JSON Schema (draft 2020-12) of one command's output."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(PRINTED[name])}
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2) + b"\n"


def main() -> None:
    """Write every schema."""
    FOLDER.mkdir(exist_ok=True)
    for name in PRINTED:
        (FOLDER / f"{name}.schema.json").write_bytes(schema_json(name))


if __name__ == "__main__":
    main()
