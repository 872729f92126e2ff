"""A fair sample of real code in many languages, and the texts that an index would embed of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path, PurePosixPath

from .packages import Manifest, Package, fetch, members

WINDOW_LINES = 20
HEADER_WORDS = 6
_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """One sampled file: `path` is package/member, `language` a key of the manifest."""

    language: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Files for calibration and fitting, and others that nothing was fitted on."""

    fitting: tuple[CorpusFile, ...]
    held_out: tuple[CorpusFile, ...]


def load_corpus(manifest: Manifest, folder: Path) -> Corpus:
    """Fetch the manifest's packages into `folder` and draw the same files from them on every machine."""
    candidates: dict[str, list[list[CorpusFile]]] = {language: [] for language in manifest.languages}
    for package in manifest.packages:
        files = _eligible(package, manifest, fetch(package, folder))
        for language in package.languages:
            candidates[language].append([file for file in files if file.language == language])
    rules = manifest.sample
    fitting: list[CorpusFile] = []
    held_out: list[CorpusFile] = []
    for language in sorted(candidates):
        drawn = [file for turn in zip_longest(*candidates[language]) for file in turn if file is not None]
        # A small language gives a tenth of its files to the held-out part, like a large one.
        kept = min(rules.files_per_language, len(drawn) - len(drawn) // 10)
        fitting += drawn[:kept]
        held_out += drawn[kept : kept + rules.held_out_per_language]
    return Corpus(tuple(fitting), tuple(held_out))


def _eligible(package: Package, manifest: Manifest, archive: Path) -> list[CorpusFile]:
    """Return the package's files of its languages, ordered by the sha256 of their path, equal texts once."""
    endings = {ending: language for language in package.languages for ending in manifest.languages[language]}
    rules = manifest.sample
    found: dict[bytes, tuple[bytes, CorpusFile]] = {}
    for name, content in members(archive):
        path = PurePosixPath(name)
        language = endings.get(path.suffix)
        if language is None or not name.startswith(package.under) or rules.exclude.intersection(path.parts):
            continue
        if not rules.min_bytes <= len(content) <= rules.max_bytes:
            continue
        try:
            text = content.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
        file = CorpusFile(language, f"{package.name}/{name}", text)
        order = hashlib.sha256(file.path.encode()).digest()
        same = hashlib.sha256(content).digest()
        found[same] = min(found.get(same, (order, file)), (order, file), key=lambda entry: entry[0])
    return [file for _, file in sorted(found.values(), key=lambda entry: entry[0])]


def chunk_texts(file: CorpusFile) -> list[str]:
    """Return texts shaped like those that an index embeds of a file: words of the path, then a window of lines.

    Not the chunker of `indexer.stages`: the bundled model has to come out the same when chunking changes.
    """
    header = " ".join(_WORD.findall(file.path.rpartition(".")[0])[-HEADER_WORDS:])
    text = file.text.split("\n")
    windows = ("\n".join(text[at : at + WINDOW_LINES]) for at in range(0, len(text), WINDOW_LINES))
    return [f"{header}\n{window}" for window in windows if window.strip()]


def sample_texts(files: tuple[CorpusFile, ...], *, limit: int) -> list[str]:
    """Return up to `limit` distinct chunk texts, the same number of each language as far as it has them.

    Texts of a language are taken in the order of their sha256; the result is ordered by language, then by sha256.
    """
    pools: dict[str, dict[bytes, str]] = {}
    for file in files:
        pool = pools.setdefault(file.language, {})
        for text in chunk_texts(file):
            pool[hashlib.sha256(text.encode()).digest()] = text
    share = -(-limit // len(pools))
    chosen = {language: [pool[key] for key in sorted(pool)[:share]] for language, pool in sorted(pools.items())}
    return [text for texts in chosen.values() for text in texts][:limit]


def short_texts(texts: list[str]) -> list[str]:
    """Return some single lines of texts, distinct and sorted: about as long as a query."""
    lines = (line.strip() for text in texts for line in text.split("\n")[:12:4])
    return sorted({line for line in lines if line})
