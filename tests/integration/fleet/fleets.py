"""Three small repositories, a fleet of them, and what is asked of it."""

from __future__ import annotations

from pathlib import Path

from indexer.config import Config, EncoderOptions
from pipelines.fleet.build import FleetJob, FleetReport, build_fleet
from pipelines.fleet.config import read_fleet_file
from pipelines.fleet.engine import Engine
from pipelines.fleet.manifest import FleetManifest
from pipelines.fleet.search import open_fleet
from pipelines.fleet.serial import SerialEngine
from pipelines.fleet.store import FOLDER, open_newest
from tests.trees import write

CONFIG = Config(encoder=EncoderOptions(name="hashing"))
REPOSITORIES = {
    "shop": {
        "cart.py": 'class Cart:\n    """What a customer is about to buy."""\n\n    def total(self) -> int:\n'
        "        return sum(item.price for item in self.items)\n",
        "pay/charge.py": 'def charge(card: str, cents: int) -> bool:\n    """Charge a credit card."""\n'
        "    return bank.ask(card, cents)\n",
    },
    "bank": {
        "ledger.py": 'def post(entry: Entry) -> None:\n    """Post an entry to the ledger."""\n'
        "    ledger.append(entry)\n",
        "retry.py": 'def retry(ask):\n    """Ask again when the bank is busy."""\n    return ask()\n',
    },
    "mail": {
        "send.py": 'def send(letter: str) -> None:\n    """Send a letter to the customer."""\n    smtp.send(letter)\n',
        "retry.py": 'def retry(ask):\n    """Ask again when the bank is busy."""\n    return ask()\n',
    },
}
QUERIES = ("charge a credit card", "ledger entry", "the bank is busy", "letter to a customer", "Cart.total")


def make(folder: Path, repositories: dict[str, dict[str, str]] = REPOSITORIES, more: str = "") -> Path:
    """Write repositories, and the fleet's file beside them."""
    for name, files in repositories.items():
        write(folder / "code" / name, files)
    (folder / "fleet.toml").write_text('paths = ["code/*"]\n' + more)
    return folder


def job_of(folder: Path, engine: Engine | None = None, **options: object) -> FleetJob:
    file = folder / "fleet.toml"
    return FleetJob(
        file=file,
        fleet=read_fleet_file(file),
        fleet_dir=folder / FOLDER,
        config=CONFIG,
        engine=engine or SerialEngine(),
        **options,  # type: ignore[arg-type]
    )


def bring_up_to_date(folder: Path, engine: Engine | None = None, **options: object) -> FleetReport:
    return build_fleet(job_of(folder, engine, **options))


def hits_of(folder: Path, query: str, **options: object) -> list[str]:
    with open_fleet(folder) as fleet:
        return [hit.path for hit in fleet.search(query, **options).hits]  # type: ignore[arg-type]


def manifest_of(folder: Path) -> FleetManifest:
    opened = open_newest(folder / FOLDER)
    opened.close()
    return opened.manifest
