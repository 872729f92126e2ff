"""Questions about the standard library that must stay answered: a floor well below what is measured."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import indexer
from indexer.index import Index
from pipelines.build import build

MODULES = (
    "base64 bisect calendar colorsys configparser copy csv difflib fileinput fnmatch getpass glob graphlib gzip heapq "
    "hmac mimetypes netrc poplib pprint queue random sched secrets shelve shlex shutil smtplib statistics tempfile "
    "textwrap timeit uuid webbrowser"
)

QUESTIONS = {
    "read settings from an ini file": "configparser",
    "ask the user for a password without showing it": "getpass",
    "open a url in the default browser": "webbrowser",
    "send mail through a server with authentication": "smtplib",
    "fetch messages from a mailbox server": "poplib",
    "wrap a paragraph to a line width": "textwrap",
    "measure how long a snippet of code runs": "timeit",
    "compare two texts line by line and show the changes": "difflib",
    "make a temporary directory that is removed afterwards": "tempfile",
    "copy a whole folder with its permissions": "shutil",
    "split a command line like the shell does": "shlex",
    "convert rgb colours to hsv": "colorsys",
    "guess the content type of a file from its name": "mimetypes",
    "standard deviation and median of numbers": "statistics",
    "order tasks by their dependencies": "graphlib",
    "keep python objects in a persistent dictionary": "shelve",
    "wait for items from other threads": "queue",
    "check a message with a secret key": "hmac",
    "pick random elements with weights": "random",
    "which weekday does a month begin with": "calendar",
    "credentials for hosts in the home directory": "netrc",
    "print nested data structures readably": "pprint",
    "insort": "bisect",
    "DictWriter": "csv",
    "nlargest": "heapq",
    "uuid5": "uuid",
    "SMTP.starttls": "smtplib",
    "mkdtemp": "tempfile",
    "token_urlsafe": "secrets",
    "fnmatch.py": "fnmatch",
    "NoOptionError: No option 'port' in section: 'server'": "configparser",
    "binascii.Error: Incorrect padding when decoding b64": "base64",
    'gzip.BadGzipFile: Not a gzipped file (b"PK")': "gzip",
}
FLOOR_FIRST, FLOOR_FIRST_THREE = 0.75, 0.9


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("library")
    library = Path(sysconfig.get_path("stdlib"))
    for name in MODULES.split():
        shutil.copyfile(library / f"{name}.py", folder / f"{name}.py")
    build(folder)
    with indexer.open(folder) as opened:
        yield opened


@pytest.mark.slow
def test_questions_about_the_standard_library(index: Index) -> None:
    answers = {question: [hit.path for hit in index.search(question).hits] for question in QUESTIONS}
    wrong = {question: paths[:3] for question, paths in answers.items() if paths[0] != f"{QUESTIONS[question]}.py"}
    first = 1 - len(wrong) / len(QUESTIONS)
    among_three = sum(f"{QUESTIONS[question]}.py" in paths[:3] for question, paths in answers.items()) / len(QUESTIONS)
    assert first >= FLOOR_FIRST, wrong
    assert among_three >= FLOOR_FIRST_THREE, wrong
