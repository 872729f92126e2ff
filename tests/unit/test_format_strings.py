"""A whole message is told from a format string with few words of its own, to the letter."""

from __future__ import annotations

import pytest

from indexer.search.format_strings import format_of


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('F = "Opened (%(status)s) %(door)s%(flags)s (guest: %(guest)s)%(more)s"', "Opened (3) <a b> (guest: None)"),
        ('log("Invalid door: %s", door)', "Invalid door: /dev/null"),
        ("abort \"Invalid door: '$1'\"", "Invalid door: 'front'"),
        ('die "Invalid door: $!";', "Invalid door: no key"),
        ('log("Invalid door: %s", door)', "2026-11-30 12:00 [doors] ERROR: Invalid door: /dev/null"),
        ('tr("Door %1 exists!").arg(door)', "Door Front/Left exists!"),
        ("f'Invalid door: {door!r}'", "Invalid door: 'a'"),
        ('log("the \\"%s\\" door", door)', 'the "front" door'),
        ('errors.Errorf("opening door: %w", err)', "opening door: no such file"),
        ('logger.warn("door not found:", door)', "door not found: front"),
        ('error("Invalid door:" .. door)', "Invalid door:/dev/null"),
        ('throw new Error("Invalid door " + door)', "Error: Invalid door front"),
        ('throw new Error("Door \'" + door + "\' is locked")', "Door 'front' is locked"),
        ('throw new Error(door + " has no lock")', "front has no lock"),
        ('die("Invalid door: " . $door . " of " . $house);', "Invalid door: front of x.org"),
        ('std::cerr << "Cannot open " << door << ": " << reason;', "Cannot open front: no key"),
        ("'no_door' => 'Cannot get door from :url',", "Cannot get door from https://x.org/a"),
        ('door: "%{name} has no lock"', "front has no lock"),
        ('"door": "\\"{{ name }}\\" has no lock"', '"front" has no lock'),
        ('fail("The front door " +\n     "of " + house + " is locked")', "The front door of x.org is locked"),
    ],
)
def test_a_format_makes_a_message(line: str, message: str) -> None:
    made = format_of(f"\n{line}\n", message)
    assert made and made.row == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('log("Invalid door: %s", door)', "Invalid doors: /dev/null"),
        ('log("Invalid door: %s.", door)', "Invalid door: /dev/null"),
        ('log("Invalid door: %s", door)', "anInvalid door: /dev/null"),
        ('log("Invalid %s door %s open", a, b)', "Invalid a open door b"),
        ('log("door: %s", door)', "door: /dev/null"),
        ('log("%s is not in %s", a, b)', "a is not in b"),
        ('log("Invalid door: a")', "Invalid door: a"),
        ('log("Invalid %s", "door: a")', "Invalid door: a"),
        ('log("Invalid door", door)', "Invalid door: a"),
        ('log("Invalid::door opened")', "Invalid: a opened"),
        ('log("Invalid door at 12:30", door)', "Invalid door at 12"),
        ('die "Invalid door: $12a"', "Invalid door: a"),
        ('log("Invalid door:")', "Invalid door: a"),
        ('log("Invalid " + door); log("a door")', "Invalid front a door"),
    ],
)
def test_another_format_does_not(line: str, message: str) -> None:
    assert format_of(line, message) is None


def test_of_formats_that_make_a_message_the_one_with_most_words_is_taken() -> None:
    text = 'log("expected %s, got %s")\nlog("expected route %s, got %s")\nlog("%s, not got %s")'
    made = format_of(text, "expected route a, got b")
    assert made and (made.row, made.words) == (1, 3)
