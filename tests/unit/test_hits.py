"""A hit on a terminal: where it is, what it is, and its lines."""

from __future__ import annotations

import click
from msgspec.structs import replace

from indexer.types import SymbolKind
from pipelines.cli.hits import page
from tests.unit.test_agent_text import hit


def test_a_hit_without_a_name_ends_with_its_kind() -> None:
    region = replace(hit(name=""), kind=SymbolKind.REGION)
    lines = [click.unstyle(line) for line in page("x", [("a.py", region), ("b.py", hit(name="f"))], explain=False)]
    assert lines == [
        "a.py:1  region",
        "     1  def f():",
        "     2      return 1",
        "",
        "b.py:1  function f",
        "     1  def f():",
        "     2      return 1",
    ]
