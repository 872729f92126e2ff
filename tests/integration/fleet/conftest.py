"""A fleet that is built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.fleet.fleets import bring_up_to_date, make


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet of three repositories; tests leave it as it is."""
    folder = make(tmp_path_factory.mktemp("fleet"))
    bring_up_to_date(folder)
    return folder
