"""What a line does with a text that stands in it, told by the line's form."""

from __future__ import annotations

import pytest

from indexer.search.file_kinds import FileKind
from indexer.search.roles import Role, role_of


@pytest.mark.parametrize(
    ("line", "text", "role"),
    [
        ("door_limit = 3", "door_limit", Role.DEFINES),
        ("$config['door_limit'] = 3;", "door_limit", Role.DEFINES),
        ('app.config["door_limit"] = 3', "door_limit", Role.DEFINES),
        ("  config_param :door_limit, :integer, default: 3", "door_limit", Role.DEFINES),
        ("    case DOOR_LIMIT:", "DOOR_LIMIT", Role.NAMES),
        ('if (config["door_limit"] == 3) {', "door_limit", Role.STRING),
        ('os.environ["DOOR_LIMIT"] = "3"', "DOOR_LIMIT", Role.STRING),
        ("  list = [:width, :door_limit, :height]", "door_limit", Role.STRING),
        ("add('--door-limit', type=int)", "--door-limit", Role.STRING),
        ("op.on('--door-limit COUNT', Integer)", "--door-limit", Role.STRING),
        ("raise Error(\"the flag '--door-limit' needs a number\")", "--door-limit", Role.QUOTES),
        ('raise Error("--door-limit needs a number")', "--door-limit", Role.QUOTES),
        (' * the door_limit is "3"', "door_limit", Role.COMMENTS),
        ('*error = tr("door_limit is 3");', "door_limit is 3", Role.STRING),
        ("door.limit(door_limit)", "door_limit", Role.NAMES),
    ],
)
def test_a_line_tells_by_its_form(line: str, text: str, role: Role) -> None:
    start = line.index(text)
    assert role_of(line, start, start + len(text), FileKind.SOURCE) is role
