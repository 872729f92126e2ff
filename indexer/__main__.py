"""`python -m indexer`, and the `indexer` command."""

from __future__ import annotations

from indexer.installed import pipelines_module


def main() -> None:
    """Run the command line; ends the process."""
    pipelines_module("cli.main").main()


if __name__ == "__main__":
    main()
