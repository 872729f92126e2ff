"""Messages as people see them find the code that prints them: of few words, told in many tongues, and keys by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import indexer
from indexer.config import Config, EncoderOptions
from indexer.index import Index
from pipelines.build import build
from tests.trees import write

CONFIG = Config(encoder=EncoderOptions(name="static"))
GUEST = """
def guest_of_door(guest=None):
    \"\"\"The guest None of the door x.org, opened 404 times; a front exists, left of a window.\"\"\"
    return guest
"""
TONGUES = [f"{first}{second}" for first in "abcdfghi" for second in "klmnopqrst"]
FILES = {
    "app/doors.py": """
OPENED = "Opened (%(status)s) %(door)s%(flags)s (guest: %(guest)s)%(more)s"


def opened(log, door):
    log(OPENED, door)
""",
    "app/windows.cpp": """
bool Window::save(QString* error)
{
    if (!isOpen()) {
        *error = tr("Could not save, the window has not been opened!");
        return false;
    }
    error->append(tr("Window %1 exists!").arg(name()));
    return true;
}
""",
    "app/keys.h": """
enum Key {
    FirstKey,
    KnockDelay,
    LastKey,
};
""",
    "app/keys.cpp": """
static const Keys keys = {
    {Key::FirstKey, "FirstKey", 1},
    {Key::KnockDelay, "KnockDelay", 500},
    {Key::LastKey, "LastKey", 2},
};
""",
    "app/knock.cpp": """
int Knock::delay()
{
    return config()->get(KnockDelay) + config()->get(KnockDelay) % KnockDelay;
}
""",
    "app/gates.go": """
func Open(door, window string) {
	log.Printf("gate: cannot open the door %s in the %s of the house", door, house)
	log.Printf("gate: cannot open the window %s in the %s of the house", window, house)
}
""",
    "app/lock.lua": """
local function turn(lock, key)
    logger.warn("no such key:", key)
    error("cannot turn lock:" .. lock.name)
end
""",
    "app/schemes.go": """
func Open(scheme string, place string) error {
	if place == "" {
		return fmt.Errorf("unwanted key form at %s", place)
	}
	return fmt.Errorf("unknown lock scheme %q", scheme)
}
""",
    "app/names.js": 'export const schemes = [\n  "padlock",\n  "latch",\n];\n',
    "app/errors.h": 'char undefined_door[] = N_("E121: Undefined door: %s");\n',
    **{f"tests/test_{number}.py": f'says({number}, "E121: Undefined door: knob")\n' for number in range(40)},
    **{f"tests/knob_{number}.py": f'says({number}, "knob of a door, undefined, E121")\n' for number in range(40)},
    "app/fence.erl": """
-module(fence).
-export([paint/2]).

colour(Fence) -> Fence.

paint(Fence, Colour) -> {Fence, Colour}.
""",
    "docs/fence.md": "# fence:paint\n\nfence:paint paints a fence; fence:paint/2 takes its colour.\n",
    "docs/log.md": "A log has lines such as `Opened (200) front door (guest: Ann)`; a guest is opened to.\n",
    **{f"app/guest_{number}.py": GUEST for number in range(30)},
    **{
        f"translations/app_{tongue}.ts": f"<source>Could not save, the window has not been opened!</source>{tongue}\n"
        for tongue in TONGUES
    },
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    root = write(tmp_path_factory.mktemp("messages"), {name: text.lstrip("\n") for name, text in FILES.items()})
    build(root, config=CONFIG)
    with indexer.open(root, options=CONFIG.encoder) as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "path", "line"),
    [
        ("Opened (404) <door of x.org> (guest: None)", "app/doors.py", 1),
        ("Window Front/Left exists!", "app/windows.cpp", 7),
        ("gate: cannot open the window w2 in the back of the house", "app/gates.go", 3),
        ("Could not save, the window has not been opened!", "app/windows.cpp", 4),
        ("E121: Undefined door: knob", "app/errors.h", 1),
        ("fence:paint", "app/fence.erl", 6),
        ("fence:paint/2", "app/fence.erl", 6),
        ("no such key: front", "app/lock.lua", 2),
        ("cannot turn lock:/etc/locks/front", "app/lock.lua", 3),
        ('unknown lock scheme "latch"', "app/schemes.go", 5),
    ],
)
def test_a_message_finds_what_prints_it(index: Index, query: str, path: str, line: int) -> None:
    first = index.search(query).hits[0]
    assert (first.path, first.line) == (path, line)


def test_a_message_that_names_a_place_finds_it_and_what_prints_it(index: Index) -> None:
    found = [(hit.path, hit.line) for hit in index.search("unwanted key form at app/names.js:2").hits]
    assert found[:2] == [("app/names.js", 2), ("app/schemes.go", 3)]


def test_a_key_finds_the_member_and_then_the_string_that_names_it(index: Index) -> None:
    found = [(hit.path, hit.line) for hit in index.search("KnockDelay").hits]
    assert found[:2] == [("app/keys.h", 3), ("app/keys.cpp", 3)]
