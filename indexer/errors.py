"""Every error that the library raises on purpose.

    IndexerError
    |- ConfigError            a setting is wrong (exit 2)
    |- RecallError            a full build lost more recall than recall.floor allows, with recall.strict (exit 2)
    |- SourceError            the folder to index can't be used (exit 2)
    |- NoIndexError           there is no index here (exit 3)
    |- StaleIndexError        the index is behind the files and the caller asked for fresh (exit 3)
    |- DamagedIndexError      a file of the index is missing, altered or malformed (exit 4)
    |  |- FormatVersionError  the index was written by another format version (exit 4)
    |  `- UnreadableError     the rights to read the index are missing (exit 1)
    |- LockedError            another writer holds the lock (exit 5)
    |- ModelError             the encoder's files are missing, altered or of another model (exit 6)
    |- ParseTimeoutError      a file took the parser longer than parse.timeout_seconds; its lines are indexed
    `- StorageError           the system refused a write: disk full, no permission (exit 1)

A message says what happened, where, and what to do about it.
"""

from __future__ import annotations

REMEDY = "run `indexer verify` for details and `indexer repair` to mend the index"
REBUILD = "run `indexer build --full`"
"""What to do about a damaged index, and about one of another format."""
REFUSED = "check the free space and the permissions; what was committed before is kept"
"""What to do where the system refuses to write an index, and what became of it."""
NO_TEMPORARY = "free some space there, or name another folder in TMPDIR"
"""What to do where the system has no place for temporary files."""


class IndexerError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command line ends with."""

    exit_code = 1


class ConfigError(IndexerError):
    """A setting, option or configuration file is wrong."""

    exit_code = 2


class RecallError(IndexerError):
    """The vectors of a full build find less than recall.floor asks for, and recall.strict is set."""

    exit_code = 2


class SourceError(IndexerError):
    """The folder to index does not exist, is not a folder, or can't be read."""

    exit_code = 2


class NoIndexError(IndexerError):
    """There is no committed index where one was expected."""

    exit_code = 3


class StaleIndexError(IndexerError):
    """Files changed since the index was built, and the caller asked for a fresh answer."""

    exit_code = 3


class DamagedIndexError(IndexerError):
    """A file of the index is missing, altered or malformed: `what` is wrong, and the `remedy`."""

    exit_code = 4

    def __init__(self, what: str, remedy: str = REMEDY) -> None:
        """Say what is wrong, without an end, and what helps."""
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        """Return both as one message."""
        return f"{self.what}; {self.remedy}"


class FormatVersionError(DamagedIndexError):
    """The index was written by a version of this program with another format."""


class UnreadableError(DamagedIndexError):
    """The system refuses to let this user read the index, which may be whole."""

    exit_code = 1


class LockedError(IndexerError):
    """Another process is writing this index."""

    exit_code = 5


class ModelError(IndexerError):
    """An encoder's files are missing, altered, or not what was asked for."""

    exit_code = 6


class ParseTimeoutError(IndexerError):
    """The parser ran out of time on one file; a pipeline counts it and indexes the file by its lines."""


class StorageError(IndexerError):
    """The system refused to write the index: the disk is full, or permission is missing."""
