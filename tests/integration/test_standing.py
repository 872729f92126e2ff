"""What a query writes stands in code: such chunks come first, the definition of a name first of all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import indexer
from indexer.config import Config, EncoderOptions
from indexer.errors import ConfigError
from indexer.index import Index
from pipelines.build import build
from tests.trees import write

CONFIG = Config(encoder=EncoderOptions(name="static"))
FILES = {
    "app/server.py": '''
MAX_HEADER_BYTES = 8192

# How often a client that was turned away may knock again.
RETRY_SECONDS = 5


def parse_arguments(arguments):
    """Read what the command line says."""
    for argument in arguments:
        if argument == "--no-banner":
            return {"banner": False}
        if argument == "--banner":
            return {"banner": True}
    raise SystemExit("unknown argument")


def find_view(name, views):
    """Return the view of a name."""
    if name not in views:
        raise LookupError(f"no view named {name!r} is registered among"
                          f" {len(views)} known views")
    return views[name]


def open_door(path, mode):
    """Open a door for a client."""
    if mode not in ("r", "w"):
        raise ValueError("cannot open door %s: mode %r is not supported" % (path, mode))
    if not mode.isascii():
        log("malformed _DOOR_RESTART_FD %r", mode)
    # TODO: knock before entering a room that is in use
    return path, mode
''',
    "app/peep.c": """
int main(int argc, char *argv[]) {
    if (environment("PEEPHOLE") == 0)
        return 1;
    return look(argc, argv);
}

/* The PEEPHOLE is a hole: whoever looks through the PEEPHOLE sees a PEEPHOLE. */
int peephole(int limit) {
    return limit;
}
""",
    "app/peep/limit.c": """
int peep_limit(struct limit *limit) {
    if (limit->peep < 1)
        fail("the peep limit, --peep-limit, is less than one peep");
    return limit->peep;
}
""",
    "app/options.c": """
static struct option known[] = {
    {"peep-limit", required_argument, 0, 'l'},
    {0, 0, 0, 0},
};
""",
    "app/client.py": '''
from app.server import MAX_HEADER_BYTES


def too_long(header):
    """Whether a header is longer than MAX_HEADER_BYTES allows."""
    return len(header) > MAX_HEADER_BYTES


def connect(host):
    """Knock at the door of a host."""
    return host
''',
    "app/gate.go": """
package gate

func Flags(f *Set) {
	f.Bool("half-open", false, "let the gate stand half open")
	f.Int(limits["knock-limit"], 3, "how often one may knock")
}

func Knock(host string, times int) error {
	if times > 3 {
		return errors.New("the gate is shut")
	}
	return errors.Errorf("cannot knock at the gate of %vor open it", host)
}
""",
    "tests/test_server.py": """
from app.server import MAX_HEADER_BYTES, find_view, parse_arguments


def test_arguments():
    assert parse_arguments(["--no-banner"]) == {"banner": False}


def test_limit():
    assert MAX_HEADER_BYTES == 8192
""",
    "docs/usage.md": """# Usage

The message "cannot knock at the gate of example.org" and the flag `--half-open` are of the gate. It says
gate.Fault: the gate is shut.

Start it with `--no-banner` to see no banner. The limit is MAX_HEADER_BYTES.

A view that is not registered is an error; see how a view is found.
""",
    "deploy/values.yaml": """
gate:
  # Of one client.
  secondsBetweenKnocks: 5
""",
    "app/knocks.py": """
class Gate:
    def seconds_between(self, knocks):
        # Seconds between the knocks at the gate.
        return self.seconds.between(knocks)


def gate_seconds(knocks):
    return Gate().seconds_between(knocks)
""",
    "app/tally.py": """
\"\"\"Tally what is to tally: a tally of tallies.\"\"\"


class Tally:
    def tally_all(self, tallies):
        return [tally for tally in tallies if tally.is_tally]


class TallySheet(Tally):
    def tally_up(self, tally):
        return self.tally_all([tally, tally])
""",
    **{f"app/tally_{n}.py": f"def tally_{n}(tally):\n    return tally.tally_all([tally] * {n})\n" for n in range(6)},
    "lib/house/Sheet.java": "package house;\n\nclass TallySheet {\n"
    + "".join(f'    /** What stands on line {n}. */\n    private String lineNumber{n} = "";\n' for n in range(30))
    + """
    /** Makes a TallySheet: a TallySheet has a row a tally, as any TallySheet. */
    TallySheet(TallySheet sheet) {
        this(sheet.lineNumber0, sheet.lineNumber1); // The TallySheet of another TallySheet.
    }
}
""",
    "lib/house/room.py": """
class Room:
    def __init__(self, chairs):
        self.chairs = chairs

    def tally(self):
        return len(self.chairs)
""",
    "lib/house/hall.py": """
class Hall:
    def __init__(self, doors):
        self.doors = doors

    def tally(self):
        return len(self.doors)
""",
    "shapes.h": """
enum shape { SHAPE_ROUND, SHAPE_SQUARE, SHAPE_FLAT };
#define SHAPE_LIMIT 12
#define SHAPE_DEFAULT SHAPE_ROUND
typedef int shape_id;
typedef long shape_area;
""",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    root = write(tmp_path_factory.mktemp("standing"), {name: text.lstrip("\n") for name, text in FILES.items()})
    build(root, config=CONFIG)
    with indexer.open(root, options=CONFIG.encoder) as opened:
        yield opened


def line_of(path: str, text: str) -> int:
    return next(number for number, line in enumerate(FILES[path].lstrip("\n").split("\n"), 1) if text in line)


def places(index: Index, query: str, **options: object) -> list[tuple[str, int]]:
    return [(hit.path, hit.line) for hit in index.search(query, **options).hits]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "path", "text"),
    [
        ("--no-banner", "app/server.py", '"--no-banner"'),
        ("MAX_HEADER_BYTES", "app/server.py", "MAX_HEADER_BYTES ="),
        ("where is MAX_HEADER_BYTES set", "app/server.py", "MAX_HEADER_BYTES ="),
        ("TODO: knock before entering", "app/server.py", "TODO: knock"),
        ("client that was turned away may", "app/server.py", "turned away"),
        ("app/server.py:14", "app/server.py", "SystemExit"),
        ("LookupError: no view named 'index' is registered among 3 known views", "app/server.py", "no view named"),
        ("cannot open door /dev/null: mode 'x' is not supported", "app/server.py", "cannot open door"),
        ('cannot open door "/dev/null": mode "x" is not supported', "app/server.py", "cannot open door"),
        ("cannot knock at the gate of example.org", "app/gate.go", "cannot knock"),
        ("gate.Fault: the gate is shut", "app/gate.go", "the gate is shut"),
        ("--half-open", "app/gate.go", '"half-open"'),
        ("knock-limit", "app/gate.go", "knock-limit"),
        ("--peep-limit", "app/options.c", '{"peep-limit"'),
        ("PEEPHOLE", "app/peep.c", 'environment("PEEPHOLE")'),
        ("gate.secondsBetweenKnocks", "deploy/values.yaml", "secondsBetweenKnocks"),
        ("app/gate.go", "app/gate.go", "package gate"),
        ("SHAPE_SQUARE", "shapes.h", "SHAPE_SQUARE"),
        ("SHAPE_LIMIT", "shapes.h", "define SHAPE_LIMIT"),
        ("shape_area", "shapes.h", "shape_area"),
        ("connect", "app/client.py", "def connect"),
    ],
)
def test_what_is_written_is_found_first_at_its_line(index: Index, query: str, path: str, text: str) -> None:
    assert places(index, query)[0] == (path, line_of(path, text))


def test_source_comes_before_tests_and_tests_before_documents(index: Index) -> None:
    found = [path for path, _ in places(index, "--no-banner")]
    assert found[:3] == ["app/server.py", "tests/test_server.py", "docs/usage.md"]


def test_a_flag_is_not_found_within_another(index: Index) -> None:
    hits = index.search("--banner", explain=True).hits
    assert [hit.line for hit in hits if "stands" in hit.contributions] == [line_of("app/server.py", '"--banner"')]
    assert not any("stands" in hit.contributions for hit in index.search("--ban", explain=True).hits)


def test_quoted_text_must_stand_as_it_is_written(index: Index) -> None:
    assert {path for path, _ in places(index, '"no view named" error')} == {"app/server.py"}
    assert places(index, '"no view called" error') == []
    assert places(index, '"a view is" found')[0][0] == "docs/usage.md"


def test_a_plain_word_finds_all_that_it_names_after_what_it_may_mean(index: Index) -> None:
    found = places(index, "tally")
    defined = {(path, line_of(path, "def tally(")) for path in ("lib/house/room.py", "lib/house/hall.py")}
    assert found[0][0].startswith("app/tally") and defined <= set(found[:5])


def test_a_name_finds_what_it_names_once_a_file_and_not_first_what_comes_after_it_there(index: Index) -> None:
    found = places(index, "TallySheet")
    assert {path for path, _ in found[:2]} == {"app/tally.py", "lib/house/Sheet.java"}
    assert ("lib/house/Sheet.java", line_of("lib/house/Sheet.java", "class TallySheet")) in found[:2]


def test_quotes_around_a_value_are_part_of_a_message(index: Index) -> None:
    assert places(index, 'Malformed _DOOR_RESTART_FD "round"')[0] == (
        "app/server.py",
        line_of("app/server.py", "malformed _DOOR_RESTART_FD"),
    )
    assert {path for path, _ in places(index, 'MAX_HEADER_BYTES "8192"')} == {"app/server.py", "tests/test_server.py"}
    assert {path for path, _ in places(index, '"MAX_HEADER_BYTES" round')} == {
        "app/server.py", "app/client.py", "tests/test_server.py", "docs/usage.md"
    }  # fmt: skip
    assert places(index, 'NO_SUCH_CONSTANT "half open"')[0][0] == "app/gate.go"
    assert {path for path, _ in places(index, 'NO_SUCH_CONSTANT "half open"')} == {"app/gate.go"}


def test_an_expression_keeps_what_it_matches(index: Index) -> None:
    found = index.search("turn something on or off", pattern=r"--(no-)?banner").hits
    assert {hit.path for hit in found} == {"app/server.py", "tests/test_server.py", "docs/usage.md"}
    assert all(
        "banner" in dict(zip(hit.snippet_lines, hit.snippet.split("\n"), strict=True))[hit.line] for hit in found
    )
    assert places(index, "limit", pattern=r"^#define SHAPE_L") == [("shapes.h", line_of("shapes.h", "SHAPE_LIMIT"))]
    assert index.search("limit", pattern="nothing has this").hits == ()


@pytest.mark.parametrize("pattern", ["(", r"(?<=a)b", r"(a)\1", "a" * 2000, "a\udce9"])
def test_an_expression_that_cannot_be_read_is_an_error(index: Index, pattern: str) -> None:
    with pytest.raises(ConfigError):
        index.search("limit", pattern=pattern)


def test_a_filter_holds_for_what_stands_too(index: Index) -> None:
    assert {path for path, _ in places(index, "--no-banner", paths=["docs/**"])} == {"docs/usage.md"}
    assert {path for path, _ in places(index, "app/server.py:14", paths=["docs/**"])} == {"docs/usage.md"}


def test_a_definition_in_a_group_is_shown_by_its_own_name(index: Index) -> None:
    hit = index.search("shape_area").hits[0]
    assert (hit.name, hit.qualified_name, hit.line) == ("shape_area", "shape_area", line_of("shapes.h", "shape_area"))


@pytest.mark.parametrize(
    "written", ["shape_area \udce9", "x/\udce9.py shape_area", "--\udce9 shape_area", "\udce9: shape_area"]
)
def test_what_is_no_text_in_a_query_hides_nothing_of_it(index: Index, written: str) -> None:
    assert "shapes.h" in {path for path, _ in places(index, written)}


def test_each_name_of_a_group_holds_what_is_in_it(index: Index) -> None:
    assert {path for path, _ in places(index, "round", within="shape_area")} == {"shapes.h"}


def test_nonsense_has_no_hits_but_by_meaning_alone(index: Index) -> None:
    assert index.search("blorquax zimfep").hits == ()
    assert index.search("blorquax zimfep", mode="vector").hits
