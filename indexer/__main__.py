"""`python -m indexer`, and the `indexer` command."""

from __future__ import annotations

import gc

from indexer.installed import pipelines_module

GARBAGE = 200_000
"""So many objects more than before are looked through for cycles at a time: a build makes millions and few cycles."""


def main() -> None:
    """Run the command line; ends the process."""
    gc.set_threshold(GARBAGE)
    try:
        pipelines_module("cli.main").main()
    finally:
        gc.freeze()  # or the interpreter would look through all objects once more before it ends


if __name__ == "__main__":
    main()
