"""Which entries of a folder the walk takes: one order of rules, for the walk and for its explanation.

walk.exclude comes first. Then .indexerignore beats .ignore, and that beats git's rules: .gitignore beats
.git/info/exclude beats the global excludes. Within one kind the nearest folder wins, and in a file the last line.
Hidden files come last, so that a `!` line takes one. As in git, git's rules leave no file out that git tracks, and
nothing below a folder that they leave out can be taken back by them. Ignore files above the root count up to the top
of its repository. A nested repository has git's rules of its own. Outside a repository .gitignore files count too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec
from msgspec.structs import replace

from indexer.config import WalkOptions
from indexer.errors import ConfigError
from indexer.git.index import NOTHING_TRACKED, Tracked, read_index
from indexer.git.repository import git_files, repository_of
from indexer.regular import read_regular
from indexer.sources.ignore_files import RULES_LIMIT, IgnoreFile, Rule, parse_patterns, unread
from indexer.sources.patterns import PatternList, compile_pattern
from indexer.types import LeftOutReason

GIT_IGNORE, IGNORE, OWN_IGNORE = ".gitignore", ".ignore", ".indexerignore"
IGNORE_FILES = (GIT_IGNORE, IGNORE, OWN_IGNORE)

MAX_WARNINGS = 5
"""Ignore files that are named one by one when they can't be read; the others are counted."""


class Ruling(msgspec.Struct, frozen=True):
    """What the rules say of an entry: left out for `reason`, or taken (None); `rule` is the line that decided.

    `overruled` is git's line that leaves the entry out, and doesn't count, since git tracks it or something inside.
    """

    reason: LeftOutReason | None = None
    rule: Rule | None = None
    overruled: Rule | None = None


SEARCHED = frozenset(
    (
        ".azure-pipelines",
        ".azure-pipelines.yml",
        ".buildkite",
        ".circleci",
        ".devcontainer",
        ".drone.yml",
        ".forgejo",
        ".gitea",
        ".github",
        ".gitlab",
        ".gitlab-ci.yml",
        ".goreleaser.yml",
        ".goreleaser.yaml",
        ".pre-commit-config.yaml",
        ".readthedocs.yaml",
        ".readthedocs.yml",
        ".travis.yml",
        ".woodpecker",
    )
)
"""Hidden files and folders that hold what people look for: how a project is built, tested and released."""

_SETTINGS_OF_TOOLS = re.compile(
    r"\.(?:cargo|config|husky|clang-format|clang-tidy|editorconfig)"
    r"|\.(?!env|indexer)[\w-]+(?:rc|rc\.\w+|\.(?:ya?ml|toml|jsonc?|[cm]?js|cfg|ini|conf))"
)
"""Hidden files and folders with the settings of tools; taken where git tracks them, as a home folder's are not."""

_TAKEN = Ruling()
_HIDDEN = Ruling(LeftOutReason.HIDDEN)


def _from_disk(path: str) -> bytes:
    return read_regular(path, RULES_LIMIT)


class Scope(msgspec.Struct):
    """What all folders of one walk share; the lists grow as repositories and bad files are met.

    `open` gives the content of an ignore file by its absolute path, or raises OSError. `indexes` are git's, each with
    the root's path in its repository and the repository's below the root.
    """

    root: str
    exclude: IgnoreFile
    hidden: bool
    global_excludes: tuple[str, PatternList] | None = None
    open: Callable[[str], bytes] = _from_disk
    tracked: list[Tracked] = []
    indexes: list[tuple[str, str, str]] = []
    problems: list[str] = []

    def read(self, path: str, name: str) -> PatternList | None:
        """Return the patterns of an ignore file that may not be there; one that can't be read is a problem."""
        try:
            return parse_patterns(self.open(path), path) or None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.problems.append(unread(name, error))
            return None

    def warnings(self) -> tuple[str, ...]:
        """Return the problems as sentences; many are summed up."""
        more = len(self.problems) - MAX_WARNINGS
        return (*self.problems[:MAX_WARNINGS], *((f"{more} more such files were left unread",) if more > 0 else ()))


class FolderRules(msgspec.Struct, frozen=True):
    """The rules that bear on what one folder holds, the strongest first in each of the three lists."""

    scope: Scope
    own: tuple[IgnoreFile, ...] = ()
    ignore: tuple[IgnoreFile, ...] = ()
    git: tuple[IgnoreFile, ...] = ()
    tracked: Tracked = NOTHING_TRACKED
    below: Rule | None = None

    def _is_searched(self, path: str, name: str, *, is_dir: bool) -> bool:
        """Whether a hidden entry is of those that people search."""
        if name in SEARCHED:
            return True
        return _SETTINGS_OF_TOOLS.fullmatch(name) is not None and self.tracked.holds(path, is_dir=is_dir)

    def judge(self, path: str, name: str, *, is_dir: bool) -> Ruling:
        """Return what becomes of an entry; `path` is relative to the root and ends in `name`."""
        if match := self.scope.exclude.match(path, name, is_dir=is_dir):
            return Ruling(LeftOutReason.EXCLUDED, match[1])
        for files in (self.own, self.ignore):
            for file in files:
                if match := file.match(path, name, is_dir=is_dir):
                    return Ruling(None if match[0] else LeftOutReason.IGNORED, match[1])
        ignored = self.below
        if ignored is None:
            for file in self.git:
                if match := file.match(path, name, is_dir=is_dir):
                    taken, ignored = match
                    if taken:
                        return Ruling(None, ignored)
                    break
        if ignored is not None and not self.tracked.holds(path, is_dir=is_dir):
            return Ruling(LeftOutReason.GIT_IGNORED, ignored)
        if name[0] == "." and not self.scope.hidden and not self._is_searched(path, name, is_dir=is_dir):
            return _HIDDEN if ignored is None else Ruling(LeftOutReason.HIDDEN, None, ignored)
        return _TAKEN if ignored is None else Ruling(None, None, ignored)

    def enter(
        self, folder: str, ruling: Ruling = _TAKEN, *, present: Collection[str] = IGNORE_FILES, repository: bool = False
    ) -> FolderRules:
        """Return the rules inside a folder ("" for the root), given the ruling that took it.

        `present` are the names of ignore files worth a try. A `repository` has git's rules to itself.
        """
        rules = replace(self, below=ruling.overruled) if ruling.overruled != self.below else self
        if repository:
            rules = rules._at_top(Path(self.scope.root, folder), prefix=f"{folder}/")
        return rules._with(folder, present) if present else rules

    def _with(self, folder: str, present: Collection[str]) -> FolderRules:
        """Add the ignore files of a folder below the root, or of the root."""
        prefix = f"{folder}/" if folder else ""
        return self._with_files(self.scope.root + os.sep + prefix, prefix, present, start=len(prefix))

    def _with_files(
        self, place: str, shown: str, present: Collection[str], *, lead: str = "", start: int = 0
    ) -> FolderRules:
        found: dict[str, tuple[IgnoreFile, ...]] = dict.fromkeys(IGNORE_FILES, ())
        for name in present:
            if patterns := self.scope.read(place + name, shown + name):
                found[name] = (IgnoreFile(shown + name, patterns, lead, start),)
        return replace(
            self,
            own=found[OWN_IGNORE] + self.own,
            ignore=found[IGNORE] + self.ignore,
            git=found[GIT_IGNORE] + self.git,
        )

    def _at_top(self, top: Path, *, above: str = "", prefix: str = "") -> FolderRules:
        """Begin a repository; `above` is the root's path in it, `prefix` the repository's below the root."""
        files, git = git_files(top), []
        if patterns := self.scope.read(files.exclude, shown := self._shown(files.exclude)):
            git.append(IgnoreFile(shown, patterns, above, len(prefix)))
        git.extend(self._global(above, len(prefix)))
        tracked = NOTHING_TRACKED
        try:
            tracked = read_index(files.index).below(above=above, prefix=prefix)
            self.scope.tracked.append(tracked)
            self.scope.indexes.append((files.index, above, prefix))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            shown = self._shown(files.index)
            self.scope.problems.append(f"{shown}: {why}, so no file counts as one that git tracks")
        return replace(self, git=tuple(git), tracked=tracked, below=None)

    def _global(self, lead: str, start: int) -> tuple[IgnoreFile, ...]:
        if self.scope.global_excludes is None:
            return ()
        name, patterns = self.scope.global_excludes
        return (IgnoreFile(name, patterns, lead, start),)

    def _shown(self, path: str) -> str:
        return path.removeprefix(self.scope.root + os.sep)


def root_rules(root: Path, options: WalkOptions, exclude: PatternList, global_excludes: Path | None) -> FolderRules:
    """Return the rules of everything above a root; `enter` it with "" for those of the root itself.

    `global_excludes` is the file that git's core.excludesFile names; it is the user's own, so a link is followed.
    """
    scope = Scope(str(root).removesuffix(os.sep), IgnoreFile("", exclude), options.hidden)
    if global_excludes is not None and (found := scope.read(os.path.realpath(global_excludes), str(global_excludes))):
        scope.global_excludes = (str(global_excludes), found)
    rules = FolderRules(scope)
    top = repository_of(root)
    if top is None:
        return replace(rules, git=rules._global("", 0))
    if top == root:
        return rules._at_top(top)
    above = "/".join(root.relative_to(top).parts) + "/"
    return _from_top_to(root, top, rules._at_top(top, above=above))


def tree_rules(
    root: Path, top: Path, options: WalkOptions, exclude: PatternList, tracked: Tracked, opens: Callable[[str], bytes]
) -> FolderRules:
    """Return the rules of everything above a root in a tree that git holds, all of it `tracked`; `enter` it with "".

    Nothing outside the tree has a say: no info/exclude, and no global excludes.
    """
    scope = Scope(str(root).removesuffix(os.sep), IgnoreFile("", exclude), options.hidden, open=opens)
    scope.tracked.append(tracked)
    return _from_top_to(root, top, FolderRules(scope, tracked=tracked))


def _from_top_to(root: Path, top: Path, rules: FolderRules) -> FolderRules:
    """Add the ignore files of the folders from the top of a repository to above a root in it."""
    steps = root.relative_to(top).parts
    for count in range(len(steps)):
        folder = f"{top.joinpath(*steps[:count])}".removesuffix(os.sep) + os.sep
        rules = rules._with_files(folder, folder, IGNORE_FILES, lead="/".join(steps[count:]) + "/")
    return rules


def compile_exclude(exclude: tuple[str, ...]) -> PatternList:
    """Compile the configured patterns; raise ConfigError for one that is malformed or leaves nothing out."""
    patterns = []
    for number, text in enumerate(exclude, 1):
        pattern = compile_pattern(text, number)
        if pattern is None or pattern.negated:
            raise ConfigError(f"walk.exclude: {text!r} leaves nothing out; write patterns as in .gitignore, without !")
        patterns.append(pattern)
    try:
        return PatternList(patterns)
    except ValueError as error:
        raise ConfigError(f"walk.exclude: {error}; name folders instead") from None
