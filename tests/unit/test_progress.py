"""What a build notes of how far it is."""

from __future__ import annotations

from pipelines.progress import Noted, Silence


def test_the_note_on_parsing_reads_well_for_one_as_for_many() -> None:
    notes: list[str] = []
    progress = Noted(Silence(), notes.append, every_seconds=0.0)
    progress.parsed(1, 353, 1)
    progress.parsed(65, 353, 822)
    assert notes == ["files parsed: 1 of 353, chunks: 1", "files parsed: 65 of 353, chunks: 822"]
