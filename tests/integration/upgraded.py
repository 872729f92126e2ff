"""A tree whose vectors are upgraded, not at all, or until something stops it."""

from __future__ import annotations

from pathlib import Path

from indexer.config import BuildOptions, Config
from pipelines.progress import Silence

FAST = Config(build=BuildOptions(upgrade="never"))
FUNCTIONS = 3


def write_tree(root: Path, *, files: int = 4, word: str = "original") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "tests").mkdir(exist_ok=True)
    for number in range(files):
        body = "\n\n".join(
            f"def {word}_{number}_{place}(value):\n"
            f'    """Return what {word} makes of the value {number * place}."""\n'
            f"    result = value * {number} + {place}\n"
            f"    return {{'{word}': result, 'place': {place}, 'number': {number}}}\n"
            for place in range(FUNCTIONS)
        )
        (root / f"module_{number}.py").write_text(body)
        (root / "tests" / f"test_module_{number}.py").write_text(body.replace("def ", "def test_"))
    (root / "README.md").write_text(f"# Words\n\nWhat {word} does.\n")
    return root


class Stopped(Silence):
    """Raises what a user or a kill does, once so many chunks of the upgrade have their vector."""

    def __init__(self, after: int) -> None:
        self._left: int | None = None
        self._after = after

    def upgrading(self, chunks: int) -> None:
        """Count from here on."""
        self._left = self._after

    def vectors(self, chunks: int) -> None:
        """Count, and stop."""
        if self._left is not None:
            self._left -= chunks
            if self._left < 0:
                raise KeyboardInterrupt
