"""The published JSON Schemas are those of the types that the commands print."""

from __future__ import annotations

import pytest

from pipelines.schema import FOLDER, PRINTED, schema_json


@pytest.mark.parametrize("name", PRINTED)
def test_a_published_schema_is_up_to_date(name: str) -> None:
    path = FOLDER / f"{name}.schema.json"
    assert path.read_bytes() == schema_json(name), "run `python -m pipelines.schema`"


def test_no_other_schema_is_published() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.schema.json" for name in PRINTED}
