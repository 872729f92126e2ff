"""What sort of file a path is of, by its form: source, test, prose, or data; and whose copy it may be."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

_TEST = re.compile(
    r"(?:^|/)(?:(?:[^/]*[._-]|unit|self)?[Tt]ests?(?:_?(?:cases|suites?|data))?|testing|e2e|specs?|__tests__|regress"
    r"|fixtures|mocks?|_?examples?|samples?|demos?|bench(?:es|marks?)?)(?:/|$)"
    r"|[a-z]Tests?/|(?:^|/)test_|(?:_tests?|[._]spec|\.test|[a-z]Tests?|_bench)\.\w+$|\.t$"
)
_COMPATIBILITY = re.compile(
    r"(?:^|[/._-])(?:compat|compatibility|legacy|deprecated|obsolete|vendor|vendored|third[_-]?party|polyfills?|shims?)(?:[/._-]|$)"
)
_PROSE = re.compile(
    r"\.(?:md|mdx|rst|adoc|txt|text|ipynb|html?|tex|po)$|(?:^|/)(?:readme|changelog|changes|news|license)[^/]*$"
)
_DATA = re.compile(
    r"\.(?:csv|tsv|psv|log|svg|jsonl|ndjson|geojson|lock|sum|snap|dat|pot?|arff|xyz|obj|pem|crt)(?:\.\d+)?$"
    r"|(?:^|/)(?:package-lock|npm-shrinkwrap|composer\.lock|pnpm-lock)[^/]*$"
    # Translations, which repeat what code tells; into English it may be told there alone.
    r"|(?:^|/)(?:translations?|locales?|l10n|i18n|localization|langs?)/(?:[^/]+/)*(?:"
    r"(?!en)(?:[a-z]{2}|[a-z]{2,3}[_-][a-z]{2,8})/[^/]+|(?:[^/]+[._-])?(?<!en[_-])(?!en)[a-z]{2}(?:[_-][a-z]{2,4})?)"
    r"\.(?:json|ya?ml|xml|properties|strings|inc|php|ts|resx|arb|xlf)$"
)


class FileKind(IntEnum):
    """The sorts of files, in the order in which one that holds a text as it was asked for is looked at first."""

    SOURCE = 0
    TEST = 1
    PROSE = 2
    DATA = 3


def is_test(path: str) -> bool:
    """Whether a path is of tests, examples or benchmarks."""
    return bool(_TEST.search(path))


def is_compatibility(path: str) -> bool:
    """Whether a path is of code kept for old users, or copied from others."""
    return bool(_COMPATIBILITY.search(path.lower()))


def is_prose(path: str) -> bool:
    """Whether a path is of a text for people."""
    return bool(_PROSE.search(path.lower()))


def is_data(path: str) -> bool:
    """Whether a path is of tables, logs, drawings or lists that programs keep."""
    return bool(_DATA.search(path.lower()))


@lru_cache(maxsize=1 << 14)
def file_kind(path: str) -> FileKind:
    """Return the sort of file that a path is of."""
    if is_data(path):
        return FileKind.DATA
    if is_prose(path):
        return FileKind.PROSE
    return FileKind.TEST if is_test(path) else FileKind.SOURCE
