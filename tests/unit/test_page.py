"""The page of a report: nothing from elsewhere, no script, and no string of a repository's that means anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from indexer.types import SkipReason, Tier
from pipelines.history import Size
from pipelines.page.charts import Bar, bars, columns, parts, text
from pipelines.page.html import page
from pipelines.report import BuildReport, ChunkCounts, LeftOutCounts
from pipelines.stats import SkippedPath, Skips, Stats
from pipelines.status import LanguageStatus
from pipelines.tally import FileCounts, SlowFile

TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "h1",
    "h2",
    "p",
    "div",
    "b",
    "span",
    "section",
    "small",
    "svg",
    "rect",
    "ul",
    "li",
    "i",
    "details",
    "summary",
    "br",
}
HOSTILE = ["<script>alert(1)</script>", '" onload="x', "'><img src=//x>", "\x1b[31m\u202e\n", "a\udcffb", "&lt;", "]]>"]


class Reader(HTMLParser):
    """Notes the tags, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def stats_of(strings: list[str]) -> Stats:
    """Return figures in which every string that may come from elsewhere is one of these."""
    first = strings[0]
    report = BuildReport(
        generation="00000002",
        digest=first,
        vector_digest="",
        source="worktree",
        committed=True,
        files=FileCounts(added=3),
        chunks=ChunkCounts(total=7, embedded=3),
        tiers={Tier.STATIC: 7},
        upgraded=0.0,
        bytes=1,
        skips={},
        left_out=LeftOutCounts(),
        languages={},
        parse_errors={},
        parser_failures={},
        seconds={"parse": 1.5, "embed": 0.5},
        rebuilt=first,
        slowest=[SlowFile(path=string, seconds=0.1, chunks=1) for string in strings],
        warnings=strings,
    )
    return Stats(
        root=first,
        generation="00000002",
        created=first,
        digest=first,
        encoder=first,
        dims=128,
        files=3,
        skipped=len(strings),
        chunks=7,
        bytes=123_456,
        index_bytes=654_321,
        tiers={Tier.STATIC: 4, Tier.CONTEXTUAL: 3},
        languages={string: LanguageStatus(files=1, chunks=1, bytes=9, errors=1, failures=1) for string in strings},
        skips={
            "binary": Skips(
                count=999,
                explanation=SkipReason.BINARY.explanation,
                paths=[SkippedPath(string, string) for string in strings],
            )
        },
        recall=None,
        drift=None,
        sizes=[Size(1, 10, 1), Size(2, 20, 2)],
        build=report,
    )


def read(html: str) -> Reader:
    """Parse a page."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def test_hostile_strings_are_text_and_nothing_else() -> None:
    html = page(stats_of(HOSTILE))
    html.encode()
    reader = read(html)
    assert reader.tags <= TAGS
    assert not any(name.startswith("on") or name in ("src", "href") for name in reader.attributes)
    shown = "".join(reader.texts)
    assert "<script>alert(1)</script>" in shown and "\\x1b[31m\\u202e\\n" in shown and "a\\udcffb" in shown
    assert not re.search(r"https?:|url\(|@import", html)


@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=4))
def test_any_string_leaves_the_page_as_it_is(strings: list[str]) -> None:
    html = page(stats_of(strings))
    html.encode()
    assert read(html).tags <= TAGS
    assert html.count("<section") == page(stats_of(["x"])).count("<section")


def test_bars_are_as_long_as_their_values() -> None:
    rows = [Bar("a", 50, "50"), Bar("b", 100, "100"), Bar("c", 0, "0")]
    assert re.findall(r'<rect width="([\d.]+)%" height="100%" rx="3" fill', bars(rows)) == ["50.00", "100.00", "0.00"]
    assert re.findall(r'<rect x="([\d.]+)%" width="([\d.]+)%"', parts(rows[:2])) == [
        ("0.00", "33.33"),
        ("33.33", "66.67"),
    ]
    assert re.findall(r' height="([\d.]+)%"', columns(rows)) == ["50.00", "100.00", "0.00"]
    assert bars([]) and parts([]) and columns([])


def test_text_shows_what_cannot_be_seen() -> None:
    assert text("<a b='c'>\u200b") == "&lt;a b=&#x27;c&#x27;&gt;\\u200b"


def test_every_part_of_a_report_has_its_section() -> None:
    titles = re.findall(r"<h2>(.*?)</h2>", page(stats_of(["x"])))
    assert titles == [
        "What changed",
        "Seconds by stage (2.0 s)",
        "Slowest files to parse",
        "Coverage by language",
        "Vectors by tier",
        "Recall",
        "Size over generations",
        "Skipped files",
    ]
