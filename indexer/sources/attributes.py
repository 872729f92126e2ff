"""What .gitattributes files say of a file's origin: linguist-generated and linguist-vendored.

Set (`linguist-generated`, `=true`) they skip a file; unset (`-linguist-generated`, `=false`) they keep it whatever its
content says; `!linguist-generated` takes back what a line before said. The nearest file wins, and in it the last line.
Macros are understood. linguist-documentation and -detectable concern statistics and skip nothing. As in git, a pattern
that matches a folder says nothing of the files in it: `vendor/**`, not `vendor/`.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from indexer.sources.patterns import Pattern, compile_pattern
from indexer.types import SkippedFile, SkipReason, SourceFile

ATTRIBUTES_FILE = ".gitattributes"

REASONS = {"linguist-vendored": SkipReason.VENDORED, "linguist-generated": SkipReason.GENERATED}

MAX_RULES = 2_000
"""Each file below is compared with each of them."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(.*)', re.DOTALL)
_MACRO = "[attr]"


class Verdict(msgspec.Struct, frozen=True):
    """What attributes decide for one file: skipped for a reason, or kept (`reason` is None); `rule` names the line."""

    reason: SkipReason | None
    rule: str


class _Rule(msgspec.Struct, frozen=True):
    """One line: a pattern, and True (set), False (unset) or None (unspecified) for each attribute that it names."""

    pattern: Pattern
    states: Mapping[str, bool | None]
    name: str


def judged(
    file: SourceFile | SkippedFile, verdict: Verdict | None, included: frozenset[SkipReason]
) -> SourceFile | SkippedFile:
    """Apply what attributes decide to a file, unless the options include files that they would skip."""
    if verdict is None or isinstance(file, SkippedFile):
        return file
    if verdict.reason is None:
        return replace(file, kept_by=verdict.rule)
    if verdict.reason in included:
        return file
    return SkippedFile(file.path, verdict.reason, verdict.rule, file.size, file.mtime_ns)


class Attributes:
    """The rules of all .gitattributes files of a tree, added folder by folder, outer folders first."""

    def __init__(self) -> None:
        self._rules: dict[str, list[_Rule]] = {}
        self._macros: dict[str, Mapping[str, bool | None]] = {}

    def add(self, folder: str, content: bytes) -> None:
        """Add the file that lies in `folder` (relative to the top of the tree, "" for the top itself).

        Raises OSError, with EFBIG, for more than MAX_RULES lines of those attributes.
        """
        if b"linguist-" not in content and not self._macros:
            return
        name = f"{folder}/{ATTRIBUTES_FILE}" if folder else ATTRIBUTES_FILE
        rules = []
        for number, line in enumerate(content.decode("utf-8", "surrogateescape").lstrip("\ufeff").split("\n"), 1):
            text, states = self._parse(line.strip())
            if text.startswith(_MACRO):
                self._macros[text.removeprefix(_MACRO)] = states
            elif states and (pattern := compile_pattern(text, number)) and not pattern.negated:
                rules.append(_Rule(pattern, states, f"{name}:{number} {line.strip()}"))
        if len(rules) > MAX_RULES:
            raise OSError(errno.EFBIG, f"{len(rules):,} lines on linguist attributes, limit {MAX_RULES:,}", name)
        if rules:
            self._rules[folder] = rules

    def verdict(self, path: str) -> Verdict | None:
        """Return what the attributes of a file decide, or None when they say nothing."""
        if not self._rules:
            return None
        found: dict[str, tuple[bool | None, str]] = {}
        for rule in self._matching(path):
            for attribute, state in rule.states.items():
                found.setdefault(attribute, (state, rule.name))
        kept = None
        for attribute, reason in REASONS.items():
            state, name = found.get(attribute, (None, ""))
            if state:
                return Verdict(reason, name)
            if state is False:
                kept = kept or Verdict(None, name)
        return kept

    def _matching(self, path: str) -> Iterator[_Rule]:
        """Yield the rules that match a file, the strongest first."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            relative = path[len(folder) + 1 :] if folder else path
            for rule in reversed(self._rules.get(folder, ())):
                if rule.pattern.matches(relative, is_dir=False):
                    yield rule

    def _parse(self, line: str) -> tuple[str, dict[str, bool | None]]:
        """Split a line into its pattern and the states of the attributes that matter here."""
        if not line or line.startswith("#"):
            return "", {}
        if quoted := _QUOTED.fullmatch(line):
            text, rest = re.sub(r"\\(.)", r"\1", quoted[1]), quoted[2]
        else:
            text, _, rest = line.replace("\t", " ").partition(" ")
        states: dict[str, bool | None] = {}
        for word in rest.split():
            name, _, value = word.lstrip("-!").partition("=")
            state = None if word.startswith("!") else not word.startswith("-") and value.lower() not in {"false", "0"}
            if name in REASONS:
                states[name] = state
            elif name in self._macros and state:
                states.update(self._macros[name])
        return text, states
