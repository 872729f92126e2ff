"""Record a tour from a real run: docs/demo.cast (asciinema v2), docs/demo.svg, and its text on stdout.

python -m tests.demo

Commands run one after the other in a terminal of their own, over parts of the standard library, without any cache of
the user's. What is recorded is what they write; only the typing of the commands is acted.
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.e2e.conftest import PROGRAM, copy_standard_library

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, HEIGHT = 110, 34
KEY_SECONDS, PAUSE_SECONDS = 0.03, 1.5

EDIT = (
    "printf '\\n\\ndef brew_rooibos(minutes):\\n"
    '    """Steep red bush tea in a glass kettle."""\\n'
    "    return minutes * 60\\n' >> http/cookies.py"
)
TOUR = (
    "indexer build --max-seconds 8",
    "indexer search decode quoted printable -k 1",
    EDIT,
    "indexer build --fast",
    "indexer search steep tea in a kettle -k 1",
)

_MOVES = re.compile(r"\x1b\[(\d*)([AGHJK])|\x1b\[\?25[hl]")


@dataclass
class Recording:
    """What a terminal shows, and when, in seconds from the beginning."""

    events: list[tuple[float, str, str]] = field(default_factory=list)
    now: float = 0.0

    def show(self, text: str, after: float = 0.0) -> None:
        """Add output that comes so many seconds after the last."""
        self.now += after
        self.events.append((round(self.now, 3), "o", text))

    def type(self, command: str) -> None:
        """Act the typing of a command."""
        self.show("\x1b[1;32m$\x1b[0m ", PAUSE_SECONDS)
        for line, key in enumerate(command):
            self.show(key, KEY_SECONDS if line else 0.5)
        self.show("\r\n", 0.3)

    def run(self, command: str, folder: Path, environment: dict[str, str]) -> None:
        """Run a command in a terminal and add what it writes, at the time at which it does."""
        self.type(command)
        main, terminal = pty.openpty()
        os.set_inheritable(terminal, True)
        subprocess.run(["stty", "rows", str(HEIGHT), "cols", str(WIDTH)], stdin=terminal, check=True)
        process = subprocess.Popen(
            ["sh", "-c", command], cwd=folder, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        last = time.monotonic()
        while True:
            try:
                output = os.read(main, 1 << 16)
            except OSError:  # nobody holds the other end any more
                break
            now = time.monotonic()
            self.show(output.decode(errors="replace"), now - last)
            last = now
        os.close(main)
        if process.wait():
            sys.exit(f"{command}: ended with {process.returncode}")

    def cast(self) -> str:
        """Return the recording in the format of asciinema, version 2."""
        header = {"version": 2, "width": WIDTH, "height": HEIGHT, "env": {"TERM": "xterm-256color"}}
        return "".join(json.dumps(part) + "\n" for part in (header, *self.events))

    def screen(self) -> str:
        """Return what is left on the screen, with colours: of lines that were written over, the last version."""
        rows, row, column = [""], 0, 0
        for part in re.split(r"(\r|\n|\x1b\[\?25[hl]|\x1b\[\d*[AGHJK])", "".join(text for _, _, text in self.events)):
            if part == "\n":
                row += 1
                rows += [""] * (row + 1 - len(rows))
            elif part == "\r":
                column = 0
            elif move := _MOVES.fullmatch(part):
                if move[2] == "A":
                    row = max(0, row - int(move[1] or 1))
                elif move[2] in ("K", "J"):
                    rows[row] = ""
            elif part:
                rows[row] = part if column == 0 else rows[row] + part
                column += len(part)
        return "\n".join(rows)


def svg(screen: str) -> str:
    """Return a picture of a terminal, which names no font of any network."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(screen))
    drawn = console.export_svg(title="indexer", unique_id="demo")
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


def main() -> None:
    """Record the tour."""
    recording = Recording()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = folder / "library"
        library.mkdir()
        copy_standard_library(library)
        environment = {
            "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
            "HOME": name,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        for command in TOUR:
            recording.run(command, library, environment)
    recording.show("\x1b[1;32m$\x1b[0m ", PAUSE_SECONDS)
    (DOCS / "demo.cast").write_text(recording.cast())
    screen = recording.screen()
    (DOCS / "demo.svg").write_text(svg(screen))
    sys.stdout.write(re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", screen) + "\n")


if __name__ == "__main__":
    main()
