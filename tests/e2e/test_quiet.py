"""What -q leaves of what a command prints: warnings, errors and what --json asks for, whichever command it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Cli, Done
from tests.trees import write

NOTHING = Done(0, "", "")
NO_HIT = 7
FLEET = '[[repository]]\npath = "{name}"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a fleet of one repository, which is no index yet."""
    write(
        tmp_path,
        {
            "fleet.toml": FLEET.format(name="shop"),
            "shop/.indexer.toml": '[encoder]\nname = "hashing"\n',
            "shop/card.py": "def charge_card(card, amount):\n    return bank.charge(card, amount)\n",
            "shop/refund.py": "def refund_card(card, amount):\n    return bank.refund(card, amount)\n",
            ".indexer.toml": '[encoder]\nname = "hashing"\n',
        },
    )
    return tmp_path


def test_builds_print_neither_report_nor_notes(cli: Cli, root: Path) -> None:
    assert cli("build", "-q", cwd=root / "shop") == NOTHING
    assert cli("build", "-q", cwd=root / "shop") == NOTHING, "nothing changed"
    write(root / "shop", {"lib/cart.py": "class Cart:\n    pass\n"})
    assert cli("build", "-q", "--dry-run", cwd=root / "shop") == NOTHING
    assert cli("build", "-q", cwd=root / "shop" / "lib") == NOTHING, "the folder above is what is indexed"
    assert cli("search", "Cart", "-l", "-k", "1", cwd=root / "shop").out == "lib/cart.py\n"
    assert cli("fleet", "build", "-q", cwd=root) == NOTHING
    assert cli("fleet", "build", "-q", cwd=root) == NOTHING


@pytest.mark.parametrize(
    "command", [("search", "charge_card"), ("similar", "card.py:1"), ("fleet", "search", "charge_card")]
)
def test_searches_tell_by_their_exit_code(cli: Cli, root: Path, command: tuple[str, ...]) -> None:
    built, here = (("fleet", "build"), root) if command[0] == "fleet" else (("build",), root / "shop")
    assert cli(*built, "-q", cwd=here) == NOTHING
    assert cli(*command, "-q", cwd=here) == NOTHING
    write(root / "shop", {"card.py": "def charge_card():\n    pass\n"})
    assert cli(*command, "-q", "-l", cwd=here) == NOTHING, "a note that it is stale is none of what is left"
    assert cli(*command, "-q", "--path", "none/**", cwd=here) == Done(NO_HIT, "", "")
    assert cli(*command, "-q", "--lang", "klingon", cwd=here).err.startswith("error: ")


def test_what_json_asks_for_is_printed(cli: Cli, root: Path) -> None:
    built = cli("build", "-q", "--json", cwd=root / "shop")
    assert built.json["committed"] and built.err == ""
    found = cli("search", "charge_card", "-q", "--json", cwd=root / "shop")
    assert found.json["hits"][0]["path"] == "card.py" and found.err == ""
    assert cli("fleet", "build", "-q", "--json", cwd=root).json["committed"]
    assert cli("fleet", "search", "charge_card", "-q", "--json", cwd=root).json["hits"]


def test_warnings_and_errors_are_printed(cli: Cli, root: Path) -> None:
    (root / "shop" / ".ignore").symlink_to("elsewhere")
    done = cli("build", "-q", cwd=root / "shop")
    assert done.code == 0 and done.out == "" and done.err.startswith("warning: "), done
    (root / "fleet.toml").write_text(FLEET.format(name="gone"))
    failed = cli("fleet", "build", "-q", cwd=root)
    assert failed.code and failed.out == "" and "gone" in failed.err
