"""Before there is an index, the lines that hold a question's rarest words are found, definitions first."""

from __future__ import annotations

from pipelines.serve.scan import LINES_A_FILE, Line, Scanned, scan, words_of
from tests.fakes import MemorySource

FILES = {
    "docs/tea.md": "To boil water, call boil_water.\nwater\nwater\nwater\n",
    "src/kettle.py": "import water\n\ndef boil_water(kettle):\n    return kettle.heat(water)\n",
    "src/cup.py": "water = 1\n",
    "src/logo.png": "\x00boil_water\x00",
}


def scanned(question: str, *, paths: tuple[str, ...] = (), count: int = 5, seconds: float = 60) -> Scanned:
    return scan(
        MemorySource({path: text.encode() for path, text in FILES.items()}),
        words_of(question),
        paths=paths,
        count=count,
        seconds=seconds,
    )


def test_a_definition_of_the_name_leads() -> None:
    assert scanned("boil_water").lines[0] == Line("src/kettle.py", 3, "def boil_water(kettle):")


def test_a_rare_word_weighs_more_than_one_of_every_file() -> None:
    assert scanned("heat the water").lines[0] == Line("src/kettle.py", 4, "return kettle.heat(water)")


def test_no_file_takes_all_the_places_and_what_is_no_text_none() -> None:
    paths = [line.path for line in scanned("water").lines]
    assert max(map(paths.count, paths)) == LINES_A_FILE and set(paths) == {*FILES} - {"src/logo.png"}


def test_only_the_paths_that_were_asked_for_are_read() -> None:
    found = scanned("water", paths=("src/**",))
    assert found.files == 3 and {line.path for line in found.lines} == {"src/kettle.py", "src/cup.py"}


def test_when_time_is_up_it_says_that_files_are_left() -> None:
    assert scanned("water", seconds=-1) == Scanned([], 0, False)


def test_short_words_and_repetitions_ask_for_nothing() -> None:
    assert words_of("Is it a_b, A_B or http2?") == ["a_b", "http2"]
